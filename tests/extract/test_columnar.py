"""Parquet: rows over the file, nested paths, and a file that is not what it says."""

from __future__ import annotations

import datetime
import io
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from piiscan.errors import LimitReached, Malformed
from piiscan.extract import Budget, ColumnSegment, Job, TextSegment, segments
from piiscan.extract.spooled import Pieces
from piiscan.model import Segment

MAIL = "ana@example.org"


def written(columns: dict[str, Any], metadata: dict[str, str] | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    table = pa.table(columns)
    if metadata:
        table = table.replace_schema_metadata(metadata)
    pq.write_table(table, out, **options)
    return out.getvalue()


def read(data: bytes) -> list[Segment]:
    return list(segments(io.BytesIO(data), Job(name="x", budget=Budget(bytes_in=len(data)))))


def columns(found: list[Segment]) -> dict[str, list[tuple[int, str]]]:
    out: dict[str, list[tuple[int, str]]] = {}
    for s in found:
        if isinstance(s, ColumnSegment):
            out.setdefault(s.path or s.header, []).extend(zip(map(int, s.rows), s.values, strict=True))
    return out


def test_flat_types() -> None:
    data = written(
        {
            "mail": [MAIL, "", None, "b"],
            "n": pa.array([4111111111111111, None, 2, 3]),
            "f": [4111111111111111.0, 1.5, None, 2.0],
            "raw": [b"\xff", b"ok", None, b""],
            "dict": pa.array(["p", "q", "p", None]).dictionary_encode(),
            "day": [datetime.date(2020, 1, 2), None, None, None],
            "flag": [True, False, True, None],
        }
    )
    assert columns(read(data)) == {
        "mail": [(1, MAIL), (4, "b")],
        "n": [(1, "4111111111111111"), (3, "2"), (4, "3")],
        "f": [(1, "4111111111111111"), (2, "1.5"), (4, "2")],
        "raw": [(2, "ok")],
        "dict": [(1, "p"), (2, "q"), (3, "p")],
        "day": [(1, "2020-01-02")],
    }


def test_nested_types_go_by_path() -> None:
    kind = pa.map_(pa.string(), pa.string())
    data = written(
        {
            "l": [["x", "y"], None, ["z"]],
            "s": [{"a": {"b": ["q"]}}, {"a": None}, {"a": {"b": ["r", "t"]}}],
            "m": pa.array([[("k", "v")], None, [("k2", None), ("k3", "w")]], kind),
        }
    )
    found = read(data)
    assert columns(found) == {
        "l.list.element": [(1, "x"), (1, "y"), (3, "z")],
        "s.a.b.list.element": [(1, "q"), (3, "r"), (3, "t")],
        "m.key_value.key": [(1, "k"), (3, "k2"), (3, "k3")],
        "m.key_value.value": [(1, "v"), (3, "w")],
    }
    assert {s.header for s in found if isinstance(s, ColumnSegment)} == {"l", "b", "m"}


def test_rows_count_over_row_groups_and_batches() -> None:
    data = written({"id": list(range(50_000)), "mail": [MAIL] * 50_000}, row_group_size=7_000)
    assert columns(read(data))["id"] == [(n + 1, str(n)) for n in range(50_000)]


def test_the_footer_is_read() -> None:
    found = read(written({"a": ["x"]}, {"owner": MAIL}))
    assert isinstance(found[0], TextSegment)
    assert found[0].text == f"owner: {MAIL}"
    assert found[0].place_of(0).part == "metadata"


def test_a_stream_that_cannot_be_sought_in_is_spooled() -> None:
    data = written({"a": ["x", "y"]})
    stream = cast(BinaryIO, Pieces(iter((data,))))
    assert columns(list(segments(stream, Job(name="x")))) == {"a": [(1, "x"), (2, "y")]}


@pytest.mark.parametrize("cut", [12, -30])
def test_damage_is_said(cut: int) -> None:
    data = written({"a": ["x"] * 100})
    with pytest.raises(Malformed):
        read(data[:cut])


def test_few_bytes_that_hold_gigabytes_are_stopped() -> None:
    data = written({"a": pa.array(["A" * 1000] * 100_000)}, compression="zstd")
    with pytest.raises(LimitReached) as caught:
        read(data)
    assert caught.value.reason == "ARCHIVE_EXCEEDS_SIZE_LIMIT"
