"""Rules that are worth nothing without a word, tried only where one of their own keywords stands near what fits them.

Both sides are arrays: the keywords that were found, and the places that the digits or long strings of the block leave
for each kind of rule. Their join gives stretches of a few bytes for single rules, so that a catalogue of a thousand
such rules costs a text no more than the few whose words it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from piiscan.classify.anchors import Tried, around_keyword
from piiscan.classify.dense import Candidates
from piiscan.classify.keywords import KeywordIndex, Spoken
from piiscan.classify.numbers import Numbers, Windows, expanded, merge, union
from piiscan.classify.plan import Plan
from piiscan.passes import IntArray

RuleArray = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Places:
    """Where matches of worded rules can be, as far as digits and strings say: windows by kind of rule."""

    kinds: tuple[tuple[int, Windows], ...]
    """(index within `Plan.worded_kinds`, windows), without kinds that have none."""
    numbers: Windows
    """All but those of opaque strings, joined."""
    strings: Windows
    """Opaque strings themselves."""


class Worded:
    """The join of keywords and places for the worded rules of one plan."""

    def __init__(self, plan: Plan, keywords: KeywordIndex) -> None:
        self._plan = plan
        self._keywords = keywords
        size = len(plan.rules)
        self._kind = np.full(size, -1, np.int64)
        for number, (_, which) in enumerate(plan.worded_kinds):
            self._kind[list(which)] = number
        self._reach = np.array([c.rule.context.window + c.most + 2 for c in plan.rules], np.int64)
        said = keywords.words.said
        self._users = said.only(self._kind[said.rule] >= 0)

    def places(self, numbers: Numbers) -> Places:
        """Where matches of worded rules can be."""
        found: list[tuple[int, Windows]] = []
        digits: list[Windows] = []
        strings: Windows = (np.empty(0, np.int64), np.empty(0, np.int64))
        for number, (kind, which) in enumerate(self._plan.worded_kinds):
            if numbers.absent[kind == "opaque"]:
                continue
            windows = numbers.windows(self._plan, kind, which)
            if not len(windows[0]):
                continue
            found.append((number, windows))
            if kind == "opaque":
                strings = numbers.opaque
            else:
                digits.append(windows)
        joined = union(*digits) if digits else (strings[0][:0], strings[0][:0])
        return Places(tuple(found), joined, strings)

    def candidates(
        self, block: bytes, places: Places, spoken: Spoken, forced: frozenset[int], *, ascii_only: bool
    ) -> Candidates:
        """Confirmed matches of worded rules that have a keyword within reach, or for which the header speaks."""
        if not places.kinds:
            return [], [], []
        widest = 1 if ascii_only else 4
        rules, begins, stops = self._heard(block, spoken)
        reach = self._reach[rules] * widest
        lows, highs = begins - reach, stops + reach
        found: list[tuple[IntArray, IntArray, IntArray]] = []
        out: Candidates = ([], [], [])
        for number, (starts, ends) in places.kinds:
            kind, which = self._plan.worded_kinds[number]
            mine = np.flatnonzero(self._kind[rules] == number)
            first = np.searchsorted(ends, lows[mine], side="right")
            count = np.maximum(np.searchsorted(starts, highs[mine], side="left") - first, 0)
            if kind == "opaque":
                mine = mine[count > 0]
                self._behind(block, rules[mine], begins[mine], stops[mine], widest, out)
            else:
                pair, place = expanded(first, count)
                pair = mine[pair]
                low, high = np.maximum(lows[pair], starts[place]), np.minimum(highs[pair], ends[place])
                found.append((rules[pair], low, high))
            for rule in sorted(forced.intersection(which)):
                found.append((np.full(len(starts), rule, np.int64), starts, ends))
        self._confirm(block, *_per_rule(found, len(block)), out)
        return out

    def _heard(self, block: bytes, spoken: Spoken) -> tuple[IntArray, IntArray, IntArray]:
        """(rule, start, end) for every keyword that was heard and every worded rule that waits for it."""
        first = self._users.first
        ids, begins, stops = self._keywords.whole(block, spoken, first[1:] > first[:-1])
        hit, entry = expanded(first[ids], first[ids + 1] - first[ids])
        return self._users.rule[entry], begins[hit], stops[hit]

    def _behind(
        self, block: bytes, rules: IntArray, begins: IntArray, stops: IntArray, widest: int, out: Candidates
    ) -> None:
        """Append matches of rules for opaque strings beside their keyword: it may be part of the same string."""
        seen: set[tuple[int, int, int]] = set()
        for rule, begin, stop in zip(rules.tolist(), begins.tolist(), stops.tolist(), strict=True):
            # A longer keyword leads to another match than a shorter one that it holds: each is tried anew.
            spans = around_keyword(self._plan.rules[rule], block, begin, stop, widest, Tried())
            seen.update((rule, start, end) for start, end in spans)
        for rule, start, end in sorted(seen):
            _append(out, rule, start, end)

    def _confirm(self, block: bytes, rules: IntArray, lows: IntArray, highs: IntArray, out: Candidates) -> None:
        """Append the matches of single rules inside stretches of the block."""
        compiled = self._plan.rules
        for rule, low, high in zip(rules.tolist(), lows.tolist(), highs.tolist(), strict=True):
            for start, end in compiled[rule].within(block, low, high):
                _append(out, rule, start, end)


def _append(out: Candidates, rule: int, start: int, end: int) -> None:
    out[0].append(rule)
    out[1].append(start)
    out[2].append(end)


def _per_rule(found: list[tuple[IntArray, IntArray, IntArray]], size: int) -> tuple[IntArray, IntArray, IntArray]:
    """Stretches joined where those of one rule overlap, each within `[0, size)`."""
    rules, lows, highs = (np.concatenate([part[i] for part in found] or [np.empty(0, np.int64)]) for i in range(3))
    lows, highs = np.maximum(lows, 0), np.minimum(highs, size)
    some = np.flatnonzero(highs > lows)
    rules, lows, highs = rules[some], lows[some], highs[some]
    if not len(rules):
        return rules, lows, highs
    # One axis for all rules: each has a stretch of its own, so that one merge serves them all.
    order = np.argsort(rules * (size + 1) + lows, kind="stable")
    base = rules[order] * (size + 1)
    highs = np.maximum.accumulate(base + highs[order])
    lows, highs = merge(base + lows[order], highs, int(highs[-1]) + 1)
    rules = lows // (size + 1)
    return rules, lows - rules * (size + 1), highs - rules * (size + 1)
