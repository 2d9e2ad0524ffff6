"""Questions of users to the store: read-only, without files, network or settings, with a memory and a time limit."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError, StoreError
from piiscan.store.snapshot import open_newest

_OVER = b"\0"


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
    import duckdb

    con, age = open_newest(database, memory=memory)
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        con.interrupt()

    timer = threading.Timer(timeout, stop)
    timer.daemon = True
    timer.start()
    try:
        with _interrupted_by_ctrl_c(con):
            yield con, age
    except duckdb.InterruptException:
        if not stopped.is_set():
            raise KeyboardInterrupt from None
        raise StoreError(f"the query was stopped after {timeout:g} seconds (--timeout)") from None
    except duckdb.OutOfMemoryException:
        raise StoreError(f"the query needs more than {memory} of memory") from None
    except duckdb.Error as err:
        if stopped.is_set():
            raise StoreError(f"the query was stopped after {timeout:g} seconds (--timeout)") from None
        raise ConfigError(f"sql: {str(err).strip().splitlines()[0]}") from None
    finally:
        timer.cancel()
        con.close()


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


def to_parquet(database: Path, query: str, target: Path, timeout: float, memory: str) -> float | None:
    """Write the answer to a Parquet file of mode 0600; the snapshot's age. Raises: ConfigError, StoreError, OSError."""
    import os

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
