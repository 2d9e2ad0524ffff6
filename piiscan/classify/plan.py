"""The catalogue made ready to run: per rule a compiled body and guards, and for each stage the rules it serves.

Which stage finds a rule's candidates follows from the rule itself:

- `anchors`: literals, found by one literal scan over everything;
- `shape`: a kernel of its own for mail addresses, dotted quads, and what colons hold together;
- at least five digits in every match: the dense stage, which looks only near digits; of these, rules that are worth
  nothing without a word (`worded`) are tried only where one of their keywords stands near such digits;
- a long string without blanks, as keys and tokens are: looked for where such strings stand (`Numbers.opaque`);
- a required keyword and fewer digits: the keyword itself is the literal, the pattern is tried around it;
- the rest: their patterns run over everything (there should be few).
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import astuple, dataclass, field, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from piiscan.classify.anatomy import Anatomy, anatomy_of, begins_with
from piiscan.classify.compiled import Compiled, compile_rule
from piiscan.classify.hyper import Expression, Scanner, make_scanner
from piiscan.classify.kept import digest, kept
from piiscan.classify.spelling import consumes, literal_forms, token
from piiscan.model import Rule

MIN_DIGITS = 5
"""Digits that every match of a dense rule holds; fewer would make the dense windows cover ordinary prose."""

LONG = 13
"""Digits in a row that are rare enough to look far around them."""
OPAQUE = 15
"""Characters of the shortest string that counts as opaque."""
EDGE = 6
"""Bytes around a group of digits that its match can use: a sign, a bracket, a letter at the end, the guards."""
REACH = 48
ANATOMY = "3"
"""Raise it when `anatomy.py` reads a pattern differently: it is part of the cache's key."""


def anatomies(patterns: Sequence[str], *, cache: bool) -> list[Anatomy]:
    """The anatomy of each pattern; parsing a thousand takes half a second, so they are kept."""
    flags = [field.type in ("bool", bool) for field in fields(Anatomy)]

    def make() -> dict[str, npt.NDArray[np.int64]]:
        return {"facts": np.array([astuple(anatomy_of(p)) for p in patterns], np.int64).reshape(-1, len(flags))}

    rows = kept("anatomy", digest((ANATOMY, *patterns)), make, cache=cache)["facts"].tolist()
    return [Anatomy(*(bool(v) if flag else v for v, flag in zip(row, flags, strict=True))) for row in rows]


def _openings(gaps: Sequence[str], *, cache: bool) -> npt.NDArray[np.bool_]:
    """256 flags for each gap: the bytes that it can begin with; all of them for none."""

    def make() -> dict[str, npt.NDArray[np.bool_]]:
        flags = [[not gap or begins_with(gap, code) for code in range(256)] for gap in gaps]
        return {"opens": np.array(flags, np.bool_).reshape(-1, 256)}

    found: npt.NDArray[np.bool_] = kept("gaps", digest((ANATOMY, *gaps)), make, cache=cache)["opens"]
    return found


@dataclass(frozen=True)
class Plan:
    """All compiled rules and who finds their candidates; the scanners are built at first use."""

    rules: tuple[Compiled, ...]
    anchored: tuple[tuple[str, bool, tuple[int, ...]], ...]
    """(literal, caseless, rules) of the literal scan."""
    keyworded: tuple[tuple[str, tuple[int, ...]], ...]
    """(keyword form, rules): keywords that serve as literals for rules with few digits."""
    worded: tuple[int, ...]
    """Dense rules that need one of their keywords, or a column name, to be reported."""
    worded_kinds: tuple[tuple[str, tuple[int, ...]], ...]
    """The same by kind (see `DENSE`)."""
    free: tuple[tuple[str, tuple[int, ...]], ...]
    """The other dense rules by kind, each of which has a scan of its own."""
    hexed: tuple[int, ...]
    """Rules whose matches are groups of hexadecimal digits (`shape = "hex_groups"`)."""
    quads: tuple[int, ...]
    """Rules for dotted quads (`shape = "ipv4"`)."""
    wallets: tuple[int, ...]
    """Rules for addresses of ledgers (`shape = "wallet"`): Base58 led by 1 or 3, Bech32 by bc1."""
    wide: tuple[int, ...]
    email: tuple[int, ...]
    cache: bool = field(default=True, compare=False)
    _openings: dict[tuple[int, ...], bytes] = field(default_factory=dict, compare=False)
    _fewest: dict[tuple[int, ...], int] = field(default_factory=dict, compare=False)
    _reach: dict[tuple[int, ...], int] = field(default_factory=dict, compare=False)

    @cached_property
    def literals(self) -> Scanner | None:
        """The literal scan: anchors first, then the keywords of rules with few digits."""
        items = [Expression(text, caseless, True) for text, caseless, _ in self.anchored]
        items += [token(text) for text, _ in self.keyworded]
        return make_scanner(items, cache=self.cache) if items else None

    @cached_property
    def keyword_table(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Of each of `keyworded` its bytes, the bytes behind it that the scanner takes as well, and 256 flags: what may
        stand behind it for some of its rules (a rule without a gap takes anything)."""
        sizes = np.array([len(text.encode()) for text, _ in self.keyworded], np.int64)
        behind = np.array([consumes(text) for text, _ in self.keyworded], np.int64)
        gaps = sorted({self.rules[user].rule.context.gap for _, users in self.keyworded for user in users})
        opens = dict(zip(gaps, _openings(gaps, cache=self.cache), strict=True))
        follows = np.zeros((len(self.keyworded), 256), np.bool_)
        for row, (_, users) in enumerate(self.keyworded):
            for gap in {self.rules[user].rule.context.gap for user in users}:
                follows[row] |= opens[gap]
        return sizes, behind, follows

    @cached_property
    def keyword_users(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where the rules of each of `keyworded` begin in the second array, and all these rules."""
        counts = [len(users) for _, users in self.keyworded]
        return np.cumsum([0, *counts]), np.array([user for _, users in self.keyworded for user in users], np.int64)

    @cached_property
    def keyword_digits(self) -> npt.NDArray[np.int64]:
        """Of each rule the digits that every match holds; how far before and behind a keyword they can be; and how far
        behind it the first of them can be, 0 where that is not told (a rule without a gap, which looks before its
        keyword too)."""
        return np.array([_digits_near(compiled) for compiled in self.rules], np.int64).reshape(-1, 4)

    @cached_property
    def anchor_table(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Of each of `anchored` its bytes, and 256 flags: what may stand before it for some of its rules."""
        sizes = np.array([len(text.encode()) for text, _, _ in self.anchored], np.int64)
        opens = np.zeros((len(self.anchored), 256), np.bool_)
        for row, (_, _, users) in enumerate(self.anchored):
            for compiled in (self.rules[user] for user in users):
                begins = compiled.rule.match.anchor_at[1] == 0
                opens[row] |= np.frombuffer(compiled.before, np.uint8).astype(np.bool_) if begins else True
        return sizes, opens

    @cached_property
    def dense(self) -> tuple[int, ...]:
        """All dense rules."""
        return (*(index for _, found in self.free for index in found), *self.worded)

    @cached_property
    def qualified(self) -> frozenset[int]:
        """Rules that may explain a column's cells whole."""
        return frozenset((*self.dense, *self.email, *self.quads, *self.wide, *self.led))

    @cached_property
    def scans(self) -> tuple[tuple[str, tuple[int, ...], Scanner], ...]:
        """(kind, rules, scanner) of the dense rules that need no word."""
        return tuple((kind, which, self._scanner(which)) for kind, which in self.free)

    @cached_property
    def wallet_scanner(self) -> Scanner | None:
        """Patterns that run where a word begins with 1, 3 or bc1."""
        return self._patterns(self.wallets)

    @cached_property
    def hex_scanner(self) -> Scanner | None:
        """Patterns that run near colons, dashes or dots at the distances of such groups."""
        return self._patterns(self.hexed)

    @cached_property
    def wide_scanner(self) -> Scanner | None:
        """Patterns that nothing narrows down; runs over everything."""
        return self._patterns(self.wide)

    def _patterns(self, which: Sequence[int]) -> Scanner | None:
        return self._scanner(which) if which else None

    def _scanner(self, which: Sequence[int]) -> Scanner:
        return make_scanner([guarded(self.rules[i].rule) for i in which], cache=self.cache)

    def fewest(self, which: tuple[int, ...]) -> int:
        """Digits in the shortest match of these rules, separators between them allowed."""
        known = self._fewest.get(which)
        if known is None:
            sizes = [self.rules[i].anatomy.group for i in which]
            known = self._fewest[which] = min(sizes, default=MIN_DIGITS)
        return known

    def openings(self, which: tuple[int, ...]) -> bytes:
        """256 flags: the bytes that some of these rules accepts before a match."""
        known = self._openings.get(which)
        if known is None:
            known = self._openings[which] = bytes(any(self.rules[i].before[b] for i in which) for b in range(256))
        return known

    @cached_property
    def led(self) -> frozenset[int]:
        """The rules that their keyword leads to; below a header that speaks for one, cells are tried as they are."""
        return frozenset(user for _, users in self.keyworded for user in users)

    def reach(self, which: tuple[int, ...]) -> int:
        """Bytes that windows reach around digits for these rules, guards included.

        Longer matches are still inside, as their digits are nowhere further apart than twice this.
        """
        known = self._reach.get(which)
        if known is None:
            known = self._reach[which] = min(max((self.rules[i].most for i in which), default=0) + 2, REACH)
        return known


def _digits_near(compiled: Compiled) -> tuple[int, int, int, int]:
    """A row of `Plan.keyword_digits`."""
    gap, window = compiled.rule.context.gap, compiled.rule.context.window
    if not gap:
        return compiled.digits, window + compiled.most + 1, window + compiled.most + 1, 0
    between = min(anatomy_of(gap).most, window)
    return compiled.digits, 0, between + compiled.most, between + compiled.anatomy.head + 1


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


DENSE = {
    "digital": "digits and usual separators, at most with a letter beside them",
    "lettered": "a capital letter in every match",
    "loose": "letters of either case beside a group of at least five digits",
    "mixed": "such a group with or without letters",
    "iban": "two letters of a country and two digits",
    "long": "thirteen digits in a row, and much beside them (magnetic stripes)",
    "scattered": "five digits close together",
    "opaque": "fifteen letters, digits, dashes or underscores in a row",
    "plus": "a plus sign before a digit",
}
"""The kinds of dense scan, by what their rules match; each knows in which windows to look."""


def make_plan(rules: Sequence[Rule], *, worded: Container[int] = (), cache: bool = True) -> Plan:
    """Sort the rules into stages. `worded` are the indexes of those that are not reported without a word."""
    shapes = anatomies([rule.match.pattern for rule in rules], cache=cache)
    compiled = tuple(compile_rule(rule, i, has) for i, (rule, has) in enumerate(zip(rules, shapes, strict=True)))
    anchored: dict[tuple[str, bool], list[int]] = {}
    keyworded: dict[str, list[int]] = {}
    dense: dict[str, list[int]] = {kind: [] for kind in DENSE}
    led: dict[str, list[int]] = {kind: [] for kind in DENSE}
    shaped: dict[str, list[int]] = {"hex_groups": [], "ipv4": [], "wallet": []}
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
        elif spec.shape == "anywhere":
            wide.append(item.index)
        elif spec.shape == "opaque":
            (led if item.index in worded and context.keywords else dense)["opaque"].append(item.index)
        elif spec.shape in shaped:
            shaped[spec.shape].append(item.index)
        elif _plus(spec.pattern) and not context.required:
            dense["plus"].append(item.index)
        elif (
            item.digits >= MIN_DIGITS
            or spec.shape in ("iban", "digits")
            or (item.digits and item.anatomy.capitals and not spec.ignore_case and not context.required)
        ):
            # An IBAN's mandatory digits are two, but one with fewer than five in all is not issued in practice.
            kind = _kind(item)
            if kind == "scattered" and context.required and not spec.shape:
                # Digits that stand apart hardly tell where a match can be: its keywords tell more.
                _lead(keyworded, item)
            else:
                (led if item.index in worded and context.keywords else dense)[kind].append(item.index)
        elif item.least >= OPAQUE and item.anatomy.opaque:
            (led if item.index in worded and context.keywords else dense)["opaque"].append(item.index)
        elif context.required or (item.index in worded and context.keywords):
            _lead(keyworded, item)
        else:
            wide.append(item.index)
    return Plan(
        rules=compiled,
        anchored=tuple((text, caseless, tuple(found)) for (text, caseless), found in anchored.items()),
        keyworded=tuple((text, tuple(found)) for text, found in keyworded.items()),
        worded=tuple(index for found in led.values() for index in found),
        worded_kinds=tuple((kind, tuple(found)) for kind, found in led.items() if found),
        free=tuple((kind, tuple(found)) for kind, found in dense.items() if found),
        hexed=tuple(shaped["hex_groups"]),
        quads=tuple(shaped["ipv4"]),
        wallets=tuple(shaped["wallet"]),
        wide=tuple(wide),
        email=tuple(email),
        cache=cache,
    )


_ALTERNATIVE = re.compile(r"\\.|\[[^\]]*\]|([(|)])")


def _plus(pattern: str) -> bool:
    """Whether every match begins with a plus sign: the pattern does, and has no alternatives of its own."""
    if not pattern.startswith("\\+") or pattern[2:3] in tuple("?*{"):
        return False
    depth = 0
    for sign in _ALTERNATIVE.findall(pattern):
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and not depth:
            return False
    return True


def _lead(keyworded: dict[str, list[int]], item: Compiled) -> None:
    """Have the rule's keywords looked for, and the pattern tried around them."""
    # "x-id" and "x id" have a form in common.
    forms = dict.fromkeys(form for keyword in item.rule.context.keywords for form in literal_forms(keyword))
    for form in forms:
        keyworded.setdefault(form, []).append(item.index)


def _kind(item: Compiled) -> str:
    """Which of the dense scans serves a rule."""
    spec = item.rule.match
    if spec.shape == "iban":
        return "iban"
    if spec.shape == "digits":
        return "scattered"
    has = item.anatomy
    if has.capitals and not spec.ignore_case:
        return "lettered"
    bounded = not any(item.before[letter] for letter in b"aZ_")
    grouped = has.group >= MIN_DIGITS
    if has.plain and bounded and grouped and not has.leading and has.tail < EDGE:
        return "digital"
    if has.run >= LONG:
        return "long"
    if not grouped:
        return "scattered"
    return "loose" if has.letters else "mixed"
