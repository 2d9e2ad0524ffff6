"""Short pieces (elements, cells, headers, lines) joined to segments, each piece with its own place.

Pieces stand on lines of their own, so that no value matches across two of them, while a word in one (an element's
name, a label) is still near enough to speak for the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from time import monotonic

import numpy as np

from piiscan.extract.places import lazy
from piiscan.model import NOWHERE, ColumnSegment, Place, Segment, TextSegment

_SIZE = 256 << 10
"""Characters of one segment: large enough for the matcher to run at speed, small enough to hold."""
_CARRY = 256
"""Characters of the previous segment repeated as context before the next one's core."""
_LABEL = 60
"""Longest text that is still taken for a column name or a label."""

_PATIENCE = 0.5
"""Seconds after which what came together goes out all the same: should the parser die later, it was found."""

Key = tuple[object, ...]
"""A place as the values of the fields that its `Pieces` know by name: a tenth of the cost of a `Place`."""
Lines = Sequence[tuple[int, Place | Key]]
"""Ascending (offset in the piece, place from there on)."""


class Pieces:
    """Collects pieces; `add` gives back a finished segment now and then, `flush` the rest.

    With `names`, places may come as the values of these fields, all others being those of `base`.
    """

    def __init__(
        self, *, prose: bool = True, size: int = _SIZE, base: Place = NOWHERE, names: tuple[str, ...] = ()
    ) -> None:
        self.prose = prose
        self.size = size
        self._base, self._names = base, names
        self._values = attrgetter(*names) if names else None
        self._added = 0
        self._begun = monotonic()
        self._reset([])

    def _reset(self, carried: list[tuple[str, Lines]]) -> None:
        self._items = carried
        self._carried = sum(len(text) + 1 for text, _ in carried)
        self._length = self._carried

    def add(self, text: str, where: Place | Lines) -> Iterable[TextSegment]:
        """Take one piece in; gives a segment when enough have come together. The result must be iterated over."""
        length = self._length + len(text) + 1
        self._added += 1
        if length >= self.size or (not self._added & 63 and monotonic() - self._begun > _PATIENCE):
            return self._add_full(text, where)
        self._items.append((text, ((0, where),) if isinstance(where, Place) else where))
        self._length = length
        return ()

    def _add_full(self, text: str, where: Place | Lines) -> Iterator[TextSegment]:
        if len(text) > self.size:
            yield from self.flush()
            yield from self._windows(text, where)
            return
        self._items.append((text, ((0, where),) if isinstance(where, Place) else where))
        self._length += len(text) + 1
        yield from self.flush()

    def flush(self) -> Iterator[TextSegment]:
        """The segment of what was added since the last one, if anything was."""
        if self._length == self._carried:
            return
        starts: list[int] = []
        places: list[Place | Key] = []
        at, last = 0, None
        for text, lines in self._items:
            size = len(text) or 1
            for offset, place in lines:
                # A name and its value share a place: one entry is enough.
                # Lines that trimming cut off begin behind the text.
                if offset < size and place is not last:
                    starts.append(at + offset)
                    places.append(place)
                    last = place
            at += len(text) + 1
        whole = "\n".join([text for text, _ in self._items])
        core = (self._carried, len(whole)) if self._carried else None
        tail: list[tuple[str, Lines]] = []
        room = _CARRY
        for item in reversed(self._items):
            room -= len(item[0]) + 1
            if room < 0:
                break
            tail.append(item)
        self._reset(tail[::-1])
        yield TextSegment(whole, starts=tuple(starts), places=self._made(places), core=core, prose=self.prose)
        # What the reader of the segment did meanwhile is not counted.
        self._begun = monotonic()

    def _made(self, places: list[Place | Key]) -> tuple[Place, ...]:
        """The places that go with a segment."""
        if self._values is None:
            return tuple(place for place in places if isinstance(place, Place))
        keys = [self._values(place) if isinstance(place, Place) else place for place in places]
        columns = {
            name: column
            for name, column in zip(self._names, zip(*keys, strict=True), strict=True)
            if any(value is not None for value in column)
        }
        return lazy(self._base, columns, len(keys))

    def _windows(self, text: str, where: Place | Lines) -> Iterator[TextSegment]:
        """One very long piece as windows that overlap by `_CARRY * 32` characters."""
        lines: Lines = ((0, where),) if isinstance(where, Place) else where
        margin = _CARRY * 32
        for begin in range(0, len(text), self.size):
            low, high = max(begin - margin, 0), min(begin + self.size + margin, len(text))
            inside = [(max(at - low, 0), place) for at, place in lines if at < high]
            # Of those that begin before the window only the last one counts.
            first = max((i for i, (at, _) in enumerate(inside) if at == 0), default=0)
            inside = inside[first:]
            yield TextSegment(
                text[low:high],
                starts=tuple(at for at, _ in inside),
                places=self._made([place for _, place in inside]),
                core=(begin - low, min(begin + self.size, len(text)) - low),
                prose=self.prose,
            )


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table in a document."""

    text: str
    place: Place
    """Where it stands, with what the format knows besides row and column."""
    header: bool = False
    """The format itself says that this is a heading."""
    rest: Lines = ()
    """Places of its later lines: the one cell of a layout table may hold a whole page."""


Row = list[Cell]


def is_label(text: str) -> bool:
    """Whether a text could be a column name: short, with letters, without an address or a long number.

    >>> [is_label(t) for t in ("Card number", "ana@example.org", "2024-01-31", "")]
    [True, False, False, False]
    """
    digits = sum(c.isdigit() for c in text)
    return 0 < len(text) <= _LABEL and "@" not in text and digits <= 3 and any(c.isalpha() for c in text)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows names the columns below it; the first twenty or so rows are enough.

    Small two-column tables and forms (labels left, values of many kinds right) count as without a header: read row by
    row, each label stays next to its value.
    """
    if len(rows) < 2:
        return False
    first = [text for text in rows[0] if text]
    if not first or not all(is_label(text) for text in first) or len(set(first)) < len(first):
        return False
    width = max(len(row) for row in rows)
    if width <= 1:
        return True
    if len(first) < width / 2:
        return False
    if width == 2:
        left = [row[0] for row in rows if row]
        right = {_kind(row[1]) for row in rows[1:] if len(row) > 1 and row[1]}
        form = all(is_label(text) for text in left) and (len(right) > 1 or len(rows) <= 3)
        return not form
    return True


def _kind(text: str) -> str:
    """A coarse shape of a cell: mail, number, text."""
    if "@" in text:
        return "mail"
    return "number" if 2 * sum(c.isdigit() for c in text) >= len(text) else "text"


def table_segments(rows: Sequence[Row], base: Place, pieces: Pieces, *, certain: bool = False) -> Iterator[Segment]:
    """A table by columns when its first row is a header, else row by row into `pieces`.

    `certain`: the format marks headers, so small tables need no second thought.
    """
    rows = [row for row in rows if any(cell.text for cell in row)]
    if not rows:
        return
    marked = certain and all(cell.header for cell in rows[0] if cell.text) and len(rows) > 1
    if not marked and not has_header([[cell.text for cell in row] for row in rows[:50]]):
        yield from row_texts(rows, pieces)
        return
    # What came before goes first, so that segments keep the order of the document.
    yield from pieces.flush()
    names = [cell.text for cell in rows[0]]
    width = max(len(row) for row in rows)
    for column in range(width):
        found = [(n, row[column]) for n, row in enumerate(rows[1:], 1) if column < len(row) and row[column].text]
        if not found:
            continue
        lines = [cell.place.line for _, cell in found]
        yield ColumnSegment(
            header=names[column] if column < len(names) else "",
            path="",
            values=[cell.text for _, cell in found],
            rows=np.array([n for n, _ in found], dtype=np.int64),
            base=base,
            lines=None if None in lines else [line for line in lines if line is not None],
        )
    # The header row itself may hold a value after all (a table without one that looked as if it had).
    yield from row_texts(rows[:1], pieces)


def row_texts(rows: Iterable[Row], pieces: Pieces) -> Iterator[TextSegment]:
    """Rows as pieces, cells separated by tabs, each with its own place."""
    for row in rows:
        starts: list[tuple[int, Place | Key]] = []
        at = 0
        for cell in row:
            starts.append((at, cell.place))
            starts.extend((at + offset, place) for offset, place in cell.rest)
            at += len(cell.text) + 1
        if at > len(row):
            yield from pieces.add("\t".join(cell.text for cell in row), starts)
