"""Room 6, what may be kept: the only way from a match to an occurrence.

A value becomes a masked form and a keyed fingerprint here and is dropped. The fingerprint is BLAKE2b with the store's
own key over the normalised value: a bare hash of a nine-digit number is undone in minutes.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells, Coded, filled
from piiscan.classify.checksum import compact, is_sample
from piiscan.fingerprints import DistinctValues
from piiscan.locate import Locator
from piiscan.model import (
    Category,
    ColumnFound,
    ColumnSegment,
    Finding,
    Fingerprint,
    MatchBatch,
    Occurrence,
    Rule,
    RuleId,
    Segment,
    TextSegment,
)

IntArray = npt.NDArray[np.int64]

KEPT_OCCURRENCES = 1_000
"""Occurrences kept per object and rule, as many as Macie keeps locations."""
KEPT_COLUMNS = 10_000
"""Columns of an object that are counted."""
MAX_VALUES = 4_000_000
"""Distinct values kept per object and rule, as fingerprints."""

MASK = "*"
MASK_LIMIT = 32
"""Longest run of mask characters: the length of a long secret is nobody's business."""


def mask(value: str, keep_start: int, keep_end: int) -> str:
    """`value` with its letters and digits starred but for the kept ends; at most half of a value is ever kept.

    >>> mask("4111 1111 1111 1111", 0, 4)
    '**** **** **** 1111'
    >>> mask("ann@example.org", 1, 0)
    'a**@*******.***'
    """
    size = len(value)
    shown = size - len(_HIDDEN.findall(value))
    # Signs are no secret, and must not count for one: half of what is starred, at most, is kept.
    keep_start, keep_end = min(keep_start, (size - shown) // 4), min(keep_end, (size - shown) // 4)
    if shown == size:
        return MASK * min(size, MASK_LIMIT)
    middle = value[keep_start : size - keep_end]
    starred = _HIDDEN.sub(MASK, middle[:MASK_LIMIT])
    return value[:keep_start] + starred + ("…" if len(middle) > MASK_LIMIT else "") + value[size - keep_end :]


_HIDDEN = re.compile(r"[^ -~]|[0-9A-Za-z]")
"""What a mask stars: all but the space and the signs of ASCII; anything else may be part of a word in some script."""


def mask_for(rule: Rule, value: str) -> str:
    """The masked form of a value by its rule; of a secret, nothing between the kept ends shows, signs included."""
    if rule.category is Category.CREDENTIALS:
        start = min(rule.mask.keep_start, len(value) // 4)
        end = min(rule.mask.keep_end, len(value) // 4)
        return value[:start] + MASK * 8 + (value[len(value) - end :] if end else "")
    return mask(value, rule.mask.keep_start, rule.mask.keep_end)


def normalised(rule: Rule, value: str) -> str:
    """The form of a value that its fingerprint is made of, so that spellings of one value agree.

    Secrets stay as they are, addresses of mail fold case, everything else loses separators and case.
    """
    if compacted(rule):
        return compact(value)
    return value if rule.category is Category.CREDENTIALS else value.casefold()


def forms(value: str) -> list[str]:
    """The forms of a value that rules make fingerprints of: as it stands, folded, without separators.

    >>> forms(" Ana@Example.org "), forms("219-09-9999")
    (['Ana@Example.org', 'ana@example.org', 'ANA@EXAMPLEORG'], ['219-09-9999', '219099999'])
    """
    bare = value.strip()
    return list(dict.fromkeys((bare, bare.casefold(), compact(bare))))


def compacted(rule: Rule) -> bool:
    """Whether a rule's values are numbers to people, spelt with and without separators."""
    return rule.category is not Category.CREDENTIALS and rule.match.shape != "email"


def all_normalised(rule: Rule, values: list[str]) -> list[str]:
    """`normalised` of many values; the usual kind goes through the separators' table as one text."""
    if not compacted(rule) or len(values) < 50:
        return [normalised(rule, value) for value in values]
    together = compact("\n".join(values)).split("\n")
    return together if len(together) == len(values) else [normalised(rule, value) for value in values]


def fingerprinter(key: bytes) -> Callable[[str], Fingerprint]:
    """A function from a normalised value to its fingerprint under a key of 16 to 64 bytes.

    Source: BLAKE2, RFC 7693, keyed mode.
    """
    copy = hashlib.blake2b(digest_size=16, key=key, person=b"piiscan-value-1").copy

    def fingerprint(value: str) -> Fingerprint:
        state = copy()
        state.update(value.encode("utf-8", "surrogatepass"))
        return Fingerprint(state.digest())

    return fingerprint


@dataclass(slots=True)
class _Tally:
    """What is known of one rule in one object so far."""

    values: DistinctValues
    count: int = 0
    confidence: float = 0.0
    samples: int = 0
    """Published samples that are told by the value as it stands."""
    occurrences: list[Occurrence] = field(default_factory=list)


_Column = tuple[tuple[str, ...], str, str]
"""The member, the table, and the header or path of a column."""


@dataclass(slots=True)
class _InColumn:
    """What is known of one column so far."""

    cells: int = 0
    matched: dict[int, int] = field(default_factory=dict)
    """Cells by rule."""


class Redactor:
    """Collects the matches of one object into findings, keeping masks and fingerprints only."""

    def __init__(
        self,
        rules: Sequence[Rule],
        fingerprint: Callable[[str], Fingerprint],
        *,
        kept: int = KEPT_OCCURRENCES,
        max_values: int = MAX_VALUES,
    ) -> None:
        self._rules = rules
        self._fingerprint = fingerprint
        self._kept = kept
        self._max_values = max_values
        self._tallies: dict[int, _Tally] = {}
        self._columns: dict[_Column, _InColumn] = {}

    def add(self, segment: Segment, batch: MatchBatch) -> None:
        """Take the matches of one segment in."""
        column = self._column(segment) if isinstance(segment, ColumnSegment) else None
        if not len(batch):
            return
        kept: list[tuple[int, str]] = []
        for index in np.unique(batch.rule).tolist():
            positions = np.flatnonzero(batch.rule == index)
            if column is not None:
                assert batch.item is not None
                column.matched[index] = column.matched.get(index, 0) + len(np.unique(batch.item[positions]))
            tally, rule = self._tally(index), self._rules[index]
            room = max(self._kept - len(tally.occurrences), 0)
            values, plains, counts = _values(rule, segment, batch, positions)
            tally.count += len(positions)
            if rule.test_values and not compacted(rule):
                given = Counter(values).items() if counts is None else zip(values, counts, strict=True)
                tally.samples += sum(count for value, count in given if is_sample(rule, value))
            tally.values.add(plains, counts)
            tally.confidence = max(tally.confidence, float(batch.confidence[positions].max()))
            if counts is not None:
                values = _spans(segment, batch, positions[:room])
            kept += zip(positions[:room].tolist(), values[:room], strict=True)
        if not kept:
            return
        # In the order of the text, so that lines are counted once.
        locate = Locator(segment)
        shift = segment.offset if isinstance(segment, TextSegment) else None
        for p, value in sorted(kept):
            index, start = int(batch.rule[p]), int(batch.start[p])
            rule = self._rules[index]
            occurrence = Occurrence(
                locate(start) if batch.item is None else segment.place_of(int(batch.item[p])),
                mask_for(rule, value),
                self._fingerprint(normalised(rule, value)),
                round(float(batch.confidence[p]), 4),
                None if shift is None else shift + start,
                None if shift is None else len(value),
            )
            self._tallies[index].occurrences.append(occurrence)

    def _column(self, segment: ColumnSegment) -> _InColumn | None:
        """What is known of a segment's column; None where an object has too many of them."""
        base = segment.base
        key = (base.member or (), base.table or base.sheet or "", segment.path or segment.header)
        column = self._columns.get(key)
        if column is None:
            if len(self._columns) >= KEPT_COLUMNS:
                return None
            column = self._columns[key] = _InColumn()
        column.cells += filled(segment.values)
        return column

    def columns(self, rules: Collection[str]) -> tuple[ColumnFound, ...]:
        """The columns in which some rules found something, in the order in which they were met."""
        return tuple(
            ColumnFound(table, name, self._rules[index].id, column.cells, matched, member)
            for (member, table, name), column in self._columns.items()
            for index, matched in sorted(column.matched.items())
            if self._rules[index].id in rules
        )

    def _tally(self, index: int) -> _Tally:
        tally = self._tallies.get(index)
        if tally is None:
            rule = self._rules[index]
            samples = rule.test_values if compacted(rule) else frozenset()
            tally = self._tallies[index] = _Tally(DistinctValues(self._fingerprint, self._max_values, samples))
        return tally

    def findings(self, *, part: bool = False) -> tuple[Finding, ...]:
        """One finding a rule, ordered by rule id; this ends the collecting. Of a `part` few are as good as many."""
        out = []
        for index, tally in self._tallies.items():
            rule = self._rules[index]
            if tally.count < rule.least and not part:
                continue
            kept = tally.values.fingerprints()
            out.append(
                Finding(
                    RuleId(rule.id),
                    rule.category,
                    rule.severity_at(tally.count),
                    round(tally.confidence, 4),
                    tally.count,
                    len(kept),
                    tally.samples + tally.values.samples == tally.count,
                    tuple(tally.occurrences),
                    tally.values.exact,
                    kept,
                )
            )
        return tuple(sorted(out, key=lambda f: f.rule))


def _values(
    rule: Rule, segment: Segment, batch: MatchBatch, positions: IntArray
) -> tuple[Sequence[str], list[str], list[int] | None]:
    """The text of some matches of a segment, all of them normalised, and how often each stands there (None: once)."""
    if isinstance(segment, TextSegment) or not isinstance(segment.values, Cells):
        values = _spans(segment, batch, positions)
        return values, all_normalised(rule, values), None
    assert batch.item is not None
    starts, ends, items = batch.start[positions], batch.end[positions], batch.item[positions]
    cells, counts = segment.values, None
    if isinstance(cells, Coded):
        cells, items, starts, ends, counts = _distinct(cells, items, starts, ends)
    cells = cells.take(items)
    if not starts.any() and bool((ends == cells.sizes).all()) and (plains := _normalised_cells(rule, cells)):
        return cells, plains, counts
    values = [cell[s:e] for cell, s, e in zip(cells, starts.tolist(), ends.tolist(), strict=True)]
    return values, all_normalised(rule, values), counts


def _spans(segment: Segment, batch: MatchBatch, positions: IntArray) -> list[str]:
    """The text of some matches as it stands."""
    spans = zip(batch.start[positions].tolist(), batch.end[positions].tolist(), strict=True)
    if isinstance(segment, TextSegment):
        return [segment.text[start:end] for start, end in spans]
    assert batch.item is not None
    items = batch.item[positions]
    whole = segment.values
    cells = whole.take(items) if isinstance(whole, Cells) else [whole[item] for item in items.tolist()]
    return [cell[start:end] for cell, (start, end) in zip(cells, spans, strict=True)]


def _distinct(
    cells: Coded, items: IntArray, starts: IntArray, ends: IntArray
) -> tuple[Cells, IntArray, IntArray, IntArray, list[int]]:
    """The distinct cells, and of matches that are alike one each (item, start, end) with their number."""
    codes = cells.codes[items]
    if not starts.any() and bool((ends == cells.distinct.sizes[codes]).all()):
        times = np.bincount(codes)
        used = np.flatnonzero(times)
        return cells.distinct, used, np.zeros(len(used), np.int64), cells.distinct.sizes[used], times[used].tolist()
    order = np.lexsort((ends, starts, codes))
    codes, starts, ends = codes[order], starts[order], ends[order]
    first = np.ones(len(codes), np.bool_)
    first[1:] = (codes[1:] != codes[:-1]) | (starts[1:] != starts[:-1]) | (ends[1:] != ends[:-1])
    at = np.flatnonzero(first)
    counts = np.diff(np.append(at, len(codes)))
    return cells.distinct, codes[at], starts[at], ends[at], counts.tolist()


_SEPARATORS = b" -./"


def _normalised_cells(rule: Rule, cells: Cells) -> list[str]:
    """`all_normalised` of cells of ASCII; empty where they are anything else."""
    together = cells.joined()
    if not together.isascii():
        return []
    if compacted(rule):
        together = together.translate(None, _SEPARATORS).upper()
    elif rule.category is not Category.CREDENTIALS:
        together = together.lower()
    plains = together.decode().split("\n")
    return plains if len(plains) == len(cells) else []
