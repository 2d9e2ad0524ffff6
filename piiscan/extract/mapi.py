"""What Outlook messages and TNEF share: property names, code pages, compressed RTF, and HTML hidden in RTF.

Source: MS-OXPROPS (property tags), MS-OXRTFCP (compression), MS-OXRTFEX (encapsulation).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from piiscan.errors import Malformed

SUBJECT, BODY, HTML, RTF, HEADERS = 0x0037, 0x1000, 0x1013, 0x1009, 0x007D
ATTACH_DATA, ATTACH_NAME, ATTACH_LONG_NAME, DISPLAY_NAME = 0x3701, 0x3704, 0x3707, 0x3001
MESSAGE_CODEPAGE, INTERNET_CODEPAGE = 0x3FFD, 0x3FDE

NAMES = {
    SUBJECT: "Subject",
    BODY: "Body",
    HTML: "Html",
    HEADERS: "TransportMessageHeaders",
    0x001A: "MessageClass",
    0x003D: "SubjectPrefix",
    0x0040: "ReceivedByName",
    0x0042: "SentRepresentingName",
    0x0044: "ReceivedRepresentingName",
    0x0050: "ReplyRecipientNames",
    0x0064: "SentRepresentingAddressType",
    0x0065: "SentRepresentingEmailAddress",
    0x0070: "ConversationTopic",
    0x0075: "ReceivedByAddressType",
    0x0076: "ReceivedByEmailAddress",
    0x0077: "ReceivedRepresentingAddressType",
    0x0078: "ReceivedRepresentingEmailAddress",
    0x0C1A: "SenderName",
    0x0C1E: "SenderAddressType",
    0x0C1F: "SenderEmailAddress",
    0x0E02: "DisplayBcc",
    0x0E03: "DisplayCc",
    0x0E04: "DisplayTo",
    0x0E1D: "NormalizedSubject",
    0x1035: "InternetMessageId",
    0x1039: "InternetReferences",
    0x1042: "InReplyToId",
    DISPLAY_NAME: "DisplayName",
    0x3002: "AddressType",
    0x3003: "EmailAddress",
    0x3004: "Comment",
    0x3703: "AttachExtension",
    ATTACH_NAME: "AttachFilename",
    ATTACH_LONG_NAME: "AttachLongFilename",
    0x370D: "AttachLongPathname",
    0x370E: "AttachMimeTag",
    0x3712: "AttachContentId",
    0x39FE: "SmtpAddress",
    0x3A00: "Account",
    0x3A02: "CallbackTelephoneNumber",
    0x3A05: "Generation",
    0x3A06: "GivenName",
    0x3A07: "GovernmentIdNumber",
    0x3A08: "BusinessTelephoneNumber",
    0x3A09: "HomeTelephoneNumber",
    0x3A0A: "Initials",
    0x3A10: "OrganizationalIdNumber",
    0x3A11: "Surname",
    0x3A15: "PostalAddress",
    0x3A16: "CompanyName",
    0x3A17: "Title",
    0x3A18: "DepartmentName",
    0x3A19: "OfficeLocation",
    0x3A1A: "PrimaryTelephoneNumber",
    0x3A1B: "Business2TelephoneNumber",
    0x3A1C: "MobileTelephoneNumber",
    0x3A1D: "RadioTelephoneNumber",
    0x3A1E: "CarTelephoneNumber",
    0x3A1F: "OtherTelephoneNumber",
    0x3A20: "TransmittableDisplayName",
    0x3A21: "PagerTelephoneNumber",
    0x3A23: "PrimaryFaxNumber",
    0x3A24: "BusinessFaxNumber",
    0x3A25: "HomeFaxNumber",
    0x3A26: "Country",
    0x3A27: "Locality",
    0x3A28: "StateOrProvince",
    0x3A29: "StreetAddress",
    0x3A2A: "PostalCode",
    0x3A2B: "PostOfficeBox",
    0x3A30: "Assistant",
    0x3A42: "CustomerId",
    0x3A44: "MiddleName",
    0x3A45: "DisplayNamePrefix",
    0x3A46: "Profession",
    0x3A48: "SpouseName",
    0x3A4C: "FtpSite",
    0x3A4E: "ManagerName",
    0x3A4F: "Nickname",
    0x3A50: "PersonalHomePage",
    0x3A51: "BusinessHomePage",
    0x3A57: "CompanyMainTelephoneNumber",
    0x3A58: "ChildrensNames",
    0x3A59: "HomeAddressCity",
    0x3A5A: "HomeAddressCountry",
    0x3A5B: "HomeAddressPostalCode",
    0x3A5C: "HomeAddressStateOrProvince",
    0x3A5D: "HomeAddressStreet",
    0x3FF8: "CreatorName",
    0x3FFA: "LastModifierName",
    0x5D01: "SenderSmtpAddress",
    0x5D02: "SentRepresentingSmtpAddress",
    0x5FF6: "RecipientDisplayName",
}
_CODEPAGES = {
    20127: "ascii",
    20866: "koi8-r",
    21866: "koi8-u",
    28591: "latin-1",
    50220: "iso2022_jp",
    50221: "iso2022_jp",
    50222: "iso2022_jp",
    51932: "euc_jp",
    51936: "gb18030",
    51949: "cp949",
    52936: "hz",
    54936: "gb18030",
    936: "gb18030",
    65000: "utf-7",
    65001: "utf-8",
    1200: "utf-16-le",
    1201: "utf-16-be",
    10000: "mac_roman",
}
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the 4096 bytes of the window begin with. Source: MS-OXRTFCP, section 2.1.2.1."""
_WINDOW = 4096
_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z0-9\r\n])|([{}])|([\r\n]+)|([^\\{}\r\n]+)", re.S
)
_SPELLED = {b"par": b"\r\n", b"line": b"\r\n", b"tab": b"\t", b"lquote": b"'", b"rquote": b"'", b"bullet": b"*"}
_SPELLED |= {b"ldblquote": b'"', b"rdblquote": b'"', b"endash": b"-", b"emdash": b"--"}


def name_of(tag: int) -> str:
    """The name of a property, its number in hex where it has none here.

    >>> name_of(0x0037), name_of(0x8005)
    ('Subject', '0x8005')
    """
    return NAMES.get(tag, f"0x{tag:04X}")


def codec_of(codepage: int) -> str:
    """The codec of a Windows code page; "" when Python has none.

    >>> codec_of(1251), codec_of(65001), codec_of(3)
    ('cp1251', 'utf-8', '')
    """
    name = _CODEPAGES.get(codepage, f"cp{codepage}")
    try:
        b"x".decode(name)
    except (LookupError, ValueError):
        return ""
    return name


def string8(data: bytes, codec: str) -> str:
    """Text of a property in the message's code page, else UTF-8, else Windows-1252; without NULs at its end."""
    data = data.rstrip(b"\0")
    for name in (codec or "utf-8", "utf-8"):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode(codec or "cp1252", "replace")


def unicode(data: bytes) -> str:
    """Text of a Unicode property, without NULs at its end."""
    return data.decode("utf-16-le", "replace").rstrip("\0")


def rtf_of(data: bytes, most: int) -> bytes:
    """The RTF that a compressed property holds, up to `most` bytes and as far as it goes.

    Raises: Malformed. Source: MS-OXRTFCP, sections 2.1.3 and 2.2.
    """
    if len(data) < 16:
        raise Malformed("the compressed RTF has no header")
    size, kind = struct.unpack("<4xI4s4x", data[:16])
    if kind == b"MELA":
        return data[16 : 16 + min(size, most)]
    if kind != b"LZFu":
        raise Malformed("the compressed RTF is of an unknown kind")
    window = bytearray(_DICTIONARY.ljust(_WINDOW, b"\0"))
    at = len(_DICTIONARY)
    out = bytearray()
    position, end, most = 16, len(data), min(size, most)
    while position < end and len(out) < most:
        flags = data[position]
        position += 1
        for bit in range(8):
            if position >= end:
                break
            if not flags >> bit & 1:
                out.append(data[position])
                window[at] = data[position]
                at = (at + 1) % _WINDOW
                position += 1
                continue
            if position + 1 >= end:
                return bytes(out)
            offset, length = data[position] << 4 | data[position + 1] >> 4, (data[position + 1] & 15) + 2
            position += 2
            if offset == at:
                return bytes(out)
            for _ in range(length):
                byte = window[offset]
                out.append(byte)
                window[at] = byte
                at, offset = (at + 1) % _WINDOW, (offset + 1) % _WINDOW
    return bytes(out[:most])


def html_in(rtf: bytes) -> bytes | None:
    """The HTML that RTF was made from (`\\fromhtml1`), in the code page of the RTF; None when it was made from none."""
    if not re.search(rb"\\fromhtml1\b", rtf[:1024]):
        return None
    return b"".join(_html_pieces(rtf))


def codepage_of(rtf: bytes) -> str:
    """The codec that the head of an RTF names; "" when none."""
    found = re.search(rb"\\ansicpg(\d{1,5})", rtf[:4096])
    return codec_of(int(found[1])) if found else ""


def _html_pieces(rtf: bytes) -> Iterator[bytes]:
    """Markup out of `\\*\\htmltag` groups and the text between them, without what only RTF needs.

    Source: MS-OXRTFEX, section 2.1.3.
    """
    groups: list[tuple[bool, bool]] = []
    hidden, silent, star = False, False, False
    """Whether text belongs to RTF only (`htmlrtf`), to a table of fonts or the like, or to a `\\*` group."""
    skip = 0
    for found in _TOKEN.finditer(rtf):
        word, number, code, symbol, brace, _, text = found.groups()
        if brace == b"{":
            if len(groups) > 10_000:
                return
            groups.append((hidden, silent))
            star = False
        elif brace == b"}":
            if groups:
                hidden, silent = groups.pop()
            star = False
        elif symbol == b"*":
            star = True
        elif word == b"htmltag":
            silent, star = False, False
        elif word == b"htmlrtf":
            hidden = number != b"0"
        elif word is not None and (
            star or word in (b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pntext", b"mhtmltag")
        ):
            silent, star = True, False
        elif hidden or silent:
            continue
        elif word == b"u" and number:
            yield f"&#{int(number) % 65536};".encode()
            skip = 1
        elif word in _SPELLED:
            yield _SPELLED[word]
        elif code is not None:
            if skip:
                skip -= 1
            else:
                yield bytes.fromhex(code.decode())
        elif symbol is not None:
            yield {b"~": b"&nbsp;", b"_": b"&shy;"}.get(symbol, symbol if symbol in b"\\{}" else b"")
        elif text is not None:
            yield text[skip:] if skip else text
            skip = 0
