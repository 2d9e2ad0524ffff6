"""How blocks of Avro files are packed. Source: Avro 1.12 specification, "Required Codecs" and "Optional Codecs"."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, cast

from piiscan.errors import LimitReached
from piiscan.extract import Job


def _bounded(new: Callable[[], Any]) -> Callable[[bytes, Job], bytes]:
    def inflate(data: bytes, job: Job) -> bytes:
        unpacker = new()
        out = unpacker.decompress(data, job.limits.part_bytes + 1)
        return _spent(out, job)

    return inflate


def _spent(out: bytes, job: Job) -> bytes:
    job.budget.spend(len(out))
    if len(out) > job.limits.part_bytes:
        raise LimitReached(f"a block of records is larger than {job.limits.part_bytes} bytes")
    return out


def _snappy(data: bytes, job: Job) -> bytes:
    """Raw snappy with a checksum of four bytes behind it; the size stands in front."""
    import pyarrow as pa

    size = shift = 0
    for byte in data[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    job.budget.spend(size)
    if size > job.limits.part_bytes:
        raise LimitReached(f"a block of records is larger than {job.limits.part_bytes} bytes")
    return cast(bytes, pa.Codec("snappy").decompress(data[:-4], size, asbytes=True))


def _zstandard(data: bytes, job: Job) -> bytes:
    import zstandard

    limit = job.limits.part_bytes
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as unpacker:
        return _spent(unpacker.read(limit + 1), job)


CODECS: dict[str, Callable[[bytes, Job], bytes]] = {
    "null": lambda data, job: data,
    "deflate": _bounded(lambda: zlib.decompressobj(-15)),
    "bzip2": _bounded(bz2.BZ2Decompressor),
    "xz": _bounded(lambda: lzma.LZMADecompressor(memlimit=256 << 20)),
    "snappy": _snappy,
    "zstandard": _zstandard,
}
"""Unpacks a block, its bytes booked. Raises: LimitReached, and whatever the codec raises on damage."""
