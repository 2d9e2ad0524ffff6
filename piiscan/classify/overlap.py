"""Which of several readings of the same characters stands: checksum over keyword over length."""

from __future__ import annotations

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
    order = np.lexsort((ends, starts))
    if len(order) < 2 or bool((starts[order][1:] >= np.maximum.accumulate(ends[order])[:-1]).all()):
        return order
    keep: list[int] = []
    group: list[int] = []
    limit = -1
    for index in order.tolist():
        if group and starts[index] >= limit:
            keep += _resolve(group, starts, ends, strength, rules)
            group = []
        group.append(index)
        limit = max(limit, int(ends[index])) if len(group) > 1 else int(ends[index])
    keep += _resolve(group, starts, ends, strength, rules)
    return np.array(keep, np.int64)


def _resolve(
    group: list[int],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    strength: npt.NDArray[np.float64],
    rules: npt.NDArray[np.int32],
) -> list[int]:
    if len(group) == 1:
        return group
    chosen: list[int] = []
    for i in sorted(group, key=lambda i: (-strength[i], starts[i] - ends[i], rules[i], starts[i])):
        if all(ends[i] <= starts[j] or starts[i] >= ends[j] for j in chosen):
            chosen.append(i)
    return sorted(chosen, key=lambda i: int(starts[i]))
