"""How far the scan of a database is, for other processes: a small file that its process keeps locked while it lives.

The file lies with the keys in the state folder, not beside the database, since that may be in the tree that is scanned.
A record lock is its owner's alone and ends with it, however it ends: what a killed scan left behind is seen as such.
Source: fcntl(2), "Advisory record locking".
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piiscan.keys import state_dir
from piiscan.metrics.exposition import Samples

if TYPE_CHECKING:
    from piiscan.scan import Progress

EVERY = 2.0
"""Seconds between two writes."""
_WIDTH = 1024
"""Bytes of the file: each write replaces all of it."""


def progress_path(database: Path) -> Path:
    """Where the progress of a scan into this database is told."""
    name = hashlib.blake2b(os.fsencode(database.resolve()), digest_size=16).hexdigest()
    return state_dir() / "running" / f"{name}.json"


@contextmanager
def told(
    database: Path, also: Callable[[Progress], None] = lambda progress: None
) -> Iterator[Callable[[Progress], None]]:
    """A function that tells a scan's progress to other processes, every two seconds, and to `also` each time."""
    path = progress_path(database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # a scan does not fail because nobody can look on
        yield also
        return
    due, started = 0.0, time.time()
    try:
        with suppress(OSError):
            fcntl.lockf(handle, fcntl.LOCK_EX)
            os.pwrite(handle, _line({"started": started}), 0)

        def tell(progress: Progress) -> None:
            nonlocal due
            also(progress)
            if (now := time.monotonic()) >= due:
                due = now + EVERY
                with suppress(OSError):
                    os.pwrite(handle, _line(_numbers(progress, started)), 0)

        yield tell
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _numbers(progress: Progress, started: float) -> dict[str, Any]:
    return {
        "started": started,
        "listed": progress.tally.listed,
        "planned": progress.planned,
        "planned_bytes": progress.planned_bytes,
        "unchanged": progress.unchanged,
        "outcomes": dict(progress.outcomes),
        "bytes": progress.bytes,
        "matches": progress.findings,
    }


def _line(numbers: dict[str, Any]) -> bytes:
    return json.dumps(numbers).encode("ascii").ljust(_WIDTH)


def read_progress(database: Path) -> dict[str, Any] | None:
    """What the scan that writes to this database has told; None when there is none."""
    try:
        handle = os.open(progress_path(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # its owner lives
        try:
            found = json.loads(os.pread(handle, _WIDTH, 0))
        except (OSError, ValueError):
            found = {}
        return found if isinstance(found, dict) else {}
    else:
        return None
    finally:
        os.close(handle)


def progress_samples(database: Path, out: Samples, outcomes: tuple[str, ...]) -> None:
    """The metrics of the scan in progress, by the names of `families`."""
    found = read_progress(database)
    out.put("piiscan_scan_in_progress", found is not None)
    if not found:
        return
    out.put("piiscan_scan_start_timestamp_seconds", found.get("started"))
    if "listed" not in found:
        return
    out.put("piiscan_scan_listed_objects", found["listed"])
    out.put("piiscan_scan_planned_objects", found["planned"])
    out.put("piiscan_scan_planned_bytes", found["planned_bytes"])
    out.put("piiscan_scan_unchanged_objects", found["unchanged"])
    for outcome in outcomes:
        out.put("piiscan_scan_objects", found["outcomes"].get(outcome, 0), outcome)
    out.put("piiscan_scan_examined_bytes", found["bytes"])
    out.put("piiscan_scan_matches", found["matches"])
