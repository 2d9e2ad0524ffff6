"""What a running scan shows: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piiscan.scan import Progress

EVERY = 10.0
"""Seconds between two plain lines."""
JSON_EVERY = 1.0
"""Seconds between two lines for programs."""


def _numbers(progress: Progress) -> str:
    seconds = max(time.monotonic() - progress.started, 1e-6)
    left = ""
    if progress.crawled and progress.done:
        rest = (progress.planned - progress.done) * seconds / progress.done
        left = f", {rest:.0f} s left"
    return (
        f"{progress.done:,}/{progress.planned:,}{'' if progress.crawled else '+'} objects, "
        f"{progress.bytes / 1e6:,.1f} MB, "
        f"{progress.findings:,} matches, {progress.bytes / 1e6 / seconds:,.1f} MB/s{left}"
    )


def _line(progress: Progress) -> str:
    """One JSON object on one line; nothing in it is of the content, or a name."""
    return json.dumps(
        {
            "event": "progress",
            "seconds": round(time.monotonic() - progress.started, 1),
            "listed": progress.tally.listed,
            "listing": "done" if progress.crawled else "going on",
            "planned": progress.planned,
            "done": progress.done,
            "unchanged": progress.unchanged,
            "bytes": progress.bytes,
            "matches": progress.findings,
            "outcomes": dict(progress.outcomes),
        }
    )


@contextmanager
def _json_lines() -> Iterator[Callable[[Progress], None]]:
    """Progress as JSON lines on stderr, one a second, and one at the end."""
    due, last = 0.0, None

    def tell(progress: Progress) -> None:
        nonlocal due, last
        last, now = progress, time.monotonic()
        if now >= due:
            due = now + JSON_EVERY
            sys.stderr.write(_line(progress) + "\n")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if last is not None:
            sys.stderr.write(_line(last) + "\n")


@contextmanager
def progress_display(*, quiet: bool, as_json: bool = False) -> Iterator[Callable[[Progress], None]]:
    """A function that shows progress on stderr."""
    if as_json:
        with _json_lines() as tell:
            yield tell
        return
    if quiet:
        yield lambda progress: None
        return
    terminal = sys.stderr.isatty()
    due = time.monotonic() + (0.0 if terminal else EVERY)

    def show(progress: Progress) -> None:
        nonlocal due
        now = time.monotonic()
        if now < due:
            return
        due = now + (0.2 if terminal else EVERY)
        sys.stderr.write(f"\r\x1b[2K{_numbers(progress)}" if terminal else f"piiscan: {_numbers(progress)}\n")
        sys.stderr.flush()

    try:
        yield show
    finally:
        if terminal:
            sys.stderr.write("\r\x1b[2K")
