"""EXIF: the tags of a TIFF structure as text, the position in decimal degrees.

Own reader, since a scan meets damaged and hostile structures: offsets and counts are checked against the data, and
each directory is read once. Source: CIPA DC-008 (Exif 3.0), sections 4.5 and 4.6; TIFF 6.0, section 2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction

Reader = Callable[[int, int], bytes]
"""Bytes by (offset, count); fewer where there are no more."""

_TAGS = {
    0x010D: "DocumentName",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x011D: "PageName",
    0x0131: "Software",
    0x0132: "ModifyDate",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x0151: "TargetPrinter",
    0x4746: "Rating",
    0x8298: "Copyright",
    0x9003: "DateTimeOriginal",
    0x9004: "CreateDate",
    0x9286: "UserComment",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
    0x9C9D: "XPAuthor",
    0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject",
    0xA420: "ImageUniqueID",
    0xA430: "CameraOwnerName",
    0xA431: "BodySerialNumber",
    0xA433: "LensMake",
    0xA434: "LensModel",
    0xA435: "LensSerialNumber",
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xC62F: "CameraSerialNumber",
    0xC68B: "OriginalRawFileName",
    0xFDE8: "OwnerName",
    0xFDE9: "SerialNumber",
}
_GPS = {0x1B: "GPSProcessingMethod", 0x1C: "GPSAreaInformation", 0x1D: "GPSDateStamp", 0x08: "GPSSatellites"}
_EXIF_IFD, _GPS_IFD, _SUB_IFDS, _INTEROP = 0x8769, 0x8825, 0x014A, 0xA005
XMP, IPTC, PHOTOSHOP = 0x02BC, 0x83BB, 0x8649
"""Tags that hold metadata of another kind."""
_MAKER_NOTE, _USER_COMMENT = 0x927C, 0x9286
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
_TEXT_TYPES = (2, 129)
"""ASCII, and UTF-8 of Exif 3.0."""
_DIRECTORIES = 1_000
_ENTRIES = 4_096
_LONGEST = 16 << 20
_RUN = re.compile(rb"[\t\x20-\x7e]{8,}")


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag that holds text, or another kind of metadata."""

    name: str
    text: str = ""
    number: int = 0
    """XMP, IPTC or PHOTOSHOP where `data` is to be read by another reader."""
    data: bytes = b""
    page: int = 1
    """Which of the main directories (pages of a TIFF) it stands in."""


@dataclass(slots=True)
class _Entry:
    kind: int
    count: int
    data: bytes


class Structure:
    """A TIFF structure; after `tags` was read, `pages` and `pixels` tell of its pictures."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self.pages = 0
        self.pixels = 0
        """Of the largest picture."""
        self.damaged = False
        head = read(0, 8)
        self._order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        self._big = bool(self._order) and self._number(head[2:4]) == 43
        if not self._order or len(head) < 8:
            self.damaged = True
            self._order = "<"
            self._first = 0
        else:
            self._first = self._number(read(8, 8)) if self._big else self._number(head[4:8])

    def tags(self) -> Iterator[Tag]:
        """All tags of interest, directory by directory."""
        seen: set[int] = set()
        offset, number = self._first, 0
        while offset and len(seen) < _DIRECTORIES:
            number += 1
            offset = yield from self._directory(offset, number, seen)
        self.pages = number

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self._order == "<" else "big")

    def _directory(self, offset: int, page: int, seen: set[int]) -> Generator[Tag, None, int]:
        """The tags of one directory and of those below it; returns the offset of the next one."""
        entries, following = self._entries(offset, seen)
        size = [self._integer(entries.get(tag)) for tag in (0x0100, 0x0101)]
        self.pixels = max(self.pixels, size[0] * size[1])
        for tag, entry in entries.items():
            yield from self._tag(tag, entry, page)
        below = [self._integer(entries.get(tag)) for tag in (_EXIF_IFD, _INTEROP)]
        if subs := entries.get(_SUB_IFDS):
            below += self._integers(subs)[:32]
        for inner in below:
            if inner:
                yield from self._directory(inner, page, seen)
        if inner := self._integer(entries.get(_GPS_IFD)):
            gps, _ = self._entries(inner, seen)
            yield from self._gps(gps, page)
        return following

    def _entries(self, offset: int, seen: set[int]) -> tuple[dict[int, _Entry], int]:
        """Entries of the directory at an offset, and where the next one is."""
        found: dict[int, _Entry] = {}
        if offset in seen or len(seen) > _DIRECTORIES:
            return found, 0
        seen.add(offset)
        counter, width, slot = (8, 20, 8) if self._big else (2, 12, 4)
        count = self._number(self._read(offset, counter))
        if not 0 < count <= _ENTRIES:
            self.damaged = True
            return found, 0
        block = self._read(offset + counter, count * width + slot)
        for at in range(0, min(len(block) // width, count) * width, width):
            tag, kind = self._number(block[at : at + 2]), self._number(block[at + 2 : at + 4])
            number = self._number(block[at + 4 : at + 4 + slot])
            size = _SIZES.get(kind, 0) * number
            if not 0 < size <= _LONGEST or tag in found:
                continue
            inline = block[at + 4 + slot : at + 4 + 2 * slot]
            data = inline[:size] if size <= slot else self._read(self._number(inline), size)
            found[tag] = _Entry(kind, number, data)
            self.damaged = self.damaged or len(data) < size
        tail = block[count * width :]
        if len(tail) < slot:
            self.damaged = self.damaged or len(block) < count * width
        return found, self._number(tail[:slot])

    def _integers(self, entry: _Entry) -> list[int]:
        size = _SIZES.get(entry.kind, 0)
        if entry.kind not in (1, 3, 4, 13, 16, 18) or not size:
            return []
        return [self._number(entry.data[at : at + size]) for at in range(0, len(entry.data), size)]

    def _integer(self, entry: _Entry | None) -> int:
        numbers = self._integers(entry) if entry is not None else []
        return numbers[0] if numbers else 0

    def _tag(self, tag: int, entry: _Entry, page: int) -> Iterator[Tag]:
        if tag in (XMP, IPTC, PHOTOSHOP):
            yield Tag("", number=tag, data=entry.data, page=page)
            return
        if tag == _MAKER_NOTE:
            # Each maker has a format of its own; owners and serial numbers stand in them as they are.
            text = b"\n".join(_RUN.findall(entry.data)).decode("ascii")
            name = "MakerNote"
        else:
            name = _TAGS.get(tag, "")
            text = self._text(tag, entry) if name or entry.kind in _TEXT_TYPES else ""
        if text := text.strip():
            yield Tag(name or f"Tag 0x{tag:04X}", text, page=page)

    def _text(self, tag: int, entry: _Entry) -> str:
        data = entry.data
        if tag == _USER_COMMENT:
            return self._comment(data)
        if 0x9C9B <= tag <= 0x9C9F:
            return data.decode("utf-16-le", "replace").replace("\0", "")
        if entry.kind in (*_TEXT_TYPES, 7, 1):
            return decoded(data)
        return " ".join(map(str, self._integers(entry)[:16]))

    def _comment(self, data: bytes) -> str:
        """Source: Exif 3.0, section 4.6.6, "UserComment": eight bytes name the character code."""
        code, body = data[:8].rstrip(b"\0 "), data[8:]
        if code == b"UNICODE":
            utf16 = "utf-16-le" if self._order == "<" else "utf-16-be"
            if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
                utf16 = "utf-16"
            elif len(body) > 1 and (body[0] == 0) != (self._order == ">") and 0 in body[:2]:
                # Many writers take the order of their machine and not that of the file.
                utf16 = "utf-16-be" if body[0] == 0 else "utf-16-le"
            return body.decode(utf16, "replace").replace("\0", "")
        if code == b"JIS":
            return body.decode("iso2022_jp", "replace").replace("\0", "")
        return decoded(body if code in (b"ASCII", b"") else data)

    def _gps(self, entries: dict[int, _Entry], page: int) -> Iterator[Tag]:
        latitude = self._degrees(entries, 1, 2)
        longitude = self._degrees(entries, 3, 4)
        if latitude is not None and longitude is not None:
            yield Tag("GPSPosition", f"{latitude:.6f}, {longitude:.6f}", page=page)
        latitude, longitude = self._degrees(entries, 0x13, 0x14), self._degrees(entries, 0x15, 0x16)
        if latitude is not None and longitude is not None:
            yield Tag("GPSDestPosition", f"{latitude:.6f}, {longitude:.6f}", page=page)
        for tag, name in _GPS.items():
            entry = entries.get(tag)
            if entry is not None:
                text = self._comment(entry.data) if tag in (0x1B, 0x1C) else decoded(entry.data)
                if text.strip():
                    yield Tag(name, text.strip(), page=page)

    def _degrees(self, entries: dict[int, _Entry], reference: int, value: int) -> float | None:
        """Degrees, minutes and seconds as one signed number."""
        entry = entries.get(value)
        if entry is None or entry.kind not in (5, 10) or len(entry.data) < 8:
            return None
        total = Fraction(0)
        for part in range(min(len(entry.data) // 8, 3)):
            over, under = struct.unpack_from(self._order + "II", entry.data, part * 8)
            if not under and not over:
                continue
            if not under:
                return None
            total += Fraction(over, under) / 60**part
        if total > 360:
            return None
        side = entries.get(reference)
        negative = side is not None and side.data[:1].upper() in (b"S", b"W")
        return -float(total) if negative else float(total)


def decoded(data: bytes) -> str:
    """Text of an EXIF string: UTF-8 where it is, else Latin-1; what follows a NUL counts too.

    >>> decoded(b"Ana\\0Luis\\0"), decoded(b"Jos\\xe9")
    ('Ana\\nLuis', 'José')
    """
    data = data.strip(b"\0 ")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return re.sub("\0+", "\n", text)
