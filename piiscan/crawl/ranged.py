"""A large object of a store, fetched in the ranges that its reader wants.

A Parquet footer or a ZIP directory is found without the megabytes before it. Each byte is fetched once, into a sparse
file; a reader that goes from the first byte to the last has a few requests, for ranges grow while each begins where the
one before it ended.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping

from piiscan.errors import ReadFailed
from piiscan.fetch import Answer, ResumingStream, checksum, mismatch
from piiscan.sparse import SparseFile

BLOCK = 1 << 20
"""Bytes of the first range, and of each after a jump; there it begins at a multiple of this."""
LONGEST = 32 << 20
"""Bytes of one range at the most. What is left of it when the reader jumps is not read."""
_GROWTH = 2
_STEP = 256 << 10
_NEAR = 128 << 10
"""Bytes that are rather read than jumped over."""


class RangedObject(SparseFile):
    """An object's bytes as a seekable stream over what was fetched; for one thread's use."""

    def __init__(
        self,
        request: Callable[[int, int], Answer],
        size: int,
        sums: Callable[[], Mapping[str, str]],
        scratch: str,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`request` opens the range `[begin, end)` and raises as that of `fetch.ResumingStream` does; `sums` gives the
        checksums that the store keeps. `scratch`: directory for the file. Raises: ReadFailed without room for it.
        """
        self._request, self._sums, self._pause = request, sums, pause
        self._verified = False
        self._whole = False
        """The store knows no ranges: it sends everything, so everything is taken."""
        self._stream: ResumingStream | None = None
        self._next, self._window = 0, 0
        self._view = memoryview(bytearray(_STEP))
        try:
            self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed with this stream
            self._file.truncate(size)
            reading = _reading(self._file.fileno())
        except OSError as err:
            raise ReadFailed(f"no temporary file could be made ({err.strerror})") from None
        super().__init__(reading, size, self.fill)

    @property
    def held(self) -> int:
        """Bytes that were fetched."""
        return self.known.total

    def fill(self, begin: int, end: int) -> tuple[int, int]:
        """See `sparse.Fill`. Raises: ObjectError."""
        while (found := self.known.around(begin))[1] == begin:
            while self._stream is not None and self._stream.end - self._stream.tell() <= BLOCK:
                self._step(self._stream)  # it is on its way, and its connection will serve again
            if self.known.around(begin)[1] == begin and not self._is_near(begin):
                self._open(begin)
            while self._stream is not None and self.known.around(begin)[1] == begin:
                self._step(self._stream)
        return found

    def _is_near(self, begin: int) -> bool:
        """Whether the range that is under way is read on to get to a byte."""
        if self._stream is None or not self._stream.tell() <= begin < self._stream.end:
            return False
        return self._whole or begin - self._stream.tell() <= _NEAR

    def verify(self, *, complete: bool = False) -> None:
        """Check the bytes against the checksum that the store keeps, once all are there (`complete`: fetch the rest).

        Raises: ReadFailed; ObjectError of what is fetched.
        """
        if complete:
            self.fileno()
        if self._verified or self.held < self.size:
            return
        self._verified = True
        found = checksum(self._sums())
        if found is None:
            return
        total, expected = found
        at = 0
        while data := os.pread(self.handle, BLOCK, at):
            total.update(data)
            at += len(data)
        if total.digest() != expected:
            raise mismatch()

    def close(self) -> None:
        """Let go of the connection and the file."""
        if not self.closed:
            self._leave()
            self._file.close()
        super().close()

    def _open(self, begin: int) -> None:
        """Begin a range that holds `begin`, up to what is there already. Raises: ObjectError."""
        self._leave()
        low, high = self.known.gap(begin, self.size)
        if begin in (self._next, self.known.around(self._next)[1]):
            self._window = min(_GROWTH * self._window, LONGEST) or BLOCK
        else:
            self._window = BLOCK
            begin = max(low, begin - begin % BLOCK)
        end = begin + self._window
        end = end if end + _NEAR < high else high

        def request(offset: int) -> Answer:
            answer = self._request(offset, end)
            self._whole = self._whole or answer.whole
            return Answer(answer.body, {})  # sums are those of the whole object

        self._stream = ResumingStream(request, end, begin=begin, pause=self._pause)

    def _step(self, stream: ResumingStream) -> None:
        """Some bytes of a range into the file. Raises: ObjectError."""
        at = stream.tell()
        if self._whole:
            stream.go_on(self.known.gap(at, self.size)[1])
        count = stream.readinto(self._view)
        try:
            self._write(count, at)
        except OSError as err:
            raise ReadFailed(f"no room for what was fetched ({err.strerror})") from None
        self.known.add(at, at + count)
        if at + count == stream.end:
            self._leave()

    def _write(self, count: int, at: int) -> None:
        done = 0
        while done < count:
            done += os.pwrite(self._file.fileno(), self._view[done:count], at + done)

    def _leave(self) -> None:
        """End the range that is under way."""
        if self._stream is not None:
            self._next = self._stream.tell()
            self._stream.close()
            self._stream = None


def _reading(handle: int) -> int:
    """Another descriptor of a file, for reading alone where the system allows it: it goes to the parser child."""
    try:
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return os.dup(handle)
