"""Columns by the column: a rule that most cells match whole is checked over all cells at once.

The first cells of a column decide; then one vectorised pattern (pyarrow, RE2) and one batch of checksums stand for
thousands of single confirmations. Cells that the column's rule does not explain go the way of running text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells
from piiscan.classify.batch import BATCH
from piiscan.classify.confidence import worth
from piiscan.classify.statistics import CONFIDENCE, FEWEST, are_numbers, evidence_of
from piiscan.model import ColumnSegment, MatchBatch

if TYPE_CHECKING:
    from piiscan.classify.stack import Stack

SAMPLE = 60
"""Cells that decide for a column."""
LEAST = 20
"""Columns shorter than this go cell by cell."""
SHARE = 0.5
"""Part of the sample that must match whole."""

Left = npt.NDArray[np.int64] | None
"""Indexes of cells that are still to be read; None: all of them."""
Reader = Callable[[ColumnSegment, frozenset[int], Left], MatchBatch]
"""How the cells at some indexes are read one by one."""

_EMPTY = np.empty(0, np.int64)
NONE = MatchBatch(np.empty(0, np.int32), _EMPTY, _EMPTY, np.empty(0, np.float32), _EMPTY)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a column holds."""

    rule: int
    """The rule that explains most of its cells whole, or -1."""
    refused: frozenset[int]
    """Rules that it does not hold, whatever its header says."""
    granted: bool = False
    """The rule stands by the column's check digits alone."""


UNDECIDED = Verdict(-1, frozenset())


class ColumnVerdicts:
    """What each column of one object was found to hold."""

    def __init__(self, stack: Stack, cells: Reader) -> None:
        self._stack = stack
        self._cells = cells
        self._qualified = stack.plan.qualified
        self.numbers = False
        """Some column may speak for itself by its check digits."""
        self._known: dict[tuple[str, str, str | None, str | None], Verdict] = {}

    def of(self, segment: ColumnSegment, forced: frozenset[int]) -> Verdict:
        """The verdict on a column, made over its first segment that is long enough."""
        key = (segment.header, segment.path, segment.base.sheet, segment.base.table)
        verdict = self._known.get(key)
        if verdict is None:
            if len(segment.values) < FEWEST:
                return UNDECIDED
            verdict = self._known[key] = self._decide(segment, forced)
        return verdict

    def whole_cells(self, segment: ColumnSegment, forced: frozenset[int]) -> tuple[MatchBatch, Left]:
        """Hits that are whole cells of the column's rule, and the indexes of the other cells (None: all)."""
        verdict = self.of(segment, forced)
        if verdict.rule < 0:
            return NONE, None
        return self._apply(verdict, segment.values, forced)

    def _decide(self, segment: ColumnSegment, forced: frozenset[int]) -> Verdict:
        """What a sample of the cells says, read one by one and together."""
        step = max(len(segment.values) // SAMPLE, 1)
        sample = np.array([i for i in range(0, len(segment.values), step)[:SAMPLE] if segment.values[i]], np.int64)
        found = self._cells(segment, forced, sample)
        values = [segment.values[i] for i in sample.tolist()]
        self.numbers |= are_numbers(values)
        evidence = evidence_of(values, segment.header, self._stack.alone, forced, np.unique(found.rule).tolist())
        if evidence.granted >= 0:
            return Verdict(evidence.granted, evidence.refused, granted=True)
        rule = self._dominant(segment, found, len(sample)) if len(segment.values) >= LEAST else -1
        return Verdict(-1 if rule in evidence.refused else rule, evidence.refused)

    def _dominant(self, segment: ColumnSegment, found: MatchBatch, cells: int) -> int:
        """Index of the rule that most of so many cells match whole, or -1.

        Only rules without anchors qualify: those with one are found as fast in the text of the cells.
        """
        if found.item is None or not len(found):
            return -1
        sizes = np.fromiter((len(segment.values[i]) for i in found.item.tolist()), np.int64, len(found))
        whole = found.rule[(found.start == 0) & (found.end == sizes)]
        if not len(whole):
            return -1
        rules, counts = np.unique(whole, return_counts=True)
        best = int(rules[np.argmax(counts)])
        return best if counts.max() >= SHARE * cells and best in self._qualified else -1

    def _apply(self, verdict: Verdict, values: Sequence[str], forced: frozenset[int]) -> tuple[MatchBatch, Left]:
        import pyarrow as pa
        import pyarrow.compute as pc

        stack, index = self._stack, verdict.rule
        compiled = stack.plan.rules[index]
        rule = compiled.rule
        try:
            cells = Cells.of(values)
            pattern = f"^(?:{rule.match.pattern})$"
            fits = pc.match_substring_regex(cells.array, pattern, ignore_case=rule.match.ignore_case)
        except (pa.ArrowInvalid, UnicodeEncodeError):  # not a pattern for RE2, or lone surrogates
            return NONE, None
        where = np.flatnonzero(fits.to_numpy(zero_copy_only=False))
        if not len(where):
            return NONE, None
        chosen = cells if len(where) == len(cells) else cells.take(where)
        holds = self._holds(index, chosen)
        yes, no = (worth(rule, flag, keyword=False, column=index in forced) for flag in (True, False))
        if verdict.granted:
            yes, no = max(yes, CONFIDENCE), 0.0
        confidence = np.where(holds, yes, no)
        keep = (confidence >= stack.threshold) & (confidence > 0)
        if not keep.any():
            return NONE, None
        ends = pc.utf8_length(chosen.array).to_numpy(zero_copy_only=False).astype(np.int64)[keep]
        where, confidence = where[keep], confidence[keep]
        hits = MatchBatch(
            np.full(len(where), index, np.int32),
            np.zeros(len(where), np.int64),
            ends,
            confidence.astype(np.float32),
            where,
        )
        other = np.ones(len(cells), np.bool_)
        other[where] = False
        return hits, np.flatnonzero(other)

    def _holds(self, index: int, cells: Cells) -> npt.NDArray[np.bool_]:
        """Which cells hold the rule's checksum; True for a rule without one."""
        rule = self._stack.plan.rules[index].rule
        check = self._stack.checks[index]
        if check is None or rule.checksum is None:
            return np.ones(len(cells), np.bool_)
        batch = BATCH.get(rule.checksum.kind)
        if batch is None:
            holds, known = np.zeros(len(cells), np.bool_), np.zeros(len(cells), np.bool_)
        else:
            holds, known = batch(cells, rule.checksum.params)
        single = np.flatnonzero(~known)
        if len(single):
            seen: dict[str, bool] = {}
            for i, value in zip(single.tolist(), cells.take(single), strict=True):
                held = seen.get(value)
                if held is None:
                    held = seen[value] = check(value)
                holds[i] = held
        return holds
