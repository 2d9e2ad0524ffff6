"""A file that fills up as it is read: whoever reads asks for bytes that are not there yet.

The parser child sees a large object of a store through one of these. Its descriptor is of a sparse file that the worker
fills; what it asks for, and is told, goes over the socket between the two.
"""

from __future__ import annotations

import io
import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable

Fill = Callable[[int, int], tuple[int, int]]
"""Has at least the first of the bytes `[begin, end)` put in place; gives the range around it that is there."""


class Extents:
    """Which bytes of a file are there, as ranges `[begin, end)` that neither overlap nor touch."""

    def __init__(self) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []

    def add(self, begin: int, end: int) -> None:
        """These bytes are there now.

        >>> known = Extents()
        >>> known.add(0, 4), known.add(8, 9), known.add(4, 8)
        (None, None, None)
        >>> known.around(5), known.around(9), known.total
        ((0, 9), (9, 9), 9)
        """
        low, high = bisect_left(self._ends, begin), bisect_right(self._begins, end)
        if low < high:
            begin, end = min(begin, self._begins[low]), max(end, self._ends[high - 1])
        self._begins[low:high], self._ends[low:high] = [begin], [end]

    def around(self, at: int) -> tuple[int, int]:
        """The range that a byte is in; an empty one where it is not there."""
        index = bisect_right(self._begins, at) - 1
        if index >= 0 and at < self._ends[index]:
            return self._begins[index], self._ends[index]
        return at, at

    def gap(self, at: int, size: int) -> tuple[int, int]:
        """The range around a byte that is not there, of which nothing is; `size`: where the file ends."""
        index = bisect_right(self._begins, at)
        return self._ends[index - 1] if index else 0, self._begins[index] if index < len(self._begins) else size

    @property
    def total(self) -> int:
        """Bytes that are there."""
        return sum(self._ends) - sum(self._begins)


class SparseFile(io.RawIOBase):
    """A file of known size as a seekable stream; what was not there yet is filled in first."""

    def __init__(self, handle: int, size: int, fill: Fill) -> None:
        """`handle` is a descriptor to read from, closed with the stream."""
        self.handle = handle
        self.name = handle
        """As that of a file that was opened by its descriptor: some libraries ask."""
        self.known = Extents()
        self.size = size
        self._fill = fill
        self._at = 0

    def fileno(self) -> int:
        """The descriptor, with the whole content behind it: it is for those who read past this stream."""
        at = 0
        while (at := self._end(at, self.size)) < self.size:
            pass
        return self.handle

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Bytes from the current position. Raises: what filling raises; OSError; ValueError once it is closed."""
        if self.closed:
            raise ValueError("the object is closed")
        want = min(len(buffer), self.size - self._at)
        if want <= 0:
            return 0
        want = min(want, self._end(self._at, self._at + want) - self._at)
        count = os.preadv(self.handle, [memoryview(buffer)[:want]], self._at)
        self._at += count
        return count

    def _end(self, begin: int, end: int) -> int:
        """Where the range ends that `begin` is in, filled in by now."""
        if begin < self.size and self.known.around(begin)[1] == begin:
            self.known.add(*self._fill(begin, end))
            if self.known.around(begin)[1] == begin:
                raise OSError("nothing was filled in")
        return self.known.around(begin)[1]

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; see `io.IOBase.seek`."""
        base = (0, self._at, self.size)[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Bytes from the start."""
        return self._at

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            os.close(self.handle)
        super().close()
