"""Large texts in parts, which workers read side by side; what they find is put together before it is stored.

Text in UTF-8 and JSON Lines alone are cut, at ends of lines; a worker that finds anything else in a part says so, and
the object is read whole. Each part tells its characters, line breaks and records: by their sums the places in the next
ones are moved. The cuts depend on nothing but the size, so that the rows are the same with one worker and with many.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from piiscan.engine.part import WHOLE
from piiscan.errors import ObjectChanged
from piiscan.fingerprints import DIGEST, Fingerprints
from piiscan.model import (
    Allowed,
    Category,
    ColumnFound,
    Evidence,
    Finding,
    Fingerprint,
    ObjectRef,
    ObjectReport,
    Occurrence,
    Outcome,
    Place,
    Rule,
    RuleId,
    Severity,
    Sketch,
)
from piiscan.people import combinations, estimate
from piiscan.ports import ShardFile
from piiscan.redact import KEPT_OCCURRENCES
from piiscan.score import score
from piiscan.sniff import ending
from piiscan.spool import (
    ALLOWED,
    COLUMN,
    EVIDENCE,
    FINDING,
    OBJECT,
    OCCURRENCE,
    PART,
    UNREAD,
    VALUE,
    object_id,
    write_shard,
)

SUFFIXES = frozenset({"", "txt", "log", "md", "out", "text", "jsonl", "ndjson"})
"""Endings of what is most likely plain text or JSON Lines."""
_AGAIN = (WHOLE, ObjectChanged.reason)
_LINES = re.compile(r"(\d+)(?= lines )")
_HALVES = np.dtype([("first", ">u8"), ("second", ">u8")])
Row = dict[str, Any]


@dataclass(slots=True)
class _Object:
    """An object of which parts are read."""

    ref: ObjectRef
    parts: int
    """How many were, or will be, handed out."""
    whole: bool = False
    """A part said that it must be read whole: no more of them are handed out."""
    read: dict[int, Path] = field(default_factory=dict)
    """Files of the parts that were read, by where each begins."""


@dataclass(slots=True)
class Parts:
    """The objects of one run that are read in parts."""

    spool: Path
    run: int
    catalogue: str
    rules: Mapping[RuleId, Rule]
    size: int
    """Bytes of a part; objects of twice as many are cut. 0: none is."""
    most: int
    """Distinct values of a rule that are kept."""
    _open: dict[int, _Object] = field(default_factory=dict)
    _whole: list[ObjectRef] = field(default_factory=list)

    def split(self, refs: Iterable[ObjectRef]) -> Iterator[ObjectRef]:
        """The objects, large texts as their parts."""
        for ref in refs:
            if not self.size or ref.size < 2 * self.size or ref.denied or ending(ref.name) not in SUFFIXES:
                yield ref
                continue
            begins = range(0, ref.size, self.size)
            one = self._open[object_id(ref.source, ref.key)] = _Object(ref, len(begins))
            for number, begin in enumerate(begins):
                if one.whole:
                    one.parts = number
                    if len(one.read) == number:
                        self._close(one)
                    break
                yield replace(ref, part=(begin, min(begin + self.size, ref.size)))

    def gathered(self, files: Iterable[ShardFile]) -> Iterator[ShardFile]:
        """The files of shards; those of parts as one for each object, once all of its parts are read."""
        for file in files:
            if not file.path.endswith(PART):
                yield file
                continue
            (row,) = _rows(file.path, OBJECT)
            one = self._open[row["oid"]]
            one.read[row["seq"]] = Path(file.path)
            one.whole = one.whole or row["reason"].startswith(_AGAIN)
            if len(one.read) == one.parts:
                merged = self._close(one)
                if merged is not None:
                    yield write_shard(self.spool, self.run, file.number, [merged], self.catalogue)

    def whole(self) -> Iterator[ObjectRef]:
        """The objects that could not be read in parts."""
        yield from self._whole

    def _close(self, one: _Object) -> ObjectReport | None:
        """What is known of an object of which no more parts will come; None: it must be read whole."""
        del self._open[object_id(one.ref.source, one.ref.key)]
        merged = self._merged(one)
        for path in one.read.values():
            path.unlink(missing_ok=True)
        return merged

    def _merged(self, one: _Object) -> ObjectReport | None:
        """What is known of an object by its parts; None: it must be read whole."""
        paths = [path for _, path in sorted(one.read.items())]
        objects = [row for path in paths for row in _rows(path, OBJECT)]
        if one.whole:
            self._whole.append(one.ref)
            return None
        found = self._findings(paths, objects)
        together, columns = combinations(found), _columns([row for path in paths for row in _rows(path, COLUMN)])
        outcome, reason = _outcome(objects)
        rows = {kind: [row for path in paths for row in _rows(path, kind)] for kind in (ALLOWED, UNREAD, EVIDENCE)}
        evidence = dict.fromkeys(Evidence(RuleId(row["rule"]), row["reason"]) for row in rows[EVIDENCE])
        return ObjectReport(
            one.ref,
            objects[0]["media_type"],
            outcome,
            reason,
            found,
            score(found, self.rules, together),
            sum(row["bytes_examined"] for row in objects),
            sum(row["names_examined"] for row in objects),
            _allowed(rows[ALLOWED]),
            _together([row["reason"] for row in rows[UNREAD]]),
            tuple(said for said in evidence if said.rule in {finding.rule for finding in found}),
            Sketch(None, 0, 0) if outcome is Outcome.SCANNED else None,
            columns=columns,
            combinations=together,
            people=estimate(found, columns),
        )

    def _findings(self, paths: Sequence[Path], objects: Sequence[Row]) -> tuple[Finding, ...]:
        rows: dict[str, list[Row]] = defaultdict(list)
        places: dict[str, list[Occurrence]] = defaultdict(list)
        characters = lines = records = 0
        for path, part in zip(paths, objects, strict=True):
            for row in _rows(path, FINDING):
                rows[row["rule"]].append(row)
            for row in _rows(path, OCCURRENCE):
                if len(places[row["rule"]]) < KEPT_OCCURRENCES:
                    places[row["rule"]].append(_moved(row, characters, lines, records))
            characters, lines = characters + part["count"], lines + part["distinct_values"]
            records += part["char_start"]
        values = _values(paths)
        return tuple(
            self._finding(rule, rows[rule], places[rule], values.get(rule))
            for rule in sorted(rows)
            if sum(row["count"] for row in rows[rule]) >= self.rules[RuleId(rule)].least
        )

    def _finding(
        self, rule: str, rows: Sequence[Row], places: Sequence[Occurrence], values: Fingerprints | None
    ) -> Finding:
        count = sum(row["count"] for row in rows)
        kept: Mapping[Fingerprint, int] = values if values is not None else {}
        exact = all(row["distinct_exact"] for row in rows) and len(kept) <= self.most
        if values is not None and len(values) > self.most:
            kept = Fingerprints(*next(values.pieces(self.most)))
        return Finding(
            RuleId(rule),
            Category(rows[0]["category"]),
            Severity(self.rules[RuleId(rule)].severity_at(count)),
            max(round(row["confidence"], 4) for row in rows),
            count,
            len(kept),
            all(row["test_data"] for row in rows),
            tuple(places),
            exact,
            kept,
        )


def _rows(path: str | Path, kind: int) -> list[Row]:
    """The rows of one kind of a part's file, but for values."""
    import pyarrow.parquet as pq

    rows: list[Row] = pq.read_table(path, filters=[("kind", "=", kind)]).to_pylist()
    return rows


def _values(paths: Sequence[Path]) -> dict[str, Fingerprints]:
    """The distinct values of all parts, by rule."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = ["rule", "fingerprint", "count"]
    tables = [pq.read_table(path, columns=columns, filters=[("kind", "=", VALUE)]) for path in paths]
    out = {}
    for rule in sorted({rule for table in tables for rule in pc.unique(table["rule"]).to_pylist()}):
        mine = [table.filter(pc.equal(table["rule"], rule)) for table in tables]
        digests = np.frombuffer(b"".join(d for table in mine for d in table["fingerprint"].to_pylist()), _HALVES)
        counts = np.concatenate([table["count"].to_numpy() for table in mine])
        distinct, at = np.unique(digests, return_inverse=True)
        total = np.zeros(len(distinct), np.int64)
        np.add.at(total, at, counts)
        out[rule] = Fingerprints(distinct.view(DIGEST), total)
    return out


def _moved(row: Row, characters: int, lines: int, records: int) -> Occurrence:
    """An occurrence of a part behind so many characters, line breaks and records."""
    place = Place.from_json(json.loads(row["place"]))
    if place.line is not None:
        place = replace(place, line=place.line + lines)
    if place.record is not None:
        place = replace(place, record=place.record + records)
    offset = None if row["char_start"] is None else row["char_start"] + characters
    confidence = round(row["confidence"], 4)
    return Occurrence(place, row["masked"], Fingerprint(row["fingerprint"]), confidence, offset, row["char_length"])


def _columns(rows: Iterable[Row]) -> tuple[ColumnFound, ...]:
    """The columns of all parts, their cells added up."""
    cells: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        seen = cells.setdefault((row["source"], row["key"], row["rule"]), [0, 0])
        seen[0] += row["count"]
        seen[1] += row["distinct_values"]
    return tuple(ColumnFound(table, name, rule, all_, hit) for (table, name, rule), (all_, hit) in cells.items())


def _outcome(objects: Sequence[Row]) -> tuple[Outcome, str]:
    """The outcome of an object by those of its parts: partial when they differ."""
    outcomes = {row["outcome"] for row in objects}
    reason = next(iter(_together([row["reason"] for row in objects if row["reason"]])), "")
    return (Outcome(outcomes.pop()) if len(outcomes) == 1 else Outcome.PARTIAL), reason


def _together(reasons: Iterable[str]) -> tuple[str, ...]:
    """Reasons of parts as one object's: those that differ in their number of lines alone are one, with the sum.

    >>> _together(["MALFORMED_FILE: 2 lines are no JSON", "MALFORMED_FILE: 40 lines are no JSON", "TIMED_OUT"])
    ('MALFORMED_FILE: 42 lines are no JSON', 'TIMED_OUT')
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for reason in reasons:
        before, number, after = _LINES.split(reason, maxsplit=1) if _LINES.search(reason) else (reason, "0", "")
        counts[before, after] += int(number)
    return tuple(f"{before}{count}{after}" if after else before for (before, after), count in counts.items())


def _allowed(rows: Sequence[Row]) -> tuple[Allowed, ...]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        counts[row["key"], row["rule"]] += row["count"]
    return tuple(Allowed(entry, rule, count) for (entry, rule), count in counts.items())
