"""DuckDB database files: the rows of their tables, nested columns by path, and the text of their schema.

Opened read-only, without access to any other file or to extensions. Views are never run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, BinaryIO

from piiscan.errors import Encrypted, LimitReached, Malformed, ObjectError, UnsupportedFormat
from piiscan.extract import Job
from piiscan.extract.filepath import path_of
from piiscan.extract.leaves import BATCH, columns
from piiscan.extract.pieces import Pieces
from piiscan.extract.sqlite import quoted
from piiscan.model import Segment, TextSegment

MEDIA_TYPES = frozenset({"application/x-duckdb"})

_SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": "256MB",
    "threads": "1",
    "temp_directory": "",
    "lock_configuration": "true",
}


class DuckFile:
    """The extractor of DuckDB databases."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The schema as text, then the columns of each table; rows count from 1 in the order in which they are stored.

        Raises: Malformed, Encrypted, UnsupportedFormat (a newer storage version), LimitReached.
        """
        import duckdb

        with path_of(stream, job) as path:
            try:
                connection = duckdb.connect(path, read_only=True, config=dict(_SETTINGS))
            except duckdb.Error as err:
                raise _refused(err) from None
            with closing(connection):
                yield from _read(connection, job)


def _refused(err: Exception) -> ObjectError:
    """Why a database could not be opened; its message is looked at and never shown."""
    text = str(err).lower()
    if "encrypt" in text:
        return Encrypted("an encrypted DuckDB database: no rows read")
    if "version" in text:
        return UnsupportedFormat("a DuckDB database of a storage version that this DuckDB does not read")
    return Malformed(f"the DuckDB database is damaged or not readable ({type(err).__name__})")


def _read(connection: Any, job: Job) -> Iterator[Segment]:
    import duckdb

    try:
        tables = connection.execute(
            "SELECT database_name, schema_name, table_name, sql FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        others = connection.execute(
            "SELECT sql FROM duckdb_views() WHERE NOT internal UNION ALL "
            "SELECT coalesce(macro_definition, '') FROM duckdb_functions() WHERE NOT internal"
        ).fetchall()
    except duckdb.Error as err:
        raise Malformed(f"the schema of the DuckDB database cannot be read ({type(err).__name__})") from None
    pieces = Pieces(prose=False)
    for _, schema, name, sql in tables:
        yield from pieces.add(sql or "", replace(job.place, part="schema", table=shown(schema, name)))
    for (sql,) in others:
        yield from pieces.add(sql or "", replace(job.place, part="schema"))
    yield from pieces.flush()
    broken = 0
    for database, schema, name, _ in tables:
        source = ".".join(map(quoted, (database, schema, name)))
        row = 0
        try:
            result = connection.sql(f"SELECT * FROM {source}")  # noqa: S608 - quoted names
            batches = getattr(result, "to_arrow_reader", None) or result.fetch_record_batch
            for batch in batches(BATCH):
                job.budget.spend(batch.nbytes)
                for segment in columns(batch, row + 1, job):
                    yield in_table(segment, shown(schema, name), job)
                row += batch.num_rows
        except duckdb.OutOfMemoryException as err:
            raise LimitReached("a table needs more memory than there is", reason="MEMORY_LIMIT") from err
        except (duckdb.Error, OSError, ValueError):
            broken += 1
    if broken:
        job.note("MALFORMED_FILE", f"{broken} of {len(tables)} tables could not be read whole")


def shown(schema: str, table: str) -> str:
    """How a table is named in places.

    >>> shown("main", "people"), shown("hr", "people")
    ('people', 'hr.people')
    """
    return table if schema == "main" else f"{schema}.{table}"


def in_table(segment: Segment, table: str, job: Job) -> Segment:
    """A segment of a column with its table; those of documents in the column have their member chain."""
    if isinstance(segment, TextSegment):
        if any(place.member != job.place.member for place in segment.places):
            return segment
        return replace(segment, places=tuple(replace(place, table=table) for place in segment.places))
    if segment.base.member != job.place.member:
        return segment
    return replace(segment, base=replace(segment.base, table=table))


EXTRACTOR = DuckFile()
