"""Rows straight from the leaf pages of a damaged SQLite file, whose tree of pages cannot be walked.

Source: SQLite, "Database File Format", sections 1.3, 1.6 and 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

_LEAF = 0x0D
_CODECS = {1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of the integers by serial type."""
_COLUMNS = 2_000

Row = tuple[int, list[object]]


class Pages:
    """The pages of one file."""

    def __init__(self, file: BinaryIO, longest: int) -> None:
        """`longest`: bytes of a row that are read at most."""
        self._file, self._longest = file, longest
        head = file.read(100)
        size = struct.unpack(">H", head[16:18])[0] if len(head) == 100 else 0
        size = 65536 if size == 1 else size
        # Without a header that makes sense, the size that nearly all files have.
        self._size = size if 512 <= size <= 65536 and not size & (size - 1) else 4096
        self._usable = self._size - (head[20] if len(head) > 20 and head[20] < 64 else 0)
        self._codec = _CODECS.get(head[59] if len(head) > 59 else 1, "utf-8")

    def rows(self) -> Iterator[Row]:
        """(rowid, values) of all rows on leaf pages of tables, the schema's left out."""
        number = 1
        while True:
            number += 1
            page = self._page(number)
            if not page:
                return
            if page[0] != _LEAF or len(page) < 8:
                continue
            count = int.from_bytes(page[3:5], "big")
            for slot in range(8, min(8 + 2 * count, len(page) - 1), 2):
                row = self._row(page, int.from_bytes(page[slot : slot + 2], "big"))
                if row is not None:
                    yield row

    def _page(self, number: int) -> bytes:
        self._file.seek((number - 1) * self._size)
        return self._file.read(self._size)

    def _row(self, page: bytes, at: int) -> Row | None:
        if not 8 <= at < self._usable:
            return None
        try:
            size, at = _varint(page, at)
            rowid, at = _varint(page, at)
            payload = self._payload(page, at, size)
            return (rowid - (1 << 64) if rowid >> 63 else rowid), self._values(payload)
        except (IndexError, ValueError, struct.error):
            return None

    def _payload(self, page: bytes, at: int, size: int) -> bytes:
        """The bytes of a row, those on overflow pages too. Raises: ValueError."""
        if size > self._longest:
            raise ValueError
        usable = self._usable
        local = size
        if size > usable - 35:
            least = (usable - 12) * 32 // 255 - 23
            local = least + (size - least) % (usable - 4)
            local = local if local <= usable - 35 else least
        out = bytearray(page[at : at + local])
        following = int.from_bytes(page[at + local : at + local + 4], "big") if local < size else 0
        seen: set[int] = set()
        while following and len(out) < size and following not in seen:
            seen.add(following)
            more = self._page(following)
            out += more[4 : min(usable, 4 + size - len(out))]
            following = int.from_bytes(more[:4], "big")
        return bytes(out)

    def _values(self, payload: bytes) -> list[object]:
        """The values of a record, up to where its bytes end. Raises: IndexError, ValueError."""
        end, at = _varint(payload, 0)
        kinds: list[int] = []
        while at < end and len(kinds) < _COLUMNS:
            kind, at = _varint(payload, at)
            kinds.append(kind)
        if at != end or not kinds:
            raise ValueError
        values: list[object] = []
        for kind in kinds:
            if kind in (10, 11):
                raise ValueError
            size = _INTEGERS.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
            body = payload[at : at + size]
            at += size
            if kind == 0:
                values.append(None)
            elif kind in (8, 9):
                values.append(kind - 8)
            elif kind in _INTEGERS and len(body) == size:
                values.append(int.from_bytes(body, "big", signed=True))
            elif kind == 7 and len(body) == size:
                values.append(struct.unpack(">d", body)[0])
            elif kind >= 12:
                values.append(body.decode(self._codec, "replace") if kind % 2 else body)
        return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of up to nine bytes, and where it ends. Raises: IndexError.

    >>> _varint(b"\\x81\\x00", 0)
    (128, 2)
    """
    value = 0
    for step in range(8):
        byte = data[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    return value << 8 | data[at + 8], at + 9
