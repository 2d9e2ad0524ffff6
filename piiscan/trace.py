"""Where an error came from, without its message: a message may quote what was being read."""

from __future__ import annotations

import os
import traceback
from types import TracebackType


def origin(err: BaseException) -> str:
    """The kind of an error and the last line of code that it passed, as `ValueError at redact.py:93`."""
    frames = traceback.extract_tb(err.__traceback__)
    if not frames:
        return type(err).__name__
    return f"{type(err).__name__} at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}"


def without_messages(err: BaseException) -> str:
    """The traceback of an error and of what led to it, as Python prints it, each message left out."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = err
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines = "".join(traceback.format_list(traceback.extract_tb(current.__traceback__)))
        parts.append(f"Traceback (most recent call last):\n{lines}{type(current).__qualname__} (message left out)\n")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(reversed(parts))


def report(kind: type[BaseException], err: BaseException, trace: TracebackType | None) -> None:
    """A `sys.excepthook` that keeps content off the terminal."""
    import sys

    sys.stderr.write(without_messages(err.with_traceback(trace)))
