"""Findings as a Parquet file, a row a finding, written row group by row group. Source: Apache Parquet, zstd pages."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from piiscan.report.context import Context
from piiscan.report.names import clean
from piiscan.report.rows import describe

ROWS = 10_000
"""Findings of a row group."""

_OF_FINDING = {
    "finding": "string", "object": "string", "source": "string", "media_type": "string", "rule": "string",
    "name": "string", "macie": "string", "category": "string", "severity": "string", "confidence": "float64",
    "count": "int64", "distinct": "int64", "test_data": "bool_",
}  # fmt: skip
_OF_MORE = {
    "run": "int32", "first_seen": "time", "last_seen": "time", "size": "int64", "bytes_examined": "int64",
    "etag": "string", "version": "string", "modified": "time", "outcome": "string", "reason": "string",
    "region": "string", "tags": "strings", "state": "string", "counted": "bool_",
}  # fmt: skip
_OF_PLACES = {"places": "int64", "first_place": "string", "first_masked": "string"}
COLUMNS = {**_OF_FINDING, "distinct_exact": "bool_", **_OF_MORE, **_OF_PLACES}
"""Names and types: those of the JSON lines, then what is known of object and run, then the first place."""


class _Written(io.RawIOBase):
    """A file that gives away what was written into it."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        """What was written since the last time."""
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)


def render(findings: Iterable[dict[str, Any]], *, context: Context) -> Iterator[bytes]:
    """The file, in pieces."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"time": pa.timestamp("us", tz="UTC"), "strings": pa.list_(pa.string())}
    schema = pa.schema([(name, types.get(kind) or getattr(pa, kind)()) for name, kind in COLUMNS.items()])
    out, waiting = _Written(), iter(findings)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while rows := [_row(finding) for finding in islice(waiting, ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=ROWS)
            yield out.taken()
    yield out.taken()


def _row(finding: dict[str, Any]) -> dict[str, Any]:
    occurrences = finding["occurrences"]
    return {
        **{name: clean(finding[name]) for name in _OF_FINDING},
        "distinct_exact": finding.get("distinct_exact", True),
        **{name: clean(finding["more"][name]) for name in _OF_MORE},
        "places": len(occurrences),
        "first_place": clean(describe(occurrences[0]["place"])) if occurrences else None,
        "first_masked": clean(occurrences[0]["masked"]) if occurrences else None,
    }
