"""The records of one log file, as they come out of its bytes: plain or gzip, JSON of CloudTrail or lines of S3.

Nothing of a file is kept but the record that is not whole yet, so a file may be of any size, packed or not.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from piiscan.errors import ObjectError
from piiscan.passes.logs import LONGEST, Records, log_passes

PACKED = 1 << 17
PIECE = 1 << 20
"""Bytes that are read, and inflated, in one go; what was just written is still in the processor's cache."""
HEAD = 1 << 16
"""Bytes within which the kind of a file must show."""
MOST = 1 << 14
"""Records of one step."""
TRAIL, LINES, DIGEST, OTHER = "trail", "lines", "digest", "other"

_ARRAY = re.compile(rb'"Records"\s*:\s*\[')
_LINE = re.compile(rb"^\S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \S+ ", re.MULTILINE)


@dataclass(slots=True)
class Reading:
    """What came of a file."""

    kind: str = OTHER
    """trail, lines, digest (of CloudTrail), other."""
    records: int = 0
    """Read, whatever they tell of."""
    broken: int = 0
    """Records or lines that were not understood."""
    note: str = ""
    """Why the file was not read to its end, a code and a sentence; empty: it was."""


def records(stream: BinaryIO, reading: Reading) -> Iterator[Records]:
    """The records of a file, some at a time, each good until the next is asked for; `reading` tells what came of it."""
    held = bytearray()
    source = _pieces(stream, reading)
    for piece in source:
        held += piece
        kind = kind_of(held)
        if kind:
            reading.kind = kind
            break
    else:
        reading.kind = kind_of(held, last=True) or OTHER
    if reading.kind == TRAIL:
        yield from _trail(held, source, reading)
    elif reading.kind == LINES:
        yield from _lines(held, source, reading)


def kind_of(head: bytes | bytearray, *, last: bool = False) -> str:
    """The kind of a file by how it begins; empty: more of it is wanted.

    >>> kind_of(b'{"Records": [{'), kind_of(b'{"digestStartTime": '), kind_of(b"{"), kind_of(b"{}", last=True)
    ('trail', 'digest', '', 'other')
    """
    begin = bytes(head[:HEAD]).lstrip(b"\xef\xbb\xbf \r\n\t")
    if begin.startswith(b"{"):
        if _ARRAY.search(begin):
            return TRAIL
        if b'"digestStartTime"' in begin:
            return DIGEST
    elif _LINE.search(begin):
        return LINES
    return OTHER if last or len(head) >= HEAD else ""


def _pieces(stream: BinaryIO, reading: Reading) -> Iterator[bytes]:
    """The bytes of a file, inflated where they are packed, as far as they can be read."""
    try:
        chunk = stream.read(PACKED)
        if chunk[:2] != b"\x1f\x8b":
            while chunk:
                yield chunk
                chunk = stream.read(PIECE)
            return
        inflater = zlib.decompressobj(31)
        while chunk:
            before = inflater.copy()
            try:
                piece = inflater.decompress(chunk, PIECE)
            except zlib.error:
                if piece := _salvaged(before, chunk):
                    yield piece
                raise
            chunk = inflater.unconsumed_tail
            if piece:
                yield piece
            if inflater.eof:
                chunk = inflater.unused_data.lstrip(b"\0") or stream.read(PACKED)
                if chunk:
                    inflater = zlib.decompressobj(31)  # members may follow each other
            elif not chunk:
                chunk = stream.read(PACKED)
        if not inflater.eof:
            reading.note = "TRUNCATED: the gzip data ends before its end"
    except zlib.error:
        reading.note = "MALFORMED_FILE: the gzip data is damaged"
    except ObjectError as err:
        reading.note = f"{err.reason}: {err}"


def _salvaged(inflater: Any, chunk: bytes) -> bytes:
    """What can be inflated of damaged data up to the damage, `PIECE` bytes at the most."""
    out = bytearray()
    with suppress(zlib.error):
        for at in range(len(chunk)):
            out += inflater.decompress(chunk[at : at + 1], PIECE)
            if len(out) > PIECE or inflater.unconsumed_tail:
                break
    return bytes(out)


def _trail(held: bytearray, source: Iterator[bytes], reading: Reading) -> Iterator[Records]:
    passes = log_passes()
    at, inside, lost, last = 0, False, False, False
    while True:
        if not inside:
            found = _ARRAY.search(held, at)
            if found is None:
                del held[: max(len(held) - HEAD, 0)]
                at, last = 0, not _more(held, source)
                if last:
                    return
                continue
            at, inside, lost = found.end(), True, False
        step = passes.trail(held, at, lost=lost, last=last, most=MOST)
        reading.records += len(step)
        reading.broken += step.broken
        if len(step):
            yield step
        at, lost = step.behind, step.state == 2
        if step.state == 1:
            inside = False
        elif last:
            if step.state == 2 or at >= len(held) or not (len(step) or step.broken):
                reading.note = reading.note or "TRUNCATED: the list of records does not end"
                return
        elif len(step) < MOST:
            del held[:at]
            at, last = 0, not _more(held, source)


def _lines(held: bytearray, source: Iterator[bytes], reading: Reading) -> Iterator[Records]:
    passes = log_passes()
    last, skipping = False, False
    while True:
        if skipping:
            end = held.find(b"\n")
            del held[: end + 1 if end >= 0 else len(held)]
            skipping = end < 0
        at, full = 0, True
        while full and not skipping:
            step = passes.lines(held, at, last=last, most=MOST)
            reading.records += len(step)
            reading.broken += step.broken
            if len(step):
                yield step
            at, full = step.behind, len(step) == MOST
        if last:
            return
        del held[:at]
        if len(held) > LONGEST and not skipping:
            reading.broken += 1
            skipping = True
        last = not _more(held, source)


def _more(held: bytearray, source: Iterator[bytes]) -> bool:
    """Whether more of the file came behind what is held."""
    piece = next(source, b"")
    held += piece
    return bool(piece)
