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


PROSE = "The committee met and looked at what was left. Somebody had brought {} to the table, then they left."


def test_a_number_in_a_few_sentences_is_read_as_if_it_were_alone() -> None:
    text = PROSE.format("529.982.247-25")
    at = text.index("529")
    assert found(text) == [("br.cpf", at, at + 14)]
    assert found(PROSE.format("529.982.247-26")) == []


@pytest.mark.parametrize(
    "text",
    [
        PROSE.format(
            "529.982.247-25, 1 204 991, 3 551 220 and 88 123 456"
        ),  # many numbers: one of them holds by chance
        "id;amount\n52998224725;17\n39053344705;18\n",  # a table
        PROSE.format("52998224725") * 12,  # a long text
        PROSE.format("/srv/52998224725"),  # a path
        PROSE.format("20190304101500"),  # a moment
        PROSE.format("12345678909"),  # counted up
    ],
)
def test_sentences_around_other_numbers_say_nothing(text: str) -> None:
    assert found(text) == []


def test_a_look_that_many_rules_read_needs_more_than_one_check_digit() -> None:
    everything = Stack(load_rules(), cache=True)
    assert [m.rule for m in everything.classify("219566726")] == []
    assert "is.kennitala" in {m.rule for m in everything.classify("120174-3399")}


def test_a_value_alone_names_at_most_three_rules() -> None:
    everything = Stack(load_rules(), cache=True)
    assert 1 <= len(everything.classify("20262358977")) <= 3


@pytest.mark.parametrize(
    ("rule", "value"), [("id.npwp", "25.752.073.4-561.000"), ("hk.id", "A182361(5)")], ids=["npwp", "hk"]
)
def test_a_look_of_its_own_is_enough_with_one_check_digit(rule: str, value: str) -> None:
    stack = Stack([r for r in load_rules() if r.id == rule], cache=False)
    text = PROSE.format(value)
    at = text.index(value)
    assert [(match.start, match.end) for match in stack.classify(value)] == [(0, len(value))]
    assert [(match.start, match.end) for match in stack.classify(text)] == [(at, at + len(value))]
    other = value.replace("752", "725").replace("182", "128")
    assert not stack.classify(PROSE.format(other))
