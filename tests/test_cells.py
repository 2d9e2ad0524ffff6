"""Columns as arrays, and columns whose like values are there once: both are the list of strings that they stand for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.cells import FEWEST, Cells, Coded, dictionary_of, shared

VALUES = st.lists(st.sampled_from(["", "a", "é 字", "two\nlines", "🙂"]) | st.text(max_size=3), min_size=1, max_size=30)


def plain(values: list[str]) -> list[str]:
    """Values that UTF-8 can hold."""
    return [value.encode("utf-8", "replace").decode() for value in values]


@given(VALUES, st.data())
def test_coded_cells_are_the_list_that_they_stand_for(distinct: list[str], data: st.DataObject) -> None:
    distinct = plain(distinct)
    codes = data.draw(st.lists(st.integers(0, len(distinct) - 1), min_size=1, max_size=40))
    values = [distinct[code] for code in codes]
    cells = Coded(Cells.of(distinct), np.array(codes))
    assert cells == values
    assert len(cells) == len(values)
    assert [cells[i] for i in range(len(values))] == values
    assert cells.sizes.tolist() == [len(value.encode()) for value in values]
    assert cells.joined() == "\n".join(values).encode()
    assert cells.bounds.tolist() == Cells.of(values).bounds.tolist()
    low, high = sorted(data.draw(st.tuples(st.integers(0, 40), st.integers(0, 40))))
    assert cells[low:high] == values[low:high]
    some = np.array(data.draw(st.lists(st.integers(0, len(values) - 1), max_size=9)), np.int64)
    assert cells.take(some) == [values[i] for i in some.tolist()]
    picked = cells.picked(some)
    assert picked == [values[i] for i in some.tolist()]
    assert len(picked.distinct) <= len(some)


@pytest.mark.parametrize("kind", [list, Cells.of], ids=["list", "array"])
def test_values_that_are_alike_are_shared(kind: type) -> None:
    few = [f"n{i % 7}" for i in range(FEWEST)]
    found = shared(kind(few))
    assert isinstance(found, Coded)
    assert found == few
    assert len(found.distinct) == 7
    assert shared(found) is found
    # Seven in ten cells of 20,000 are repeats, but hardly one of the first thousand is.
    scattered = [f"n{i * 7919 % 6_000}" for i in range(20_000)]
    assert isinstance(shared(kind(scattered[:1_000] + scattered)), Coded) is False
    repeats = np.random.default_rng(1).integers(0, 6_000, 20_000).tolist()
    assert isinstance(shared(kind([f"n{i}" for i in repeats])), Coded)


@pytest.mark.parametrize("kind", [list, Cells.of], ids=["list", "array"])
def test_values_that_differ_stay_as_they_are(kind: type) -> None:
    for values in (
        [f"n{i}" for i in range(2_000)],
        ["a"] * (FEWEST - 1),
        [*["a"] * 1_000, *(f"n{i}" for i in range(2_000))],
    ):
        whole = kind(values)
        assert shared(whole) is whole


def test_lone_surrogates_stay_in_their_list() -> None:
    values = ["a\udc80"] * FEWEST
    assert shared(values) is values


def test_types_without_a_dictionary_have_none() -> None:
    halves = pa.array(np.zeros(FEWEST, np.float16))
    assert dictionary_of(halves) is None or dictionary_of(halves).dictionary.type == pa.float16()
    assert dictionary_of(pa.array([[1]] * FEWEST)) is None
