"""Live secrets as a stage of the stack: one rule for each, matches out of texts and of columns.

A match is reported beside whatever the rules say of the same characters: that it looks like a password and that it is
the one that works now are two facts.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from piiscan.cells import Coded, joined
from piiscan.live.find import Finder, Hit
from piiscan.live.needles import Live
from piiscan.model import ColumnSegment, TextSegment

CONFIDENCE = 1.0
"""It is the value: another one has the same hash once in 2^128."""


class LiveRecognizer:
    """The live secrets of a run."""

    beside = True
    """Its matches do not compete with those of rules; see above."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.rules = live.rules

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self._live)

    def session(self) -> LiveSession:
        """For one object."""
        return LiveSession(self._finder)


class LiveSession:
    """One object's way past the live secrets."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._encoded: set[tuple[int, int, int]] = set()
        """Secrets that were found in Base64, and where."""

    def __call__(self, segment: TextSegment) -> list[tuple[int, int, int, float]]:
        """(rule, start, end, confidence) of the matches of a text, in characters."""
        block = segment.utf8 if segment.utf8 is not None else segment.text.encode("utf-8", "surrogatepass")
        hits = self._finder.hits(block)
        if segment.encoded is not None:  # what was decoded was read before as it stood
            hits = [hit for hit in hits if not self._told(hit.secret, *segment.encoded)]
        if not hits:
            return []
        starts = _characters(block, [hit.start for hit in hits])
        ends = _characters(block, [hit.end for hit in hits])
        rows = [(hit.secret, start, end, CONFIDENCE) for hit, start, end in zip(hits, starts, ends, strict=True)]
        if segment.encoded is None:
            self._encoded |= {row[:3] for row, hit in zip(rows, hits, strict=True) if hit.encoded}
        return rows

    def _told(self, secret: int, start: int, end: int) -> bool:
        return any(number == secret and start <= low and high <= end for number, low, high in self._encoded)

    def column(self, segment: ColumnSegment) -> list[tuple[int, int, int, int, float]]:
        """(rule, item, start, end, confidence) of the matches of a column, by item; spans are inside the value."""
        values = segment.values
        if isinstance(values, Coded) and not self._finder.hits(joined(values.distinct)[0]):
            return []
        block, bounds = joined(values)
        out = []
        for hit, item in _in_items(self._finder.hits(block), bounds):
            low = int(bounds[item])
            start, end = _characters(block[low : hit.end], [hit.start - low, hit.end - low])
            out.append((hit.secret, item, start, end, CONFIDENCE))
        return sorted(out, key=lambda row: row[1:3])


def _in_items(hits: list[Hit], bounds: npt.NDArray[np.int64]) -> list[tuple[Hit, int]]:
    """The hits that lie in one value each, and in which."""
    items = np.searchsorted(bounds, np.array([hit.start for hit in hits], np.int64), side="right") - 1
    return [(hit, item) for hit, item in zip(hits, items.tolist(), strict=True) if hit.end < bounds[item + 1]]


def _characters(block: bytes, places: list[int]) -> list[int]:
    """How many characters stand before places of UTF-8."""
    if block.isascii():
        return places
    begins = np.cumsum((np.frombuffer(block, np.uint8) & 0xC0) != 0x80)
    return [int(begins[place - 1]) if place else 0 for place in places]
