"""Check digits of Europe's numbers of persons and companies beyond those of national.py."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from piiscan.classify.schemes import is_day, luhn_sum, mrz731, plain_digits, two_pass_holds, verhoeff, weighted

Params = Mapping[str, Any]


def two_pass(value: str, params: Params) -> bool:
    """Whether the last digit is the sum by `weights` modulo 11, or by `then` where that leaves 10.

    Source: the issuer that the rule cites (Estonian RIK, Bulgarian NRA, Lithuanian VMI, Kazakh Order 406).

    >>> estonia = {"weights": [1, 2, 3, 4, 5, 6, 7], "then": [3, 4, 5, 6, 7, 8, 9]}
    >>> two_pass("12345678", estonia), two_pass("12345675", estonia)
    (True, False)
    """
    size = len(params["weights"]) + 1
    if not plain_digits(value, size) or not value.startswith(tuple(params.get("starts", ("",)))):
        return False
    return two_pass_holds(value, params["weights"], params["then"])


def mod97_tail(value: str, params: Params) -> bool:
    """Whether the last two digits are the rest modulo 97 of those before them (97 for a rest of 0).

    Source: Belgian FPS Interior for the identity card; Febelfin, "Structured communication", for the OGM-VCS.

    >>> mod97_tail("090009933759", {}), mod97_tail("090009933760", {})
    (True, False)
    """
    value = value.strip("+*/")
    return value.isdecimal() and (int(value[:-2]) % 97 or 97) == int(value[-2:])


def iso97_10(value: str, params: Params) -> bool:
    """Whether the characters hold ISO 7064 mod 97-10 (letters count 10 to 35); `starts` limits the first ones.

    Source: KoSIT, "Formatspezifikation Leitweg-ID", section 2.3.

    >>> iso97_10("04011000123451234506", {}), iso97_10("04011000123451234507", {})
    (True, False)
    """
    if not value.isalnum() or not value.isascii() or not value.startswith(tuple(params.get("starts", ("",)))):
        return False
    return int("".join([str(int(char, 36)) for char in value])) % 97 == 1


def ad_nrt(value: str, params: Params) -> bool:
    """Whether an Andorran tax number has a letter and a number that go together.

    Source: Decret del NRT, Government of Andorra: F below 700000, A and L from 700000 to 799999.

    >>> ad_nrt("F123456Z", {}), ad_nrt("L123456Z", {})
    (True, False)
    """
    number = int(value[1:7])
    if value[0] == "F":
        return number < 700000
    return value[0] not in "AL" or 700000 <= number < 800000


def by_unp(value: str, params: Params) -> bool:
    """Whether nine characters are a Belarusian payer's number (UNP).

    Source: Ministry of Taxes and Duties of Belarus, resolution 72 of 2014.

    >>> by_unp("200988541", {}), by_unp("200988542", {}), by_unp("AK9817719", {})
    (True, False, True)
    """
    letters = "ABCEHKMOPT"
    if value[1] in letters:
        value = value[0] + str(letters.index(value[1])) + value[2:]
    if not value[1:].isdecimal():
        return False
    total = sum([int(char, 36) * w for char, w in zip(value, (29, 23, 19, 17, 13, 7, 5, 3), strict=False)])
    return total % 11 == int(value[8])


def ru_ogrn(value: str, params: Params) -> bool:
    """Whether 13 or 15 digits are a Russian OGRN or OGRNIP.

    Source: Federal Tax Service, order of 30 October 2017, number 165n.

    >>> ru_ogrn("1022200525819", {}), ru_ogrn("1022200525818", {})
    (True, False)
    """
    return value[0] != "0" and int(value[:-1]) % (len(value) - 2) % 10 == int(value[-1])


def ro_onrc(value: str, params: Params) -> bool:
    """Whether a Romanian trade register number is one of the old kind, or holds its last digit.

    Source: Legea 265/2022 and the orders of the Ministry of Justice on the number of order since 26 July 2024.

    >>> ro_onrc("J2025897043004", {}), ro_onrc("J2025897043005", {}), ro_onrc("J40/1/2012", {})
    (True, False, True)
    """
    value = value.replace(",", "")
    if "1990" <= value[-4:] <= "2030":
        return True  # county, serial and year or date
    if value[1:5] < "2024" and not 1 <= int(value[11:13] or "0") <= 52:
        return False  # what was registered before the change kept its county
    total = ord(value[0]) + sum([int(digit) for digit in value[1:-1]])
    return len(value) == 14 and total % 10 == int(value[13])


def ru_snils(value: str, params: Params) -> bool:
    """Whether eleven digits are a Russian pension insurance number (SNILS).

    Source: Pension Fund of Russia, resolution 485p of 2019.

    >>> ru_snils("11223344595", {}), ru_snils("11223344596", {})
    (True, False)
    """
    return value[:3] != "000" and weighted(value[:9], range(9, 0, -1)) % 101 % 100 == int(value[9:])


def lv_pk(value: str, params: Params) -> bool:
    """Whether eleven digits are a Latvian personal code: check digit, and a possible date or 32 before it.

    Source: Pilsonības un migrācijas lietu pārvalde; regulation on the population register.

    >>> lv_pk("16117519997", {}), lv_pk("16117519998", {}), lv_pk("32867300679", {})
    (True, False, True)
    """
    dated = 1 <= int(value[2:4]) <= 12 and 1 <= int(value[:2]) <= 31 and value[6] in "012"
    check = (1 + weighted(value, (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))) % 11 % 10
    return (dated or value[:2] == "32") and check == int(value[10])


def by_personal(value: str, params: Params) -> bool:
    """Whether 14 characters are a Belarusian identification number of a person.

    Source: Ministry of Internal Affairs of Belarus; weights 7, 3, 1 as in ICAO Doc 9303-3.

    >>> by_personal("3141093A001PB0", {}), by_personal("3141093A001PB1", {})
    (True, False)
    """
    total = sum([int(char, 36) * (7, 3, 1)[i % 3] for i, char in enumerate(value[:13])])
    return total % 10 == int(value[13]) and 1 <= int(value[1:3]) <= 31 and 1 <= int(value[3:5]) <= 12


def pl_id_card(value: str, params: Params) -> bool:
    """Whether three letters and six digits are a Polish identity card number.

    Source: Ministerstwo Cyfryzacji, dowód osobisty; the first digit is the check digit.

    >>> pl_id_card("ABA300000", {}), pl_id_card("ABA400000", {})
    (True, False)
    """
    numbers = [int(char, 36) for char in value[:3] + value[4:]]
    total = sum([number * weight for number, weight in zip(numbers, (7, 3, 1, 7, 3, 1, 7, 3), strict=True)])
    return total % 10 == int(value[3])


def fr_siret(value: str, params: Params) -> bool:
    """Whether 14 digits are a French establishment's number; those of La Poste sum to a multiple of five.

    Source: INSEE, "Système national d'identification et du répertoire des entreprises".

    >>> fr_siret("73282932000074", {}), fr_siret("73282932000075", {}), fr_siret("35600000049837", {})
    (True, False, True)
    """
    if value.startswith("356000000") and value != "35600000000048":
        return sum([int(digit) for digit in value]) % 5 == 0
    return plain_digits(value, 14) and luhn_sum(value)


def tr_vkn(value: str, params: Params) -> bool:
    """Whether ten digits are a Turkish tax number.

    Source: Gelir İdaresi Başkanlığı, vergi kimlik numarası.

    >>> tr_vkn("4540536920", {}), tr_vkn("4540536921", {})
    (True, False)
    """
    if not plain_digits(value, 10):
        return False
    total = 0
    for i, digit in enumerate(value[:9]):
        moved = (int(digit) + 9 - i) % 10
        total += (moved * 2 ** (9 - i) % 9 or 9) if moved else 0
    return -total % 10 == int(value[9])


def uk_upn(value: str, params: Params) -> bool:
    """Whether an English pupil number holds its check letter.

    Source: Department for Education, "Unique pupil numbers".

    >>> uk_upn("U811283577535", {}), uk_upn("A811283577535", {})
    (True, False)
    """
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
    numbers = ["0123456789ABCDEFGHJKLMNPQRTUVWXYZ".index(char) for char in value[1:]]
    total = sum([number * weight for number, weight in zip(numbers, weights, strict=True)])
    return "ABCDEFGHJKLMNPQRTUVWXYZ"[total % 23] == value[0] and value[1] != "0"


def de_lanr(value: str, params: Params) -> bool:
    """Whether a German physician's number holds its seventh digit (5555555 is the pseudonym).

    Source: Kassenärztliche Bundesvereinigung, guideline on section 75 (7) SGB V.

    >>> de_lanr("815141501", {}), de_lanr("815141601", {})
    (True, False)
    """
    return -weighted(value[:6], (4, 9, 4, 9, 4, 9)) % 10 == int(value[6]) and value[:6] != "000000"


def de_document(value: str, params: Params) -> bool:
    """Whether nine characters can be a German identity card's or passport's serial, and a tenth its check digit.

    Nine alone must mix in a second letter or hold the check digit in their last place: X12345678 is an order number.

    Source: Bundesministerium des Innern, Personalausweis; ICAO Doc 9303-3, section 4.9.

    >>> de_document("T220001293", {}), de_document("T220001294", {}), de_document("CF7K2V9T4", {})
    (True, False, True)
    """
    value = value.replace("<", "")
    if len(value) > 9:
        value = value.removesuffix("D")
        return len(value) != 10 or mrz731(value, {})
    return sum([char.isalpha() for char in value]) > 1 or mrz731(value, {})


def lu_tin(value: str, params: Params) -> bool:
    """Whether 13 digits are a Luxembourgish national number: date, Luhn and Verhoeff digit.

    Source: Grand-Ducal regulation of 21 June 1979; OECD, "Tax Identification Numbers: Luxembourg".

    >>> lu_tin("1965060312321", {}), lu_tin("1965060312322", {})
    (True, False)
    """
    if not 1 <= int(value[4:6]) <= 12 or not 1 <= int(value[6:8]) <= 31:
        return False
    return luhn_sum(value[:12]) and verhoeff(value[:11] + value[12], {})


def mt_id(value: str, params: Params) -> bool:
    """Whether up to seven digits and a letter can be a Maltese identity card number.

    Source: OECD, "Tax Identification Numbers: Malta".

    >>> mt_id("0123457A", {}), mt_id("0123450A", {})
    (True, False)
    """
    number = value[:-1].zfill(7)
    if value[-1] in "AP":
        return number[6] != "0"
    return number.strip("0") != "" and int(number[:5]) <= 32000


def si_maticna(value: str, params: Params) -> bool:
    """Whether seven or ten characters are a Slovenian company's number.

    Source: AJPES, Poslovni register Slovenije.

    >>> si_maticna("6462529000", {}), si_maticna("6462520000", {})
    (True, False)
    """
    rest = -weighted(value[:6], (7, 6, 5, 4, 3, 2)) % 11
    return rest != 0 and rest % 10 == int(value[6])


def fr_health(value: str, params: Params) -> bool:
    """Whether the text is 21 digits of a French insurance card, or a NIR that holds its key.

    Source: GIE SESAM-Vitale; INSEE for the NIR.

    >>> fr_health("255081416802538", {}), fr_health("255081416802539", {})
    (True, False)
    """
    from piiscan.classify.national import nir

    return plain_digits(value, 21) or (len(value) == 15 and nir(value, params))


def no_fnr(value: str, params: Params) -> bool:
    """Whether a Norwegian birth number holds both check digits and a date that the three digits behind it allow, not
    one to come.

    Source: Skatteetaten, "Fødselsnummer": 000 to 499 for 1900 to 1999, 500 to 749 for 1854 to 1899, 500 to 999 for 2000
    to 2039, 900 to 999 for 1940 to 1999.

    >>> no_fnr("01010750160", {}), no_fnr("01010750161", {}), no_fnr("18103970861", {})
    (True, False, False)
    """
    if not plain_digits(value, 11) or not is_day(value[2:4], value[:2]):
        return False
    year, person = int(value[4:6]), int(value[6:9])
    if person < 500 or (person >= 900 and year >= 40):
        full = 1900 + year
    elif person < 750 and year >= 54:
        full = 1800 + year
    else:
        full = 2000 + year if year < 40 else 0
    return 0 < full <= datetime.date.today().year and all(weighted(value, row) % 11 == 0 for row in _NO_WEIGHTS)


_NO_WEIGHTS = ((3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))


def dk_cpr(value: str, params: Params) -> bool:
    """Whether a Danish person number begins with a date of the century that its seventh digit says, none to come.

    Its check digit is no longer kept, so it is not asked for.
    Source: CPR-kontoret, "Personnummeret i CPR": 0 to 3 for 1900 to 1999, 4 and 9 for 2000 to 2036 or 1937 to 1999,
    5 to 8 for 2000 to 2057 or 1858 to 1899.

    >>> dk_cpr("0101111113", {}), dk_cpr("3113991234", {}), dk_cpr("2110485008", {})
    (True, False, False)
    """
    if not plain_digits(value, 10) or not is_day(value[2:4], value[:2]):
        return False
    year, seventh = int(value[4:6]), value[6]
    later = 2000 if (seventh in "49" and year <= 36) or (seventh in "5678" and year <= 57) else 0
    full = later + year if later else (1800 if seventh in "5678" else 1900) + year
    return full <= datetime.date.today().year


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function
    for function in (
        ad_nrt, by_personal, by_unp, de_document, de_lanr, dk_cpr, fr_health, fr_siret, iso97_10, lu_tin, lv_pk,
        mod97_tail, mt_id, no_fnr, pl_id_card, ro_onrc, ru_ogrn, ru_snils, si_maticna, tr_vkn, two_pass, uk_upn,
    )
}  # fmt: skip
