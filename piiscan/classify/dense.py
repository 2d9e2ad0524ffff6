"""The dense stage: numbers and codes, looked for only near digits that could be one.

The many-pattern scan is the slow part (10 to 25 ms a megabyte over everything, measured with 215 patterns), so it sees
only the windows that `numbers.py` makes: around groups of enough digits for the rules that are all digits, around
digits with a capital letter beside them for the rules that hold letters; rules that wait for a keyword only where one
stands near such digits. Where windows would cover most of a block it is scanned as it is.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from piiscan.classify.hyper import Scanner
from piiscan.classify.numbers import Numbers, hex_windows, quads, wallet_windows
from piiscan.classify.plan import Plan
from piiscan.passes import IntArray, passes

MOSTLY = 0.6
"""Share of the block from which on windows do not pay."""
Candidates = tuple[list[int], list[int], list[int]]
"""(rule, start, end) of confirmed patterns, in bytes of the block."""


def scan_windows(
    scanner: Scanner, block: bytes, starts: IntArray, ends: IntArray
) -> tuple[npt.NDArray[np.int32], IntArray]:
    """Hits of a scanner over the windows of a block, ends in bytes of the block.

    Each window is framed with line feeds, so that guards see a boundary at its edges; whoever confirms looks again.
    """
    if int((ends - starts).sum()) > MOSTLY * len(block):
        ids, found = scanner.scan(b"".join((b"\n", block, b"\n")))
        return ids, found - 1
    ids, found = scanner.scan(passes().framed(block, (starts, ends)))
    if not len(ids):
        return ids, found
    begins = np.concatenate(([0], np.cumsum(ends - starts + 1)[:-1])) + 1  # of each window in the joined buffer
    window = np.searchsorted(begins, found - 1, side="right") - 1
    return ids, found - begins[window] + starts[window]


def dense_candidates(plan: Plan, block: bytes, numbers: Numbers) -> Candidates:
    """Confirmed matches of all dense and wide rules that need no word beside them."""
    out: Candidates = ([], [], [])
    for kind, which, scanner in plan.scans:
        if numbers.absent[kind == "opaque"]:
            continue
        starts, ends = numbers.windows(plan, kind, which)
        if len(starts):
            _confirm(plan, which, block, *scan_windows(scanner, block, starts, ends), out)
    if plan.quads and len(numbers.swept.digits[0]):
        _append(out, plan.quads, *quads(numbers.all))
    if plan.wallet_scanner is not None and len(numbers.swept.digits[0]):
        pad = max(plan.rules[index].most for index in plan.wallets) + 2
        starts, ends = wallet_windows(numbers.runs, pad)
        if len(starts):
            _confirm(plan, plan.wallets, block, *scan_windows(plan.wallet_scanner, block, starts, ends), out)
    if plan.hex_scanner is not None:
        starts, ends = hex_windows(numbers.swept.joints, plan.reach(plan.hexed), len(block))
        if len(starts):
            _confirm(plan, plan.hexed, block, *scan_windows(plan.hex_scanner, block, starts, ends), out)
    if plan.wide_scanner is not None:
        whole = np.array([0]), np.array([len(block)])
        _confirm(plan, plan.wide, block, *scan_windows(plan.wide_scanner, block, *whole), out)
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


_USERINFO = re.compile(rb"://[^\s/@\"'<>]{0,64}:\Z")
_LOCAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'" + bytes(range(0x80, 0x100))
"""What an unquoted local part is made of (RFC 5322 dot-atom, less the rare signs; RFC 6531 letters)."""
_IN_LOCAL = np.array([b in _LOCAL for b in range(256)], np.bool_)
_IN_DOMAIN = np.array([b > 127 or chr(b).isalnum() or chr(b) in "-[" for b in range(256)], np.bool_)
"""What a domain or an address literal begins with."""


def email_candidates(plan: Plan, block: bytes, ats: IntArray) -> Candidates:
    """Matches of rules with `shape = "email"`: every at-sign, grown to the left, confirmed by the rule."""
    rules: list[int] = []
    starts: list[int] = []
    stops: list[int] = []
    if not plan.email or not len(ats):
        return rules, starts, stops
    size = len(block)
    data = np.frombuffer(block, np.uint8)
    at = ats[(ats > 0) & (ats < size - 1)]
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
            for start, end in item.within(block, begin, high, sign):
                if start < sign < end:
                    rules.append(item.index)
                    starts.append(start)
                    stops.append(end)
                break
    return rules, starts, stops
