"""Texts that try to make one rule slow, built from what the rule itself looks for. All values are invented.

Each is a short unit that is repeated to any length, so that the same text can be had at twice the size. What invites
work is a place where a rule has to look and then finds nothing, or finds something everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any

from piiscan.model import Rule
from tools.values import _members, made

SEED = 20_261_124
NEAR = 12
"""Characters between two keywords that leave the windows of both over one another."""


def units(rule: Rule) -> Iterator[tuple[str, str]]:
    """(kind, unit) of each hostile text of a rule, each kind once; the same in every run."""
    rng = random.Random(f"{SEED} hostile {rule.id}")
    value = made(rule, rng)
    almost = _spoilt(value)
    words = rule.context.keywords
    word = rng.choice(words) if words else ""
    yield "values", f"{value} "
    yield "values joined", value
    yield "almost values", f"{almost} "
    yield "starts", value[: max(len(value) * 2 // 3, 1)]
    yield "starts apart", f"{value[:-1] or value} "
    for number, anchor in enumerate(rule.match.anchors[:2], 1):
        yield f"anchor {number}", anchor
        yield f"anchor {number} apart", f"{anchor} "
        yield f"anchor {number} and run", anchor + _run(rule, rng)
    if word:
        yield "keywords", f"{word} "
        yield "keywords joined", word
        yield "keyword and value", f"{word}: {value}\n"
        yield "keyword and almost value", f"{word}: {almost}\n"
        yield "keywords and digits", f"{word} {'7' * NEAR} "
        yield "all keywords", " ".join(words) + " "
        if rule.context.gap:
            yield "keyword and run", f'{word} = "{_run(rule, rng)}'
    for against in rule.context.negative[:1]:
        yield "words against", f"{against} {value} "
    for number, sample in enumerate(sorted(_classes(rule))[:4], 1):
        yield f"character {number}", sample
    yield "classes", _run(rule, rng)


def text_of(unit: str, size: int) -> str:
    """A unit repeated to so many bytes, or a few less."""
    width = len(unit.encode("utf-8", "surrogatepass"))
    return unit * max(size // width, 1)


def _spoilt(value: str) -> str:
    """The value with its last letter or digit changed into one that fits its class seldom or not at all."""
    for at in range(len(value) - 1, -1, -1):
        if value[at].isalnum():
            return value[:at] + ("!" if value[at].isalpha() else "x") + value[at + 1 :]
    return value[:-1] + "!"


def _classes(rule: Rule) -> set[str]:
    """One character of every class and repeat of the pattern."""
    return {chars[0] for chars in _sets(sre_parser.parse(rule.match.pattern)) if chars}


def _run(rule: Rule, rng: random.Random) -> str:
    """A hundred characters that the classes of the pattern accept, in their order and over again."""
    found = [chars for chars in _sets(sre_parser.parse(rule.match.pattern)) if chars] or [["a"]]
    return "".join(rng.choice(found[i % len(found)]) for i in range(100))


def _sets(items: Any) -> Iterator[list[str]]:
    for op, arg in items:
        if op is sre.IN:
            yield _members(arg)
        elif op is sre.LITERAL:
            yield [chr(arg)]
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            yield from _sets(arg[2])
        elif op is sre.SUBPATTERN:
            yield from _sets(arg[3])
        elif op is sre.BRANCH:
            for branch in arg[1]:
                yield from _sets(branch)
