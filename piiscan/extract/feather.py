"""Whether the directory of a Feather file of version 1 is sound, which pyarrow takes on trust: one changed byte in it
made the reader crash, or run for minutes.

Source: Arrow, `cpp/src/arrow/ipc/feather.fbs`; FlatBuffers, "FlatBuffer Internals" (tables, vtables, vectors, strings).
"""

from __future__ import annotations

import struct

from piiscan.errors import Malformed

MAGIC = b"FEA1"
_BITS = {
    0: 1, 1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64, 9: 32, 10: 64, 11: 32, 12: 32, 14: 64, 15: 32, 16: 64,
    17: 64, 18: 64,
}  # fmt: skip
"""Bits of a value by type; of text and bytes those of its offset."""
_CATEGORY, _TEXTS = 13, (11, 12, 17, 18)
_MOST_COLUMNS = 100_000
_LEVELS = 1
"""The kind of a column's metadata that has an array of its own."""


class _Tables:
    """Reads tables of one flat buffer. Every method raises: struct.error, IndexError, Malformed."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def number(self, form: str, at: int) -> int:
        """The number at a place."""
        if at < 0:
            raise Malformed("the directory points out of itself")
        return int(struct.unpack_from(form, self._data, at)[0])

    def root(self) -> int:
        """The place of the outermost table."""
        return self.number("<I", 0)

    def field(self, table: int, index: int) -> int:
        """The place of a field; 0 where it is left out."""
        vtable = table - self.number("<i", table)
        size, room = self.number("<H", vtable), self.number("<H", vtable + 2)
        self.number("B", vtable + max(size, 4) - 1)
        self.number("B", table + max(room, 4) - 1)
        entry = 4 + 2 * index
        offset = self.number("<H", vtable + entry) if entry + 2 <= size else 0
        if offset > room:
            raise Malformed("a field outside of its table")
        return table + offset if offset else 0

    def value(self, table: int, index: int, form: str) -> int:
        """A number of a table; 0 where it is left out."""
        at = self.field(table, index)
        return self.number(form, at) if at else 0

    def below(self, table: int, index: int) -> int:
        """The place that a field points to; 0 where it is left out."""
        at = self.field(table, index)
        return at + self.number("<I", at) if at else 0

    def text(self, table: int, index: int) -> None:
        """Go over a string."""
        at = self.below(table, index)
        if at and at + 4 + self.number("<I", at) >= len(self._data):
            raise Malformed("a text outside of the directory")


def check(data: bytes) -> None:
    """Refuses a file whose directory does not fit it. Raises: Malformed."""
    size = int.from_bytes(data[-8:-4], "little")
    end = len(data) - 8
    if len(data) < 16 or not data.startswith(MAGIC) or not data.endswith(MAGIC) or not 0 < size <= end - 4:
        raise Malformed("a Feather file without its directory")
    try:
        _check(_Tables(data[end - size : end]), end - size)
    except (struct.error, IndexError, OverflowError):
        raise Malformed("the directory of the Feather file is damaged") from None


def _check(tables: _Tables, room: int) -> None:
    root = tables.root()
    tables.text(root, 0)
    rows = tables.value(root, 1, "<q")
    columns = tables.below(root, 2)
    tables.value(root, 3, "<i")
    tables.text(root, 4)
    count = tables.number("<I", columns) if columns else 0
    if not columns or rows < 0 or count > _MOST_COLUMNS:
        raise Malformed("the directory of the Feather file is damaged")
    for index in range(count):
        at = columns + 4 + 4 * index
        column = at + tables.number("<I", at)
        for place in (0, 4):
            tables.text(column, place)
        if not tables.below(column, 0):
            raise Malformed("a column without a name")
        values = tables.below(column, 1)
        kind, more = tables.value(column, 2, "B"), tables.below(column, 3)
        if not values or kind > 4 or (kind > 0) != (more > 0):
            raise Malformed("a column without its values")
        _check_array(tables, values, rows, room)
        if kind == _LEVELS:
            levels = tables.below(more, 0)
            if not levels:
                raise Malformed("a column of categories without them")
            _check_array(tables, levels, None, room)
        elif kind:
            tables.field(more, 0)
            if kind == 2:
                tables.text(more, 1)


def _check_array(tables: _Tables, array: int, rows: int | None, room: int) -> None:
    """Refuses an array that is longer than its column or larger than the file."""
    kind, encoding = tables.value(array, 0, "b"), tables.value(array, 1, "b")
    offset, length, nulls, size = (tables.value(array, index, "<q") for index in range(2, 6))
    bits = 32 if kind == _CATEGORY else _BITS.get(kind)
    if bits is None or encoding not in (0, 1):
        raise Malformed("a column of no known type")
    if rows is not None and length != rows:
        raise Malformed("columns of different lengths")
    items = length + 1 if kind in _TEXTS else length
    needed = (items * bits + 7) // 8 + ((length + 7) // 8 if nulls else 0)
    if min(offset, length, nulls, size) < 0 or nulls > length or offset + size > room or (length and needed > size):
        raise Malformed("a column outside of the file")
