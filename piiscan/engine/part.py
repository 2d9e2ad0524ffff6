"""A part of a large text or of JSON Lines: where its lines begin and end, the stream it is read from, its segments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

from piiscan.errors import NotRead
from piiscan.extract import Job
from piiscan.extract.records import json_lines
from piiscan.extract.utf8 import MARGIN, Stretch, utf8_windows
from piiscan.identify import HEAD, Identified, identify
from piiscan.model import ObjectRef, Segment

JSON_LINES = "application/x-ndjson"
WHOLE = "NOT_IN_PARTS"
"""The reason of a part of an object that must be read whole; it is never stored."""
LONGEST_LINE = 1 << 20
"""Bytes behind the end of a part in which a line ends; else the object is read whole."""


@contextmanager
def part_of(source: Any, ref: ObjectRef) -> Iterator[tuple[BinaryIO, Identified, Stretch]]:
    """A stream that begins a little before a part of a text in UTF-8, what the object is, and the part's stretch of it.

    Lines of JSON need nothing of what is before them: that stream is the stretch. A part is made of the lines that
    begin in `ref.part`. Raises: ObjectError; NotRead with `WHOLE` for an object of another kind.
    """
    assert ref.part is not None
    with closing(source.part(ref, 0, 4 * HEAD)) as head:
        found = identify(head, ref.name)
    if found.media_type not in ("text/plain", JSON_LINES) or found.charset not in ("utf-8", "utf-8-sig"):
        raise NotRead("no text in UTF-8", reason=WHOLE)
    first, last = (_line_begin(source, ref, at) for at in ref.part)
    if found.media_type == JSON_LINES:
        with closing(source.part(ref, first, last)) as stream:
            yield stream, found, Stretch(0, last - first)
        return
    low = max(first - MARGIN, 0)
    with closing(source.part(ref, low, ref.size)) as stream:
        if low:  # the rest of a character that began before
            inside = stream.peek(4)[:3]
            low += len(stream.read(len(inside) - len(inside.lstrip(bytes(range(0x80, 0xC0))))))
        yield stream, found, Stretch(first - low, last - first)


def segments_of(stream: BinaryIO, job: Job, stretch: Stretch) -> Iterator[Segment]:
    """The segments of a part's stretch; it is counted on the way."""
    if job.media_type == JSON_LINES:
        return json_lines(stream, job, stretch)
    return utf8_windows(stream, job, stretch=stretch)


def _line_begin(source: Any, ref: ObjectRef, at: int) -> int:
    """Where the first line begins at or behind a byte. Raises: ObjectError."""
    if at in (0, ref.size):
        return at
    with closing(source.part(ref, at - 1, at - 1 + LONGEST_LINE)) as stream:
        data = stream.read(LONGEST_LINE)
    found = data.find(b"\n")
    if found < 0 and at - 1 + len(data) < ref.size:
        raise NotRead("its lines are too long", reason=WHOLE)
    return int(at + found) if found >= 0 else ref.size
