"""Lines of text that say themselves what is no finding in them: `piiscan:ignore[RULE] reason`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np

from piiscan.model import Allowed, MatchBatch, Rule, Segment, TextSegment

ENTRY = "inline"
"""What stands for these lines among the entries of allow lists."""
_WORD = "piiscan:ignore["
_MARK = re.compile(r"piiscan:ignore\[([\w.*, -]{1,300})\][^\S\n]*([^\n]*)")
_LETTER = re.compile(r"[^\W\d_]{3}")


class Inline:
    """The marks of one object, and how many matches they kept back."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._counts: Counter[str] = Counter()

    def __call__(self, segment: Segment, batch: MatchBatch) -> MatchBatch:
        """The matches of a segment that no mark on their line names; a mark without a reason names none."""
        if not len(batch) or not isinstance(segment, TextSegment) or _WORD not in segment.text:
            return batch
        text, keep = segment.text, np.ones(len(batch), np.bool_)
        for mark in _MARK.finditer(text):
            if not _LETTER.search(mark[2]):
                continue
            names = [name.strip() for name in mark[1].split(",") if name.strip()]
            begin, end = text.rfind("\n", 0, mark.start()) + 1, text.find("\n", mark.end())
            here = keep & (batch.start >= begin) & (batch.start < (end if end >= 0 else len(text)))
            for position in np.flatnonzero(here).tolist():
                rule = str(self._rules[int(batch.rule[position])].id)
                if any(fnmatchcase(rule, name) for name in names):
                    keep[position] = False
                    self._counts[rule] += 1
        if keep.all():
            return batch
        item = batch.item[keep] if batch.item is not None else None
        return MatchBatch(batch.rule[keep], batch.start[keep], batch.end[keep], batch.confidence[keep], item)

    def counts(self) -> tuple[Allowed, ...]:
        """How many matches were kept back, by rule."""
        return tuple(Allowed(ENTRY, rule, count) for rule, count in sorted(self._counts.items()))
