"""The kinds of checksum that a rule may name, one small function each.

A kind takes the value and the rule's parameters and says whether the value holds. Values come compacted (upper case,
separators dropped) except for the kinds of `RAW_KINDS`, whose alphabets know case and punctuation. `checker` hides the
difference; `batch.py` has those that can be made for a column at once. The numbers of states are in `national.py` and
`world.py`, technical ones in `values.py`, the secrets in `secret.py`, the accounts in `iban.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from piiscan.classify import (
    americas,
    asia,
    devices,
    europe,
    iban,
    ledger,
    national,
    schemes,
    screen,
    secret,
    tokens,
    values,
    vat,
    world,
)
from piiscan.errors import CatalogueError
from piiscan.model import ChecksumSpec, Rule
from piiscan.rulefile import compact

__all__ = ["KINDS", "RAW_KINDS", "checker", "compact", "is_sample"]

Check = Callable[[str, Mapping[str, Any]], bool]

_DOUBLED = str.maketrans("0123456789", "0246813579")


def luhn(value: str, params: Mapping[str, Any]) -> bool:
    """Whether the digits hold the Luhn sum; `prefix` is put before them, `lengths` and `starts` narrow them.

    Source: ISO/IEC 7812-1 annex B.

    >>> luhn("4111111111111111", {}), luhn("4111111111111112", {})
    (True, False)
    """
    if not _shaped(value, params):
        return False
    digits: str = params.get("prefix", "") + value
    if not digits.isdecimal() or not digits.isascii() or not digits.strip("0"):
        return False
    plain = digits[-1::-2]
    doubled = digits[-2::-2].translate(_DOUBLED)
    # A sum of ASCII codes is 48 too much for each digit.
    return (sum((plain + doubled).encode()) - 48 * len(digits)) % 10 == 0


def _shaped(value: str, params: Mapping[str, Any]) -> bool:
    lengths = params.get("lengths")
    starts = params.get("starts")
    if lengths is not None and len(value) not in lengths:
        return False
    return starts is None or value.startswith(tuple(starts))


def card(value: str, params: Mapping[str, Any]) -> bool:
    """Whether the digits are a payment card number: issuer range, length of that range, Luhn, not one digit repeated.

    Source: ISO/IEC 7812-1; the issuer ranges as the card schemes publish them.

    Four numbers that count up by small steps are a row of a table.

    >>> card("378282246310005", {}), card("1111111111111117", {}), card("6003600460056006", {})
    (True, False, False)
    """
    if len(set(value)) < 2 or not luhn(value, {}):
        return False
    return _card_length(value) and not _counted(value)


def _counted(value: str) -> bool:
    """Whether of the steps between four groups of four digits two or more are 1 to 20."""
    if len(value) != 16:
        return False
    groups = [int(value[at : at + 4]) for at in range(0, 16, 4)]
    return sum(1 <= later - earlier <= 20 for earlier, later in pairwise(groups)) > 1


def _card_length(value: str) -> bool:
    """Whether the length fits the range that the first digits belong to."""
    size, two, three, four = len(value), value[:2], value[:3], value[:4]
    six = int(value[:6]) if size >= 13 else 0
    if value[0] == "4":
        return size in (13, 16, 19)
    if two in ("34", "37"):
        return size == 15
    if "51" <= two <= "55" or 222100 <= six <= 272099:
        return size == 16
    if two in ("36", "38", "39") or "300" <= three <= "305" or four == "3095":
        return 14 <= size <= 19
    if "3528" <= four <= "3589":
        return 16 <= size <= 19
    if four in ("6011", "5019") or two in ("62", "65", "81") or "644" <= three <= "649" or three == "353":
        return 16 <= size <= 19
    if four in ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763"):
        return 13 <= size <= 19
    # UATP begins with 1 and has 15; Mir 2200 to 2204; RuPay 60, Elo and Maestro share what is left of 50 to 67.
    if "2200" <= four <= "2204":
        return size == 16
    if two in ("60", "63", "67", "50", "58"):
        return size == 16
    return four == "1220" and size == 15


def track(value: str, params: Mapping[str, Any]) -> bool:
    """Whether the account number in magnetic stripe data (track 1 or 2) holds the Luhn sum.

    Source: ISO/IEC 7813, tracks 1 and 2.

    >>> track("%B4111111111111111^DOE/JOHN^30121010000000?", {}), track(";4111111111111112=30121010000000?", {})
    (True, False)
    """
    number = value.lstrip("%;Bb").replace(" ", "")
    end = next((i for i, char in enumerate(number) if not char.isdigit()), len(number))
    return card(number[:end], {})


def aba(value: str, params: Mapping[str, Any]) -> bool:
    """Whether nine digits are an ABA routing number: Federal Reserve prefix and weights 3, 7, 1.

    Source: ABA Routing Number Policy; Federal Reserve routing symbols.

    >>> aba("123456780", {}), aba("123456789", {})
    (True, False)
    """
    if len(value) != 9 or not value.isdecimal() or len(set(value)) == 1:
        return False
    prefix = int(value[:2])
    if not (prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    return weighted(value, (3, 7, 1) * 3) % 10 == 0


def weighted(value: str, weights: tuple[int, ...]) -> int:
    """The sum of the digits of `value`, each times its weight.

    >>> weighted("123", (3, 2, 1))
    10
    """
    return schemes.weighted(value, weights)


KINDS: Mapping[str, Check] = {
    "luhn": luhn,
    "card": card,
    "track": track,
    "aba": aba,
    **iban.KINDS,
    **schemes.KINDS,
    **national.KINDS,
    **world.KINDS,
    **europe.KINDS,
    **vat.KINDS,
    **americas.KINDS,
    **asia.KINDS,
    **values.KINDS,
    **ledger.KINDS,
    **devices.KINDS,
    **secret.KINDS,
    **tokens.KINDS,
    **screen.KINDS,
}
"""Every kind that a rule file may name."""

RAW_KINDS: frozenset[str] = frozenset(
    {*secret.KINDS, *tokens.KINDS, "track", *values.KINDS, *ledger.KINDS, *screen.KINDS}
)
"""Kinds that get the text of the match as it stands, not its compacted form."""


def checker(spec: ChecksumSpec) -> Callable[[str], bool]:
    """The check of `spec` as a function of the text of a match, compacted or not as the kind wants it.

    Raises: CatalogueError for a kind that does not exist.

    >>> checker(ChecksumSpec("aba"))("1234-5678-0")
    True
    """
    kind, params = KINDS.get(spec.kind), spec.params
    if kind is None:
        raise CatalogueError(f"checksum.kind: no kind {spec.kind!r} (there are {', '.join(sorted(KINDS))})")
    raw = spec.kind in RAW_KINDS

    def check(text: str) -> bool:
        try:
            return kind(text if raw else compact(text), params)
        except (ValueError, IndexError, KeyError):
            return False  # characters that the arithmetic has no place for

    return check


def is_sample(rule: Rule, text: str) -> bool:
    """Whether the text of a match is one of the rule's published samples (see `Rule.test_values`)."""
    if not rule.test_values:
        return False
    if compact(text) in rule.test_values:
        return True
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest() in rule.test_values
