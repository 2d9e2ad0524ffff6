"""`piiscan db info|migrate|check|backup|snapshot|repair|rotate-key|vacuum`: upkeep of the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from piiscan.cli.options import Db, database, writing

KeyFile = Annotated[str, typer.Option("--key-file", metavar="FILE", help="Key of the database.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Upkeep of the database.", no_args_is_help=True)
    for function in (info, migrate, check, backup, snapshot, repair, rotate_key, vacuum):
        group.command(function.__name__.replace("_", "-"))(function)
    app.add_typer(group, name="db")


def info(db: Db = "") -> int:
    """Print what is in the database as JSON."""
    from piiscan.store.duck import schema_version
    from piiscan.store.rotation import former_keys
    from piiscan.store.snapshot import open_newest, say_age

    path = database(db)
    con, age = open_newest(path)
    say_age(age)
    tables = ("runs", "objects", "findings", "occurrences", "value_index")
    counts = {t: con.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0] for t in tables}  # noqa: S608
    key = con.execute("SELECT value FROM meta WHERE name = 'key_id'").fetchall()
    former = former_keys(con)
    print(
        json.dumps(
            {
                "database": str(path),
                "bytes": path.stat().st_size,
                "schema": schema_version(con),
                "key": key[0][0] if key else None,
                **({"objects_of_former_keys": former} if former else {}),
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
    from piiscan.store.repair import unreadable
    from piiscan.store.snapshot import open_newest

    con, _ = open_newest(database(db))
    damaged = unreadable(con)
    for table, why in damaged.items():
        print(f"BAD  {table} cannot be read whole, see `piiscan db repair`: {why}")
    if damaged:
        con.close()
        return 5
    print("ok   every table can be read whole")
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
    """Copy the database, with all that is committed, to FILE, and read the copy once."""
    from piiscan.errors import ConfigError, StoreError
    from piiscan.store.duck import copy_database, open_for_reading, open_for_writing
    from piiscan.store.repair import unreadable

    path = database(db)
    if not path.exists():
        raise StoreError(f"{path}: no such database")
    if Path(target).exists() and Path(target).samefile(path):
        raise ConfigError(f"{target}: this is the database itself; name another file")
    con = open_for_writing(path)
    con.execute("CHECKPOINT")
    copy_database(path, Path(target))
    con.close()
    copy = open_for_reading(Path(target))
    damaged = unreadable(copy)
    copy.close()
    if damaged:
        raise StoreError(f"{target}: the copy cannot be read whole ({', '.join(damaged)}); see `piiscan db repair`")
    print(f"{target}: {Path(target).stat().st_size:,} bytes; keep the key file as well")
    return 0


def snapshot(db: Db = "", key_file: KeyFile = "") -> int:
    """Publish a copy for readers beside the database."""
    from piiscan.store.snapshot import publish

    with writing(database(db), key_file) as store:
        print(publish(store))
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
    key_file: KeyFile = "",
) -> int:
    """Drop the past that is not to be kept, and make the file as small as what it holds."""
    from piiscan.store import retention

    path = database(db)
    with writing(path, key_file) as store:
        run = retention.horizon(store, keep_runs, keep_days)
        dropped = retention.forget(store, run) if run else 0
    before, after = retention.vacuum(path)
    print(f"{path}: {dropped:,} rows of objects and findings dropped; {before:,} bytes before, {after:,} now")
    return 0


def repair(
    db: Db = "",
    copy: Annotated[
        str, typer.Option("--from", metavar="FILE", help="A backup; default: the newest copy beside it that is whole.")
    ] = "",
) -> int:
    """Bring back what a damaged database still holds; what is damaged is put aside, and read again by the next scan."""
    from piiscan.errors import StoreError
    from piiscan.store.repair import repair

    path = database(db)
    if not path.exists():
        raise StoreError(f"{path}: no such database")
    said = repair(path, Path(copy) if copy else None)
    for sentence in said:
        print(f"{path}: {sentence}")
    print(f"{path}: opens again; run the last scan again, which reads what is missing" if said else f"{path}: is whole")
    return 0


def rotate_key(
    db: Db = "",
    new_key_file: Annotated[
        str,
        typer.Option("--new-key-file", metavar="FILE", help="The new key; made when missing. Default: beside others."),
    ] = "",
) -> int:
    """Give the database another key; the objects are read again, and what was said of their values goes over."""
    import getpass

    from piiscan.store.rotation import rotate
    from piiscan.store.snapshot import publish

    path, file = database(db), Path(new_key_file) if new_key_file else None
    done = rotate(path, file, getpass.getuser())
    with writing(path, new_key_file) as store:
        publish(store)  # a reader of the old one would ask for the old key
    print(
        f"{path}: the key is {done.new} now; it was {done.old}\n"
        f"{done.objects:,} objects are read again by your next scans, since their fingerprints are of the old key\n"
        f"{done.unverified:,} suppressions are unverified until then (piiscan triage ls); with the old key at hand, "
        "`piiscan find` also looks in what is not read again yet"
    )
    return 0
