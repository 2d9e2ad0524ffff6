"""The dense stage: numbers and codes, looked for only near digits that could be one.

The many-pattern scan is the slow part (10 to 25 ms a megabyte over everything, measured with 215 patterns), so it sees
only windows: around groups of enough digits for the rules that are all digits, around digits with a capital letter
beside them for the rules that hold letters. Dates and dotted quads, which fill logs, are no such group. Where windows
would cover most of a block it is scanned as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from piiscan.classify.hyper import Scanner
from piiscan.classify.plan import MIN_DIGITS, Plan

IntArray = npt.NDArray[np.int64]

SPAN = 24
"""Bytes within which the five digits must stand."""
MOSTLY = 0.6
"""Share of the block from which on windows do not pay."""

EDGE = 6
"""Bytes around a group of digits that its match can use: a sign, a bracket, a letter at the end, the guards."""

Windows = tuple[IntArray, IntArray]
"""Starts and ends of ascending stretches of a block."""

Candidates = tuple[list[int], list[int], list[int]]
"""(rule, start, end) of confirmed patterns, in bytes of the block."""


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of digits of a block, in order, and how each is joined to the next."""

    data: npt.NDArray[np.uint8]
    starts: IntArray
    ends: IntArray
    joined: npt.NDArray[np.bool_]
    """Between run i and run i + 1 stands one separator, or a closing bracket and a space."""


_JOINS = np.array([chr(b) in " -./" for b in range(256)], np.bool_)
_UPPER = np.array([65 <= b <= 90 for b in range(256)], np.bool_)
_LETTER = np.array([b < 128 and chr(b).isalpha() for b in range(256)], np.bool_)
_LOOSE = np.array([chr(b) in " -" for b in range(256)], np.bool_)
_BOUND = np.array([not (chr(b).isalnum() or chr(b) == "_") or b > 127 for b in range(256)], np.bool_)


def digit_runs(block: bytes) -> Runs:
    """The runs of digits of a block."""
    data = np.frombuffer(block, np.uint8)
    digit = (data - 48) < 10  # unsigned wrap-around: one comparison for both bounds
    edges = np.flatnonzero(digit[1:] != digit[:-1]) + 1
    if len(digit) and digit[0]:
        edges = np.concatenate(([0], edges))
    if len(edges) % 2:
        edges = np.concatenate((edges, [len(data)]))
    starts, ends = edges[::2], edges[1::2]
    gaps = starts[1:] - ends[:-1]
    after = data[ends[:-1]] if len(ends) > 1 else data[:0]
    return Runs(data, starts, ends, ((gaps == 1) & _JOINS[after]) | ((gaps == 2) & (after == 41)))


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
    dead = np.zeros(len(starts), np.bool_)
    if len(starts) > 2:
        a, b, c = sizes[:-2], sizes[1:-1], sizes[2:]
        both = np.flatnonzero(joined[:-1] & joined[1:] & (a <= 4) & (b <= 2) & (c <= 4))
        sign = data[ends[both]]
        both = both[(sign == data[ends[both + 1]]) & (sign != 32)]
        first, third = data[starts[both]], data[starts[both + 2]]
        year_first = (a[both] == 4) & ((first == 49) | (first == 50)) & (c[both] <= 2)  # 1xxx or 2xxx
        year_last = (a[both] <= 2) & (c[both] == 4) & ((third == 49) | (third == 50))
        for shift in range(3):
            dead[both[year_first | year_last] + shift] = True
    if len(starts) > 3:
        dots = joined & (data[ends[:-1]] == 46) & (sizes[:-1] <= 3) & (sizes[1:] <= 3)
        quad = np.flatnonzero(dots[:-2] & dots[1:-1] & dots[2:])
        # 1.023.456.789 is a number, too.
        number = (sizes[quad] == 1) & (sizes[quad + 1] == 3) & (sizes[quad + 2] == 3) & (sizes[quad + 3] == 3)
        for shift in range(4):
            dead[quad[~number] + shift] = True
    # Minutes and seconds, and the fraction behind these: two digits behind a colon that stands behind a digit.
    clock = (sizes == 2) & (data[np.maximum(starts - 1, 0)] == 58) & ((data[np.maximum(starts - 2, 0)] - 48) < 10)
    dead |= clock
    dead[1:] |= clock[:-1] & joined & (data[ends[:-1]] == 46)
    heads = np.ones(len(starts), np.bool_)
    heads[1:] = ~joined | dead[1:] | dead[:-1]
    head = np.flatnonzero(heads)
    tail = np.concatenate((head[1:] - 1, [len(starts) - 1]))
    total = np.add.reduceat(sizes, head)
    alive = ~dead[head]
    head, tail, total = head[alive], tail[alive], total[alive]
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


def quads(runs: Runs) -> tuple[list[int], list[int]]:
    """Starts and ends of all dotted quads of numbers up to 255 that are not part of something longer.

    Source: RFC 6943 section 3.1.1, the strict form without leading zeros of several digits.
    """
    starts, ends, data = runs.starts, runs.ends, runs.data
    if len(starts) < 4:
        return [], []
    dots = runs.joined & (data[ends[:-1]] == 46)
    size = ends - starts
    short = size <= 3
    at = np.flatnonzero(dots[:-2] & dots[1:-1] & dots[2:] & short[:-3] & short[1:-2] & short[2:-1] & short[3:])
    if not len(at):
        return [], []
    before, after = data[np.maximum(starts[at] - 1, 0)], data[np.minimum(ends[at + 3], len(data) - 1)]
    far = data[np.minimum(ends[at + 3] + 1, len(data) - 1)]
    good = (starts[at] == 0) | (_BOUND[before] & (before != 46) & (before != 45))
    # A full stop may end the sentence, but not go on with more digits or letters.
    good &= (ends[at + 3] == len(data)) | (_BOUND[after] & (after != 45) & ((after != 46) | _BOUND[far]))
    values = []
    for step in range(4):
        begin, width = starts[at + step], size[at + step]
        value = np.zeros(len(at), np.int64)
        for digit in range(3):
            held = digit < width
            value = np.where(held, value * 10 + data[np.minimum(begin + digit, len(data) - 1)] - 48, value)
        good &= value <= 255
        values.append(value)
    # The same refusals as the check for one address: see `values.ipv4`.
    a, b, c, _ = values
    good &= (a != 0) & (a != 127) & ~((a >= 224) & (a <= 239)) & ~((a == 255) & (b == 255) & (c == 255))
    return starts[at[good]].tolist(), ends[at[good] + 3].tolist()


def hex_windows(block: bytes, pad: int) -> tuple[IntArray, IntArray]:
    """Windows around what joins groups of hexadecimal digits: two adjacent colons, three within fifteen bytes (times of
    day have but two), three dashes three apart, two dots five apart."""
    data = np.frombuffer(block, np.uint8)
    colons, dashes, dots = (np.flatnonzero(data == sign) for sign in (58, 45, 46))
    found = [colons[:-1][np.diff(colons) == 1]] if len(colons) > 1 else []
    if len(colons) > 2:
        found.append(colons[:-2][colons[2:] - colons[:-2] <= 15])
    if len(dashes) > 2:
        found.append(dashes[:-2][(np.diff(dashes)[:-1] == 3) & (np.diff(dashes)[1:] == 3)])
    if len(dots) > 1:
        found.append(dots[:-1][np.diff(dots) == 5])
    at = np.sort(np.concatenate(found)) if found else colons[:0]
    return merge(at - pad, at + pad, len(block))


def letter_windows(groups: Groups, pad: int, size: int) -> tuple[IntArray, IntArray]:
    """Windows around groups of at least four digits with a capital letter beside them, directly or behind one sign."""
    keep = (groups.total >= 4) & groups.capital
    return merge(groups.starts[keep] - pad, groups.ends[keep] + pad, size)


def iban_windows(runs: Runs, reach: int) -> tuple[IntArray, IntArray]:
    """Windows from where two letters that begin a word stand before two digits."""
    starts, ends, data = runs.starts, runs.ends, runs.data
    at = starts[(ends - starts >= 2) & (starts >= 2)]
    at = at[_LETTER[data[at - 1]] & _LETTER[data[at - 2]]]
    at = at[(at == 2) | _BOUND[data[np.maximum(at - 3, 0)]]]
    return merge(at - 4, at + reach, len(data))


def digit_windows(runs: Runs, pad: int) -> tuple[IntArray, IntArray]:
    """Windows around every five digits that stand close together, in runs with a capital letter beside them."""
    starts, ends, data = runs.starts, runs.ends, runs.data
    if not len(starts):
        return starts, ends
    size = len(data)
    one, two = data[np.maximum(starts - 1, 0)], data[np.maximum(starts - 2, 0)]
    beside = _UPPER[one] | (_JOINS[one] & _UPPER[two])
    one, two = data[np.minimum(ends, size - 1)], data[np.minimum(ends + 1, size - 1)]
    beside |= _UPPER[one] | (_JOINS[one] & _UPPER[two])
    near = np.flatnonzero(beside)
    widths = (ends - starts)[near]
    where = np.repeat(starts[near] - np.concatenate(([0], np.cumsum(widths)[:-1])), widths) + np.arange(widths.sum())
    if len(where) < MIN_DIGITS:
        return where[:0], where[:0]
    first, last = where[: -(MIN_DIGITS - 1)], where[MIN_DIGITS - 1 :]
    close = np.flatnonzero(last - first <= SPAN)
    return merge(first[close] - pad, last[close] + 1 + pad, size)


def merge(starts: IntArray, ends: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Overlapping intervals joined and cut to `[0, size)`; both arrays ascend."""
    if not len(starts):
        return starts, ends
    gaps = np.flatnonzero(starts[1:] > ends[:-1])
    return (
        np.maximum(starts[np.concatenate(([0], gaps + 1))], 0),
        np.minimum(ends[np.concatenate((gaps, [len(ends) - 1]))], size),
    )


def scan_windows(
    scanner: Scanner, block: bytes, starts: IntArray, ends: IntArray
) -> tuple[npt.NDArray[np.int32], IntArray]:
    """Hits of a scanner over the windows of a block, ends in bytes of the block.

    Each window is framed with line feeds, so that guards see a boundary at its edges; whoever confirms looks again.
    """
    if int((ends - starts).sum()) > MOSTLY * len(block):
        ids, found = scanner.scan(b"\n" + block + b"\n")
        return ids, found - 1
    pieces = [block[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    ids, found = scanner.scan(b"\n" + b"\n".join(pieces) + b"\n")
    if not len(ids):
        return ids, found
    begins = np.concatenate(([0], np.cumsum(ends - starts + 1)[:-1])) + 1  # of each window in the joined buffer
    window = np.searchsorted(begins, found - 1, side="right") - 1
    return ids, found - begins[window] + starts[window]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The digits of a block, looked up once for all scans."""

    runs: Runs
    groups: Groups
    size: int
    """Bytes of the block."""

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
        return digit_windows(self.runs, plan.reach(which))


def numbers_of(block: bytes) -> Numbers:
    """The runs and groups of digits of a block."""
    runs = digit_runs(block)
    return Numbers(runs, digit_groups(runs), len(block))


def dense_candidates(plan: Plan, block: bytes, numbers: Numbers) -> Candidates:
    """Confirmed matches of all dense and wide rules that need no word beside them."""
    out: Candidates = ([], [], [])
    scans = (
        ("digital", plan.digital, plan.digital_scanner),
        ("lettered", plan.lettered, plan.lettered_scanner),
        ("iban", plan.iban, plan.iban_scanner),
        ("loose", plan.loose, plan.loose_scanner),
        ("mixed", plan.mixed, plan.mixed_scanner),
        ("scattered", plan.scattered, plan.scattered_scanner),
    )
    for kind, which, scanner in scans:
        if scanner is not None:
            starts, ends = numbers.windows(plan, kind, which)
            if len(starts):
                _confirm(plan, which, block, *scan_windows(scanner, block, starts, ends), out)
    _append(out, plan.quads, *quads(numbers.runs))
    if plan.hex_scanner is not None:
        starts, ends = hex_windows(block, plan.reach(plan.hexed))
        if len(starts):
            _confirm(plan, plan.hexed, block, *scan_windows(plan.hex_scanner, block, starts, ends), out)
    if plan.wide_scanner is not None:
        whole = np.array([0]), np.array([len(block)])
        _confirm(plan, plan.wide, block, *scan_windows(plan.wide_scanner, block, *whole), out)
    return out


def worded_windows(plan: Plan, numbers: Numbers) -> Windows:
    """Where matches of worded rules can be, as far as the digits say."""
    found = [numbers.windows(plan, kind, which) for kind, which in plan.worded_kinds]
    found = [windows for windows in found if len(windows[0])]
    if not found:
        none = np.empty(0, np.int64)
        return none, none
    return found[0] if len(found) == 1 else union(*found)


def union(*found: Windows) -> Windows:
    """All stretches of several kinds, joined where they overlap."""
    starts = np.concatenate([windows[0] for windows in found])
    ends = np.concatenate([windows[1] for windows in found])
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    return merge(starts, ends, int(ends[-1]) if len(ends) else 0)


def worded_candidates(
    plan: Plan, block: bytes, windows: Windows, may: Callable[[int, IntArray], npt.NDArray[np.bool_]]
) -> Candidates:
    """Confirmed matches of worded rules inside some windows; `may(rule, ends)` says which are worth confirming."""
    out: Candidates = ([], [], [])
    if plan.worded_scanner is not None and len(windows[0]):
        _confirm(plan, plan.worded, block, *scan_windows(plan.worded_scanner, block, *windows), out, may)
    return out


def _append(out: Candidates, rules: tuple[int, ...], starts: list[int], ends: list[int]) -> None:
    for rule in rules:
        out[0].extend([rule] * len(starts))
        out[1].extend(starts)
        out[2].extend(ends)


def _confirm(
    plan: Plan,
    which: tuple[int, ...],
    block: bytes,
    ids: npt.NDArray[np.int32],
    ends: IntArray,
    out: Candidates,
    may: Callable[[int, IntArray], npt.NDArray[np.bool_]] | None = None,
) -> None:
    """Append the hits whose pattern and guards hold on the block itself, their starts found."""
    if not len(ids):
        return
    data = np.frombuffer(block, np.uint8)
    # The guard behind a match was consumed; where the block ended it was the frame.
    stops = np.minimum(ends - 1, len(block))
    for index in np.unique(ids).tolist():
        compiled = plan.rules[which[index]]
        mine = stops[ids == index]
        if may is not None:
            mine = mine[may(compiled.index, mine)]
        if compiled.least == compiled.most:
            begins = mine - compiled.least
            good = begins >= 0
            before, after = np.frombuffer(compiled.before, np.uint8), np.frombuffer(compiled.after, np.uint8)
            good &= (begins <= 0) | (before[data[np.maximum(begins - 1, 0)]] == 1)
            good &= (mine >= len(block)) | (after[data[np.minimum(mine, len(block) - 1)]] == 1)
            starts, finals = begins[good].tolist(), mine[good].tolist()
        else:
            ends_at = compiled.ends_at
            pairs = [(start, end) for end in mine.tolist() if (start := ends_at(block, end, 0)) >= 0]
            starts, finals = [p[0] for p in pairs], [p[1] for p in pairs]
        out[0].extend([compiled.index] * len(starts))
        out[1].extend(starts)
        out[2].extend(finals)


_USERINFO = re.compile(rb"://[^\s/@\"'<>]{0,64}:\Z")
_LOCAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'" + bytes(range(0x80, 0x100))
"""What an unquoted local part is made of (RFC 5322 dot-atom, less the rare signs; RFC 6531 letters)."""
_IN_LOCAL = np.array([b in _LOCAL for b in range(256)], np.bool_)
_IN_DOMAIN = np.array([b > 127 or chr(b).isalnum() or chr(b) in "-[" for b in range(256)], np.bool_)
"""What a domain or an address literal begins with."""


def email_candidates(plan: Plan, block: bytes) -> Candidates:
    """Matches of rules with `shape = "email"`: every at-sign, grown to the left, confirmed by the rule."""
    rules: list[int] = []
    starts: list[int] = []
    stops: list[int] = []
    if not plan.email or b"@" not in block:
        return rules, starts, stops
    size = len(block)
    data = np.frombuffer(block, np.uint8)
    at = np.flatnonzero(data == 64)
    at = at[(at > 0) & (at < size - 1)]
    at = at[_IN_LOCAL[data[at - 1]] & _IN_DOMAIN[data[at + 1]]]
    compiled = [plan.rules[index] for index in plan.email]
    for sign in at.tolist():
        head = block[sign - 64 if sign > 64 else 0 : sign]
        begin = sign - len(head) + len(head.rstrip(_LOCAL))
        # After `://name:` stands a password, not a mailbox.
        if begin and block[begin - 1] == 58 and _USERINFO.search(block, max(begin - 80, 0), begin):
            continue
        high = sign + 256 if sign + 256 < size else size
        for item in compiled:
            found = item.body.match(block, begin, high)
            if found is not None and (begin == 0 or item.before[block[begin - 1]]):
                end = found.end()
                if end > sign and (end == size or item.after[block[end]]):
                    rules.append(item.index)
                    starts.append(begin)
                    stops.append(end)
                    continue
            for start, end in item.within(block, begin, high):
                if start < sign < end:
                    rules.append(item.index)
                    starts.append(start)
                    stops.append(end)
                break
    return rules, starts, stops
