"""The literal stage: fixed strings found in one scan over everything, confirmed by the rule's pattern.

Literal-led databases run at memory speed (0.9 to 1.9 GB a CPU second measured), so this stage costs about the same with
ten rules as with hundreds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from piiscan.classify.compiled import Compiled
from piiscan.classify.dense import Candidates
from piiscan.classify.hyper import Hits, Scanner
from piiscan.classify.numbers import Numbers, expanded
from piiscan.classify.plan import Plan
from piiscan.passes import IntArray

BEHIND = 64
"""Matches longer than this (passwords, keys) are looked for behind their keyword only, not before it."""

EDGE = 4096
"""Bytes at either end of a block within which every hit of a pattern with a boundary lies that needs the end itself."""
_WORD = np.array([b < 128 and chr(b).isalnum() for b in range(256)], np.bool_)
"""ASCII letters and digits."""


def anchor_candidates(plan: Plan, block: bytes, numbers: Numbers) -> Candidates:
    """Confirmed matches of anchored rules, and of rules that their keyword leads to."""
    scanner = plan.literals
    if scanner is None:
        return [], [], []
    ids, found = _framed(scanner, block)
    seen: set[tuple[int, int, int]] = set()
    anchors = len(plan.anchored)
    keywords = ids >= anchors
    for index, start, end in _beginnings(plan, block, ids[~keywords], found[~keywords]):
        for user in plan.anchored[index][2]:
            if spans := _around_anchor(plan.rules[user], block, start, end):
                seen.update((user, s, e) for s, e in spans)
    if keywords.any():
        widest = 1 if block.isascii() else 4
        tried: dict[int, Tried] = {}
        for user, start, end in _leads(plan, block, numbers, ids[keywords] - anchors, found[keywords], widest):
            known = tried.get(user)
            if known is None:
                known = tried[user] = Tried()
            if spans := around_keyword(plan.rules[user], block, start, end, widest, known):
                seen.update((user, s, e) for s, e in spans)
    return [h[0] for h in seen], [h[1] for h in seen], [h[2] for h in seen]


def _framed(scanner: Scanner, block: bytes) -> Hits:
    """The hits of a scanner over a block with a boundary at both of its ends, sorted by end, in bytes of the block.

    A large block is not copied for that: its ends are scanned once more, with their boundary.
    """
    if len(block) <= 2 * EDGE:
        ids, found = scanner.scan(b"".join((b"\n", block, b"\n")))
        return ids, found - 1
    parts = [scanner.scan(block), scanner.scan(b"\n" + block[:EDGE]), scanner.scan(block[-EDGE:] + b"\n")]
    shifts = (0, -1, len(block) - EDGE)
    packed = np.concatenate([(ends + by) << 20 | ids for (ids, ends), by in zip(parts, shifts, strict=True)])
    packed = np.unique(packed)
    return (packed & 0xFFFFF).astype(np.int32), packed >> 20


def _beginnings(plan: Plan, block: bytes, ids: npt.NDArray[np.int32], ends: IntArray) -> Iterator[tuple[int, int, int]]:
    """(anchor, start, end) of the hits of anchors that some rule can begin with: most of the short ones are parts of
    longer words."""
    data = np.frombuffer(block, np.uint8)
    sizes, opens = plan.anchor_table
    starts = ends - sizes[ids]
    good = (starts <= 0) | opens[ids, data[np.maximum(starts - 1, 0)]] if len(data) else np.zeros(len(ids), np.bool_)
    return zip(ids[good].tolist(), starts[good].tolist(), ends[good].tolist(), strict=True)


def _leads(
    plan: Plan, block: bytes, numbers: Numbers, ids: npt.NDArray[np.int32], found: IntArray, widest: int
) -> Iterator[tuple[int, int, int]]:
    """(rule, start, end) for every rule that may hold near a keyword: a whole word, that the rule's gap can go on
    behind, with as many digits near it as the rule's matches have.

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
    hits = np.flatnonzero(whole)
    first, users = plan.keyword_users
    hit, entry = expanded(first[ids[hits]], first[ids[hits] + 1] - first[ids[hits]])
    hits, rules = hits[hit], users[entry]
    digits = plan.keyword_digits[rules, 0]
    asks = np.flatnonzero(digits)
    if len(asks):
        ahead, beyond, head = plan.keyword_digits[rules[asks], 1:].T * widest
        low, high = starts[hits[asks]], ends[hits[asks]]
        good = np.ones(len(hits), np.bool_)
        good[asks] = numbers.digits_within(low - ahead, high + beyond) >= digits[asks]
        good[asks] &= (head == 0) | (numbers.digits_within(high, high + head) > 0)
        hits, rules = hits[good], rules[good]
    return zip(rules.tolist(), starts[hits].tolist(), ends[hits].tolist(), strict=True)


def _around_anchor(compiled: Compiled, block: bytes, start: int, end: int) -> list[tuple[int, int]]:
    least, most = compiled.rule.match.anchor_at
    if most == 0:
        found = compiled.body.match(block, start, min(start + compiled.most, len(block)))
        if found is None or (start > 0 and not compiled.before[block[start - 1]]):
            return []
        stop = compiled.longest(block, start, found.end())
        return [(start, stop)] if stop > start else []
    low, high = max(start - most, 0), min(start - least + compiled.most, len(block))
    if compiled.bytes_within:
        # A match holds nothing but these, so it cannot begin before the last other byte.
        low += len(block[low:start].rstrip(compiled.bytes_within))
        if low > start - least:
            return []
    return [(s, e) for s, e in compiled.within(block, low, high, start - least) if e >= end]


@dataclass(slots=True)
class Tried:
    """How far a rule was tried around the keywords before, so that a row of keywords costs no more than its length."""

    behind: int = 0
    """Where starts of matches behind a keyword are new."""
    before: int = 0
    """Where ends of matches before a keyword are new."""


def around_keyword(
    compiled: Compiled, block: bytes, start: int, end: int, widest: int, tried: Tried
) -> list[tuple[int, int]]:
    """Matches within the rule's window on either side of a keyword that the keywords before it, in ascending order,
    did not lead to; a character has at most `widest` bytes."""
    window = compiled.rule.context.window * widest
    if compiled.gap is not None:
        # The match stands directly behind the keyword and its gap, so there is one place to try.
        gap = compiled.gap.match(block, end, min(end + window, len(block)))
        if gap is None:
            return []
        return compiled.within(block, gap.end(), min(gap.end() + compiled.most + 1, len(block)), gap.end())
    last = end + window + 1
    found = compiled.within(block, max(end, tried.behind), min(last + compiled.most, len(block)), last)
    tried.behind = max(tried.behind, last + 1)
    if compiled.most <= BEHIND:
        low = max(start - window - compiled.most - 1, tried.before - compiled.most, 0)
        found += compiled.within(block, low, start)
        tried.before = max(tried.before, start)
    return found
