"""Checks of values whose form comes from a technical standard: addresses, dates, phone numbers."""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Params = Mapping[str, Any]

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janvier januar enero ene gennaio gen janeiro",
            "feb february février fev februar febrero febbraio fevereiro",
            "mar march mars märz maerz marzo março",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio mag maio",
            "jun june juin juni junio giugno giu junho",
            "jul july juillet juli julio luglio lug julho",
            "aug august août aout agosto ago",
            "sep sept september septembre septiembre settembre set setembro",
            "oct october octobre oktober okt octubre ottobre ott outubro",
            "nov november novembre noviembre novembro",
            "dec december décembre dezember dez diciembre dic dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
FILE_ENDINGS = frozenset((
    "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "jsx", "tsx", "scss", "less", "map", "html", "htm",
    "json", "xml", "yaml", "yml", "md", "txt", "pdf", "py", "rb", "go", "java", "class", "php", "sh", "exe", "dll",
    "bin", "zip", "gz", "tar", "woff", "ttf", "ico", "mp3", "mp4", "local", "localdomain", "lan", "internal",
))  # fmt: skip


def email(value: str, params: Params) -> bool:
    """Whether an address has a possible local part and domain; a file name such as `icon@2x.png` has not.

    Source: RFC 5321 section 4.1.2 and RFC 1035 section 2.3.4.

    >>> email("ann@mail.example.com", {}), email("icon@2x.png", {}), email(".a@example.com", {})
    (True, False, False)
    """
    local, _, domain = value.rpartition("@")
    if not 1 <= len(local) <= 64 or local[0] == "." or local[-1] == "." or ".." in local:
        return False
    return _mail_domain(domain)


@lru_cache(maxsize=4096)
def _mail_domain(domain: str) -> bool:
    labels = domain.split(".")
    if len(domain) > 253 or len(labels) < 2:
        return False
    if any(not 1 <= len(label) <= 63 or label[0] == "-" or label[-1] == "-" for label in labels):
        return False
    top = labels[-1].lower()
    return len(top) >= 2 and (top.isalpha() or top.startswith("xn--")) and top not in FILE_ENDINGS


def ipv4(value: str, params: Params) -> bool:
    """Whether four numbers are an address of a host that could be someone's: not unspecified, loopback, broadcast or of
    a group that every network has.

    Source: RFC 6890; RFC 5771 (multicast blocks); `ipaddress`.

    >>> ipv4("203.0.113.7", {}), ipv4("127.0.0.1", {}), ipv4("1.2.3.400", {})
    (True, False, False)
    """
    parts = value.split(".")
    if len(parts) != 4 or not all(p.isdecimal() and len(p) <= 3 and int(p) <= 255 for p in parts):
        return False
    first = int(parts[0])
    # The limited broadcast, and the groups that configurations name; the other multicast blocks are hardly in use, so
    # what is written in a log there is a host's address made unrecognisable, or test data.
    return first not in (0, 127, 239) and not value.startswith(("255.255.255.", "224.0.0.", "224.0.1."))


def ipv6(value: str, params: Params) -> bool:
    """Whether the text is an IPv6 address of a host: not unspecified, loopback or multicast, at least two groups given.

    Source: RFC 4291; `ipaddress`.

    Eight groups of two digits each are an interface (EUI-64) or a fingerprint.

    >>> ipv6("2001:db8::7", {}), ipv6("::1", {}), ipv6("12:34:56", {}), ipv6("02:00:5e:10:00:00:00:01", {})
    (True, False, False, False)
    """
    if len(value) == 23 and set(value[2::3]) == {":"}:
        return False
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast) and len(value) >= 7


def phone(value: str, params: Params) -> bool:
    """Whether the text is a valid phone number; without `+` one of `regions` must hold.

    Source: libphonenumber's metadata.

    >>> phone("+44 20 7946 0958", {}), phone("+1 999 999 9999", {}), phone("(201) 555-0123", {"regions": ["US"]})
    (True, False, True)
    """
    return _phone(value, tuple(params.get("regions", ())))


def dialled(value: str) -> bool:
    """Whether a number that begins with zero is valid as it is dialled somewhere: with the trunk prefix of a region, or
    with 00 and a country code.

    >>> dialled("0044 20 7946 0958"), dialled("020 7946 0958"), dialled("000000012")
    (True, True, False)
    """
    from phonenumbers import SUPPORTED_REGIONS

    digits = _digits(value)
    return digits.startswith("0") and phone(
        "00" + digits[2:] if digits.startswith("00") else digits, {"regions": sorted(SUPPORTED_REGIONS)}
    )


_EXTENSION = re.compile(r" ?(?:x|ext\.?) ?\d{1,5}$")


_ISO_DATE = re.compile(r"(?:19|20)\d\d[-./](?:0[1-9]|1[0-2])[-./](?:0[1-9]|[12]\d|3[01])")
_ZIP = re.compile(r"0\d{4}-\d{4}")
"""Rather ZIP+4, as in the address of the Free Software Foundation that stands in half of all licences."""
_NO_DIGITS = bytes(b for b in range(256) if not 48 <= b <= 57)


@lru_cache(maxsize=4096)
def _phone(value: str, regions: tuple[str, ...]) -> bool:
    text = value.strip()
    if "x" in text or "X" in text:
        text = _EXTENSION.sub("", text)
    digits = _digits(text)
    if len(set(digits)) < 3:
        return False
    if text.startswith(("+", "00")):
        # People write the trunk prefix, too: +44 (0)20 ...
        if "(0)" in text:
            digits = _digits(text.replace("(0)", "", 1))
        return _international(digits.removeprefix("00") if text.startswith("00") else digits)
    if not regions or _national(regions).fullmatch(digits) is None:
        return False
    return not (_ISO_DATE.fullmatch(text) or _ZIP.fullmatch(text))


def _digits(text: str) -> str:
    if text.isascii():
        return text.encode().translate(None, _NO_DIGITS).decode()
    return "".join(filter(str.isdecimal, text))


def _international(digits: str) -> bool:
    """Whether digits that begin with a country code are a valid number of that numbering plan.

    The library's own parser takes 30 microseconds a number; its patterns, joined by country code, take one.
    """
    code, plan = plan_of(digits)
    return plan is not None and plan.fullmatch(digits, len(code)) is not None


def plan_of(digits: str) -> tuple[str, re.Pattern[str] | None]:
    """The country code that some digits begin with, and the valid national numbers behind it."""
    for size in (1, 2, 3):
        plan = _plan(digits[:size])
        if plan is not None:
            return digits[:size], plan
    return "", None


_KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail",
)  # fmt: skip


def _patterns(metadata: Any) -> list[str]:
    """The national numbers of a numbering plan's metadata, as patterns."""
    found = [getattr(metadata, kind, None) for kind in _KINDS]
    return [f"(?:{f.national_number_pattern})" for f in found if f is not None and f.national_number_pattern]


@lru_cache(maxsize=1024)
def _plan(code: str) -> re.Pattern[str] | None:
    """All valid national numbers behind a country code; None when no country has it."""
    # The metadata takes a third of a second to load, so only a candidate pays for it.
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    number = int(code or "0")
    patterns: list[str] = []
    for region in COUNTRY_CODE_TO_REGION_CODE.get(number, ()):
        if region == "001":
            patterns += _patterns(PhoneMetadata.metadata_for_nongeo_region(number))
        else:
            patterns += _patterns(PhoneMetadata.metadata_for_region(region))
    return re.compile("|".join(dict.fromkeys(patterns))) if patterns else None


@lru_cache(maxsize=64)
def _national(regions: tuple[str, ...]) -> re.Pattern[str]:
    """All valid numbers of some regions as they are dialled there, with or without the trunk prefix."""
    from phonenumbers import PhoneMetadata

    ways = []
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is None:
            continue
        prefix = f"(?:{metadata.national_prefix})?" if metadata.national_prefix else ""
        ways.append(f"{prefix}(?:{'|'.join(_patterns(metadata))})")
    return re.compile("|".join(ways))


def date(value: str, params: Params) -> bool:
    """Whether the text is a date of the last 120 years, in any usual order of day, month and year.

    Source: ISO 8601 for year first; the Gregorian calendar.

    >>> date("1984-02-29", {}), date("29/02/1983", {}), date("March 7, 1990", {}), date("07.03.2190", {})
    (True, False, True, False)
    """
    if len(value) == 10 and value[4] == value[7] == "-":
        try:
            return _is_past(int(value[:4]), int(value[5:7]), int(value[8:]))
        except ValueError:
            return False
    return any(_is_past(*parts) for parts in _readings(value))


def _readings(value: str) -> list[tuple[int, int, int]]:
    """The (year, month, day) that the text can mean."""
    parts = re.findall(r"\d+|[^\W\d_]+", value.casefold())
    words = [part for part in parts if part in _MONTHS]
    numbers = [part for part in parts if part.isdecimal()]
    if len(numbers) == 1 and len(numbers[0]) == 8:
        text = numbers[0]
        return [(int(text[:4]), int(text[4:6]), int(text[6:])), (int(text[4:]), int(text[2:4]), int(text[:2]))]
    if words and len(numbers) == 2:
        day, year = sorted(numbers, key=len)
        return [(_year(number), _MONTHS[words[0]], int(other)) for number, other in ((year, day), (day, year))]
    if len(numbers) < 3:
        return []
    first, second, third = numbers[:3]
    if len(first) == 4:
        return [(int(first), int(second), int(third)), (int(first), int(third), int(second))]
    year_ = _year(third)
    return [(year_, int(second), int(first)), (year_, int(first), int(second)), (_year(first), int(second), int(third))]


def _year(text: str) -> int:
    """Four digits as they are; two belong to the last hundred years."""
    if len(text) != 2:
        return int(text)
    century = datetime.date.today().year // 100 * 100
    year = century + int(text)
    return year if year <= datetime.date.today().year else year - 100


def _is_past(year: int, month: int, day: int) -> bool:
    try:
        found = datetime.date(year, month, day)
    except ValueError:
        return False
    today = datetime.date.today()
    return today.year - 120 <= found.year and found <= today


def card_expiry(value: str, params: Params) -> bool:
    """Whether the text is a month and a year from 1995 to 2049, in this order or the other.

    Source: ISO/IEC 7813 (YYMM) and the form printed on cards (MM/YY).

    >>> card_expiry("09/27", {}), card_expiry("13/27", {}), card_expiry("2027-09", {})
    (True, False, True)
    """
    numbers = re.findall(r"\d+", value)
    if len(numbers) == 1 and len(numbers[0]) in (4, 6):
        numbers = [numbers[0][:2], numbers[0][2:]]
    if len(numbers) != 2:
        return False
    month, year = sorted(numbers, key=len) if len(numbers[0]) != len(numbers[1]) else numbers
    full = int(year) if len(year) == 4 else 2000 + int(year)
    return 1 <= int(month) <= 12 and 1995 <= full <= 2049


def mac(value: str, params: Params) -> bool:
    """Whether twelve hexadecimal digits (sixteen in EUI-64) are an address of one interface: not broadcast, not zero.

    Source: IEEE Std 802, section 8.

    >>> mac("00:00:5E:00:53:AF", {}), mac("FF:FF:FF:FF:FF:FF", {})
    (True, False)
    """
    digits = value.replace(":", "").replace("-", "").replace(".", "")
    # With dots and no letter it is rather a number: a weight of Unicode's collation, a version.
    return len(digits) in (12, 16) and len(set(digits.lower())) > 1 and not ("." in value and digits.isdecimal())


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function for function in (email, ipv4, ipv6, phone, date, card_expiry, mac)
}
