"""Every managed identifier of Amazon Macie: found after each of its keywords, and in a column."""

from __future__ import annotations

import pytest

from piiscan.catalogue import load_rules
from piiscan.classify.ner import RULES as NAMES
from piiscan.classify.stack import Stack
from piiscan.model import Rule

MACIE = [rule for rule in load_rules() if rule.macie]


def test_all_166_are_there() -> None:
    """The two of names and addresses come from the name recogniser."""
    assert len({rule.macie for rule in MACIE} | {rule.macie for rule in NAMES if rule.macie}) == 166


@pytest.mark.parametrize("rule", MACIE, ids=lambda rule: rule.id)
def test_found_after_each_keyword_and_in_a_column(rule: Rule) -> None:
    stack = Stack([rule], cache=False)
    value = next(find for example in rule.examples for find in example.find)
    deaf = []
    for number, keyword in enumerate(rule.context.keywords):
        texts = (f"{keyword} {value}", f"{keyword}: {value}", f'{keyword} = "{value}"')
        if not any(match.rule == rule.id for text in texts for match in stack.classify(text)):
            deaf.append(number)
    assert deaf == []
    for column in rule.context.columns:
        assert any(match.rule == rule.id for match in stack.classify(value, column=column)), column
