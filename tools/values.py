"""Values that a rule would match, drawn at random from its pattern and held against its checksum. All are invented."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any

from piiscan.classify.checksum import checker
from piiscan.model import Rule

TRIES = 400
"""Draws before a rule's own examples must do: two check digits of 97 hold once in a hundred draws."""

_PRINTABLE = [chr(code) for code in range(32, 127)]


def made(rule: Rule, rng: random.Random) -> str:
    """A value of the rule, drawn; one of its examples where drawing finds none."""
    holds: Callable[[str], bool] = checker(rule.checksum) if rule.checksum is not None else lambda _: True
    tree = sre_parser.parse(rule.match.pattern, re.ASCII)
    whole = re.compile(rule.match.pattern, re.ASCII | (re.IGNORECASE if rule.match.ignore_case else 0))
    for _ in range(TRIES):
        value = _drawn(tree, rng)
        if whole.fullmatch(value) and holds(value):
            return value
    return rng.choice([found for example in rule.examples for found in example.find])


def _drawn(items: Any, rng: random.Random) -> str:
    out = []
    for op, arg in items:
        if op is sre.LITERAL:
            out.append(chr(arg))
        elif op is sre.NOT_LITERAL:
            out.append(rng.choice([c for c in _PRINTABLE if ord(c) != arg]))
        elif op is sre.ANY:
            out.append(rng.choice(_PRINTABLE))
        elif op is sre.IN:
            out.append(rng.choice(_members(arg)))
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, most, inner = arg
            # What may be left out mostly is: people write a number with few of the separators that it may have.
            count = 0 if least == 0 and rng.random() < 0.85 else rng.randint(least, min(int(most), least + 12))
            out.append("".join(_drawn(inner, rng) for _ in range(count)))
        elif op is sre.SUBPATTERN:
            out.append(_drawn(arg[3], rng))
        elif op is sre.BRANCH:
            out.append(_drawn(rng.choice(arg[1]), rng))
    return "".join(out)


def _members(items: Any) -> list[str]:
    """The printable characters of a class."""
    found: set[str] = set()
    refused = False
    for op, arg in items:
        if op is sre.NEGATE:
            refused = True
        elif op is sre.LITERAL:
            found.add(chr(arg))
        elif op is sre.RANGE:
            found.update(chr(code) for code in range(arg[0], min(arg[1], 126) + 1))
        elif op is sre.CATEGORY:
            body = {sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_SPACE: r"\s"}.get(arg, r"\S")
            found.update(c for c in _PRINTABLE if re.fullmatch(body, c))
    chosen = [c for c in _PRINTABLE if c not in found] if refused else sorted(found)
    return chosen or ["a"]  # bytes of other scripts are not drawn
