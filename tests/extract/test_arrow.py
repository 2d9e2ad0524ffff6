"""Arrow, Feather and ORC: rows, nested paths, types that Python cannot hold, and damage."""

from __future__ import annotations

import io
import warnings
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pytest
from pyarrow import orc

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Budget, Job, Limits, arrow, segments
from piiscan.identify import identify
from tests.extract.make import MAIL, extract, places_of
from tests.extract.mutate import survives

MAPS = pa.map_(pa.string(), pa.string())


def table(rows: int = 3) -> Any:
    count = rows // 3
    return pa.table(
        {
            "mail": ["a", None, MAIL] * count,
            "who": [{"phones": ["5550100", "5550101"], "zip": 1}] * rows,
            "tags": pa.array([[("kind", "v1")], None, [("other", "v2")]] * count, MAPS),
            "raw": [b"\xff\0hidden text", b"plain", None] * count,
            "size": pa.array(["small", "large", "small"] * count).dictionary_encode(),
        }
    ).replace_schema_metadata({"owner": "made by hand"})


def file(data: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, data.schema, **options) as writer:
        writer.write_table(data, max_chunksize=3)
    return out.getvalue()


def stream(data: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, data.schema, **options) as writer:
        writer.write_table(data, max_chunksize=3)
    return out.getvalue()


def orc_file(data: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    orc.write_table(data, out, **options)
    return out.getvalue()


def old_feather(data: Any) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        feather.write_feather(data, out, version=1)
    return out.getvalue()


def read(data: bytes, limits: Limits | None = None) -> tuple[list[Any], Job]:
    job = Job("x", budget=Budget(limits or Limits(), bytes_in=len(data)))
    return list(segments(io.BytesIO(data), job)), job


def test_all_are_known_by_their_content() -> None:
    kinds = {
        arrow.FILE: file(table()),
        arrow.STREAM: stream(table()),
        arrow.ORC: orc_file(table().drop_columns(["size"])),
        arrow.FEATHER: old_feather(table().select(["mail"])),
    }
    for media_type, data in kinds.items():
        assert identify(io.BytesIO(data), "x").media_type == media_type


@pytest.mark.parametrize("text", ["ORCID,mail\n0000,a\n1111,b\n", "PARENT,CHILD\na,b\nc,d\n", "FEA1,FEA2\n1,2\n3,4\n"])
def test_words_are_no_magic(text: str) -> None:
    assert identify(io.BytesIO(text.encode()), "x.csv").media_type == "text/csv"


@pytest.mark.parametrize("form", [file, stream])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_nested_columns_by_path(form: Any, compression: str | None) -> None:
    found, job = read(form(table(6), options=pa.ipc.IpcWriteOptions(compression=compression)))
    assert [(p.row, p.column_name) for p in places_of(found, MAIL)] == [(3, "mail"), (6, "mail")]
    assert [(p.row, p.path) for p in places_of(found, "5550101")][:2] == [
        (1, "who.phones.list.element"),
        (2, "who.phones.list.element"),
    ]
    assert [(p.row, p.path) for p in places_of(found, "v2")] == [
        (3, "tags.key_value.value"),
        (6, "tags.key_value.value"),
    ]
    assert [p.row for p in places_of(found, "hidden text")] == [1, 4]
    assert [p.row for p in places_of(found, "large")] == [2, 5]
    assert places_of(found, "made by hand")[0].part == "metadata"
    assert not job.budget.notes


def test_orc_by_stripes() -> None:
    data = orc_file(table(60_000).drop_columns(["size"]), stripe_size=1 << 16)
    assert orc.ORCFile(io.BytesIO(data)).nstripes > 1
    found, job = read(data)
    assert [p.row for p in places_of(found, MAIL)] == list(range(3, 60_001, 3))
    assert {p.path for p in places_of(found, "5550100")} == {"who.phones.list.element"}
    assert not job.budget.notes


def test_feather_of_version_1() -> None:
    found, _ = read(old_feather(table().select(["mail", "raw"])))
    assert [(p.row, p.column_name) for p in places_of(found, MAIL)] == [(3, "mail")]
    assert [p.row for p in places_of(found, "plain")] == [2]


def test_rare_types() -> None:
    union = pa.UnionArray.from_dense(
        pa.array([0, 1, 0], pa.int8()),
        pa.array([0, 0, 1], pa.int32()),
        [pa.array(["first", "later"]), pa.array([4111111111111111])],
        ["text", "number"],
    )
    data = pa.table(
        {
            "u": union,
            "r": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), ["again", "once"]),
            "v": pa.array([["x1"], None, ["y1", "y2"]], pa.list_view(pa.string())),
            "s": pa.array(["view", None, "w"], pa.string_view()),
            "f": pa.array([["f1", "f2"], None, ["f3", "f4"]], pa.list_(pa.string(), 2)),
            "n": pa.array([1, 2, 3], pa.timestamp("ns")),
            "i": pa.array([pa.MonthDayNano([1, 2, 3]), None, None]),
            "d": pa.array([-800_000, None, 0], pa.date32()),
        }
    )
    found, job = read(stream(data))
    rows = {
        value: [p.row for p in places_of(found, value)] for value in ("first", "later", "again", "once", "y2", "f4")
    }
    assert rows == {"first": [1], "later": [3], "again": [1, 2], "once": [3], "y2": [3], "f4": [3]}
    (number,) = places_of(found, "4111111111111111")
    assert (number.row, number.column_name, number.path) == (2, "number", "u.number")
    assert not job.budget.notes


def test_a_document_in_a_column_is_a_member() -> None:
    inner = file(pa.table({"note": [MAIL]}))
    found, _ = read(file(pa.table({"id": [1, 2], "attachment": [None, inner]})))
    (place,) = places_of(found, MAIL)
    assert (place.member, place.row, place.column_name) == (("attachment[2]",), 1, "note")


@pytest.mark.parametrize("form", [file, stream])
def test_a_large_file_is_read_column_by_column(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "_LARGE", 1)
    found, _ = read(form(table(6)))
    assert [(p.row, p.column_name) for p in places_of(found, MAIL)] == [(3, "mail"), (6, "mail")]
    assert len(places_of(found, "v2")) == 2


def test_a_file_without_its_footer_is_a_stream() -> None:
    found, job = read(file(table(6))[:-100])
    assert [p.row for p in places_of(found, MAIL)] == [3, 6]
    assert job.budget.notes[-1].startswith("MALFORMED_FILE: an Arrow file without its footer")


def test_a_stream_that_breaks_off() -> None:
    data = stream(table(30))
    found, job = read(data[: len(data) * 2 // 3])
    assert places_of(found, MAIL)
    assert job.budget.notes[0].startswith("MALFORMED_FILE: the stream is damaged or breaks off after row")


def test_few_bytes_that_hold_gigabytes_are_stopped() -> None:
    out = io.BytesIO()
    data = pa.table({"a": pa.array(["A" * 1000] * 30_000)})
    with pa.ipc.new_file(out, data.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(data)
    with pytest.raises(LimitReached):
        read(out.getvalue(), Limits(ratio_from=1 << 20, ratio=20))


def test_damage_is_said() -> None:
    data = orc_file(pa.table({"a": ["x"] * 100}))
    with pytest.raises(Malformed):
        read(data[:-20])
    with pytest.raises(ObjectError):
        extract(b"ARROW1\0\0" + bytes(100), arrow.FILE)


@pytest.mark.parametrize("form", [file, stream])
def test_damage_never_escapes(form: Any) -> None:
    kind = arrow.FILE if form is file else arrow.STREAM
    small = pa.table({"a": ["x", MAIL], "b": [1, 2]})
    assert survives(form(small), kind, 60) >= 1
