"""How long the past is kept, and the file made as small as what it holds."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piiscan.errors import StoreError
from piiscan.store.duck import explain, open_for_writing, unbroken

if TYPE_CHECKING:
    from piiscan.store.ingest import DuckStore

_OF_OBJECTS = (
    "occurrences", "value_index", "allowed", "unread", "evidence", "sketches", "table_columns", "combinations",
)  # fmt: skip
"""Tables whose rows belong to an object of a run."""


def horizon(store: DuckStore, keep_runs: int | None, keep_days: float | None, now: datetime | None = None) -> int:
    """The run before which no state is kept: those of the last `keep_runs` runs, and of `keep_days` days, stay.

    0 when all of the past stays.
    """
    ended = "SELECT run, ended FROM runs WHERE status IN ('done', 'cancelled') ORDER BY run DESC"
    rows = store.query(ended)
    limits: list[int] = []
    if keep_runs is not None:
        limits.append(int(rows[keep_runs - 1][0]) if 0 < keep_runs <= len(rows) else 0)
    if keep_days is not None:
        since = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None) - timedelta(days=keep_days)
        old = [int(run) for run, end in rows if end is not None and end < since]
        limits.append(old[0] if old else 0)
    return min(limits, default=0)


def forget(store: DuckStore, run: int) -> int:
    """Drop what was replaced, or found gone, up to a run: the state at the end of that run, and of later ones, stays.

    How many rows of objects and findings. Raises: StoreError.
    """
    gone = "superseded IS NOT NULL AND superseded <= ?"
    with store.transaction():
        count = sum(
            int(store.query(f"SELECT count(*) FROM {table} WHERE {gone}", [run])[0][0])  # noqa: S608 - ours
            for table in ("objects", "findings")
        )
        store.query(f"CREATE OR REPLACE TEMP TABLE past AS SELECT oid, run FROM objects WHERE {gone}", [run])  # noqa: S608
        for table in _OF_OBJECTS:
            store.query(f"DELETE FROM {table} WHERE (oid, run) IN (SELECT oid, run FROM past)")  # noqa: S608
        for table in ("findings", "objects"):
            store.query(f"DELETE FROM {table} WHERE {gone}", [run])  # noqa: S608
    return count


@unbroken()
def vacuum(path: Path) -> tuple[int, int]:
    """Write the database into a new file, which takes the old one's place at once; bytes before and after.

    Nobody may have it open. Raises: StoreError; the old file is as it was then.
    """
    import duckdb

    draft = path.with_name(path.name + ".vacuum")
    before = path.stat().st_size
    _remove(draft)
    try:
        con = open_for_writing(draft)
        try:
            con.execute(f"ATTACH '{quoted(path)}' AS old")
            for table in _tables(con):
                con.execute(f'DELETE FROM main."{table}"')  # noqa: S608
                columns = ", ".join(f'"{name}"' for name in _columns(con, table))
                con.execute(f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM old."{table}"')  # noqa: S608
            con.execute("DETACH old")
            con.execute("CHECKPOINT")
        finally:
            con.close()
        os.replace(draft, path)
    except (duckdb.Error, OSError) as err:
        _remove(draft)
        raise (explain(err, path) if isinstance(err, duckdb.Error) else StoreError(f"{path}: {err.strerror}")) from None
    _remove(path.with_name(path.name + ".wal"))
    return before, path.stat().st_size


def quoted(path: Path) -> str:
    """A path as it stands within quotes in SQL."""
    return str(path).replace("'", "''")


def _tables(con: Any) -> list[str]:
    rows = con.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name <> 'old' AND NOT temporary ORDER BY table_name"
    ).fetchall()
    return [str(name) for (name,) in rows]


def _columns(con: Any, table: str) -> list[str]:
    rows = con.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = 'old' AND table_name = ? ORDER BY column_index",
        [table],
    ).fetchall()
    return [str(name) for (name,) in rows]


def _remove(path: Path) -> None:
    for file in (path, path.with_name(path.name + ".wal")):
        file.unlink(missing_ok=True)
