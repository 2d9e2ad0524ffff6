"""VAT numbers of the member states and of their neighbours, each with its country's own check digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from piiscan.classify.europe import by_unp, iso97_10, lv_pk, tr_vkn
from piiscan.classify.national import cif
from piiscan.classify.schemes import letter, luhn_sum, mod11_10, plain_digits, two_pass_holds, weighted
from piiscan.classify.world import afm, cnp, inn, nif_klm, pps, rc

Params = Mapping[str, Any]

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD_CY = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_FR_KEY = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def eu_state(value: str, params: Params) -> bool:
    """Whether the three digits behind two letters are the ISO number of a member state.

    Source: European Commission, "VAT One Stop Shop: functional specifications"; ISO 3166-1.

    >>> eu_state("EU276123456", {}), eu_state("EU999123456", {})
    (True, False)
    """
    return value[2:5] in _STATES


_STATES = frozenset((
    "040", "056", "100", "191", "196", "203", "208", "233", "246", "250", "276", "300", "348", "372", "380", "428",
    "440", "442", "470", "528", "616", "620", "642", "703", "705", "724", "752",
))  # fmt: skip


def _at(value: str) -> bool:
    if value[:1] != "U" or not plain_digits(value[1:], 8):
        return False
    total = sum([sum(divmod(int(digit) * (1 + i % 2), 10)) for i, digit in enumerate(value[1:8])])
    return (6 - total) % 10 == int(value[8])


def _be(value: str) -> bool:
    value = value.zfill(10)
    return plain_digits(value, 10) and value[0] in "01" and 97 - int(value[:8]) % 97 == int(value[8:])


def _bg(value: str) -> bool:
    if plain_digits(value, 9):
        return two_pass_holds(value, range(1, 9), range(3, 11))
    if not plain_digits(value, 10):
        return False
    last = int(value[9])
    return (
        weighted(value, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == last
        or weighted(value, (21, 19, 17, 13, 11, 9, 7, 3, 1)) % 10 == last
        or -weighted(value, (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 == last
    )


def _cy(value: str) -> bool:
    if not plain_digits(value[:8], 8) or value[:2] == "12" or len(value) != 9:
        return False
    total = sum([int(digit) if i % 2 else _ODD_CY[int(digit)] for i, digit in enumerate(value[:8])])
    return chr(65 + total % 26) == value[8]


def _cz(value: str) -> bool:
    if plain_digits(value, 8):
        return (-weighted(value, range(8, 1, -1)) % 11 or 1) % 10 == int(value[7])
    if not plain_digits(value, 9, 10):
        return False
    if len(value) == 9 and value[0] == "6":
        return 8 - (10 - weighted(value[1:8], range(8, 1, -1)) % 11) % 11 == int(value[8])
    return rc(value, {})


def _es(value: str) -> bool:
    if len(value) != 9 or not value[1:8].isdecimal():
        return False
    if value[0] in "KLM":
        return nif_klm(value, {})
    if value[0].isdecimal() or value[0] in "XYZ":
        return letter(value, {"letters": _DNI})
    return value[0] in "ABCDEFGHJNPQRSUVW" and cif(value, {})


def _fr(value: str) -> bool:
    key, siren = value[:2], value[2:]
    if not plain_digits(siren, 9) or not (luhn_sum(siren) or siren.startswith("000")):
        return False
    if key.isdecimal():
        return (12 + 3 * (int(siren) % 97)) % 97 == int(key)
    if key[0] not in _FR_KEY or key[1] not in _FR_KEY:
        return False
    one, two = _FR_KEY.index(key[0]), _FR_KEY.index(key[1])
    check = one * 24 + two - 10 if one < 10 else one * 34 + two - 100
    return (int(siren) + 1 + check // 11) % 11 == check % 11


def _gb(value: str) -> bool:
    if value[:2] in ("GD", "HA") and value[2:].isdecimal():
        number = value[2:]
        if len(number) == 9 and number.startswith("888"):
            return int(number[4:7]) % 97 == int(number[7:])
        return len(number) == 3 and (int(number) < 500) == (value[:2] == "GD")
    if not plain_digits(value, 9, 12):
        return False
    return weighted(value[:9], (8, 7, 6, 5, 4, 3, 2, 10, 1)) % 97 in (0, 42)


def _ie(value: str) -> bool:
    if not value[1:2].isdecimal():
        value = "0" + value[2:7] + value[:1] + value[7:]
    return value[:7].isdecimal() and 8 <= len(value) <= 9 and value[7:].isalpha() and pps(value, {})


def _it(value: str) -> bool:
    province = value[7:10]
    known = "001" <= province <= "100" or province in ("120", "121", "888", "999")
    return plain_digits(value, 11) and known and luhn_sum(value)


def _lt(value: str) -> bool:
    if not plain_digits(value, 9, 12):
        return False
    size = len(value) - 1
    first = [1 + i % 9 for i in range(size)]
    return value[-2] == "1" and two_pass_holds(value, first, [1 + (i + 2) % 9 for i in range(size)])


def _lv(value: str) -> bool:
    if not plain_digits(value, 11):
        return False
    if value[0] > "3":
        return weighted(value, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)) % 11 == 3
    return lv_pk(value, {})


def _nl(value: str) -> bool:
    if len(value) != 12 or value[9] != "B" or not plain_digits(value[:9], 9) or not plain_digits(value[10:], 2):
        return False
    eleven = weighted(value[:9], (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0
    return eleven or iso97_10("NL" + value, {})


def _ro(value: str) -> bool:
    if plain_digits(value, 13):
        return cnp(value, {})
    if not plain_digits(value, *range(2, 11)):
        return False
    total = weighted(value[:-1].rjust(9, "0"), (7, 5, 3, 2, 1, 7, 5, 3, 2))
    return total * 10 % 11 % 10 == int(value[-1])


def _ch(value: str) -> bool:
    value = value.removeprefix("E").rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return plain_digits(value, 9) and -weighted(value, (5, 4, 3, 2, 7, 6, 5, 4)) % 11 == int(value[8])


def _al(value: str) -> bool:
    return len(value) == 10 and "A" <= value[0] <= "M" and value[1:9].isdecimal() and "A" <= value[9] <= "W"


def _no(value: str) -> bool:
    value = value.removesuffix("MVA")
    return plain_digits(value, 9) and -weighted(value, (3, 2, 7, 6, 5, 4, 3, 2)) % 11 == int(value[8])


def _remainder(weights: Sequence[int], size: int, tens: bool = True) -> Callable[[str], bool]:
    """Check digit = minus the sum modulo 11; 10 counts as 0 where `tens` allows it."""

    def check(value: str) -> bool:
        if not plain_digits(value, size):
            return False
        rest = -weighted(value[:-1], weights) % 11
        return (rest % 10 if tens else rest) == int(value[-1])

    return check


_VAT: Mapping[str, Callable[[str], bool]] = {
    "AL": _al,
    "AT": _at,
    "AZ": lambda v: plain_digits(v, 10) and v[9] in "12" and weighted(v, (4, 1, 8, 6, 2, 7, 5, 3)) % 11 == int(v[8]),
    "BE": _be,
    "BG": _bg,
    "BY": lambda v: len(v) == 9 and v[2:].isdecimal() and by_unp(v, {}),
    "CH": _ch,
    "CY": _cy,
    "CZ": _cz,
    "DE": lambda v: plain_digits(v, 9) and v[0] != "0" and mod11_10(v, {}),
    "DK": lambda v: plain_digits(v, 8) and v[0] != "0" and weighted(v, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0,
    "EE": lambda v: plain_digits(v, 9) and weighted(v, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0,
    "EL": lambda v: plain_digits(v, 8, 9) and afm(v.zfill(9), {}),
    "ES": _es,
    "FI": lambda v: plain_digits(v, 8) and weighted(v, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0,
    "FR": _fr,
    "GB": _gb,
    "HR": lambda v: plain_digits(v, 11) and mod11_10(v, {}),
    "HU": lambda v: plain_digits(v, 8) and weighted(v, (9, 7, 3, 1, 9, 7, 3, 1)) % 10 == 0,
    "IE": _ie,
    "IT": _it,
    "LT": _lt,
    "LU": lambda v: plain_digits(v, 8) and int(v[:6]) % 89 == int(v[6:]),
    "LV": _lv,
    "ME": _remainder((8, 7, 6, 5, 4, 3, 2), 8),
    "MK": _remainder((7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2), 13),
    "MT": lambda v: plain_digits(v, 8) and v[0] != "0" and weighted(v, (3, 4, 6, 7, 8, 9, 10, 1)) % 37 == 0,
    "NL": _nl,
    "NO": _no,
    "PL": lambda v: plain_digits(v, 10) and weighted(v, (6, 5, 7, 2, 3, 4, 5, 6, 7, -1)) % 11 == 0,
    "PT": _remainder((9, 8, 7, 6, 5, 4, 3, 2), 9),
    "RO": _ro,
    "RS": lambda v: plain_digits(v, 9) and mod11_10(v, {}),
    "RU": lambda v: plain_digits(v, 10, 12) and inn(v, {}),
    "SE": lambda v: plain_digits(v, 12) and v.endswith("01") and luhn_sum(v[:10]),
    "SI": lambda v: v[:1] != "0" and _remainder((8, 7, 6, 5, 4, 3, 2), 8)(v),
    "SK": lambda v: plain_digits(v, 10) and v[0] != "0" and v[2] in "234789" and int(v) % 11 == 0,
    "TR": lambda v: plain_digits(v, 10) and tr_vkn(v, {}),
}  # fmt: skip


_PREFIX = {"EL": ("EL", "GR"), "GB": ("GB", "XI"), "FR": ("FR", "MC"), "LI": ("CH",)}


def vat(value: str, params: Params) -> bool:
    """Whether the text is a VAT number of `country` that holds its check digits, with the country before it or not.

    With `prefix = true` the country must stand there. Source: European Commission, VIES, "VAT number structure";
    the tax administrations that the rules cite.

    >>> vat("DE987245461", {"country": "DE"}), vat("DE987245462", {"country": "DE"})
    (True, False)
    >>> vat("ATU05049669", {"country": "AT"}), vat("U05049669", {"country": "AT", "prefix": True})
    (True, False)
    """
    country = params["country"]
    for prefix in _PREFIX.get(country, (country,)):
        if value.startswith(prefix):
            return _VAT[country](value[len(prefix) :])
    return not params.get("prefix") and _VAT[country](value)


KINDS: Mapping[str, Callable[[str, Params], bool]] = {"eu_state": eu_state, "vat": vat}
