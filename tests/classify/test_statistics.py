"""What a column's values say together: check digits by rule or by chance."""

from __future__ import annotations

import random

import pytest

from piiscan.catalogue import load_rules
from piiscan.classify.stack import Stack
from piiscan.model import ColumnSegment, ObjectRef

STACK = Stack(load_rules(), cache=True)


def luhn(body: str) -> str:
    total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(body)))
    return body + str(-total % 10)


def steuer_id(rng: random.Random) -> str:
    """An identification number of the German tax office: ten digits, one of them twice, ISO 7064 MOD 11,10."""
    while True:
        digits = rng.sample("0123456789", 9)
        digits.insert(rng.randrange(9), rng.choice(digits))
        if digits[0] != "0" and all(digits[i] != digits[i + 1] for i in range(9)):
            break
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return "".join(digits) + str((11 - product) % 10)


def rules_of(header: str, values: list[str]) -> dict[str, int]:
    batch = STACK.open(ObjectRef("", "a.csv", 0), "text/csv").feed(
        ColumnSegment(header, "", tuple(values), tuple(range(1, len(values) + 1)))
    )
    counts: dict[str, int] = {}
    for index in batch.rule.tolist():
        rule = STACK.rules[index].id
        counts[rule] = counts.get(rule, 0) + 1
    return counts


@pytest.mark.parametrize("header", ["steuer-id", "col_7"])
def test_a_column_whose_check_digits_hold_is_one_of_identifiers(header: str) -> None:
    rng = random.Random(header)
    values = [steuer_id(rng) for _ in range(40)]
    assert rules_of(header, values) == {"de.steuer_id": 40}


def test_a_column_whose_check_digits_hold_by_chance_is_none_whatever_its_header_says() -> None:
    rng = random.Random(3)
    values = [str(rng.randrange(10**10, 10**11)) for _ in range(300)]
    assert rules_of("steuer-id", values) == {}


def test_order_numbers_as_long_as_cards_are_no_cards() -> None:
    rng = random.Random(4)
    values = ["4" + "".join(rng.choices("0123456789", k=15)) for _ in range(200)]
    assert rules_of("reference", values) == {}
    cards = [luhn("4" + "".join(rng.choices("0123456789", k=14))) for _ in range(200)]
    assert rules_of("reference", cards) == {"generic.credit_card": 200}


def test_identifiers_of_several_kinds_under_one_header_are_not_chance() -> None:
    rng = random.Random(5)
    values = [steuer_id(rng) if i % 3 else str(rng.randrange(10**10, 10**11)) for i in range(120)]
    assert rules_of("steuer-id", values).get("de.steuer_id", 0) >= 80


@pytest.mark.parametrize("header", ["isbn", "product_ean", "serial"])
def test_numbers_with_check_digits_of_things_are_left_alone(header: str) -> None:
    rng = random.Random(6)
    assert rules_of(header, [steuer_id(rng) for _ in range(40)]) == {}


def test_few_values_prove_nothing() -> None:
    rng = random.Random(7)
    assert rules_of("col_7", [steuer_id(rng) for _ in range(4)]) == {}
