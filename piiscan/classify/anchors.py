"""The literal stage: fixed strings found in one scan over everything, confirmed by the rule's pattern.

Literal-led databases run at memory speed (0.9 to 1.9 GB a CPU second measured), so this stage costs about the same with
ten rules as with hundreds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from piiscan.classify.dense import Candidates
from piiscan.classify.plan import Compiled, Plan

BEHIND = 64
"""Matches longer than this (passwords, keys) are looked for behind their keyword only, not before it."""

_DIGIT = re.compile(rb"[0-9]")
_WORD = np.array([b < 128 and chr(b).isalnum() for b in range(256)], np.bool_)
"""ASCII letters and digits."""


def anchor_candidates(plan: Plan, block: bytes) -> Candidates:
    """Confirmed matches of anchored rules, and of rules that their keyword leads to."""
    scanner = plan.literals
    if scanner is None:
        return [], [], []
    # The frame gives short keywords a boundary at both ends of the block.
    ids, found = scanner.scan(b"\n" + block + b"\n")
    found = found - 1
    seen: set[tuple[int, int, int]] = set()
    anchors = len(plan.anchored)
    keywords = ids >= anchors
    for index, end in zip(ids[~keywords].tolist(), found[~keywords].tolist(), strict=True):
        literal, _, users = plan.anchored[index]
        start = end - len(literal.encode())
        for user in users:
            if spans := _around_anchor(plan.rules[user], block, start, end):
                seen.update((user, s, e) for s, e in spans)
    if keywords.any():
        widest = 1 if block.isascii() else 4
        for index, start, end in _tokens(plan, block, ids[keywords] - anchors, found[keywords]):
            for user in plan.keyworded[index][1]:
                if spans := around_keyword(plan.rules[user], block, start, end, widest):
                    seen.update((user, s, e) for s, e in spans)
    return [h[0] for h in seen], [h[1] for h in seen], [h[2] for h in seen]


def _tokens(
    plan: Plan, block: bytes, ids: npt.NDArray[np.int32], found: npt.NDArray[np.int64]
) -> Iterator[tuple[int, int, int]]:
    """(keyword, start, end) of the hits that are whole words and that some rule's gap can go on behind.

    Most hits are parts of longer words, or words of the language; whole tokens are checked again, by script, when the
    keyword is joined.
    """
    data = np.frombuffer(block, np.uint8)
    sizes, behind, follows = plan.keyword_table
    ends = found - behind[ids]
    starts = ends - sizes[ids]
    last = len(block) - 1
    before = np.where(starts > 0, data[np.maximum(starts - 1, 0)], 10)
    after = np.where(ends <= last, data[np.minimum(ends, last)], 10)
    whole = ~(_WORD[before] & _WORD[data[starts]]) & ~(_WORD[after] & _WORD[data[ends - 1]])
    whole &= follows[ids, after]
    return zip(ids[whole].tolist(), starts[whole].tolist(), ends[whole].tolist(), strict=True)


def _around_anchor(compiled: Compiled, block: bytes, start: int, end: int) -> list[tuple[int, int]]:
    least, most = compiled.rule.match.anchor_at
    if most == 0:
        found = compiled.body.match(block, start, min(start + compiled.most, len(block)))
        if found is None or (start > 0 and not compiled.before[block[start - 1]]):
            return []
        stop = compiled.longest(block, start, found.end())
        return [(start, stop)] if stop > start else []
    low, high = max(start - most, 0), min(start - least + compiled.most, len(block))
    return [(s, e) for s, e in compiled.within(block, low, high, start - least) if e >= end]


def around_keyword(compiled: Compiled, block: bytes, start: int, end: int, widest: int) -> list[tuple[int, int]]:
    """Matches within the rule's window on either side of a keyword; a character has at most `widest` bytes."""
    window = compiled.rule.context.window * widest
    reach = window + compiled.most + 1
    if compiled.gap is not None:
        # The match stands directly behind the keyword and its gap, so there is one place to try.
        gap = compiled.gap.match(block, end, min(end + window, len(block)))
        if gap is None:
            return []
        return compiled.within(block, gap.end(), min(gap.end() + compiled.most + 1, len(block)), gap.end())
    if compiled.digits and _DIGIT.search(block, max(start - reach, 0), end + reach) is None:
        return []
    found = compiled.within(block, end, min(end + window + compiled.most + 1, len(block)), end + window + 1)
    if compiled.most <= BEHIND:
        found += compiled.within(block, max(start - window - compiled.most - 1, 0), start)
    return found
