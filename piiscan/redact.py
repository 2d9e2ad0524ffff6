"""Room 6, what may be kept: the only way from a match to an occurrence.

A value becomes a masked form and a keyed fingerprint here and is dropped. The fingerprint is BLAKE2b with the store's
own key over the normalised value: a bare hash of a nine-digit number is undone in minutes.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from piiscan.classify.checksum import compact, is_sample
from piiscan.model import (
    LINE_BREAK,
    NOWHERE,
    Category,
    Finding,
    Fingerprint,
    MatchBatch,
    Occurrence,
    Place,
    Rule,
    RuleId,
    Segment,
    TextSegment,
)

KEPT_OCCURRENCES = 1_000
"""Occurrences kept per object and rule, as many as Macie keeps locations."""
MAX_VALUES = 1_000_000
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
    keep_start, keep_end = min(keep_start, size // 4), min(keep_end, size // 4)
    middle = value[keep_start : size - keep_end]
    starred = "".join(MASK if c.isalnum() or ord(c) < 32 or ord(c) == 127 else c for c in middle[:MASK_LIMIT])
    return value[:keep_start] + starred + ("…" if len(middle) > MASK_LIMIT else "") + value[size - keep_end :]


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
    if rule.category is Category.CREDENTIALS:
        return value
    if rule.match.shape == "email":
        return value.casefold()
    return compact(value)


def fingerprinter(key: bytes) -> Callable[[str], Fingerprint]:
    """A function from a normalised value to its fingerprint under a key of 16 to 64 bytes.

    Source: BLAKE2, RFC 7693, keyed mode.
    """
    base = hashlib.blake2b(digest_size=16, key=key, person=b"piiscan-value-1")

    def fingerprint(value: str) -> Fingerprint:
        state = base.copy()
        state.update(value.encode("utf-8", "surrogatepass"))
        return Fingerprint(state.digest())

    return fingerprint


@dataclass(slots=True)
class _Tally:
    """What is known of one rule in one object so far."""

    count: int = 0
    confidence: float = 0.0
    samples: int = 0
    exact: bool = True
    values: dict[Fingerprint, int] = field(default_factory=dict)
    occurrences: list[Occurrence] = field(default_factory=list)


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

    def add(self, segment: Segment, batch: MatchBatch) -> None:
        """Take the matches of one segment in."""
        if not len(batch):
            return
        starts, ends = batch.start.tolist(), batch.end.tolist()
        confidences = batch.confidence.tolist()
        if isinstance(segment, TextSegment):
            text = segment.text
            found = [text[s:e] for s, e in zip(starts, ends, strict=True)]
        else:
            assert batch.item is not None
            cells = segment.values
            found = [cells[i][s:e] for i, s, e in zip(batch.item.tolist(), starts, ends, strict=True)]
        by_rule: dict[int, list[int]] = {}
        for position, index in enumerate(batch.rule.tolist()):
            by_rule.setdefault(index, []).append(position)
        for index, positions in by_rule.items():
            self._tally(index, [found[p] for p in positions])
            tally = self._tallies[index]
            tally.confidence = max(tally.confidence, max(confidences[p] for p in positions))
            room = self._kept - len(tally.occurrences)
            if room > 0:
                self._keep(index, segment, batch, positions[:room], found)

    def _tally(self, index: int, values: list[str]) -> None:
        rule = self._rules[index]
        tally = self._tallies.setdefault(index, _Tally())
        tally.count += len(values)
        for value, count in Counter(values).items():
            if is_sample(rule, value):
                tally.samples += count
            print_ = self._fingerprint(normalised(rule, value))
            known = tally.values.get(print_)
            if known is not None:
                tally.values[print_] = known + count
            elif len(tally.values) < self._max_values:
                tally.values[print_] = count
            else:
                tally.exact = False

    def _keep(self, index: int, segment: Segment, batch: MatchBatch, positions: list[int], found: list[str]) -> None:
        rule = self._rules[index]
        out = self._tallies[index].occurrences
        locate = Locator(segment)
        shift = segment.offset if isinstance(segment, TextSegment) else None
        for p in positions:
            value, start = found[p], int(batch.start[p])
            place = locate(start) if batch.item is None else segment.place_of(int(batch.item[p]))
            out.append(
                Occurrence(
                    place,
                    mask_for(rule, value),
                    self._fingerprint(normalised(rule, value)),
                    round(float(batch.confidence[p]), 4),
                    None if shift is None else shift + start,
                    None if shift is None else len(value),
                )
            )

    def findings(self) -> tuple[Finding, ...]:
        """One finding a rule, ordered by rule id."""
        out = []
        for index, tally in self._tallies.items():
            rule = self._rules[index]
            out.append(
                Finding(
                    RuleId(rule.id),
                    rule.category,
                    rule.severity_at(tally.count),
                    round(tally.confidence, 4),
                    tally.count,
                    len(tally.values),
                    tally.samples == tally.count,
                    tuple(tally.occurrences),
                    tally.exact,
                    tally.values,
                )
            )
        return tuple(sorted(out, key=lambda f: f.rule))


class Locator:
    """Places within one segment; for plain text, line starts are found once and then looked up."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._lines: list[int] | None = None

    def __call__(self, offset: int) -> Place:
        """The place of the character at `offset` of a text segment, or of the value at that index of a column."""
        segment = self._segment
        if not isinstance(segment, TextSegment) or segment.line is None:
            return segment.place_of(offset)
        if self._lines is None:
            self._lines = [m.end() for m in LINE_BREAK.finditer(segment.text)]
        number = bisect_right(self._lines, offset)
        base = segment.places[max(bisect_right(segment.starts, offset) - 1, 0)] if segment.starts else NOWHERE
        if number:
            return replace(base, line=segment.line + number, column=offset - self._lines[number - 1] + 1)
        return replace(base, line=segment.line, column=offset + segment.column)
