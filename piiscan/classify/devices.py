"""Checks of numbers of devices and accounts: mobile equipment, medical devices, bank accounts that are no IBAN."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from piiscan.classify.schemes import weighted

Params = Mapping[str, Any]


def imei(value: str, params: Params) -> bool:
    """Whether fifteen digits hold the Luhn sum; sixteen (with a software version) have no check digit.

    Source: GSMA TS.06; 3GPP TS 23.003 section 6.2.

    >>> imei("490154203237518", {}), imei("490154203237517", {}), imei("4901542032375101", {})
    (True, False, True)
    """
    if not value.isdecimal() or len(set(value)) < 3:
        return False
    return len(value) == 16 or (len(value) == 15 and _luhn(value, 10))


def meid(value: str, params: Params) -> bool:
    """Whether fourteen hexadecimal digits are a mobile equipment identifier; a fifteenth is Luhn's, in base 16.

    Source: 3GPP2 S.R0048-A; the first digits of a manufacturer's range are A0 to FF, decimal ones are an IMEI.

    Eighteen decimal digits are the same number: ten of the manufacturer, eight of the set.

    >>> meid("AF0123450ABCDE", {}), meid("AF0123450ABCDEC", {}), meid("AF0123450ABCDED", {})
    (True, True, False)
    >>> meid("293608736500703710", {}), meid("999990000012345678", {})
    (True, False)
    """
    if len(value) == 18 and value.isdecimal():
        return 0xA0000000 <= int(value[:10]) < 1 << 32 and 0 < int(value[10:]) < 1 << 24
    if not re.fullmatch("[0-9A-F]{14,15}", value) or len(set(value)) < 4:
        return False
    if value.isdecimal():
        return len(value) == 15 and _luhn(value, 10)
    return len(value) == 14 or _luhn(value, 16)


def _luhn(value: str, base: int) -> bool:
    total = 0
    for position, char in enumerate(reversed(value)):
        digit = int(char, base) * (1 + position % 2)
        total += digit // base + digit % base
    return total % base == 0


def imsi(value: str, params: Params) -> bool:
    """Whether fourteen or fifteen digits begin with a mobile country code (2xx to 7xx, or 901 for satellites).

    Source: ITU-T E.212.

    >>> imsi("310150123456789", {}), imsi("110150123456789", {})
    (True, False)
    """
    return value.isdecimal() and (value[0] in "234567" or value.startswith("901")) and len(set(value)) > 3


def plate(value: str, params: Params) -> bool:
    """Whether five to eleven letters and digits can be a number plate: no word that stands where one is missing.

    Source: Wikipedia, "Vehicle registration plates by country" (lengths).

    >>> plate("QK04XR2718", {}), plate("NONE", {}), plate("00000", {})
    (True, False, False)
    """
    words = ("NONE", "NULL", "TODO", "UNKNOWN", "MISSING", "TRUE", "FALSE", "XXX", "VIN", "GDPR", "NUMBER", "PLATE")
    return 5 <= len(value) <= 11 and len(set(value)) > 2 and not any(word in value for word in words)


def dialled(value: str, params: Params) -> bool:
    """Whether eight to fifteen digits can be dialled: more than two different ones, and no date written in one.

    Source: ITU-T E.164 (fifteen digits at most).

    >>> dialled("+22920293094", {}), dialled("20241105", {}), dialled("11111111", {}), dialled("1234567", {})
    (True, False, False, False)
    """
    digits = "".join(filter(str.isdecimal, value))
    return 8 <= len(digits) <= 15 and len(set(digits)) > 2 and not _DATE.fullmatch(digits)


_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d\d){0,3}")


def account(value: str, params: Params) -> bool:
    """Whether digits behind the word account are more than a filler or a date: four different ones, not counted up.

    Source: ISO 13616 (domestic account numbers have no check digit in common).

    >>> account("10437952", {}), account("12345678", {}), account("20241105", {})
    (True, False, False)
    """
    return len(set(value)) > 3 and value not in "01234567890123456789" and not _DATE.fullmatch(value)


def cz_account(value: str, params: Params) -> bool:
    """Whether prefix and number of a Czech or Slovak account (`19-2000145399/0800`) hold their sums modulo 11.

    The compacted form has lost its dash, so the parts are told by the length: ten digits and a bank code at the end.
    Source: Czech National Bank, Decree 169/2011.

    >>> cz_account("1920001453990800", {}), cz_account("1920001453980800", {})
    (True, False)
    """
    number = value[:-4]
    if not value.isdecimal() or not _CZ_BANK.fullmatch(value[-4:]) or not 2 <= len(number) <= 16:
        return False
    if not number.strip("0"):
        return False
    prefix, account = number[:-10].zfill(6), number[-10:].zfill(10)
    return all(weighted(part, (6, 3, 7, 9, 10, 5, 8, 4, 2, 1)[-len(part) :]) % 11 == 0 for part in (prefix, account))


_CZ_BANK = re.compile(r"\d{3}0|1111|2275|6363|8[12][0-9]{2}|83[01]\d|995[0-2]")
"""Codes of Czech and Slovak banks: tens, and the few others that have been given out."""


def lanr(value: str, params: Params) -> bool:
    """Whether nine digits are a German physician's number: the seventh checks the first six, two name the field.

    Source: KBV, "Arztnummern-Richtlinie".

    >>> lanr("123456601", {}), lanr("123456701", {})
    (True, False)
    """
    if len(value) != 9 or not value.isdecimal():
        return False
    total = sum(int(digit) * (4 if i % 2 == 0 else 9) for i, digit in enumerate(value[:6]))
    return (10 - total % 10) % 10 == int(value[6]) or value[:6] == "555555"


def udi(value: str, params: Params) -> bool:
    """Whether the device identifier of a GS1 barcode (`(01)` and fourteen digits) holds its check digit.

    Source: GS1 General Specifications, section 7.9; FDA, "UDI formats by issuing agency".

    >>> udi("(01)00844588003288(17)141120", {}), udi("(01)00844588003289(17)141120", {})
    (True, False)
    """
    found = re.search(r"01\)?(\d{14})", value)
    if found is None:
        return value.startswith(("+", "="))  # HIBCC and ISBT 128 have other sums
    total = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(found.group(1)))
    return total % 10 == 0


_NZ_BRANCHES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "01": ((1, 999), (1100, 1199), (1800, 1899)), "02": ((1, 999), (1200, 1299)),
    "03": ((1, 999), (1300, 1399), (1500, 1599), (1700, 1799), (1900, 1999)), "06": ((1, 999), (1400, 1499)),
    "08": ((6500, 6599),), "09": ((0, 0),), "11": ((5000, 6499), (6600, 8999)),
    "12": ((3000, 3299), (3400, 3499), (3600, 3699)), "13": ((4900, 4999),), "14": ((4700, 4799),),
    "15": ((3900, 3999),), "16": ((4400, 4499),), "17": ((3300, 3399),), "18": ((3500, 3599),),
    "19": ((4600, 4649),), "20": ((4100, 4199),), "21": ((4800, 4899),), "22": ((4000, 4049),),
    "23": ((3700, 3799),), "24": ((4300, 4349),), "25": ((2500, 2599),), "26": ((2600, 2699),),
    "27": ((3800, 3849),), "28": ((2100, 2149),), "29": ((2150, 2299),), "30": ((2900, 2949),),
    "31": ((2800, 2849),), "33": ((6700, 6799),), "35": ((2400, 2499),), "38": ((9000, 9499),),
}  # fmt: skip
_NZ_SCHEMES = {
    "A": ((0, 0, 6, 3, 7, 9, 0, 0, 10, 5, 8, 4, 2, 1, 0, 0, 0, 0), 11),
    "B": ((0, 0, 0, 0, 0, 0, 0, 0, 10, 5, 8, 4, 2, 1, 0, 0, 0, 0), 11),
    "D": ((0, 0, 0, 0, 0, 0, 0, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0), 11),
    "E": ((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 4, 3, 2, 0, 0, 0, 1), 11),
    "F": ((0, 0, 0, 0, 0, 0, 0, 1, 7, 3, 1, 7, 3, 1, 0, 0, 0, 0), 10),
    "G": ((0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 1, 3, 7, 1, 0, 3, 7, 1), 10),
}


def nz_account(value: str, params: Params) -> bool:
    """Whether a New Zealand account names a branch of its bank and holds the bank's sum.

    Source: Inland Revenue, "Resident withholding tax and non-resident withholding tax specification", appendix on
    bank account validation.

    >>> nz_account("010902006838900", {}), nz_account("010902006839900", {})
    (True, False)
    """
    if not value.isdecimal() or len(value) not in (15, 16):
        return False
    bank, branch, account = value[:2], int(value[2:6]), value[6:13]
    if not any(low <= branch <= high for low, high in _NZ_BRANCHES.get(bank, ())) or not account.strip("0"):
        return False
    if bank == "31":
        return True
    scheme = {"08": "D", "09": "E", "25": "F", "33": "F", "26": "G", "28": "G", "29": "G"}.get(bank)
    scheme = scheme or ("A" if int(account) < 990_000 else "B")
    weights, modulus = _NZ_SCHEMES[scheme]
    digits = value[:6] + account.zfill(8) + value[13:].zfill(4)
    parts = [int(digit) * weight for digit, weight in zip(digits, weights, strict=True)]
    if scheme in "EG":
        parts = [_added(_added(part)) for part in parts]
    return sum(parts) % modulus == 0


def _added(number: int) -> int:
    return number // 10 + number % 10


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function
    for function in (imei, meid, imsi, plate, dialled, account, cz_account, lanr, udi, nz_account)
}
