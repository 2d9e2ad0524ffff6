"""What each candidate is worth: its checksum, the words beside it, and what it stands in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells
from piiscan.classify.batch import MANY
from piiscan.classify.confidence import worth
from piiscan.classify.distance import led_up
from piiscan.classify.plan import Plan
from piiscan.model import Rule
from piiscan.passes import IntArray

NOISE = 0.6
"""What a match without keyword, anchor or column keeps of its confidence in noise, and once more among numbers."""

ENOUGH = 100
"""Matches of a rule in one block from which on their checks are worth making together."""


class Weigher:
    """The confidence of candidates under the rules of one plan."""

    def __init__(
        self, plan: Plan, needs_word: npt.NDArray[np.bool_], checks: Sequence[Callable[[str], bool] | None]
    ) -> None:
        self._rules = tuple(compiled.rule for compiled in plan.rules)
        self._needs_word = needs_word
        self._checks = checks
        self._digital = frozenset(
            index for kind, found in (*plan.free, *plan.worded_kinds) if kind == "digital" for index in found
        )

    def __call__(
        self,
        block: bytes,
        rules: npt.NDArray[np.int32],
        starts: IntArray,
        ends: IntArray,
        keyword: npt.NDArray[np.bool_],
        forced: frozenset[int],
        against: npt.NDArray[np.bool_],
        *,
        noisy: bool,
        running: bool,
    ) -> npt.NDArray[np.float64]:
        """The confidence of every candidate, rule by rule; 0 for those that a stage stops."""
        out = np.zeros(len(rules))
        for index in np.unique(rules).tolist():
            mine = np.flatnonzero(rules == index)
            rule, column = self._rules[index], index in forced
            if rule.context.distance and (said := mine[keyword[mine]]).size:
                keyword = keyword.copy()
                keyword[said] = led_up(rule, block, starts[said], ends[said], running=running)
            if self._needs_word[index] and not column:
                mine = mine[keyword[mine]]
            near = keyword[mine]
            check = self._checks[index]
            holds = np.ones(len(mine), np.bool_)
            if check is not None and rule.match.shape != "ipv4":  # the kernel for quads has checked its own
                holds = checked(rule, check, block, starts[mine], ends[mine])
            for held in (True, False):
                for supported in (True, False):
                    out[mine[(holds == held) & (near == supported)]] = worth(rule, held, supported, column)
            if not column and (lonely := mine[(out[mine] > 0) & ~keyword[mine]]).size and rule.match.anchors == ():
                # Nothing but the number itself speaks for these: in noise or a table of numbers that is too little.
                factor = NOISE if noisy else 1.0
                spans = zip(lonely.tolist(), starts[lonely].tolist(), ends[lonely].tolist(), strict=True)
                if rule.match.shape == "ipv4":
                    short = lonely[(ends - starts)[lonely] <= 11]  # eight digits at most
                    out[short] *= [not looks_like_version(block[starts[i] : ends[i]]) for i in short]
                number = check is not None and running and index in self._digital
                for i, s, e in spans if number or noisy else ():
                    out[i] *= factor * (NOISE if number and in_numbers(block, s, e) else 1.0)
            if not column and rule.context.negative:
                # A word against the match outweighs a bare one, and halves one that a keyword supports.
                out[mine] *= np.where(against[mine], np.where(near, 0.5, 0.0), 1.0)
        return out


def checked(
    rule: Rule, check: Callable[[str], bool], block: bytes, starts: IntArray, ends: IntArray
) -> npt.NDArray[np.bool_]:
    """Which matches hold their rule's checksum."""
    assert rule.checksum is not None
    batch = MANY.get(rule.checksum.kind) if len(starts) >= ENOUGH else None
    known = np.zeros(len(starts), np.bool_)
    holds = np.zeros(len(starts), np.bool_)
    if batch is not None:
        order = np.argsort(starts, kind="stable")
        if bool((starts[order][1:] >= ends[order][:-1]).all()):
            holds[order], known[order] = batch(Cells.spans(block, starts[order], ends[order]), rule.checksum.params)
    single = np.flatnonzero(~known)
    for i, s, e in zip(single.tolist(), starts[single].tolist(), ends[single].tolist(), strict=True):
        holds[i] = check(block[s:e].decode("utf-8", "replace"))
    return holds


def looks_like_version(quad: bytes) -> bool:
    """Whether a dotted quad has small numbers only: of addresses one in forty has, of versions nearly all.

    >>> looks_like_version(b"4.77.3.1"), looks_like_version(b"192.0.2.9")
    (True, False)
    """
    return all(len(part) < 3 for part in quad.split(b"."))


def in_numbers(block: bytes, start: int, end: int) -> bool:
    """Whether a match stands among numbers: four in five characters around it are digits and what separates them."""
    around = block[max(start - 40, 0) : start] + block[end : end + 40]
    return len(around) >= 40 and len(around.translate(None, _NUMERIC)) <= len(around) // 5


_NUMERIC = b"0123456789 .,;:+-eE\t\r\n[]()|"
