"""Which matches an allow list answers for, and how often: entries, and the sieve of one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells
from piiscan.classify.context import tokens
from piiscan.crawl.select import glob
from piiscan.model import Allowed, Match, MatchBatch, ObjectRef, Rule, Segment, TextSegment


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: what it allows, and where."""

    name: str
    """File name and number, `partners.toml#2`: what counters and messages call it."""
    text: frozenset[str] = field(default=frozenset(), repr=False)
    """Whole values; in lower case (folded) when `fold` is set."""
    fold: bool = True
    """Whether `text` is compared in any case."""
    patterns: tuple[str, ...] = field(default=(), repr=False)
    """Of which one must match a whole value."""
    ignore_case: bool = False
    """Whether `patterns` are."""
    rules: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    reason: str = ""
    expires: date | None = None
    """The last day on which it holds (UTC)."""

    def about(self, rule: Rule) -> bool:
        """Whether it speaks of matches of a rule."""
        named = not self.rules or any(fnmatchcase(rule.id, name) for name in self.rules)
        return named and (not self.categories or any(fnmatchcase(rule.category.value, c) for c in self.categories))

    def reaches(self, ref: ObjectRef) -> bool:
        """Whether it speaks of an object."""
        here = not self.sources or any(fnmatchcase(ref.source, name) for name in self.sources)
        return here and (not self.paths or any(glob(path).fullmatch(ref.name) for path in self.paths))

    def among(self, values: Iterable[str]) -> set[str]:
        """Those of the values that it allows."""
        values = list(values)
        forms = map(str.casefold, values) if self.fold else values
        found = {value for value, form in zip(values, forms, strict=True) if form in self.text} if self.text else set()
        if self.patterns:
            found.update(matching(self.patterns, self.ignore_case, values))
        return found


@dataclass(frozen=True, slots=True)
class AllowLists:
    """The entries of all lists of a run, in order; the first that fits a match answers for it."""

    entries: tuple[Entry, ...] = ()
    expired: tuple[Entry, ...] = ()
    digest: str = ""
    """Of all that holds today; empty when there are no lists. An object is read again when it changes."""

    def open(self, ref: ObjectRef, rules: Sequence[Rule]) -> Sieve:
        """What lets the matches of one object through, and counts the others."""
        return Sieve(tuple(entry for entry in self.entries if entry.reaches(ref)), rules)


NO_LISTS = AllowLists()


class Sieve:
    """The entries that reach one object, and how often each was used in it."""

    def __init__(self, entries: tuple[Entry, ...], rules: Sequence[Rule]) -> None:
        self._entries = entries
        self._rules = rules
        self._about: dict[int, tuple[Entry, ...]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def __call__(self, segment: Segment, batch: MatchBatch) -> MatchBatch:
        """The matches of a segment that no entry allows."""
        if not self._entries or not len(batch):
            return batch
        column = None if isinstance(segment, TextSegment) else segment.header
        keep = np.ones(len(batch), np.bool_)
        for index in np.unique(batch.rule).tolist():
            entries = self._entries_for(index, column)
            if not entries:
                continue
            positions = np.flatnonzero(batch.rule == index)
            values = _values(segment, batch, positions)
            allowed = self._sort(entries, self._rules[index], Counter(values))
            if allowed:
                keep[positions] = [value not in allowed for value in values]
        if keep.all():
            return batch
        item = batch.item[keep] if batch.item is not None else None
        return MatchBatch(batch.rule[keep], batch.start[keep], batch.end[keep], batch.confidence[keep], item)

    def matches(self, found: Sequence[Match], column: str = "") -> list[Match]:
        """The matches of one text, or of one value below the header `column`, that no entry allows."""
        index = {rule.id: i for i, rule in enumerate(self._rules)}
        out = []
        for match in found:
            entries = self._entries_for(index[match.rule], column or None)
            if not self._sort(entries, self._rules[index[match.rule]], Counter([match.value])):
                out.append(match)
        return out

    def counts(self) -> tuple[Allowed, ...]:
        """How often each entry was used, by rule."""
        return tuple(Allowed(entry, rule, count) for (entry, rule), count in sorted(self._counts.items()))

    def _entries_for(self, index: int, column: str | None) -> tuple[Entry, ...]:
        known = self._about.get(index)
        if known is None:
            rule = self._rules[index]
            known = self._about[index] = tuple(entry for entry in self._entries if entry.about(rule))
        return tuple(entry for entry in known if not entry.columns or _named(column, entry.columns))

    def _sort(self, entries: Sequence[Entry], rule: Rule, values: Counter[str]) -> set[str]:
        """The values that some entry allows; each is put down to the first entry that does."""
        allowed: set[str] = set()
        for entry in entries:
            fresh = entry.among(value for value in values if value not in allowed)
            if fresh:
                self._counts[entry.name, rule.id] += sum(values[value] for value in fresh)
                allowed |= fresh
        return allowed


def _named(column: str | None, names: Sequence[str]) -> bool:
    """Whether a header is one of some column names, case and separators ignored."""
    return column is not None and any("".join(tokens(column)) == "".join(tokens(name)) for name in names)


def _values(segment: Segment, batch: MatchBatch, positions: npt.NDArray[np.int64]) -> list[str]:
    spans = zip(batch.start[positions].tolist(), batch.end[positions].tolist(), strict=True)
    if isinstance(segment, TextSegment):
        return [segment.text[start:end] for start, end in spans]
    assert batch.item is not None
    items = batch.item[positions]
    if isinstance(segment.values, Cells):
        chosen = list(segment.values.take(items))
    else:
        chosen = [segment.values[i] for i in items.tolist()]
    return [cell[start:end] for cell, (start, end) in zip(chosen, spans, strict=True)]


def matching(patterns: Sequence[str], ignore_case: bool, values: Sequence[str]) -> list[str]:
    """The values that one of the patterns matches whole, by RE2."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sound = [value for value in values if value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value)]
    whole = f"^(?:{'|'.join(f'(?:{p})' for p in patterns)})$"
    fits = pc.match_substring_regex(pa.array(sound, pa.string()), whole, ignore_case=ignore_case)
    return [value for value, fit in zip(sound, fits.to_pylist(), strict=True) if fit]
