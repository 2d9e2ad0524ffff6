"""Tables in text (CSV, TSV and their kin), a column at a time.

Stretches whose rows are all of one width are cut by the places of their delimiters; the others pass the csv module row
by row. A record that cannot be held (a field of hundreds of megabytes) is read by `giant.py`.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells
from piiscan.extract import Job
from piiscan.extract.giant import BIG, giant_record
from piiscan.extract.text import Lines, decoded, physical_lines, windows
from piiscan.model import ColumnSegment, Place, Segment, TextSegment
from piiscan.sniff import delimiter_of, looks_like_names

MEDIA_TYPES = frozenset({"text/csv", "text/tab-separated-values"})

WIDE = 2_000
"""Columns from which cells go into running text: a segment per column would cost more than its value."""
_OPEN = 1 << 20
"""Characters that a quoted field may swallow before it is asked whether its quote was ever closed."""
_OPEN_CAP = 16 << 20
_USUAL = """
id key name mail email e-mail phone tel mobile date time type code number no nr value amount total price city
country state zip street address comment note description title first last user account status ssn iban birth
dob gender sex age vorname nachname nombre nom prenom
"""
_WORDS = frozenset(_USUAL.split())
"""Words of header cells."""


class Table:
    """What is known of the table so far: its header, and the rows that were counted."""

    def __init__(self, job: Job, delimiter: str) -> None:
        self.delimiter = delimiter
        self.base = job.place
        self.header: list[str] | None = None
        """None until the first row was seen."""
        self.rows = 0
        """Data rows so far."""

    def name(self, column: int) -> str:
        """The header of a column, "" where there is none."""
        return self.header[column] if self.header is not None and column < len(self.header) else ""

    def place(self, row: int, column: int, line: int) -> Place:
        """The place of one cell."""
        return Place(row=row, column_name=self.name(column) or None, line=line, member=self.base.member)


class Delimited:
    """The extractor of delimited text."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """One segment per column and about a mebibyte of rows; header cells name the columns."""
        lines = Lines(decoded(stream, job))
        table: Table | None = None
        while True:
            begin = lines.line
            text = lines.block()
            if text is None:
                return
            if table is None:
                table = Table(job, delimiter_of(text, False, job.media_type == "text/tab-separated-values") or ",")
                text, begin = yield from _head(text, begin, table)
            if text:
                rectangle = _rectangle(text, table.delimiter)
                if rectangle is not None:
                    columns, offsets = rectangle
                    yield from _columns(table, columns, offsets + begin)
                    continue
                yield from _parsed(text, begin, lines, table)
            elif lines.line == begin:
                yield from giant_record(lines, table)


def _head(text: str, line: int, table: Table) -> Generator[Segment, None, tuple[str, int]]:
    """Settle the header; returns the text behind it and its line. A header row is data too where it holds figures."""
    if not text:
        table.header = []
        return text, line
    source = physical_lines(text)
    reader = csv.reader(source, delimiter=table.delimiter)
    limit = csv.field_size_limit(1 << 30)
    rows: list[list[str]] = []
    taken, used = 0, 0
    try:
        for row in reader:
            if row and any(row):
                if not rows:
                    taken, used = source.tell(), reader.line_num
                rows.append(row)
            if len(rows) > 20 or source.tell() > _OPEN // 4:
                break
    except csv.Error:
        rows = []
    finally:
        csv.field_size_limit(limit)
    if not rows or not is_header(rows):
        table.header = []
        return text, line
    table.header = [cell.strip().lstrip("\ufeff") for cell in rows[0]]
    marked = [cell for cell in rows[0] if "@" in cell or sum(map(str.isdigit, cell)) >= 6]
    if marked:
        yield TextSegment(
            "\n".join(marked), starts=(0,), places=(Place(line=line, member=table.base.member),), prose=False
        )
    return text[taken:], line + used


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns.

    >>> is_header([["id", "mail"], ["1", "ana@example.org"]]), is_header([["Ana", "Leeds"], ["Bo", "Leeds"]])
    (True, False)
    """
    first = [cell for cell in rows[0] if cell.strip()]
    if not first or len(first) * 2 < len(rows[0]) or not looks_like_names(first):
        return False
    words = [word for cell in first for word in cell.lower().replace("_", " ").replace("-", " ").split()]
    if any(word in _WORDS for word in words) or any("_" in cell for cell in first):
        return True
    for index, cell in enumerate(rows[0]):
        below = [row[index] for row in rows[1:] if index < len(row) and row[index].strip()]
        if cell in below:
            return False
        if below and all(any(c.isdigit() or c == "@" for c in value) for value in below):
            return True
    return len(rows) == 1 or all(cell.islower() or cell.isupper() or len(cell.split()) > 1 for cell in first)


Rectangle = tuple[list[Cells], npt.NDArray[np.int64]]
"""The columns of a block, and the physical line of each row, counted from the block's first."""


def _rectangle(text: str, delimiter: str) -> Rectangle | None:
    """The columns of a block whose rows have one width and whose quotes enclose whole fields, else None.

    Done by arithmetic on the places of delimiters, line feeds and quotes (RFC 4180); what is not as plain as that is
    left to the csv module.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text or '"' in text:
            return None
    try:
        data = (text if text.endswith("\n") else text + "\n").encode()
    except UnicodeEncodeError:
        return None
    codes = np.frombuffer(data, np.uint8)
    # UTF-8 keeps delimiters, quotes and line feeds as the only bytes of their value.
    flags = (codes == ord(delimiter)) | (codes == 10)
    quotes: npt.NDArray[np.int64] | None = None
    escaped = False
    if b'"' in data:
        places = np.flatnonzero(flags | (codes == 34))
        quoting = codes[places] == 34
        quotes, marks = places[quoting], places[~quoting]
        inner = _inner_quotes(codes, quotes, delimiter)
        if inner is None:
            return None
        escaped = inner > 0
        feeds = marks[codes[marks] == 10]
        marks = marks[np.cumsum(quoting)[~quoting] % 2 == 0]
    else:
        marks = np.flatnonzero(flags)
        feeds = marks[codes[marks] == 10]
    breaks = codes[marks] == 10
    if not len(marks) or marks[-1] != len(codes) - 1:
        return None
    width = int(np.argmax(breaks)) + 1
    rows = int(np.count_nonzero(breaks))
    if width > WIDE or len(marks) != rows * width or not breaks[width - 1 :: width].all():
        return None
    starts, ends = np.concatenate(([0], marks[:-1] + 1)), marks
    if width == 1 and bool((starts == ends).any()):
        return None  # an empty line is no row
    lines = np.searchsorted(feeds, starts[::width])
    if quotes is not None:
        quoted = (codes[starts] == 34) & (starts < ends)
        starts, ends = starts + quoted, ends - quoted
    columns = [Cells.spans(data, starts[column::width], ends[column::width]) for column in range(width)]
    return ([_unescaped(cells) for cells in columns] if escaped else columns), lines


def _inner_quotes(codes: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64], delimiter: str) -> int | None:
    """How many doubled quotes stand within fields; None when the others do not open and close whole fields in turn."""
    if len(quotes) % 2:
        return None
    # A closing quote with an opening one directly behind it is a quote within the field.
    inner = np.flatnonzero(quotes[1:-1:2] + 1 == quotes[2::2]) * 2 + 1
    if len(inner):
        quotes = np.delete(quotes, np.concatenate((inner, inner + 1)))
    edge = np.zeros(256, np.bool_)
    edge[[10, ord(delimiter)]] = True
    opens, closes = quotes[::2], quotes[1::2]
    framed = ((opens == 0) | edge[codes[opens - 1]]) & edge[codes[np.minimum(closes + 1, len(codes) - 1)]]
    return len(inner) if bool(framed.all()) else None


def _unescaped(cells: Cells) -> Cells:
    """Cells with doubled quotes made single; a field without quotes around it holds none."""
    import pyarrow.compute as pc

    return Cells(pc.replace_substring(cells.array, '""', '"'))


def _columns(table: Table, columns: Sequence[Sequence[str]], lines: npt.NDArray[np.int64]) -> Iterator[Segment]:
    """The segments of a rectangle of cells, whose rows begin on `lines`."""
    count = len(columns[0])
    rows = np.arange(table.rows + 1, table.rows + count + 1)
    table.rows += count
    for index, values in enumerate(columns):
        yield from _column(table, index, values, rows, lines)


def _column(
    table: Table, index: int, values: Sequence[str], rows: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]
) -> Iterator[Segment]:
    """One column's segment without its empty values; values too long for one go as windows of text."""
    sizes = values.sizes if isinstance(values, Cells) else np.fromiter(map(len, values), np.int64, len(values))
    if not sizes.all() or sizes.max() > BIG:
        for i in np.flatnonzero(sizes > BIG).tolist():
            place = table.place(int(rows[i]), index, int(lines[i]))
            yield from windows((values[i],), place, flat=False, line=None)
        keep = np.flatnonzero((sizes > 0) & (sizes <= BIG))
        if not len(keep):
            return
        values = values.take(keep) if isinstance(values, Cells) else [values[i] for i in keep.tolist()]
        rows, lines = rows[keep], lines[keep]
    yield ColumnSegment(header=table.name(index), path="", values=values, rows=rows, base=table.base, lines=lines)


class _OpenQuote(Exception):
    """A quoted field swallowed rows and found no end."""


class _Feeder:
    """Hands physical lines to the csv module, and more of them while a quoted field goes on over a block's end."""

    def __init__(self, text: str, lines: Lines, table: Table) -> None:
        self._lines, self._table = lines, table
        self.kept: list[str] = list(physical_lines(text))
        """Lines handed out or to be handed out."""
        self.begun = 0
        """Lines before the record that is being read."""
        self._size = 0
        self._checked = False

    def __iter__(self) -> Iterator[str]:
        at = 0
        while True:
            while at < len(self.kept):
                yield self.kept[at]
                at += 1
            if self.begun >= at:
                return
            # The record goes on: it must be a quoted field.
            more = self._lines.block()
            if more is None:
                if at - self.begun > 1 and self._swallows():
                    raise _OpenQuote
                return
            if not more:
                raise _OpenQuote
            self._size = sum(map(len, self.kept[self.begun :]))
            if self._size > _OPEN_CAP or (self._size > _OPEN and not self._checked and self._swallows()):
                self.kept.extend(physical_lines(more))
                raise _OpenQuote
            self._checked = self._size > _OPEN
            self.kept.extend(physical_lines(more))

    def _swallows(self) -> bool:
        """Whether the lines of the open record look like records of the table themselves."""
        sample = self.kept[self.begun + 1 : self.begun + 201]
        width = max(len(self._table.header or ()), 2) - 1
        return sum(line.count(self._table.delimiter) == width for line in sample) * 2 > len(sample)


def _parsed(text: str, line: int, lines: Lines, table: Table) -> Iterator[Segment]:
    """The segments of a block that needs the csv module, and of what an open quote makes it pull in after."""
    feeder = _Feeder(text, lines, table)
    limit = csv.field_size_limit(1 << 30)
    try:
        while feeder.begun < len(feeder.kept):
            rows: list[list[str]] = []
            starts: list[int] = []
            base = feeder.begun
            reader = csv.reader(iter(_From(feeder, base)), delimiter=table.delimiter)
            lost = False
            try:
                for row in reader:
                    if row:
                        rows.append(row)
                        starts.append(feeder.begun)
                    feeder.begun = base + reader.line_num
                    if feeder.begun >= len(feeder.kept):
                        break
            except (_OpenQuote, csv.Error):
                lost = True
            if lost:
                # Each line of the stretch on its own: no rows are lost, whatever the quote was meant for.
                for number in range(feeder.begun, len(feeder.kept)):
                    single = _one(feeder.kept[number], table.delimiter)
                    if single:
                        rows.append(single)
                        starts.append(number)
                feeder.begun = len(feeder.kept)
            yield from _rows(table, rows, np.array(starts, dtype=np.int64) + line)
    finally:
        csv.field_size_limit(limit)


class _From:
    """The feeder's lines from one on; a fresh csv reader begins there."""

    def __init__(self, feeder: _Feeder, at: int) -> None:
        self._feeder, self._at = feeder, at

    def __iter__(self) -> Iterator[str]:
        return islice(iter(self._feeder), self._at, None)


def _one(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader((line,), delimiter=delimiter), [])
    except csv.Error:
        return line.rstrip("\r\n").split(delimiter)


def _rows(table: Table, rows: list[list[str]], lines: npt.NDArray[np.int64]) -> Iterator[Segment]:
    """The segments of parsed rows, of one width or ragged."""
    if not rows:
        return
    widest = len(max(rows, key=len))
    if widest > WIDE:
        yield from _wide(table, rows, lines)
    elif widest == len(min(rows, key=len)):
        yield from _columns(table, list(zip(*rows, strict=True)), lines)
    else:
        numbers = np.arange(table.rows + 1, table.rows + len(rows) + 1)
        table.rows += len(rows)
        for index in range(widest):
            has = [i for i, row in enumerate(rows) if len(row) > index and row[index]]
            if has:
                yield from _column(table, index, [rows[i][index] for i in has], numbers[has], lines[has])


def _wide(table: Table, rows: list[list[str]], lines: npt.NDArray[np.int64]) -> Iterator[Segment]:
    """Cells of very wide rows, a row's cells one a line of running text with a place each."""
    for row, line in zip(rows, lines.tolist(), strict=True):
        table.rows += 1
        for first in range(0, len(row), WIDE):
            texts: list[str] = []
            starts: list[int] = []
            places: list[Place] = []
            size = 0
            for index, cell in enumerate(row[first : first + WIDE], first):
                if not cell:
                    continue
                if len(cell) > BIG:
                    yield from windows((cell,), table.place(table.rows, index, line), flat=False, line=None)
                    continue
                texts.append(cell)
                starts.append(size)
                places.append(table.place(table.rows, index, line))
                size += len(cell) + 1
            if texts:
                yield TextSegment("\n".join(texts), starts=tuple(starts), places=tuple(places), prose=False)


EXTRACTOR = Delimited()
