"""Which places hold values of the set, and which rows of the table these are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from piiscan.exact.confidence import alone
from piiscan.exact.keyed import U64, Keyed
from piiscan.exact.normal import Kind
from piiscan.exact.setfile import Arrays, Header
from piiscan.exact.tokens import Found

MOST_ROWS = 20
"""Rows of the table that one value may stand in; one in more of them is a filler and is not kept."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A value of one column of the set, in bytes of the block."""

    column: int
    start: int
    end: int
    rows: tuple[int, ...]
    """Tags of the rows that it stands in."""
    confidence: float


class Lookup:
    """The hashes of a set."""

    def __init__(self, header: Header, arrays: Arrays, keyed: Keyed) -> None:
        self._keyed, self._arrays = keyed, arrays
        self._chance = {int(size): count / 10 ** int(size) for size, count in header.digits.items()}
        self.has_evidence = any(column.evidence for column in header.columns)
        """Whether some columns count beside others only."""

    def hits(self, places: Sequence[Found]) -> list[Hit]:
        """The places that hold values of columns that count alone, one hit for each column, by start."""
        if not places:
            return []
        low, high = self._ranges(self._keyed.hashes((p.kind, p.form) for p in places))
        out: list[Hit] = []
        some = np.flatnonzero(high > low)
        low, counts = low[some], (high - low)[some].tolist()
        first = (self._arrays.columns[low].tolist(), self._arrays.rows[low].tolist())
        for index, begin, count, column, row in zip(some.tolist(), low.tolist(), counts, *first, strict=True):
            place = places[index]
            worth = alone(place.kind, place.form, place.pieces, self._chance.get(len(place.form), 0.0))
            if count == 1:
                out.append(Hit(column, place.start, place.end, (row,), worth))
                continue
            columns = self._arrays.columns[begin : begin + count].tolist()
            rows = self._arrays.rows[begin : begin + count].tolist()
            for column in dict.fromkeys(columns):
                mine = tuple(row for row, other in zip(rows, columns, strict=True) if other == column)
                out.append(Hit(column, place.start, place.end, mine, worth))
        return sorted(out, key=lambda hit: (hit.start, -hit.end, hit.column))

    def supporting(self, values: Sequence[tuple[Kind, bytes]], rows: Sequence[int]) -> list[tuple[int, int, int]]:
        """(index of the value, column, row) where a value stands in a supporting column of one of some rows."""
        low, high = self._ranges(self._keyed.hashes(values, supporting=True))
        out = []
        for index in np.flatnonzero(high > low).tolist():
            begin, end = int(low[index]), int(high[index])
            tags = self._arrays.rows[begin:end]
            for row in rows:  # a first name stands in a million rows: they are ascending
                at = begin + int(np.searchsorted(tags, row))
                while at < end and self._arrays.rows[at] == row:
                    out.append((index, int(self._arrays.columns[at]), row))
                    at += 1
        return out

    def _ranges(self, hashes: U64) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where the entries of each hash begin and end."""
        known = self._arrays.hashes
        order = np.argsort(hashes)  # in order, so that near pages are read together
        low, high = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
        low[order] = np.searchsorted(known, hashes[order], side="left")
        high[order] = np.searchsorted(known, hashes[order], side="right")
        return low, high


def outermost(hits: Sequence[Hit]) -> list[Hit]:
    """The hits without those inside a longer one, and of one span and column the surest; by start."""
    out: list[Hit] = []
    begin, reach = -1, -1
    for hit in sorted(hits, key=lambda h: (h.start, -h.end, h.column, -h.confidence)):
        if hit.end <= reach and (hit.start, hit.end) != (begin, reach):
            continue
        if out and (out[-1].start, out[-1].end, out[-1].column) == (hit.start, hit.end, hit.column):
            continue
        out.append(hit)
        if hit.end > reach:
            begin, reach = hit.start, hit.end
    return out


def surer(hit: Hit, confidence: float) -> Hit:
    """A hit with a higher confidence."""
    return replace(hit, confidence=max(hit.confidence, confidence))
