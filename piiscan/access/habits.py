"""What a series of daily figures is used to, and whether a day is far beyond it, by medians: odd days do not move them.

A day is odd only if it is so by each of three measures: far above the median of the active days in robust deviations of
the logarithm (people's days vary by factors), several times the largest day before (weekly and monthly jobs have had
theirs), and more by an absolute number that is worth a look.
Source: F. R. Hampel, "The influence curve and its role in robust estimation", 1974 (median absolute deviation, 1.4826).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from piiscan.passes.contract import IntArray

WINDOW = 100
"""Days before a day that are its history: a quarter, so that what is done at its end was seen."""
LEAST_DAYS = 14
"""Days of logs before anything is said of a principal."""
ACTIVE = 8
"""Active days before a habit is one."""
DEVIATIONS = 4.0
TIMES_MEDIAN, TIMES_MOST = 3.0, 2.0
ACCEPTED = 14
"""Days after which odd days are history like others: a new level is told once."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a day's figure was held against."""

    value: float
    active: int
    """Active days in the history."""
    days: int
    """Days of the history."""
    median: float
    mad: float
    """Median absolute deviation, in the figure's own unit."""
    most: float
    """The largest of the history."""
    deviations: float
    """Robust deviations of the logarithm above its median; where there were no active days, of a Poisson count."""


def day_of(day: int) -> date:
    """The date of a day since 1970."""
    return _EPOCH + timedelta(days=day)


def turn_of_month(day: int) -> bool:
    """Whether a day is one on which monthly jobs run: the last three of a month and the first two.

    >>> [turn_of_month((date(2026, 8, n) - date(1970, 1, 1)).days) for n in (1, 2, 3, 28, 29, 31)]
    [True, True, False, False, True, True]
    """
    return day_of(day).day <= 2 or day_of(day + 3).day <= 3


def judged(
    days: IntArray, values: npt.NDArray[np.float64], day: int, value: float, first: int, odd: set[int], floor: float
) -> Judged | None:
    """The figure of a day against the days before it; None where it is not odd, or there is no habit to say so by.

    `days`, `values`: of the series, ascending, days without any left out. `first`: the first day that is known of it.
    `odd`: days that were odd themselves. `floor`: how much more than the median is worth a look.
    """
    low = max(first, day - WINDOW)
    length = day - low
    if length < LEAST_DAYS:
        return None
    begin, end = np.searchsorted(days, (low, day))
    kept = [at for at in range(begin, end) if days[at] not in odd or days[at] < day - ACCEPTED]
    past = values[kept][values[kept] > 0]
    if not len(past):
        return Judged(value, 0, length, 0.0, 0.0, 0.0, 2 * float(np.sqrt(value))) if value >= floor else None
    if len(past) < ACTIVE:
        return None
    median, most = float(np.median(past)), float(past.max())
    if value < TIMES_MOST * most or value < TIMES_MEDIAN * median or value < median + floor:
        return None
    logs = np.log1p(past)
    centre = float(np.median(logs))
    # A count varies by its own root even where nothing changes, and a tenth is nothing.
    spread = max(1.4826 * float(np.median(np.abs(logs - centre))), 1 / np.sqrt(max(median, 1.0)), 0.1)
    deviations = (float(np.log1p(value)) - centre) / spread
    if deviations < DEVIATIONS:
        return None
    mad = float(np.median(np.abs(past - median)))
    return Judged(value, len(past), length, median, mad, most, deviations)


def first_turn(days: IntArray, day: int, first: int) -> bool:
    """Whether a day is the first turn of a month of a series: what is done then has not been seen yet."""
    if not turn_of_month(day):
        return False
    return not any(turn_of_month(earlier) for earlier in range(max(first, day - WINDOW), day - 5))
