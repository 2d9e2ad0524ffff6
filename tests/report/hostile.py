"""A database whose names try to break every format: what the exports are tested with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from piiscan.model import (
    Category,
    Finding,
    Fingerprint,
    ObjectRef,
    ObjectReport,
    Occurrence,
    Outcome,
    Place,
    RuleId,
    Severity,
)
from piiscan.store import triage
from piiscan.store.ingest import DuckStore
from piiscan.store.triage import Meant, Said
from piiscan.triage import put_into_force
from tests.support.made import add_run, finding, ref, report, rule

FOLDER, OTHER, BUCKET, POINT = (
    "file:///share", "file:///other tree", "s3://bucket",
    "s3://arn:aws:s3:eu-west-1:000000000000:accesspoint/point",
)  # fmt: skip
RULE = 'SSN "of" the ]]> <US> [x](y)\n\u202e'
"""Name of a rule."""
NAMES = (
    "plain.txt",
    "line\nbreak\r\ttab.txt",
    "quotes \"double\" 'single' `back`.csv",
    "cdata ]]> <![CDATA[ &amp; <b>.xml",
    "sur\udc80rogate.txt",
    r"bytes\xff\x5cx.txt",
    "right \u202e to left \u200f, é 字 \U0001f642.txt",
    "escape \x1b[31m red \x07 \x00.txt",
    "[link](https://example.com) {0} 100%.md",
    "a:b/..//c/./d ?x=1#y;z",
    "noncharacter \ufffe \uffff.txt",
    "deep/" * 817 + "end.txt",
    "   ",
    "no extension.",
)
PLACES = (
    Place(line=3, column=7),
    Place(line=4),
    Place(row=2, column_name="naïve ]]> \u202e \x1b[0m\n\"'<name>", line=3),
    Place(row=2, column_name="   "),
    Place(row=3, sheet="Sta'ff!\n]", cell="AB12", column_name="x" * 4_000),
    Place(record=0, path="$.users[0]." + "n" * 300 + ".ssn"),
    Place(record=7, path="$.a"),
    Place(path="$['quoted \" key']"),
    Place(page=4, line=2),
    Place(slide=2, part="body"),
    Place(byte=77),
    Place(line=9, column=1, member=("in\nner.zip", "../../etc/[x]]>.csv")),
    Place(),
)


def placed(category: Category, name: str, places: tuple[Place, ...], **more: Any) -> Finding:
    """A finding of any category, whose count may be larger than the places that are kept."""
    given = {"severity": Severity.HIGH, "confidence": 0.95, "test_data": False, "masked": "c***\u202e]]>\x07e", **more}
    masked, count = given.pop("masked"), given.pop("count", len(places) or 1)
    occurrences = tuple(
        Occurrence(p, masked, Fingerprint(n.to_bytes(16, "big")), 0.9, None, None) for n, p in enumerate(places)
    )
    return Finding(
        RuleId(name), category, given.pop("severity"), given.pop("confidence"), count, given.pop("distinct", 1),
        given.pop("test_data"), occurrences, values={Fingerprint(bytes(16)): count}, **given,
    )  # fmt: skip


def of_source(source: str, *, version: str = "") -> list[ObjectReport]:
    """Objects of one source: hostile names, all shapes of places, all categories, and some that were not read whole."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 678)

    def one(key: str, *findings: Finding, **more: Any) -> ObjectReport:
        return report(ObjectRef(source, key, 1_000, "e" * 32, moment, version), findings, **more)

    every = [placed(c, f"{c}.rule", PLACES[i : i + 3]) for i, c in enumerate(Category)]
    rows = tuple(Place(row=n, line=n + 1) for n in range(1, 60))
    many = placed(Category.PII, "us.ssn", rows, count=5_000, distinct=4_000, distinct_exact=False)
    worst = placed(Category.PHI, "us.npi", PLACES, severity=Severity.CRITICAL, confidence=1 / 3)
    partial = {"outcome": Outcome.PARTIAL, "reason": "MALFORMED_FILE: it says \x1b[31m ]]>"}
    failed = {"outcome": Outcome.FAILED, "reason": "READ_FAILED: no bytes", "media_type": ""}
    return [
        *(one(name, finding(places=[PLACES[n % len(PLACES)]])) for n, name in enumerate(NAMES)),
        one("all categories.bin", *every),
        one("many.csv", many),
        one("places.bin", worst),
        one("unplaced.bin", placed(Category.CREDENTIALS, "xx.token", (), count=12, severity=Severity.LOW)),
        one("samples.txt", finding("generic.credit_card", test_data=True, severity=Severity.MEDIUM)),
        one("clean.txt"),
        one("partial\n]]>.pdf", finding(severity=Severity.MEDIUM), media_type="application/pdf", **partial),
        one("failed.bin", **failed),
        one("link", outcome=Outcome.SKIPPED, reason="SYMBOLIC_LINK: leads away"),
    ]


def database(folder: Path) -> Path:
    """All of it in two runs: the second one read one object again."""
    path = folder / "hostile.duckdb"
    store = DuckStore(path, key_file=folder / "key")
    named = replace(rule("us.ssn", macie="USA_SOCIAL_SECURITY_NUMBER", tags=("gdpr", "hipaa")), name=RULE)
    store.remember_rules([named, rule("us.npi"), rule("generic.credit_card")])
    reports = [one for source in (FOLDER, OTHER, BUCKET, POINT) for one in of_source(source)]
    reports.append(report(ref("clean only.txt", source="file:///quiet")))
    reports.append(report(ObjectRef(BUCKET, "old.txt?versionId=v1", 9, "e1", None, "v1"), [finding()]))
    add_run(store, folder, reports)
    add_run(store, folder, [report(ref(NAMES[0], etag="e2"), [finding("us.npi", confidence=0.5)])])
    (one,) = store.query("SELECT finding FROM v_findings WHERE source = ? AND object = ?", [BUCKET, NAMES[0]])
    triage.set_state(store, bytes.fromhex(one[0]), "false_positive", Said("dana", "checked"))
    triage.suppress(store, Meant(rule="xx.token", source=BUCKET), Said("dana", "known"))
    put_into_force(store)
    store.close()
    return path
