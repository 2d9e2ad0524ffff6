"""Checks of a column at once: where they answer, they answer as the check of one value."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest

from piiscan.cells import Cells
from piiscan.classify import iban
from piiscan.classify.batch import BATCH
from piiscan.classify.checksum import RAW_KINDS, checker
from piiscan.model import ChecksumSpec


def number(rng: random.Random, size: int) -> str:
    return "".join(rng.choices("0123456789", k=size))


def card(rng: random.Random) -> str:
    head = rng.choice(
        [
            "4",
            "34",
            "37",
            "51",
            "55",
            "2221",
            "2720",
            "36",
            "300",
            "3095",
            "3528",
            "6011",
            "5019",
            "62",
            "65",
            "644",
            "353",
            "5018",
            "2200",
            "60",
            "50",
            "1220",
            "99",
        ]
    )
    return head + number(rng, rng.choice((12, 13, 14, 15, 16, 19)) - len(head) if len(head) < 12 else 0)


def with_luhn(rng: random.Random, body: str) -> str:
    """The body with each last digit tried: one in ten holds."""
    return body[:-1] + rng.choice("0123456789")


def account(rng: random.Random) -> str:
    country = rng.choice(sorted(iban.STRUCTURES))
    letters = {"n": "0123456789", "a": "ABCXYZ", "c": "0123456789ABCXYZ"}
    bban = "".join(rng.choice(letters[kind]) for kind in iban.positions(country))
    value = country + iban.check_digits(country, bban) + bban
    turn = rng.random()
    if turn < 0.3:
        at = rng.randrange(len(value))
        value = value[:at] + rng.choice("0123456789ABZ") + value[at + 1 :]
    elif turn < 0.4:
        value = value[: rng.randrange(3, len(value))]
    return value


def address(rng: random.Random) -> str:
    local = "".join(rng.choices("ab.c-_+%'9", k=rng.randrange(1, 9)))
    domain = ".".join("".join(rng.choices("ab-9é", weights=(9, 9, 2, 2, 1), k=rng.randrange(0, 5))) for _ in range(2))
    return f"{local}@{domain}.{rng.choice(('com', 'PNG', 'x', 'xn--p1ai', 'de', 'c1', 'local', 'рф'))}"


def day(rng: random.Random) -> str:
    year, month, date = (
        rng.choice((1890, 1900, 1904, 1999, 2000, 2024, 2090)),
        rng.randrange(0, 14),
        rng.randrange(0, 33),
    )
    return rng.choice(("{0}-{1:02d}-{2:02d}", "{2:02d}.{1:02d}.{0}", "{0}/{1:02d}/{2:02d}")).format(year, month, date)


def phone(rng: random.Random) -> str:
    code = rng.choice(("1", "44", "49", "358", "7", "999", "0", "86", "1242"))
    rest = rng.choice(
        ("2015550123", "2079460958", "30123456", "8005550199", number(rng, 9), number(rng, 4), "11111111")
    )
    form = rng.choice(("+{0} {1}", "+{0}{1}", "{0}{1}", "+{0} (0){1}", "+{0}-{1} ext 12", "00{0} {1}", "+{1}"))
    return form.format(code, rest)


MADE: Mapping[str, Callable[[random.Random], str]] = {
    "luhn": lambda rng: with_luhn(rng, number(rng, rng.randrange(1, 20))),
    "card": lambda rng: with_luhn(rng, card(rng)),
    "aba": lambda rng: number(rng, 9),
    "ssn": lambda rng: rng.choice(("000", "666", "900", "001", "987", "111")) + number(rng, 6),
    "mod97": account,
    "email": address,
    "date": day,
    "phone": phone,
}


def spelt(rng: random.Random, value: str) -> str:
    """The value with separators, blanks of other alphabets, or a letter in it, at times."""
    turn = rng.random()
    if turn < 0.3:
        return "-".join(value[i : i + 4] for i in range(0, len(value), 4))
    if turn < 0.4:
        return value.lower()
    if turn < 0.45:
        return value[:3] + "\u00a0" + value[3:]
    if turn < 0.5:
        return value[:2] + rng.choice("xé٣") + value[3:]
    return value


@pytest.mark.parametrize("kind", sorted(BATCH))
def test_equals_the_check_of_one_value(kind: str) -> None:
    rng = random.Random(kind)
    values = [MADE[kind](rng) for _ in range(4_000)]
    if kind not in RAW_KINDS:
        values = [spelt(rng, value) for value in values]
    values += ["", "0", "x", "é"]
    check = checker(ChecksumSpec(kind))
    holds, known = BATCH[kind](Cells.of(values), {})
    one = [check(value) for value in values if value]
    assert 40 < sum(one) < len(one) - 40
    answered = [bool(k) for k in known]
    assert sum(answered) > 500
    wrong = [i for i, value in enumerate(values) if value and answered[i] and bool(holds[i]) != check(value)]
    assert wrong == []


def test_parameters_are_left_to_the_single_check() -> None:
    _, known = BATCH["luhn"](Cells.of(["79927398713"]), {"lengths": [9]})
    assert not known.any()


def test_part_of_a_larger_array() -> None:
    whole = Cells.of(["no number", "536-90-4399", "666-90-4399", "n/a"])
    holds, known = BATCH["ssn"](whole[1:3], {})
    assert (holds.tolist(), known.tolist()) == ([True, False], [True, True])
