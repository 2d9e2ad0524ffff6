"""Watches beside jobs: `piiscan watch` in a child process that asks for its turn before it opens the database.

The child looks at its queue or its tree all the time, without the database. When it has something to scan it writes the
line `turn`, waits for a line, scans one batch, and writes `done`. So a batch and a job never write at once, and a queue
that never empties lets jobs in after each batch.
"""

from __future__ import annotations

import ctypes
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue

log = logging.getLogger(__name__)

RETRY = 5.0
"""Seconds until a watch that ended is started again; doubled each time, until one has had a turn."""
LONGEST_RETRY = 300.0
GRACE = 20.0
"""Seconds that a child has to close its run when it is told to stop."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a watch tells: `turn`, `done`, or that it has ended (`end`)."""

    watch: Watch
    word: str


class Watch:
    """One watch and its child. What it says goes into the queue of the server, whose thread calls all methods."""

    def __init__(self, what: str, command: Sequence[str], says: SimpleQueue[Said | None]) -> None:
        self.what = what
        """The queue or the directory, for people."""
        self._command = list(command)
        self._says = says
        self._child: subprocess.Popen[str] | None = None
        self._start_at = 0.0
        self._wait = RETRY

    @property
    def up(self) -> bool:
        """Whether its child is there."""
        return self._child is not None

    def keep(self) -> None:
        """Start the child when there is none and it is time to."""
        if self._child is not None or time.monotonic() < self._start_at:
            return
        self._child = subprocess.Popen(  # noqa: S603
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            preexec_fn=below_us,
        )  # fmt: skip
        log.info("event=watch_begins what=%s pid=%d", self.what, self._child.pid)
        threading.Thread(target=self._listen, args=(self._child,), name="watch", daemon=True).start()

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() in ("turn", "done"):
                self._says.put(Said(self, line.strip()))
        self._says.put(Said(self, "end"))

    def go(self) -> bool:
        """Give it its turn; False when it is not there any more."""
        if self._child is None or self._child.stdin is None:
            return False
        try:
            self._child.stdin.write("go\n")
            self._child.stdin.flush()
        except OSError:
            return False
        self._wait = RETRY
        return True

    def ended(self) -> None:
        """Note that the child has ended, and when to try again."""
        if self._child is None:
            return
        _close(self._child)
        code = self._child.wait()
        self._child = None
        self._start_at = time.monotonic() + self._wait
        sys.stderr.write(f"piiscan: watch of {self.what} ended with code {code}; again in {self._wait:g} s\n")
        sys.stderr.flush()
        self._wait = min(2 * self._wait, LONGEST_RETRY)

    def ask_to_end(self) -> None:
        """Tell the child to stop: it closes what it is at."""
        if self._child is not None:
            self._child.send_signal(signal.SIGTERM)

    def end(self, seconds: float = GRACE) -> None:
        """Wait for a child that was told to stop; it is killed when it does not."""
        if self._child is not None:
            _close(self._child)
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()


def _close(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    try:
        child.stdin.close()
    except OSError:
        log.debug("event=watch_pipe_broken")


def below_us() -> None:
    """In a child, before its program: Ctrl-C is heard, and it ends when we are killed.

    Source: prctl(2), PR_SET_PDEATHSIG; Linux only. Elsewhere a child whose server was killed goes on to its end, and
    the next server waits for it.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)


_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
"""Loaded here: between fork and exec nothing is imported, since a thread may hold the lock of imports."""
