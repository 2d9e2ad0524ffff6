"""Objects that other rules examined: what is known of them, and how they are taken over without being read.

All of it is SQL over the one writer's connection; what may be taken over `piiscan/rulesets.py` decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from piiscan.model import Category, Finding, RuleId, Severity, Sketch
from piiscan.store.ingest import DuckStore
from piiscan.store.risk import rescored


@dataclass(frozen=True, slots=True)
class Sketched:
    """An object of the newest state with its sketch."""

    oid: int
    sketch: Sketch


@dataclass(frozen=True, slots=True)
class Scored:
    """An object's findings, without places and values."""

    oid: int
    findings: tuple[Finding, ...]


def rule_sets(store: DuckStore) -> dict[str, tuple[str, bytes]]:
    """The rule sets that are kept: settings and rules by catalogue."""
    return {row[0]: (row[1], row[2]) for row in store.query("SELECT catalogue, settings, rules FROM rulesets")}


def keep_rule_set(store: DuckStore, catalogue: str, settings: str, rules: bytes) -> None:
    """Keep a rule set, so that a later one can be compared with it."""
    store.query("INSERT INTO rulesets VALUES (?, ?, ?)", [catalogue, settings, rules])


def examined_by(store: DuckStore) -> set[str]:
    """The catalogues that examined the objects of the newest state."""
    return {row[0] for row in store.query("SELECT DISTINCT catalogue FROM objects WHERE superseded IS NULL")}


def sketched(store: DuckStore, catalogue: str, after: int | None, limit: int) -> list[Sketched]:
    """Objects that a catalogue examined and that have a sketch, in the order of their ids, beginning behind one."""
    rows = store.query(
        "SELECT o.oid, s.words, s.digits, s.signs, s.contested FROM objects o JOIN sketches s USING (oid, run) "
        "WHERE o.superseded IS NULL AND o.catalogue = ? AND o.outcome <> 'failed' AND (? IS NULL OR o.oid > ?) "
        "ORDER BY o.oid LIMIT ?",
        [catalogue, after, after, limit],
    )
    return [Sketched(row[0], Sketch(row[1], row[2], row[3], tuple(json.loads(row[4])))) for row in rows]


def findings_of(store: DuckStore, oids: Sequence[int], rules: Sequence[str]) -> list[Scored]:
    """All findings of those of some objects in which one of some rules found something."""
    if not oids or not rules:
        return []
    with store.lent("chosen", {"oid": oids}):
        rows = store.query(
            "SELECT oid, rule, category, severity, confidence, count, distinct_values, test_data, distinct_exact "
            "FROM findings WHERE superseded IS NULL AND oid IN (SELECT oid FROM chosen) AND oid IN (SELECT oid FROM "
            "findings WHERE superseded IS NULL AND rule IN (SELECT unnest(?))) ORDER BY oid, rule",
            [list(rules)],
        )
    found: dict[int, list[Finding]] = {}
    for oid, rule, category, severity, confidence, count, distinct, test, exact in rows:
        found.setdefault(oid, []).append(
            Finding(
                RuleId(rule), Category(category), Severity(severity), round(confidence, 4), count, distinct, test, (),
                exact,
            )
        )  # fmt: skip
    return [Scored(oid, tuple(findings)) for oid, findings in found.items()]


def carry(
    store: DuckStore,
    oids: Sequence[int],
    catalogue: str,
    scored: Sequence[Scored],
    moved: Mapping[str, Mapping[float, float]],
) -> None:
    """Objects count as examined by a catalogue; those of `scored` have these findings, and their places the confidence
    that `moved` has for the old one of a rule; their risk follows. In one transaction."""
    found = [(one.oid, finding) for one in scored for finding in one.findings if finding.rule in moved]
    with (
        store.transaction(),
        store.lent("chosen", {"oid": oids}),
        store.lent("worths", _worths(found)),
        store.lent("levels", _levels(moved)),
    ):
        store.query(
            "UPDATE objects SET catalogue = ? WHERE superseded IS NULL AND oid IN (SELECT oid FROM chosen)", [catalogue]
        )
        if not scored:
            return
        store.query(
            "UPDATE findings f SET category = w.category, severity = w.severity, confidence = w.confidence "
            "FROM worths w WHERE f.superseded IS NULL AND f.oid = w.oid AND f.rule = w.rule"
        )
        store.query(
            "UPDATE occurrences c SET confidence = l.new FROM levels l, objects o WHERE c.rule = l.rule AND "
            "round(c.confidence::DOUBLE, 4) = l.old AND o.oid = c.oid AND o.run = c.run AND o.superseded IS NULL "
            "AND c.oid IN (SELECT oid FROM worths)"
        )
        store.query(rescored("worths"))


def _levels(moved: Mapping[str, Mapping[float, float]]) -> dict[str, list[Any]]:
    rows = [(rule, old, new) for rule, pairs in moved.items() for old, new in pairs.items()]
    return {name: [row[i] for row in rows] for i, name in enumerate(("rule", "old", "new"))}


def _worths(found: Sequence[tuple[int, Finding]]) -> dict[str, list[Any]]:
    return {
        "oid": [oid for oid, _ in found],
        "rule": [str(finding.rule) for _, finding in found],
        "category": [finding.category.value for _, finding in found],
        "severity": [int(finding.severity) for _, finding in found],
        "confidence": [finding.confidence for _, finding in found],
    }
