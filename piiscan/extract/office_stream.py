"""Streams over the parts of an Office package: counted, bounded, and put together again after a look at their head."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from piiscan.errors import LimitReached, Malformed
from piiscan.extract import Job


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


class Joined(io.RawIOBase):
    """A stream again after its head was looked at."""

    def __init__(self, head: bytes, rest: PartStream) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Head first, then the rest."""
        if self._head:
            count = min(len(buffer), len(self._head))
            buffer[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        return self._rest.readinto(buffer)
