"""Questions of users to the store: read-only, without files, network or settings, with a memory and a time limit."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError, PiiscanError, StoreError
from piiscan.store.duck import MEMORY, Damaged, explain
from piiscan.store.snapshot import open_newest

_OVER = b"\0"
_MORE = f"allow it more with {MEMORY}, as in {MEMORY}=4GB"
_TAKEN = re.compile(r"/([\d.]+ \w+) used\)")


@contextmanager
def _interrupted_by_ctrl_c(con: Any) -> Iterator[None]:
    """Within this block Ctrl-C interrupts the connection, whatever its statement is at.

    DuckDB itself asks for signals only while the main thread has work of the query, not while it waits for the other
    threads. So the interpreter's handler, which runs at once, wakes a thread of ours. Source: signal.set_wakeup_fd.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    before = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)

    def wait() -> None:
        while (number := woken.recv(1)) != _OVER:
            if number == bytes([signal.SIGINT]):
                con.interrupt()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        wake.send(_OVER)
        thread.join()
        woken.close()
        wake.close()


@contextmanager
def _limited(database: Path, timeout: float, memory: str) -> Iterator[tuple[Any, float | None]]:
    """A locked-down connection that is interrupted after `timeout` seconds, or by Ctrl-C."""
    con, age = open_newest(database, memory=memory)
    try:
        with _bounded(con, database, timeout, memory):
            yield con, age
    finally:
        con.close()


@contextmanager
def _bounded(con: Any, database: Path, timeout: float, memory: str) -> Iterator[None]:
    """Within this block a connection is interrupted after `timeout` seconds, or by Ctrl-C; errors are in our words."""
    import duckdb

    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        con.interrupt()

    timer = threading.Timer(timeout, stop)
    timer.daemon = True
    timer.start()
    try:
        with _interrupted_by_ctrl_c(con):
            yield
    except duckdb.InterruptException:
        if not stopped.is_set():
            raise KeyboardInterrupt from None
        raise StoreError(f"the query was stopped after {timeout:g} seconds (--timeout)") from None
    except duckdb.OutOfMemoryException:
        raise StoreError(f"the query needs more than {os.environ.get(MEMORY) or memory} of memory; {_MORE}") from None
    except duckdb.Error as err:
        if stopped.is_set():
            raise StoreError(f"the query was stopped after {timeout:g} seconds (--timeout)") from None
        told = explain(err, database)
        if isinstance(told, Damaged):
            raise told from None
        raise ConfigError(f"sql: {str(err).strip().splitlines()[0]}") from None
    finally:
        timer.cancel()


def memory_error(err: BaseException) -> StoreError | None:
    """An error of DuckDB about memory as a sentence with what to do; None for any other error.

    It is known by its name, so that who asks need not load DuckDB.
    """
    if type(err).__name__ != "OutOfMemoryException":
        return None
    found = _TAKEN.search(str(err))
    limit = f"the {found[1]} that it may take" if found else "it may take"
    return StoreError(f"DuckDB needs more memory than {limit}; {_MORE}")


def _one_select(con: Any, query: str) -> None:
    """Refuse what is not one question. Raises: ConfigError."""
    statements = con.extract_statements(query)
    if len(statements) != 1:
        raise ConfigError("sql: one statement at a time")
    kind = str(statements[0].type).rsplit(".", 1)[-1]
    if kind not in ("SELECT", "EXPLAIN", "RELATION", "LOGICAL_PLAN"):
        raise ConfigError(f"sql: only questions are allowed here, not {kind}")


def rows(
    database: Path, query: str, timeout: float, memory: str
) -> tuple[list[str], list[tuple[Any, ...]], float | None]:
    """Column names, rows, and the age of the snapshot that answered (None: the database itself).

    Raises: ConfigError for wrong SQL, StoreError at a limit.
    """
    with _limited(database, timeout, memory) as (con, age):
        _one_select(con, query)
        result = con.execute(query)
        columns = [d[0] for d in result.description or ()]
        return columns, list(result.fetchall()), age


def several(
    database: Path, queries: Iterable[str], timeout: float, memory: str, threads: int = 0
) -> Iterator[tuple[list[str], list[tuple[Any, ...]]] | PiiscanError]:
    """Column names and rows of each question, or what was wrong with it; all by one connection, each with the limits.

    `threads` of DuckDB, 0: as many as there are cores. Raises: StoreError when the database cannot be opened.
    """
    con, _ = open_newest(database, memory=memory, threads=threads)
    try:
        for query in queries:
            try:
                with _bounded(con, database, timeout, memory):
                    _one_select(con, query)
                    result = con.execute(query)
                    found = [d[0] for d in result.description or ()], list(result.fetchall())
            except PiiscanError as err:
                yield err
            else:
                yield found
    finally:
        con.close()


def to_parquet(database: Path, query: str, target: Path, timeout: float, memory: str) -> float | None:
    """Write the answer to a Parquet file of mode 0600; the snapshot's age. Raises: ConfigError, StoreError, OSError."""
    import pyarrow.parquet as pq

    with _limited(database, timeout, memory) as (con, age):
        _one_select(con, query)
        table = (
            con.sql(query).to_arrow_table()
            if hasattr(con.sql("SELECT 1"), "to_arrow_table")
            else con.sql(query).arrow()
        )
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out:
            pq.write_table(table, out, compression="zstd")
        return age
