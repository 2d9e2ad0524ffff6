"""Overlapping readings: the stronger stands, then the longer, then the rule that comes first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.classify.overlap import survivors
from tests.support.made import whole_stack

Span = tuple[int, int, float, int]
"""Start, end, strength, rule."""
SPANS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(1, 12), st.sampled_from([0.5, 0.6, 0.9]), st.integers(0, 5)
    ).map(lambda t: (t[0], t[0] + t[1], t[2], t[3])),
    max_size=25,
    unique=True,
)  # fmt: skip


def kept(spans: list[Span]) -> list[Span]:
    order = survivors(
        np.array([s[0] for s in spans], np.int64),
        np.array([s[1] for s in spans], np.int64),
        np.array([s[2] for s in spans], np.float64),
        np.array([s[3] for s in spans], np.int32),
    )
    return [spans[i] for i in order.tolist()]


def rank(span: Span) -> tuple[float, int, int, int]:
    return -span[2], span[0] - span[1], span[3], span[0]


def touch(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]


@given(SPANS)
def test_what_stands_is_apart_and_what_fell_met_something_better(spans: list[Span]) -> None:
    stands = kept(spans)
    assert stands == sorted(stands)
    assert not [1 for n, a in enumerate(stands) for b in stands[n + 1 :] if touch(a, b)]
    for span in set(spans) - set(stands):
        assert any(touch(span, other) and rank(other) < rank(span) for other in stands)


@given(SPANS.flatmap(lambda spans: st.tuples(st.just(spans), st.permutations(spans))))
def test_the_order_of_the_candidates_does_not_matter(both: tuple[list[Span], list[Span]]) -> None:
    assert kept(both[0]) == kept(both[1])


@pytest.mark.parametrize(
    ("spans", "stands"),
    [
        ([], []),
        ([(0, 5, 0.5, 0), (5, 9, 0.5, 0)], [0, 1]),
        ([(0, 9, 0.5, 0), (3, 5, 0.9, 1)], [1]),
        ([(0, 9, 0.9, 1), (3, 5, 0.9, 0)], [0]),
        ([(0, 9, 0.9, 1), (0, 9, 0.9, 0)], [1]),
        ([(0, 5, 0.6, 0), (4, 8, 0.5, 0), (7, 11, 0.6, 0)], [0, 2]),
        ([(0, 5, 0.5, 0), (4, 8, 0.6, 0), (7, 11, 0.5, 0)], [1]),
        ([(0, 5, 0.9, 0), (4, 8, 0.6, 0), (7, 11, 0.5, 0)], [0, 2]),
    ],
    ids=["none", "neighbours", "stronger", "longer", "first-rule", "outer-two", "middle", "freed-by-the-first"],
)
def test_precedence(spans: list[Span], stands: list[int]) -> None:
    assert kept(spans) == [spans[n] for n in stands]


def test_the_stronger_evidence_names_the_number() -> None:
    """One number that two rules can read goes to the one whose keyword stands before it."""
    stack = whole_stack()
    for word, rule in (("SSN", "us.ssn"), ("social security number", "us.ssn")):
        assert [m.rule for m in stack.classify(f"{word}: 219-09-9998")] == [rule]
    (card,) = stack.classify("card number 4111 1111 1111 1111")
    assert (card.rule, card.end - card.start) == ("generic.credit_card", 19)
