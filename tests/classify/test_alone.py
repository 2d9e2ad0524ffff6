"""A text that is one value and nothing else: reported where chance would hardly satisfy the check digits."""

from __future__ import annotations

import pytest

from piiscan.catalogue import load_rules
from piiscan.classify.alone import look_of
from piiscan.classify.stack import Stack

RULES = [
    r for r in load_rules() if r.id in ("br.cpf", "br.cnpj", "us.aba_routing", "us.ssn", "generic.meid", "iban.de")
]
STACK = Stack(RULES, cache=False)


def found(text: str, threshold: float = 0.5) -> list[tuple[str, int, int]]:
    stack = STACK if threshold == 0.5 else Stack(RULES, threshold=threshold, cache=False)
    return [(match.rule, match.start, match.end) for match in stack.classify(text)]


@pytest.mark.parametrize(("text", "rule"), [("529.982.247-25", "br.cpf"), ("11.222.333/0001-81", "br.cnpj")])
def test_two_check_digits_are_enough(text: str, rule: str) -> None:
    assert found(text) == [(rule, 0, len(text))]
    assert found(f"\n {text}\n") == [(rule, 2, 2 + len(text))]


@pytest.mark.parametrize(
    "text",
    [
        "529.982.247-26",  # the check digits do not hold
        "111000025",  # of nine digits one in thirty is a routing number
        "536-90-4399",  # nothing but a form
        "AF0123450ABCDE",  # fourteen hexadecimal digits have no check digit
        "",
        "  ",
        "no number",
    ],
)
def test_what_chance_would_bring_is_not(text: str) -> None:
    assert found(text) == []


def test_only_where_nothing_else_stands() -> None:
    assert found("529.982.247-25 was the total") == []
    assert found("529.982.247-25", threshold=0.7) == []


def test_the_look_knows_hexadecimal() -> None:
    assert look_of("9c85-0aBx") == "0a00-0aAa"
    assert look_of("9c85-0abf") == "ffff-ffff"
