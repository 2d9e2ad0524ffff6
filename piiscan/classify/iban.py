"""International bank account numbers: the structure of each country and the check digits.

Source: ISO 13616-1 and the SWIFT IBAN Registry, release 99; for Iran and the countries of Africa not in it, the
structures that their banks use (Wikipedia, "International Bank Account Number").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

STRUCTURES: Mapping[str, str] = {
    "AD": "4n4n12c", "AE": "3n16n", "AL": "8n16c", "AT": "5n11n", "AZ": "4a20c", "BA": "3n3n8n2n", "BE": "3n7n2n",
    "BG": "4a4n2n8c", "BH": "4a14c", "BI": "5n5n11n2n", "BR": "8n5n10n1a1c", "BY": "4c4n16c", "CH": "5n12c",
    "CR": "4n14n", "CY": "3n5n16c", "CZ": "4n6n10n", "DE": "8n10n", "DJ": "5n5n11n2n", "DK": "4n9n1n", "DO": "4c20n",
    "EE": "2n2n11n1n", "EG": "4n4n17n", "ES": "4n4n1n1n10n", "FI": "3n11n", "FK": "2a12n", "FO": "4n9n1n",
    "FR": "5n5n11c2n", "GB": "4a6n8n", "GE": "2a16n", "GI": "4a15c", "GL": "4n9n1n", "GR": "3n4n16c", "GT": "4c20c",
    "HN": "4a20n", "HR": "7n10n", "HU": "3n4n1n15n1n", "IE": "4a6n8n", "IL": "3n3n13n", "IQ": "4a3n12n",
    "IS": "4n2n6n10n", "IT": "1a5n5n12c", "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c", "LC": "4a24c",
    "LI": "5n12c", "LT": "5n11n", "LU": "3n13c", "LV": "4a13c", "LY": "3n3n15n", "MC": "5n5n11c2n", "MD": "2c18c",
    "ME": "3n13n2n", "MK": "3n10c2n", "MN": "4n12n", "MR": "5n5n11n2n", "MT": "4a5n18c", "MU": "4a2n2n12n3n3a",
    "NI": "4a20n", "NL": "4a10n", "NO": "4n6n1n", "OM": "3n16c", "PK": "4a16c", "PL": "8n16n", "PS": "4a21c",
    "PT": "4n4n11n2n", "QA": "4a21c", "RO": "4a16c", "RS": "3n13n2n", "RU": "9n5n15c", "SA": "2n18c",
    "SC": "4a2n2n16n3a", "SD": "2n12n", "SE": "3n16n1n", "SI": "5n8n2n", "SK": "4n6n10n", "SM": "1a5n5n12c",
    "SN": "2c22n", "SO": "4n3n12n", "ST": "4n4n11n2n", "SV": "4a20n", "TL": "3n14n2n", "TN": "2n3n13n2n",
    "TR": "5n1n16c", "UA": "6n19c", "VA": "3n15n", "VG": "4a16n", "XK": "4n10n2n", "YE": "4a4n18c",
    "AO": "4n4n11n2n", "BF": "2c22n", "BJ": "2c22n", "CF": "5n5n11n2n", "CG": "5n5n11n2n", "CI": "2c22n",
    "CM": "5n5n11n2n", "CV": "4n4n11n2n", "DZ": "3n5n10n4n", "GA": "5n5n11n2n", "GQ": "5n5n11n2n", "GW": "2c19n",
    "IR": "3n19n", "KM": "5n5n11n2n", "MA": "3n3n16n2n", "MG": "5n5n11n2n", "ML": "2c22n", "MZ": "4n4n11n2n",
    "NE": "2c22n", "TD": "5n5n11n2n", "TG": "2c22n",
}  # fmt: skip
"""BBAN structure by country: runs of n digits, a upper-case letters, c letters or digits."""

_CLASSES = {"n": r"\d", "a": "[A-Z]", "c": "[A-Z0-9]"}


def positions(country: str) -> str:
    """One of n, a, c for each character of the BBAN.

    >>> positions("NL")
    'aaaannnnnnnnnn'
    """
    return "".join(kind * int(size) for size, kind in re.findall(r"(\d+)([nac])", STRUCTURES[country]))


LENGTHS: Mapping[str, int] = {country: 4 + len(positions(country)) for country in STRUCTURES}
"""Whole length of each country's IBAN, in characters."""

_SHAPES = {c: re.compile("".join(_CLASSES[p] for p in positions(c)), re.ASCII) for c in STRUCTURES}


_NUMBERS = str.maketrans({chr(65 + i): str(10 + i) for i in range(26)})


def remainder(text: str) -> int:
    """`text` (letters count 10 to 35) modulo 97.

    >>> remainder("3214282912345698765432161182")
    1
    """
    return int(text.translate(_NUMBERS)) % 97


def check_digits(country: str, bban: str) -> str:
    """The two digits that make an IBAN of `country` and `bban` hold.

    >>> check_digits("GB", "NWBK60161331926819")
    '29'
    """
    return f"{98 - remainder(bban + country + '00'):02d}"


def pattern(country: str) -> str:
    """The regular expression of a country's IBAN; a space or hyphen may stand before any character, as banks differ.

    >>> pattern("GB")
    'GB(?:[ -]?\\\\d){2}(?:[ -]?[A-Z]){4}(?:[ -]?\\\\d){14}'
    """
    runs = re.findall(r"n+|a+|c+", "nn" + positions(country))
    return country + "".join([f"(?:[ -]?{_CLASSES[run[0]]}){{{len(run)}}}" for run in runs])


def mod97(value: str, params: Mapping[str, Any]) -> bool:
    """Whether a compacted value is an IBAN of its country: length, structure and check digits.

    Source: ISO 13616-1; ISO/IEC 7064 mod 97-10.

    >>> mod97("GB29NWBK60161331926819", {}), mod97("GB28NWBK60161331926819", {})
    (True, False)
    """
    country = value[:2]
    if len(value) != LENGTHS.get(country) or not value[2:4].isdecimal() or not "02" <= value[2:4] <= "98":
        return False
    if not _SHAPES[country].fullmatch(value, 4) or not value[4:].strip("0"):
        return False
    return remainder(value[4:] + value[:4]) == 1


_COUNTRIES = frozenset((
    "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AQ", "AR", "AS", "AT", "AU", "AW", "AX", "AZ", "BA", "BB", "BD",
    "BE", "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS", "BT", "BW", "BY", "BZ", "CA", "CC",
    "CD", "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN", "CO", "CR", "CU", "CV", "CW", "CX", "CY", "CZ", "DE", "DJ",
    "DK", "DM", "DO", "DZ", "EC", "EE", "EG", "ER", "ES", "ET", "FI", "FJ", "FK", "FM", "FO", "FR", "GA", "GB", "GD",
    "GE", "GF", "GG", "GH", "GI", "GL", "GM", "GN", "GP", "GQ", "GR", "GT", "GU", "GW", "GY", "HK", "HN", "HR", "HT",
    "HU", "ID", "IE", "IL", "IM", "IN", "IQ", "IR", "IS", "IT", "JE", "JM", "JO", "JP", "KE", "KG", "KH", "KI", "KM",
    "KN", "KR", "KW", "KY", "KZ", "LA", "LB", "LC", "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY", "MA", "MC", "MD",
    "ME", "MF", "MG", "MH", "MK", "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT", "MU", "MV", "MW", "MX", "MY",
    "MZ", "NA", "NC", "NE", "NF", "NG", "NI", "NL", "NO", "NP", "NR", "NU", "NZ", "OM", "PA", "PE", "PF", "PG", "PH",
    "PK", "PL", "PM", "PN", "PR", "PS", "PT", "PW", "PY", "QA", "RE", "RO", "RS", "RU", "RW", "SA", "SB", "SC", "SD",
    "SE", "SG", "SI", "SK", "SL", "SM", "SN", "SO", "SR", "ST", "SV", "SX", "SZ", "TC", "TD", "TG", "TH", "TJ", "TL",
    "TM", "TN", "TO", "TR", "TT", "TV", "TW", "TZ", "UA", "UG", "US", "UY", "UZ", "VA", "VC", "VE", "VG", "VI", "VN",
    "VU", "WF", "WS", "XK", "YE", "ZA", "ZM", "ZW",
))  # fmt: skip


def bic(value: str, params: Mapping[str, Any]) -> bool:
    """Whether the fifth and sixth letter are a country.

    Source: ISO 9362; ISO 3166-1.

    >>> bic("DEUTDEFF", {}), bic("PASSWORD", {})
    (True, False)
    """
    return value[4:6] in _COUNTRIES


KINDS: Mapping[str, Callable[[str, Mapping[str, Any]], bool]] = {"mod97": mod97, "bic": bic}
