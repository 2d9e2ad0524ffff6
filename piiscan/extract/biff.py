"""Records and strings of the binary workbook formats of Excel: BIFF5 and BIFF8 in compound files, BIFF12 in packages.

Source: MS-XLS 2.1.4 (records), 2.5.293 (XLUnicodeRichExtendedString), 2.5.122 (RkNumber); MS-XLSB 2.1.4 (records),
2.5.168 (XLWideString).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

CONTINUE = 0x003C
_WIDE_RUN = re.compile(rb"(?:[\x20-\x7e\xa0-\xff]\x00){4,}")
_NARROW_RUN = re.compile(rb"[\x20-\x7e]{6,}")


def records(data: bytes, at: int = 0) -> Iterator[tuple[int, bytes, int]]:
    """(type, body, where the next one begins) of each BIFF record from an offset on; a cut one ends them."""
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        at += 4 + size
        if at > len(data):
            return
        yield kind, data[at - size : at], at


class Strings:
    """Strings of a record that goes on in others; characters may be split between two, with a mark of their own."""

    def __init__(self, blocks: list[bytes]) -> None:
        self._blocks = blocks
        self._block = 0
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next bytes, over the ends of blocks. Raises: EOFError."""
        out = b""
        while len(out) < count:
            if self._block >= len(self._blocks):
                raise EOFError
            piece = self._blocks[self._block][self._at : self._at + count - len(out)]
            self._at += len(piece)
            out += piece
            if len(out) < count:
                self._block, self._at = self._block + 1, 0
        return out

    def skip(self, count: int) -> None:
        """Pass over bytes. Raises: EOFError."""
        while count > 0:
            if self._block >= len(self._blocks):
                raise EOFError
            step = min(count, len(self._blocks[self._block]) - self._at)
            self._at += step
            count -= step
            if count:
                self._block, self._at = self._block + 1, 0

    def text(self) -> str:
        """The next string with its formatting passed over. Raises: EOFError."""
        length, flags = struct.unpack("<HB", self.take(3))
        runs = int.from_bytes(self.take(2), "little") if flags & 8 else 0
        extra = int.from_bytes(self.take(4), "little") if flags & 4 else 0
        text = self.characters(length, flags & 1)
        self.skip(4 * runs + extra)
        return text

    def characters(self, length: int, wide: int) -> str:
        """So many characters; where they go on in the next block it begins with a new width. Raises: EOFError."""
        out: list[str] = []
        while length > 0:
            if self._block >= len(self._blocks):
                raise EOFError
            block = self._blocks[self._block]
            if self._at >= len(block):
                self._block, self._at = self._block + 1, 1
                if self._block >= len(self._blocks):
                    raise EOFError
                block = self._blocks[self._block]
                wide = block[0] & 1 if block else 0
            size = 2 if wide else 1
            raw = block[self._at : self._at + length * size]
            if not raw:
                continue
            self._at += len(raw)
            out.append(raw.decode("utf-16-le" if wide else "latin-1", "replace"))
            length -= (len(raw) + size - 1) // size
        return "".join(out)


def short_text(body: bytes, at: int, *, count: int = 2) -> str:
    """A BIFF8 string within one record: `count` bytes of length, the width, the characters."""
    length = int.from_bytes(body[at : at + count], "little")
    return counted_text(body, at + count, length)


def counted_text(body: bytes, at: int, length: int) -> str:
    """A BIFF8 string whose length stands elsewhere."""
    if at >= len(body):
        return ""
    flags = body[at]
    at += 1 + (2 if flags & 8 else 0) + (4 if flags & 4 else 0)
    if flags & 1:
        return body[at : at + 2 * length].decode("utf-16-le", "replace")
    return body[at : at + length].decode("latin-1")


def rk_number(value: int) -> float:
    """A number packed into 30 bits and two flags: times 100, and a whole number.

    >>> rk_number(0x3FF00000), rk_number(123 << 2 | 3)
    (1.0, 1.23)
    """
    if value & 2:
        whole = value >> 2
        number = float(whole - (1 << 30) if whole & 1 << 29 else whole)
    else:
        number = struct.unpack("<d", struct.pack("<Q", (value & 0xFFFFFFFC) << 32))[0]
    return number / 100 if value & 1 else number


def literals(formula: bytes) -> Iterator[str]:
    """Strings of five or more characters in a parsed formula (token 0x17: length, width, characters)."""
    at = formula.find(b"\x17")
    while 0 <= at < len(formula) - 3:
        length, wide = formula[at + 1], formula[at + 2]
        if length >= 5 and wide < 2 and at + 3 + length * (1 + wide) <= len(formula):
            text = counted_text(formula, at + 2, length)
            if text.isprintable():
                yield text
                at += 2 + length * (1 + wide)
        at = formula.find(b"\x17", at + 1)


def runs(data: bytes) -> Iterator[str]:
    """Printable runs, of 16-bit characters first, then of 8-bit ones: for records that no reader knows."""
    for found in _WIDE_RUN.finditer(data):
        yield found[0].decode("utf-16-le")
    for found in _NARROW_RUN.finditer(data):
        yield found[0].decode("ascii")


def wide_text(body: bytes, at: int) -> tuple[str, int]:
    """A BIFF12 string (32 bits of length, 16-bit characters) and where it ends; none has the length 2^32 - 1."""
    (length,) = struct.unpack_from("<I", body, at)
    if length == 0xFFFFFFFF:
        return "", at + 4
    end = at + 4 + 2 * length
    return body[at + 4 : end].decode("utf-16-le", "replace"), end


def wide_records(stream: BinaryIO, most: int) -> Iterator[tuple[int, bytes]]:
    """(type, body) of each BIFF12 record of a part; one of more than `most` bytes, or a cut one, ends them."""
    while True:
        kind = _varint(stream, 2)
        size = _varint(stream, 4)
        if kind < 0 or size < 0 or size > most:
            return
        body = stream.read(size)
        if len(body) < size:
            return
        yield kind, body


def _varint(stream: BinaryIO, most: int) -> int:
    """A number of up to `most` bytes with seven bits each; a type keeps its marks' weight. -1 at the end."""
    value = 0
    for n in range(most):
        byte = stream.read(1)
        if not byte:
            return -1
        value |= (byte[0] & 0x7F) << 7 * n
        if not byte[0] & 0x80:
            break
    return value
