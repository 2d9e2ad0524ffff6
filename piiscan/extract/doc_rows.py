"""Which paragraphs of a Word document (97 to 2003) stand in a table, and which of them end a row.

Source: MS-DOC 2.8.6 (PlcBtePapx), 2.9.174 (PapxFkp), 2.6.2 (sprmPFInTable, sprmPFTtp), 2.9.210 (Sprm).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

_PAIR_AT = 0x9A + 8 * 13
"""Of the PlcfBtePapx."""
_IN_TABLE, _ROW_END, _INNER_ROW_END, _DEPTH = 0x2416, 0x2417, 0x244C, 0x6649
_SIZES = (1, 1, 2, 4, 2, 2, 0, 3)
_LONG = (0xD608, 0xC615)
"""Modifiers whose length takes two bytes, or is not to be trusted."""
_MOST_PAGES = 1 << 20


@dataclass(frozen=True, slots=True)
class RowMarks:
    """Paragraphs that stand in a table: where each begins in the main stream, and (end, whether it ends a row)."""

    begins: list[int]
    ends: list[tuple[int, bool]]

    @property
    def known(self) -> bool:
        """Whether there is any such paragraph."""
        return bool(self.begins)

    def at(self, byte: int) -> tuple[bool, bool]:
        """Whether the paragraph whose mark is at this byte stands in a table, and whether it ends a row."""
        index = bisect_right(self.begins, byte) - 1
        if index < 0 or byte >= self.ends[index][0]:
            return False, False
        return True, self.ends[index][1]


def row_marks(main: bytes, table: bytes) -> RowMarks:
    """The marks of a document; none where its tables cannot be read."""
    found: dict[int, tuple[int, bool]] = {}
    try:
        at, size = struct.unpack_from("<2I", main, _PAIR_AT)
        data = table[at : at + size]
        count = min((len(data) - 4) // 8, _MOST_PAGES)
        if count > 0:
            pages = struct.unpack_from(f"<{count}I", data, 4 * (count + 1))
            for page in dict.fromkeys(pages):
                begin = (page & 0x3FFFFF) * 512
                for low, high, in_table, row_end in _page(main[begin : begin + 512]):
                    if in_table:
                        found[low] = (high, row_end)
    except struct.error:
        return RowMarks([], [])
    begins = sorted(found)
    return RowMarks(begins, [found[low] for low in begins])


def _page(page: bytes) -> Iterator[tuple[int, int, bool, bool]]:
    """(first byte, end, in a table, row end) of each paragraph of a page of properties."""
    if len(page) < 512:
        return
    count = page[511]
    if not count or 4 * (count + 1) + 13 * count > 511:
        return
    bounds = struct.unpack_from(f"<{count + 1}I", page, 0)
    for n in range(count):
        at = page[4 * (count + 1) + 13 * n] * 2
        if not at:
            continue
        size = page[at] * 2 - 1
        begin = at + 1
        if size < 0:
            size, begin = page[at + 1] * 2, at + 2
        # A style's index stands first.
        in_table, row_end = _flags(page[begin + 2 : begin + size])
        yield bounds[n], bounds[n + 1], in_table, row_end


def _flags(modifiers: bytes) -> tuple[bool, bool]:
    in_table = row_end = False
    at = 0
    while at + 2 < len(modifiers):
        (code,) = struct.unpack_from("<H", modifiers, at)
        at += 2
        if code == _IN_TABLE:
            in_table = bool(modifiers[at])
        elif code in (_ROW_END, _INNER_ROW_END):
            row_end = row_end or bool(modifiers[at])
        size = _SIZES[code >> 13]
        if code in _LONG:
            if code != 0xD608 or at + 2 > len(modifiers):
                break
            size = struct.unpack_from("<H", modifiers, at)[0] + 1
        elif not size:
            size = modifiers[at] + 1
        at += size
    return in_table or row_end, row_end
