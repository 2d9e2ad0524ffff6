"""More checks of numbers that states and registers give out, kept apart from `national.py` for size alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from piiscan.classify.schemes import is_day, luhn_sum, weighted

Params = Mapping[str, Any]


def rib(value: str, params: Params) -> bool:
    """Whether a French account of 23 characters holds its key.

    Source: Comité français d'organisation et de normalisation bancaires; key = 97 - (89 b + 15 g + 3 c) mod 97.

    >>> rib("30002005500000157841Z25", {}), rib("30002005500000157841Z26", {})
    (True, False)
    """
    letters = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")
    digits = value.translate(letters)
    total = 89 * int(digits[:5]) + 15 * int(digits[5:10]) + 3 * int(digits[10:21])
    return 97 - total % 97 == int(digits[21:])


def isikukood(value: str, params: Params) -> bool:
    """Whether an Estonian or Lithuanian personal code holds its check digit and a possible date.

    Source: EVS 585:2007; Lithuanian Law on the Population Register.

    >>> isikukood("37605030299", {}), isikukood("37605030298", {})
    (True, False)
    """
    if value[0] not in "123456" or not is_day(value[3:5], value[5:7]):
        return False
    for weights in ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)):
        rest = weighted(value, weights) % 11
        if rest < 10:
            return rest == int(value[10])
    return value[10] == "0"


def pps(value: str, params: Params) -> bool:
    """Whether an Irish PPS number holds its check letter (a second letter counts nine times).

    Source: Department of Social Protection, "PPS Number".

    >>> pps("1234567T", {}), pps("1234567A", {}), pps("1234567FA", {})
    (True, False, True)
    """
    extra = value[8:].replace("W", "")
    total = weighted(value[:7], (8, 7, 6, 5, 4, 3, 2)) + (9 * (ord(extra) - 64) if extra else 0)
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == value[7]


def tckn(value: str, params: Params) -> bool:
    """Whether a Turkish identity number holds its two check digits.

    Source: Nüfus ve Vatandaşlık İşleri, T.C. kimlik numarası.

    >>> tckn("10000000146", {}), tckn("10000000147", {})
    (True, False)
    """
    digits = [int(char) for char in value]
    tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
    return digits[0] != 0 and tenth == digits[9] and sum(digits[:10]) % 10 == digits[10]


def rut(value: str, params: Params) -> bool:
    """Whether a Chilean RUT holds its check digit or K.

    Source: Registro Civil de Chile; Servicio de Impuestos Internos.

    >>> rut("125319092", {}), rut("125319093", {}), rut("6K", {})
    (True, False, True)
    """
    total = sum([int(digit) * (i % 6 + 2) for i, digit in enumerate(reversed(value[:-1]))])
    return "0K987654321"[total % 11] == value[-1]


def nit(value: str, params: Params) -> bool:
    """Whether a Colombian NIT holds its check digit.

    Source: DIAN, Orden Administrativa 4 of 1989.

    >>> nit("2131234321", {}), nit("2131234325", {})
    (True, False)
    """
    weights = (3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71)
    total = sum([int(digit) * weight for digit, weight in zip(reversed(value[:-1]), weights, strict=False)])
    return "01987654321"[total % 11] == value[-1]


def rfc(value: str, params: Params) -> bool:
    """Whether a Mexican RFC of 12 or 13 characters holds its check character and a possible date.

    Source: SAT, Anexo 6 of the Código Fiscal, algorithm for the homoclave.

    >>> rfc("GODE561231GR8", {}), rfc("GODE561231GR7", {})
    (True, False)
    """
    if not is_day(value[-7:-5], value[-5:-3]):
        return False
    alphabet = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"
    padded = value.rjust(13)
    total = sum([alphabet.index(char) * (13 - i) for i, char in enumerate(padded[:12])])
    return "0123456789A"[-total % 11] == padded[12]


def hkid(value: str, params: Params) -> bool:
    """Whether a Hong Kong identity card number holds its check digit or A.

    Source: Immigration Department of Hong Kong; letters count 10 to 35, a missing one 36.

    >>> hkid("G123456A", {}), hkid("G1234567", {})
    (True, False)
    """
    value = value.replace("(", "").replace(")", "")
    head = value[:-7] if len(value) == 9 else " " + value[:-7]
    total = sum([(36 if char == " " else int(char, 36)) * (9 - i) for i, char in enumerate(head)])
    total += weighted(value[-7:-1], (7, 6, 5, 4, 3, 2))
    return "0123456789A"[-total % 11] == value[-1]


def sg_nric(value: str, params: Params) -> bool:
    """Whether a Singapore NRIC or FIN holds its letter.

    Source: Immigration and Checkpoints Authority; letters of the series S, T, F, G and M.

    >>> sg_nric("S1234567D", {}), sg_nric("S1234567E", {})
    (True, False)
    """
    total = weighted(value[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(value[0], 0)
    if value[0] == "M":
        return "KLJNPQRTUWX"[10 - total % 11] == value[8]
    return ("JZIHGFEDCBA" if value[0] in "ST" else "XWUTRQPNMLK")[total % 11] == value[8]


def tw_id(value: str, params: Params) -> bool:
    """Whether a Taiwanese identity number holds: the letter counts as two digits.

    Source: Ministry of the Interior, Taiwan; letter codes 10 to 35.

    >>> tw_id("A123456789", {}), tw_id("A123456788", {})
    (True, False)
    """
    code = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    return weighted(f"{code}{value[1:]}", (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)) % 10 == 0


def inn(value: str, params: Params) -> bool:
    """Whether a Russian INN of ten or twelve digits holds its check digits.

    Source: Federal Tax Service, order MMV-7-6/435.

    >>> inn("7707083893", {}), inn("7707083894", {}), inn("500100732259", {})
    (True, False, True)
    """
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    ends = [9] if len(value) == 10 else [10, 11]
    if not value.strip("0"):
        return False
    return all(weighted(value[:end], weights[11 - end :]) % 11 % 10 == int(value[end]) for end in ends)


def rc(value: str, params: Params) -> bool:
    """Whether a Czech or Slovak birth number holds: a possible date and, with ten digits, divisible by eleven.

    Source: Czech Act 133/2000 Sb., section 13.

    >>> rc("7103192745", {}), rc("7103192746", {})
    (True, False)
    """
    month = int(value[2:4]) % 50
    if not (1 <= month <= 12 or 21 <= month <= 32) or not 1 <= int(value[4:6]) <= 31:
        return False
    if len(value) == 9:
        return value[6:] != "000"
    return int(value) % 11 == 0 or (int(value[:9]) % 11 == 10 and value[9] == "0")


def cnp(value: str, params: Params) -> bool:
    """Whether a Romanian CNP holds its check digit, a possible date and a county.

    Source: Ordonanța de urgență 97/2005; weights 2 7 9 1 4 6 3 5 8 2 7 9.

    >>> cnp("1630615123457", {}), cnp("1630615123458", {})
    (True, False)
    """
    if value[0] == "0" or not is_day(value[3:5], value[5:7]) or not 1 <= int(value[7:9]) <= 52:
        return False
    rest = weighted(value, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (1 if rest == 10 else rest) == int(value[12])


def utr(value: str, params: Params) -> bool:
    """Whether a UK unique taxpayer reference holds its check digit, the first of ten.

    Source: HMRC, SA self assessment technical notes.

    >>> utr("1955839661", {}), utr("2955839661", {})
    (True, False)
    """
    return "21987654321"[weighted(value[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11] == value[0]


def afm(value: str, params: Params) -> bool:
    """Whether nine digits are a Greek tax number.

    Source: OECD, "Information on Tax Identification Numbers: Greece"; powers of two, modulo 11 and 10.

    >>> afm("094259216", {}), afm("123456789", {})
    (True, False)
    """
    weights: Sequence[int] = (256, 128, 64, 32, 16, 8, 4, 2)
    return bool(value.strip("0")) and weighted(value, weights) % 11 % 10 == int(value[8])


def afm_el(value: str, params: Params) -> bool:
    """Whether the text is a Greek tax number, with EL before it or not.

    Source: European Commission, VIES.

    >>> afm_el("EL094259216", {}), afm_el("EL094259217", {})
    (True, False)
    """
    return afm(value.removeprefix("EL"), params)


def nif_klm(value: str, params: Params) -> bool:
    """Whether a Spanish NIF that begins with K, L or M holds its letter (by the DNI's table or the companies').

    Source: Orden EHA/451/2008, article 3.

    >>> nif_klm("M1234567L", {}), nif_klm("M1234567A", {})
    (True, False)
    """
    doubled = sum([sum(divmod(2 * int(d), 10)) for d in value[1:8:2]])
    company = "JABCDEFGHI"[-(doubled + sum([int(d) for d in value[2:8:2]])) % 10]
    return value[8] in (company, "TRWAGMYFPDXBNJZSQVHLCKE"[int(value[1:8]) % 23])


def rvnr(value: str, params: Params) -> bool:
    """Whether a German pension insurance number holds its check digit and a possible birth date.

    Source: Verordnung über die Versicherungsnummer (VKVV), section 2.

    >>> rvnr("15070649C103", {}), rvnr("15070649C104", {})
    (True, False)
    """
    if not 1 <= int(value[2:4]) % 50 <= 31 or not 1 <= int(value[4:6]) <= 12:
        return False
    digits = value[:8] + f"{ord(value[8]) - 64:02d}" + value[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum([sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(digits, weights, strict=True)])
    return total % 10 == int(value[11])


def kvnr(value: str, params: Params) -> bool:
    """Whether a German health insurance number holds its check digit.

    Source: GKV-Spitzenverband, Krankenversichertennummer, section 290 SGB V.

    >>> kvnr("A123456780", {}), kvnr("A123456781", {})
    (True, False)
    """
    digits = f"{ord(value[0]) - 64:02d}" + value[1:9]
    total = sum([sum(divmod(int(digit) * (1 + i % 2), 10)) for i, digit in enumerate(digits)])
    return total % 10 == int(value[9])


def dated_lv(value: str, params: Params) -> bool:
    """Whether a Latvian personal code begins with a possible date, or with 32 as those given out since 2017 do.

    Source: Pilsonības un migrācijas lietu pārvalde.

    >>> dated_lv("16117519997", {}), dated_lv("41139912345", {}), dated_lv("32673316272", {})
    (True, False, True)
    """
    return value[:2] == "32" or (is_day(value[2:4], value[:2]) and value[6] in "012")


def ca_bn(value: str, params: Params) -> bool:
    """Whether the first nine digits of a Canadian business number hold the Luhn sum.

    Source: Canada Revenue Agency, RC2.

    >>> ca_bn("123026635RC0001", {}), ca_bn("123026636", {})
    (True, False)
    """
    return bool(value[:9].strip("0")) and luhn_sum(value[:9])


def il_id(value: str, params: Params) -> bool:
    """Whether up to nine digits are an Israeli identity number: Luhn, not one digit repeated.

    Source: Population and Immigration Authority of Israel.

    >>> il_id("039337423", {}), il_id("039337424", {})
    (True, False)
    """
    return len(set(value)) > 1 and luhn_sum(value.zfill(9))


def au_medicare(value: str, params: Params) -> bool:
    """Whether an Australian Medicare number holds its ninth digit.

    Source: Services Australia, Medicare card number check digit.

    >>> au_medicare("2123456701", {}), au_medicare("2123456711", {})
    (True, False)
    """
    return weighted(value[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(value[8])


def abn(value: str, params: Params) -> bool:
    """Whether eleven digits are an Australian business number.

    Source: Australian Business Register, "Format of the ABN"; modulo 89 after one is taken from the first digit.

    >>> abn("51824753556", {}), abn("51824753557", {})
    (True, False)
    """
    return value[0] != "0" and (weighted(value, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0


def ird(value: str, params: Params) -> bool:
    """Whether eight or nine digits are a New Zealand tax number.

    Source: Inland Revenue, "Resident withholding tax specification", check digit of IRD numbers.

    >>> ird("49091850", {}), ird("136410132", {}), ird("9125568", {}), ird("49091851", {})
    (True, True, False, False)
    """
    digits = value.zfill(9)
    if not 10_000_000 <= int(digits) <= 150_000_000:
        return False
    for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
        rest = -weighted(digits[:8], weights) % 11
        if rest < 10:
            return rest == int(digits[8])
    return False


def cbu(value: str, params: Params) -> bool:
    """Whether an Argentine bank account of 22 digits holds its two check digits.

    Source: Banco Central de la República Argentina, Comunicación A 2622.

    >>> cbu("2850590940090418135201", {}), cbu("2850590940090418135202", {})
    (True, False)
    """
    first = -weighted(value[:7], (7, 1, 3, 9, 7, 1, 3)) % 10
    second = -weighted(value[8:21], (3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3)) % 10
    return bool(value.strip("0")) and first == int(value[7]) and second == int(value[21])


def py_ruc(value: str, params: Params) -> bool:
    """Whether a Paraguayan tax number holds its check digit.

    Source: Subsecretaría de Estado de Tributación, base 11 algorithm.

    >>> py_ruc("800000358", {}), py_ruc("800000359", {})
    (True, False)
    """
    total = sum([int(digit) * (i + 2) for i, digit in enumerate(reversed(value[:-1]))])
    return -total % 11 % 10 == int(value[-1])


def vn_mst(value: str, params: Params) -> bool:
    """Whether the first ten digits of a Vietnamese tax number hold their check digit.

    Source: General Department of Taxation of Vietnam, Circular 105/2020/TT-BTC.

    >>> vn_mst("0100233488", {}), vn_mst("0100233487", {})
    (True, False)
    """
    rest = 10 - weighted(value[:9], (31, 29, 23, 19, 17, 13, 7, 5, 3)) % 11
    return rest == int(value[9])


def pt_cc(value: str, params: Params) -> bool:
    """Whether a Portuguese citizen card number of twelve characters holds its last digit.

    Source: Agência para a Modernização Administrativa, "Validação de Número de Documento do Cartão de Cidadão".

    >>> pt_cc("000000000ZZ4", {}), pt_cc("000000000ZZ3", {})
    (True, False)
    """
    numbers = [int(char, 36) for char in value]
    return sum([n if i % 2 else _folded(n) for i, n in enumerate(numbers)]) % 10 == 0


def _folded(number: int) -> int:
    """Twice the number, less nine when that is ten or more."""
    return 2 * number - 9 if 2 * number >= 10 else 2 * number


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function
    for function in (
        rib, isikukood, pps, tckn, rut, nit, rfc, hkid, sg_nric, tw_id, inn, rc, cnp, utr, afm,
        afm_el, nif_klm, rvnr, kvnr, dated_lv, pt_cc, ca_bn, il_id,
        au_medicare, abn, ird, cbu, py_ruc, vn_mst,
    )
}  # fmt: skip
