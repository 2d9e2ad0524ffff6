"""Pictures in old Word documents and PowerPoint presentations: metafiles for their texts, others for their metadata.

Source: MS-ODRAW 2.2.23 to 2.2.31 (OfficeArtBlip records), 2.2.32 (metafile header).
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator

from piiscan.extract.inflate import Inflate, stepwise
from piiscan.extract.ole import Compound
from piiscan.model import Segment

_STREAMS = ("Data", "Pictures", "WordDocument")
_HEAD = re.compile(rb"(?s)(..)([\x1a\x1b\x1d\x1e\x2a]\xf0)(....)")
_KINDS = {
    0x3D4: ("emf", 16), 0x3D5: ("emf", 32), 0x216: ("wmf", 16), 0x217: ("wmf", 32),
    0x46A: ("jpeg", 17), 0x46B: ("jpeg", 33), 0x6E2: ("jpeg", 17), 0x6E3: ("jpeg", 33),
    0x6E0: ("png", 17), 0x6E1: ("png", 33),
}  # fmt: skip
"""Kind, and bytes of identifiers before the content, by the instance of the record."""
_MOST = 10_000


def picture_segments(compound: Compound) -> Iterator[Segment]:
    """The segments of all pictures; that none of them was read by OCR is not said, as they stand beside text."""
    job, count = compound.job, 0
    for stream in _STREAMS:
        data = compound.read(stream)
        at = 0
        while count < _MOST and (found := _HEAD.search(data, at)) is not None:
            at = found.start() + 1
            instance, size = int.from_bytes(found[1], "little") >> 4, int.from_bytes(found[3], "little")
            kind, skip = _KINDS.get(instance, ("", 0))
            begin, end = found.end() + skip, found.end() + size
            if not kind or not skip < size <= len(data) - found.end():
                continue
            content = data[begin:end]
            if kind in ("emf", "wmf"):
                content = _metafile(compound, content)
            if content:
                count += 1
                at = end
                before = len(job.budget.notes)
                yield from job.nested(f"picture {count}.{kind}", io.BytesIO(content))
                if not job.limits.ocr:
                    job.budget.notes[before:] = [n for n in job.budget.notes[before:] if not n.startswith("OCR:")]


def _metafile(compound: Compound, data: bytes) -> bytes:
    """A metafile out of its compression; empty when it is damaged or too large."""
    if len(data) < 34:
        return b""
    (size,) = struct.unpack_from("<I", data, 0)
    if data[32] or size > compound.job.limits.part_bytes:
        return data[34:] if data[32] == 0xFE else b""
    out: list[bytes] = []
    try:
        for piece in stepwise(iter((data[34:],)), Inflate(15), compound.job.budget):
            out.append(piece)
            size -= len(piece)
            if size < 0:
                break
    except (zlib.error, EOFError, ValueError):
        pass
    return b"".join(out)
