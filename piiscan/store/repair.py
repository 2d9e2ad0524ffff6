"""A damaged database put right: its log cut where the damage begins, or a whole copy put in the place of the file.

DuckDB has a checksum on each block of the file and on each entry of the log. What is damaged is moved aside, never
changed. What comes back is a state between two transactions, and a transaction holds objects together with all that
was found in them; so whatever was lost is not there at all, and the next scan reads it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from piiscan.errors import StoreError
from piiscan.store.duck import Damaged, explain, from_duckdb, open_for_reading, open_for_writing
from piiscan.store.retention import quoted
from piiscan.store.snapshot import snapshot_path

PEOPLES = (
    "triage", "suppressions", "former_prints", "baseline_values", "audit", "risk_weights", "exposures", "sensitivities",
    "jobs", "job_versions", "alert_rows", "alert_evaluations", "outbox", "key_changes",
    "posture_runs", "posture_checks", "posture_buckets", "posture_states", "posture_results", "posture_scores",
    "policy_packs", "policy_jobs", "policy_weights",
)  # fmt: skip
"""Tables that no scan brings back; they are taken out of a damaged file as far as they can be read."""


def unreadable(con: Any) -> dict[str, str]:
    """The tables that cannot be read from the first byte to the last, and why each."""
    found = {}
    for (table,) in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
        try:
            con.execute(f'SELECT bit_xor(hash(t)) FROM "{table}" t').fetchall()  # noqa: S608 - names of the schema
        except Exception as err:
            if not _of_damage(err):
                raise  # too little memory is no damage
            found[str(table)] = str(err).splitlines()[0][:120]
    return found


def _of_damage(err: Exception) -> bool:
    return from_duckdb(err) and isinstance(explain(err, Path()), Damaged)


def repair(path: Path, copy: Path | None = None) -> list[str]:
    """What was wrong and is right again, in sentences; nothing when the database and its log can be read whole.

    `copy`: a backup to put in the place of a damaged file; without one the newest copy beside it that is whole. Raises:
    StoreError when it is not damaged but locked, newer or not ours, or cannot be repaired; the file is as it was then.
    """
    with _told(path):
        return _repair(path, copy)


def _repair(path: Path, copy: Path | None) -> list[str]:
    log = path.with_name(path.name + ".wal")
    wrong = _wrong(path)
    if wrong is None:
        return []
    said: list[str] = []
    if wrong.log and log.exists():
        aside = _aside(log)
        try:
            said.append(_cut(path, log, aside, wrong))
        except BaseException:
            os.replace(aside, log)
            raise
        wrong = _wrong(path)
    if wrong is not None:
        said.append(_replaced(path, log, wrong, copy))
    con = open_for_writing(path)
    con.execute("CREATE OR REPLACE TABLE made_views AS FROM made_views")  # without a change the rest of a log stays
    con.execute("CHECKPOINT")
    con.close()
    _forget_shards(path)
    return said


def _wrong(path: Path) -> Damaged | None:
    """What is damaged; None when all can be read. Raises: StoreError for what is no damage."""
    try:
        con = open_for_reading(path)
    except Damaged as err:
        return err
    try:
        tables = unreadable(con)
    finally:
        con.close()
    return Damaged(f"{path}: damaged ({', '.join(tables)} cannot be read whole)") if tables else None


def _cut(path: Path, log: Path, aside: Path, wrong: Damaged) -> str:
    """Put back as much of the log as can be replayed: what was committed last in that is the state that comes back."""
    size = aside.stat().st_size
    kept, bad, at = 0, size, wrong.at
    # Where an entry breaks off the log just ends, so any beginning that holds no damage will do. Mostly DuckDB tells
    # where the damage is; of an entry whose length is damaged it does not.
    while bad - kept > 1:
        told = at is not None and kept < at < bad
        middle = at if at is not None and told else (kept + bad) // 2
        _copy_start(aside, log, middle)
        found = _wrong_log(path)
        if found is None:
            kept = middle
            if told:
                break
        else:
            bad, at = middle, found.at
    _copy_start(aside, log, kept)
    return (
        f"the log was damaged at byte {kept:,} of {size:,}; what was committed before that is back, "
        f"the damaged log is kept as {aside.name}"
    )


def _wrong_log(path: Path) -> Damaged | None:
    """What is wrong with the log; None when it can be replayed."""
    try:
        open_for_reading(path).close()
    except Damaged as err:
        return err if err.log else None
    return None


def _copy_start(source: Path, target: Path, size: int) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out, source.open("rb") as data:
        while size > 0 and (chunk := data.read(min(size, 1 << 24))):
            out.write(chunk)
            size -= len(chunk)
        out.flush()
        os.fsync(out.fileno())


def _replaced(path: Path, log: Path, wrong: Damaged, copy: Path | None) -> str:
    """Put a whole copy in the place of a file, or a new database when none is whole but some of the file is."""
    chosen = _whole(path, copy)
    if chosen is None and not _opens(path):
        raise Damaged(
            f"{wrong}; there is no whole snapshot or backup beside it: name one with --from FILE, or move the file "
            "away and scan again"
        )
    draft = path.with_name(path.name + ".repaired")
    if chosen is not None:
        _copy_start(chosen, draft, chosen.stat().st_size)
    else:
        draft.unlink(missing_ok=True)
    taken = _take_out(path, draft)
    aside = _aside(path)
    for other in (log, snapshot_path(path)):
        if other.exists() and other != chosen:
            _aside(other)
    os.replace(draft, path)
    if chosen is None:
        state = "no copy is whole, so its place has a new database: the next scan reads everything"
    else:
        when = datetime.fromtimestamp(chosen.stat().st_mtime, UTC)
        state = f"its place has {chosen.name} of {when:%Y-%m-%d %H:%M} UTC"
    rows = f"; what people said is out of the damaged file ({', '.join(taken)})" if taken else ""
    return f"the file was damaged and is kept as {aside.name}; {state}{rows}"


def _whole(path: Path, copy: Path | None) -> Path | None:
    """The newest copy that can be read whole. Raises: StoreError when the one that was named is none."""
    if copy is not None:
        wrong = _wrong(copy)
        if wrong is not None:
            raise wrong
        return copy
    beside = [snapshot_path(path), *path.parent.glob(f"{path.name}.bak-*")]
    for one in sorted((c for c in beside if c.is_file()), key=lambda c: c.stat().st_mtime, reverse=True):
        try:
            if _wrong(one) is None:
                return one
        except StoreError:
            continue
    return None


def _opens(path: Path) -> bool:
    try:
        open_for_reading(path).close()
    except StoreError:
        return False
    return True


def _take_out(path: Path, draft: Path) -> list[str]:
    """Give a draft the rows of a damaged file that no scan brings back; the tables of which that was possible."""
    if not _opens(path):
        return []
    made = not draft.exists()
    con = open_for_writing(draft)
    taken = []
    try:
        con.execute(f"ATTACH '{quoted(path)}' AS damaged (READ_ONLY)")
        if not made and _rows(con, "damaged", "meta") != _rows(con, "main", "meta"):
            return []  # another key: what is said of values there is not said of these
        for table in ("meta", *PEOPLES) if made else PEOPLES:
            if _rows(con, "damaged", table) is not None:
                taken.append(table)
                _take(con, table)
        con.execute("DETACH damaged")
        con.execute("CHECKPOINT")
    finally:
        con.close()
        for left in draft.parent.glob(f"{draft.name}.bak-*"):  # of the schema that the copy had
            left.unlink()
    return [table for table in taken if table != "meta"]


def _rows(con: Any, database: str, table: str) -> int | None:
    """A digest of the rows of a table; None when they cannot be read."""
    try:
        return int(con.execute(f'SELECT coalesce(bit_xor(hash(t)), 0) FROM {database}."{table}" t').fetchall()[0][0])  # noqa: S608
    except Exception as err:
        if not _of_damage(err):
            raise
        return None


def _take(con: Any, table: str) -> None:
    known = "SELECT column_name FROM duckdb_columns() WHERE database_name {} 'damaged' AND table_name = ?"
    ours = {name for (name,) in con.execute(known.format("<>"), [table]).fetchall()}
    both = [f'"{name}"' for (name,) in con.execute(known.format("="), [table]).fetchall() if name in ours]
    columns = ", ".join(both)
    con.execute("BEGIN")
    con.execute(f'DELETE FROM main."{table}"')  # noqa: S608 - names of ours
    con.execute(f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM damaged."{table}"')  # noqa: S608
    con.execute("COMMIT")


def _aside(file: Path) -> Path:
    """A file under another name, beside where it was."""
    stamp = f"{file.name}.damaged-{int(time.time())}"
    for number in range(1_000):
        aside = file.with_name(f"{stamp}-{number}" if number else stamp)
        if not aside.exists():
            file.rename(aside)
            return aside
    raise StoreError(f"{file}: there are too many damaged files beside it")


def _forget_shards(path: Path) -> None:
    """What workers wrote for runs that the database may no longer know: it is read again."""
    shutil.rmtree(path.with_name(path.name + ".spool"), ignore_errors=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise StoreError(f"{path}: cannot be repaired here ({err.strerror})") from None
    except Exception as err:
        if not from_duckdb(err):
            raise
        raise explain(err, path) from None
