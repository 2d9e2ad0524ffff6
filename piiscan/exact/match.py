"""Sets of exact values as a stage of the stack: one rule for each set and column, matches out of texts and of columns.

A match is reported beside whatever the rules say of the same characters. That a number is a tax number and that it is
that of a customer are two facts; and a set that is added must never hide a finding that was there before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from piiscan.cells import joined
from piiscan.errors import ConfigError
from piiscan.exact import confidence
from piiscan.exact.fold import folded
from piiscan.exact.lookup import Lookup, outermost
from piiscan.exact.rows import Beside, Table
from piiscan.exact.setfile import Header, open_set, read_header
from piiscan.exact.tokens import Tokens
from piiscan.keys import key_id, read_key, state_dir
from piiscan.model import (
    Category,
    ColumnSegment,
    ConfidenceSpec,
    MatchSpec,
    Rule,
    RuleId,
    Severity,
    TextSegment,
)

Row = tuple[int, int, int, float]


def rules_of(header: Header) -> tuple[Rule, ...]:
    """The rules of a set, one a column. They differ when the set was made anew, so that objects are read again."""
    level = Severity[header.severity.upper()]
    return tuple(
        Rule(
            RuleId(f"exact.{header.name}_{column.stem}"),
            f"Exact match: {header.name}, column {column.name}",
            Category.CUSTOM,
            ((1, level),),
            MatchSpec(f"set {header.salt}: {column.values:,} values", shape="email" if column.email else "exact"),
            confidence=ConfidenceSpec(confidence.WORD, confidence.WORD, confidence.STRONG, confidence.TOGETHER),
            tags=("exact",),
            summary=f"A value of the column {column.name!r} of your own table, known by its keyed hash.",
        )
        for column in header.columns
    )


def find_key(path: Path, header: Header, key_file: str) -> bytes:
    """The key of a set: the configured file when it is the one, else the one kept under its id. Raises: ConfigError."""
    if key_file and Path(key_file).exists():
        key = read_key(Path(key_file))
        if key_id(key) == header.key:
            return key
    kept = state_dir() / "keys" / f"{header.key}.key"
    if not kept.exists():
        raise ConfigError(
            f"{path}: its key {header.key} is not here; put its file at {kept}, or name it with --key-file"
        )
    return read_key(kept)


class ExactRecognizer:
    """One set; its file is opened when the first object comes."""

    beside = True
    """Its matches do not compete with those of rules; see above."""

    def __init__(self, path: str | Path, key_file: str = "") -> None:
        self._path, self._key_file = Path(path), key_file
        self.header = read_header(self._path)
        self.rules = rules_of(self.header)

    @cached_property
    def opened(self) -> tuple[Tokens, Lookup]:
        """What finds places, and what knows whether they are values. Raises: ConfigError."""
        key = find_key(self._path, self.header, self._key_file)
        header, arrays, keyed = open_set(self._path, key)
        return Tokens(header, arrays, keyed), Lookup(header, arrays, keyed)

    def session(self) -> ExactSession:
        """For one object. Raises: ConfigError."""
        return ExactSession(*self.opened)


def recognizers_of(paths: Sequence[str], key_file: str = "") -> list[ExactRecognizer]:
    """The sets of some files. Raises: ConfigError, also when two would make the same rules."""
    out = [ExactRecognizer(path, key_file) for path in paths]
    seen: dict[str, str] = {}
    for path, one in zip(paths, out, strict=True):
        for rule in one.rules:
            if rule.id in seen:
                raise ConfigError(f"{path}: has {rule.id}, as {seen[rule.id]} has; make one anew with another --name")
            seen[rule.id] = path
    return out


class ExactSession:
    """One object's way through a set."""

    def __init__(self, tokens: Tokens, lookup: Lookup) -> None:
        self._tokens, self._lookup = tokens, lookup
        self._table = Table(lookup)

    def __call__(self, segment: TextSegment) -> list[Row]:
        """(rule, start, end, confidence) of the matches of a text, in characters."""
        text = folded(segment.utf8 if segment.utf8 is not None else segment.text.encode("utf-8", "surrogatepass"))
        hits = self._lookup.hits(self._tokens.find(text.block))
        if not hits:
            return []
        beside = Beside(self._lookup)
        hits = outermost(beside.raised(hits) + beside.evidence(text.block, hits))
        starts = text.chars(np.array([hit.start for hit in hits], np.int64)).tolist()
        ends = text.chars(np.array([hit.end for hit in hits], np.int64)).tolist()
        return [(h.column, s, e, h.confidence) for h, s, e in zip(hits, starts, ends, strict=True)]

    def column(self, segment: ColumnSegment) -> list[tuple[int, int, int, int, float]]:
        """(rule, item, start, end, confidence) of the matches of a column, by item; spans are inside the value."""
        block, bounds = joined(segment.values)
        text = folded(block)
        places = self._tokens.find(text.block)
        if not places and not self._table.waiting:
            self._table.pass_by(segment)
            return []
        items = np.searchsorted(bounds, np.array([p.start for p in places], np.int64), side="right") - 1
        ends = np.array([p.end for p in places], np.int64)
        inside = (ends < bounds[items + 1]).tolist()  # nothing goes on over the end of a cell
        hits = outermost(self._lookup.hits([p for p, good in zip(places, inside, strict=True) if good]))
        starts = np.array([hit.start for hit in hits], np.int64)
        cell = np.searchsorted(bounds, starts, side="right") - 1
        base = text.chars(bounds[cell])
        low = (text.chars(starts) - base).tolist()
        high = (text.chars(np.array([hit.end for hit in hits], np.int64)) - base).tolist()
        rows = [(hit, i, s, e) for hit, i, s, e in zip(hits, cell.tolist(), low, high, strict=True)]
        found = [(h.column, i, s, e, c) for (h, i, s, e), c in self._table.raised(segment, rows)]
        found += self._table.evidence(segment)
        return sorted(found, key=lambda row: row[1:3])
