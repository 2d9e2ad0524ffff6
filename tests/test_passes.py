"""The passes over bytes: the compiled library and numpy find the same, and what their descriptions say."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.passes import CHUNK, NativePasses, NumpyPasses, Passes, WordTable, native_passes
from piiscan.passes.contract import ENOUGH

NATIVE = native_passes()
BOTH: list[Passes] = [NumpyPasses()] if NATIVE is None else [NumpyPasses(), NATIVE]
each = pytest.mark.parametrize("passes", BOTH, ids=lambda p: type(p).__name__)

# Bytes that are next to the borders of what is looked for, in runs, at every place of a chunk of 64.
_RUNS = st.lists(
    st.tuples(st.sampled_from(b"09/:.,-_+AZaz@[`{;\n\0\x7f\x80\xbf\xc0\xff"), st.integers(1, 70)).map(
        lambda run: bytes([run[0]]) * run[1]
    ),
    max_size=12,
).map(b"".join)
_DENSE = st.lists(st.sampled_from(b"0:-.a "), max_size=200).map(bytes)
blocks = given(st.one_of(_RUNS, _DENSE, st.binary(max_size=200)))


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: numpy does this work here")
def test_the_library_is_there_where_a_compiler_is() -> None:
    assert isinstance(NATIVE, NativePasses)


@each
@blocks
def test_digits(passes: Passes, block: bytes) -> None:
    starts, ends = passes.sweep(block, 15).digits
    expected = [m.span() for m in re.finditer(rb"[0-9]+", block)]
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected


@each
@pytest.mark.parametrize("least", [8, 15, 16])
@blocks
def test_opaque_strings(passes: Passes, least: int, block: bytes) -> None:
    starts, ends = passes.sweep(block, least).strings
    expected = [
        m.span()
        for m in re.finditer(rb"[A-Za-z0-9_+/-]{%d,}" % least, block)
        if len(m[0]) >= ENOUGH or re.search(rb"[0-9]", m[0])
    ]
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected


@each
@blocks
def test_joints(passes: Passes, block: bytes) -> None:
    colons = [m.start() for m in re.finditer(b":", block)]
    expected = {a for a, c in zip(colons, colons[2:], strict=False) if c - a <= 15}
    expected |= {a for a, b in pairwise(colons) if b == a + 1}
    expected |= {m.start() for m in re.finditer(rb"-(?=..-..-)", block, re.DOTALL)}
    expected |= {m.start() for m in re.finditer(rb"\.(?=....\.)", block, re.DOTALL)}
    assert passes.sweep(block, 15).joints.tolist() == sorted(expected)


@each
@blocks
def test_single_bytes(passes: Passes, block: bytes) -> None:
    assert passes.sweep(block, 15).ats.tolist() == [i for i, b in enumerate(block) if b == 64]
    for value in (0, 64, 255):
        assert passes.byte(block, value).tolist() == [i for i, b in enumerate(block) if b == value]


@each
@blocks
def test_inner_bytes_of_characters(passes: Passes, block: bytes) -> None:
    marks = passes.marks(block)
    inner = [0x80 <= b <= 0xBF for b in block]
    assert marks.tolist() == [*(sum(inner[:at]) for at in range(0, len(block), CHUNK)), sum(inner)]
    places = np.arange(-3, len(block) + 4)
    assert passes.before(block, marks, places).tolist() == [sum(inner[: max(place, 0)]) for place in places.tolist()]


@each
@given(st.binary(max_size=200), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=8))
def test_stretches_are_framed(passes: Passes, block: bytes, stretches: list[tuple[int, int]]) -> None:
    spans = [(min(*pair, len(block)), min(max(pair), len(block))) for pair in stretches]
    expected = b"\n".join((b"", *[block[a:b] for a, b in spans], b""))
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T
    assert bytes(passes.framed(block, (starts, ends))) == expected


_WORDS = WordTable({"a": 3, "az": 1, "0": 7, "9z9": 4, "aaaaaaaa": 5, "zazazaza": 6, "zz": 0})


@each
@given(st.text("aAzZ09 _-é@`{", max_size=150).map(str.encode), st.lists(st.integers(0, 170), max_size=8))
def test_words_of_a_table(passes: Passes, block: bytes, edges: list[int]) -> None:
    places = sorted({min(edge, len(block)) for edge in edges})
    windows = [(low, high) for low, high in zip(places[::2], places[1::2], strict=False)]
    lows, highs = np.array([w[0] for w in windows], np.int64), np.array([w[1] for w in windows], np.int64)
    known = {"a": 3, "az": 1, "0": 7, "9z9": 4, "aaaaaaaa": 5, "zazazaza": 6, "zz": 0}
    expected = [
        (known[m[0].decode().lower()], low + m.end())
        for low, high in windows
        for m in re.finditer(rb"[0-9A-Za-z]+", block[low:high])
        if m[0].decode().lower() in known
    ]
    found, stops = passes.words(block, _WORDS, (lows, highs))
    assert list(zip(found.tolist(), stops.tolist(), strict=True)) == expected


@each
def test_results_outlive_the_next_call(passes: Passes) -> None:
    first = passes.sweep(b"12 345", 15).digits
    passes.sweep(b"9" * 100, 15)
    assert np.array_equal(first, ([0, 3], [2, 6]))


_PARTS = "1 12 2024 1999 255 003 7 123456 : . - / DE a bc T Z é _ x1y2z3a4b5c6d7e8f9g0h1i2j3k4 192.0.2.9 23:59:59.1"
_NUMERIC = st.lists(st.sampled_from((*_PARTS.split(), " ", ") ", "\n")), max_size=40).map(
    lambda parts: "".join(parts).encode()
)


def _same(one: object, other: object) -> None:
    for name in one.__slots__:  # type: ignore[attr-defined]
        a, b = getattr(one, name), getattr(other, name)
        assert np.array_equal(a, b), name


@pytest.mark.skipif(NATIVE is None, reason="no compiled library to compare with numpy")
@given(_NUMERIC)
def test_what_is_read_off_the_digits_is_the_same(block: bytes) -> None:
    assert NATIVE is not None
    arrays = NumpyPasses()
    digits = arrays.sweep(block, 15).digits
    every = arrays.runs(block, digits)
    _same(NATIVE.runs(block, digits), every)
    _same(NATIVE.timeless(every), arrays.timeless(every))
    for runs in (every, arrays.timeless(every)):
        for fewest in (1, 4):
            _same(NATIVE.groups(runs, fewest), arrays.groups(runs, fewest))
        assert np.array_equal(NATIVE.scattered(runs, 5, 24), arrays.scattered(runs, 5, 24))
        assert np.array_equal(NATIVE.countries(runs), arrays.countries(runs))
        assert np.array_equal(NATIVE.wallets(runs), arrays.wallets(runs))
        assert np.array_equal(NATIVE.quads(runs), arrays.quads(runs))


@each
def test_dates_times_and_quads_are_left_out(passes: Passes) -> None:
    block = b"2024-01-31T23:59:59.123Z 192.0.2.9 1.023.456.789 4111 1111"
    runs = passes.timeless(passes.runs(block, passes.sweep(block, 15).digits))
    assert [block[a:b] for a, b in zip(runs.starts.tolist(), runs.ends.tolist(), strict=True)] == [
        b"1", b"023", b"456", b"789", b"4111", b"1111",
    ]  # fmt: skip


@each
def test_quads_are_those_of_hosts(passes: Passes) -> None:
    block = b"8.8.4.4, 300.1.1.1 127.0.0.1 1.2.3.4.5 224.0.0.1 v1.2.3.4 (192.0.2.9)."
    runs = passes.runs(block, passes.sweep(block, 15).digits)
    first = passes.quads(runs)
    found = [block[runs.starts[i] : runs.ends[i + 3]] for i in first.tolist()]
    assert found == [b"8.8.4.4", b"192.0.2.9"]
