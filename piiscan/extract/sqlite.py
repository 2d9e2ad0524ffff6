"""SQLite databases: the rows of their tables, and the text of their schema.

The file is opened read-only and as one that never changes, so that nothing is written beside it; views and triggers
are never run, since a view may never end, and no function of the schema is trusted.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import BinaryIO
from urllib.parse import quote

from piiscan.errors import LimitReached, Malformed
from piiscan.extract import Job
from piiscan.extract.blobs import printable
from piiscan.extract.filepath import path_of
from piiscan.extract.pieces import Pieces
from piiscan.extract.rows import TableRows
from piiscan.extract.sqlite_pages import Pages
from piiscan.model import Segment

MEDIA_TYPES = frozenset({"application/vnd.sqlite3"})

_BROKEN = (sqlite3.Error, UnicodeDecodeError, OverflowError)
"""What the library raises on a damaged file; an error's own text may not be UTF-8."""
_SETTINGS = ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON", "mmap_size=0", "cache_size=-8192")
_PATIENCE = 20.0
"""Seconds that SQLite may take to find the next row; longer is a loop in the file."""
_LONGEST = 64 << 20
"""Bytes of a row that is put together from damaged pages."""
_STEPS = 100_000
"""Instructions between two looks at the clock."""
_TABLES = 100_000
_MOST = 1 << 62
_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.I)
_ROWID = ("rowid", "_rowid_", "oid")
_HIDDEN, _GENERATED = 1, 2
"""Kinds of columns that are not stored. Source: SQLite, "PRAGMA table_xinfo"."""


class Sqlite:
    """The extractor of SQLite databases."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The schema as text, then the columns of each table; a row's number is its rowid.

        Rows of tables WITHOUT ROWID count from 1 in the order of the primary key. Raises: Malformed, LimitReached.
        """
        with path_of(stream, job, linked=True) as path:
            connection = _opened(path, job)
            with open(path, "rb") as file:
                if connection is None:
                    yield from _salvaged(file, [], job)
                    return
                with closing(connection):
                    reader = _Reader(connection, job)
                    yield from reader.read()
                if reader.gaps:
                    yield from _salvaged(file, reader.gaps, job)


def _opened(path: str, job: Job) -> sqlite3.Connection | None:
    """A connection whose schema can be read, None when it cannot."""
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True, isolation_level=None)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(job.limits.part_bytes, 1_000_000_000))
    for setting in ("OFF", "ON"):
        try:
            # A file shorter than its header says, or a schema with an error in it, opens with it all the same.
            connection.execute(f"PRAGMA writable_schema={setting}")
            for other in _SETTINGS:
                connection.execute(f"PRAGMA {other}")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except _BROKEN:
            continue
        if setting == "ON":
            job.note("MALFORMED_FILE", "a damaged SQLite database; what can be read was read")
        return connection
    connection.close()
    return None


def quoted(name: str) -> str:
    """An identifier of SQL.

    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    rowid: str
    """The name under which the rowid can be asked for; "" where there is none."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """Rows of a table that could not be reached: those with a rowid between two others."""

    table: _Table
    below: int
    above: int


def _salvaged(file: BinaryIO, gaps: list[_Gap], job: Job) -> Iterator[Segment]:
    """The missing rows from the pages themselves; without gaps all rows, of which the table is not known."""
    pages = Pages(file, min(job.limits.part_bytes, _LONGEST))
    tables: dict[str, TableRows] = {}
    found = 0
    for rowid, values in pages.rows():
        if gaps:
            fitting = [g for g in gaps if g.below < rowid < g.above and len(values) <= len(g.table.columns)]
            if not fitting:
                continue
            # A row is shorter than its table where a column was added later.
            table = max(fitting, key=lambda g: len(g.table.columns) == len(values)).table
            name, columns = table.name, table.columns
        else:
            name, columns = "", tuple(f"column {n}" for n in range(1, len(values) + 1))
        key = name or str(len(values))
        if key not in tables:
            tables[key] = TableRows(name, columns, job)
        found += 1
        yield from tables[key].add(rowid if 0 <= rowid < _MOST else found, values)
    for rows in tables.values():
        yield from rows.flush()
    if not gaps and not found:
        file.seek(0)
        yield from printable(file, job, "MALFORMED_FILE", "the SQLite database cannot be opened")
    elif not gaps:
        job.note("MALFORMED_FILE", "the SQLite database cannot be opened: rows were read without their tables' names")


class _Reader:
    """Reads one database."""

    def __init__(self, connection: sqlite3.Connection, job: Job) -> None:
        self._connection, self._job = connection, job
        self._until = 0.0
        self.gaps: list[_Gap] = []
        connection.set_progress_handler(lambda: monotonic() > self._until, _STEPS)

    def read(self) -> Iterator[Segment]:
        self._wait()
        try:
            schema = self._connection.execute(
                "SELECT type, name, sql FROM sqlite_master LIMIT ?", (_TABLES,)
            ).fetchall()
        except _BROKEN:
            raise Malformed("the schema of the SQLite database cannot be read") from None
        pieces = Pieces(prose=False)
        for kind, name, sql in schema:
            if isinstance(sql, str) and isinstance(name, str):
                where = replace(self._job.place, part="schema", table=name if kind == "table" else None)
                yield from pieces.add(sql, where)
        yield from pieces.flush()
        names = [
            name
            for kind, name, sql in schema
            if kind == "table" and isinstance(name, str) and isinstance(sql, str) and not _VIRTUAL.match(sql)
        ]
        broken = []
        for name in names:
            whole = yield from self._table(name)
            if not whole:
                broken.append(name)
        if broken:
            self._job.note("MALFORMED_FILE", f"{len(broken)} of {len(names)} tables could not be read whole")

    def _wait(self) -> None:
        self._until = monotonic() + _PATIENCE

    def _table(self, name: str) -> Generator[Segment, None, bool]:
        """The segments of one table, from both ends where its middle is damaged; whether all was read."""
        self._wait()
        try:
            table = self._described(name)
        except _BROKEN:
            return False
        if not table.columns:
            return True
        rows = TableRows(name, table.columns, self._job)
        last, error = yield from self._rows(table, rows, "")
        if error is not None and table.rowid:
            yield from rows.flush()
            after = f" WHERE {table.rowid} > {last} ORDER BY {table.rowid} DESC"
            high, _ = yield from self._rows(table, rows, after)
            self.gaps.append(_Gap(table, last, high if high > last else _MOST))
        yield from rows.flush()
        return error is None

    def _described(self, name: str) -> _Table:
        info = self._connection.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall()
        columns = tuple(str(row[1]) for row in info if row[6] not in (_HIDDEN, _GENERATED))
        taken = {str(row[1]).lower() for row in info}
        for rowid in _ROWID:
            if rowid in taken:
                continue
            with suppress(*_BROKEN):
                self._connection.execute(f"SELECT {rowid} FROM {quoted(name)} LIMIT 0")  # noqa: S608 - a quoted name
                return _Table(name, columns, rowid)
        return _Table(name, columns, "")

    def _rows(
        self, table: _Table, rows: TableRows, rest: str
    ) -> Generator[Segment, None, tuple[int, Exception | None]]:
        """The rows of a query over a table; the last rowid that came, and what ended it."""
        wanted = ", ".join([table.rowid or "NULL", *map(quoted, table.columns)])
        last, count = -_MOST, 0
        try:
            sql = f"SELECT {wanted} FROM {quoted(table.name)}{rest}"  # noqa: S608 - quoted names, and a number
            cursor = self._connection.execute(sql)
            while True:
                self._wait()
                row = cursor.fetchone()
                if row is None:
                    return last, None
                count += 1
                number = row[0] if isinstance(row[0], int) else count
                last = number
                yield from rows.add(number if 0 <= number < _MOST else count, row[1:])
        except _BROKEN as err:
            return last, err
        except MemoryError:
            raise LimitReached("a row needs more memory than there is", reason="MEMORY_LIMIT") from None


EXTRACTOR = Sqlite()
