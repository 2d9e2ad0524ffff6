"""Several fields of one row of the customers' table: near each other in a text, or in one row of a table that is read.

Evidence of a supporting column (a first name, a birth date) is looked for around what was found already, and only of
the rows that this is from: so a common name costs nothing and finds nothing elsewhere.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from piiscan.exact.confidence import TOGETHER
from piiscan.exact.lookup import Hit, Lookup, surer
from piiscan.exact.normal import MOST, Kind, normal
from piiscan.model import ColumnSegment, Place

NEAR = 200
"""Bytes of folded text between two fields of a row, at most."""
MOST_LOOKED = 500
"""Hits of one segment around which evidence is looked for: it costs a fifth of a millisecond each."""
MOST_SEGMENTS = 64
"""Columns of a block of a table that are kept, so that later ones can be compared with them."""
EVIDENCE_WORDS = 4
_PIECE = re.compile(rb"[0-9A-Za-z\x80-\xff]+")

Item = tuple[Hit, int, int, int]
"""A hit with the index of its cell and its span in that."""


class Beside:
    """What stands near what, in one text."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def raised(self, hits: Sequence[Hit]) -> list[Hit]:
        """The hits; surer where another column's value of the same row stands near."""
        seen: dict[int, dict[int, int]] = defaultdict(dict)
        """For each row the last hit of each column."""
        sure: set[int] = set()
        for index, hit in enumerate(hits):
            for row in hit.rows:
                others = seen[row]
                for column, other in others.items():
                    near = hit.start - hits[other].end <= NEAR
                    if column != hit.column and near and hits[other].start != hit.start:
                        sure |= {index, other}
                others[hit.column] = index
        return [surer(hit, TOGETHER) if index in sure else hit for index, hit in enumerate(hits)]

    def evidence(self, block: bytes, hits: Sequence[Hit]) -> list[Hit]:
        """Values of supporting columns near hits of their rows, and those hits, now surer."""
        out: list[Hit] = []
        if not self._lookup.has_evidence:
            return out
        starts = [hit.start for hit in hits]
        for hit in hits[:MOST_LOOKED]:
            places = [place for place in _around(block, hit) if not _taken(place, hits, starts)]
            found = self._lookup.supporting([(kind, form) for kind, form, _, _ in places], hit.rows)
            out += [Hit(column, places[i][2], places[i][3], (row,), TOGETHER) for i, column, row in found]
            if found:
                out.append(surer(hit, TOGETHER))
        return out


Nearby = tuple[Kind, bytes, int, int]
"""Kind, form, start and end of what may be a value of a supporting column."""


def _taken(place: Nearby, hits: Sequence[Hit], starts: Sequence[int]) -> bool:
    """Whether a place is part of a hit: a name within somebody's address is no evidence of its own."""
    behind = bisect_left(starts, place[3])
    return any(hit.end > place[2] for hit in hits[max(behind - 3, 0) : behind])


def _around(block: bytes, hit: Hit) -> Iterator[Nearby]:
    """Everything near a hit that a value of a supporting column may be."""
    low, high = max(hit.start - NEAR, 0), min(hit.end + NEAR, len(block))
    pieces = [(m.start() + low, m.end() + low) for m in _PIECE.finditer(block[low:high])]
    if pieces and low and block[low - 1 : low].isalnum():
        del pieces[0]  # half a word
    for first, (start, _) in enumerate(pieces):
        form = b""
        for at, end in pieces[first : first + EVIDENCE_WORDS]:
            form += block[at:end].lower()
            if len(form) > MOST:
                break
            if len(form) > 1:
                yield Kind.NUMBER if form.isdigit() else Kind.WORDS, form, start, end


class Table:
    """What one object's tables held so far: tables come column by column, a block of rows at a time."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._base: Place | None = None
        self._last = -1
        """The last row of the present block."""
        self._seen: dict[int, list[Hit]] = {}
        """Hits of earlier columns, by the row that was read."""
        self._found: dict[int, list[Hit]] = {}
        """Hits of the column at hand."""
        self._kept: list[ColumnSegment] = []
        """Earlier columns of the present block in which evidence may stand."""

    @property
    def waiting(self) -> bool:
        """Whether a column without a hit may hold evidence."""
        return self._lookup.has_evidence and bool(self._seen)

    def pass_by(self, segment: ColumnSegment) -> None:
        """Take notice of a column in which nothing was found."""
        self._turn(segment)
        self._keep(segment)

    def _turn(self, segment: ColumnSegment) -> None:
        """Forget what was there when a block of other rows begins."""
        if segment.base != self._base or (len(segment.rows) and int(segment.rows[0]) > self._last):
            self._base, self._last, self._seen, self._kept = segment.base, -1, {}, []
        if len(segment.rows):
            self._last = max(self._last, int(segment.rows[-1]))

    def _keep(self, segment: ColumnSegment) -> None:
        if self._lookup.has_evidence and len(self._kept) < MOST_SEGMENTS:
            self._kept.append(segment)

    def raised(self, segment: ColumnSegment, items: Sequence[Item]) -> list[tuple[Item, float]]:
        """The hits of a column with their confidence: surer beside another field, in an earlier column or their own."""
        self._turn(segment)
        by_row: dict[int, list[Hit]] = defaultdict(list)
        for hit, item, _, _ in items:
            by_row[int(segment.rows[item])].append(hit)
        earlier = self._earlier(by_row)
        out = []
        for entry in items:
            hit, row = entry[0], int(segment.rows[entry[1]])
            others = (*self._seen.get(row, ()), *by_row[row])
            sure = row in earlier or any(
                other.column != hit.column and not set(other.rows).isdisjoint(hit.rows)
                for other in others
                if other is not hit
            )
            out.append((entry, TOGETHER if sure else hit.confidence))
        self._found = by_row
        return out

    def _earlier(self, by_row: dict[int, list[Hit]]) -> set[int]:
        """The rows read that hold evidence for their hits in earlier columns."""
        found = set()
        for other in self._kept if by_row else ():
            index = {int(row): i for i, row in enumerate(other.rows)} if len(other.rows) else {}
            for row in list(by_row)[:MOST_LOOKED]:
                at = index.get(row)
                if at is not None and self._evidence_in(other.values[at], by_row[row]):
                    found.add(row)
        return found

    def _evidence_in(self, value: str, hits: Sequence[Hit]) -> list[int]:
        """The supporting columns in which a whole cell stands, in the rows of some hits."""
        tags = list(dict.fromkeys(tag for hit in hits for tag in hit.rows))
        return [column for _, column, _ in self._lookup.supporting([normal(value)], tags)]

    def evidence(self, segment: ColumnSegment) -> list[tuple[int, int, int, int, float]]:
        """(column, item, start, end, confidence) of cells that are evidence for hits of earlier columns."""
        out = []
        if self.waiting:
            looked = 0
            for item, number in enumerate(segment.rows):
                hits = self._seen.get(int(number))
                if hits is None or looked >= MOST_LOOKED:
                    continue
                looked += 1
                value = segment.values[item]
                for column in self._evidence_in(value, hits):
                    out.append((column, item, 0, len(value), TOGETHER))
        for row, hits in self._found.items():
            self._seen.setdefault(row, []).extend(hits)
        self._found = {}
        self._keep(segment)
        return out
