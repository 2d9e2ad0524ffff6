"""Hostile text costs in proportion to its length: what the regular expressions of a rule are given to read is counted.

`make soak BARS=hostile` measures time, for all rules.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from piiscan.catalogue import load_rules
from piiscan.classify.compiled import Compiled
from piiscan.classify.stack import Stack
from piiscan.model import Rule
from tools.hostile_texts import text_of, units

RULES = load_rules()
SOME = RULES[::53]
"""All of them take a minute; the soak has them all."""


class Counting:
    """A compiled pattern that counts its calls and the bytes that each was given, or read up to its match."""

    def __init__(self, body: re.Pattern[bytes]) -> None:
        self.body = body
        self.work = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.body, name)

        def call(block: bytes, begin: int = 0, end: int = 1 << 60) -> re.Match[bytes] | None:
            found: re.Match[bytes] | None = method(block, begin, end)
            self.work += 1 + (found.end() if found is not None else min(end, len(block))) - begin
            return found

        return call


def work(rule: Rule, text: str) -> int:
    """Calls and bytes that the rule's pattern costs over one text, in the real stack."""
    stack = Stack([rule], cache=False)
    (compiled,) = stack.plan.rules
    counting = Counting(compiled.body)
    compiled.__dict__["body"] = counting
    stack.classify(text)
    return counting.work


@pytest.mark.parametrize("rule", SOME, ids=lambda rule: rule.id)
def test_twice_the_text_is_twice_the_work(rule: Rule) -> None:
    for kind, unit in units(rule):
        once, twice = (work(rule, text_of(unit, size << 10)) for size in (2, 4))
        if twice > 2.3 * once + 2_048:
            # A match may reach further than half the text: then the reach is cut short in the first, not the work.
            once, twice = twice, work(rule, text_of(unit, 8 << 10))
        assert twice <= 2.3 * once + 2_048, kind


def test_the_count_sees_what_a_rule_does() -> None:
    rule = next(rule for rule in RULES if rule.id == "us.ssn")
    assert work(rule, "ssn 536-90-4399 " * 10) > work(rule, "ssn 536-90-4399 ") > 0
    assert isinstance(Stack([rule], cache=False).plan.rules[0], Compiled)


def test_texts_are_the_same_in_every_run() -> None:
    for rule in SOME[::4]:
        assert list(units(rule)) == list(units(rule))
        assert all(unit for _, unit in units(rule))
