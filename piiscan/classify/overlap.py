"""Which of several readings of the same characters stands: checksum over keyword over length."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import numpy.typing as npt


def survivors(
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    strength: npt.NDArray[np.float64],
    rules: npt.NDArray[np.int32],
) -> npt.NDArray[np.int64]:
    """Indexes of the spans that remain when each overlap is won by the stronger one, sorted by start.

    Ties go to the longer span, then to the rule that comes first in the catalogue. `strength` orders the evidence; see
    `stack`.
    """
    order = np.lexsort((rules, -strength, ends, starts))
    if len(order) > 1:
        # Of readings of the same characters only the first can stand, whatever else is chosen.
        again = np.diff(starts[order], prepend=-1) == 0
        again[1:] &= np.diff(ends[order]) == 0
        order = order[~again]
    if len(order) < 2 or bool((starts[order][1:] >= np.maximum.accumulate(ends[order])[:-1]).all()):
        return order
    first, last = starts[order], ends[order]
    heads = np.ones(len(order), np.bool_)
    heads[1:] = first[1:] >= np.maximum.accumulate(last)[:-1]
    edges = np.append(np.flatnonzero(heads), len(order))
    sizes = np.diff(edges)
    keep = np.repeat(sizes == 1, sizes)
    place = np.empty(len(starts), np.int64)
    place[order] = np.arange(len(order))
    pairs = edges[np.flatnonzero(sizes == 2)]
    if len(pairs):
        # Most overlaps are two readings of one number.
        a, b = order[pairs], order[pairs + 1]
        length = (ends - starts).astype(np.float64)
        better = strength[a] - strength[b]
        for tie in (length[a] - length[b], (rules[b] - rules[a]).astype(np.float64), (starts[b] - starts[a])):
            better = np.where(better == 0, tie, better)
        keep[pairs] = better >= 0
        keep[pairs + 1] = better < 0
    for at in np.flatnonzero(sizes > 2).tolist():
        group = order[edges[at] : edges[at + 1]].tolist()
        keep[place[_resolve(group, starts, ends, strength, rules)]] = True
    chosen: npt.NDArray[np.int64] = order[keep]
    return chosen


def contested(
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    rules: npt.NDArray[np.int32],
    chosen: npt.NDArray[np.int64],
) -> set[int]:
    """The rules of which a span overlaps one of another rule, when `chosen` are the `survivors` of these spans."""
    if len(chosen) == len(starts):
        return set()
    lost = np.setdiff1d(np.arange(len(starts)), chosen)
    first = np.searchsorted(ends[chosen], starts[lost], side="right")
    last = np.searchsorted(starts[chosen], ends[lost], side="left")
    found: set[int] = set()
    for index, low, high in zip(lost.tolist(), first.tolist(), last.tolist(), strict=True):
        winners = set(rules[chosen[low:high]].tolist()) - {int(rules[index])}
        if winners:
            found |= winners | {int(rules[index])}
    return found


def _resolve(
    group: list[int],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    strength: npt.NDArray[np.float64],
    rules: npt.NDArray[np.int32],
) -> list[int]:
    """Those of some chained spans that stand, in order: strongest first, each that overlaps none chosen before."""
    # What is chosen lies apart, so only the two neighbours of a span can overlap it.
    firsts: list[int] = []
    chosen: list[int] = []
    for i in sorted(group, key=lambda i: (-strength[i], starts[i] - ends[i], rules[i], starts[i])):
        at = bisect_left(firsts, starts[i])
        if (at and ends[chosen[at - 1]] > starts[i]) or (at < len(firsts) and firsts[at] < ends[i]):
            continue
        firsts.insert(at, int(starts[i]))
        chosen.insert(at, i)
    return chosen
