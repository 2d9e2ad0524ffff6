"""Names around a Word document's text: who saved and revised it and where, its bookmarks and its variables.

Source: MS-DOC 2.5.6 (FibRgFcLcb97), 2.2.4 (STTB), 2.9.288 and following (SttbfAssoc, SttbfRMark, SttbSavedBy).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from piiscan.extract.ole import Compound
from piiscan.extract.pieces import Pieces
from piiscan.model import Segment

_LISTS = ((32, "properties"), (71, "saved by"), (51, "author"), (21, "bookmark"), (72, "file name"), (60, "variable"))
"""(pair of the header, part) of lists of strings."""
_OWNERS = 36
"""Pair of the authors of comments."""
_MOST = 100_000


def names_segments(compound: Compound, main: bytes, table: bytes, pairs: int, *, word6: bool) -> Iterator[Segment]:
    """The lists of names of a document of Word 97 or later, one piece a name."""
    if word6:
        return
    pieces = Pieces(prose=False)
    (count,) = struct.unpack_from("<H", main, pairs - 2) if len(main) >= pairs else (0,)

    def data_of(pair: int) -> bytes:
        if pair >= count or len(main) < pairs + 8 * pair + 8:
            return b""
        at, size = struct.unpack_from("<2I", main, pairs + 8 * pair)
        return table[at : at + size]

    for pair, part in _LISTS:
        place = replace(compound.job.place, part=part)
        for name in dict.fromkeys(_strings(data_of(pair))):
            # Bookmarks that Word sets itself say nothing.
            if not name.startswith("_"):
                yield from pieces.add(name, place)
    place = replace(compound.job.place, part="author")
    for name in dict.fromkeys(_owners(data_of(_OWNERS))):
        yield from pieces.add(name, place)
    yield from pieces.flush()


def _strings(data: bytes) -> Iterator[str]:
    """The strings of an STTB of 16-bit characters."""
    if len(data) < 6 or data[:2] != b"\xff\xff":
        return
    count, extra = struct.unpack_from("<2H", data, 2)
    at = 6
    for _ in range(min(count, _MOST)):
        if at + 2 > len(data):
            return
        size = struct.unpack_from("<H", data, at)[0] * 2
        text = data[at + 2 : at + 2 + size].decode("utf-16-le", "replace").strip("\0 ")
        if text:
            yield text
        at += 2 + size + extra


def _owners(data: bytes) -> Iterator[str]:
    at = 0
    while at + 2 <= len(data):
        size = struct.unpack_from("<H", data, at)[0] * 2
        text = data[at + 2 : at + 2 + size].decode("utf-16-le", "replace").strip("\0 ")
        if text:
            yield text
        at += 2 + size
