"""SQL dumps: the rows of `INSERT` and `COPY` statements by table and column, everything else as text.

What pg_dump, mysqldump, sqlite3, SQL Server and Oracle tools write. Statements of any length are read as a stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from piiscan.extract import Job
from piiscan.extract.pgdump import custom_segments
from piiscan.extract.rows import TableRows
from piiscan.extract.sqltext import (
    COPY,
    CREATE,
    INSERT,
    START,
    Value,
    copy_cells,
    created_columns,
    identifiers,
    plain_name,
    tuple_at,
    value_at,
)
from piiscan.extract.text import decoded, grown, windows
from piiscan.model import Segment

SQL = "application/sql"
PG_CUSTOM = "application/x-pgdump"
MEDIA_TYPES = frozenset({SQL, PG_CUSTOM})

_AHEAD = 64 << 10
"""Characters that are in the buffer before a statement's head is taken for what it looks like."""
_VALUE = 64 << 20
"""Longest value; a longer one is read as text."""
_TEXT = 256 << 10
_TABLES = 200
"""Tables whose rows are gathered at the same time."""
_NAMES = 10_000
"""Tables whose column names are kept."""
_SPACE = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)*")
_MYSQL = re.compile(r"^-- (?:MySQL|MariaDB|phpMyAdmin|Host:)|^/\*!\d|^/\*M!|`", re.M)


class Dump:
    """The extractor of SQL dumps."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Text between the rows as it stands, and columns of values with table, row and the line a row begins on.

        A row's number counts the rows of its table in this dump, from 1.
        """
        if job.media_type == PG_CUSTOM:
            yield from custom_segments(stream, job, statements)
            return
        reader = _Reader(decoded(stream, job), job)
        yield from reader.read()


def statements(chunks: Iterator[str], job: Job, columns: Mapping[str, tuple[str, ...]]) -> Iterator[Segment]:
    """The rows of statements that stand in another dump, so that their lines are none of the file's.

    `columns` are the names that the dump tells, by table in lower case.
    """
    yield from _Reader(chunks, job, columns).read()


class _Reader:
    """A buffer over the text, and what is known of the tables so far; with `columns` lines are not counted."""

    def __init__(self, chunks: Iterator[str], job: Job, columns: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._chunks = _one_break(chunks)
        self._job = job
        self._physical = columns is None
        self._buffer, self._at = "", 0
        self._ended = False
        self._line, self._counted = 1, 0
        """Line of the character at `_counted`."""
        self._text: list[str] = []
        self._text_line, self._text_size = 1, 0
        self._columns = dict(columns or {})
        self._rows: dict[tuple[str, tuple[str, ...]], TableRows] = {}
        self._numbers: dict[str, int] = {}
        self._escapes: bool | None = None
        """Whether a backslash escapes in strings (MySQL); None: not known yet."""

    def read(self) -> Iterator[Segment]:
        while True:
            found = START.search(self._buffer, self._at)
            if found is None:
                keep = self._buffer.rfind("\n", self._at) + 1
                yield from self._pass(len(self._buffer) if self._ended else max(keep, self._at))
                if not self._fill():
                    break
                continue
            yield from self._pass(found.start())
            while len(self._buffer) - self._at < _AHEAD and self._fill():
                pass
            yield from self._statement()
        yield from self._pass(len(self._buffer))
        yield from self._flush()

    def _statement(self) -> Iterator[Segment]:
        """What stands at the buffer's position, which looks like the start of a statement."""
        if self._escapes is None:
            self._escapes = bool(_MYSQL.search(self._buffer[:_AHEAD]))
        if head := INSERT.match(self._buffer, self._at):
            yield from self._pass(head.start("table"), text=False)
            table = plain_name(head["table"])
            names = identifiers(head["columns"]) if head["columns"] else self._columns.get(table.lower(), ())
            self._at = head.end()
            yield from self._tuples(table, names)
            return
        if head := COPY.match(self._buffer, self._at):
            table = plain_name(head["table"])
            names = identifiers(head["columns"]) if head["columns"] else self._columns.get(table.lower(), ())
            self._at = head.end()
            yield from self._copied(table, names)
            return
        if head := CREATE.match(self._buffer, self._at):
            names = created_columns(self._buffer[head.end() : head.end() + _AHEAD])
            if names and len(self._columns) < _NAMES:
                self._columns[plain_name(head["table"]).lower()] = names
        end = self._buffer.find("\n", self._at) + 1
        yield from self._pass(end or len(self._buffer))

    def _tuples(self, table: str, names: tuple[str, ...]) -> Iterator[Segment]:
        """The rows of an `INSERT` statement, up to what follows them."""
        while self._skip() == "(":
            line = self._line_here()
            plain = tuple_at(self._buffer, self._at, bool(self._escapes))
            if plain is not None:
                row, self._at = plain
            else:
                row = []
                self._at += 1
            while plain is None:
                value = self._value()
                if value is None:
                    # No SQL after all: what is left goes out as text.
                    yield from self._row(table, names, row, line)
                    return
                row.append(value.data)
                self._at = value.end + 1
                if value.stop == ")":
                    break
            yield from self._row(table, names, row, line)
            if self._skip() != ",":
                break
            self._at += 1
        if self._skip() == ";":
            self._at += 1

    def _value(self) -> Value | None:
        while True:
            value = value_at(self._buffer, self._at, bool(self._escapes))
            if value is not None and (value.end + 1 < len(self._buffer) or self._ended):
                return value
            if len(self._buffer) - self._at > _VALUE or not self._fill():
                return value

    def _skip(self) -> str:
        """Pass over space and comments; the character that follows, "" at the end."""
        char = self._buffer[self._at : self._at + 1]
        if char and char in "(,;":
            return char
        while True:
            found = _SPACE.match(self._buffer, self._at)
            end = found.end() if found else self._at
            if end < len(self._buffer) and not self._buffer.startswith(("--", "/*"), end):
                self._at = end
                return self._buffer[end]
            if len(self._buffer) - self._at > _VALUE or not self._fill():
                return ""

    def _copied(self, table: str, names: tuple[str, ...]) -> Iterator[Segment]:
        """The lines of a `COPY` up to its end mark. Source: PostgreSQL, COPY, "Text Format"."""
        while True:
            end = self._buffer.find("\n", self._at)
            if end < 0:
                if len(self._buffer) - self._at <= _VALUE and self._fill():
                    continue
                end = len(self._buffer)
            text = self._buffer[self._at : end]
            line = self._line_here()
            self._at = min(end + 1, len(self._buffer))
            if text == "\\.":
                return
            if text:
                yield from self._row(table, names, copy_cells(text), line)
            if end >= len(self._buffer) and not self._fill():
                return

    def _row(self, table: str, names: tuple[str, ...], row: list[object], line: int) -> Iterator[Segment]:
        if not row:
            return
        if len(row) > len(names):
            names = (*names, *(f"column {n}" for n in range(len(names) + 1, len(row) + 1)))
        gathered = self._rows.get((table, names))
        if gathered is None:
            if len(self._rows) >= _TABLES:
                yield from self._flush()
            gathered = self._rows[(table, names)] = TableRows(table, names, self._job)
        number = self._numbers[table] = self._numbers.get(table, 0) + 1
        yield from gathered.add(number, row, line)

    def _pass(self, end: int, *, text: bool = True) -> Iterator[Segment]:
        """Take the buffer up to `end` as text."""
        if end <= self._at:
            return
        piece = self._buffer[self._at : end]
        if text and piece.strip():
            line = self._line_here()
            if self._text and line != self._text_line + sum(part.count("\n") for part in self._text):
                yield from self._flush_text()
            if not self._text:
                self._text_line = line
            self._text.append(piece)
            self._text_size += len(piece)
        self._at = end
        if self._text_size > _TEXT or len(self._text) > 100:
            yield from self._flush_text()

    def _flush_text(self) -> Iterator[Segment]:
        text, self._text, self._text_size = "".join(self._text), [], 0
        if text:
            yield from windows((text,), self._job.place, flat=False, line=self._text_line or None, prose=False)

    def _flush(self) -> Iterator[Segment]:
        yield from self._flush_text()
        for rows in self._rows.values():
            yield from rows.flush()
        self._rows.clear()

    def _line_here(self) -> int:
        """The line of the buffer's position; 0 where lines are not counted."""
        if not self._physical:
            return 0
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _fill(self) -> bool:
        """Bring in more text; what was read is dropped. False at the end."""
        if self._ended:
            return False
        self._line_here()
        rest = self._buffer[self._at :]
        self._at = self._counted = 0
        self._buffer, self._ended = grown(rest, self._chunks, len(rest))
        return len(self._buffer) > len(rest)


def _one_break(chunks: Iterator[str]) -> Iterator[str]:
    """The text with every line break as LF."""
    held = ""
    for chunk in chunks:
        text = held + chunk
        held = "\r" if text.endswith("\r") else ""
        text = text[: len(text) - len(held)]
        if text:
            yield text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    if held:
        yield "\n"


EXTRACTOR = Dump()
