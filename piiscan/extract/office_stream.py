"""Streams over the parts of an Office package: counted and bounded."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from piiscan.errors import LimitReached, Malformed
from piiscan.extract import Job

_BLOCK = 64 << 10


class PartStream(io.RawIOBase):
    """One part of a package; every byte read is booked, and a part may not pass `limits.part_bytes`."""

    def __init__(self, raw: zipfile.ZipExtFile | Any, job: Job, name: str) -> None:
        self._raw = raw
        self._job = job
        self._name = name
        self._total = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes. Raises: LimitReached, Malformed."""
        try:
            data: bytes = self._raw.read(min(size, 1 << 20) if size >= 0 else self._job.limits.part_bytes + 1)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error) as err:
            raise Malformed(f"part {self._name} of the package is damaged") from err
        self._total += len(data)
        self._job.budget.spend(len(data))
        if self._total > self._job.limits.part_bytes:
            raise LimitReached(f"part {self._name} is larger than {self._job.limits.part_bytes} bytes")
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Fills `buffer`; for a BufferedReader around this stream."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Closes the part."""
        self._raw.close()
        super().close()


class Blocks(Iterator[bytes]):
    """A part in blocks; it is opened when the first is asked for, and what breaks it is raised each time again."""

    def __init__(self, opened: Callable[[], PartStream]) -> None:
        self._opened = opened
        self._part: PartStream | None = None
        self._error: Malformed | None = None

    def __next__(self) -> bytes:
        """The next bytes. Raises: Malformed, LimitReached."""
        if self._error is not None:
            raise self._error
        try:
            self._part = self._part or self._opened()
            data = self._part.read(_BLOCK)
        except Malformed as err:
            self._error = err
            raise
        if not data:
            raise StopIteration
        return data
