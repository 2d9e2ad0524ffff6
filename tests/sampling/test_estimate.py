from __future__ import annotations

import math
from collections import Counter

import pytest

from bench.sampling import figures, run, wilson
from piiscan.sampling.estimate import Stratum, clopper_pearson, estimate


def test_intervals_cover_and_are_not_wide() -> None:
    found = figures(run(360, seed=7))
    assert found["coverage"] >= 0.94
    assert found["at_most"] >= 0.94
    assert found["width"] <= 1.3
    assert found["ratio"] <= 1.3


# Clopper and Pearson's limits as tables of them have it.
@pytest.mark.parametrize(
    ("hits", "size", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (2, 100, 0.0024, 0.0704),
    ],
)
def test_exact_limits(hits: int, size: int, low: float, high: float) -> None:
    assert clopper_pearson(hits, size, 0.025, 0.025) == pytest.approx((low, high), abs=5e-5)


def tail(n: int, p: float, hits: int) -> float:
    return math.fsum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1))


@pytest.mark.parametrize(("hits", "size"), [(1, 40), (7, 200), (150, 900)])
def test_limits_leave_out_what_they_say(hits: int, size: int) -> None:
    low, high = clopper_pearson(hits, size, 0.025, 0.025)
    assert tail(size, low, hits) == pytest.approx(0.025, rel=1e-5)
    assert 1 - tail(size, high, hits + 1) == pytest.approx(0.025, rel=1e-5)


@pytest.mark.parametrize("sampled", [30, 300, 3_000])
def test_nothing_found_is_the_rule_of_three(sampled: int) -> None:
    found = estimate([Stratum(10**9, sampled, 0, 10**9 / sampled)])
    assert (found.share, found.low) == (0, 0)
    assert found.at_most == pytest.approx(3 / sampled, rel=0.06)
    assert (1 - found.at_most) ** sampled == pytest.approx(0.05, rel=1e-3)
    assert found.high > found.at_most


def test_a_bound_without_hits_is_exact_in_a_finite_population() -> None:
    population, sampled = 2_000, 400
    found = estimate([Stratum(population, sampled, 0, 5.0)])
    marked = math.floor(found.at_most * population)

    def missed(hits: int) -> float:
        return math.prod((population - sampled - i) / (population - i) for i in range(hits))

    assert missed(marked + 2) < 0.05 < missed(marked - 1)


def test_what_was_read_whole_is_known() -> None:
    assert estimate([Stratum(50, 50, 3, 1.0)]).share == 0.06
    found = estimate([Stratum(50, 50, 3, 1.0)])
    assert (found.low, found.high, found.at_most) == (0.06, 0.06, 0.06)
    mixed = estimate([Stratum(50, 50, 3, 1.0), Stratum(9_950, 100, 0, 99.5)])
    assert mixed.low == pytest.approx(3 / 10_000)
    assert mixed.share == pytest.approx(3 / 10_000)


def test_what_was_seen_bounds_the_rest() -> None:
    found = estimate([Stratum(100, 60, 30, 100 / 60)])
    assert 0.30 <= found.low <= 0.5 <= found.high <= 0.70


def test_nothing_read_says_nothing() -> None:
    found = estimate([Stratum(100, 0, 0, 10.0)])
    assert (found.low, found.high, found.at_most) == (0.0, 1.0, 1.0)
    assert estimate([]).high == 1.0


def test_unequal_weights_count_for_less() -> None:
    even = estimate([Stratum(10_000, 100, 5, 100.0)])
    uneven = estimate([Stratum(9_900, 50, 2, 198.0), Stratum(100, 50, 3, 2.0)])
    assert uneven.effective < even.effective
    assert uneven.high > uneven.share > uneven.low


def test_hits_in_heavy_strata_widen_the_interval() -> None:
    light = estimate([Stratum(5_000, 5, 0, 1_000.0), Stratum(5_000, 500, 100, 10.0)])
    heavy = estimate([Stratum(5_000, 5, 1, 1_000.0), Stratum(5_000, 500, 0, 10.0)])
    assert light.share == pytest.approx(heavy.share)
    assert heavy.effective < light.effective


def test_wilson_as_published() -> None:
    # Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_the_buckets_are_the_same_each_time() -> None:
    first, again = (Counter(repr(one) for one in run(12, seed=1)) for _ in range(2))
    assert first == again
