"""Where the numbers of a block are, and the windows around them in which a rule's matches can be.

Runs of digits come out of a pass over the bytes (`passes.py`); joined as people write them they are groups. Dates,
times and dotted quads, which fill logs, are taken out first, so that nothing slow ever looks at them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from piiscan.classify.passes import passes
from piiscan.classify.plan import EDGE, LONG, MIN_DIGITS, OPAQUE, Plan

IntArray = npt.NDArray[np.int64]
Windows = tuple[IntArray, IntArray]
"""Starts and ends of ascending stretches of a block."""
SPAN = 24
"""Bytes within which the five digits must stand."""
FEWEST = 4
"""Digits of the smallest group that any window is made around."""
_JOINS = np.array([chr(b) in " -./" for b in range(256)], np.bool_)
_UPPER = np.array([65 <= b <= 90 for b in range(256)], np.bool_)
_LETTER = np.array([b < 128 and chr(b).isalpha() for b in range(256)], np.bool_)
_ALNUM = np.array([b < 128 and chr(b).isalnum() for b in range(256)], np.bool_)
_LOOSE = np.array([chr(b) in " -" for b in range(256)], np.bool_)
_BOUND = np.array([not (chr(b).isalnum() or chr(b) == "_") or b > 127 for b in range(256)], np.bool_)


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of digits of a block, in order, and how each is joined to the next."""

    data: npt.NDArray[np.uint8]
    starts: IntArray
    ends: IntArray
    sign: npt.NDArray[np.uint8]
    """The byte behind each run but the last."""
    joined: npt.NDArray[np.bool_]
    """Between run i and run i + 1 stands one separator, or a closing bracket and a space."""


def digit_runs(block: bytes) -> Runs:
    """All runs of digits of a block."""
    data = np.frombuffer(block, np.uint8)
    starts, ends = passes().digits(block)
    gaps = starts[1:] - ends[:-1]
    sign = data[ends[:-1]] if len(ends) > 1 else data[:0]
    return Runs(data, starts, ends, sign, ((gaps == 1) & _JOINS[sign]) | ((gaps == 2) & (sign == 41)))


def without_times(runs: Runs) -> Runs:
    """The runs that are no part of a date, a time of day or a dotted quad: in logs, one in four."""
    starts, ends, sign, joined, data = runs.starts, runs.ends, runs.sign, runs.joined, runs.data
    if len(starts) < 2:
        return runs
    sizes = ends - starts
    dead = np.zeros(len(starts), np.bool_)
    # Minutes and seconds, the fraction behind these, and the hour before.
    clock = (sizes[1:] == 2) & (sign == 58) & (starts[1:] - ends[:-1] == 1)
    dead[1:] = clock
    dead[2:] |= clock[:-1] & joined[1:] & (sign[1:] == 46)
    dead[:-1] |= clock & (sizes[:-1] <= 2)
    if len(starts) > 2:
        a, b, c = sizes[:-2], sizes[1:-1], sizes[2:]
        two = joined[:-1] & joined[1:] & (sign[:-1] == sign[1:]) & (sign[1:] != 32)
        both = np.flatnonzero(two & (a <= 4) & (b <= 2) & (c <= 4))
        first, third = data[starts[both]], data[starts[both + 2]]
        year_first = (a[both] == 4) & ((first == 49) | (first == 50)) & (c[both] <= 2)  # 1xxx or 2xxx
        year_last = (a[both] <= 2) & (c[both] == 4) & ((third == 49) | (third == 50))
        for shift in range(3):
            dead[both[year_first | year_last] + shift] = True
    if len(starts) > 3:
        dots = joined & (sign == 46) & (sizes[:-1] <= 3) & (sizes[1:] <= 3)
        quad = np.flatnonzero(dots[:-2] & dots[1:-1] & dots[2:])
        # 1.023.456.789 is a number, too.
        number = (sizes[quad] == 1) & (sizes[quad + 1] == 3) & (sizes[quad + 2] == 3) & (sizes[quad + 3] == 3)
        for shift in range(4):
            dead[quad[~number] + shift] = True
    return _chosen(runs, np.flatnonzero(~dead)) if dead.any() else runs


def _chosen(runs: Runs, which: IntArray) -> Runs:
    """Some of the runs; those between which others were are not joined."""
    if not len(which):
        return Runs(runs.data, runs.starts[:0], runs.ends[:0], runs.sign[:0], runs.joined[:0])
    joined = runs.joined[which[:-1]] & (np.diff(which) == 1)
    return Runs(runs.data, runs.starts[which], runs.ends[which], runs.sign[which[:-1]], joined)


@dataclass(frozen=True, slots=True)
class Groups:
    """Runs joined to numbers as people write them; dates and dotted quads are left out."""

    starts: IntArray
    ends: IntArray
    total: IntArray
    """Digits of each group."""
    before: npt.NDArray[np.uint8]
    """The byte before each group; a line feed where the block begins."""
    rest: IntArray
    """Digits of each group without those of its first run: all that a match can use that may not begin with it."""
    lettered: npt.NDArray[np.bool_]
    """A letter stands beside the group, directly or behind a blank or a dash."""
    capital: npt.NDArray[np.bool_]
    """A capital letter stands beside the group, directly or behind one sign that joins."""


def digit_groups(runs: Runs) -> Groups:
    """The groups of a block, in order."""
    starts, ends, joined, data = runs.starts, runs.ends, runs.joined, runs.data
    if not len(starts):
        none = np.empty(0, np.bool_)
        return Groups(starts, ends, starts, np.empty(0, np.uint8), starts, none, none)
    sizes = ends - starts
    heads = np.ones(len(starts), np.bool_)
    heads[1:] = ~joined
    head = np.flatnonzero(heads)
    many = _sums(sizes, head) >= FEWEST
    if not many.all():
        # Counts, codes and versions are most of what there is: they go before anything is asked of them.
        chosen = np.flatnonzero(np.repeat(many, np.diff(head, append=len(starts))))
        return digit_groups(_chosen(runs, chosen))
    tail = np.concatenate((head[1:] - 1, [len(starts) - 1]))
    total = _sums(sizes, head)
    begin, end = starts[head], ends[tail]
    before = np.where(begin > 0, data[np.maximum(begin - 1, 0)], 10).astype(np.uint8)
    after = np.where(end < len(data), data[np.minimum(end, len(data) - 1)], 10)
    further = _LETTER[data[np.maximum(begin - 2, 0)]] & _LOOSE[before]
    beyond = _LETTER[data[np.minimum(end + 1, len(data) - 1)]] & _LOOSE[after]
    lettered = _LETTER[before] | _LETTER[after] | further | beyond
    capital = _UPPER[before] | (_JOINS[before] & _UPPER[data[np.maximum(begin - 2, 0)]]) | _UPPER[after]
    # A capital that begins a word is no part of the number before it.
    word = _LETTER[data[np.minimum(end + 2, len(data) - 1)]] & ~_UPPER[data[np.minimum(end + 2, len(data) - 1)]]
    capital |= _JOINS[after] & _UPPER[data[np.minimum(end + 1, len(data) - 1)]] & ~word
    return Groups(begin, end, total, before, total - sizes[head], lettered, capital)


def _sums(sizes: IntArray, heads: IntArray) -> IntArray:
    """The sum of each stretch of sizes that begins at a head; twice as fast as `np.add.reduceat`."""
    before = np.concatenate(([0], np.cumsum(sizes)))
    return np.diff(before[heads], append=before[-1])


@dataclass(frozen=True)
class Numbers:
    """The digits and long strings of a block, each looked up once, when the first scan asks for it."""

    block: bytes

    @property
    def size(self) -> int:
        """Bytes of the block."""
        return len(self.block)

    @cached_property
    def all(self) -> Runs:
        """Every run of digits."""
        return digit_runs(self.block)

    @cached_property
    def runs(self) -> Runs:
        """Those that are no date, time or dotted quad."""
        return without_times(self.all)

    @cached_property
    def groups(self) -> Groups:
        """Numbers as people write them."""
        return digit_groups(self.runs)

    @cached_property
    def opaque(self) -> Windows:
        """Where the long opaque strings are: keys, tokens, hashes, and what else has no blanks and looks made up.

        Rules for the keys of some service match nothing but such a string; what tells them apart is the service's name
        nearby. Dots end one, or every address and import would be one; a key that holds dots has a stretch without that
        is long enough.
        """
        return passes().opaque(self.block, OPAQUE)

    @cached_property
    def scattered(self) -> Windows:
        """First and last of every five digits that stand close together beside capital letters."""
        return scattered_digits(self.runs)

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


def iban_windows(runs: Runs, reach: int) -> tuple[IntArray, IntArray]:
    """Windows from where two letters that begin a word stand before two digits."""
    starts, ends, data = runs.starts, runs.ends, runs.data
    at = starts[(ends - starts >= 2) & (starts >= 2)]
    apart = at[_LOOSE[data[at - 1]]]
    apart = apart[apart >= 3]
    at = at[_LETTER[data[at - 1]]]
    at = at[_LETTER[data[at - 2]]]
    at = at[(at == 2) | _BOUND[data[np.maximum(at - 3, 0)]]]
    # A blank between country and digits: then the letters must be capitals, or prose would be full of them.
    apart = apart[_UPPER[data[apart - 2]]]
    apart = apart[_UPPER[data[apart - 3]]]
    apart = apart[(apart == 3) | _BOUND[data[np.maximum(apart - 4, 0)]]]
    if len(apart):
        at = np.sort(np.concatenate((at, apart)))
    return merge(at - 5, at + reach, len(data))


def long_windows(runs: Runs, fewest: int, pad: int) -> tuple[IntArray, IntArray]:
    """Windows around runs of at least so many digits."""
    keep = np.flatnonzero(runs.ends - runs.starts >= fewest)
    return merge(runs.starts[keep] - pad, runs.ends[keep] + pad, len(runs.data))


def plus_windows(runs: Runs, reach: int) -> tuple[IntArray, IntArray]:
    """Windows from where a plus sign stands before a digit."""
    starts = runs.starts
    at = starts[(starts > 0) & (runs.data[np.maximum(starts - 1, 0)] == 43)] - 1
    return merge(at - 1, at + reach, len(runs.data))


def scattered_digits(runs: Runs) -> tuple[IntArray, IntArray]:
    """First and last of every five digits that stand close together, in runs with a capital letter beside them."""
    starts, ends, data = runs.starts, runs.ends, runs.data
    if not len(starts):
        return starts, ends
    size = len(data)
    one = data[np.maximum(starts - 1, 0)]
    before = _UPPER[one]
    behind = np.flatnonzero(_JOINS[one])
    before[behind] = _UPPER[data[np.maximum(starts[behind] - 2, 0)]]
    next_ = data[np.minimum(ends, size - 1)]
    after = _UPPER[next_]
    ahead = np.flatnonzero(_JOINS[next_])
    after[ahead] = _UPPER[data[np.minimum(ends[ahead] + 1, size - 1)]]
    near = np.flatnonzero(before | after)
    widths = (ends - starts)[near]
    where = np.repeat(starts[near] - np.concatenate(([0], np.cumsum(widths)[:-1])), widths) + np.arange(widths.sum())
    if len(where) < MIN_DIGITS:
        return where[:0], where[:0]
    first, last = where[: -(MIN_DIGITS - 1)], where[MIN_DIGITS - 1 :]
    close = np.flatnonzero(last - first <= SPAN)
    return first[close], last[close]


def wallet_windows(runs: Runs, reach: int) -> tuple[IntArray, IntArray]:
    """Windows from where a word begins with 1 or 3, or with bc1, and goes on with a letter."""
    starts, ends, data = runs.starts, runs.ends, runs.data
    first = data[starts]
    at = np.flatnonzero((first == 49) | (first == 51))
    at = at[_LETTER[data[np.minimum(ends[at], len(data) - 1)]]]
    start = starts[at]
    one, three = data[np.maximum(start - 1, 0)], data[np.maximum(start - 2, 0)]
    short = start[((one | 32) == 99) & ((three | 32) == 98)]  # bc, in either case: fourteen characters at least
    long = start[(start == 0) | ~_LETTER[one]]  # twenty-six
    found = []
    for at, least in ((long, 26), (short, 11)):
        for step in range(2, least, 3):
            at = at[_ALNUM[data[np.minimum(at + step, len(data) - 1)]]]
        found.append(at)
    start = np.sort(np.concatenate(found))
    return merge(start - 4, start + reach, len(data))


def quads(runs: Runs) -> tuple[list[int], list[int]]:
    """Starts and ends of all dotted quads of numbers up to 255 that are not part of something longer.

    Source: RFC 6943 section 3.1.1, the strict form without leading zeros of several digits.
    """
    starts, ends, data = runs.starts, runs.ends, runs.data
    if len(starts) < 4:
        return [], []
    dots = runs.joined & (runs.sign == 46)
    at = np.flatnonzero(dots[:-2] & dots[1:-1] & dots[2:])
    four = at[:, None] + np.arange(4)
    stops = ends[four]
    size = stops - starts[four]
    short = (size <= 3).all(axis=1)
    at, stops, size = at[short], stops[short], size[short]
    if not len(at):
        return [], []
    last, edge = stops[:, 3], len(data) - 1
    before, after = data[np.maximum(starts[at] - 1, 0)], data[np.minimum(last, edge)]
    far = data[np.minimum(last + 1, edge)]
    good = (starts[at] == 0) | (_BOUND[before] & (before != 46) & (before != 45))
    # A full stop may end the sentence, but not go on with more digits or letters.
    good &= (last == len(data)) | (_BOUND[after] & (after != 45) & ((after != 46) | _BOUND[far]))
    at, stops, size = at[good], stops[good], size[good]
    ones, tens, hundreds = (data[np.maximum(stops - back, 0)].astype(np.int16) - 48 for back in (1, 2, 3))
    values = ones + np.where(size > 1, tens * 10, 0) + np.where(size > 2, hundreds * 100, 0)
    good = (values <= 255).all(axis=1)
    # The same refusals as the check for one address: see `values.ipv4`.
    a, b, c, _ = values.T
    good &= (a != 0) & (a != 127) & ~((a >= 224) & (a <= 239)) & ~((a == 255) & (b == 255) & (c == 255))
    return starts[at[good]].tolist(), stops[good, 3].tolist()


def hex_windows(block: bytes, pad: int) -> tuple[IntArray, IntArray]:
    """Windows around what joins groups of hexadecimal digits; see `Passes.joints`."""
    at = passes().joints(block)
    return merge(at - pad, at + pad, len(block))


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
