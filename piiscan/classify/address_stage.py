"""Addresses as a stage of a stack: the rule that they are reported by, texts, and the cells of columns.

What an address is stands in `addresses.py`. A column whose first cells are addresses throughout is reported by whole
cells; the others are read cell by cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from piiscan.cells import Cells, Coded
from piiscan.classify.addresses import BARE, LABELLED, PARTLY, SURE, WHOLE, find
from piiscan.classify.lazy import Pattern
from piiscan.classify.places import opened
from piiscan.model import (
    Category,
    ColumnSegment,
    ConfidenceSpec,
    MaskSpec,
    MatchBatch,
    MatchSpec,
    Rule,
    RuleId,
    Severity,
    TextSegment,
)

RULE = Rule(
    RuleId("generic.postal_address"),
    "Postal address with its town",
    Category.PII,
    ((1, Severity.LOW), (100, Severity.MEDIUM)),
    MatchSpec(pattern="", shape="address"),
    confidence=ConfidenceSpec(PARTLY, WHOLE, LABELLED, SURE),
    mask=MaskSpec(keep_start=1),
    macie="ADDRESS",
    tags=("gdpr", "hipaa"),
    summary="Street, number, postcode and town as letters and forms have them, found by their parts together.",
    references=("https://www.upu.int/en/Postal-Solutions/Programmes-Services/Addressing-Solutions",),
)


class AddressRecognizer:
    """The addresses stage of a stack; it needs no model."""

    rules: tuple[Rule, ...] = (RULE,)
    proven = 1.1
    """Its matches weigh a little more than those of the catalogue's rules: a postcode's, a street's, parts of them."""

    def __init__(self) -> None:
        """Raises: ConfigError when the table of places is missing or damaged."""
        opened()

    def session(self) -> AddressSession:
        """What finds the addresses of one object."""
        return AddressSession()


class AddressSession:
    """Addresses in one object: in running text and in the cells of columns."""

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str, str | None, str | None], float] = {}
        """What a cell is worth in the columns that hold nothing but addresses; 0 in others."""

    def __call__(self, segment: TextSegment) -> list[tuple[int, int, int, float]]:
        """(0, start, end, confidence) of the addresses in a segment."""
        return [(0, start, end, worth) for start, end, worth in find(segment.text, segment.utf8)]

    def column(self, segment: ColumnSegment) -> MatchBatch | list[tuple[int, int, int, int, float]]:
        """The addresses in the cells of a column (rule 0): whole cells where its first ones all are addresses."""
        codes = segment.values.codes if isinstance(segment.values, Coded) else None
        values = segment.values.distinct if isinstance(segment.values, Coded) else segment.values
        step = max(len(values) // 50, 1)
        if not any(len(value) > 9 and _MIXED.search(value, 0, _LONG) for value in values[::step]):
            return []
        said = _SAID.search(segment.header) is not None
        worth = self._throughout(segment, values, said)
        if worth:
            return _whole_cells(segment.values, worth)
        rows: list[tuple[int, int, int, int, float]] = []
        bare = 0
        for first in range(0, len(values), _CELLS):
            part = values[first : first + _CELLS]
            for cell, start, end, sure in _in_cells(part, said):
                bare += sure == BARE
                items = [first + cell] if codes is None else np.flatnonzero(codes == first + cell).tolist()
                rows += [(0, item, start, end, sure) for item in items]
        # A title may look like a street; a column of streets is full of them.
        return rows if _MOST * bare >= len(values) else [row for row in rows if row[4] != BARE]

    def _throughout(self, segment: ColumnSegment, values: Sequence[str], said: bool) -> float:
        """What the cells of a column are worth that holds addresses throughout, or 0; decided over its first cells."""
        key = (segment.header, segment.path, segment.base.sheet, segment.base.table)
        known = self._columns.get(key)
        if known is None:
            if len(values) < _FEWEST:
                return 0.0
            step = max(len(values) // _SAMPLE, 1)
            sample = [value for value in values[::step][:_SAMPLE] if value]
            whole = [
                sure for cell, start, end, sure in _in_cells(sample, said) if end - start >= _NEARLY * len(sample[cell])
            ]
            known = float(np.median(whole)) if len(whole) >= _NEARLY * max(len(sample), _FEWEST) else 0.0
            self._columns[key] = known
        return known


def _in_cells(values: Sequence[str], said: bool) -> Iterator[tuple[int, int, int, float]]:
    """(cell, start, end, confidence) of the addresses in some cells, which are read together."""
    part = list(values)
    begins = np.cumsum([0, *(len(value) + 1 for value in part)])
    # No part of an address goes over a zero byte.
    for start, end, worth in find("\0".join(part)):
        cell = int(np.searchsorted(begins, start, side="right")) - 1
        low = int(begins[cell])
        yield cell, start - low, end - low, worth if not said else SURE if worth >= WHOLE else LABELLED


def _whole_cells(values: Sequence[str], worth: float) -> MatchBatch:
    """The cells that hold both letters and a digit, each as a whole."""
    import pyarrow.compute as pc

    distinct = values.distinct if isinstance(values, Coded) else Cells.of(values)
    fits = pc.match_substring_regex(distinct.array, _CELL).to_numpy(zero_copy_only=False)
    sizes = pc.utf8_length(distinct.array).to_numpy(zero_copy_only=False).astype(np.int64)
    if isinstance(values, Coded):
        fits, sizes = fits[values.codes], sizes[values.codes]
    item = np.flatnonzero(fits)
    return MatchBatch(
        np.zeros(len(item), np.int32),
        np.zeros(len(item), np.int64),
        sizes[item],
        np.full(len(item), worth, np.float32),
        item,
    )


_FEWEST, _SAMPLE = 20, 80
"""Cells from which on a column may be judged as a whole, and those that are read for it."""
_NEARLY = 0.85
"""Part of the cells that must be addresses, and part of a cell that its address must be."""
_CELL = r"\pL{3}[^\d]*\d|\d[^\d]*\pL{3}"
_CELLS = 20_000
"""Cells of a column that are read together."""
_MOST = 4
_LONG = 300
"""Characters of a cell that are looked at before it is read: without a digit, the pattern below is quadratic."""
_MIXED = Pattern(r"[^\W\d_]{3}[^\d]*\d|\d[^\d]*[^\W\d_]{3}")
_SAID = Pattern(
    r"(?i)addr|stra(?:ß|ss)e|street|anschrift|direcci|indirizzo|endere|adres|morada|domicil|rue$|^via$|^calle$|^rua$"
)
"""Headers that say that the cells are addresses, which is as good as a label."""
