"""`piiscan serve`: wait for the next job that is due, run it in a child process, let watches in between, go on.

So it does with alert rules whose time has come, and with alerts that a sink has not taken yet: a child deals with them.

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
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue

from piiscan.errors import StoreError
from piiscan.jobs.store import read_waiting
from piiscan.jobs.turns import GRACE, Said, Watch, below_us
from piiscan.store.duck import Held, signature

log = logging.getLogger(__name__)

LOOK = 15.0
"""Seconds between two looks at whether the file has changed."""
BUSY = 5.0
"""Seconds until the next look when another process writes."""
RETRY = 30.0
"""Seconds until a fire is tried again that its child did not deal with; doubled each time."""
LONGEST_RETRY = 900.0
STUCK = 120.0
"""Seconds without a step of the loop after which it is not well."""


class Server:
    """The loop over the jobs of one database, and its watches (what each looks at, and the command of its child)."""

    def __init__(
        self,
        database: Path,
        command: Callable[[str], Sequence[str]],
        clock: Callable[[], datetime],
        watches: Mapping[str, Sequence[str]] | None = None,
        more: Callable[..., datetime | None] | None = None,
    ) -> None:
        """`command` of a job, by its name; of an empty one, what deals with what `more` says waits (`read_waiting`)."""
        self._database = database
        self._command = command
        self._clock = clock
        self._more = more
        self._says: SimpleQueue[Said | None] = SimpleQueue()
        """What watches say; None wakes the loop. Its `put` may be called in a handler of signals."""
        self._watches = [Watch(what, line, self._says) for what, line in (watches or {}).items()]
        self._asking: deque[Watch] = deque()
        self._turn: Watch | None = None
        """Whose batch is being scanned."""
        self._stopped = False
        self._ended = False
        self._stepped = time.monotonic()
        self._seen: tuple[object, ...] = ()
        self._waiting: list[tuple[str, datetime]] = []
        self._retry: dict[str, tuple[float, float]] = {}
        """By job: when to try again, on the monotonic clock, and how many seconds that were."""
        self.reading = threading.Lock()
        """Held while this process has the database open."""

    def stop(self, *_: object) -> None:
        """End the loop, and the children that run; a handler of signals."""
        self._stopped = True
        self._says.put(None)

    def ill(self) -> str:
        """Why this server does not do its work; empty when it does. May be called from any thread."""
        still = time.monotonic() - self._stepped
        if self._ended:
            return "the scheduler has ended"
        if still > STUCK:
            return f"the scheduler has not moved for {still:.0f} seconds"
        try:
            signature(self._database)
        except (StoreError, OSError):
            return "the database is not there"
        return ""

    def watches(self) -> tuple[int, int]:
        """How many watches are up, and how many wait to be started again."""
        up = sum(watch.up for watch in self._watches)
        return up, len(self._watches) - up

    def loop(self) -> None:
        """Run jobs until `stop`. Raises: StoreError when the database is not one of ours, or is damaged."""
        try:
            while not self._stopped:
                for watch in self._watches:
                    watch.keep()
                self._step()
        finally:
            self._ended = True
            for watch in self._watches:
                watch.ask_to_end()
            for watch in self._watches:
                watch.end()

    def _step(self) -> None:
        if not self._look():
            self._wait(BUSY)
            return
        now = self._clock()
        name = next((n for n, since in self._waiting if since <= now and self._may_try(n)), None)
        if name is not None:
            self._run(name)
        elif self._asking:
            self._let(self._asking.popleft())
        else:
            later = [(since - now).total_seconds() for _, since in self._waiting if since > now]
            self._wait(max(0.05, min([LOOK, *later, *([1.0] if self.watches()[1] else [])])))

    def _wait(self, seconds: float) -> None:
        """Until a watch says something, or `stop` is called, or the time is over."""
        self._stepped = time.monotonic()
        try:
            said = self._says.get(timeout=seconds)
        except Empty:
            return
        finally:
            self._stepped = time.monotonic()
        if said is None:
            return
        if said.word == "turn":
            self._asking.append(said.watch)
            return
        if said.watch is self._turn:
            self._turn = None
        if said.word == "end":
            while said.watch in self._asking:
                self._asking.remove(said.watch)
            if not self._stopped:
                said.watch.ended()

    def _let(self, watch: Watch) -> None:
        """Let a watch scan one batch."""
        self._turn = watch if watch.go() else None
        while self._turn is not None and not self._stopped:
            self._wait(1.0)

    def _may_try(self, name: str) -> bool:
        return name not in self._retry or self._retry[name][0] <= time.monotonic()

    def _look(self) -> bool:
        """Learn what waits; False when another process writes."""
        seen = signature(self._database)
        if seen == self._seen:
            return True
        try:
            with self.reading:
                self._waiting = read_waiting(self._database, self._more)
        except Held:
            return False
        self._seen = seen
        return True

    def _run(self, name: str) -> None:
        """Run the child of a job, or of the alerts, to its end, and see whether it dealt with what waited."""
        before = dict(self._waiting)[name]
        if name:
            log.info("event=job_begins job=%s", name)
        else:
            log.info("event=alerts_begin")
        child = subprocess.Popen(  # noqa: S603
            list(self._command(name)), stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=below_us
        )
        while child.poll() is None and not self._stopped:
            self._wait(0.1)
        if child.returncode is None:
            _end(child)
        if name:
            log.info("event=job_ended job=%s code=%d", name, child.returncode)
        else:
            log.info("event=alerts_ended code=%d", child.returncode)
        if self._stopped:
            return
        if child.returncode:
            sys.stderr.write(f"piiscan: {f'job {name}' if name else 'alerts'} ended with code {child.returncode}\n")
        self._seen = ()
        if not self._look() or dict(self._waiting).get(name) == before:
            seconds = min(2 * self._retry[name][1] if name in self._retry else RETRY, LONGEST_RETRY)
            self._retry[name] = (time.monotonic() + seconds, seconds)
        else:
            self._retry.pop(name, None)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Tell a child to stop, as Ctrl-C would, and wait for it; it is killed when it does not."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
