"""Where the numbers of a block are, and the windows around them in which a rule's matches can be.

Runs of digits come out of a pass over the bytes (`passes.py`); joined as people write them they are groups. Dates,
times and dotted quads, which fill logs, are taken out first, so that nothing slow ever looks at them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from piiscan.classify.plan import EDGE, LONG, MIN_DIGITS, OPAQUE, Plan
from piiscan.passes import Groups, IntArray, Runs, Stretches, Swept, passes

Windows = Stretches
NOWHERE: Windows = (np.empty(0, np.int64), np.empty(0, np.int64))
SPAN = 24
"""Bytes within which the five digits must stand."""
FEWEST = 4
"""Digits of the smallest group that any window is made around."""


@dataclass(frozen=True)
class Numbers:
    """The digits and long strings of a block, each looked up once, when the first scan asks for it."""

    block: bytes

    @property
    def size(self) -> int:
        """Bytes of the block."""
        return len(self.block)

    @cached_property
    def swept(self) -> Swept:
        """What the pass over all bytes finds."""
        return passes().sweep(self.block, OPAQUE)

    @cached_property
    def absent(self) -> tuple[bool, bool]:
        """Whether there is no digit, and no opaque string: most small texts hold neither, and no scan has a window."""
        return not len(self.swept.digits[0]), not len(self.opaque[0])

    @cached_property
    def all(self) -> Runs:
        """Every run of digits."""
        return passes().runs(self.block, self.swept.digits)

    @cached_property
    def runs(self) -> Runs:
        """Those that are no date, time or dotted quad."""
        return passes().timeless(self.all)

    @cached_property
    def groups(self) -> Groups:
        """Numbers as people write them."""
        return passes().groups(self.runs, FEWEST)

    @cached_property
    def opaque(self) -> Windows:
        """Where the long opaque strings are: keys, tokens, hashes, and what else has no blanks and looks made up.

        Rules for the keys of some service match nothing but such a string; what tells them apart is the service's name
        nearby. Dots end one, or every address and import would be one; a key that holds dots has a stretch without that
        is long enough.
        """
        return self.swept.strings

    @cached_property
    def scattered(self) -> Windows:
        """First and last of every five digits that stand close together beside capital letters."""
        return passes().scattered(self.runs, MIN_DIGITS, SPAN)

    @cached_property
    def _counted(self) -> IntArray:
        """Digits before each run, and all of them."""
        return np.concatenate(([0], np.cumsum(self.all.ends - self.all.starts)))

    def digits_within(self, lows: IntArray, highs: IntArray) -> IntArray:
        """The digits between some places, those of runs that only reach in included."""
        first = np.searchsorted(self.all.ends, lows, side="right")
        last = np.searchsorted(self.all.starts, highs, side="left")
        return self._counted[np.maximum(last, first)] - self._counted[first]

    def windows(self, plan: Plan, kind: str, which: tuple[int, ...]) -> Windows:
        """Where matches of these rules of one kind of dense scan can be."""
        if kind == "digital":
            return digital_windows(self.groups, plan.fewest(which), plan.openings(which), self.size)
        if kind == "lettered":
            return letter_windows(self.groups, plan.reach(which), self.size)
        if kind == "iban":
            return iban_windows(self.runs, plan.reach(which))
        if kind == "loose":
            return loose_windows(self.groups, plan.reach(which), self.size)
        if kind == "mixed":
            return mixed_windows(self.groups, plan.openings(which), plan.reach(which), self.size)
        if kind == "long":
            pad = max(plan.rules[index].most for index in which) + 2
            return long_windows(self.runs, LONG, pad)
        if kind == "plus":
            return plus_windows(self.runs, max(plan.rules[index].most for index in which) + 2)
        if kind == "opaque":
            starts, ends = self.opaque
            if not len(starts):
                return NOWHERE
            pad = max(plan.rules[index].most for index in which) + 2
            return merge(starts - pad, ends + pad, self.size)
        first, last = self.scattered
        pad = plan.reach(which)
        return merge(first - pad, last + 1 + pad, self.size)


def digital_windows(groups: Groups, fewest: int, openings: bytes, size: int) -> tuple[IntArray, IntArray]:
    """Windows around groups with at least `fewest` digits that a match can begin with or in."""
    opens = np.frombuffer(openings, np.uint8).astype(np.bool_)[groups.before]
    keep = np.where(opens, groups.total, groups.rest) >= fewest
    return merge(groups.starts[keep] - EDGE, groups.ends[keep] + EDGE, size)


def mixed_windows(groups: Groups, openings: bytes, pad: int, size: int) -> tuple[IntArray, IntArray]:
    """Windows around groups of at least five digits that a match can begin with, or a capital letter stands before."""
    opens = np.frombuffer(openings, np.uint8).astype(np.bool_)[groups.before]
    begins = opens | groups.capital
    keep = np.where(begins, groups.total, groups.rest) >= MIN_DIGITS
    return merge(groups.starts[keep] - pad, groups.ends[keep] + pad, size)


def loose_windows(groups: Groups, pad: int, size: int) -> tuple[IntArray, IntArray]:
    """Windows around groups of at least five digits with a letter beside them."""
    keep = (groups.total >= MIN_DIGITS) & groups.lettered
    return merge(groups.starts[keep] - pad, groups.ends[keep] + pad, size)


def letter_windows(groups: Groups, pad: int, size: int) -> tuple[IntArray, IntArray]:
    """Windows around groups of at least four digits with a capital letter beside them, directly or behind one sign."""
    keep = (groups.total >= FEWEST) & groups.capital
    return merge(groups.starts[keep] - pad, groups.ends[keep] + pad, size)


def iban_windows(runs: Runs, reach: int) -> Windows:
    """Windows from where a country and two digits may stand; see `Passes.countries`."""
    at = passes().countries(runs)
    return merge(at - 5, at + reach, len(runs.data))


def long_windows(runs: Runs, fewest: int, pad: int) -> tuple[IntArray, IntArray]:
    """Windows around runs of at least so many digits."""
    keep = np.flatnonzero(runs.ends - runs.starts >= fewest)
    return merge(runs.starts[keep] - pad, runs.ends[keep] + pad, len(runs.data))


def plus_windows(runs: Runs, reach: int) -> tuple[IntArray, IntArray]:
    """Windows from where a plus sign stands before a digit."""
    starts = runs.starts
    at = starts[(starts > 0) & (runs.data[np.maximum(starts - 1, 0)] == 43)] - 1
    return merge(at - 1, at + reach, len(runs.data))


def wallet_windows(runs: Runs, reach: int) -> Windows:
    """Windows from where a word may be the address of a ledger; see `Passes.wallets`."""
    start = passes().wallets(runs)
    return merge(start - 4, start + reach, len(runs.data))


def quads(runs: Runs) -> tuple[list[int], list[int]]:
    """Starts and ends of all dotted quads that may be a host's address; see `Passes.quads`."""
    first = passes().quads(runs)
    return runs.starts[first].tolist(), runs.ends[first + 3].tolist()


def hex_windows(joints: IntArray, pad: int, size: int) -> Windows:
    """Windows around what joins groups of hexadecimal digits; see `Swept.joints`."""
    return merge(joints - pad, joints + pad, size)


def merge(starts: IntArray, ends: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Overlapping intervals joined and cut to `[0, size)`; both arrays ascend."""
    if not len(starts):
        return starts, ends
    gaps = np.flatnonzero(starts[1:] > ends[:-1])
    return (
        np.maximum(starts[np.concatenate(([0], gaps + 1))], 0),
        np.minimum(ends[np.concatenate((gaps, [len(ends) - 1]))], size),
    )


def union(*found: Windows) -> Windows:
    """All stretches of several kinds, joined where they overlap."""
    starts = np.concatenate([windows[0] for windows in found])
    ends = np.concatenate([windows[1] for windows in found])
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    return merge(starts, ends, int(ends[-1]) if len(ends) else 0)


def expanded(first: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
    """(row, value) for each row's stretch of `count` values from `first` on."""
    row = np.repeat(np.arange(len(first)), count)
    return row, np.arange(len(row)) + (first - np.concatenate(([0], np.cumsum(count)[:-1])))[row]
