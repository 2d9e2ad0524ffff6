from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.classify import checksum, iban
from piiscan.classify.checksum import KINDS
from piiscan.errors import CatalogueError
from piiscan.model import ChecksumSpec
from piiscan.rulefile import compact

MODULES = ("checksum", "iban", "national", "values", "secret", "world")
NONE: dict[str, object] = {}


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name: str) -> None:
    module = importlib.import_module(f"piiscan.classify.{name}")
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_names_its_source_or_says_why_not(kind: str) -> None:
    text = KINDS[kind].__doc__ or ""
    assert ">>>" in text
    assert "Source:" in text or kind in ("password", "api_secret", "dated")


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=size, max_size=size)


def broken(value: str, at: int, step: int) -> str:
    """`value` with one digit changed."""
    return value[:at] + str((int(value[at]) + step) % 10) + value[at + 1 :]


MADE: dict[str, tuple[int, Callable[[str], list[str]]]] = {
    "luhn": (15, lambda body: [body + d for d in "0123456789" if KINDS["luhn"](body + d, NONE)]),
    "verhoeff": (11, lambda body: [body + d for d in "0123456789" if KINDS["verhoeff"](body + d, NONE)]),
    "mod11_10": (10, lambda body: [body + d for d in "0123456789" if KINDS["mod11_10"](body + d, NONE)]),
    "cpf": (9, lambda body: [f"{body}{n:02d}" for n in range(100) if KINDS["cpf"](f"{body}{n:02d}", NONE)]),
    "cnpj": (12, lambda body: [f"{body}{n:02d}" for n in range(100) if KINDS["cnpj"](f"{body}{n:02d}", NONE)]),
}


LOSSY = {"cpf", "cnpj"}


@pytest.mark.parametrize("kind", sorted(MADE))
@given(data=st.data(), step=st.integers(1, 9))
def test_made_then_broken(kind: str, data: st.DataObject, step: int) -> None:
    size, make = MADE[kind]
    body = data.draw(digits(size).filter(lambda text: len(set(text)) > 1))
    made = make(body)
    assert len(made) == 1
    at = data.draw(st.integers(0, size - 1))
    # Where a remainder of ten counts as nought, one wrong digit in many goes unseen: the scheme's own weakness.
    seen = [not KINDS[kind](broken(made[0], at, s), NONE) for s in range(1, 10)]
    assert seen[step - 1] or (kind in LOSSY and sum(seen) >= 7)


@given(st.sampled_from(sorted(iban.STRUCTURES)), st.data(), st.integers(1, 9))
def test_iban_made_then_broken(country: str, data: st.DataObject, step: int) -> None:
    alphabets = {"n": "0123456789", "a": "ABCXYZ", "c": "0123456789ABCXYZ"}
    kinds = iban.positions(country)
    bban = "".join(data.draw(st.sampled_from(alphabets[kind])) for kind in kinds)
    if not bban.strip("0"):
        return
    value = country + iban.check_digits(country, bban) + bban
    assert KINDS["mod97"](value, NONE)
    at = data.draw(st.sampled_from([i for i, char in enumerate(value) if char.isdigit()]))
    assert not KINDS["mod97"](broken(value, at, step), NONE)
    assert not KINDS["mod97"](value + "0", NONE)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"checksum\.kind"):
        checksum.checker(ChecksumSpec("astrology"))


@given(st.text(max_size=40))
def test_compact_is_idempotent(text: str) -> None:
    assert compact(compact(text)) == compact(text)
