"""Schemes of check digits that many issuers share; all take compacted values.

Most numbers are one weighted sum, so `weighted_sum` takes its weights from the rule file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Params = Mapping[str, Any]


def _day(value: str, params: Params) -> bool:
    """Whether the digits at `month` and `day` can be a month (some registers add 20, 40, ...) and a day."""
    if "month" not in params:
        return True
    month, day = int(value[params["month"] :][:2]), int(value[params["day"] :][:2])
    return 1 <= month % 20 <= 12 and 1 <= day % 40 <= 31


def weighted(value: str, weights: Sequence[int]) -> int:
    """The sum of the digits of `value`, each times its weight.

    >>> weighted("123", (3, 2, 1))
    10
    """
    return sum([int(digit) * weight for digit, weight in zip(value, weights, strict=False)])


def weighted_sum(value: str, params: Params) -> bool:
    """Whether the sum of digits times `weights` leaves `remainder` (0) modulo `modulus`; several lists must all hold.

    A letter in the digits' place counts as in `letters` (X = 10). With `ten` the last digit 0 stands for a check
    digit of 10; with `fold` the check digit is (modulus - rest) mod 10. `starts` limits the first characters,
    `month` and `day` say where a date stands. One digit repeated never holds.

    Source: the parameters come from the issuer's description that the rule file cites.

    >>> nhs = {"weights": [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], "modulus": 11}
    >>> weighted_sum("9434765919", nhs), weighted_sum("9434765918", nhs)
    (True, False)
    """
    lists = params["weights"]
    if isinstance(lists[0], int):
        lists = (lists,)
    modulus, want = params["modulus"], params.get("remainder", 0)
    try:
        numbers = [int(char) if char.isdecimal() else params["letters"][char] for char in value]
    except KeyError:
        return False
    if (
        len(numbers) != len(lists[0])
        or len(set(numbers)) == 1
        or not value.startswith(tuple(params.get("starts", ("",))))
    ):
        return False
    if not _day(value, params):
        return False
    for weights in lists:
        total = sum([number * weight for number, weight in zip(numbers, weights, strict=True)])
        if params.get("fold"):
            if (modulus - (total - numbers[-1]) % modulus) % 10 != numbers[-1]:
                return False
        elif total % modulus != want:
            tenth = params.get("ten") and numbers[-1] == 0 and (total + 10 * weights[-1]) % modulus == want
            if not tenth:
                return False
    return True


def letter(value: str, params: Params) -> bool:
    """Whether the last character is the one of `letters` that the number before it picks (X, Y, Z lead as 0, 1, 2).

    Source: Spanish Ministry of the Interior, "Cálculo del dígito de control del NIF/NIE"; Finnish DVV for the HETU.

    >>> spain = {"letters": "TRWAGMYFPDXBNJZSQVHLCKE"}
    >>> letter("12345678Z", spain), letter("12345678A", spain), letter("X1234567L", spain)
    (True, False, True)
    """
    letters: str = params["letters"]
    number = value[:-1]
    if number[:1] in ("X", "Y", "Z"):
        number = str("XYZ".index(number[0])) + number[1:]
    return number.isdecimal() and letters[int(number) % len(letters)] == value[-1]


def mod11_10(value: str, params: Params) -> bool:
    """Whether the digits hold ISO 7064 mod 11,10.

    Source: ISO/IEC 7064, hybrid system mod 11,10.

    >>> mod11_10("794623", {}), mod11_10("794624", {})
    (True, False)
    """
    check = 5
    for digit in value:
        check = ((check or 10) * 2 % 11 + int(digit)) % 10
    return check == 1 and len(set(value)) > 1


def mod11_2(value: str, params: Params) -> bool:
    """Whether the digits and a last digit or X hold ISO 7064 mod 11-2; `month` and `day` say where a date stands.

    Source: ISO/IEC 7064; GB 11643-1999 for the Chinese resident number.

    >>> mod11_2("11010519491231002X", {"month": 10, "day": 12}), mod11_2("110105194912310021", {})
    (True, False)
    """
    if not value[:-1].isdecimal() or not _day(value, params):
        return False
    check = 0
    for digit in value[:-1]:
        check = (check + int(digit)) * 2 % 11
    return (check + (10 if value[-1] == "X" else int(value[-1]))) % 11 == 1


_DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip


_PERMUTE = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(value: str, params: Params) -> bool:
    """Whether the digits hold the Verhoeff check; `starts` lists the first digits allowed.

    Source: J. Verhoeff, "Error Detecting Decimal Codes" (1969); UIDAI for the Aadhaar number.

    >>> verhoeff("2363", {}), verhoeff("2364", {})
    (True, False)
    """
    if not value.startswith(tuple(params.get("starts", ("",)))) or len(set(value)) == 1:
        return False
    check = 0
    for i, digit in enumerate(reversed(value)):
        check = int(_DIHEDRAL[check][int(_PERMUTE[i % 8][int(digit)])])
    return check == 0


def mrz731(value: str, params: Params) -> bool:
    """Whether the last digit is the 7-3-1 sum of what stands before it (letters count 10 to 35).

    Source: ICAO Doc 9303-3, section 4.9.

    >>> mrz731("T220001293", {}), mrz731("T220001294", {})
    (True, False)
    """
    if not value[-1].isdecimal():
        return False
    total = sum([int(char.replace("<", "0"), 36) * (7, 3, 1)[i % 3] for i, char in enumerate(value[:-1])])
    return total % 10 == int(value[-1]) and any(char.isdecimal() for char in value[:-1])


def plain_digits(value: str, *sizes: int) -> bool:
    """Whether the text is ASCII digits of one of these lengths, not all zero."""
    return value.isdecimal() and value.isascii() and len(value) in sizes and value.strip("0") != ""


def luhn_sum(value: str) -> bool:
    """Whether some digits hold the Luhn sum (ISO/IEC 7812-1, annex B)."""
    return sum([sum(divmod(int(digit) * (1 + i % 2), 10)) for i, digit in enumerate(reversed(value))]) % 10 == 0


def two_pass_holds(value: str, first: Sequence[int], second: Sequence[int]) -> bool:
    """Whether the last digit is the first weighted sum modulo 11, or the second where that leaves 10."""
    rest = weighted(value, first) % 11
    if rest == 10:
        rest = weighted(value, second) % 11 % 10
    return rest == int(value[-1])


def is_day(month: str, day: str) -> bool:
    """Whether two digits each can be a month and a day."""
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def dated_luhn(value: str, params: Params) -> bool:
    """Whether the digits hold the Luhn sum and a possible date at `month` and `day`.

    Source: ISO/IEC 7812-1 annex B; the issuer's description of the date is cited by the rule.

    >>> dated_luhn("8001015009087", {"month": 2, "day": 4}), dated_luhn("8013015009087", {"month": 2, "day": 4})
    (True, False)
    """
    if not is_day(value[params["month"] :][:2], value[params["day"] :][:2]):
        return False
    total = sum([sum(divmod(int(digit) * (1 + i % 2), 10)) for i, digit in enumerate(reversed(value))])
    return total % 10 == 0


def dated(value: str, params: Params) -> bool:
    """Whether two digits at `month` and two at `day` can be a month and a day; there is no check digit.

    >>> dated("3112991234", {"day": 0, "month": 2}), dated("3113991234", {"day": 0, "month": 2})
    (True, False)
    """
    return is_day(value[params["month"] :][:2], value[params["day"] :][:2])


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    "weighted": weighted_sum,
    "letter": letter,
    "mod11_10": mod11_10,
    "mod11_2": mod11_2,
    "verhoeff": verhoeff,
    "dated": dated,
    "dated_luhn": dated_luhn,
    "mrz731": mrz731,
}
