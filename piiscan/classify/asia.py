"""Check digits of the numbers of persons and companies of Asia, Africa and Oceania."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from piiscan.classify.schemes import weighted

Params = Mapping[str, Any]

_ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SG = "ABCDEFGHJKLMNPQRSTUVWX0123456789"
_CN = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _luhn(digits: str) -> bool:
    return sum([sum(divmod(int(digit) * (1 + i % 2), 10)) for i, digit in enumerate(reversed(digits))]) % 10 == 0


def luhn_first(value: str, params: Params) -> bool:
    """Whether the first `size` digits hold the Luhn sum (the rest is a branch or a date).

    Source: ISO/IEC 7812-1 annex B; Directorate General of Taxes of Indonesia for the NPWP.

    >>> luhn_first("013000666091000", {"size": 9}), luhn_first("013000667091000", {"size": 9})
    (True, False)
    """
    digits = value[: params["size"]]
    return digits.isdecimal() and bool(digits.strip("0")) and _luhn(digits)


def hk_id(value: str, params: Params) -> bool:
    """Whether a Hong Kong identity card number holds its check digit or A, whatever brackets it stands in.

    Source: Immigration Department of Hong Kong; letters count 10 to 35, a missing one 36.

    >>> hk_id("G123456(A)", {}), hk_id("G123456[A]", {}), hk_id("G123456(7)", {})
    (True, True, False)
    """
    plain = "".join([char for char in value if char.isalnum()]).rjust(9)
    total = sum([(36 if char == " " else int(char, 36)) * (9 - i) for i, char in enumerate(plain[:8])])
    return "0123456789A"[-total % 11] == plain[8]


def ir_id(value: str, params: Params) -> bool:
    """Whether ten digits are an Iranian national code.

    Source: National Organization for Civil Registration of Iran; weights 10 to 2, modulo 11.

    >>> ir_id("0499370899", {}), ir_id("0499370898", {})
    (True, False)
    """
    rest = weighted(value[:9], range(10, 1, -1)) % 11
    return len(set(value)) > 1 and int(value[9]) == (rest if rest < 2 else 11 - rest)


def lk_nic(value: str, params: Params) -> bool:
    """Whether a Sri Lankan identity number has a possible day of the year (500 more for women).

    Source: Department for Registration of Persons, Sri Lanka.

    >>> lk_nic("722222222V", {}), lk_nic("724222222V", {}), lk_nic("197222202222", {})
    (True, False, True)
    """
    day = int(value[4:7] if len(value) == 12 else value[2:5])
    year = len(value) == 10 or "1900" <= value[:4] <= "2049"
    return year and 1 <= day % 500 <= 366


def sg_uen(value: str, params: Params) -> bool:
    """Whether a Singapore entity number holds its letter, in any of its three forms.

    Source: Accounting and Corporate Regulatory Authority, "UEN format".

    >>> sg_uen("53333444J", {}), sg_uen("197401143C", {}), sg_uen("S16FC0121D", {}), sg_uen("53333444E", {})
    (True, True, True, False)
    """
    if len(value) == 9:
        return "XMKECAWLJDB"[weighted(value[:8], (10, 4, 9, 3, 8, 2, 7, 1)) % 11] == value[8]
    if value[0].isdecimal():
        year = "1800" <= value[:4] <= "2049"
        return year and "ZKCMDNERGWH"[weighted(value[:9], (10, 8, 6, 4, 9, 7, 5, 3, 1)) % 11] == value[9]
    try:
        numbers = [_SG.index(char) for char in value[:9]]
    except ValueError:
        return False
    total = sum([number * weight for number, weight in zip(numbers, (4, 3, 5, 3, 10, 2, 2, 5, 7), strict=True)])
    return _SG[(total - 5) % 11] == value[9]


def tw_ubn(value: str, params: Params) -> bool:
    """Whether eight digits are a Taiwanese business number; a seventh digit of 7 counts as 0 or 1.

    Source: Ministry of Finance, Taiwan: modulo 5 since 2023.

    >>> tw_ubn("00501503", {}), tw_ubn("00501502", {})
    (True, False)
    """
    products = [int(digit) * weight for digit, weight in zip(value, (1, 2, 1, 2, 1, 2, 4, 1), strict=True)]
    total = sum([sum(divmod(product, 10)) for product in products])
    return len(set(value)) > 1 and (total % 5 == 0 or (value[6] == "7" and (total + 1) % 5 == 0))


def jp_cn(value: str, params: Params) -> bool:
    """Whether a Japanese corporate number of 13 digits holds its check digit, the first.

    Source: National Tax Agency of Japan, ordinance on the corporate number.

    >>> jp_cn("5835678256246", {}), jp_cn("4835678256246", {})
    (True, False)
    """
    total = sum([int(digit) * (1 + i % 2) for i, digit in enumerate(reversed(value[1:]))])
    return int(value[0]) == 9 - total % 9 and len(set(value)) > 1


def kr_brn(value: str, params: Params) -> bool:
    """Whether a Korean business number of ten digits holds its check digit, an office and a kind of business.

    Source: National Tax Service of Korea; weights 1 3 7 1 3 7 1 3 5, the ninth also adds its tens.

    >>> kr_brn("1348672683", {}), kr_brn("1348672684", {}), kr_brn("2110008983", {})
    (True, False, False)
    """
    if value[:3] < "101" or value[3:5] == "00":
        return False
    total = weighted(value[:9], (1, 3, 7, 1, 3, 7, 1, 3, 5)) + int(value[8]) * 5 // 10
    return -total % 10 == int(value[9])


def cn_uscc(value: str, params: Params) -> bool:
    """Whether a Chinese unified social credit code of 18 characters holds its check character.

    Source: GB 32100-2015; alphabet of 31 characters, weights are powers of three.

    >>> cn_uscc("91110000600037341L", {}), cn_uscc("91110000600037342L", {})
    (True, False)
    """
    try:
        numbers = [_CN.index(char) for char in value]
    except ValueError:
        return False
    return -sum([number * pow(3, i, 31) for i, number in enumerate(numbers[:17])]) % 31 == numbers[17]


def ma_ice(value: str, params: Params) -> bool:
    """Whether a Moroccan company number (ICE) of 15 digits is divisible by 97.

    Source: Direction Générale des Impôts, Maroc.

    >>> ma_ice("001561191000066", {}), ma_ice("001561191000065", {})
    (True, False)
    """
    return int(value) > 0 and int(value) % 97 == 0


def mu_nid(value: str, params: Params) -> bool:
    """Whether a Mauritian identity number of 14 characters holds its check character and a possible date.

    Source: Mauritius Revenue Authority, algorithm of the national identity number.

    >>> mu_nid("K241199456789B", {}), mu_nid("K241199456789Z", {}), mu_nid("K311399456789B", {})
    (True, False, False)
    """
    if not (1 <= int(value[1:3]) <= 31 and 1 <= int(value[3:5]) <= 12):
        return False
    total = sum([_ALNUM.index(char) * (14 - i) for i, char in enumerate(value[:13])])
    return _ALNUM[-total % 17] == value[13]


def gh_tin(value: str, params: Params) -> bool:
    """Whether a Ghanaian taxpayer number of eleven characters holds its last digit or X.

    Source: Ghana Revenue Authority; weights 1 to 9, modulo 11.

    >>> gh_tin("C0000803561", {}), gh_tin("C0000803562", {})
    (True, False)
    """
    if not value[1:10].isdecimal():
        return False
    return "0123456789X"[weighted(value[1:10], range(1, 10)) % 11] == value[10]


def mz_nuit(value: str, params: Params) -> bool:
    """Whether a Mozambican tax number of nine digits holds its check digit.

    Source: Autoridade Tributária de Moçambique; weights 8 9 4 5 6 7 8 9, modulo 11.

    >>> mz_nuit("400339910", {}), mz_nuit("400339911", {})
    (True, False)
    """
    return "01234567891"[weighted(value[:8], (8, 9, 4, 5, 6, 7, 8, 9)) % 11] == value[8] and len(set(value)) > 1


def sn_ninea(value: str, params: Params) -> bool:
    """Whether the seven or nine digits before the tax code of a Senegalese NINEA hold their sum.

    Source: Agence Nationale de la Statistique et de la Démographie, Sénégal; weights 1 and 2, modulo 10.

    >>> sn_ninea("30672212S2", {}), sn_ninea("3067221", {}), sn_ninea("3067222", {})
    (True, True, False)
    """
    plain = "".join([char for char in value if char.isalnum()])
    digits = (plain if plain.isdecimal() else plain[:-3]).zfill(9)
    return weighted(digits, (1, 2) * 4 + (1,)) % 10 == 0 and bool(digits.strip("0"))


def nz_nhi(value: str, params: Params) -> bool:
    """Whether a New Zealand health number holds its check digit; of the form with a letter at the end, the shape alone.

    Source: HISO 10046, Consumer Health Identity Standard.

    >>> nz_nhi("ZZZ0016", {}), nz_nhi("ZZZ0017", {})
    (True, False)
    """
    if not value[6].isdecimal():
        return True
    alphabet = "0ABCDEFGHJKLMNPQRSTUVWXYZ"
    numbers = [alphabet.index(char) for char in value[:3]] + [int(char) for char in value[3:6]]
    rest = sum([number * weight for number, weight in zip(numbers, (7, 6, 5, 4, 3, 2), strict=True)]) % 11
    return rest != 0 and (11 - rest) % 10 == int(value[6])


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function
    for function in (
        luhn_first, hk_id, ir_id, lk_nic, sg_uen, tw_ubn, jp_cn, kr_brn, cn_uscc, ma_ice, mu_nid, gh_tin, mz_nuit,
        sn_ninea, nz_nhi,
    )
}  # fmt: skip
