"""What is due, done: claim a fire, scan, record it. The scan itself is handed in, as is the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from piiscan.errors import PiiscanError
from piiscan.jobs.store import Fire, JobStore, JobVersion

STOPPED = 130
"""Exit code of a scan that Ctrl-C ended. Source: the shell's 128 and SIGINT."""
_ORDER = (5, 3, 2, 4, 1)
"""Exit codes, the one that counts first when several hold."""

Scan = Callable[[JobVersion], int]
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Done:
    """How a fire ended."""

    fire: Fire
    outcome: str
    code: int
    error: str = ""
    """The sentence of what ended it early."""


def run_fire(store: JobStore, fire: Fire, scan: Scan, clock: Clock) -> Done:
    """Scan as a claimed fire says, and record it. Raises: StoreError when it cannot be recorded; what `scan` raises
    beside PiiscanError and KeyboardInterrupt, recorded.
    """
    before = store.scans()
    outcome, code, error = "failed", 2, "the scan broke off with an unexpected error"
    try:
        code, error = scan(fire.spec), ""
    except KeyboardInterrupt:
        code, error = STOPPED, ""
    except PiiscanError as err:
        code, error = err.exit_code, str(err)
    finally:
        run, status, _ = max(store.scans() - before, default=(None, "", None))
        if code == STOPPED:
            outcome, error = "interrupted", "stopped by a signal"
        elif not error and status == "done":
            outcome = "done"
        store.finish(fire, clock(), outcome, code, reason=error[:400], run=run)
    return Done(fire, outcome, code, error)


def run_due(store: JobStore, scan: Scan, clock: Clock, name: str = "") -> Iterator[Done]:
    """Run what is due now, each job at most once, or the one job of that name; an interrupt is the last.

    Raises: as `run_fire`, and ConfigError for an unknown name.
    """
    for job in [name] if name else store.due(clock()):
        fire = store.claim(job, clock())
        if fire is None:
            continue
        done = run_fire(store, fire, scan, clock)
        yield done
        if done.code == STOPPED:
            return


def worst(codes: list[int]) -> int:
    """The exit code for several."""
    if STOPPED in codes:
        return STOPPED
    return next((code for code in _ORDER if code in codes), 0)
