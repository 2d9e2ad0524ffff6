"""IPTC fields of pictures, bare or inside Photoshop's image resources."""

from __future__ import annotations

from collections.abc import Iterator

from piiscan.extract.exif import decoded

_FIELDS = {
    5: "ObjectName",
    25: "Keywords",
    26: "ContentLocationCode",
    27: "ContentLocationName",
    40: "SpecialInstructions",
    55: "DateCreated",
    80: "By-line",
    85: "By-lineTitle",
    90: "City",
    92: "Sub-location",
    95: "Province-State",
    101: "Country-PrimaryLocationName",
    103: "OriginalTransmissionReference",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "CopyrightNotice",
    118: "Contact",
    120: "Caption-Abstract",
    122: "Writer-Editor",
}
_UTF8 = b"\x1b%G"
_IPTC, _CAPTION, _URL = 0x0404, 0x03F0, 0x040B
_XMP, _EXIF = 0x0424, 0x0422


def fields(data: bytes) -> Iterator[tuple[str, str]]:
    """(name, text) of the datasets of an IPTC record. Source: IPTC-IIM 4.2, chapters 3 and 6.

    >>> list(fields(bytes((0x1c, 2, 80, 0, 3)) + b"Ana" + bytes((0x1c, 2, 90, 0, 9)) + b"cut"))
    [('By-line', 'Ana')]
    """
    at, utf8 = 0, False
    while data[at : at + 1] == b"\x1c" and at + 5 <= len(data):
        record, number, size = data[at + 1], data[at + 2], int.from_bytes(data[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:
            more = size & 0x7FFF
            size = int.from_bytes(data[at : at + more], "big")
            at += more
        body = data[at : at + size]
        if len(body) < size:
            return
        at += size
        if record == 1 and number == 90:
            utf8 = body == _UTF8
        elif record == 2 and number and body.strip(b"\0 "):
            text = body.decode("utf-8", "replace") if utf8 else decoded(body)
            if text.isprintable() or number in _FIELDS:
                yield _FIELDS.get(number, f"IPTC 2:{number}"), text


def resources(data: bytes) -> Iterator[tuple[str, bytes | str]]:
    """("iptc", "xmp" or "exif", bytes) and (name, text) of Photoshop's image resources.

    Source: Adobe Photoshop File Formats Specification, "Image Resource Blocks".
    """
    at = 0
    while data[at : at + 4] in (b"8BIM", b"8B64", b"MeSa", b"PHUT") and at + 12 <= len(data):
        number = int.from_bytes(data[at + 4 : at + 6], "big")
        at += 6
        name = data[at + 1 : at + 1 + data[at]]
        at += (len(name) + 2) & ~1
        size = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 4 + size]
        if len(body) < size:
            return
        at += 4 + (size + 1 & ~1)
        if number == _IPTC:
            yield "iptc", body
        elif number == _XMP:
            yield "xmp", body
        elif number == _EXIF:
            yield "exif", body
        elif number == _CAPTION:
            yield "PhotoshopCaption", decoded(body[1:])
        elif number == _URL:
            yield "PhotoshopURL", decoded(body)
