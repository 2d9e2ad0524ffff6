"""Distinct values are counted as a dictionary would count them, in a tenth of its memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.fingerprints import IN_CLEAR, DistinctValues, Fingerprints
from piiscan.model import Fingerprint
from piiscan.redact import fingerprinter

FINGERPRINT = fingerprinter(bytes(range(32)))
VALUES = st.lists(st.integers(0, 30).map(str) | st.text(max_size=2), max_size=40)


def expected(values: list[str], most: int) -> dict[Fingerprint, int]:
    """The first `most` distinct values with their counts in all."""
    counts = Counter(values)
    return {FINGERPRINT(value): counts[value] for value in list(counts)[:most]}


@given(st.lists(VALUES, max_size=12), st.integers(0, 40), st.integers(0, 12))
def test_values_are_counted_as_a_dictionary_counts_them(parts: list[list[str]], most: int, in_clear: int) -> None:
    found = DistinctValues(FINGERPRINT, most, frozenset({"1", "2", "no"}), in_clear=in_clear)
    together: list[str] = []
    for number, part in enumerate(parts):
        together += part
        if number % 2:
            counts = Counter(part)
            found.add(list(counts), list(counts.values()))
        else:
            found.add(part)
        assert found.exact is (len(set(together)) <= most)
    for _ in range(2):
        assert dict(found.fingerprints()) == expected(together, most)
    assert found.exact is (len(set(together)) <= most)
    assert found.samples == sum(value in ("1", "2") for value in together)


@given(st.lists(st.integers(0, 50).map(str), max_size=80), st.data())
def test_many_values_come_in_one_order(values: list[str], data: st.DataObject) -> None:
    orders = []
    for given_ in (values, data.draw(st.permutations(values))):
        found = DistinctValues(FINGERPRINT, 100, in_clear=5)
        for value in given_:
            found.add([value])
        if len(set(values)) > 5:
            orders.append(list(found.fingerprints()))
    assert orders in ([], [orders[0], orders[0]] if orders else [])


@given(st.dictionaries(st.binary(min_size=16, max_size=16).map(Fingerprint), st.integers(1, 1 << 40), max_size=20))
def test_arrays_are_a_mapping(values: Mapping[Fingerprint, int]) -> None:
    found = Fingerprints.of(values)
    assert Fingerprints.of(found) is found
    assert found == values
    assert list(found) == list(values)
    assert list(found.values()) == list(values.values())
    assert [found[key] for key in found] == list(values.values())
    assert sum(len(digests) for digests, _ in found.pieces(3)) == len(values)
    for key in (Fingerprint(b"short"), Fingerprint(bytes(15) + b"\1")):
        assert (key in found) is (key in values)
        if key not in values:
            with pytest.raises(KeyError):
                found[key]


def test_many_values_take_little_memory() -> None:
    count = 10 * IN_CLEAR
    tracemalloc.start()
    found = DistinctValues(FINGERPRINT, count)
    for begin in range(0, count, 10_000):
        found.add([f"p{n}@mail.example" for n in range(begin, min(begin + 10_000, count))])
    kept = found.fingerprints()
    size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == count
    assert found.exact
    assert size < 50 * count
    assert peak < 120 * count + 200 * IN_CLEAR
