"""A large store: how long its questions take, and how large it is: `python -m bench.store [--scale X]`.

At scale 1 the store has a million objects in 200 sources, 2 million findings, 10 million occurrences and 8 million
distinct values, made by SQL from numbers. Printed, in CPU seconds: each question of `docs/cookbook.md`, what `top`,
`tree`, `diff` and `report --format html` ask, the scoring of all objects, suppressions put into force, one value found;
then megabytes a million occurrences, and occurrences a CPU second that come in from shard files. Bars 1 to 3.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from piiscan.cli.top import BY, TREE
from piiscan.errors import PiiscanError
from piiscan.model import (
    Category,
    Finding,
    Fingerprint,
    ObjectRef,
    ObjectReport,
    Occurrence,
    Outcome,
    Place,
    RiskScore,
    RuleId,
    Severity,
)
from piiscan.redact import fingerprinter
from piiscan.spool import write_shard
from piiscan.store.ingest import DuckStore
from piiscan.store.query import rows
from piiscan.store.risk import rescore
from piiscan.store.snapshot import publish
from piiscan.store.triage import Meant, Said, suppress
from piiscan.store.values import holders
from piiscan.triage import put_into_force

PAGE = Path(__file__).parents[1] / "docs" / "cookbook.md"
RULES = (
    ("us.ssn", "pii", 3, '["us","hipaa","ccpa"]'),
    ("generic.email", "pii", 1, '["gdpr"]'),
    ("generic.phone", "pii", 1, '["gdpr"]'),
    ("generic.credit_card", "financial", 3, '["pci"]'),
    ("iban.de", "financial", 2, '["gdpr"]'),
    ("ner.person", "pii", 2, '["gdpr"]'),
    ("generic.date_of_birth", "pii", 2, '["gdpr","hipaa"]'),
    ("aws.secret_access_key", "credentials", 4, '["secrets"]'),
    ("special.religion", "pii", 3, '["gdpr-art9"]'),
    ("generic.ipv4", "pii", 1, "[]"),
)
MADE = Path(__file__).with_suffix(".sql")


def cpu() -> float:
    """CPU seconds of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def build(folder: Path, scale: float) -> DuckStore:
    """The store."""
    store = DuckStore(folder / "large.duckdb", key_file=folder / "key")
    con = store.connection
    for run in (1, 2):
        con.execute(
            "INSERT INTO runs VALUES (?, now()::TIMESTAMP - to_days(?::INTEGER), now()::TIMESTAMP, 'done', '[]', 'i', "
            "'{}', 'c', '0', ?, 0)",
            [run, 3 - run, int(1e6 * scale)],
        )
    con.execute("CREATE TEMP TABLE made_rules (r INTEGER, rule VARCHAR, category VARCHAR, severity TINYINT)")
    for number, (rule, category, severity, tags) in enumerate(RULES):
        con.execute("INSERT INTO made_rules VALUES (?, ?, ?, ?)", [number, rule, category, severity])
        con.execute("INSERT INTO rules VALUES (?, ?, NULL, ?, ?)", [rule, rule, category, tags])
    given = {"objects": int(1e6 * scale), "values": int(8e6 * scale), "sources": 200}
    for statement in MADE.read_text("utf-8").format(**given).split(";\n"):
        if statement.strip():
            con.execute(statement)
    store.checkpoint()
    return store


def taken_in(folder: Path, scale: float) -> int:
    """Occurrences a CPU second that come into an empty store from shard files: 100 and as many values a finding."""
    store = DuckStore(folder / "shards.duckdb", key_file=folder / "key")
    run = store.begin(["s3://bench"], "bench", {}, "c").run
    files, occurrences = [], 0
    for number in range(max(int(40 * scale), 1)):
        reports = [_report(number * 50 + n) for n in range(50)]
        occurrences += sum(f.count for one in reports for f in one.findings)
        files.append(write_shard(folder / "spool", run, number, reports, "c"))
    begin = cpu()
    for at in range(0, len(files), 10):
        store.load(run, files[at : at + 10])
    spent = cpu() - begin
    store.close()
    return round(occurrences / spent)


def _report(number: int) -> ObjectReport:
    """An object with two findings."""
    findings = []
    for rule, category in ((RuleId("us.ssn"), Category.PII), (RuleId("generic.credit_card"), Category.FINANCIAL)):
        prints = [Fingerprint((number * 1000 + n).to_bytes(16, "little")) for n in range(100)]
        places = tuple(
            Occurrence(Place(line=n + 1, column=7), "***-**-1234", one, 0.95, 40 * n, 11)
            for n, one in enumerate(prints)
        )
        findings.append(
            Finding(rule, category, Severity.HIGH, 0.95, 100, 100, False, places, True, dict.fromkeys(prints, 1))
        )
    ref = ObjectRef("s3://bench", f"data/{number}.txt", 4_000, f"{number:032x}")
    return ObjectReport(ref, "text/plain", Outcome.SCANNED, "", tuple(findings), RiskScore(50, ("50 points",)), 4_000)


def questions() -> dict[str, str]:
    """What is asked, by name."""
    found = re.findall(r"```sql\n-- (\d+)\. ([^\n]*)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    out = {f"{number}. {title}": query.strip().rstrip(";") for number, title, query in found}
    out |= {f"top {by}": f"{query} LIMIT 20" for by, query in BY.items()}
    tree = TREE.replace("$depth", "2").replace("$source", "''").replace("$least", "1")
    return out | {"tree": tree}


def timed(name: str, what: Callable[[], Any], into: dict[str, float]) -> None:
    """Do something, and keep and print its CPU seconds."""
    begin, wall = cpu(), time.monotonic()
    try:
        what()
    except PiiscanError as err:
        print(f"          failed  {name}: {err}")
        into[name] = float("inf")
        return
    into[name] = round(cpu() - begin, 3)
    print(f"{into[name]:7.3f} s CPU  {time.monotonic() - wall:7.3f} s  {name}", flush=True)


def main() -> int:
    """Print the times, and a line for `bench/results/store.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args()
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = build(folder, args.scale)
        timed("score all objects", lambda: rescore(store), times)
        suppress(store, Meant(rule="generic.ipv4", object="data/1/**"), Said("bench", "noise"))
        timed("put a suppression into force", lambda: put_into_force(store), times)
        store.checkpoint()
        occurrences = store.query("SELECT count(*) FROM occurrences")[0][0]
        size = store.path.stat().st_size
        copy = publish(store)
        asked: dict[str, float] = {}
        for name, query in questions().items():
            timed(name, lambda query=query: rows(copy, query, 120.0, "4GB"), asked)  # type: ignore[misc]
        fingerprint = fingerprinter(store.key)("nobody@example.org")
        store.query(
            "INSERT INTO value_index VALUES (?, 5, 1, 'generic.email', 1, ?)",
            [fingerprint, int.from_bytes(fingerprint[:8], "big")],
        )
        timed("find one value", lambda: holders(store.connection, [fingerprint]), times)
        store.close()
        speed = taken_in(folder, args.scale)
        print(f"{speed:,} occurrences a CPU second come in from shard files")
    line = {
        "scale": args.scale,
        "load": round(os.getloadavg()[0], 1),
        "slowest": max(asked, key=lambda name: asked[name]),
        "slowest_cpu": max(asked.values()),
        "over_0.3": sum(seconds > 0.3 for seconds in asked.values()),
        "asked": len(asked),
        "occurrences_per_cpu_second": speed,
        "mb_per_million_occurrences": round(size / 1e6 / (occurrences / 1e6), 1),
        **times,
    }
    print(json.dumps(line))
    results = Path("bench/results")
    results.mkdir(parents=True, exist_ok=True)
    with (results / "store.jsonl").open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
