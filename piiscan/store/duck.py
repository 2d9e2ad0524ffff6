"""Opening the database: settings, locks, versions, migrations, and DuckDB's errors in our words.

Files are written in the 1.5 storage format so that both DuckDB series read them; extensions are never fetched.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piiscan.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STORAGE = "v1.5.0"
PATIENCE = 1.0
"""Seconds that a writer waits for others to close the database: who reads it, reads for a moment."""
MEMORY = "PIISCAN_MEMORY"
"""The variable that says how much memory DuckDB may take, in place of what each command allows it."""
_SIZE = re.compile(r"\d+(?:\.\d+)? ?(?:[KMGT]i?B)", re.IGNORECASE | re.ASCII)
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")


_FULL = ("No space left", "isk is full", "File too large", "isk quota exceeded")
_LOG = ("orrupt", "replay", "checkpoint iteration")
_FROM_FILE = ("Corrupt", "IO Error", "FATAL Error", "INTERNAL Error", "TransactionContext Error", "Serialization Error")
"""How errors begin that are not about a question: one of those may quote any word."""
_DAMAGED = ("not a valid DuckDB database file", "orrupt", "Could not read enough bytes")


@contextmanager
def unbroken() -> Iterator[None]:
    """A block that Ctrl-C does not break in two: the interrupt is raised at its end.

    DuckDB would make it a RuntimeError in the middle of a statement, and leave a transaction open.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


_QUIET = "SET enable_progress_bar = false"
"""A query of more than two seconds would draw a bar on standard output, terminal or not."""


def settings(*, memory: str = "", threads: int = 0) -> dict[str, Any]:
    """Configuration for every connection: no downloads, no unsigned extensions."""
    out: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    memory = os.environ.get(MEMORY) or memory
    if memory and not _SIZE.fullmatch(memory):
        raise ConfigError(f"{MEMORY}: {memory[:40]!r} is no size, such as 4GB or 512MB")
    if memory:
        out["memory_limit"] = memory
    if threads:
        out["threads"] = str(threads)
    return out


def migrations() -> list[tuple[int, str]]:
    """(number, SQL) of every migration, ascending."""
    out = []
    for item in (files("piiscan.store") / "migrations").iterdir():
        found = _MIGRATION.fullmatch(item.name)
        if found:
            out.append((int(found[1]), item.read_text(encoding="utf-8")))
    return sorted(out)


def views() -> list[str]:
    """The SQL of the views, in the order in which they build on each other: `views.sql`, then each `views_*.sql`."""
    found = {item.name: item for item in files("piiscan.store").iterdir() if re.fullmatch(r"views\w*\.sql", item.name)}
    return [found[name].read_text(encoding="utf-8") for name in sorted(found)]


def latest_version() -> int:
    """The schema that this program writes."""
    return migrations()[-1][0]


class Damaged(StoreError):
    """The file, or its log, is not what was written; `db repair` may help."""

    def __init__(self, message: str, *, log: bool = False, at: int | None = None) -> None:
        super().__init__(message)
        self.log = log
        """Whether it is the log only."""
        self.at = at
        """Where in the log what is damaged begins, in bytes, when that is known."""


class Held(StoreError):
    """Another process has the database open."""


def from_duckdb(err: BaseException) -> bool:
    """Whether an error is one of DuckDB's, whose library need not be imported to know it."""
    return type(err).__module__ in ("duckdb", "_duckdb")


def explain(err: Exception, path: Path) -> StoreError:
    """A DuckDB error as one sentence of ours: locked, newer, damaged, full."""
    text = str(err)
    if "Could not set lock" in text or "Conflicting lock" in text or "being used by another process" in text:
        owner = re.search(r"PID (\d+)", text)
        who = f" (process {owner[1]})" if owner else ""
        return Held(f"{path}: another process{who} is writing to this database; wait for it or use another --db")
    if "newer version" in text or "was created with" in text or "storage version" in text.lower():
        return StoreError(f"{path}: written by a newer DuckDB; update the duckdb package")
    if any(said in text for said in _FULL):
        return StoreError(f"{path}: the disk is full; what was committed is safe, free some space and run again")
    if "WAL" in text and any(said in text for said in _LOG):
        at = re.search(r"byte position (\d+)", text)
        said = f"{path}: the write-ahead log is damaged; run: piiscan db repair --db {path}"
        return Damaged(said, log=True, at=int(at[1]) if at else None)
    if "ermission denied" in text or "Read-only" in text or "read-only" in text:
        return StoreError(f"{path}: the database cannot be written (permission denied or read-only)")
    first = text.splitlines()[0] if text else type(err).__name__
    if text.startswith(_FROM_FILE) and any(said in text for said in _DAMAGED):
        return Damaged(f"{path}: not a readable database, see `piiscan db repair` ({first[:160]})")
    return StoreError(f"{path}: {first[:200]}")


def signature(path: Path) -> tuple[object, ...]:
    """What changes when a database does: inode, size and time of its files. Raises: StoreError without a database."""
    out: list[object] = []
    for file in (path, path.with_name(path.name + ".wal")):
        try:
            status = file.stat()
        except FileNotFoundError:
            if file == path:
                raise StoreError(f"{path}: no such database; scan or add a job first, or name one with --db") from None
            out.append(None)
        else:
            out += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(out)


@lru_cache(maxsize=64)
def _kept_open(path: str, inode: int) -> int:
    """A descriptor of a database file that is never closed; see `copy_database`."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))


def copy_database(path: Path, target: Path) -> None:
    """Copy the file of a database that this process may have open; the copy is private to the user. Raises: OSError.

    When a process closes any descriptor of a file, POSIX takes all its locks on that file away, DuckDB's included, and
    a second writer could come in. So the descriptor that is read here stays open. Source: fcntl(2), "Record locks".
    """
    source = _kept_open(os.path.abspath(path), path.stat().st_ino)
    out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(out, "wb") as copy:
        at = _cloned(source, copy.fileno(), os.fstat(source).st_size)
        copy.seek(at)
        while chunk := os.pread(source, 1 << 24, at):
            copy.write(chunk)
            at += len(chunk)


def _cloned(source: int, target: int, size: int) -> int:
    """How many bytes the kernel copied, by sharing them where the file system can; the rest is left to be written.

    Source: copy_file_range(2).
    """
    at = 0
    try:
        while at < size and (count := os.copy_file_range(source, target, size - at, at, at)):
            at += count
    except (AttributeError, OSError):
        pass  # not on this system, or not between these files
    return at


@unbroken()
def open_for_writing(path: Path) -> DuckDBPyConnection:
    """The database, made or migrated as needed; the file is private to the user. Raises: StoreError."""
    import duckdb

    made = not path.exists()
    end = time.monotonic() + PATIENCE
    while True:
        try:
            con = _connect(path)
            break
        except (duckdb.Error, OSError) as err:
            told = explain(err, path)
            if not isinstance(told, Held) or time.monotonic() > end:
                raise told from None
            time.sleep(0.05)
    try:
        if made:
            os.chmod(path, 0o600)
        con.execute(_QUIET)
        migrate(con, path)
        _make_views(con)
    except duckdb.Error as err:
        con.close()
        raise explain(err, path) from None
    except StoreError:
        con.close()
        raise
    return con


def _make_views(con: Any) -> None:
    """Make the views anew when they are other ones than ours: that takes a fifth of a second."""
    import duckdb

    wanted = views()
    digest = hashlib.blake2b("\n".join(wanted).encode(), digest_size=16).hexdigest()
    try:
        if con.execute("SELECT digest, there FROM made_views").fetchall() == [(digest, _views_there(con))]:
            return
    except duckdb.CatalogException:
        pass  # never made, or by an earlier program
    con.execute("BEGIN")
    for statements in wanted:
        con.execute(statements)
    rows = [digest, _views_there(con)]
    con.execute("CREATE OR REPLACE TABLE made_views AS SELECT ?::VARCHAR AS digest, ?::VARCHAR AS there", rows)
    con.execute("COMMIT")


def _views_there(con: Any) -> str:
    """A digest of the views as they are: somebody may have made others under their names."""
    text = "SELECT md5(string_agg(view_name || sql, '' ORDER BY view_name)) FROM duckdb_views() WHERE NOT internal"
    return str(con.execute(text).fetchall()[0][0])


def _connect(path: Path) -> DuckDBPyConnection:
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    old = os.umask(0o077)
    try:
        return duckdb.connect(str(path), config={**settings(), "storage_compatibility_version": STORAGE})
    finally:
        os.umask(old)


def open_for_reading(path: Path, *, locked_down: bool = False, memory: str = "", threads: int = 0) -> Any:
    """A read-only connection. Raises: StoreError.

    `locked_down`: no file, no network, no change of settings can be reached from SQL any more.
    """
    import duckdb

    if not path.exists():
        raise StoreError(f"{path}: no such database; run a scan first or name one with --db")
    try:
        con = duckdb.connect(str(path), read_only=True, config=settings(memory=memory, threads=threads))
    except duckdb.Error as err:
        raise explain(err, path) from None
    check_version(con, path)
    con.execute(_QUIET)
    if locked_down:
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
    return con


def schema_version(con: Any) -> int:
    """The schema of an open database; 0 when it is empty, -1 when it is somebody else's."""
    tables = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not {"schema_version", "meta"} <= tables:
        return -1 if tables else 0
    rows = con.execute("SELECT max(version) FROM schema_version").fetchall()  # a result left open blocks the connection
    return int(rows[0][0] or 0)


def check_version(con: Any, path: Path) -> int:
    """The schema version. Raises: StoreError when it is newer than this program or foreign."""
    found = schema_version(con)
    if found < 0:
        con.close()
        raise StoreError(f"{path}: this is a DuckDB file, but not one of piiscan's")
    if found > latest_version():
        con.close()
        raise StoreError(f"{path}: written by a newer piiscan (schema {found}, this one knows {latest_version()})")
    return found


def migrate(con: Any, path: Path) -> list[int]:
    """Bring the schema up to date, each step in one transaction, after a backup; the steps taken.

    Raises: StoreError, duckdb.Error.
    """
    from piiscan import __version__

    found = check_version(con, path)
    steps = [(number, sql) for number, sql in migrations() if number > found]
    if not steps:
        return []
    if found > 0:
        con.execute("CHECKPOINT")
        copy_database(path, path.with_name(f"{path.name}.bak-{found}"))
    for number, sql in steps:
        con.execute("BEGIN")
        try:
            con.execute(sql)
            if number == 1:
                con.execute(
                    "CREATE TABLE schema_version (version INTEGER, applied TIMESTAMP, tool_version VARCHAR);"
                    "CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)"
                )
            con.execute("INSERT INTO schema_version VALUES (?, now()::TIMESTAMP, ?)", [number, __version__])
            con.execute("COMMIT")
        except Exception:
            con.execute("ROLLBACK")
            raise
    return [number for number, _ in steps]
