"""What a running scan shows: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from piiscan.scan import Progress

EVERY = 10.0
"""Seconds between two plain lines."""


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


@contextmanager
def progress_display(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A function that shows progress on stderr."""
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
