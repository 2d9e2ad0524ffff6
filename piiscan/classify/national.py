"""Checks of numbers that a state or its registers give out; all take compacted values.

Schemes that many issuers share are in `schemes.py`; these have a function each.
Issuers' rules are cited per function; the collected descriptions follow the Wikipedia pages named there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from piiscan.classify.schemes import mod11_10, verhoeff, weighted

Params = Mapping[str, Any]

_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_EVEN = {char: i if i < 10 else i - 10 for i, char in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_OMOCODE = str.maketrans("LMNPQRSTUV", "0123456789")
_VIN = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", "012345678912345678123457923456789", strict=True))


def hetu(value: str, params: Params) -> bool:
    """Whether a Finnish personal code holds: date, century sign, individual number and check character.

    Compacting drops a century sign of `-`, so ten characters are as good as eleven.

    Source: DVV, "The personal identity code" (new century signs since 2023).

    >>> hetu("131052308T", {}), hetu("131052308U", {}), hetu("010100A123D", {})
    (True, False, True)
    """
    number = value[:6] + value[-4:-1]
    if not number.isdecimal() or not 1 <= int(value[2:4]) <= 12 or not 1 <= int(value[:2]) <= 31:
        return False
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(number) % 31] == value[-1] and number[6:] >= "002"


def cif(value: str, params: Params) -> bool:
    """Whether a Spanish company tax number holds its control digit or letter.

    Source: Orden EHA/451/2008; Agencia Tributaria.

    >>> cif("A58818501", {}), cif("A58818502", {})
    (True, False)
    """
    digits = value[1:8]
    doubled = sum([sum(divmod(2 * int(d), 10)) for d in digits[::2]])
    control = -(doubled + sum([int(d) for d in digits[1::2]])) % 10
    if value[0] in "PQRSNW":
        return value[8] == "JABCDEFGHI"[control]
    if value[0] in "ABEH":
        return value[8] == str(control)
    return value[8] in (str(control), "JABCDEFGHI"[control])


def nuss(value: str, params: Params) -> bool:
    """Whether a Spanish social security number of 12 digits holds its two control digits and a province.

    Source: Tesorería General de la Seguridad Social; control = number mod 97.

    >>> nuss("281234567840", {}), nuss("281234567841", {})
    (True, False)
    """
    province = int(value[:2])
    if not (1 <= province <= 53 or province == 66) or not value[2:10].strip("0"):
        return False
    # Numbers below ten million drop their leading zero before the sum.
    number = int(value[:2]) * 10**7 + int(value[3:10]) if value[2] == "0" else int(value[:10])
    return number % 97 == int(value[10:])


def ccc(value: str, params: Params) -> bool:
    """Whether a Spanish account of 20 digits holds its two control digits.

    Source: Consejo Superior Bancario, Código Cuenta Cliente.

    >>> ccc("12341234161234567890", {}), ccc("12341234171234567890", {})
    (True, False)
    """
    weights = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)

    def control(digits: str) -> int:
        rest = 11 - weighted(digits, weights) % 11
        return {10: 1, 11: 0}.get(rest, rest)

    return control("00" + value[:8]) == int(value[8]) and control(value[10:]) == int(value[9])


def ssn(value: str, params: Params) -> bool:
    """Whether nine digits can be a US social security number: area, group and serial that are given out.

    Source: SSA, "Social Security Number Randomization"; 20 CFR 422.103.

    >>> ssn("536904399", {}), ssn("666904399", {}), ssn("987654321", {})
    (True, False, True)
    """
    if value.startswith("98765432"):  # the numbers that the SSA sets aside for advertisements
        return True
    area, group, serial = value[:3], value[3:5], value[5:]
    if area in ("000", "666") or area >= "900" or group == "00" or serial == "0000":
        return False
    return len(set(value)) > 1


def hicn(value: str, params: Params) -> bool:
    """Whether the first nine characters can be a US social security number (a claim number adds a letter).

    Source: CMS, Medicare Claims Processing Manual, chapter 2.

    >>> hicn("536904399A", {}), hicn("000904399A", {})
    (True, False)
    """
    return ssn(value[:9], params)


def itin(value: str, params: Params) -> bool:
    """Whether nine digits can be a US individual taxpayer number: 9xx and a group in the ranges given out.

    Source: IRS Publication 1915; groups 50-65, 70-88, 90-92, 94-99.

    >>> itin("912701234", {}), itin("912661234", {})
    (True, False)
    """
    group = int(value[3:5])
    return value[0] == "9" and (50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99)


_NO_EIN = frozenset({0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97})


def ein(value: str, params: Params) -> bool:
    """Whether the first two of nine digits are a prefix that the IRS assigns to employers.

    Source: IRS, "How EINs are assigned and valid EIN prefixes".

    >>> ein("121234567", {}), ein("071234567", {})
    (True, False)
    """
    return int(value[:2]) not in _NO_EIN and len(set(value)) > 1


def nino(value: str, params: Params) -> bool:
    """Whether a UK national insurance number has a prefix that is given out and a suffix of A to D.

    Source: HMRC NIM39110.

    >>> nino("AB123456C", {}), nino("GB123456C", {})
    (True, False)
    """
    prefix = value[:2]
    if prefix in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"):
        return False
    return prefix[0] not in "DFIQUV" and prefix[1] not in "DFIOQUV" and value[-1] in "ABCD"


def codice_fiscale(value: str, params: Params) -> bool:
    """Whether an Italian fiscal code holds its check letter and a possible birth date (digits may be omocode letters).

    Source: Decreto Ministeriale 23 December 1976.

    >>> codice_fiscale("RSSMRA80A01H501U", {}), codice_fiscale("RSSMRA80A01H501A", {})
    (True, False)
    """
    if len(value) != 16:
        return False
    try:
        total = sum([_ODD[char] for char in value[:15:2]]) + sum([_EVEN[char] for char in value[1:15:2]])
    except KeyError:
        return False
    day = value[9:11].translate(_OMOCODE)
    return day.isdecimal() and 1 <= int(day) % 40 <= 31 and ord(value[15]) - 65 == total % 26


def de_steuer_id(value: str, params: Params) -> bool:
    """Whether a German tax id holds: mod 11,10, no leading zero, one digit two or three times in the first ten.

    Source: BZSt, "Steuerliche Identifikationsnummer", Prüfziffernberechnung.

    >>> de_steuer_id("86095742719", {}), de_steuer_id("86095742710", {})
    (True, False)
    """
    counts = sorted([value[:10].count(digit) for digit in set(value[:10])])
    repeated = counts[-1] in (2, 3) and counts[-2] == 1
    return value[0] != "0" and repeated and mod11_10(value, {})


def nir(value: str, params: Params) -> bool:
    """Whether a French NIR of 15 characters holds its key (2A and 2B for Corsica) and a possible month.

    Source: INSEE, "Numéro de sécurité sociale"; key = 97 - number mod 97.

    >>> nir("255081416802538", {}), nir("255081416802539", {}), nir("180042A12345617", {})
    (True, False, False)
    """
    number = value[:13].replace("2A", "19", 1) if value[5:7] == "2A" else value[:13]
    number = number.replace("2B", "18", 1) if value[5:7] == "2B" else number
    if not number.isdecimal() or len(value) != 15:
        return False
    month = int(value[3:5])
    return (1 <= month <= 12 or 20 <= month <= 42 or month >= 50) and 97 - int(number) % 97 == int(value[13:])


def fr_spi(value: str, params: Params) -> bool:
    """Whether the last three of 13 digits are the first ten modulo 511.

    Source: OECD, "Information on Tax Identification Numbers: France".

    >>> fr_spi("3023217600053", {}), fr_spi("3023217600054", {})
    (True, False)
    """
    return value[0] in "0123" and int(value[:10]) > 0 and int(value[:10]) % 511 == int(value[10:])


def _mod11(digits: str, weights: Sequence[int]) -> str:
    rest = sum([(ord(char) - 48) * weight for char, weight in zip(digits, weights, strict=True)]) % 11
    return "0" if rest < 2 else str(11 - rest)


def cpf(value: str, params: Params) -> bool:
    """Whether eleven digits are a Brazilian CPF: two check digits, not one digit repeated.

    Source: Receita Federal, Instrução Normativa RFB 1.548/2015.

    >>> cpf("52998224725", {}), cpf("52998224726", {}), cpf("11111111111", {})
    (True, False, False)
    """
    if len(set(value)) == 1:
        return False
    first = _mod11(value[:9], range(10, 1, -1))
    return value[9:] == first + _mod11(value[:9] + first, range(11, 1, -1))


def cnpj(value: str, params: Params) -> bool:
    """Whether 14 characters are a Brazilian CNPJ; from 2026 the first twelve may be letters (ASCII code less 48).

    Source: Receita Federal, Instrução Normativa RFB 2.229/2024, annex.

    >>> cnpj("11222333000181", {}), cnpj("11222333000182", {}), cnpj("12ABC34501DE35", {})
    (True, False, True)
    """
    if len(set(value)) == 1 or not value[12:].isdecimal():
        return False
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    first = _mod11(value[:12], weights[1:])
    return value[12:] == first + _mod11(value[:12] + first, weights)


def aadhaar(value: str, params: Params) -> bool:
    """Whether twelve digits are an Aadhaar number: Verhoeff, first digit 2 to 9, no palindrome.

    Source: UIDAI, "Aadhaar numbering scheme".

    >>> aadhaar("234123412346", {}), aadhaar("234123412347", {})
    (True, False)
    """
    return value[0] in "23456789" and value != value[::-1] and verhoeff(value, {})


def curp(value: str, params: Params) -> bool:
    """Whether a Mexican CURP holds its check digit and a possible birth date.

    Source: RENAPO, Instructivo normativo para la asignación de la CURP, DOF 18 October 2021.

    >>> curp("BOXW310820HNERXN09", {}), curp("BOXW310820HNERXN08", {})
    (True, False)
    """
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    if not (1 <= int(value[6:8]) <= 12 and 1 <= int(value[8:10]) <= 31):
        return False
    total = sum([alphabet.index(char) * (18 - i) for i, char in enumerate(value[:17])])
    return str(-total % 10) == value[17]


def vin(value: str, params: Params) -> bool:
    """Whether 17 characters hold the check digit in the ninth place.

    Source: 49 CFR 565.15; ISO 3779 leaves the digit free outside North America.

    >>> vin("1M8GDM9AXKP042788", {}), vin("1M8GDM9A1KP042788", {})
    (True, False)
    """
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    try:
        total = sum([int(_VIN[char]) * weight for char, weight in zip(value, weights, strict=True)])
    except (KeyError, ValueError):
        return False
    return value[8] == "0123456789X"[total % 11] and len(set(value)) > 3


def dea(value: str, params: Params) -> bool:
    """Whether a DEA registration holds its check digit.

    Source: US DEA Diversion Control, registration number structure.

    >>> dea("BB1388568", {}), dea("BB1388569", {})
    (True, False)
    """
    digits = value[2:]
    total = sum([int(d) for d in digits[:6:2]]) + 2 * sum([int(d) for d in digits[1:6:2]])
    return total % 10 == int(digits[6])


def be_national(value: str, params: Params) -> bool:
    """Whether eleven digits are a Belgian national number: 97 minus the rest, with 2 before it when born from 2000.

    Source: Royal Decree of 3 April 1984 on the national register number.

    >>> be_national("85073003328", {}), be_national("85073003329", {}), be_national("17073003384", {})
    (True, False, True)
    """
    if int(value[2:4]) % 20 > 12 or int(value[4:6]) > 31 or len(set(value)) == 1:
        return False
    check = int(value[9:])
    return any(97 - int(before + value[:9]) % 97 == check for before in ("", "2"))


def personnummer(value: str, params: Params) -> bool:
    """Whether ten or twelve digits are a Swedish personal number: Luhn over the last ten and a possible date.

    Source: Skatteverket, SKV 704 (coordination numbers add 60 to the day).

    >>> personnummer("8112189876", {}), personnummer("8112189877", {})
    (True, False)
    """
    short = value[-10:]
    if not 1 <= int(short[2:4]) <= 12 or not 1 <= int(short[4:6]) % 60 <= 31:
        return False
    total = sum([sum(divmod(int(digit) * (2 - i % 2), 10)) for i, digit in enumerate(short)])
    return total % 10 == 0


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function
    for function in (
        hetu, cif, nuss, ccc, ssn, hicn, itin, ein, nino, codice_fiscale,
        de_steuer_id, nir, fr_spi, cpf, cnpj, aadhaar, curp, vin, dea, be_national, personnummer,
    )
}  # fmt: skip
