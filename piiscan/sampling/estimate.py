"""What a sample says of all objects: the share that holds something, with an interval.

Method: the interval of Clopper and Pearson on an effective sample size (Korn and Graubard, Survey Methodology 24, 1998,
193-201), which of the intervals that Franco et al. compare (J. Survey Stat. Methodology 7, 2019, 334-364) is the one
that keeps its promise at small shares. The share is the weighted mean of Hajek (1971), a weight being the number of
objects that a drawn one stands for. The effective size is Kish's (Survey Sampling, 1965, 11.7), less where the hits lie
with the heavy weights (linearised variance); it is never more, so nothing is gained from hits that keep to some strata.
Objects are drawn one by one, each by the hash of its own name: hits that lie together do not widen the interval, as
they would if whole folders were drawn. Objects of finite populations are drawn without replacement: see `_finite`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEVEL = 0.95
"""Probability with which an interval covers the truth, at the least."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """What is known of one stratum, in objects."""

    population: int
    sampled: int
    """Drawn and read."""
    hits: int
    """Of these, those that hold what is asked for."""
    weight: float
    """How many objects each sampled one stands for; the inverse of its probability of being drawn."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The share (0 to 1) of the objects that hold something."""

    share: float
    low: float
    high: float
    """Both ends of the two-sided interval at `LEVEL`."""
    at_most: float
    """The one-sided bound at `LEVEL` from above."""
    population: int
    sampled: int
    hits: int
    effective: float
    """Size of the simple random sample that would say as much; infinite when all were read."""


def drawn_weight(population: int, fraction: float, ensured: bool) -> float:
    """The weight in a stratum whose objects are drawn with probability `fraction`, each for itself.

    `ensured`: when none is, the one with the lowest hash is drawn. Then an object of N is drawn with probability
    f + (1 - f)^N / N: by its own hash, or as the lowest of none that was low enough.

    >>> drawn_weight(50, 0.1, False), drawn_weight(1, 0.1, True), round(drawn_weight(10, 0.1, True), 3)
    (10.0, 1.0, 7.415)
    """
    return 1 / (fraction + ((1 - fraction) ** population / population if ensured else 0.0))


def estimate(strata: Sequence[Stratum]) -> Estimate:
    """The share of the objects of all strata; the interval is 0 to 1 when nothing was read.

    >>> one = estimate([Stratum(100_000, 1_000, 0, 100.0)])
    >>> one.share, one.low, round(one.at_most, 5), round(one.high, 5)
    (0.0, 0.0, 0.00298, 0.00366)
    """
    population = sum(s.population for s in strata)
    sampled, hits = sum(s.sampled for s in strata), sum(s.hits for s in strata)
    if not population:
        return Estimate(0.0, 0.0, 1.0, 1.0, 0, 0, 0, 0.0)
    rest = [s for s in strata if s.sampled < s.population or s.weight > 1 + 1e-9]
    known = hits - sum(s.hits for s in rest)
    share, size = _weighted(rest)
    unknown = sum(s.population for s in rest)
    lowest, highest = hits / population, 1 - (sampled - hits) / population
    """What was seen is there, whatever the rest is like."""

    def bound(value: float) -> float:
        return min(max((known + unknown * value) / population, lowest), highest)

    tail = (1 - LEVEL) / 2
    ends = [clopper_pearson(share * size, size, *tails) for tails in ((tail, tail), (1 - LEVEL, 1 - LEVEL))]
    return Estimate(
        bound(share), bound(ends[0][0]), bound(ends[0][1]), bound(ends[1][1]), population, sampled, hits,
        size if unknown else math.inf,
    )  # fmt: skip


def _weighted(strata: Sequence[Stratum]) -> tuple[float, float]:
    """The weighted share of strata that are not known whole, and the effective sample size."""
    total = sum(s.weight * s.sampled for s in strata)
    if not total:
        return 0.0, 0.0
    share = sum(s.weight * s.hits for s in strata) / total
    squares = sum(s.weight**2 * s.sampled for s in strata)
    size = total**2 / squares
    spread = sum(s.weight**2 * (s.hits * (1 - share) ** 2 + (s.sampled - s.hits) * share**2) for s in strata)
    if 0 < share < 1 and spread > 0:
        size = min(size, share * (1 - share) * total**2 / spread)
    left = sum(s.weight**2 * s.sampled * (1 - s.sampled / s.population) for s in strata) / squares
    return share, size * _finite(left)


def _finite(left: float) -> float:
    """By how much a sample without replacement counts for more, `left` being the part that is not in it.

    ln(1/left) / (1 - left): exact for a sample without a hit, where all k hits of N are missed with probability
    (1 - f)^k, and less than the 1 / left of the variance (Cochran, Sampling Techniques, 1977, 2.6): the safe side.
    """
    if left <= 1e-12:
        return 1e12
    return math.log(1 / left) / (1 - left) if left < 1 - 1e-9 else 1.0


def clopper_pearson(hits: float, size: float, low: float, high: float) -> tuple[float, float]:
    """Bounds of a share that leave out `low` and `high` of probability below and above; sizes need not be whole.

    Without a hit the upper one is 1 - high^(1 / size), of which the rule of three is an approximation. Source: Clopper
    and Pearson, Biometrika 26, 1934, 404-413.

    >>> [round(p, 4) for p in clopper_pearson(3, 30, 0.025, 0.025)]
    [0.0211, 0.2653]
    """
    if size <= 0:
        return 0.0, 1.0
    hits = min(max(hits, 0.0), size)
    lowest = 0.0 if hits <= 0 else _solve(lambda p: beta(p, hits, size - hits + 1), low)
    if hits <= 0:
        return 0.0, 1 - high ** (1 / size)
    return lowest, 1.0 if hits >= size else _solve(lambda p: beta(p, hits + 1, size - hits), 1 - high)


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    """Where a rising function on 0 to 1 has a value, by halving."""
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
        if high - low <= 1e-9 * high:
            break
    return (low + high) / 2


def beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b).

    Source: its continued fraction, NIST Digital Library of Mathematical Functions 8.17.22, by Lentz's method.

    >>> round(beta(0.3, 2, 5), 6)
    0.579825
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    tiny, c = 1e-300, 1.0
    d = 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 100_000):
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + top * d or tiny)
            c = 1 + top / c or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-13:
            break
    return front * value
