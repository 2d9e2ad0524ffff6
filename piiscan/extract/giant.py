"""A record of a delimited text that is too long to be held: its cells one after the other, long ones in windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from piiscan.extract.text import Lines, windows
from piiscan.model import ColumnSegment, Place, Segment, TextSegment

BIG = 1 << 20
"""Characters of a value from which it goes out as windows of text instead of in a column."""
MANY = 2_000
"""Columns after which small cells go out together: a segment for each would cost more than its value."""


class TableLike(Protocol):
    """The part of `delimited.Table` that is needed here."""

    delimiter: str
    rows: int
    base: Place

    def name(self, column: int) -> str:
        """The header of a column."""

    def place(self, row: int, column: int, line: int) -> Place:
        """The place of one cell."""


def giant_record(lines: Lines, table: TableLike) -> Iterator[Segment]:
    """The segments of the physical line that `lines.block` refused.

    A quoted field may hold line breaks elsewhere; here a line break ends the record, so that a quote that is never
    closed cannot swallow the rest of the object.
    """
    line = lines.line
    table.rows += 1
    cells = _Cells(lines.rest_of_line(), table.delimiter)
    column = 0
    small: list[tuple[str, Place]] = []
    while cells.more:
        pieces = cells.cell()
        kept: list[str] = []
        size = 0
        for piece in pieces:
            kept.append(piece)
            size += len(piece)
            if size > BIG:
                break
        if size > BIG:
            place = table.place(table.rows, column, line)
            yield from windows(_chained(kept, pieces), place, flat=False, line=None)
        elif size and column >= MANY:
            small.append(("".join(kept), table.place(table.rows, column, line)))
            if len(small) >= MANY:
                yield _joined(small)
                small = []
        elif size:
            yield ColumnSegment(
                header=table.name(column),
                path="",
                values=["".join(kept)],
                rows=np.array([table.rows]),
                base=table.base,
                lines=np.array([line]),
            )
        column += 1
    if small:
        yield _joined(small)


def _joined(cells: list[tuple[str, Place]]) -> TextSegment:
    """Cells one a line, each with its place."""
    starts, size = [], 0
    for text, _ in cells:
        starts.append(size)
        size += len(text) + 1
    text = "\n".join(text for text, _ in cells)
    return TextSegment(text, starts=tuple(starts), places=tuple(place for _, place in cells), prose=False)


def _chained(first: list[str], rest: Iterator[str]) -> Iterator[str]:
    yield from first
    yield from rest


class _Cells:
    """Splits pieces of one physical line into cells, each again in pieces."""

    def __init__(self, pieces: Iterator[str], delimiter: str) -> None:
        self._pieces = pieces
        self._delimiter = delimiter
        self._text, self._at = "", 0
        self.more = self._load()
        """Whether another cell follows."""

    def _load(self) -> bool:
        """Bring in the next piece; the line's end is left out."""
        for piece in self._pieces:
            text = piece.rstrip("\r\n")
            if text:
                self._text, self._at = text, 0
                return True
        return False

    def cell(self) -> Iterator[str]:
        """The pieces of the next cell; must be read to its end."""
        quoted = self._text.startswith('"', self._at)
        if quoted:
            self._at += 1
        while True:
            if self._at >= len(self._text) and not self._load():
                self.more = False
                return
            if quoted:
                end = self._text.find('"', self._at)
            else:
                end = self._text.find(self._delimiter, self._at)
            if end < 0:
                yield self._text[self._at :]
                self._at = len(self._text)
                continue
            if end > self._at:
                yield self._text[self._at : end]
            self._at = end + 1
            if not quoted:
                self.more = self._at < len(self._text) or self._load()
                return
            if self._at >= len(self._text) and not self._load():
                self.more = False
                return
            if self._text[self._at] == '"':
                yield '"'
                self._at += 1
            else:
                quoted = False
