"""Property sets of OLE documents: title, author, company and the properties that people defined themselves.

Source: MS-OLEPS 2.2 to 2.21 (sets, sections, types); MS-OSHARED 2.3.3.2 (names of the identifiers).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from piiscan.extract.ole import Compound
from piiscan.extract.pieces import Pieces
from piiscan.model import Segment

_SETS = {
    "\x05summaryinformation": {
        2: "title", 3: "subject", 4: "author", 5: "keywords", 6: "comments", 7: "template", 8: "last author",
        9: "revision", 11: "last printed", 12: "created", 13: "last saved", 18: "application",
    },
    "\x05documentsummaryinformation": {
        2: "category", 3: "presentation format", 12: "heading pairs", 13: "parts", 14: "manager", 15: "company",
        26: "content type", 27: "content status", 28: "language", 29: "version",
    },
}  # fmt: skip
_MOST = 10_000
_LPSTR, _LPWSTR, _FILETIME, _BSTR, _BLOB, _VARIANT, _VECTOR = 0x1E, 0x1F, 0x40, 0x08, 0x41, 0x0C, 0x1000
_LINKS = "_PID_HLINKS"


def property_segments(compound: Compound) -> Iterator[Segment]:
    """One piece a property, `name: value`, with its name as the path of the place; damaged ones are passed over."""
    pieces = Pieces(prose=False)
    for stream, names in _SETS.items():
        data = compound.read(stream)
        for name, value in _properties(data, names):
            place = replace(compound.job.place, part="properties", path=name)
            yield from pieces.add(f"{name}: {value}", place)
    yield from pieces.flush()


def _properties(data: bytes, names: dict[int, str]) -> Iterator[tuple[str, str]]:
    if len(data) < 48 or data[:2] != b"\xfe\xff":
        return
    sections = min(struct.unpack_from("<I", data, 24)[0], 2)
    for index in range(sections):
        try:
            (begin,) = struct.unpack_from("<I", data, 28 + 20 * index + 16)
            yield from _Section(data[begin:], names if index == 0 else {}).items()
        except (struct.error, IndexError, ValueError):
            continue


class _Section:
    """One section of a set; offsets count from its start."""

    def __init__(self, data: bytes, names: dict[int, str]) -> None:
        count = min(struct.unpack_from("<I", data, 4)[0], _MOST, (len(data) - 8) // 8)
        self.data = data
        self.offsets = dict(struct.iter_unpack("<II", data[8 : 8 + 8 * count]))
        self.names = dict(names)
        self.charset = "cp1252"
        if 1 in self.offsets:
            page = struct.unpack_from("<H", data, self.offsets[1] + 4)[0]
            self.charset = {1200: "utf-16-le", 65001: "utf-8", 10000: "mac_roman"}.get(page, f"cp{page}")
            try:
                "".encode(self.charset)
            except LookupError:
                self.charset = "cp1252"
        if 0 in self.offsets and not names:
            self._dictionary(self.offsets[0])

    def _dictionary(self, at: int) -> None:
        """The names of properties that people defined."""
        count = min(struct.unpack_from("<I", self.data, at)[0], _MOST)
        at += 4
        wide = self.charset == "utf-16-le"
        for _ in range(count):
            number, length = struct.unpack_from("<II", self.data, at)
            size = length * 2 if wide else length
            self.names[number] = self._text(self.data[at + 8 : at + 8 + size], self.charset)
            at += 8 + (size + 3 & ~3 if wide else size)
            if at >= len(self.data):
                return

    @staticmethod
    def _text(raw: bytes, charset: str) -> str:
        return raw.decode(charset, "replace").split("\0")[0].strip()

    def items(self) -> Iterator[tuple[str, str]]:
        """(name, value) of each property that has a text, a date or a list of texts."""
        for number, at in self.offsets.items():
            name = self.names.get(number)
            if number < 2 or name is None:
                continue
            try:
                kind = struct.unpack_from("<H", self.data, at)[0]
                values = list(self._values(kind, at + 4, name))
            except (struct.error, IndexError, OverflowError, ValueError):
                continue
            for value in values:
                if value.strip():
                    yield name, value

    def _values(self, kind: int, at: int, name: str) -> Iterator[str]:
        if kind & _VECTOR:
            (count,) = struct.unpack_from("<I", self.data, at)
            at += 4
            for _ in range(min(count, _MOST)):
                inner = kind & 0xFFF
                if inner == _VARIANT:
                    inner = struct.unpack_from("<H", self.data, at)[0]
                    at += 4
                text, at = self._scalar(inner, at)
                yield text
        elif kind == _BLOB and name == _LINKS:
            # A vector of variants, six a link; its address and location are the texts.
            (count,) = struct.unpack_from("<I", self.data, at + 4)
            at += 8
            for _ in range(min(count, _MOST)):
                inner = struct.unpack_from("<H", self.data, at)[0]
                text, at = self._scalar(inner, at + 4)
                if inner == _LPWSTR:
                    yield text
        else:
            yield self._scalar(kind, at)[0]

    def _scalar(self, kind: int, at: int) -> tuple[str, int]:
        """A value as text, and where the next one begins. Raises: ValueError for a type that holds no text."""
        data = self.data
        if kind in (_LPSTR, _BSTR, _LPWSTR):
            (length,) = struct.unpack_from("<I", data, at)
            size = length * 2 if kind == _LPWSTR else length
            text = self._text(data[at + 4 : at + 4 + size], "utf-16-le" if kind == _LPWSTR else self.charset)
            return text, at + 4 + (size + 3 & ~3)
        if kind == _FILETIME:
            (ticks,) = struct.unpack_from("<Q", data, at)
            moment = datetime(1601, 1, 1) + timedelta(microseconds=ticks // 10)
            return moment.isoformat(" ", "seconds") if moment.year > 1601 else "", at + 8
        if kind in (2, 3, 18, 19, 22, 23):
            wide = kind in (3, 19, 22, 23)
            number = struct.unpack_from("<i" if wide else "<h", data, at)[0]
            return str(number), at + 4
        if kind == 5:
            return f"{struct.unpack_from('<d', data, at)[0]:.15g}", at + 8
        if kind == 11:
            return "true" if data[at] else "false", at + 4
        raise ValueError("a type without text")
