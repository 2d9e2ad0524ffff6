"""A package without its zip directory (a download that broke off): parts by their local headers, as far as they go.

Source: APPNOTE.TXT 6.3.10, 4.3.7 (local file header) and 4.4.4 (flags).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any, BinaryIO

from piiscan.extract.office_zip import Entry

_HEADER = b"PK\x03\x04"
_ENDS = (b"PK\x07\x08", b"PK\x03\x04", b"PK\x01\x02")
_BLOCK = 256 << 10
_MOST = 100_000


class Salvaged:
    """Stands for an `office_zip.Directory`. Raises: BadZipFile when there is no header at all."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._infos: list[Entry] = []
        at = self._find(0, (_HEADER,))
        while at >= 0 and len(self._infos) < _MOST:
            stream.seek(at)
            head = stream.read(30)
            if len(head) < 30:
                break
            flags, method = struct.unpack_from("<HH", head, 6)
            packed, _, name, extra = struct.unpack_from("<IIHH", head, 18)
            info = Entry(stream.read(name).decode("utf-8" if flags & 0x800 else "cp437", "replace") or "part")
            info.flag_bits, info.compress_type = flags, method
            info.header_offset = at + 30 + name + extra
            # Without sizes in the header (they come behind the data) the next mark ends it.
            info.compress_size = packed if packed and not flags & 8 else -1
            self._infos.append(info)
            at = self._find(info.header_offset + max(info.compress_size, 0), (_HEADER,))
        if not self._infos:
            raise zipfile.BadZipFile("no local header")

    def infolist(self) -> list[Entry]:
        """The parts in their order; `header_offset` is where the data begin."""
        return self._infos

    def open(self, info: Entry) -> Any:
        """What can be read of a part, as a stream."""
        size = info.compress_size
        if size < 0:
            end = self._find(info.header_offset, _ENDS) if info.compress_type == 0 else -1
            size = end - info.header_offset if end >= 0 else 1 << 62
        return io.BufferedReader(_Part(self._stream, info.header_offset, size, info.compress_type))

    def close(self) -> None:
        """Nothing to do: the stream is not ours."""

    def _find(self, at: int, marks: tuple[bytes, ...]) -> int:
        """Where one of the marks next stands, or -1."""
        self._stream.seek(at)
        tail = b""
        while block := self._stream.read(_BLOCK):
            data = tail + block
            found = [place for place in map(data.find, marks) if place >= 0]
            if found:
                return at - len(tail) + min(found)
            at += len(block)
            tail = data[-3:]
        return -1


class _Part(io.RawIOBase):
    """The bytes of one part, up to where they are damaged."""

    def __init__(self, stream: BinaryIO, at: int, size: int, method: int) -> None:
        self._stream, self._at, self._left = stream, at, size
        self._inflate = zlib.decompressobj(-15) if method == 8 else None
        self._ended = method not in (0, 8)

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fills some of `buffer`; zero at the end, or where the damage begins."""
        most = len(buffer)
        data = b""
        while not data and not self._ended:
            if self._inflate is None:
                data = self._block(most)
                self._ended = not data
                break
            packed = self._inflate.unconsumed_tail or self._block(_BLOCK)
            if not packed or self._inflate.eof:
                self._ended = True
                break
            try:
                data = self._inflate.decompress(packed, most)
            except zlib.error:
                self._ended = True
        buffer[: len(data)] = data
        return len(data)

    def _block(self, most: int) -> bytes:
        self._stream.seek(self._at)
        data = self._stream.read(min(most, self._left))
        self._at += len(data)
        self._left -= len(data)
        return data
