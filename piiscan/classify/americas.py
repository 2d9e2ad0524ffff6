"""Check digits of the numbers of persons and companies of the Americas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from piiscan.classify.schemes import weighted

Params = Mapping[str, Any]


def ca_health(value: str, params: Params) -> bool:
    """Whether ten digits are a health number of British Columbia (9 first) or Ontario; other provinces have no check.

    Source: BC Ministry of Health, PHN check digit modulo 11; Ontario Ministry of Health, Luhn digit.

    >>> ca_health("9515904584", {}), ca_health("9515904585", {}), ca_health("ABCD12345678", {})
    (True, False, True)
    """
    if not value[:10].isdecimal() or len(value) < 10:
        return True
    if value[0] == "9":
        return -weighted(value[1:9], (2, 4, 8, 5, 10, 9, 7, 3)) % 11 == int(value[9])
    return sum([sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(value[:10])]) % 10 == 0


def do_rnc(value: str, params: Params) -> bool:
    """Whether a Dominican taxpayer number (RNC) of nine digits holds its check digit.

    Source: Dirección General de Impuestos Internos; weights 7 9 8 6 5 4 3 2.

    >>> do_rnc("101850043", {}), do_rnc("101850042", {})
    (True, False)
    """
    rest = weighted(value[:8], (7, 9, 8, 6, 5, 4, 3, 2)) % 11
    return (10 - rest) % 9 + 1 == int(value[8]) and len(set(value)) > 1


def ec_ruc(value: str, params: Params) -> bool:
    """Whether an Ecuadorian RUC of 13 digits holds the check digit of a person, a state body or a company.

    The third digit tells them apart: below 6 an identity card with its Luhn digit, 6 the state, 9 a company.

    Source: Servicio de Rentas Internas, structure of the RUC.

    >>> ec_ruc("1792060346001", {}), ec_ruc("1760001550001", {}), ec_ruc("1763154690001", {})
    (True, True, False)
    """
    kind, branch = value[2], value[10:]
    if kind == "6":
        return weighted(value[:9], (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0 and value[9:] != "0000"
    if branch == "000":
        return False
    if kind == "9":
        return weighted(value[:10], (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    return kind < "6" and sum([sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(value[:10])]) % 10 == 0


def gt_nit(value: str, params: Params) -> bool:
    """Whether a Guatemalan NIT holds its check digit or K.

    Source: Superintendencia de Administración Tributaria; weights 2, 3, 4 and so on from the right.

    >>> gt_nit("39525503", {}), gt_nit("39525504", {})
    (True, False)
    """
    total = sum([int(digit) * (i + 2) for i, digit in enumerate(reversed(value[:-1]))])
    return "0123456789K"[-total % 11] == value[-1] and bool(value[:-1].strip("0"))


def pe_cui(value: str, params: Params) -> bool:
    """Whether a Peruvian identity number of eight digits holds the digit or letter behind it.

    Source: RENIEC, dígito de verificación del DNI.

    >>> pe_cui("101174102", {}), pe_cui("101174103", {}), pe_cui("10117410G", {})
    (True, False, True)
    """
    rest = weighted(value[:8], (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return value[8] in ("65432110987"[rest], "KJIHGFEDCBA"[rest]) and len(set(value[:8])) > 1


def sv_nit(value: str, params: Params) -> bool:
    """Whether a Salvadoran NIT of 14 digits holds its check digit and a possible date.

    Numbers whose serial is above 100 are weighted in another way than the older ones.

    Source: Ministerio de Hacienda de El Salvador.

    >>> sv_nit("06140507071048", {}), sv_nit("06140507071049", {})
    (True, False)
    """
    if value[0] not in "019" or not (1 <= int(value[4:6]) <= 31 and 1 <= int(value[6:8]) <= 12):
        return False
    if value[10:13] <= "100":
        return weighted(value[:13], range(14, 1, -1)) % 11 % 10 == int(value[13])
    return -weighted(value[:13], (2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 % 10 == int(value[13])


_RIF = {"V": 4, "E": 8, "J": 12, "P": 16, "G": 20, "C": 12}


def ve_rif(value: str, params: Params) -> bool:
    """Whether a Venezuelan RIF holds its check digit; the letter counts as 4 (V) to 20 (G).

    Source: SENIAT, Registro Único de Información Fiscal.

    >>> ve_rif("V114702834", {}), ve_rif("V114702833", {})
    (True, False)
    """
    rest = (_RIF[value[0]] + weighted(value[1:9], (3, 2, 7, 6, 5, 4, 3, 2))) % 11
    return "00987654321"[rest] == value[9]


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function for function in (ca_health, do_rnc, ec_ruc, gt_nit, pe_cui, sv_nit, ve_rif)
}
