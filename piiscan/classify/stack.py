"""Room 5, what is in it: all stages over the segments of one object, as arrays of hits.

A stack holds what all objects share (plan, scanners, keyword index); a session holds what one object needs (column
verdicts, the name recogniser's allowance). Nothing here keeps a value: hits are spans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells
from piiscan.classify.alone import CONFIDENCE, SENTENCES, Alone
from piiscan.classify.anchors import anchor_candidates
from piiscan.classify.checksum import checker
from piiscan.classify.column import ColumnVerdicts, Left
from piiscan.classify.confidence import worth
from piiscan.classify.context import HeaderIndex, path_names
from piiscan.classify.dense import Candidates, dense_candidates, email_candidates
from piiscan.classify.encoded import decoded_segments, readings
from piiscan.classify.keywords import KeywordIndex, Spoken, ToChars
from piiscan.classify.numbers import IntArray, Windows, numbers_of
from piiscan.classify.overlap import survivors
from piiscan.classify.plan import Plan, make_plan
from piiscan.classify.weigh import Weigher
from piiscan.classify.worded import Worded
from piiscan.model import ColumnSegment, Match, MatchBatch, ObjectRef, Rule, Segment, TextSegment

THRESHOLD = 0.5
"""Confidence from which on a match is reported, unless the run says otherwise."""

PROVEN = 0.9
CHECKED = 0.1
"""What a checksum that is worth `PROVEN` adds to a match's strength where two overlap: it outweighs a keyword."""

NEAREST = 2
"""Names of a path that speak for what stands at its end; those further up are of the whole record."""

NOISY = (
    "application/octet-stream",
    "application/x-elf",
    "application/x-mach",
    "application/vnd.microsoft.portable-executable",
    "application/java-vm",
    "application/x-python-code",
    "image/",
    "audio/",
    "video/",
    "font/",
)
"""Media types whose printable runs are chance more often than text."""


class Recognizer(Protocol):
    """A stage of another kind (names, a Presidio recognizer): rules of its own, spans out of text.

    With an attribute `beside` that is true its matches stand beside those of other rules and compete with none. A
    session with a method `column(segment)` is asked about columns, too: (rule, item, start, end, confidence).
    """

    rules: tuple[Rule, ...]

    def session(self) -> Callable[[TextSegment], list[tuple[int, int, int, float]]]:
        """For one object: a function from segment to (rule index within `rules`, start, end, confidence)."""
        ...


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits over one block, in bytes of the block."""

    rule: npt.NDArray[np.int32]
    start: IntArray
    end: IntArray
    confidence: npt.NDArray[np.float64]
    strings: Windows
    """The long strings of the block, which may be encoded text."""


_NO_ROWS = np.empty(0, np.int64)
Row = tuple[int, int, int, float] | tuple[int, int, int, float, int]
"""Rule, start, end, confidence and, in a column, the item of one match of a recognizer."""
NOTHING = Spoken(np.empty(0, np.int32), np.empty(0, np.int64))
NO_HITS = MatchBatch(np.empty(0, np.int32), _NO_ROWS, _NO_ROWS, np.empty(0, np.float32))


class Stack:
    """The classifier stack of one catalogue. One per thread: hyperscan's scratch space must not be shared."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        threshold: float = THRESHOLD,
        recognizers: Sequence[Recognizer] = (),
        cache: bool = True,
    ) -> None:
        self.threshold = threshold
        self.needs_word: npt.NDArray[np.bool_] = np.array(
            [max(worth(r, held, False, False) for held in (True, False)) < max(threshold, 1e-9) for r in rules],
            np.bool_,
        )
        """Rules that stay below the threshold without a keyword or column name."""
        worded = frozenset(np.flatnonzero(self.needs_word).tolist())
        self.plan: Plan = make_plan(rules, worded=worded, cache=cache)
        self.recognizers = tuple(recognizers)
        self.rules: tuple[Rule, ...] = tuple(rules) + tuple(r for other in self.recognizers for r in other.rules)
        self.keywords = KeywordIndex(self.plan)
        self._worded = Worded(self.plan, self.keywords)
        self.checks: tuple[Callable[[str], bool] | None, ...] = tuple(
            checker(rule.checksum) if rule.checksum is not None else None for rule in rules
        )
        self._strength: npt.NDArray[np.float64] = np.array(
            [
                0.0 if rule.checksum is None else CHECKED if rule.confidence.checksum >= PROVEN else 0.02
                for rule in rules
            ],
            np.float64,
        )
        self._weigh = Weigher(self.plan, self.needs_word, self.checks)

    @cached_property
    def headers(self) -> HeaderIndex:
        """Which rules a column's header speaks for."""
        return HeaderIndex(self.plan)

    @cached_property
    def alone(self) -> Alone:
        """The rules that can tell a value by itself."""
        return Alone(self.plan, self.checks)

    def open(self, ref: ObjectRef, media_type: str) -> StackSession:
        """A session for one object."""
        return StackSession(self, noisy=media_type.startswith(NOISY))

    def classify(self, text: str, *, column: str = "") -> list[Match]:
        """The matches of one text, or of one value below the header `column`.

        A match in encoded text has the place of the encoding and the value that it stands for.
        """
        session = StackSession(self)
        whole: Segment = ColumnSegment(column, "", (text,), (1,)) if column else TextSegment(text, 0)
        out = []
        for segment, batch in readings(session, whole):
            inner = segment if isinstance(segment, TextSegment) and segment.encoded is not None else None
            for r, s, e, c in zip(
                batch.rule.tolist(), batch.start.tolist(), batch.end.tolist(), batch.confidence.tolist(), strict=True
            ):
                value = text[s:e] if inner is None else inner.text[s:e]
                start, end = (s, e) if inner is None or inner.encoded is None else inner.encoded
                out.append(Match(self.rules[r].id, start, end, value, round(float(c), 4)))
        return out

    def examine(
        self,
        block: bytes,
        forced: frozenset[int],
        chars: ToChars | None,
        bounds: IntArray | None,
        *,
        noisy: bool = False,
    ) -> Hits:
        """All hits of the pattern stages over one block, overlaps resolved.

        `forced` are the rules for which the context holds everywhere (column name); `bounds` are the starts of the
        cells of the block, when it is a column: neither a match nor its keyword crosses them.
        """
        plan = self.plan
        numbers = numbers_of(block)
        rules, starts, ends = _arrays(
            anchor_candidates(plan, block),
            dense_candidates(plan, block, numbers),
            email_candidates(plan, block),
            _headed(plan, block, forced, bounds),
        )
        # The keywords, looked for where candidates stand or numbers that could be one; then, where a keyword is or the
        # header speaks, the rules that wait for it.
        places = self._worded.places(numbers)
        silent = bounds is not None and chars is None and _WORDS.search(block) is None
        spoken = NOTHING
        if not silent:
            spoken = self.keywords.find(block, (rules, starts, ends), places.numbers, places.strings, chars)
        more = _arrays(self._worded.candidates(block, places, spoken, forced, ascii_only=chars is None))
        rules = np.concatenate((rules, more[0]))
        starts, ends = np.concatenate((starts, more[1])), np.concatenate((ends, more[2]))
        if bounds is not None and len(rules):
            inside = np.searchsorted(bounds, starts, side="right") == np.searchsorted(bounds, ends - 1, side="right")
            rules, starts, ends = rules[inside], starts[inside], ends[inside]
        if not len(rules):
            return Hits(rules, starts, ends, np.empty(0), numbers.opaque)
        keyword, against = self.keywords.judge(block, spoken, rules, starts, ends, chars)
        if bounds is not None:
            cell = np.searchsorted(bounds, starts, side="right")
            keyword = np.where(np.searchsorted(bounds, keyword, side="right") == cell, keyword, -1)
        confidence = self._weigh(
            block, rules, starts, ends, keyword >= 0, forced, against, noisy=noisy, running=bounds is None
        )
        keep = np.flatnonzero((confidence > 0) & (confidence >= self.threshold))
        rules, starts, ends, confidence = rules[keep], starts[keep], ends[keep], confidence[keep]
        order = survivors(starts, ends, confidence + self._bonus(rules), rules)
        return Hits(rules[order], starts[order], ends[order], confidence[order], numbers.opaque)

    def _bonus(self, rules: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """What a checksum adds where readings overlap: a little, but for one that proves the value by itself, much."""
        return self._strength[rules]


def _headed(plan: Plan, block: bytes, forced: frozenset[int], bounds: IntArray | None) -> Candidates:
    """Matches of rules that wait for their keyword, in the cells below a header that is one."""
    rules: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    chosen = sorted(forced & plan.led)
    if chosen and bounds is not None:
        edges = [*bounds.tolist(), len(block) + 1]
        for low, high in pairwise(edges):
            for index in chosen:
                for start, end in plan.rules[index].within(block, low, high - 1):
                    rules.append(index)
                    starts.append(start)
                    ends.append(end)
    return rules, starts, ends


_WORDS = re.compile(rb"[A-Za-z]{2}")


def _arrays(*found: Candidates) -> tuple[npt.NDArray[np.int32], IntArray, IntArray]:
    rules = np.array([r for part in found for r in part[0]], np.int32)
    starts = np.array([s for part in found for s in part[1]], np.int64)
    ends = np.array([e for part in found for e in part[2]], np.int64)
    return rules, starts, ends


class StackSession:
    """One object's way through the stack."""

    def __init__(self, stack: Stack, *, noisy: bool = False) -> None:
        self.stack = stack
        self._noisy = noisy
        self._verdicts = ColumnVerdicts(stack, self._cells)
        self._recognize = [(other.session(), other) for other in stack.recognizers]
        self._hidden: Callable[[], Sequence[TextSegment]] = tuple

    @property
    def names_examined(self) -> int:
        """Characters that the name recogniser has read of this object."""
        return sum(int(getattr(recognize, "examined", 0)) for recognize, _ in self._recognize)

    def feed(self, segment: Segment) -> MatchBatch:
        """The matches of one segment; see `MatchBatch`."""
        if isinstance(segment, TextSegment):
            return self._text(segment)
        self._hidden = tuple
        return self._column(segment)

    def hidden(self) -> Sequence[TextSegment]:
        """What the segment that was fed last holds in encoded form, decoded; see `encoded.py`."""
        return self._hidden()

    def finish(self) -> None:
        """Nothing is pending: every segment was answered when it came."""

    def _text(self, segment: TextSegment) -> MatchBatch:
        text = segment.text
        block = segment.utf8 if segment.utf8 is not None else text.encode("utf-8", "surrogatepass")
        chars = None if len(block) == len(text) else ToChars(block)
        hits = self.stack.examine(block, frozenset(), chars, None, noisy=self._noisy)
        self._hidden = partial(decoded_segments, segment, block, hits.strings, chars)
        start, end = (hits.start, hits.end) if chars is None else (chars(hits.start), chars(hits.end))
        rule, confidence = hits.rule, hits.confidence
        if not len(rule) and segment.offset == 0 and len(text) <= 2 * SENTENCES:
            rule, start, end, confidence = self._alone(text)
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
            both = _merged(MatchBatch(rule, start, end, confidence.astype(np.float32)), apart)
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
        known = len(self.stack.checks)
        strength = confidence + np.array([1.0 if i < known else 0.0 for i in rule.tolist()])
        order = survivors(start, end, strength, rule)
        return rule[order], start[order], end[order], confidence[order]

    def _column(self, segment: ColumnSegment) -> MatchBatch:
        names = (segment.header, *path_names(segment.path)[-NEAREST:]) if segment.path else (segment.header,)
        forced = self.stack.headers.speaks_for(names)
        apart = self._column_recognizers(segment)
        if apart:
            return _merged(self._by_rules(segment, forced), apart)
        return self._by_rules(segment, forced)

    def _column_recognizers(self, segment: ColumnSegment) -> list[Row]:
        """(rule, start, end, confidence, item) of the matches of those recognizers that read columns."""
        base = len(self.stack.plan.rules)
        rows: list[Row] = []
        for recognize, other in self._recognize:
            column = getattr(recognize, "column", None)
            if column is not None:
                found = column(segment)
                rows += [(base + r, s, e, c, item) for r, item, s, e, c in found if c >= self.stack.threshold]
            base += len(other.rules)
        return rows

    def _by_rules(self, segment: ColumnSegment, forced: frozenset[int]) -> MatchBatch:
        """The matches of the catalogue's rules in one column."""
        refused = self._verdicts.of(segment, forced).refused
        fast, left = self._verdicts.whole_cells(segment, forced)
        slow = _without(self._cells(segment, forced - refused, left), refused)
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


def _without(batch: MatchBatch, refused: frozenset[int]) -> MatchBatch:
    """A batch of a column less the matches of some rules."""
    if not refused or not len(batch):
        return batch
    assert batch.item is not None
    keep = ~np.isin(batch.rule, list(refused))
    return MatchBatch(batch.rule[keep], batch.start[keep], batch.end[keep], batch.confidence[keep], batch.item[keep])


def _merged(batch: MatchBatch, rows: Sequence[Row]) -> MatchBatch:
    """A batch with rows (rule, start, end, confidence and, in a column, item) beside its own, in order."""
    more = list(zip(*rows, strict=True))
    start = np.concatenate((batch.start, np.array(more[1], np.int64)))
    item = None
    if len(more) > 4:
        before = batch.item if batch.item is not None else _NO_ROWS
        item = np.concatenate((before, np.array(more[4], np.int64)))
    order = np.lexsort((start, start if item is None else item))
    return MatchBatch(
        np.concatenate((batch.rule, np.array(more[0], np.int32)))[order],
        start[order],
        np.concatenate((batch.end, np.array(more[2], np.int64)))[order],
        np.concatenate((batch.confidence, np.array(more[3], np.float32)))[order],
        None if item is None else item[order],
    )


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
