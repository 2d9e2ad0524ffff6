"""Room 8, on its way: a shard's results as one Parquet file, named after run and shard, complete or not there.

The file holds rows of eight kinds (object, finding, occurrence, value, allowed, unread part, evidence, sketch) in one
wide table, one kind in a row group; columns that a kind does not use are null and cost nothing. Nothing in it is in
clear: masks, fingerprints and hashes only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from piiscan import stages
from piiscan.fingerprints import Counts, Digests, Fingerprints
from piiscan.model import Finding, ObjectReport
from piiscan.ports import ShardFile

OBJECT, FINDING, OCCURRENCE, VALUE, ALLOWED, UNREAD, EVIDENCE, SKETCH, COLUMN, TOGETHER = range(10)
PART = ".part"
"""Suffix of a shard that is a part of an object: it is no result before the others are there, and lost with a run."""
MOST_PEOPLE = 2**31 - 1
"""More are not counted."""
HELD = 1 << 18
"""Distinct values of reports that are held before they are written."""
GROUP = 1 << 16
"""Rows of a row group at the most."""


def object_id(source: str, key: str) -> int:
    """64 bits that name an object in the store. Source: BLAKE2b, RFC 7693."""
    raw = hashlib.blake2b(_joined(source, key), digest_size=8).digest()
    return int.from_bytes(raw, "big", signed=True)


def finding_id(source: str, key: str, rule: str) -> bytes:
    """The identity of a finding: BLAKE2b-128 of source, key and rule; the same in each run."""
    return hashlib.blake2b(_joined(source, key, rule), digest_size=16).digest()


def _joined(*parts: str) -> bytes:
    return b"\0".join(p.encode("utf-8", "surrogatepass") for p in parts)


def shard_path(spool: Path, run: int, number: int) -> Path:
    """Where a shard's file lies: its name follows from run and shard alone, so a repeated shard overwrites itself."""
    return spool / f"{run:08d}" / f"{number:08d}.parquet"


def write_shard(
    spool: Path, run: int, number: int, reports: Iterable[ObjectReport], catalogue: str, *, piece: bool = False
) -> ShardFile:
    """Write a shard's results as they come: temporary name, fsync, rename. Raises: OSError, and what `reports` raises.

    The file is begun when the last report is there, or when many values wait for it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = shard_path(spool, run, number)
    if piece:
        path = path.with_suffix(PART)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    schema = _schema(pa)
    repeated = [name for name in schema.names if name not in ("fingerprint", "sketch", "head")]
    parts = _parts(reports)
    part: list[ObjectReport] | None = next(parts)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with draft.open("wb") as out:
        os.chmod(draft, 0o600)
        with pq.ParquetWriter(out, schema, compression="zstd", use_dictionary=repeated) as writer:
            while part is not None:
                for rows in _kinds(part, catalogue):
                    _write(writer, schema, rows)
                part.clear()  # they would stay while the next ones come
                part = next(parts, None)
        out.flush()
        os.fsync(out.fileno())
    stages.reached("spool")
    os.replace(draft, path)
    return ShardFile(run, number, str(path))


def _parts(reports: Iterable[ObjectReport]) -> Iterator[list[ObjectReport]]:
    """The reports in parts of so many distinct values that memory does not grow with the shard; at least one part."""
    part: list[ObjectReport] = []
    held = 0
    for report in reports:
        part.append(report)
        held += sum(len(finding.values) for finding in report.findings)
        if held > HELD:
            yield part
            part, held = [], 0
    yield part


def _write(writer: Any, schema: Any, rows: dict[str, Any]) -> None:
    import pyarrow as pa

    size = len(rows["kind"])
    for at in range(0, size, GROUP):
        count = min(GROUP, size - at)
        arrays = []
        for field in schema:
            column = rows.get(field.name)
            if column is None:
                arrays.append(pa.nulls(count, field.type))
            else:
                piece = column[at : at + count]
                arrays.append(piece if isinstance(piece, pa.Array) else pa.array(piece, field.type))
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=GROUP)


def _schema(pa: Any) -> Any:
    return pa.schema(
        [
            ("kind", pa.int8()),
            ("oid", pa.int64()),
            ("source", pa.string()),
            ("key", pa.string()),
            ("media_type", pa.string()),
            ("size", pa.int64()),
            ("etag", pa.string()),
            ("modified", pa.timestamp("us")),
            ("version", pa.string()),
            ("catalogue", pa.string()),
            ("outcome", pa.string()),
            ("reason", pa.string()),
            ("bytes_examined", pa.int64()),
            ("names_examined", pa.int64()),
            ("risk", pa.int16()),
            ("reasons", pa.string()),
            ("finding", pa.binary(16)),
            ("rule", pa.string()),
            ("category", pa.string()),
            ("severity", pa.int8()),
            ("confidence", pa.float32()),
            ("count", pa.int64()),
            ("distinct_values", pa.int64()),
            ("distinct_exact", pa.bool_()),
            ("test_data", pa.bool_()),
            ("seq", pa.int64()),
            ("char_start", pa.int64()),
            ("char_length", pa.int32()),
            ("place", pa.string()),
            ("masked", pa.string()),
            ("fingerprint", pa.binary(16)),
            ("sketch", pa.binary()),
            ("head", pa.uint64()),
        ]
    )


def _kinds(reports: Sequence[ObjectReport], catalogue: str) -> Iterator[dict[str, Any]]:
    """Columns of the ten kinds, one dict each, but several of values where there are many."""
    ids = [object_id(r.ref.source, r.ref.key) for r in reports]
    yield {
        "kind": [OBJECT] * len(reports),
        "oid": ids,
        "source": [_clean(r.ref.source) for r in reports],
        "key": [_clean(r.ref.key) for r in reports],
        "media_type": [r.media_type for r in reports],
        "size": [r.ref.size for r in reports],
        "etag": [r.ref.etag for r in reports],
        "modified": [_utc(r.ref.modified) for r in reports],
        "version": [r.ref.version for r in reports],
        "catalogue": [catalogue] * len(reports),
        "outcome": [r.outcome.value for r in reports],
        "reason": [_clean(r.reason) for r in reports],
        "bytes_examined": [r.bytes_examined for r in reports],
        "names_examined": [r.names_examined for r in reports],
        "risk": [r.risk.value for r in reports],
        "reasons": [json.dumps(r.risk.reasons, ensure_ascii=False) for r in reports],
        "distinct_exact": [r.verified for r in reports],  # here whether the ETag is the content's MD5
        "seq": [r.ref.part[0] if r.ref.part is not None else None for r in reports],  # of a part, where it begins,
        "count": [r.extent[0] for r in reports],  # how many characters,
        "distinct_values": [r.extent[1] for r in reports],  # line breaks
        "char_start": [r.extent[2] for r in reports],  # and records it has
        "char_length": [min(r.people, MOST_PEOPLE) for r in reports],
    }
    found = [
        (oid, finding_id(r.ref.source, r.ref.key, f.rule), f)
        for oid, r in zip(ids, reports, strict=True)
        for f in r.findings
    ]
    yield {
        "kind": [FINDING] * len(found),
        "oid": [o for o, _, _ in found],
        "finding": [i for _, i, _ in found],
        "rule": [str(f.rule) for _, _, f in found],
        "category": [f.category.value for _, _, f in found],
        "severity": [int(f.severity) for _, _, f in found],
        "confidence": [f.confidence for _, _, f in found],
        "count": [f.count for _, _, f in found],
        "distinct_values": [f.distinct for _, _, f in found],
        "distinct_exact": [f.distinct_exact for _, _, f in found],
        "test_data": [f.test_data for _, _, f in found],
    }
    places = [(oid, i, f.rule, n, o) for oid, i, f in found for n, o in enumerate(f.occurrences)]
    yield {
        "kind": [OCCURRENCE] * len(places),
        "oid": [p[0] for p in places],
        "finding": [p[1] for p in places],
        "rule": [str(p[2]) for p in places],
        "seq": [p[3] for p in places],
        "char_start": [p[4].offset for p in places],
        "char_length": [p[4].length for p in places],
        "place": [_clean(json.dumps(p[4].place.to_json(), ensure_ascii=False)) for p in places],
        "masked": [_clean(p[4].masked) for p in places],
        "confidence": [p[4].confidence for p in places],
        "fingerprint": [p[4].fingerprint for p in places],
    }
    yield from _values((oid, finding) for oid, _, finding in found)
    allowed = [(oid, a) for oid, r in zip(ids, reports, strict=True) for a in r.allowed]
    yield {
        "kind": [ALLOWED] * len(allowed),
        "oid": [oid for oid, _ in allowed],
        "key": [_clean(a.entry) for _, a in allowed],  # here the key names the entry of the list
        "rule": [a.rule for _, a in allowed],
        "count": [a.count for _, a in allowed],
    }
    unread = [(oid, n, note) for oid, r in zip(ids, reports, strict=True) for n, note in enumerate(r.unread)]
    yield {
        "kind": [UNREAD] * len(unread),
        "oid": [oid for oid, _, _ in unread],
        "seq": [n for _, n, _ in unread],
        "reason": [_clean(note) for _, _, note in unread],
    }
    said = [(oid, n, e) for oid, r in zip(ids, reports, strict=True) for n, e in enumerate(r.evidence)]
    yield {
        "kind": [EVIDENCE] * len(said),
        "oid": [oid for oid, _, _ in said],
        "seq": [n for _, n, _ in said],
        "rule": [str(e.rule) for _, _, e in said],
        "reason": [e.said for _, _, e in said],
    }
    sketches = [(oid, r.sketch) for oid, r in zip(ids, reports, strict=True) if r.sketch is not None]
    yield {
        "kind": [SKETCH] * len(sketches),
        "oid": [oid for oid, _ in sketches],
        "sketch": [s.words for _, s in sketches],
        "seq": [s.digits for _, s in sketches],
        "severity": [s.signs for _, s in sketches],  # here its bits
        "reasons": [json.dumps(s.contested) for _, s in sketches],
    }
    columns = [(oid, c) for oid, r in zip(ids, reports, strict=True) for c in r.columns]
    yield {
        "kind": [COLUMN] * len(columns),
        "oid": [oid for oid, _ in columns],
        "place": [_clean(json.dumps(c.member, ensure_ascii=False)) for _, c in columns],
        "source": [_clean(c.table) for _, c in columns],  # here the table, the key being the column's name
        "key": [_clean(c.name) for _, c in columns],
        "rule": [c.rule for _, c in columns],
        "count": [c.cells for _, c in columns],
        "distinct_values": [c.matched for _, c in columns],
    }
    together = [(oid, c) for oid, r in zip(ids, reports, strict=True) for c in r.combinations]
    yield {
        "kind": [TOGETHER] * len(together),
        "oid": [oid for oid, _ in together],
        "key": [c.name for _, c in together],
        "count": [c.units for _, c in together],
        "distinct_exact": [c.exact for _, c in together],
    }


def _values(found: Iterable[tuple[int, Finding]]) -> Iterator[dict[str, Any]]:
    """Columns of the distinct values of findings, about a row group of them at a time."""
    held: list[_Piece] = []
    size = 0
    for oid, finding in found:
        for digests, counts in Fingerprints.of(finding.values).pieces(GROUP):
            held.append((oid, str(finding.rule), digests, counts))
            size += len(digests)
            if size >= GROUP:
                yield _value_columns(held)
                held, size = [], 0
    if held:
        yield _value_columns(held)


_Piece = tuple[int, str, Digests, Counts]
"""Object, rule, and some of the distinct values with their counts."""


def _value_columns(held: Sequence[_Piece]) -> dict[str, Any]:
    import pyarrow as pa

    digests = np.concatenate([piece[2] for piece in held])
    which = np.repeat(np.arange(len(held)), [len(piece[2]) for piece in held])
    return {
        "kind": np.full(len(digests), VALUE, np.int8),
        "oid": np.array([piece[0] for piece in held], np.int64)[which],
        "rule": pa.array([piece[1] for piece in held], pa.string()).take(pa.array(which)),
        "fingerprint": pa.Array.from_buffers(pa.binary(16), len(digests), [None, pa.py_buffer(digests.tobytes())]),
        "head": np.frombuffer(digests.tobytes(), ">u8")[::2].astype(np.uint64),
        "count": np.concatenate([piece[3] for piece in held]),
    }


def _clean(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates as `\\xNN` or `\\uNNNN`."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()


def _utc(moment: datetime | None) -> datetime | None:
    """A naive UTC time, as the store keeps them."""
    if moment is None or moment.tzinfo is None:
        return moment
    from datetime import UTC

    return moment.astimezone(UTC).replace(tzinfo=None)
