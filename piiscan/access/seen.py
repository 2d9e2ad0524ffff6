"""Which requests were counted: one that two records tell of, in whatever files, counts once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from piiscan.passes.contract import IntArray

Ids = npt.NDArray[np.uint64]
BITS = 48
"""Of a request's id that are kept: of a million requests of one day, two get the same one in 600 such days."""
ROOM = 8_000_000
"""Ids that are held; of days beyond these the store is asked again."""
RUNS = 6
"""Sorted runs of a day from which on they are made one."""
_MASK = np.uint64((1 << BITS) - 1)


class Seen:
    """The ids of the requests of some days, as far as they were needed."""

    def __init__(self, load: Callable[[int], bytes]) -> None:
        """`load` gives the ids of a day (since 1970) that the store holds, as `packed` makes them."""
        self._load = load
        self._runs: dict[int, list[Ids]] = {}
        self._new: dict[int, list[Ids]] = {}

    def fresh(self, days: IntArray, ids: Ids) -> npt.NDArray[np.bool_]:
        """Which requests were not seen before, and not earlier among these; an id of 0 is always new."""
        out: npt.NDArray[np.bool_] = ids == 0
        ids = ids & _MASK
        for day in np.unique(days[~out]).tolist():
            rows = np.flatnonzero((days == day) & ~out)
            mine, first = np.unique(ids[rows], return_index=True)
            runs = self._of(day)
            for run in runs:
                at = np.minimum(np.searchsorted(run, mine), len(run) - 1)
                left = run[at] != mine
                mine, first = mine[left], first[left]
            out[rows[first]] = True
            if len(mine):
                runs.append(mine)
                self._new.setdefault(day, []).append(mine)
            if len(runs) > RUNS:
                self._runs[day] = [np.sort(np.concatenate(runs))]
        self._shrink()
        return out

    def _of(self, day: int) -> list[Ids]:
        runs = self._runs.pop(day, None)
        if runs is None:
            held = unpacked(self._load(day))
            runs = [held] if len(held) else []
        self._runs[day] = runs  # the newest stands last
        return runs

    def _shrink(self) -> None:
        held = sum(len(run) for runs in self._runs.values() for run in runs)
        for day in [day for day in self._runs if day not in self._new]:
            if held <= ROOM:
                return
            held -= sum(map(len, self._runs.pop(day)))

    def news(self) -> dict[int, bytes]:
        """The ids by day that came since this was asked last, for the store."""
        out = {day: packed(np.sort(np.concatenate(runs))) for day, runs in self._new.items()}
        self._new.clear()
        return out


def packed(ids: Ids) -> bytes:
    """Ids as six bytes each, the lowest first."""
    return np.ascontiguousarray(ids, "<u8").view(np.uint8).reshape(-1, 8)[:, : BITS // 8].tobytes()


def unpacked(data: bytes) -> Ids:
    """The ids that `packed` made bytes of, sorted.

    >>> unpacked(packed(np.array([1, 2**47], np.uint64))).tolist()
    [1, 140737488355328]
    """
    out = np.zeros((len(data) // 6, 8), np.uint8)
    out[:, :6] = np.frombuffer(data, np.uint8).reshape(-1, 6)
    return np.sort(out.view("<u8").reshape(-1)).astype(np.uint64, copy=False)
