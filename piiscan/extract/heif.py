"""Metadata items of HEIF pictures (HEIC, AVIF). Source: ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 6.5.3, annex A."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

_META = 16 << 20
"""Bytes of the box that describes the items."""
_ITEM = 16 << 20
_ITEMS = 10_000


def items(source: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """("exif", TIFF structure), ("xmp", packet) of each such item, and ("size", two 32-bit numbers) of each picture."""
    meta = _meta(source)
    if not meta:
        return
    boxes = dict(_boxes(meta, 4, len(meta)))
    kinds = _kinds(meta[slice(*boxes.get(b"iinf", (0, 0)))])
    extents = _extents(meta[slice(*boxes.get(b"iloc", (0, 0)))])
    inner = boxes.get(b"idat", (0, 0))
    for number, kind in kinds.items():
        parts = []
        for method, offset, length in extents.get(number, ())[:1000]:
            if method == 0:
                source.seek(min(offset, 1 << 62))
                parts.append(source.read(min(length or _ITEM, _ITEM)))
            elif method == 1:
                parts.append(meta[inner[0] + offset : min(inner[0] + offset + length, inner[1])])
        data = b"".join(parts)
        if kind == "exif" and len(data) > 4:
            skip = 4 + int.from_bytes(data[:4], "big")
            yield "exif", data[skip:].removeprefix(b"Exif\0\0")
        elif data:
            yield kind, data
    properties = meta[slice(*boxes.get(b"iprp", (0, 0)))]
    for name, (first, last) in _boxes(properties, 0, len(properties)):
        if name == b"ipco":
            for inner_name, (at, _) in _boxes(properties, first, last):
                if inner_name == b"ispe" and len(properties) >= at + 12:
                    yield "size", properties[at + 4 : at + 12]


def _meta(source: BinaryIO) -> bytes:
    """The content of the top-level `meta` box."""
    at = 0
    end = source.seek(0, io.SEEK_END)
    for _ in range(1000):
        source.seek(at)
        head = source.read(16)
        if len(head) < 8:
            break
        size, skip = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16], "big"), 16
        size = size or end - at
        if size < skip:
            break
        if head[4:8] == b"meta":
            source.seek(at + skip)
            return source.read(min(size - skip, _META))
        at += size
    return b""


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """(type, range of the content) of the boxes in a range."""
    while at + 8 <= end:
        size, skip = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, skip = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        size = size or end - at
        if size < skip:
            return
        yield data[at + 4 : at + 8], (at + skip, min(at + size, end))
        at += size


def _kinds(data: bytes) -> dict[int, str]:
    """ "exif" or "xmp" by item number, of the items that are metadata."""
    found: dict[int, str] = {}
    if len(data) < 6:
        return found
    for name, (first, last) in _boxes(data, 6 if data[0] == 0 else 8, len(data)):
        entry = data[first:last]
        if name != b"infe" or len(entry) < 12 or entry[0] < 2:
            continue
        wide = 2 if entry[0] == 2 else 4
        number, kind = int.from_bytes(entry[4 : 4 + wide], "big"), entry[6 + wide : 10 + wide]
        if kind == b"Exif":
            found[number] = "exif"
        elif kind == b"mime" and b"rdf+xml" in entry[10 + wide :]:
            found[number] = "xmp"
        if len(found) >= _ITEMS:
            break
    return found


def _extents(data: bytes) -> dict[int, list[tuple[int, int, int]]]:
    """(construction method, offset, length) of the parts of each item."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    if len(data) < 8:
        return found
    version = data[0]
    sizes = (data[4] >> 4, data[4] & 15, data[5] >> 4, data[5] & 15 if version else 0)
    stream = io.BytesIO(data[6:])

    def number(size: int) -> int:
        return int.from_bytes(stream.read(size), "big")

    for _ in range(min(number(2 if version < 2 else 4), _ITEMS)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(sizes[2])
        for _ in range(number(2)):
            number(sizes[3])
            offset, length = number(sizes[0]), number(sizes[1])
            found.setdefault(item, []).append((method, base + offset, length))
        if stream.tell() >= len(data) - 6:
            break
    return found
