"""`piiscan db info|migrate|check|backup|snapshot|repair|vacuum`: upkeep of the database."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from piiscan.cli.options import Db, database


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Upkeep of the database.", no_args_is_help=True)
    for function in (info, migrate, check, backup, snapshot, repair, vacuum):
        group.command(function.__name__)(function)
    app.add_typer(group, name="db")


def info(db: Db = "") -> int:
    """Print what is in the database as JSON."""
    from piiscan.store.duck import schema_version
    from piiscan.store.snapshot import open_newest, say_age

    path = database(db)
    con, age = open_newest(path)
    say_age(age)
    tables = ("runs", "objects", "findings", "occurrences", "value_index")
    counts = {t: con.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0] for t in tables}  # noqa: S608
    key = con.execute("SELECT value FROM meta WHERE name = 'key_id'").fetchall()
    print(
        json.dumps(
            {
                "database": str(path),
                "bytes": path.stat().st_size,
                "schema": schema_version(con),
                "key": key[0][0] if key else None,
                "rows": counts,
            },
            indent=2,
        )
    )
    con.close()
    return 0


def migrate(db: Db = "") -> int:
    """Bring an older database up to date, after a backup."""
    from piiscan.errors import StoreError
    from piiscan.store.duck import open_for_reading, open_for_writing, schema_version

    path = database(db)
    if not path.exists():
        raise StoreError(f"{path}: no such database")
    con = open_for_reading(path)
    before = schema_version(con)
    con.close()
    con = open_for_writing(path)
    after = schema_version(con)
    con.close()
    print(f"{path}: schema {before} is current" if before == after else f"{path}: schema {before} is now {after}")
    return 0


def check(db: Db = "") -> int:
    """Read everything, and see whether the tables agree with each other."""
    from piiscan.store.snapshot import open_newest

    con, _ = open_newest(database(db))
    wrong = 0
    for what, sql in _CHECKS:
        count = con.execute(sql).fetchall()[0][0]
        wrong += bool(count)
        print(f"{'BAD' if count else 'ok '}  {what}{f': {count}' if count else ''}")
    con.close()
    return 5 if wrong else 0


_CHECKS = (
    (
        "every finding has its object",
        "SELECT count(*) FROM findings f ANTI JOIN objects o ON o.oid = f.oid AND o.run = f.run",
    ),
    (
        "every occurrence has its finding",
        "SELECT count(*) FROM occurrences c ANTI JOIN findings f ON f.finding = c.finding AND f.run = c.run",
    ),
    (
        "no object is there twice",
        "SELECT count(*) FROM (SELECT oid FROM objects WHERE superseded IS NULL GROUP BY oid HAVING count(*) > 1)",
    ),
    (
        "no finding is there twice",
        "SELECT count(*) FROM (SELECT finding FROM findings WHERE superseded IS NULL GROUP BY 1 HAVING count(*) > 1)",
    ),
    (
        "counts are not below what is kept",
        "SELECT count(*) FROM (SELECT f.count AS total, count(*) AS kept FROM findings f JOIN occurrences c "
        "ON c.finding = f.finding AND c.run = f.run GROUP BY f.finding, f.run, f.count) WHERE kept > total",
    ),
)


def backup(target: Annotated[str, typer.Argument(metavar="FILE")], db: Db = "") -> int:
    """Copy the database, with all that is committed, to FILE."""
    from piiscan.errors import StoreError
    from piiscan.store.duck import copy_database, open_for_writing

    path = database(db)
    if not path.exists():
        raise StoreError(f"{path}: no such database")
    con = open_for_writing(path)
    con.execute("CHECKPOINT")
    copy_database(path, Path(target))
    con.close()
    print(f"{target}: {Path(target).stat().st_size:,} bytes; keep the key file as well")
    return 0


def snapshot(db: Db = "") -> int:
    """Publish a copy for readers beside the database."""
    from piiscan.errors import StoreError
    from piiscan.store.ingest import DuckStore
    from piiscan.store.snapshot import publish

    path = database(db)
    if not path.exists():
        raise StoreError(f"{path}: no such database")
    store = DuckStore(path)
    print(publish(store))
    store.close()
    return 0


def vacuum(
    db: Db = "",
    keep_runs: Annotated[
        int | None,
        typer.Option("--keep-runs", metavar="N", min=1, help="Forget what was replaced before the last N runs."),
    ] = None,
    keep_days: Annotated[
        float | None,
        typer.Option("--keep-days", metavar="D", min=0, help="Forget what was replaced D days ago or earlier."),
    ] = None,
) -> int:
    """Drop the past that is not to be kept, and make the file as small as what it holds."""
    from piiscan.errors import StoreError
    from piiscan.store import retention
    from piiscan.store.ingest import DuckStore

    path = database(db)
    if not path.exists():
        raise StoreError(f"{path}: no such database")
    store = DuckStore(path)
    try:
        run = retention.horizon(store, keep_runs, keep_days)
        dropped = retention.forget(store, run) if run else 0
    finally:
        store.close()
    before, after = retention.vacuum(path)
    print(f"{path}: {dropped:,} rows of objects and findings dropped; {before:,} bytes before, {after:,} now")
    return 0


def repair(db: Db = "") -> int:
    """Put a damaged write-ahead log aside, so that what is in the file itself can be used again."""
    from piiscan.errors import StoreError
    from piiscan.store.duck import open_for_writing

    path = database(db)
    if not path.exists():
        raise StoreError(f"{path}: no such database")
    wal = path.with_name(path.name + ".wal")
    try:
        open_for_writing(path).close()
        print(f"{path}: opens; nothing to repair")
        return 0
    except StoreError as err:
        if not wal.exists() or "another process" in str(err):
            raise
    aside = wal.with_name(f"{wal.name}.damaged-{int(time.time())}")
    wal.rename(aside)
    open_for_writing(path).close()
    print(f"{path}: opens again; the damaged log is kept as {aside.name}. Run the last scan again to fill what it held")
    return 0
