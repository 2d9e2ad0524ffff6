"""`piiscan serve`: wait for the next job that is due, run it in a child process, go on.

This process opens the database only to read what is due, for a moment, and only when the file has changed since it
last looked: an open reader would keep a writer out. The child claims, scans and records, and holds the database
meanwhile. So a kill of either leaves nothing to mend: the next look finds the fire still due, or broken off.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from piiscan.errors import StoreError
from piiscan.jobs.store import read_waiting

log = logging.getLogger(__name__)

LOOK = 15.0
"""Seconds between two looks at whether the file has changed."""
BUSY = 5.0
"""Seconds until the next look when another process writes."""
RETRY = 30.0
"""Seconds until a fire is tried again that its child did not deal with; doubled each time."""
LONGEST_RETRY = 900.0
GRACE = 20.0
"""Seconds that a child has to close its run when it is told to stop."""


class Server:
    """The loop over the jobs of one database."""

    def __init__(self, database: Path, command: Callable[[str], Sequence[str]], clock: Callable[[], datetime]) -> None:
        self._database = database
        self._command = command
        self._clock = clock
        self._stop = threading.Event()
        self._seen: tuple[object, ...] = ()
        self._waiting: list[tuple[str, datetime]] = []
        self._retry: dict[str, tuple[float, float]] = {}
        """By job: when to try again, on the monotonic clock, and how many seconds that were."""

    def stop(self, *_: object) -> None:
        """End the loop, and the child that runs; a handler of signals."""
        self._stop.set()

    def loop(self) -> None:
        """Run jobs until `stop`. Raises: StoreError when the database is not one of ours, or is damaged."""
        while not self._stop.is_set():
            if not self._look():
                self._stop.wait(BUSY)
                continue
            now = self._clock()
            name = next((n for n, since in self._waiting if since <= now and self._may_try(n)), None)
            if name is not None:
                self._run(name)
            else:
                later = [(since - now).total_seconds() for _, since in self._waiting if since > now]
                self._stop.wait(max(0.05, min([LOOK, *later])))

    def _may_try(self, name: str) -> bool:
        return name not in self._retry or self._retry[name][0] <= time.monotonic()

    def _look(self) -> bool:
        """Learn what waits; False when another process writes."""
        seen = _signature(self._database)
        if seen == self._seen:
            return True
        try:
            self._waiting = read_waiting(self._database)
        except StoreError as err:
            if "another process" not in str(err):
                raise
            return False
        self._seen = seen
        return True

    def _run(self, name: str) -> None:
        """Run the child of a job to its end, and see whether it dealt with what waited."""
        before = dict(self._waiting)[name]
        log.info("event=job_begins job=%s", name)
        child = subprocess.Popen(  # noqa: S603
            list(self._command(name)), stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_below_us
        )
        while child.poll() is None and not self._stop.wait(0.1):
            pass
        if child.returncode is None:
            _end(child)
        log.info("event=job_ended job=%s code=%d", name, child.returncode)
        if self._stop.is_set():
            return
        if child.returncode:
            sys.stderr.write(f"piiscan: job {name} ended with code {child.returncode}\n")
        self._seen = ()
        if not self._look() or dict(self._waiting).get(name) == before:
            seconds = min(2 * self._retry[name][1] if name in self._retry else RETRY, LONGEST_RETRY)
            self._retry[name] = (time.monotonic() + seconds, seconds)
        else:
            self._retry.pop(name, None)


def _signature(database: Path) -> tuple[object, ...]:
    """What changes when a database does: inode, size and time of its files. Raises: StoreError without a database."""
    out: list[object] = []
    for path in (database, database.with_name(database.name + ".wal")):
        try:
            status = path.stat()
        except FileNotFoundError:
            if path == database:
                raise StoreError(f"{database}: no such database; add a job first or name one with --db") from None
            out.append(None)
        else:
            out += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(out)


def _below_us() -> None:
    """In the child, before the program: Ctrl-C is heard, and it ends when we are killed.

    Source: prctl(2), PR_SET_PDEATHSIG; Linux only. Elsewhere a child whose server was killed goes on to its end, and
    the next server waits for it.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Tell a child to stop, as Ctrl-C would, and wait for it; it is killed when it does not."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
