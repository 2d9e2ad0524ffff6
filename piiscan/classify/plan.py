"""The catalogue made ready to run: per rule a compiled body and guards, and for each stage the rules it serves.

Which stage finds a rule's candidates follows from the rule itself:

- `anchors`: literals, found by one literal scan over everything;
- `shape = "email"`: the at-sign kernel;
- at least five digits in every match: the dense stage, which looks only near digits;
- a required keyword and fewer digits: the keyword itself is the literal, the pattern is tried around it;
- the rest: their patterns run over everything (there should be few).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any

from piiscan.classify.hyper import Expression, Scanner, make_scanner
from piiscan.model import Rule

MIN_DIGITS = 5
"""Digits that every match of a dense rule holds; fewer would make the dense windows cover ordinary prose."""


def shape_of(pattern: str) -> tuple[int, int, int]:
    """(least width, most width, least digits) over all matches of a pattern, in characters.

    >>> shape_of(r"\\d{3}-\\d{2}-?\\d{4}")
    (10, 11, 9)
    >>> shape_of("[A-Z]{2}(?:12|345)")
    (4, 5, 2)
    """
    parsed = sre_parser.parse(pattern, re.ASCII)
    least, most = parsed.getwidth()
    return int(least), int(most), _digits(parsed)


def _only_digits(items: Any) -> bool:
    for op, arg in items:
        if op is sre.RANGE and 48 <= arg[0] and arg[1] <= 57:
            continue
        if op is sre.LITERAL and 48 <= arg <= 57:
            continue
        if op is sre.CATEGORY and arg is sre.CATEGORY_DIGIT:
            continue
        return False
    return True


def _digits(items: Any) -> int:
    """Least number of digits in a match of a parsed pattern."""
    total = 0
    for op, arg in items:
        if op is sre.LITERAL:
            total += 48 <= arg <= 57
        elif op is sre.IN:
            total += _only_digits(arg)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            total += arg[0] * _digits(arg[2])
        elif op is sre.SUBPATTERN:
            total += _digits(arg[3])
        elif op is sre.BRANCH:
            total += min(_digits(branch) for branch in arg[1])
    return total


def _table(cls: str) -> bytes:
    """256 flags: which bytes a one-character class accepts; all of them for an empty class."""
    if not cls:
        return b"\x01" * 256
    accepts = re.compile(cls.encode())
    return bytes(accepts.fullmatch(bytes([b])) is not None for b in range(256))


@dataclass(frozen=True, slots=True)
class Compiled:
    """One rule, ready to confirm candidates."""

    rule: Rule
    index: int
    body: re.Pattern[bytes]
    before: bytes
    """256 flags; the byte before a match must have a 1."""
    after: bytes
    least: int
    most: int
    digits: int

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

    def within(self, block: bytes, low: int, high: int) -> list[tuple[int, int]]:
        """All matches with guards inside `[low, high)`, left to right, not overlapping."""
        out: list[tuple[int, int]] = []
        at = low
        while at <= high:
            found = self.body.search(block, at, high)
            if found is None:
                break
            start, end = found.span()
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
        while True:
            if end == size or self.after[block[end]]:
                return end
            shorter = self.body.match(block, start, end - 1)
            if shorter is None or shorter.end() <= start:
                return -1
            end = shorter.end()


def compile_rule(rule: Rule, index: int) -> Compiled:
    """One rule's compiled form."""
    spec = rule.match
    least, most, digits = shape_of(spec.pattern)
    flags = re.IGNORECASE if spec.ignore_case else 0
    return Compiled(
        rule,
        index,
        re.compile(spec.pattern.encode(), flags),
        _table(spec.before),
        _table(spec.after),
        least,
        most,
        digits,
    )


@dataclass(frozen=True)
class Plan:
    """All compiled rules and who finds their candidates; the scanners are built at first use."""

    rules: tuple[Compiled, ...]
    anchored: tuple[tuple[str, bool, tuple[int, ...]], ...]
    """(literal, caseless, rules) of the literal scan."""
    keyworded: tuple[tuple[str, tuple[int, ...]], ...]
    """(keyword form, rules): keywords that serve as literals for rules with few digits."""
    dense: tuple[int, ...]
    wide: tuple[int, ...]
    email: tuple[int, ...]
    cache: bool = field(default=True, compare=False)

    @cached_property
    def literals(self) -> Scanner | None:
        """The literal scan: anchors first, then the keywords of rules with few digits."""
        items = [Expression(text, caseless, True) for text, caseless, _ in self.anchored]
        items += [Expression(text, True, True) for text, _ in self.keyworded]
        return make_scanner(items, cache=self.cache) if items else None

    @cached_property
    def dense_scanner(self) -> Scanner | None:
        """All dense patterns with their guards; runs near digits only."""
        return self._patterns(self.dense)

    @cached_property
    def wide_scanner(self) -> Scanner | None:
        """Patterns that nothing narrows down; runs over everything."""
        return self._patterns(self.wide)

    def _patterns(self, which: Sequence[int]) -> Scanner | None:
        if not which:
            return None
        return make_scanner([guarded(self.rules[i].rule) for i in which], cache=self.cache)

    @cached_property
    def reach(self) -> int:
        """Bytes that a dense match may be long, guards included: how far windows reach around digits."""
        return max((self.rules[i].most for i in self.dense), default=0) + 2


def guarded(rule: Rule) -> Expression:
    """Body with its guards as consumed characters; a line feed always passes, since blocks are framed with them.

    Confirmation looks at the real neighbours again, so this may accept too much but never too little.
    """
    spec = rule.match

    def guard(cls: str) -> str:
        if not cls:
            return r"[\x00-\xff]"
        return cls if re.compile(cls.encode()).fullmatch(b"\n") else f"(?:{cls}|\\n)"

    return Expression(f"{guard(spec.before)}(?:{spec.pattern}){guard(spec.after)}", spec.ignore_case)


def make_plan(rules: Sequence[Rule], *, cache: bool = True) -> Plan:
    """Sort the rules into stages."""
    compiled = tuple(compile_rule(rule, index) for index, rule in enumerate(rules))
    anchored: dict[tuple[str, bool], list[int]] = {}
    keyworded: dict[str, list[int]] = {}
    dense: list[int] = []
    wide: list[int] = []
    email: list[int] = []
    for item in compiled:
        spec, context = item.rule.match, item.rule.context
        if spec.anchors:
            for literal in spec.anchors:
                anchored.setdefault((literal.lower() if spec.ignore_case else literal, spec.ignore_case), []).append(
                    item.index
                )
        elif spec.shape == "email":
            email.append(item.index)
        elif item.digits >= MIN_DIGITS or spec.shape == "iban":
            # An IBAN's mandatory digits are two, but one with fewer than five in all is not issued in practice.
            dense.append(item.index)
        elif context.required:
            for keyword in context.keywords:
                for form in literal_forms(keyword):
                    keyworded.setdefault(form, []).append(item.index)
        else:
            wide.append(item.index)
    return Plan(
        compiled,
        tuple((text, caseless, tuple(found)) for (text, caseless), found in anchored.items()),
        tuple((text, tuple(found)) for text, found in keyworded.items()),
        tuple(dense),
        tuple(wide),
        tuple(email),
        cache,
    )


def literal_forms(keyword: str) -> tuple[str, ...]:
    """The literals under which a keyword is looked for: spaces as they stand, `_`, `-` or nothing, and, beyond ASCII,
    the case forms that a byte scan would not fold.

    >>> literal_forms("Card no")
    ('card no', 'card_no', 'card-no', 'cardno')
    """
    word = keyword.lower()
    forms = [word] + ([word.replace(" ", other) for other in ("_", "-", "")] if " " in word else [])
    if not word.isascii():
        forms += [f.upper() for f in forms] + [f.title() for f in forms]
    return tuple(dict.fromkeys(forms))
