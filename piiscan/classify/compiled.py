"""One rule as the stages use it: its pattern over bytes, the guards beside it, and how a candidate is confirmed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from piiscan.classify.anatomy import Anatomy, anatomy_of, signs_of
from piiscan.model import Rule

FEW = 64


@lru_cache(maxsize=1024)
def _table(cls: str) -> bytes:
    """256 flags: which bytes a one-character class accepts; all of them for an empty class."""
    if not cls:
        return b"\x01" * 256
    accepts = re.compile(cls.encode())
    return bytes(accepts.fullmatch(bytes([b])) is not None for b in range(256))


@dataclass(frozen=True)
class Compiled:
    """One rule, ready to confirm candidates."""

    rule: Rule
    index: int
    before: bytes
    """256 flags; the byte before a match must have a 1."""
    after: bytes
    anatomy: Anatomy

    @cached_property
    def least(self) -> int:
        """Bytes of the shortest match."""
        return self.anatomy.least

    @cached_property
    def most(self) -> int:
        """Bytes of the longest match."""
        return self.anatomy.most

    @cached_property
    def digits(self) -> int:
        """Digits that every match holds."""
        return self.anatomy.digits

    @cached_property
    def bytes_within(self) -> bytes:
        """All bytes that can stand in a match; empty where the pattern leaves that open."""
        signs = signs_of(self.rule.match.pattern)
        if signs is None or any(sign > 127 for sign in signs):
            return b""
        return bytes(code for code in range(128) if chr(code).isalnum() or code in signs)

    @cached_property
    def opening(self) -> re.Pattern[bytes]:
        """A byte that may stand before a match."""
        codes = b"".join(b"\\x%02x" % code for code in range(256) if self.before[code])
        return re.compile(b"[" + codes + b"]" if codes else b"(?!)")

    @cached_property
    def body(self) -> re.Pattern[bytes]:
        """The pattern; compiled when it is first wanted, as most rules of a large catalogue never are."""
        return re.compile(self.rule.match.pattern.encode(), re.IGNORECASE if self.rule.match.ignore_case else 0)

    @cached_property
    def gap(self) -> re.Pattern[bytes] | None:
        """What must stand between a keyword and the match behind it."""
        return re.compile(self.rule.context.gap.encode()) if self.rule.context.gap else None

    def ends_at(self, block: bytes, end: int, lowest: int) -> int:
        """Start of the longest match of body and guards that ends at `end` and starts at `lowest` or later, or -1."""
        if end < len(block) and not self.after[block[end]]:
            return -1
        if self.least == self.most:
            start = end - self.least
            if start < lowest or (start > 0 and not self.before[block[start - 1]]):
                return -1
            return start if self.body.fullmatch(block, start, end) else -1
        at = max(end - self.most, lowest)
        search = self.body.search
        while at <= end - self.least:
            found = search(block, at, end)
            if found is None:
                return -1
            start = found.start()
            if found.end() == end and (start == 0 or self.before[block[start - 1]]):
                return start
            at = start + 1
        return -1

    def within(self, block: bytes, low: int, high: int, last: int | None = None) -> list[tuple[int, int]]:
        """All matches with guards inside `[low, high)` that start at `last` at the latest, left to right, apart."""
        out: list[tuple[int, int]] = []
        at = low
        last = high if last is None else min(last, high)
        # A search would read on to `high` for a start that may not be used; few starts are better tried one by one.
        few = last - low <= FEW < high - last
        while at <= last:
            if few:
                opened = self.opening.search(block, at - 1, last) if at else None
                if at and opened is None:
                    break
                at = opened.end() if opened else at
                found = self.body.match(block, at, high)
                if found is None:
                    at += 1
                    continue
            else:
                found = self.body.search(block, at, high)
                if found is None:
                    break
            start, end = found.span()
            if start > last:
                break
            if start == 0 or self.before[block[start - 1]]:
                hit = self.longest(block, start, end)
                if hit > start:
                    out.append((start, hit))
                    at = hit
                    continue
            at = start + 1
        return out

    def longest(self, block: bytes, start: int, end: int) -> int:
        """The largest end of a match from `start`, at most `end`, whose after-guard holds; -1 if there is none."""
        size = len(block)
        while end < size and not self.after[block[end]]:
            # Only ends that the guard behind allows are worth another match.
            end -= 1
            while end > start and not self.after[block[end]]:
                end -= 1
            shorter = self.body.match(block, start, end) if end > start else None
            if shorter is None or shorter.end() <= start:
                return -1
            end = shorter.end()
        return end


def compile_rule(rule: Rule, index: int, anatomy: Anatomy | None = None) -> Compiled:
    """One rule's compiled form."""
    spec = rule.match
    return Compiled(rule, index, _table(spec.before), _table(spec.after), anatomy or anatomy_of(spec.pattern))
