"""PostgreSQL's custom dumps (`pg_dump -Fc`): the rows of the tables, the schema as text, large objects as members.

Source: PostgreSQL, src/bin/pg_dump: the layouts that pg_backup_archiver.c (ReadHead, ReadToc) and pg_backup_custom.c
describe, versions 1.10 to 1.16 (PostgreSQL 8 to 18).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import BinaryIO, cast

from piiscan.errors import Malformed
from piiscan.extract import Job
from piiscan.extract.blobs import printable
from piiscan.extract.inflate import ERRORS, Decompressor, Inflate, stepwise
from piiscan.extract.pieces import Pieces
from piiscan.extract.rows import TableRows
from piiscan.extract.spooled import Pieces as Stream
from piiscan.extract.spooled import seekable
from piiscan.extract.sqltext import COPY, CREATE, copy_cells, created_columns, identifiers, plain_name
from piiscan.extract.text import Lines, physical_lines, windows
from piiscan.model import Segment

_CUSTOM, _DATA, _BLOBS = 1, 1, 3
_ENTRIES = 1_000_000
_STRING = 64 << 20
_CHUNK = 16 << 20
_PLAIN, _GZIP, _ZSTD = 0, 1, 3
_SCHEMA = "a dump in pg_dump's custom format whose contents cannot be read (for SQL: pg_restore -f dump.sql FILE)"
_ENCODING = re.compile(r"client_encoding\s*=\s*'([\w-]{1,20})'", re.I)
_CODECS = {"utf8": "utf-8", "sql_ascii": "utf-8", "latin1": "latin-1", "latin9": "iso8859-15"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the table of contents."""

    kind: str
    name: str
    schema: str
    definition: str
    copy: str


Columns = Mapping[str, tuple[str, ...]]
"""Names of columns by table, in lower case."""
Statements = Callable[[Iterator[str], Job, Columns], Iterator[Segment]]
"""Reads the rows of `INSERT` statements."""


def custom_segments(stream: BinaryIO, job: Job, statements: Statements) -> Iterator[Segment]:
    """The segments of a custom dump; a row's number counts the rows of its table from 1.

    What is in no known version gives its printable runs, and a note.
    """
    source = seekable(stream, job)
    reader = _Reader(source)
    try:
        entries = reader.contents()
    except (EOFError, Malformed):
        source.seek(0)
        yield from printable(source, job, "UNSUPPORTED_FILE_TYPE_EXCEPTION", _SCHEMA)
        return
    pieces = Pieces(prose=False)
    columns: dict[str, tuple[str, ...]] = {}
    for entry in entries.values():
        table = entry.name if entry.kind == "TABLE" else None
        if head := CREATE.match(entry.definition):
            columns[plain_name(head["table"]).lower()] = created_columns(entry.definition[head.end() :])
        yield from pieces.add(entry.definition, replace(job.place, part="schema", table=table))
    yield from pieces.flush()
    try:
        while (block := reader.block()) is not None:
            kind, number = block
            if kind == _BLOBS:
                while oid := reader.integer():
                    content = _unpacked(reader, job)
                    yield from job.nested(f"large object {oid}", cast(BinaryIO, Stream(content)))
                    for _ in content:
                        pass
            elif number in entries:
                entry = entries[number]
                if COPY.match(entry.copy.rstrip() + "\n"):
                    yield from _rows(entry, reader, job)
                else:
                    yield from statements(_text(reader, job), job, columns)
            else:
                for _ in reader.chunks():
                    pass
    except (EOFError, Malformed):
        job.note("MALFORMED_FILE", "the dump is damaged or breaks off; rows were read up to there")


def _unpacked(reader: _Reader, job: Job) -> Iterator[bytes]:
    """The bytes of one item, which is read to its end. Raises: EOFError, Malformed, LimitReached."""
    machine = _MACHINES[reader.packing]()
    chunks = reader.chunks()
    if machine is None:
        for chunk in chunks:
            job.budget.spend(len(chunk))
            yield chunk
        return
    first = next(chunks, b"")
    if not first:
        return
    try:
        yield from stepwise(chain((first,), chunks), machine, job.budget)
    except ERRORS:
        job.note("MALFORMED_FILE", "compressed rows are damaged or break off: read up to there")
    for _ in chunks:
        pass


def _text(reader: _Reader, job: Job) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(reader.charset)("replace")
    return (part for data in _unpacked(reader, job) if (part := decoder.decode(data)))


def _rows(entry: _Entry, reader: _Reader, job: Job) -> Iterator[Segment]:
    """The rows of a `COPY`."""
    lines = Lines(_text(reader, job))
    head = COPY.match(entry.copy.rstrip() + "\n")
    table = plain_name(head["table"]) if head else f"{entry.schema}.{entry.name}".strip(".")
    names = identifiers(head["columns"]) if head and head["columns"] else ()
    rows: TableRows | None = None
    number = 0
    while (block := lines.block()) is not None:
        if not block:
            # Too long to be held.
            yield from windows(
                lines.rest_of_line(), replace(job.place, table=table), flat=False, line=None, prose=False
            )
            continue
        for line in physical_lines(block):
            line = line.rstrip("\r\n")
            if line == "\\." or not line:
                continue
            cells = copy_cells(line)
            number += 1
            if rows is None or len(cells) > len(names):
                if rows is not None:
                    yield from rows.flush()
                names = (*names, *(f"column {n}" for n in range(len(names) + 1, len(cells) + 1)))
                rows = TableRows(table, names, job)
            yield from rows.add(number, cells)
    if rows is not None:
        yield from rows.flush()


class _Reader:
    """Reads a dump from its beginning to its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._width = self._offset = 4
        self.packing = _GZIP
        self.charset = "utf-8"

    def contents(self) -> dict[int, _Entry]:
        """The entries by their number. Raises: EOFError, Malformed."""
        head = self._bytes(10)
        version = (head[5], head[6])
        self._width, self._offset = head[8], head[9]
        if head[:5] != b"PGDMP" or not (1, 10) <= version <= (1, 16) or not 1 <= self._width <= 8 >= self._offset:
            raise Malformed("a dump of an unknown version")
        if self._bytes(1)[0] != _CUSTOM:
            raise Malformed("a dump of another form")
        if version >= (1, 15):
            self.packing = self._bytes(1)[0]
        else:
            self.packing = _GZIP if self.integer() else _PLAIN
        if self.packing not in _MACHINES:
            raise Malformed("a dump under an unknown compression")
        for _ in range(7):
            self.integer()
        for _ in range(3):
            self._text()
        entries: dict[int, _Entry] = {}
        for _ in range(min(self.integer(), _ENTRIES)):
            number = self.integer()
            self.integer()
            self._text()
            self._text()
            name, kind = self._text(), self._text()
            if version >= (1, 11):
                self.integer()
            definition, _, copy, schema = self._text(), self._text(), self._text(), self._text()
            self._text()
            if version >= (1, 14):
                self._text()
            if version >= (1, 16):
                self.integer()
            self._text()
            self._text()
            while self._string() is not None:
                pass
            self._bytes(1 + self._offset)
            entries[number] = _Entry(kind, name, schema, definition, copy)
            if kind == "ENCODING" and (found := _ENCODING.search(definition)):
                self._set_charset(found[1])
        return entries

    def _set_charset(self, name: str) -> None:
        name = _CODECS.get(name.lower(), name)
        try:
            self.charset = codecs.lookup(name).name
        except LookupError:
            self.charset = "utf-8"

    def block(self) -> tuple[int, int] | None:
        """Kind and entry of the next block of data, None at the end. Raises: EOFError, Malformed."""
        kind = self._stream.read(1)
        if not kind:
            return None
        if kind[0] not in (_DATA, _BLOBS):
            raise Malformed("a block of unknown kind")
        return kind[0], self.integer()

    def chunks(self) -> Iterator[bytes]:
        """The stored bytes of one item. Raises: EOFError, Malformed."""
        while size := self.integer():
            if not 0 < size <= _CHUNK:
                raise Malformed("a block of impossible size")
            yield self._bytes(size)

    def integer(self) -> int:
        """A sign and some bytes, the lowest first. Raises: EOFError."""
        data = self._bytes(1 + self._width)
        value = int.from_bytes(data[1:], "little")
        return -value if data[0] else value

    def _string(self) -> bytes | None:
        size = self.integer()
        if size > _STRING:
            raise Malformed("a text of impossible size")
        return self._bytes(size) if size >= 0 else None

    def _text(self) -> str:
        return (self._string() or b"").decode("utf-8", "replace")

    def _bytes(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise EOFError
        return data


def _zstd() -> Decompressor:
    from piiscan.extract.compressed import Zstd

    return Zstd()


_MACHINES: dict[int, Callable[[], Decompressor | None]] = {
    _PLAIN: lambda: None,
    _GZIP: lambda: Inflate(15),
    _ZSTD: _zstd,
}
"""By the number of the compression; LZ4 is not among them."""
