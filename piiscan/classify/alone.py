"""A value with no word beside it: alone in a text, or in a few sentences that speak of something else.

Its own arithmetic must be unlikely enough. How unlikely is measured, not assumed: characters of the same kinds are
drawn at random, and the share that a rule's pattern and checksum let pass is what chance alone would bring. Where a
look is rare (`AB-123456-C`) few rules read it, and one check digit says much; nine bare digits are read by many.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from piiscan.classify.plan import Plan
from piiscan.classify.values import dialled
from piiscan.model import Category

LONGEST = 80
"""Characters of a text from which on it is not a value alone."""
CHANCE = 0.02
"""Share of random values of the same look that one rule may let pass: with one check digit of eleven it is 0.09, with
two 0.01."""
ANY = 0.6
"""Share of random values of the same look that all rules together may let pass, for a rule over `CHANCE` to count."""
DATED = 0.05
"""Share that a rule without a check digit may let pass there: a date and a form of its own come to this."""
TELLING = 0.3
"""Share from which on a rule's checksum tells nothing: a telephone number's length, a range."""
READINGS = 3
"""Rules that are named for one value: which country's number it is nothing tells."""
SENTENCES = 1000
"""Characters of a text from which on it is no longer a few sentences."""
FEW = 3
"""Numbers that may stand in them."""
WORDS = 0.75
"""Share of letters and blanks from which on a text is sentences, not a table, a log or code."""
MISSED = 0.15
"""Share of misprints of one digit that a check digit may miss: the weaker schemes miss one in ten."""
CONFIDENCE = 0.55
DIALLED = "generic.phone_national"
"""The rule for a phone number that is the whole text."""
_DRAWN = 500
_DRAWN_BESIDE = 40
_DRAWN_ANY = 200


class Alone:
    """The rules of a plan that can tell a value by itself."""

    def __init__(self, plan: Plan, checks: Sequence[Callable[[str], bool] | None]) -> None:
        self._rules = {
            compiled.index: (compiled, check)
            for compiled, check in zip(plan.rules, checks, strict=True)
            if check is not None and compiled.rule.category is not Category.CREDENTIALS
        }
        self._dialled = next((i for i, (c, _) in self._rules.items() if c.rule.id == DIALLED), None)
        self._chance = lru_cache(maxsize=4096)(self._measured)
        self._any = lru_cache(maxsize=1024)(self._measured_any)

    def found(self, text: str) -> list[tuple[int, int, int]]:
        """(rule, start, end) of a value that is the whole text, or of the few numbers in a few sentences."""
        value = text.strip()
        begin = text.find(value)
        if len(value) <= LONGEST and (rules := [*self.credible(value, 1), *self._phones(value)]):
            return [(rule, begin, begin + len(value)) for rule in rules]
        words = sum(map(str.isalpha, value)) + value.count(" ")
        if len(value) > SENTENCES or words < WORDS * len(value):
            return []
        numbers = [match for match in _NUMBER.finditer(text) if sum(map(str.isdecimal, match[0])) >= DIGITS]
        if len(numbers) > FEW:
            return []
        neutral = [match for match in numbers if not _OTHER.search(text, max(match.start() - 40, 0), match.start())]
        return [(rule, *match.span()) for match in neutral for rule in self.credible(match[0], len(numbers))]

    def _phones(self, value: str) -> tuple[int, ...]:
        """The rule for phone numbers where one is dialled as the whole text is written: behind a trunk prefix or 00."""
        if self._dialled is None or not _DIALLED.fullmatch(value) or _COUNTED.search(value) or not dialled(value):
            return ()
        return (self._dialled,)

    def credible(self, text: str, among: int) -> list[int]:
        """The rules that read a value, one of so many in its text, and that chance would hardly satisfy; the least
        probable first."""
        if len(set(filter(str.isdecimal, text))) < 3 or _COUNTED.search(text):
            return []
        known = [(self.chance(rule, text) * among, rule) for rule in self.readings(text)]
        if not known:
            return []
        credible = [(chance, rule) for chance, rule in known if chance <= CHANCE]
        if len(credible) < READINGS and not text.isdecimal() and self._any(look_of(text)) * among <= ANY:
            credible = [(chance, rule) for chance, rule in known if chance <= DATED or self.guards(rule, text)]
        return [rule for _, rule in sorted(credible)[:READINGS]]

    def readings(self, text: str) -> list[int]:
        """Indexes of the rules whose pattern and checksum the whole text holds."""
        if not text.isascii() or len(text) > LONGEST or not any(map(str.isdecimal, text)):
            return []
        value = text.encode()
        return [
            compiled.index
            for compiled, check in self._rules.values()
            if compiled.least <= len(value) <= compiled.most and compiled.body.fullmatch(value) and check(text)
        ]

    def reads(self, index: int, text: str) -> tuple[bool, bool]:
        """Whether the whole text is one match of a rule's pattern, and whether its checksum holds as well."""
        compiled, check = self._rules[index]
        fits = compiled.body.fullmatch(text.encode("utf-8", "replace")) is not None
        return fits, fits and check(text)

    def chance(self, index: int, text: str) -> float:
        """The share of random values that look like a text and that the rule's checksum accepts."""
        return self._chance(index, look_of(text))

    def chance_beside(self, index: int, text: str) -> float:
        """The share of values with the same first half and a random second one that the rule's checksum accepts."""
        compiled, check = self._rules[index]
        rng = random.Random(text)  # noqa: S311 - chances, not secrets
        half = len(text) // 2
        look = look_of(text[half:])
        tries = (text[:half] + _drawn(look, rng) for _ in range(_DRAWN_BESIDE))
        return sum(compiled.body.fullmatch(t.encode()) is not None and check(t) for t in tries) / _DRAWN_BESIDE

    def guards(self, index: int, text: str) -> bool:
        """Whether a rule's checksum tells nearly every misprint of the digits that it is over: a check digit, not a
        date or a range. Digits of which it accepts every other (the branch in Indonesia's NPWP) are not among them."""
        check = self._rules[index][1]
        passed = [
            sum(check(text[:i] + other + text[i + 1 :]) for other in "0123456789" if other != char)
            for i, char in enumerate(text)
            if char.isdecimal()
        ]
        told = [missed for missed in passed if missed < 9]
        return len(told) >= min(DIGITS, len(passed)) and sum(told) <= len(told) * 9 * MISSED

    def __contains__(self, index: int) -> bool:
        return index in self._rules

    def _measured_any(self, look: str) -> float:
        """The share of random values of one look that some rule accepts which does not accept most."""
        rng = random.Random(look)  # noqa: S311 - chances, not secrets
        drawn = [self.readings(_drawn(look, rng)) for _ in range(_DRAWN_ANY)]
        return sum(any(self._chance(rule, look) <= TELLING for rule in rules) for rules in drawn) / _DRAWN_ANY

    def _measured(self, index: int, look: str) -> float:
        """The share of random values of one look that a rule accepts."""
        compiled, check = self._rules[index]
        rng = random.Random(look)  # noqa: S311 - chances, not secrets
        passed = 0
        for _ in range(_DRAWN):
            text = _drawn(look, rng)
            passed += compiled.body.fullmatch(text.encode()) is not None and check(text)
        return passed / _DRAWN


DIGITS = 6
"""Digits of a number in a sentence that may be an identifier: no year, no count, no house number."""
_NUMBER = re.compile(r"(?<![\w./-])(?:[A-Z]{1,4}[- ]?)?\d(?:[-./ ]?[\dA-Z]){4,40}(?:\([\dA]\)|(?![\w/-]|\.\d))")
_COUNTED = re.compile(
    "01234567|12345678|23456789|98765432"
    "|(?:19|20)\\d\\d(?:0\\d|1[0-2])[0-3]\\d(?:\\d{6})?$"  # a date, and a time, without signs
    "|^1[5-8]\\d{8}$"  # seconds since 1970: 2017 to 2030
)
"""Digits that count up or down, dates and moments."""
_DIALLED = re.compile(r"\(?0(?:[ ()./-]{0,2}\d){8,13}")
"""A zero and eight digits or more, with the signs that phone numbers are written with."""
_OTHER = re.compile(
    r"\b(?:orders?|invoice|error|code|version|build|commit|ticket|issue|retry|time(?:stamp)?|serial|part|item|article"
    r"|sku|isbn|issn|ean|doi|hash|port|pid|bytes|line|page|ref(?:erence)?|tracking|batch|lot|model)\b[^.!?]{0,24}$",
    re.IGNORECASE,
)
"""Words that say what else a number behind them is."""


def _drawn(look: str, rng: random.Random) -> str:
    return "".join(rng.choice(_DRAWN_FROM[c]) if c in _DRAWN_FROM else c for c in look)


_DRAWN_FROM = {
    "0": "0123456789",
    "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "a": "abcdefghijklmnopqrstuvwxyz",
    "F": "0123456789ABCDEF",
    "f": "0123456789abcdef",
}


def look_of(text: str) -> str:
    """A text with 0 for digits, A and a for letters (F and f for all of them in hexadecimal numbers), and its signs.

    >>> look_of("AB-12x"), look_of("9c85:0ab")
    ('AA-00a', 'ffff:fff')
    """
    letters = [char for char in text if char.isalpha()]
    if len(letters) > 2 and all(char in "abcdef" for char in letters):
        return "".join("f" if char.isalnum() else char for char in text)
    if len(letters) > 4 and all(char in "ABCDEF" for char in letters):
        return "".join("F" if char.isalnum() else char for char in text)
    return "".join("0" if c.isdecimal() else "A" if c.isupper() else "a" if c.islower() else c for c in text)
