"""Rules, findings and reports made up for a test, and a database of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from piiscan.catalogue import load_rules
from piiscan.classify.stack import Stack
from piiscan.model import (
    Category,
    Finding,
    Fingerprint,
    MatchSpec,
    ObjectRef,
    ObjectReport,
    Occurrence,
    Outcome,
    Place,
    RiskScore,
    Rule,
    RuleId,
    Severity,
)
from piiscan.spool import write_shard
from piiscan.store.ingest import DuckStore

CATALOGUE = "catalogue"
SOURCE = "file:///share"


def rule(name: str = "test.number", category: Category = Category.PII, **more: Any) -> Rule:
    """A rule; its pattern is of no importance to what it is made for."""
    given: dict[str, Any] = {"severity": ((1, Severity.LOW),), "match": MatchSpec(r"\d+"), **more}
    return Rule(RuleId(name), name.title(), category, **given)


def fingerprint(number: int) -> Fingerprint:
    return Fingerprint(number.to_bytes(16, "big"))


def finding(
    name: str = "us.ssn",
    places: Sequence[Place] = (Place(line=1, column=1),),
    *,
    masked: str = "***-**-**98",
    values: int = 1,
    severity: Severity = Severity.HIGH,
    confidence: float = 0.95,
    **more: Any,
) -> Finding:
    """A finding with an occurrence at each place."""
    occurrences = tuple(
        Occurrence(place, masked, fingerprint(n % values), confidence, 10 * n, 11) for n, place in enumerate(places)
    )
    kept = {fingerprint(n): 1 for n in range(values)}
    given: dict[str, Any] = {"test_data": False, "values": kept, **more}
    return Finding(
        RuleId(name), Category.PII, severity, confidence, len(places), values, occurrences=occurrences, **given
    )


def ref(key: str, size: int = 100, etag: str = "e1", version: str = "", *, source: str = SOURCE) -> ObjectRef:
    return ObjectRef(source, key, size, etag, None, version)


def report(
    of: ObjectRef | str,
    findings: Sequence[Finding] = (),
    outcome: Outcome = Outcome.SCANNED,
    reason: str = "",
    media_type: str = "text/plain",
) -> ObjectReport:
    """What a scan says of one object."""
    of = ref(of) if isinstance(of, str) else of
    risk = RiskScore(40, ("40 points",)) if findings else RiskScore(0)
    return ObjectReport(of, media_type, outcome, reason, tuple(findings), risk, of.size)


def database(folder: Path, *runs: Sequence[ObjectReport], name: str = "made.duckdb") -> Path:
    """A database into which these runs went."""
    path = folder / name
    store = DuckStore(path, key_file=folder / "made.key")
    try:
        for reports in runs:
            add_run(store, folder, reports)
    finally:
        store.close()
    return path


def add_run(store: DuckStore, folder: Path, reports: Sequence[ObjectReport]) -> int:
    """One more run, ended."""
    run = store.begin([SOURCE], "identity", {}, CATALOGUE).run
    store.load(run, [write_shard(folder / "spool", run, 0, reports, CATALOGUE)])
    store.end(run, "done", len(reports), 0)
    return run


@cache
def whole_stack() -> Stack:
    """All rules of the catalogue, compiled once for all tests of a process."""
    return Stack(load_rules(), cache=False)
