"""The members of a ZIP archive, by its directory, or by a walk over the local headers where that is lost."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, cast

from piiscan.errors import Encrypted, Malformed
from piiscan.extract import Job
from piiscan.extract.inflate import ERRORS, by_zip_method, stepwise
from piiscan.extract.names import Names, from_bytes
from piiscan.extract.spooled import Pieces, seekable
from piiscan.model import Segment

_READ = 256 << 10
_LOCAL = b"PK\x03\x04"


def members(stream: BinaryIO, job: Job) -> Iterator[Segment]:
    """The segments of all members. Raises: Encrypted when none could be opened; Malformed; LimitReached."""
    stream = seekable(stream, job)
    begin = stream.tell()
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
    except Exception:  # zipfile lets struct, unicode, value and OS errors of a damaged directory through
        stream.seek(begin)
        yield from _walk(stream, job)
        return
    if len({entry.volume for entry in entries}) > 1:
        # One volume of several: the offsets of the others point nowhere here.
        stream.seek(begin)
        yield from _walk(stream, job)
        return
    refuse_overlap(entries)
    names = Names()
    locked = opened = 0
    for entry in entries:
        if entry.filename.endswith("/") or not entry.file_size:
            job.budget.member()
        elif entry.flag_bits & 1:
            job.budget.member()
            locked += 1
        else:
            opened += 1
            yield from job.nested(names.unique(entry_name(entry)), cast(BinaryIO, Pieces(content(stream, entry, job))))
    if locked and job.passwords:
        from piiscan.extract.libreader import locked_members

        stream.seek(begin)
        left = yield from locked_members(stream, job, names)
        opened, locked = opened + locked - left, left
    if locked and not opened:
        raise Encrypted("every member of the archive is under a password: no text read")
    if locked:
        job.note("INVALID_ENCRYPTION", f"{locked} members of the archive are under a password")


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry: the UTF-8 one that Info-ZIP adds, or the bytes as UTF-8 where they are, else CP437.

    Source: APPNOTE.TXT 6.3.10, section 4.6.9 and appendix D.
    """
    if entry.flag_bits & 0x800 or entry.filename.isascii():
        return _shown(entry.filename)
    raw = entry.orig_filename.encode("cp437", "replace")
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        body, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == 0x7075 and body[:5] == b"\1" + struct.pack("<I", zlib.crc32(raw)):
            return body[5:].decode("utf-8", "backslashreplace")
    return from_bytes(raw, "cp437")


def refuse_overlap(entries: list[zipfile.ZipInfo]) -> None:
    """Raises: Malformed when entries share their bytes: a bomb, and no writer makes it."""
    spans = sorted((entry.header_offset, entry.compress_size) for entry in entries if entry.compress_size)
    for (begin, size), (after, _) in pairwise(spans):
        if begin + size > after:
            raise Malformed("entries of the ZIP directory overlap")


def content(stream: BinaryIO, entry: zipfile.ZipInfo, job: Job) -> Iterator[bytes]:
    """The content of one member. Raises: Malformed, UnsupportedFormat, LimitReached."""
    stream.seek(max(entry.header_offset, 0))
    head = stream.read(30)
    if entry.header_offset < 0 or len(head) < 30 or not head.startswith(_LOCAL):
        raise Malformed("the archive does not hold this member")
    length, extra = struct.unpack("<HH", head[26:30])
    at = entry.header_offset + 30 + length + extra
    crc = 0
    try:
        pieces = extent(stream, at, entry.compress_size)
        for piece in stepwise(pieces, by_zip_method(entry.compress_type), job.budget):
            crc = zlib.crc32(piece, crc)
            yield piece
    except ERRORS as err:
        raise Malformed("the member is damaged or breaks off") from err
    if crc != entry.CRC:
        raise Malformed("the member does not have its checksum")


def extent(stream: BinaryIO, at: int, size: int) -> Iterator[bytes]:
    """The bytes of a range; the position is set anew each time, for members of members share the stream."""
    while size > 0:
        stream.seek(at)
        block = stream.read(min(_READ, size))
        if not block:
            return
        at += len(block)
        size -= len(block)
        yield block


def _walk(stream: BinaryIO, job: Job) -> Iterator[Segment]:
    """The members of an archive without a directory, header after header. Raises: Malformed when there is none."""
    at, read, locked = stream.tell(), 0, 0
    names = Names()
    while True:
        at = _find(stream, at, _LOCAL)
        if at < 0:
            break
        stream.seek(at)
        head = stream.read(30)
        if len(head) < 30:
            break
        flags, method = struct.unpack("<HH", head[6:10])
        size, whole, length, extra = struct.unpack("<IIHH", head[18:30])
        name = from_bytes(stream.read(length), "" if flags & 0x800 else "cp437")
        at += 30 + length + extra
        known = not (flags & 8 and not size) and size != 0xFFFFFFFF
        if flags & 1:
            locked += 1
        elif name and not name.endswith("/") and not (known and not whole and not size):
            read += 1
            end = size if known else _until(stream, at) if method == 0 else 1 << 62
            yield from job.nested(
                names.unique(_shown(name)), cast(BinaryIO, Pieces(_loose(stream, at, end, method, job)))
            )
        # Sizes in a damaged archive are not to be trusted beyond its end: the next header is searched for.
        at = at + size if known and size and _is_header(stream, at + size) else at
    if not read:
        if locked:
            raise Encrypted("every member of the archive is under a password: no text read")
        raise Malformed("the ZIP archive has no directory and no readable member")
    job.note("MALFORMED_FILE", "the ZIP archive has no readable directory: its members were searched for")


def _loose(stream: BinaryIO, at: int, size: int, method: int, job: Job) -> Iterator[bytes]:
    some = False
    try:
        for piece in stepwise(extent(stream, at, size), by_zip_method(method), job.budget):
            some = True
            yield piece
    except ERRORS as err:
        if not some:
            raise Malformed("the member is damaged or breaks off") from err


def _is_header(stream: BinaryIO, at: int) -> bool:
    stream.seek(at)
    return stream.read(2) == b"PK"


def _until(stream: BinaryIO, at: int) -> int:
    """Bytes from `at` to the next header or descriptor."""
    ends = [end for end in (_find(stream, at, mark) for mark in (b"PK\x07\x08", _LOCAL, b"PK\x01\x02")) if end >= 0]
    return min(ends) - at if ends else 1 << 62


def _find(stream: BinaryIO, at: int, mark: bytes) -> int:
    """Where `mark` next stands, or -1."""
    stream.seek(at)
    tail = b""
    while True:
        block = stream.read(_READ)
        if not block:
            return -1
        data = tail + block
        found = data.find(mark)
        if found >= 0:
            return at - len(tail) + found
        at += len(block)
        tail = data[-(len(mark) - 1) :]
