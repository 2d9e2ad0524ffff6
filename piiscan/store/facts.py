"""What the page of a report shows, as values: all of it is small, however large the store is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as it was recorded."""

    run: int
    started: datetime
    """UTC, without a zone, as all times here."""
    ended: datetime | None
    status: str
    targets: tuple[str, ...]
    settings: dict[str, Any]
    """Of the configuration, without secrets."""
    catalogue: str
    version: str
    listed: int
    unchanged: int
    examined: int
    """Objects that it read."""


@dataclass(frozen=True, slots=True)
class Point:
    """The state at the end of a run."""

    run: int
    started: datetime
    version: str
    findings: tuple[int, int, int, int]
    """Critical first."""
    objects: int
    """Objects that are known."""
    risky: int
    """Of these, those with a risk above 0."""
    points: int
    """Their risks, added."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A source, or what lies below two levels of folders of it, added up."""

    source: str
    prefix: str
    """With a slash at the end; empty: the source, or what lies in no folder."""
    objects: int
    holding: int
    """Objects with findings."""
    findings: int
    matches: int
    worst: int
    """Highest severity, 0: no findings."""
    risk: int
    """The highest."""
    points: int
    """All risks, added."""
    size: int
    examined: int
    scanned: int
    partly: int
    sensitivity: int | None = None
    """On Macie's scale; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the map: a folder of a source, or what no other part has."""

    source: str | None
    """None: all sources that are not on the map."""
    prefix: str | None
    """As of `Folder`; None: all folders of the source that are not on the map."""
    points: int
    risk: int
    holding: int
    findings: int


@dataclass(frozen=True, slots=True)
class Kind:
    """All findings of one rule."""

    rule: str
    name: str
    category: str
    severity: int
    objects: int
    matches: int
    regulations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Law:
    """All findings that fall under one regulation."""

    regulation: str
    title: str
    objects: int
    findings: int
    matches: int


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its first places: (place, masked)."""

    source: str
    object: str
    rule: str
    name: str
    severity: int
    confidence: float
    count: int
    places: tuple[tuple[dict[str, Any], str], ...] = ()


@dataclass(frozen=True, slots=True)
class Risky:
    """An object with its risk, the sentences for it, and its worst findings."""

    source: str
    object: str
    risk: int
    people: int
    reasons: tuple[str, ...]
    count: int
    """Of its findings that count."""
    findings: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """How much was not read for one reason; of `kind` outcome, reason or format."""

    what: str
    outcome: str
    objects: int
    size: int
    examined: int


@dataclass(frozen=True, slots=True)
class Missed:
    """An object that was not read whole."""

    source: str
    object: str
    outcome: str
    reason: str
    size: int
    parts: int
    """Parts of it that were not read, as far as they were counted."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the page shows."""

    run: Run | None
    only: bool
    """Whether it is what this run examined alone, not the newest state."""
    schema: int
    rules: int
    weights: tuple[tuple[str, float, str], ...]
    points: tuple[Point, ...]
    runs: int
    """How many runs there are; `points` are the last of them."""
    sources: tuple[Folder, ...]
    source_count: int
    folders: tuple[Folder, ...]
    folder_count: int
    regions: tuple[Region, ...]
    """By source, those with the most risk first."""
    total: Folder
    standing: dict[str, int]
    """How many findings are counted, sample, suppressed, false_positive, accepted."""
    severities: tuple[int, int, int, int]
    """Counted findings, critical first."""
    kinds: tuple[Kind, ...]
    kind_count: int
    laws: tuple[Law, ...]
    risky: tuple[Risky, ...]
    risky_count: int
    found: tuple[Found, ...]
    changes: dict[str, tuple[int, int, int, int]]
    """How many findings the run found new, changed or gone, critical first; empty when it was the first one."""
    new: tuple[Found, ...]
    outcomes: tuple[Unread, ...]
    reasons: tuple[Unread, ...]
    formats: tuple[Unread, ...]
    parts: tuple[tuple[str, int, int], ...]
    """(code, parts, objects) of parts that were not read."""
    missed: tuple[Missed, ...]
    missed_count: int
    never: int
    """Objects that were listed and of which nothing is known: left out by a sample, a budget or a limit."""
    nameless: int
    """Objects in which names were not looked for."""
    allowed: int
    """Matches that allow lists kept back."""
