"""Zstandard, lzip and bare LZMA with the face of `inflate.Decompressor`: bounded output, and an end that is known.

The libraries give out all that an input holds, and say nothing when it breaks off. Zstandard frames are therefore cut
into their blocks here, of which each gives at most 128 KiB.

Source: RFC 8878 (Zstandard), section 3.1; the lzip manual, "File format".
"""

from __future__ import annotations

import lzma
from typing import Any

from piiscan.errors import LimitReached
from piiscan.extract.inflate import MEMORY

_MAGIC = 0xFD2FB528
_SKIPPED = range(0x184D2A50, 0x184D2A60)
_DICTIONARY_ID = (0, 1, 2, 4)
_LZIP_TRAILER = 20


class Zstd:
    """One frame, skippable ones included. Raises ValueError for damage, LimitReached for too wide a window."""

    def __init__(self) -> None:
        self._held = b""
        self._inner: Any = None
        self._skip = 0
        self._checksum = 0
        self._last = False
        self._starved = True
        self.eof = False

    @property
    def unused_data(self) -> bytes:
        """What was found behind the end of the frame."""
        return self._held if self.eof else b""

    @property
    def needs_input(self) -> bool:
        """Whether more can only come out when more goes in."""
        return self._starved

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Whole blocks of up to `max_length` bytes in all, and at most one block more."""
        self._held += data
        out: list[bytes] = []
        size = at = 0
        self._starved = False
        while not self.eof and (max_length < 0 or size < max_length):
            count = self._step(at)
            if count is None:
                self._starved = True
                break
            piece = self._fed(self._held[at : at + count])
            at += count
            size += len(piece)
            out.append(piece)
        self._held = self._held[at:]
        return b"".join(out)

    def _fed(self, data: bytes) -> bytes:
        if self._inner is None:
            return b""
        import zstandard

        try:
            out: bytes = self._inner.decompress(data)
        except zstandard.ZstdError as err:
            raise ValueError from err
        return out

    def _step(self, at: int) -> int | None:
        """Bytes of the next element (header, block, checksum) when it is there in full, else None."""
        held = len(self._held) - at
        if self._skip:
            count = min(self._skip, held)
            self._skip -= count
            self.eof = not self._skip
            return count or None
        if self._inner is None:
            return self._header(at)
        if self._last:
            if held < self._checksum:
                return None
            self.eof = True
            return self._checksum
        if held < 3:
            return None
        head = int.from_bytes(self._held[at : at + 3], "little")
        kind, size = head >> 1 & 3, head >> 3
        count = 3 + (1 if kind == 1 else size)
        if held < count:
            return None
        if head & 1:
            self._last = True
            self.eof = not self._checksum
        return count

    def _header(self, at: int) -> int | None:
        if len(self._held) - at < 8:
            return None
        magic = int.from_bytes(self._held[at : at + 4], "little")
        if magic in _SKIPPED:
            self._skip = int.from_bytes(self._held[at + 4 : at + 8], "little")
            self.eof = not self._skip
            return 8
        flags = self._held[at + 4]
        single, sizes = flags >> 5 & 1, flags >> 6
        content = (single, 2, 4, 8)[sizes]
        count = 5 + (1 - single) + _DICTIONARY_ID[flags & 3] + content
        if magic != _MAGIC:
            raise ValueError
        if len(self._held) - at < count:
            return None
        if single:
            window = int.from_bytes(self._held[at + count - content : at + count], "little")
        else:
            told = self._held[at + 5]
            window = (1 << (10 + (told >> 3))) // 8 * (8 + (told & 7))
        if window > MEMORY:
            raise LimitReached("a Zstandard frame asks for too wide a window", reason="MEMORY_LIMIT")
        import zstandard

        self._checksum = 4 * (flags >> 2 & 1)
        self._inner = zstandard.ZstdDecompressor(max_window_size=MEMORY).decompressobj()
        return count


class Lzip:
    """One member of an lzip file: six bytes of header, an LZMA stream with an end mark, twenty bytes of trailer."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: lzma.LZMADecompressor | None = None
        self._tail = b""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""
        return self._inner is not None and self._inner.eof and len(self._tail) >= _LZIP_TRAILER

    @property
    def unused_data(self) -> bytes:
        """What was found behind that end."""
        return self._tail[_LZIP_TRAILER:]

    @property
    def needs_input(self) -> bool:
        """Whether more can only come out when more goes in."""
        return self._inner is None or self._inner.eof or self._inner.needs_input

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Up to `max_length` bytes. Raises: LimitReached for a dictionary that is too large; ValueError."""
        if self._inner is None:
            self._head += data
            if len(self._head) < 6:
                return b""
            if not self._head.startswith(b"LZIP\1"):
                raise ValueError
            coded = self._head[5]
            base = 1 << (coded & 31)
            size = base - (base // 16) * (coded >> 5)
            if size > MEMORY:
                raise LimitReached("an lzip member asks for too large a dictionary", reason="MEMORY_LIMIT")
            chosen = {"id": lzma.FILTER_LZMA1, "dict_size": max(size, 4096), "lc": 3, "lp": 0, "pb": 2}
            self._inner = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
            data, self._head = self._head[6:], b""
        if self._inner.eof:
            self._tail += data
            return b""
        out = self._inner.decompress(data, max_length)
        if self._inner.eof:
            self._tail = self._inner.unused_data
        return out


def bare_lzma() -> lzma.LZMADecompressor:
    """The decompressor of `.lzma` files: thirteen bytes of header, then the stream."""
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY)
