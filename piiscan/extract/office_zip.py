"""The parts of an Office package by its zip directory, read in one step: `zipfile` costs ten times as much to open.

What has anything unusual about it (ZIP64, several volumes, bytes in front, methods other than deflate) is left to
`zipfile`, and a package without its directory to `office_salvage`.

Source: APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory) and 4.3.16 (its end).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

_LOCAL = b"PK\x03\x04"
_ENTRY = struct.Struct("<4s4xHH4xLLLHHHHxxLL")
"""Mark, flags, method, checksum, two sizes, lengths of name, extra and comment, volume, attributes, offset."""
_END = struct.Struct("<4s4H2LH")
_TAIL = 1 << 16
_WHOLE = 1 << 20
"""Bytes of a package up to which it is held in memory."""
_BLOCK = 64 << 10
_MOST = 0xFFFF


@dataclass(slots=True)
class Entry:
    """One part of a package as its directory has it, with the names of `zipfile.ZipInfo`."""

    filename: str
    flag_bits: int = 0
    compress_type: int = 0
    CRC: int = 0
    compress_size: int = 0
    file_size: int = 0
    header_offset: int = 0


class Directory:
    """The parts of a package and their bytes."""

    def __init__(
        self, stream: BinaryIO, entries: list[Entry], data: bytes | None = None, archive: zipfile.ZipFile | None = None
    ) -> None:
        """`data`: the whole package where it is held in memory; `archive`: who opens what is not deflated."""
        self._stream, self._entries, self._data, self._archive = stream, entries, data, archive

    def infolist(self) -> list[Entry]:
        """The parts in the order of the directory."""
        return self._entries

    def begin(self, entry: Entry) -> int:
        """Where the bytes of a part begin. Raises: BadZipFile."""
        at = entry.header_offset
        head = self.read(at, 30)
        if len(head) < 30 or not head.startswith(_LOCAL):
            raise zipfile.BadZipFile("no local header")
        return at + 30 + (head[26] | head[27] << 8) + (head[28] | head[29] << 8)

    def open(self, entry: Entry) -> Any:
        """A part as a stream. Raises: BadZipFile, NotImplementedError."""
        if entry.compress_type in (0, 8):
            return _Part(self, entry, self.begin(entry))
        if self._archive is None:
            raise NotImplementedError("an unusual compression")
        return self._archive.open(self._archive.infolist()[self._entries.index(entry)])

    def close(self) -> None:
        """The stream is not ours, and stays open."""
        if self._archive is not None:
            self._archive.close()

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the package."""
        if self._data is not None:
            return self._data[at : at + size]
        self._stream.seek(at)
        return self._stream.read(size)


class _Part:
    """Reads one part step by step; its checksum is looked at when it ends."""

    def __init__(self, directory: Directory, entry: Entry, begin: int) -> None:
        self._directory, self._entry, self._at = directory, entry, begin
        self._left, self._missing, self._crc = entry.compress_size, entry.file_size, 0
        self._inflate = zlib.decompressobj(-15) if entry.compress_type else None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, at least one before the end. Raises: BadZipFile, EOFError, zlib.error."""
        size = min(size, self._missing)
        if size <= 0:
            return b""
        data = b""
        if self._inflate is None:
            data = self._block(size)
        while self._inflate is not None and not data:
            if self._inflate.eof:
                # Shorter than its directory says: its checksum decides.
                self._missing = 0
                break
            data = self._inflate.decompress(self._inflate.unconsumed_tail or self._block(_BLOCK), size)
        self._crc = zlib.crc32(data, self._crc)
        self._missing = max(self._missing - len(data), 0)
        if not self._missing and self._crc != self._entry.CRC:
            raise zipfile.BadZipFile("wrong checksum")
        return data

    def close(self) -> None:
        """Nothing to do."""

    def _block(self, most: int) -> bytes:
        data = self._directory.read(self._at, min(most, self._left))
        if not data:
            raise EOFError
        self._at += len(data)
        self._left -= len(data)
        return data


def opened(stream: BinaryIO) -> Directory:
    """The parts of a package. Raises: what `zipfile.ZipFile` raises for a directory that is lost or damaged."""
    found = directory_of(stream)
    if found is not None:
        return found
    archive = zipfile.ZipFile(stream)
    entries = [
        Entry(i.filename, i.flag_bits, i.compress_type, i.CRC, i.compress_size, i.file_size, i.header_offset)
        for i in archive.infolist()
    ]
    return Directory(stream, entries, archive=archive)


def directory_of(stream: BinaryIO) -> Directory | None:
    """The directory of a package; None where `zipfile` must look at it. Raises: OSError."""
    size = stream.seek(0, io.SEEK_END)
    begin = 0 if size <= _WHOLE else size - _TAIL - _END.size
    stream.seek(begin)
    data = stream.read(size - begin)
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or len(data) < at + _END.size:
        return None
    _, volume, first, here, count, length, offset, comment = _END.unpack_from(data, at)
    if volume or first or here != count or count == _MOST or comment + at + _END.size != len(data):
        return None
    if offset + length != begin + at or data.find(b"PK\x06\x07", max(at - 20, 0), at) >= 0:
        return None
    whole = data if begin == 0 else None
    if offset < begin:
        stream.seek(offset)
        data, begin = stream.read(length), offset
    entries = _entries(data, offset - begin, offset - begin + length)
    return None if entries is None or len(entries) != count else Directory(stream, entries, whole)


def _entries(data: bytes, at: int, end: int) -> list[Entry] | None:
    """The entries of a directory; None where one is unusual."""
    out = []
    unpack = _ENTRY.unpack_from
    while at + _ENTRY.size <= end:
        mark, flags, method, crc, packed, size, name, extra, comment, volume, _, offset = unpack(data, at)
        if mark != b"PK\x01\x02" or volume or 0xFFFFFFFF in (packed, size, offset) or method not in (0, 8):
            return None
        at += _ENTRY.size
        text = data[at : at + name]
        at += name + extra + comment
        if flags & 0x2000 or b"\0" in text or at > end:
            return None
        try:
            shown = text.decode("utf-8" if flags & 0x800 else "cp437")
        except UnicodeDecodeError:
            return None
        out.append(Entry(shown, flags, method, crc, packed, size, offset))
    return out if at == end else None
