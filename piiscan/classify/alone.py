"""A value that is all there is: no word can stand beside it, so its own arithmetic must be unlikely enough.

How unlikely is measured, not assumed: characters of the same kinds are drawn at random, and the share that the rule's
pattern and checksum let pass is what chance alone would bring.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import lru_cache

from piiscan.classify.plan import Plan
from piiscan.model import Category

LONGEST = 80
"""Characters of a text from which on it is not a value alone."""
CHANCE = 0.02
"""Share of random values of the same look that may pass: with one check digit of eleven it is 0.09, with two 0.01."""
MISSED = 0.15
"""Share of misprints of one digit that a check digit may miss: the weaker schemes miss one in ten."""
CONFIDENCE = 0.55
_DRAWN = 500
_DRAWN_BESIDE = 40


class Alone:
    """The rules of a plan that can tell a value by itself."""

    def __init__(self, plan: Plan, checks: Sequence[Callable[[str], bool] | None]) -> None:
        self._rules = {
            compiled.index: (compiled, check)
            for compiled, check in zip(plan.rules, checks, strict=True)
            if check is not None and compiled.rule.category is not Category.CREDENTIALS
        }
        self._chance = lru_cache(maxsize=4096)(self._measured)

    def reading(self, text: str) -> int:
        """Index of the rule that reads the whole text and that chance would satisfy least often; -1 for none."""
        found = [(self.chance(index, text), index) for index in self.readings(text)]
        found = [(chance, index) for chance, index in found if chance <= CHANCE]
        return min(found)[1] if found else -1

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
        """Whether a rule's checksum tells nearly every misprint of one digit: a check digit, not a date or a range."""
        check = self._rules[index][1]
        digits = [i for i, char in enumerate(text) if char.isdecimal()]
        misprints = [text[:i] + other + text[i + 1 :] for i in digits for other in "0123456789" if other != text[i]]
        return sum(map(check, misprints)) <= len(misprints) * MISSED

    def __contains__(self, index: int) -> bool:
        return index in self._rules

    def _measured(self, index: int, look: str) -> float:
        """The share of random values of one look that a rule accepts."""
        compiled, check = self._rules[index]
        rng = random.Random(look)  # noqa: S311 - chances, not secrets
        passed = 0
        for _ in range(_DRAWN):
            text = _drawn(look, rng)
            passed += compiled.body.fullmatch(text.encode()) is not None and check(text)
        return passed / _DRAWN


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

    >>> look_of("AB-12x"), look_of("9c85:0a")
    ('AA-00a', 'ffff:ff')
    """
    letters = [char for char in text if char.isalpha()]
    if len(letters) > 2 and all(char in "abcdef" for char in letters):
        return "".join("f" if char.isalnum() else char for char in text)
    if len(letters) > 4 and all(char in "ABCDEF" for char in letters):
        return "".join("F" if char.isalnum() else char for char in text)
    return "".join("0" if c.isdecimal() else "A" if c.isupper() else "a" if c.islower() else c for c in text)
