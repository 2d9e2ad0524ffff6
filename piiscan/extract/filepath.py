"""A path for libraries that open files by name only (SQLite, DuckDB, command line programs)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from piiscan.errors import LimitReached
from piiscan.extract import Job
from piiscan.extract.spooled import blocks


@contextmanager
def path_of(stream: BinaryIO, job: Job, *, linked: bool = False) -> Iterator[str]:
    """A path under which the content of `stream` can be opened while the context lasts.

    The object's own descriptor where it has one, else a copy with a random name in the parser's temporary directory.
    `linked`: the path must not be a link to a file without a name, which SQLite would try to resolve.

    Raises: LimitReached when the copy would be too large.
    """
    own = None if job.member else _own(stream, linked)
    if own is not None:
        yield own
        return
    with tempfile.NamedTemporaryFile(prefix="part-") as copy:
        total = 0
        for block in blocks(stream):
            total += len(block)
            if job.member and total > job.limits.part_bytes:
                raise LimitReached(f"a part that must be held whole is larger than {job.limits.part_bytes} bytes")
            try:
                copy.write(block)
            except OSError:
                raise LimitReached(f"no room for a copy of more than {total} bytes") from None
        copy.flush()
        yield copy.name


def _own(stream: BinaryIO, linked: bool) -> str | None:
    """The path of the descriptor behind a stream, if it can be opened again."""
    try:
        number = stream.fileno()
    except (OSError, AttributeError):
        return None
    for path in (f"/proc/self/fd/{number}", f"/dev/fd/{number}"):
        try:
            if linked:
                path = os.path.realpath(path)
            again = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            if os.path.samestat(os.fstat(again), os.fstat(number)):
                return path
        finally:
            os.close(again)
    return None
