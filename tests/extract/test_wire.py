from __future__ import annotations

import contextlib
import io
import json
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.cells import Cells, Coded
from piiscan.errors import Encrypted, LimitReached, Malformed, ObjectError
from piiscan.extract import frames, wire
from piiscan.extract.places import lazy
from piiscan.model import ColumnSegment, Place, Segment, TextSegment

texts = st.text(st.characters(), max_size=30)
counts = st.integers(0, 1 << 40)
places = st.builds(
    Place,
    line=st.none() | counts,
    page=st.none() | counts,
    column_name=st.none() | texts,
    part=st.none() | texts,
    member=st.none() | st.lists(texts, min_size=1, max_size=3).map(tuple),
)


@st.composite
def text_segments(draw: st.DrawFn) -> TextSegment:
    text = draw(texts)
    starts = sorted(draw(st.lists(st.integers(0, 30), max_size=4)))
    return TextSegment(
        text,
        draw(st.none() | counts),
        tuple(starts),
        tuple(draw(places) for _ in starts),
        draw(st.none() | st.just((0, len(text)))),
        draw(st.none() | counts),
        draw(counts),
        draw(st.booleans()),
    )


@st.composite
def column_segments(draw: st.DrawFn) -> ColumnSegment:
    values = draw(st.lists(texts, max_size=5))
    some = st.lists(counts, min_size=len(values), max_size=len(values))
    names = st.lists(texts, min_size=len(values), max_size=len(values))
    return ColumnSegment(
        header=draw(texts),
        path=draw(texts),
        values=values,
        rows=np.array(draw(some), dtype=np.int64),
        base=draw(places),
        axis=draw(st.sampled_from(["row", "record"])),
        lines=draw(st.none() | some),
        paths=draw(st.none() | names),
        cells=draw(st.none() | names),
    )


def same(a: Segment, b: Segment) -> bool:
    if isinstance(a, TextSegment) or isinstance(b, TextSegment):
        return a == b
    return (
        (a.header, a.path, list(a.values), a.base, a.axis) == (b.header, b.path, list(b.values), b.base, b.axis)
        and list(a.rows) == list(b.rows)
        and [a.place_of(i) for i in range(len(a.values))] == [b.place_of(i) for i in range(len(b.values))]
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(text_segments(), column_segments()), max_size=3))
def test_segments_come_back_as_they_were(segments: list[Segment]) -> None:
    out = io.BytesIO()
    for segment in segments:
        wire.write_segment(out, segment)
    out.seek(0)
    back = []
    while (frame := frames.read(out)) is not None:
        back.append(wire.segment_of(*frame))
    assert len(back) == len(segments)
    assert all(same(a, b) for a, b in zip(segments, back, strict=True))


def test_lone_surrogates_survive() -> None:
    out = io.BytesIO()
    wire.write_segment(out, TextSegment("a\udc80b"))
    out.seek(0)
    frame = frames.read(out)
    assert frame is not None
    assert wire.segment_of(*frame) == TextSegment("a\udc80b")


def test_large_columns_go_in_parts() -> None:
    values = ["v" * 5_000_000 for _ in range(8)]
    out = io.BytesIO()
    wire.write_segment(out, ColumnSegment("h", "", values, list(range(8)), cells=[f"A{n}" for n in range(8)]))
    out.seek(0)
    rows: list[int] = []
    while (frame := frames.read(out)) is not None:
        segment = wire.segment_of(*frame)
        assert isinstance(segment, ColumnSegment)
        rows.extend(int(row) for row in segment.rows)
        assert segment.cells is not None
        assert len(segment.cells) == len(segment.values)
    assert rows == list(range(8))


@pytest.mark.parametrize("err", [Encrypted("locked"), LimitReached("full", reason="MEMORY_LIMIT"), ObjectError("x")])
def test_errors_keep_class_reason_and_outcome(err: ObjectError) -> None:
    back = wire.error_of(wire.error_payload(err))
    assert type(back) is type(err)
    assert (str(back), back.reason, back.outcome) == (str(err), err.reason, err.outcome)


def frame(kind: bytes, payload: object, tail: bytes = b"") -> bytes:
    data = json.dumps(payload).encode()
    return struct.pack(">cII", kind, 4 + len(data) + len(tail), len(data)) + data + tail


GOOD: dict[str, object] = {
    "text": "abc",
    "offset": None,
    "starts": [0],
    "shared": {},
    "each": [],
    "core": None,
    "line": None,
}
GOOD |= {"column": 1, "prose": True}
COLUMN: dict[str, object] = {"header": "", "path": "", "values": ["a"], "rows": [1], "base": {}, "axis": "row"}


WRONG_TEXTS: list[dict[str, object]] = [
    {"text": 1},
    {"starts": [-1]},
    {"shared": {"line": "x"}},
    {"shared": {"unknown": 1}},
    {"shared": []},
    {"shared": {"line": True}},
    {"each": ["line"], "each.line": [1, 2]},
    {"each": ["line"], "each.line": ["x"]},
    {"each": ["unknown"], "each.unknown": [None]},
    {"each": ["line"], "each.line": [-1]},
    {"each": {}},
    {"each": [1]},
    {"each": ["line"]},
    {"core": [0, 99]},
    {"core": "x"},
    {"line": True},
    {"prose": 1},
    {"column": None},
    {"starts": [1 << 70]},
    {"shared": {"member": [1]}},
    {"each": ["member"], "each.member": [[1]]},
]
WRONG_COLUMNS: list[dict[str, object]] = [
    {"values": [1]},
    {"rows": [1, 2]},
    {"axis": "x"},
    {"cells": []},
    {"header": None},
    {"rows": [1.5]},
]


WRONG_TAILS: list[object] = [
    1,
    [1],
    [["text", "s", 9]],
    [["text", "s", -8]],
    [["text", "s", 4]],
    [["text", "x", 8]],
    [["text", "l", 8]],
    [["text", "q", 8]],
    [["starts", "q", 7]],
    [["starts", "s", 8]],
    [[1, "s", 8]],
    [["offset", "q", 8]],
    [["line", "l", 8]],
    [["shared", "q", 8]],
    [["text", "c", 8]],
    [["starts", "c", 8]],
    [["shared", "c", 8]],
]


WRONG_CELLS: list[tuple[dict[str, object], bytes]] = [
    ({}, b""),
    ({}, b"\0\0\0"),
    ({}, struct.pack(">I", 1) + b"\0\0"),
    ({}, struct.pack(">I", 1 << 31)),
    ({}, struct.pack(">I", 1) + struct.pack("<i", -1)),
    ({}, struct.pack(">I", 1) + struct.pack("<i", 2) + b"a"),
    ({}, struct.pack(">I", 1) + struct.pack("<i", 0) + b"a"),
    ({}, struct.pack(">I", 2) + struct.pack("<ii", 3, -2) + b"a"),
    ({}, struct.pack(">I", 1) + struct.pack("<i", 1) + b"\xff"),
    ({}, struct.pack(">I", 2) + struct.pack("<ii", 1, 1) + "é".encode()),
    ({"codes": [1]}, struct.pack(">I", 1) + struct.pack("<i", 1) + b"a"),
    ({"codes": [-1]}, struct.pack(">I", 1) + struct.pack("<i", 1) + b"a"),
    ({"codes": [0, 0]}, struct.pack(">I", 1) + struct.pack("<i", 1) + b"a"),
    ({"codes": "0"}, struct.pack(">I", 1) + struct.pack("<i", 1) + b"a"),
    ({"codes": [0]}, struct.pack(">I", 0)),
]
"""What goes with a column of one row, and the bytes that are to be its cells."""


def read_one(data: bytes) -> Segment:
    got = frames.read(io.BytesIO(data))
    assert got is not None
    return wire.segment_of(*got)


@pytest.mark.parametrize(
    "data",
    [
        b"Z\0\0\0\0",
        b"T\xff\xff\xff\xff",
        b"T\0\0\0\x05ab",
        b"T\0\0",
        frame(b"T", []),
        b"T\0\0\0\x02\xff\xff",
        b"T\0\0\0\x06\0\0\0\x02\xff\xff",
        b"T\0\0\0\x06\xff\0\0\x02{}",
        frame(b"T", GOOD, b"more"),
        struct.pack(">cII", b"T", 200_004, 200_000) + b"[" * 200_000,
        *[frame(b"T", GOOD | {"tails": tails}, b"12345678") for tails in WRONG_TAILS],
        frame(b"T", GOOD | {"starts": 1, "tails": [["starts", "q", 8]]}, b"\xff" * 8),
        *[frame(b"T", GOOD | change) for change in WRONG_TEXTS],
        frame(b"T", GOOD | {"starts": [2, 1]}),
        *[frame(b"C", COLUMN | change) for change in WRONG_COLUMNS],
        *[frame(b"C", COLUMN | more | {"tails": [["values", "c", len(tail)]]}, tail) for more, tail in WRONG_CELLS],
        frame(b"C", COLUMN | {"tails": [["paths", "c", 9]]}, struct.pack(">I", 1) + struct.pack("<i", 1) + b"a"),
    ],
    ids=lambda _: "frame",
)
def test_garbage_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_one(data)


@pytest.mark.parametrize("change", [{"type": "SystemExit"}, {"reason": "x y"}, {"outcome": "scanned"}, {"message": 1}])
def test_errors_that_are_none_of_ours(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        wire.error_of(wire.error_payload(Encrypted("x")) | change)


def test_messages_hold_no_control_characters() -> None:
    assert wire.note_of({"note": "a\x1b[31m\nb"}) == "a [31m b"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_read_or_are_malformed(data: bytes) -> None:
    source = io.BytesIO(data)
    with contextlib.suppress(Malformed):
        while (got := frames.read(source)) is not None:
            wire.segment_of(*got)


def test_columns_of_no_places_end() -> None:
    data = frame(b"T", GOOD | {"starts": [], "each": ["line"], "each.line": []})
    assert read_one(data) == TextSegment("abc")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=3), st.sampled_from(["a\nb", "\0", "\x1f\ue000"])), min_size=64, max_size=99)
)
def test_long_columns_come_back_whatever_they_hold(values: list[str]) -> None:
    segment = ColumnSegment("h", "$.h", values, list(range(len(values))), cells=values, lines=list(range(len(values))))
    out = io.BytesIO()
    wire.write_segment(out, segment)
    assert same(read_one(out.getvalue()), segment)


def coded(values: list[str], codes: list[int]) -> Coded:
    return Coded(Cells.of(values), np.array(codes))


@pytest.mark.parametrize(
    "values",
    [
        Cells.of(["a", "é 字", "", "two\nlines"]),
        Cells.of(["x", "a", "é", "y"])[1:3],
        coded(["a", "é 字"], [0, 1, 1, 0]),
        coded(["a"], [0] * 200),
    ],
    ids=["cells", "slice", "coded", "one"],
)
def test_cells_come_back_as_cells(values: Cells) -> None:
    segment = ColumnSegment("h", "", values, list(range(len(values))))
    out = io.BytesIO()
    wire.write_segment(out, segment)
    back = read_one(out.getvalue())
    assert same(back, segment)
    assert isinstance(back, ColumnSegment)
    assert type(back.values) is type(values)
    if isinstance(values, Coded) and isinstance(back.values, Coded):
        assert len(back.values.distinct) == len(values.distinct)


def test_a_value_that_stands_often_goes_in_parts_that_are_small_spelt_out() -> None:
    values = coded(["v" * 1_000_000, "w"], [0, 1] * 100)
    out = io.BytesIO()
    wire.write_segment(out, ColumnSegment("h", "", values, list(range(200))))
    assert out.tell() < 20_000_000
    out.seek(0)
    back: list[str] = []
    while (frame := frames.read(out)) is not None:
        part = wire.segment_of(*frame)
        assert isinstance(part, ColumnSegment)
        assert sum(map(len, part.values)) <= 16_000_000
        back += part.values
    assert back == list(values)


def test_places_as_columns_come_back_equal() -> None:
    count = 100
    columns: dict[str, Sequence[object]] = {"line": list(range(1, count + 1)), "tag": ["a", None] * (count // 2)}
    places = lazy(Place(member=("x",)), columns, count)
    segment = TextSegment("x\n" * count, starts=tuple(range(0, 2 * count, 2)), places=places)
    out = io.BytesIO()
    wire.write_segment(out, segment)
    back = read_one(out.getvalue())
    assert back == segment
    assert isinstance(back, TextSegment)
    assert back.place_of(5) == Place(member=("x",), line=3, tag="a")
    assert back.places == tuple(places)
    assert hash(back) == hash(segment)


def test_a_text_of_zeros_is_no_larger_on_the_wire() -> None:
    out = io.BytesIO()
    wire.write_segment(out, TextSegment("\0" * 10_000))
    assert len(out.getvalue()) < 10_500
