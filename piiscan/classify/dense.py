"""The dense stage: numbers and codes, looked for only near digits.

A match of a dense rule holds at least five digits. So the block is reduced to windows around every five digits that
stand close together; in prose and code these are a tenth of the text, and the many-pattern scan, the slow part, runs
over the windows alone. Where windows would cover most of the block (logs, tables) the block is scanned as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from piiscan.classify.hyper import Scanner
from piiscan.classify.plan import MIN_DIGITS, Plan

IntArray = npt.NDArray[np.int64]

SPAN = 24
"""Bytes within which the five digits must stand."""
MOSTLY = 0.6
"""Share of the block from which on windows do not pay."""

Candidates = tuple[list[int], list[int], list[int]]
"""(rule, start, end) of confirmed patterns, in bytes of the block."""


def digit_windows(block: bytes, pad: int) -> tuple[IntArray, IntArray]:
    """Starts and ends of the merged stretches around digits, each `pad` bytes wider on both sides."""
    data = np.frombuffer(block, np.uint8)
    where = np.flatnonzero((data - 48) < 10)  # unsigned wrap-around: one comparison for both bounds
    if len(where) < MIN_DIGITS:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first, last = where[: -(MIN_DIGITS - 1)], where[MIN_DIGITS - 1 :]
    close = np.flatnonzero(last - first <= SPAN)
    return merge(first[close] - pad, last[close] + 1 + pad, len(block))


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


def dense_candidates(plan: Plan, block: bytes) -> Candidates:
    """Confirmed matches of all dense and wide rules."""
    out: Candidates = ([], [], [])
    if plan.dense_scanner is not None:
        starts, ends = digit_windows(block, plan.reach)
        if len(starts):
            _confirm(plan, plan.dense, block, *scan_windows(plan.dense_scanner, block, starts, ends), out)
    if plan.wide_scanner is not None:
        whole = np.array([0]), np.array([len(block)])
        _confirm(plan, plan.wide, block, *scan_windows(plan.wide_scanner, block, *whole), out)
    return out


def _confirm(
    plan: Plan, which: tuple[int, ...], block: bytes, ids: npt.NDArray[np.int32], ends: IntArray, out: Candidates
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


_LOCAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'" + bytes(range(0x80, 0x100))
"""What an unquoted local part is made of (RFC 5322 dot-atom, less the rare signs; RFC 6531 letters)."""


def email_candidates(plan: Plan, block: bytes) -> Candidates:
    """Matches of rules with `shape = "email"`: every at-sign, grown to the left, confirmed by the rule."""
    rules: list[int] = []
    starts: list[int] = []
    stops: list[int] = []
    if not plan.email or b"@" not in block:
        return rules, starts, stops
    size = len(block)
    at = block.find(b"@", 1)
    while at > 0:
        low = max(at - 64, 0)
        head = block[low:at]
        begin = at - (len(head) - len(head.rstrip(_LOCAL)))
        if begin < at:
            for index in plan.email:
                for start, end in plan.rules[index].within(block, begin, min(at + 256, size)):
                    if start < at < end:
                        rules.append(index)
                        starts.append(start)
                        stops.append(end)
                    break
        at = block.find(b"@", at + 1)
    return rules, starts, stops
