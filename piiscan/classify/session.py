"""One object's way through the stack: its texts, its columns, and the recognizers beside the rules.

A session holds what one object needs: the verdicts on its columns, the name recogniser's allowance, and what its last
segment holds in encoded form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells, Coded
from piiscan.classify.alone import CONFIDENCE, SENTENCES
from piiscan.classify.batches import (
    NO_HITS,
    competing,
    in_order,
    kept,
    merged,
    of_rows,
    spread,
    together,
    without,
)
from piiscan.classify.column import ColumnVerdicts, Left
from piiscan.classify.context import path_names
from piiscan.classify.distance import APART
from piiscan.classify.encoded import Fed, decoded_segments
from piiscan.classify.keywords import ToChars
from piiscan.classify.overlap import contested, survivors
from piiscan.classify.sketch import LONE, NUMBERS, Sketcher
from piiscan.model import ColumnSegment, Evidence, MatchBatch, ObjectRef, Rule, Segment, Sketch, TextSegment
from piiscan.passes import IntArray

if TYPE_CHECKING:
    from piiscan.classify.stack import Stack

NEAREST = 2
"""Names of a path that speak for what stands at its end; those further up are of the whole record."""


def _nothing(segment: TextSegment) -> list[tuple[int, int, int, float]]:
    """What a recognizer that is not asked finds."""
    return []


class Recognizer(Protocol):
    """A stage of another kind (names, a Presidio recognizer): rules of its own, spans out of text.

    With an attribute `proven`, a number, its matches weigh so much beside their confidence (those of the catalogue's
    rules: 1). With an attribute `beside` that is true its matches stand beside those of other rules and compete with
    none; with one `samples` it reads long texts in part, most of it at their beginning. With a method `session_of(ref)`
    it is told for which object. A session with a method `column(segment)` is asked about columns, too: (rule, item,
    start, end, confidence); its `evidence`, (rule index, sentence) pairs, says what its verdicts on them rest on.
    """

    rules: tuple[Rule, ...]

    def session(self) -> Callable[[TextSegment], list[tuple[int, int, int, float]]]:
        """For one object: a function from segment to (rule index within `rules`, start, end, confidence)."""
        ...


def _opened(other: Recognizer, ref: ObjectRef | None) -> Callable[[TextSegment], list[tuple[int, int, int, float]]]:
    """The session of a recognizer for an object."""
    of: Callable[[ObjectRef], Callable[[TextSegment], list[tuple[int, int, int, float]]]] | None
    of = getattr(other, "session_of", None)
    return of(ref) if of is not None and ref is not None else other.session()


class StackSession:
    """One object's way through the stack."""

    def __init__(
        self,
        stack: Stack,
        *,
        noisy: bool = False,
        sketcher: Sketcher | None = None,
        names: bool = True,
        ref: ObjectRef | None = None,
    ) -> None:
        self.stack = stack
        self._sketcher = sketcher
        if sketcher is not None:
            sketcher.begin()
        self._noisy = noisy
        self._verdicts = ColumnVerdicts(stack, self._cells)
        self._recognize = [
            (_opened(other, ref) if names or not getattr(other, "samples", False) else _nothing, other)
            for other in stack.recognizers
        ]
        self._fed: Fed | None = None

    @property
    def names_examined(self) -> int:
        """Characters that the name recogniser has read of this object."""
        return sum(int(getattr(recognize, "examined", 0)) for recognize, _ in self._recognize)

    @property
    def evidence(self) -> Sequence[Evidence]:
        """What the recognizers' verdicts on the columns of this object rest on, so far."""
        return [
            Evidence(other.rules[index].id, said)
            for recognize, other in self._recognize
            for index, said in getattr(recognize, "evidence", ())
        ]

    @property
    def sketch(self) -> Sketch | None:
        """What the object could hold, by what was fed of it; None for a session that does not sketch."""
        return None if self._sketcher is None else self._sketcher.made(self.stack.rules)

    def feed(self, segment: Segment) -> MatchBatch:
        """The matches of one segment; see `MatchBatch`."""
        if isinstance(segment, TextSegment):
            return self._text(segment)
        self._fed = None
        return self._column(segment)

    def feed_all(self, segments: Sequence[TextSegment]) -> list[MatchBatch]:
        """The matches of each of some texts, which are read in one block: thousands are as quick as one as long."""
        pieces = [segment.text.encode("utf-8", "surrogatepass") for segment in segments]
        sizes = np.array([len(piece) + len(APART) for piece in pieces], np.int64)
        bounds = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        block = APART.join(pieces)
        chars = None if block.isascii() else ToChars(block)
        if self._sketcher is not None:
            self._sketcher.block(block)
        hits = self.stack.examine(block, frozenset(), chars, bounds, noisy=self._noisy, running=True)
        self._fed = Fed(segments, block, bounds, hits.strings, chars)
        item = np.searchsorted(bounds, hits.start, side="right") - 1
        base, start, end = bounds[item], hits.start, hits.end
        if chars is not None:
            base, start, end = chars(base), chars(start), chars(end)
        out = []
        for number, segment in enumerate(segments):
            mine = slice(*np.searchsorted(item, (number, number + 1)).tolist())
            found = hits.rule[mine], start[mine] - base[mine], end[mine] - base[mine], hits.confidence[mine]
            if self._recognize:
                found = self._with_recognizers(segment, *found)
            out.append(MatchBatch(*found[:3], found[3].astype(np.float32)))
        return out

    def hidden(self) -> Sequence[TextSegment]:
        """What the segments that were fed last hold in encoded form, decoded; see `encoded.py`."""
        return () if self._fed is None else decoded_segments(self._fed)

    def finish(self) -> None:
        """Nothing is pending: every segment was answered when it came."""

    def _text(self, segment: TextSegment) -> MatchBatch:
        text = segment.text
        block = segment.utf8 if segment.utf8 is not None else text.encode("utf-8", "surrogatepass")
        chars = None if len(block) == len(text) else ToChars(block)
        if self._sketcher is not None:
            self._sketcher.block(block)
        hits = self.stack.examine(block, frozenset(), chars, None, noisy=self._noisy)
        self._fed = Fed((segment,), block, np.zeros(1, np.int64), hits.strings, chars)
        start, end = (hits.start, hits.end) if chars is None else (chars(hits.start), chars(hits.end))
        rule, confidence = hits.rule, hits.confidence
        if not len(rule) and segment.offset == 0 and len(text) <= 2 * SENTENCES:
            rule, start, end, confidence = self._alone(text)
            if self._sketcher is not None and any(map(str.isdecimal, text)):
                self._sketcher.signs |= LONE
        if self._recognize:
            rule, start, end, confidence = self._with_recognizers(segment, rule, start, end, confidence)
        if segment.core is not None and len(rule):
            mine = (start >= segment.core[0]) & (start < segment.core[1])
            rule, start, end, confidence = rule[mine], start[mine], end[mine], confidence[mine]
        if not len(rule):
            return NO_HITS
        return MatchBatch(rule, start, end, confidence.astype(np.float32))

    def _alone(self, text: str) -> tuple[npt.NDArray[np.int32], IntArray, IntArray, npt.NDArray[np.float64]]:
        """The readings of a plain text that is nothing but one value, or a few sentences around one."""
        rows = self.stack.alone.found(text) if self.stack.threshold <= CONFIDENCE else []
        return (
            np.array([rule for rule, _, _ in rows], np.int32),
            np.array([start for _, start, _ in rows], np.int64),
            np.array([end for _, _, end in rows], np.int64),
            np.array([CONFIDENCE for _ in rows], np.float64),
        )

    def _with_recognizers(
        self,
        segment: TextSegment,
        rule: npt.NDArray[np.int32],
        start: IntArray,
        end: IntArray,
        confidence: npt.NDArray[np.float64],
    ) -> tuple[npt.NDArray[np.int32], IntArray, IntArray, npt.NDArray[np.float64]]:
        base = len(self.stack.plan.rules)
        rows: list[tuple[int, int, int, float]] = []
        apart: list[tuple[int, int, int, float]] = []
        for recognize, other in self._recognize:
            into = apart if getattr(other, "beside", False) else rows
            into += [(base + r, s, e, c) for r, s, e, c in recognize(segment) if c >= self.stack.threshold]
            base += len(other.rules)
        if rows:
            rule, start, end, confidence = self._joined_by(rows, rule, start, end, confidence)
        if apart:
            both = merged(MatchBatch(rule, start, end, confidence.astype(np.float32)), apart)
            rule, start, end, confidence = both.rule, both.start, both.end, both.confidence.astype(np.float64)
        return rule, start, end, confidence

    def _joined_by(
        self,
        rows: list[tuple[int, int, int, float]],
        rule: npt.NDArray[np.int32],
        start: IntArray,
        end: IntArray,
        confidence: npt.NDArray[np.float64],
    ) -> tuple[npt.NDArray[np.int32], IntArray, IntArray, npt.NDArray[np.float64]]:
        """The hits with those of recognizers that compete with them."""
        more = list(zip(*rows, strict=True))
        rule = np.concatenate((rule, np.array(more[0], np.int32)))
        start = np.concatenate((start, np.array(more[1], np.int64)))
        end = np.concatenate((end, np.array(more[2], np.int64)))
        confidence = np.concatenate((confidence, np.array(more[3], np.float64)))
        strength = confidence + self.stack.proven[rule]
        order = survivors(start, end, strength, rule)
        self.stack.contested |= contested(start, end, rule, order)
        return rule[order], start[order], end[order], confidence[order]

    def _column(self, segment: ColumnSegment) -> MatchBatch:
        names = (segment.header, *path_names(segment.path)[-NEAREST:]) if segment.path else (segment.header,)
        forced = self.stack.headers.speaks_for(names)
        if self._sketcher is not None:
            self._sketched(self._sketcher, names, segment.values)
        apart = self._column_recognizers(segment)
        found = self._by_rules(segment, forced)
        if not len(apart):
            return found
        rival = self.stack.competes[apart.rule]
        found = competing(found, kept(apart, rival), self.stack.proven, self.stack.contested)
        return found if rival.all() else in_order(together(found, kept(apart, ~rival)))

    def _sketched(self, sketcher: Sketcher, names: Sequence[str], values: Sequence[str]) -> None:
        """Sketch a column: its names and its distinct values."""
        sketcher.names(names)
        cells = values.distinct if isinstance(values, Coded) else values
        sketcher.block(_joined(cells, None)[0])

    def _column_recognizers(self, segment: ColumnSegment) -> MatchBatch:
        """The matches of those recognizers that read columns."""
        base = len(self.stack.plan.rules)
        parts: list[MatchBatch] = []
        for recognize, other in self._recognize:
            column = getattr(recognize, "column", None)
            if column is not None:
                found = column(segment)
                batch = found if isinstance(found, MatchBatch) else of_rows(found)
                batch = replace(batch, rule=batch.rule + np.int32(base))
                parts.append(kept(batch, batch.confidence >= self.stack.threshold))
            base += len(other.rules)
        return together(*parts)

    def _by_rules(self, segment: ColumnSegment, forced: frozenset[int]) -> MatchBatch:
        """The matches of the catalogue's rules in one column."""
        refused = self._verdicts.of(segment, forced).refused
        if self._sketcher is not None and self._verdicts.numbers:
            self._sketcher.signs |= NUMBERS
        if isinstance(segment.values, Coded):
            distinct, codes = segment.values.distinct, segment.values.codes
            return spread(self._by_rules(replace(segment, values=distinct), forced), codes)
        fast, left = self._verdicts.whole_cells(segment, forced)
        slow = without(self._cells(segment, forced - refused, left), refused)
        if not len(fast):
            return slow
        if not len(slow):
            return fast
        assert fast.item is not None
        assert slow.item is not None
        item = np.concatenate((fast.item, slow.item))
        order = np.argsort(item, kind="stable")
        return MatchBatch(
            np.concatenate((fast.rule, slow.rule))[order],
            np.concatenate((fast.start, slow.start))[order],
            np.concatenate((fast.end, slow.end))[order],
            np.concatenate((fast.confidence, slow.confidence))[order],
            item[order],
        )

    def _cells(self, segment: ColumnSegment, forced: frozenset[int], left: Left) -> MatchBatch:
        """Matches inside the cells `left` (all of them for None), looked for in one block of the cells' text."""
        if left is not None and not len(left):
            return NO_HITS
        block, bounds = _joined(segment.values, left)
        chars = None if block.isascii() else ToChars(block)
        hits = self.stack.examine(block, forced, chars, bounds)
        if not len(hits.rule):
            return NO_HITS
        item = np.searchsorted(bounds, hits.start, side="right") - 1
        base, start, end = bounds[item], hits.start, hits.end
        if chars is not None:
            base, start, end = chars(base), chars(start), chars(end)
        if left is not None:
            item = left[item]
        return MatchBatch(hits.rule, start - base, end - base, hits.confidence.astype(np.float32), item)


def _joined(values: Sequence[str], left: Left) -> tuple[bytes, IntArray]:
    """Some cells (all of them for None), a line feed between them, and where each begins, in bytes."""
    if isinstance(values, Cells):
        cells = values if left is None else values.take(left)
        return cells.joined(), cells.bounds[:-1] + np.arange(len(cells))
    chosen = values if left is None else [values[i] for i in left.tolist()]
    text = "\n".join(chosen)
    block = text.encode("utf-8", "surrogatepass")
    if len(block) == len(text):
        sizes = np.fromiter(map(len, chosen), np.int64, len(chosen))
    else:
        sizes = np.fromiter((len(v.encode("utf-8", "surrogatepass")) for v in chosen), np.int64, len(chosen))
    return block, np.concatenate(([0], np.cumsum(sizes + 1)[:-1]))
