"""Room 5, what is in it: all stages over the segments of one object, as arrays of hits.

A stack holds what all objects share (plan, scanners, keyword index); a session holds what one object needs (column
verdicts, the name recogniser's allowance). Nothing here keeps a value: hits are spans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from piiscan.classify.alone import Alone
from piiscan.classify.anchors import anchor_candidates
from piiscan.classify.checksum import checker
from piiscan.classify.confidence import worth
from piiscan.classify.context import HeaderIndex
from piiscan.classify.dense import Candidates, dense_candidates, email_candidates
from piiscan.classify.encoded import readings
from piiscan.classify.keywords import NOTHING, KeywordIndex, ToChars
from piiscan.classify.numbers import Numbers, Windows
from piiscan.classify.overlap import contested, survivors
from piiscan.classify.plan import Plan, make_plan
from piiscan.classify.session import Recognizer, StackSession
from piiscan.classify.sketch import Sketcher
from piiscan.classify.weigh import Weigher
from piiscan.classify.worded import Worded
from piiscan.model import ColumnSegment, Match, ObjectRef, Rule, Segment, TextSegment
from piiscan.passes import IntArray

THRESHOLD = 0.5
"""Confidence from which on a match is reported, unless the run says otherwise."""

PROVEN = 0.9
CHECKED = 0.1
"""What a checksum that is worth `PROVEN` adds to a match's strength where two overlap: it outweighs a keyword."""

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


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits over one block, in bytes of the block."""

    rule: npt.NDArray[np.int32]
    start: IntArray
    end: IntArray
    confidence: npt.NDArray[np.float64]
    strings: Windows
    """The long strings of the block, which may be encoded text."""


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
        proven = [float(getattr(other, "proven", 0.0)) for other in self.recognizers for _ in other.rules]
        self.proven: npt.NDArray[np.float64] = np.array([1.0] * len(rules) + proven, np.float64)
        """What the matches of each rule weigh beside their confidence: those of rules outweigh a recognizer's guess."""
        alike = {rule.macie for rule, weight in zip(self.rules[len(rules) :], proven, strict=True) if weight} - {None}
        self.competes: npt.NDArray[np.bool_] = np.array(
            [weight > 0 or rule.macie in alike for rule, weight in zip(self.rules, self.proven.tolist(), strict=True)],
            np.bool_,
        )
        """Rules of which one match at most stands in a place of a column: proven ones, and those that find the same."""
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
        self._sketcher = Sketcher()
        self.contested = self._sketcher.contested
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
        """A session for one object, which sketches it; the one before is at its end.

        For a part of an object other than the first no names are looked for: long texts are read by samples, most of
        them from the beginning.
        """
        part = ref.part if ref else None
        names = part is None or part[0] == 0
        noisy = media_type.startswith(NOISY)
        return StackSession(self, noisy=noisy, sketcher=self._sketcher, names=names, ref=ref)

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
        running: bool = False,
    ) -> Hits:
        """All hits of the pattern stages over one block, overlaps resolved.

        `forced` are the rules for which the context holds everywhere (column name); `bounds` are the starts of the
        cells of the block, when it is a column: neither a match nor its keyword crosses them; `running` texts that are
        read together are parted like cells, and are running text for all that.
        """
        plan = self.plan
        numbers = Numbers(block)
        rules, starts, ends = _arrays(
            anchor_candidates(plan, block, numbers),
            dense_candidates(plan, block, numbers),
            email_candidates(plan, block, numbers.swept.ats),
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
            block, rules, starts, ends, keyword >= 0, forced, against, noisy=noisy, running=running or bounds is None
        )
        keep = np.flatnonzero((confidence > 0) & (confidence >= self.threshold))
        rules, starts, ends, confidence = rules[keep], starts[keep], ends[keep], confidence[keep]
        order = survivors(starts, ends, confidence + self._bonus(rules), rules)
        self.contested |= contested(starts, ends, rules, order)
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
