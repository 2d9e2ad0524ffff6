"""Keywords joined with candidates within their window, looked for only where candidates stand.

A keyword pass over all text would cost prose more than every other stage together (measured: 4.6 ms a megabyte for
Macie's 607 keywords), so the windows around candidates are scanned, or the block where these cover it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from piiscan.classify.dense import scan_windows
from piiscan.classify.hyper import Scanner, make_scanner
from piiscan.classify.numbers import Windows, merge
from piiscan.classify.plan import Plan
from piiscan.classify.spelling import spaced, token
from piiscan.classify.vocabulary import Users, vocabulary_of
from piiscan.passes import WORD, IntArray, WordTable, passes


class ToChars:
    """Byte offsets of a block of UTF-8 into character offsets."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._marks = passes().marks(block)

    def _inner(self, offsets: IntArray) -> IntArray:
        return passes().before(self._block, self._marks, offsets)

    def __call__(self, offsets: IntArray) -> IntArray:
        """The characters before each offset."""
        return offsets - self._inner(offsets)

    def reach(self, lows: IntArray, highs: IntArray, characters: IntArray | int) -> Windows:
        """Stretches widened by some characters on both sides, in bytes; at most a few bytes too wide."""
        more_before = self._inner(lows) - self._inner(lows - 4 * np.asarray(characters))
        more_after = self._inner(highs + 4 * np.asarray(characters)) - self._inner(highs)
        return lows - characters - more_before, highs + characters + more_after


class KeywordIndex:
    """All keywords of a plan, for and against, in one scanner."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.words = vocabulary_of([compiled.rule for compiled in plan.rules], cache=plan.cache)
        self._wanted = np.array(
            [bool(c.rule.context.keywords or c.rule.context.negative) for c in plan.rules], np.bool_
        )
        self._window = np.array([c.rule.context.window for c in plan.rules], np.int64)
        longest = self.words.longest(len(plan.rules))
        self._near = self._window + longest + 1
        """How far from a rule's match its keywords can reach."""
        opaque = next((list(which) for kind, which in plan.worded_kinds if kind == "opaque"), [])
        named = np.zeros(len(plan.rules), np.bool_)
        named[opaque] = True
        common, names = np.zeros(len(self.words), np.bool_), np.zeros(len(self.words), np.bool_)
        for users in (self.words.said, self.words.against):
            keyword = users.keyword()
            common[keyword[~named[users.rule]]] = True
            names[keyword[named[users.rule]]] = True
        self._short = np.flatnonzero(common & self._plain()) if passes().reads_words else np.empty(0, np.int64)
        """Short keywords of ASCII letters and digits: looked up as words, as patterns with boundaries are slow."""
        common[self._short] = False
        self._common, self._names = np.flatnonzero(common), np.flatnonzero(names)
        """Keywords of rules for opaque strings: names of services, thousands of them, looked for near these only."""
        worded = frozenset(plan.worded) - frozenset(opaque)
        self._far = max((int(self._near[i]) for i in worded), default=0)
        self._far_names = max((int(self._near[i]) for i in opaque), default=0)
        self._concerns: dict[int, npt.NDArray[np.bool_]] = {}

    @cached_property
    def scanner(self) -> Scanner:
        """The literal scanner over the keywords of numbers and anchored rules."""
        return self._scanner(self._common)

    @cached_property
    def names(self) -> Scanner:
        """The literal scanner over the keywords of opaque strings."""
        return self._scanner(self._names)

    def _scanner(self, which: IntArray) -> Scanner:
        key = hashlib.blake2b(which.tobytes(), key=self.words.key.encode(), digest_size=16).hexdigest()
        form = self.words.form
        return make_scanner(lambda: [token(form(i)) for i in which.tolist()], key=key, cache=self._plan.cache)

    def find(
        self,
        block: bytes,
        candidates: tuple[npt.NDArray[np.int32], IntArray, IntArray],
        numbers: Windows,
        strings: Windows,
        chars: ToChars | None,
    ) -> Spoken:
        """The keywords around candidates (rule, start, end), and around numbers and opaque strings that some worded
        rule could match."""
        rules, starts, ends = candidates
        if not (len(rules) or len(numbers[0]) or len(strings[0])):
            return NOTHING
        asking = np.flatnonzero(self._wanted[rules]) if len(rules) else np.empty(0, np.int64)
        lows, highs = np.concatenate((starts[asking], numbers[0])), np.concatenate((ends[asking], numbers[1]))
        near = np.concatenate((self._near[rules[asking]], np.full(len(numbers[0]), self._far, np.int64)))
        found = [
            *self._heard(block, self._common, "scanner", widened(lows, highs, near, chars), self._table),
            *self._heard(block, self._names, "names", widened(*strings, self._far_names, chars), None),
        ]
        if not found:
            return NOTHING
        return Spoken(np.concatenate([f.keyword for f in found]), np.concatenate([f.stops for f in found]))

    @cached_property
    def _table(self) -> WordTable:
        return WordTable({self.words.form(i): i for i in self._short.tolist()})

    def _plain(self) -> npt.NDArray[np.bool_]:
        """Which keywords are short, and nothing but ASCII letters and digits."""
        out = np.zeros(len(self.words), np.bool_)
        for i in np.flatnonzero((self.words.bounded > 0) & (self.words.sizes <= WORD)).tolist():
            form = self.words.form(i)
            out[i] = form.isascii() and form.isalnum()
        return out

    def _heard(
        self, block: bytes, which: IntArray, scanner: str, windows: Windows, table: WordTable | None
    ) -> Iterator[Spoken]:
        """The keywords of one scanner, and of a table, inside some stretches, which may reach out of the block."""
        if not len(windows[0]):
            return
        order = np.argsort(windows[0], kind="stable")
        lows, highs = windows[0][order], np.maximum.accumulate(windows[1][order])
        merged = merge(lows, highs, len(block))
        if len(which):
            ids, stops = scan_windows(getattr(self, scanner), block, *merged)
            yield Spoken(which[ids].astype(np.int32), stops)
        if table is not None and len(self._short):
            found, stops = passes().words(block, table, merged)
            yield Spoken(found.astype(np.int32), stops + 1)  # as if the byte behind had been consumed

    def whole(
        self, block: bytes, spoken: Spoken, wanted: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int32], IntArray, IntArray]:
        """(keyword, start, end) of those hits of some `wanted` keywords that no ASCII letter or digit stands beside.

        Beyond ASCII `judge` looks again.
        """
        mine = np.flatnonzero(wanted[spoken.keyword])
        ids = spoken.keyword[mine]
        stops = spoken.stops[mine] - self.words.bounded[ids]
        begins = stops - self.words.sizes[ids]
        good = self._edged(block, ids, begins, stops)
        return ids[good], begins[good], stops[good]

    def _edged(
        self, block: bytes, ids: npt.NDArray[np.int32], begins: IntArray, stops: IntArray
    ) -> npt.NDArray[np.bool_]:
        """Which hits have no ASCII letter or digit beside them, on the sides where their script has word edges."""
        data = np.frombuffer(block, np.uint8)
        if not len(data):
            return np.zeros(len(ids), np.bool_)
        edges = self.words.edges[ids]
        before = np.where(begins > 0, data[np.maximum(begins - 1, 0)], 32)
        after = np.where(stops < len(data), data[np.minimum(stops, len(data) - 1)], 32)
        out: npt.NDArray[np.bool_] = ~((_ALNUM[before] & edges[:, 0]) | (_ALNUM[after] & edges[:, 1]))
        return out

    def judge(
        self,
        block: bytes,
        spoken: Spoken,
        rules: npt.NDArray[np.int32],
        starts: IntArray,
        ends: IntArray,
        chars: ToChars | None,
    ) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """For each candidate the start of the keyword in its window (bytes; -1 without one), and whether a word that
        speaks against it stands before it on its line; `spoken` holds all keywords of the windows."""
        size = len(rules)
        at, against = np.full(size, -1, np.int64), np.zeros(size, np.bool_)
        asking = np.flatnonzero(self._wanted[rules]) if size else np.empty(0, np.int64)
        ids, found = spoken.keyword, spoken.stops
        if not len(asking) or not len(ids):
            return at, against
        first = starts if chars is None else chars(starts)
        last = ends if chars is None else chars(ends)
        widest = 1 if chars is None else 4
        near = _within_reach(
            found - self.words.bounded[ids] - self.words.sizes[ids],
            found,
            starts[asking],
            ends[asking],
            int(self._window[rules[asking]].max()) * widest,
        )
        ids, found = ids[near], found[near]
        if not len(ids):
            return at, against
        by_rule = _by_rule(rules, asking, starts)
        heard = np.logical_or.reduce([self._about(rule)[ids] for rule in by_rule])
        for index, stops in _by_keyword(ids[heard], found[heard]):
            stops = stops - self.words.bounded[index]  # the byte behind the token was consumed
            stops = stops[self._whole(index, block, stops)]
            if not len(stops):
                continue
            begins = stops - int(self.words.sizes[index])
            spot = _Spot(block, begins, stops, *((begins, stops) if chars is None else (chars(begins), chars(stops))))
            for user in self.words.said.of(index):
                if user in by_rule:
                    gap = self._plan.rules[user].gap
                    _support(spot, by_rule[user], first, last, int(self._window[user]), at, gap, starts)
            for user in self.words.against.of(index):
                if user in by_rule:
                    _oppose(spot, by_rule[user], first, starts, int(self._window[user]), against)
        return at, against

    @cached_property
    def _entries(self) -> tuple[tuple[Users, IntArray], ...]:
        return tuple((users, users.keyword()) for users in (self.words.said, self.words.against))

    def _about(self, rule: int) -> npt.NDArray[np.bool_]:
        """Which keywords speak for or against a rule."""
        found = self._concerns.get(rule)
        if found is None:
            found = self._concerns[rule] = np.zeros(len(self.words), np.bool_)
            for users, keyword in self._entries:
                found[keyword[users.rule == rule]] = True
        return found

    def _whole(self, index: int, block: bytes, stops: IntArray) -> npt.NDArray[np.bool_]:
        """Which hits of a keyword are whole tokens: no letter or digit beside them, where its script has word edges."""
        size = int(self.words.sizes[index])
        out = self._edged(block, np.full(len(stops), index, np.int32), stops - size, stops)
        data = np.frombuffer(block, np.uint8)
        first, last = self.words.edges[index]
        before = np.where(stops > size, data[np.maximum(stops - size - 1, 0)], 32)
        after = np.where(stops < len(data), data[np.minimum(stops, len(data) - 1)], 32)
        # Beyond ASCII the neighbour is a character of several bytes; these few are looked at one by one.
        for i in np.flatnonzero(out & (((before > 127) & first) | ((after > 127) & last))).tolist():
            low = max(int(stops[i]) - size - 4, 0)
            text = block[low : int(stops[i]) + 4].decode("utf-8", "replace")
            out[i] = _token(self.words.form(index)).search(text) is not None
        return out


_ALNUM = np.array([b < 128 and chr(b).isalnum() for b in range(256)], np.bool_)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The keywords that were found in a block, by their ends in bytes, in no order and some of them twice; not yet told
    from parts of words."""

    keyword: npt.NDArray[np.int32]
    stops: IntArray


NOTHING = Spoken(np.empty(0, np.int32), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class _Spot:
    """The hits of one keyword in a block, in bytes and in characters, ascending."""

    block: bytes
    begins: IntArray
    stops: IntArray
    first: IntArray
    last: IntArray


def widened(lows: IntArray, highs: IntArray, characters: IntArray | int, chars: ToChars | None) -> Windows:
    """Stretches with so many characters more on both sides, in bytes."""
    if chars is not None:
        return chars.reach(lows, highs, characters)
    return lows - characters, highs + characters


def _within_reach(begins: IntArray, stops: IntArray, starts: IntArray, ends: IntArray, reach: int) -> IntArray:
    """Which of some words have a candidate (start, end) within so many bytes, or a little more."""
    ordered = np.sort(starts)
    longest = int((ends - starts).max())
    first = np.searchsorted(ordered, begins - reach - longest, side="left")
    return np.flatnonzero(np.searchsorted(ordered, stops + reach, side="right") > first)


def _by_rule(rules: npt.NDArray[np.int32], asking: IntArray, starts: IntArray) -> dict[int, IntArray]:
    """The candidates that ask for keywords, by rule and sorted by start."""
    order = asking[np.lexsort((starts[asking], rules[asking]))]
    edges = np.flatnonzero(np.diff(rules[order])) + 1
    return {int(rules[part[0]]): part for part in np.split(order, edges)}


def _by_keyword(ids: npt.NDArray[np.int32], found: IntArray) -> Iterator[tuple[int, IntArray]]:
    """(keyword, its ends without repeats) for every keyword that was hit."""
    if not len(ids):
        return
    order = np.lexsort((found, ids))
    ids, found = ids[order], found[order]
    edges = np.flatnonzero(np.diff(ids)) + 1
    for part_ids, part in zip(np.split(ids, edges), np.split(found, edges), strict=True):
        keep = np.ones(len(part), np.bool_)
        keep[1:] = part[1:] != part[:-1]
        yield int(part_ids[0]), part[keep]


def _support(
    spot: _Spot,
    mine: IntArray,
    first: IntArray,
    last: IntArray,
    window: int,
    at: IntArray,
    gap: re.Pattern[bytes] | None,
    begins: IntArray,
) -> None:
    """Give the candidates of one rule their keyword: the nearest before, else the nearest after.

    With a `gap`, only a keyword before, and only when nothing else stands between the two.
    """
    starts, ends = first[mine], last[mine]
    before = np.searchsorted(spot.last, starts, side="right") - 1
    near = (before >= 0) & (starts - spot.last[before] <= window)
    if gap is not None:
        for i in np.flatnonzero(near & (at[mine] < 0)).tolist():
            if gap.fullmatch(spot.block, int(spot.stops[before[i]]), int(begins[mine[i]])):
                at[mine[i]] = spot.begins[before[i]]
        return
    after = np.minimum(np.searchsorted(spot.first, ends, side="left"), len(spot.first) - 1)
    distance = spot.first[after] - ends
    # A keyword that introduces the next candidate does not speak for the one before it.
    follows = np.zeros(len(mine), np.bool_)
    lead = starts[1:] - spot.last[after[:-1]]
    follows[:-1] = (lead >= 0) & (lead <= window)
    behind = ~near & (distance >= 0) & (distance <= window) & ~follows
    free = at[mine] < 0
    at[mine[near & free]] = spot.begins[before[near & free]]
    at[mine[behind & free]] = spot.begins[after[behind & free]]


def _oppose(
    spot: _Spot, mine: IntArray, first: IntArray, starts: IntArray, window: int, against: npt.NDArray[np.bool_]
) -> None:
    """Mark the candidates of one rule that have the word before them, in their window and on their line."""
    before = np.searchsorted(spot.last, first[mine], side="right") - 1
    near = (before >= 0) & (first[mine] - spot.last[before] <= window) & ~against[mine]
    for position in np.flatnonzero(near).tolist():
        if b"\n" not in spot.block[int(spot.stops[before[position]]) : int(starts[mine[position]])]:
            against[mine[position]] = True


@lru_cache(maxsize=8192)
def _token(form: str) -> re.Pattern[str]:
    """The keyword as a whole token: no letter or digit directly beside it, where its script has word edges."""
    before = r"(?<![^\W_])" if spaced(form[0]) else ""
    after = r"(?![^\W_])" if spaced(form[-1]) else ""
    return re.compile(before + re.escape(form) + after, re.IGNORECASE)
