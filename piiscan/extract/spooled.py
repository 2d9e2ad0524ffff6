"""Streams that extractors hand to each other: one made of pieces, and one that can be sought in."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from piiscan.errors import LimitReached, ObjectError
from piiscan.extract import Job

IN_MEMORY = 8 << 20
"""Bytes of a spooled member that stay in memory; the rest goes to an unnamed temporary file."""
BLOCK = 1 << 20


class Pieces(io.RawIOBase):
    """A raw stream over an iterator of byte strings; it can be read once and not sought in.

    A read is filled as far as it goes, so that a peek into the buffer around it sees a whole head. An error of the
    iterator comes out after the bytes that came before it.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self._error: ObjectError | None = None

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: object) -> int:
        """Bytes written to the start of `buffer`; zero at the end. Raises: ObjectError of the iterator."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        filled = 0
        while filled < len(view):
            if not self._rest:
                piece = self._next(filled)
                if piece is None:
                    break
                self._rest = memoryview(piece)
            count = min(len(self._rest), len(view) - filled)
            view[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
        return filled

    def _next(self, filled: int) -> bytes | None:
        if self._error is not None:
            if filled:
                return None
            raise self._error
        try:
            return next(self._pieces, None)
        except ObjectError as err:
            if not filled:
                raise
            self._error = err
            return None


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The rest of a stream, one mebibyte at a time."""
    while block := stream.read(BLOCK):
        yield block


def seekable(stream: BinaryIO, job: Job) -> BinaryIO:
    """The stream itself when it can be sought in, else a copy that can.

    Raises: LimitReached when the copy would pass `limits.part_bytes`.
    """
    if stream.seekable():
        return stream
    copy = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - it lives as long as its reader
    total = 0
    for block in blocks(stream):
        total += len(block)
        if total > job.limits.part_bytes:
            copy.close()
            raise LimitReached(f"a part that must be held whole is larger than {job.limits.part_bytes} bytes")
        copy.write(block)
    copy.seek(0)
    return cast(BinaryIO, copy)
