"""Macros of Office documents: the source of each module, taken out of its compressed stream.

Source: MS-OVBA 2.4.1 (compression), 2.3.4.2 (dir stream), 2.3.4.3 (module streams).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from piiscan.extract.ole import Compound, Path, shown
from piiscan.extract.text import windows
from piiscan.model import Segment

_STREAM_NAME, _OFFSET, _CODE_PAGE, _VERSION = 0x001A, 0x0031, 0x0003, 0x0009


def macro_segments(compound: Compound) -> Iterator[Segment]:
    """The modules of every project, with part "macro", the module as path, and lines."""
    for path in sorted(compound.streams):
        if len(path) >= 2 and path[-1].lower() == "dir" and path[-2].lower() == "vba":
            yield from _project(compound, path)


def _project(compound: Compound, path: Path) -> Iterator[Segment]:
    job = compound.job
    directory = decompressed(compound.read(*path), 16 << 20)
    charset, modules = _modules(directory)
    if not modules:
        job.note("MALFORMED_FILE", f"{shown(path)}: the macros cannot be listed")
    for name, offset in modules:
        source = decompressed(compound.read(*path[:-1], name)[offset:], job.limits.part_bytes)
        job.budget.spend(len(source))
        text = source.decode(charset, "replace")
        if text.strip():
            place = replace(job.place, part="macro", path=name)
            yield from windows((text,), place, flat=False, prose=False)


def _modules(data: bytes) -> tuple[str, list[tuple[str, int]]]:
    """Charset, and (stream name, offset of the source) of each module, from the records of the dir stream."""
    charset, name, out = "cp1252", "", list[tuple[str, int]]()
    at = 0
    while at + 6 <= len(data):
        kind, size = struct.unpack_from("<HI", data, at)
        if kind == _VERSION:
            size = 6  # its size says 4 and leaves the minor version out
        body = data[at + 6 : at + 6 + size]
        if kind == _CODE_PAGE and size >= 2:
            charset = f"cp{int.from_bytes(body[:2], 'little')}"
            try:
                "".encode(charset)
            except LookupError:
                charset = "cp1252"
        elif kind == _STREAM_NAME:
            name = body.decode(charset, "replace")
        elif kind == _OFFSET and name and size == 4:
            out.append((name, struct.unpack("<I", body)[0]))
            name = ""
        at += 6 + size
    return charset, out


def decompressed(data: bytes, most: int) -> bytes:
    """A compressed container in clear, at most `most` bytes; what came before an error where it is damaged."""
    out = bytearray()
    if not data.startswith(b"\x01"):
        return b""
    at = 1
    while at + 2 <= len(data) and len(out) < most:
        (header,) = struct.unpack_from("<H", data, at)
        end = min(at + (header & 0x0FFF) + 3, len(data))
        at += 2
        if not header & 0x8000:
            out += data[at : at + 4096]
            at += 4096
            continue
        begin = len(out)
        while at < end:
            flags = data[at]
            at += 1
            for bit in range(8):
                if at >= end:
                    break
                if not flags >> bit & 1:
                    out.append(data[at])
                    at += 1
                    continue
                if at + 2 > end:
                    return bytes(out)
                (token,) = struct.unpack_from("<H", data, at)
                at += 2
                bits = max((len(out) - begin - 1).bit_length(), 4)
                length = (token & (0xFFFF >> bits)) + 3
                offset = (token >> (16 - bits)) + 1
                if offset > len(out) - begin:
                    return bytes(out)
                for _ in range(length):
                    out.append(out[-offset])
    return bytes(out)
