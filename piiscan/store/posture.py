"""Runs of the buckets' checks in the store: verdicts with their history, scores, and the exposure that the risk uses.

What is given is plain rows: this room knows nothing of how buckets are judged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from piiscan import __version__
from piiscan.store.risk import rescored

if TYPE_CHECKING:
    from piiscan.store.ingest import DuckStore


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of the catalogue; `severity` from 1 (low) to 4 (critical)."""

    check_id: str
    title: str
    severity: int
    macie: str | None
    fix: str
    reference: str


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What one check says of a bucket."""

    check_id: str
    severity: int
    verdict: str
    evidence: str
    data: str
    """JSON."""
    extent: int
    missing: tuple[str, ...]
    """IAM actions."""


@dataclass(frozen=True, slots=True)
class BucketRow:
    """A bucket as one run found it; None in `public` to `value`: not known."""

    bucket: str
    region: str
    state: str
    """JSON."""
    results: tuple[ResultRow, ...]
    score: int | None
    public: bool | None
    shared: bool | None
    shared_with: tuple[str, ...] | None
    replicated: bool | None
    encrypted: bool | None
    value: float | None
    """The exposure, 0 to 1."""
    reasons: tuple[str, ...]

    @property
    def source(self) -> str:
        """As sources of objects are named."""
        return f"s3://{self.bucket}"

    def count(self, verdict: str) -> int:
        """How many checks say so."""
        return sum(row.verdict == verdict for row in self.results)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as one run found it."""

    account: str
    """Empty: not known."""
    listed: frozenset[str] | None
    """Names of all buckets that it has; None: not known."""
    score: int | None
    buckets: tuple[BucketRow, ...]


def begin(store: DuckStore, patterns: Sequence[str], checks: Sequence[CheckRow]) -> int:
    """The number of a new run, once the catalogue of checks is written down."""
    with store.transaction():
        run = int(store.query("SELECT coalesce(max(run), 0) + 1 FROM posture_runs")[0][0])
        store.query(
            "INSERT INTO posture_runs VALUES (?, ?, NULL, ?, ?)",
            [run, _now(), json.dumps(list(patterns)), __version__],
        )
        store.query("DELETE FROM posture_checks WHERE check_id IN (SELECT unnest(?))", [[c.check_id for c in checks]])
        for c in checks:
            row = [c.check_id, c.title, c.severity, c.macie, c.fix, c.reference]
            store.query("INSERT INTO posture_checks VALUES (?, ?, ?, ?, ?, ?)", row)
    return run


def end(store: DuckStore, run: int) -> None:
    """Close a run."""
    store.query("UPDATE posture_runs SET ended = ? WHERE run = ?", [_now(), run])


def keep(store: DuckStore, run: int, account: AccountRow) -> None:
    """Write what a run found in one account, in one transaction; objects are scored anew when an exposure changed."""
    with store.transaction():
        before = _exposed(store)
        for write in (_results, _states, _scores, _buckets, _exposures):
            write(store, run, account)
        if _exposed(store) != before:
            store.query(rescored())


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


_CHANGED = """
INSERT INTO posture_results
WITH last_known AS (
    SELECT r.source, r.check_id, max_by(r.verdict, r.run) AS verdict, max_by(r.severity, r.run) AS severity,
           max_by(r.extent, r.run) AS extent, max_by(r.since, r.run) AS since
    FROM posture_results r JOIN (SELECT DISTINCT source FROM incoming_verdicts) i USING (source)
    WHERE r.verdict <> 'unknown' GROUP BY r.source, r.check_id
),
last AS (
    SELECT r.source, r.check_id, max_by(r.verdict, r.run) AS verdict, max_by(r.since, r.run) AS since
    FROM posture_results r JOIN (SELECT DISTINCT source FROM incoming_verdicts) i USING (source)
    GROUP BY r.source, r.check_id
)
SELECT $run, n.source, n.check_id, n.severity, n.verdict, n.evidence, n.data, n.extent, n.missing,
       CASE WHEN n.verdict = 'unknown' THEN NULL
            WHEN n.verdict <> 'fail' THEN CASE WHEN k.verdict = 'fail' THEN 'fixed' END
            WHEN k.verdict IS NULL OR k.verdict <> 'fail' THEN 'new'
            WHEN n.severity > k.severity OR (n.severity = k.severity AND n.extent > k.extent) THEN 'worse'
            WHEN n.severity < k.severity OR n.extent < k.extent THEN 'better'
            ELSE 'still' END,
       CASE WHEN n.verdict = 'unknown' AND l.verdict = 'unknown' THEN l.since
            WHEN n.verdict = k.verdict THEN k.since
            ELSE r.started END
FROM incoming_verdicts n
JOIN posture_runs r ON r.run = $run
LEFT JOIN last_known k ON k.source = n.source AND k.check_id = n.check_id
LEFT JOIN last l ON l.source = n.source AND l.check_id = n.check_id
"""
"""Changes are against the last run that knew: what could not be read in between was neither fixed nor gone."""


def _results(store: DuckStore, run: int, account: AccountRow) -> None:
    rows = [(bucket.source, row) for bucket in account.buckets for row in bucket.results]
    if not rows:
        return
    columns = {
        "source": [source for source, _ in rows],
        "check_id": [row.check_id for _, row in rows],
        "severity": [row.severity for _, row in rows],
        "verdict": [row.verdict for _, row in rows],
        "evidence": [row.evidence for _, row in rows],
        "data": [row.data for _, row in rows],
        "extent": [row.extent for _, row in rows],
        "missing": [json.dumps(list(row.missing)) for _, row in rows],
    }
    with store.lent("incoming_verdicts", columns):
        store.query(_CHANGED, {"run": run})


def _states(store: DuckStore, run: int, account: AccountRow) -> None:
    if not account.buckets:
        return
    columns = {"source": [b.source for b in account.buckets], "state": [b.state for b in account.buckets]}
    with store.lent("incoming_verdicts", columns):
        store.query(
            "INSERT INTO posture_states SELECT ?, n.source, n.state FROM incoming_verdicts n "
            "LEFT JOIN (SELECT source, max_by(state, run) AS state FROM posture_states GROUP BY source) s "
            "USING (source) WHERE s.state IS DISTINCT FROM n.state",
            [run],
        )


def _scores(store: DuckStore, run: int, account: AccountRow) -> None:
    rows: list[tuple[str | None, int | None, int, int]]
    rows = [(b.source, b.score, b.count("fail"), b.count("unknown")) for b in account.buckets]
    rows.append((None, account.score, sum(row[2] for row in rows), sum(row[3] for row in rows)))
    columns = dict(zip(("source", "score", "failed", "unknown"), map(list, zip(*rows, strict=True)), strict=True))
    with store.lent("incoming_verdicts", columns):
        store.query(
            "INSERT INTO posture_scores SELECT ?, ?, source, score, failed, unknown FROM incoming_verdicts",
            [run, account.account],
        )


def _buckets(store: DuckStore, run: int, account: AccountRow) -> None:
    if account.buckets:
        with store.lent("incoming_verdicts", _of_buckets(account)):
            store.query(
                "CREATE OR REPLACE TEMP TABLE met AS SELECT n.*, coalesce(b.first_run, $run) AS first_run "
                "FROM incoming_verdicts n LEFT JOIN posture_buckets b USING (source)",
                {"run": run},
            )
        store.query("DELETE FROM posture_buckets WHERE source IN (SELECT source FROM met)")
        store.query(
            "INSERT INTO posture_buckets SELECT source, bucket, ?, region, first_run, ?, NULL, public, shared, "
            "shared_with, replicated, encrypted, reasons FROM met",
            [account.account, run],
        )
        store.query("DROP TABLE met")
    if account.account and account.listed is not None:
        gone = "account = ? AND gone IS NULL AND bucket NOT IN (SELECT unnest(?::VARCHAR[]))"
        values = [account.account, sorted(account.listed)]
        store.query(
            f"DELETE FROM exposures WHERE source IN (SELECT source FROM posture_buckets WHERE {gone})",  # noqa: S608
            values,
        )
        store.query(f"UPDATE posture_buckets SET gone = ? WHERE {gone}", [run, *values])  # noqa: S608


def _of_buckets(account: AccountRow) -> dict[str, Any]:
    import pyarrow as pa

    rows = account.buckets
    return {
        "source": [b.source for b in rows],
        "bucket": [b.bucket for b in rows],
        "region": [b.region for b in rows],
        "public": pa.array([b.public for b in rows], pa.bool_()),
        "shared": pa.array([b.shared for b in rows], pa.bool_()),
        "shared_with": pa.array(
            [None if b.shared_with is None else json.dumps(b.shared_with) for b in rows], pa.string()
        ),
        "replicated": pa.array([b.replicated for b in rows], pa.bool_()),
        "encrypted": pa.array([b.encrypted for b in rows], pa.bool_()),
        "reasons": [json.dumps(b.reasons) for b in rows],
    }


def _exposures(store: DuckStore, run: int, account: AccountRow) -> None:
    """Write the exposures that are known; one that is not known any more stays as it was."""
    rows = [b for b in account.buckets if b.value is not None]
    if not rows:
        return
    columns = {
        "source": [b.source for b in rows],
        "exposure": [b.value for b in rows],
        "reason": ["; ".join(b.reasons) for b in rows],
    }
    with store.lent("incoming_verdicts", columns):
        store.query("DELETE FROM exposures WHERE source IN (SELECT source FROM incoming_verdicts)")
        store.query("INSERT INTO exposures SELECT source, exposure, reason, ? FROM incoming_verdicts", [_now()])


def _exposed(store: DuckStore) -> dict[str, float]:
    return dict(store.query("SELECT source, max(exposure) FROM exposures GROUP BY source"))
