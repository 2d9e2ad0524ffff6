"""Segments for people: each piece of text beside its own place, overlaps left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from piiscan.model import LINE_BREAK, NOWHERE, Place, Segment, TextSegment


def lines(segment: Segment) -> Iterator[tuple[str, Place]]:
    """(text, place) of every value of a column, every piece of a text, every line of a plain text."""
    if not isinstance(segment, TextSegment):
        for index, value in enumerate(segment.values):
            yield value, segment.place_of(index)
        return
    low, high = segment.core if segment.core is not None else (0, len(segment.text))
    if segment.line is not None:
        yield from _plain(segment, low, high)
        return
    if not segment.starts:
        yield segment.text[low:high], NOWHERE
        return
    ends = [*segment.starts[1:], len(segment.text)]
    for start, end, place in zip(segment.starts, ends, segment.places, strict=True):
        # What separates cells and pieces is none of their text.
        text = segment.text[max(start, low) : min(end, high)].strip("\n\t")
        if text:
            yield text, place


def _plain(segment: TextSegment, low: int, high: int) -> Iterator[tuple[str, Place]]:
    """Lines of plain text; a line cut by the core's edge comes in two pieces with their columns."""
    base = segment.places[0] if segment.places else NOWHERE
    line, column, at = segment.line or 1, segment.column, 0
    for found in (*LINE_BREAK.finditer(segment.text), None):
        stop = found.start() if found is not None else len(segment.text)
        start, end = max(at, low), min(stop, high)
        if start < end:
            yield segment.text[start:end], replace(base, line=line, column=column + start - at)
        if found is None:
            return
        line, column, at = line + 1, 1, found.end()
