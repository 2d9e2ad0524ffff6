"""The sums as the search for anomalies looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.access.habits import day_of

Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One event that is unusual."""

    kind: str
    pid: int
    bucket: int
    began: int
    """Days since 1970."""
    ended: int
    score: float
    """0 to 100."""
    explanation: str
    oid: int | None = None
    """One object that it is about."""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asked."""

    principal: str
    kind: str
    account: str
    outside: bool


@dataclass
class View:
    """All sums, and what was worked out of them."""

    days: Columns
    """By pid, bucket and day."""
    sensitive: Columns
    networks: Columns
    people: dict[int, Principal]
    sources: dict[int, str]
    sensitive_buckets: set[int]
    since: dict[int, int] = field(init=False)
    """Of each bucket, the first day of its logs."""
    first_of: dict[int, int] = field(init=False)
    """Of each principal, the first day on which it asked for anything."""

    def __post_init__(self) -> None:
        self.since = _least(self.days["bucket"], self.days["day"])
        self.first_of = _least(self.days["pid"], self.days["day"])

    def series(self) -> Iterator[tuple[int, int, int, int]]:
        """Principal, bucket, and the rows of the two."""
        pids, buckets = self.days["pid"], self.days["bucket"]
        if not len(pids):
            return
        starts = np.flatnonzero(np.concatenate(([True], (pids[1:] != pids[:-1]) | (buckets[1:] != buckets[:-1]))))
        for begin, end in zip(starts.tolist(), [*starts[1:].tolist(), len(pids)], strict=True):
            yield int(pids[begin]), int(buckets[begin]), begin, end

    def score(self, deviations: float, bucket: int) -> float:
        """0 to 100: 40 at five deviations, more with more of them, and 20 more where sensitive objects lie."""
        return float(np.clip(40 + 2 * (deviations - 5), 0, 80)) + (20 if bucket in self.sensitive_buckets else 0)


def _least(keys: npt.NDArray[Any], days: npt.NDArray[Any]) -> dict[int, int]:
    if not len(keys):
        return {}
    order = np.lexsort((days, keys))
    keys, days = keys[order], days[order]
    at = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    return dict(zip(keys[at].tolist(), days[at].tolist(), strict=True))


def said_day(day: int) -> str:
    """A day in words: `Monday 2026-08-03`."""
    return day_of(day).strftime("%A %Y-%m-%d")
