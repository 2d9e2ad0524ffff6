"""Windows metafiles: the texts that they draw. Charts and icons of embedded files are kept in them as pictures.

Source: MS-EMF 2.3.5 (drawing records) and 2.3.4.2 (header); MS-EMFPLUS 2.3.4.14 (EmfPlusDrawString); MS-WMF 2.3.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from piiscan.errors import LimitReached
from piiscan.extract import Job
from piiscan.extract.pieces import Pieces
from piiscan.model import Segment

_EMF, _WMF = "image/emf", "image/wmf"
_HEADER, _COMMENT, _TEXT_A, _TEXT_W, _SMALL_TEXT = 1, 70, 83, 84, 108
_DRAW_STRING = 0x401C
_TEXT_OUT, _EXT_TEXT_OUT = 0x0521, 0x0A32


class Metafile:
    """The extractor of EMF and WMF pictures."""

    media_types = frozenset({_EMF, _WMF})

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Each text that is drawn as a piece of its own, with part "picture". Raises: LimitReached."""
        data = stream.read(job.limits.part_bytes + 1)
        if len(data) > job.limits.part_bytes:
            raise LimitReached(f"the picture is larger than {job.limits.part_bytes} bytes")
        pieces, place = Pieces(), replace(job.place, part="picture")
        texts = _enhanced(data) if job.media_type == _EMF else _plain(data)
        for text in texts:
            shown = text.replace("\0", "\n").strip()
            if shown:
                yield from pieces.add(shown, place)
        yield from pieces.flush()


EXTRACTOR = Metafile()


def _enhanced(data: bytes) -> Iterator[str]:
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if size < 8:
            return
        record = data[at : at + size]
        at += size
        if kind in (_TEXT_A, _TEXT_W) and len(record) >= 52:
            count, where = struct.unpack_from("<II", record, 44)
            yield _characters(record, where, count, wide=kind == _TEXT_W)
        elif kind == _SMALL_TEXT and len(record) >= 36:
            count, options = struct.unpack_from("<II", record, 16)
            yield _characters(record, 36 if options & 0x100 else 52, count, wide=not options & 0x200)
        elif kind == _HEADER and len(record) >= 68:
            count, where = struct.unpack_from("<II", record, 60)
            yield _characters(record, where, count, wide=True) if count and where else ""
        elif kind == _COMMENT and record[12:16] == b"EMF+":
            yield from _plus(record[16:])


def _plus(data: bytes) -> Iterator[str]:
    at = 0
    while at + 12 <= len(data):
        kind, _, size = struct.unpack_from("<HHI", data, at)
        if size < 12:
            return
        if kind == _DRAW_STRING and at + 40 <= len(data):
            yield _characters(data, at + 40, struct.unpack_from("<I", data, at + 20)[0], wide=True)
        at += size


def _plain(data: bytes) -> Iterator[str]:
    at = 22 if data.startswith(b"\xd7\xcd\xc6\x9a") else 0
    at += 18
    while at + 6 <= len(data):
        words, kind = struct.unpack_from("<IH", data, at)
        if words < 3:
            return
        if kind == _TEXT_OUT and at + 8 <= len(data):
            yield _characters(data, at + 8, struct.unpack_from("<H", data, at + 6)[0], wide=False)
        elif kind == _EXT_TEXT_OUT and at + 14 <= len(data):
            count, options = struct.unpack_from("<HH", data, at + 10)
            yield _characters(data, at + (22 if options & 6 else 14), count, wide=False)
        at += 2 * words


def _characters(data: bytes, at: int, count: int, *, wide: bool) -> str:
    raw = data[at : at + count * (2 if wide else 1)]
    return raw.decode("utf-16-le" if wide else "cp1252", "replace")
