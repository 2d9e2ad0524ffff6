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
CONFIDENCE = 0.55
_DRAWN = 500


class Alone:
    """The rules of a plan that can tell a value by itself."""

    def __init__(self, plan: Plan, checks: Sequence[Callable[[str], bool] | None]) -> None:
        self._rules = [
            (compiled, check)
            for compiled, check in zip(plan.rules, checks, strict=True)
            if check is not None and compiled.rule.category is not Category.CREDENTIALS
        ]
        self._chance = lru_cache(maxsize=4096)(self._measured)

    def reading(self, text: str) -> int:
        """Index of the rule that reads the whole text and that chance would satisfy least often; -1 for none."""
        if not text.isascii() or len(text) > LONGEST or not any(map(str.isdecimal, text)):
            return -1
        value = text.encode()
        found: list[tuple[float, int]] = []
        for position, (compiled, check) in enumerate(self._rules):
            if compiled.least <= len(value) <= compiled.most and compiled.body.fullmatch(value) and check(text):
                chance = self._chance(position, look_of(text))
                if chance <= CHANCE:
                    found.append((chance, compiled.index))
        return min(found)[1] if found else -1

    def _measured(self, position: int, look: str) -> float:
        """The share of random values of one look that a rule accepts."""
        compiled, check = self._rules[position]
        rng = random.Random(look)  # noqa: S311 - chances, not secrets
        passed = 0
        for _ in range(_DRAWN):
            text = "".join(rng.choice(_DRAWN_FROM[c]) if c in _DRAWN_FROM else c for c in look)
            passed += compiled.body.fullmatch(text.encode()) is not None and check(text)
        return passed / _DRAWN


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
