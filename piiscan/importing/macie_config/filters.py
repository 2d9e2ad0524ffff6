"""Findings filters: what archives becomes a suppression, what only selects a query."""

from __future__ import annotations

from dataclasses import dataclass

from piiscan.importing.macie_config.entries import Entry
from piiscan.importing.macie_config.fields import BUCKET, FIELDS, Known, condition
from piiscan.importing.macie_config.shape import FILTER, fitted, unknown_keys
from piiscan.importing.regex import Refused


@dataclass(frozen=True, slots=True)
class Filter:
    """What a filter means here."""

    archives: bool
    """Whether Macie's suppresses what it selects."""
    source: str
    """The one bucket that is meant; empty: see the condition."""
    predicate: str
    """A condition over v_findings; empty: none beside the source."""
    notes: tuple[str, ...]

    def query(self) -> str:
        """The question that a saved filter stands for."""
        parts = ([f"source = '{self.source}'"] if self.source else []) + ([self.predicate] if self.predicate else [])
        return f"SELECT *\nFROM v_findings\nWHERE {' AND '.join(parts)}\nORDER BY last_seen DESC\n"


def filter_(entry: Entry, known: Known) -> Filter:
    """What an answer of GetFindingsFilter means. Raises: Refused, naming the field."""
    unknown: list[str] = []
    data = fitted(entry.data, FILTER, unknown)
    criterion = data.get("findingCriteria", {}).get("criterion", {})
    action = data.get("action", "NOOP")
    if action not in ("ARCHIVE", "NOOP"):
        raise Refused("action: neither ARCHIVE nor NOOP")
    if broken := [name for name in unknown if name.startswith("findingCriteria")]:
        raise Refused(f"{broken[0]}: not known here, and without it more would be meant")
    source, parts, notes = "", [], unknown_keys(unknown)
    for name, found in criterion.items():
        said = condition(name, found, known)
        notes += said.notes
        if name == BUCKET and list(found) == ["eq"] and len(found["eq"]) == 1 and "'" not in found["eq"][0]:
            source = f"s3://{found['eq'][0]}"
        elif said.sql:
            parts.append(said.sql)
    if not parts and not source:
        raise Refused("findingCriteria: nothing is left that narrows it: it would mean every finding")
    if not source:
        parts.insert(0, "starts_with(source, 's3://')")
    return Filter(action == "ARCHIVE", source, " AND ".join(parts), tuple(dict.fromkeys(notes)))


def taken_over() -> tuple[str, ...]:
    """The fields that can be taken over, for the page that maps them."""
    return tuple(FIELDS)
