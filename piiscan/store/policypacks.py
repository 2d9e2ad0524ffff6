"""Policy packs in the store: which were applied, and what each has set. `query` gives the rows of a statement."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from piiscan.errors import ConfigError
from piiscan.store.risk import rescored

Query = Callable[..., Sequence[tuple[Any, ...]]]
FIRST_SCHEMA = 18
"""The schema that brought the tables of policy packs."""


@dataclass(frozen=True, slots=True)
class AppliedPack:
    """A pack as a database remembers it."""

    name: str
    version: int
    description: str
    digest: str
    key: str
    """Id of the key that signed it."""
    applied: datetime
    """UTC, without a zone, as the tables have it."""
    expires: date


def applied(query: Query) -> dict[str, AppliedPack]:
    """The packs of a database, by name."""
    rows = query("SELECT pack, version, description, digest, key_id, applied, expires FROM policy_packs ORDER BY pack")
    return {str(row[0]): AppliedPack(*row) for row in rows}


def owners(query: Query) -> dict[str, str]:
    """The pack that each job is of, by the job's name."""
    return {str(job): str(pack) for job, pack in query("SELECT name, pack FROM policy_jobs")}


def drifted(query: Query, pack: str) -> bool:
    """Whether something in the database is other than a pack says, its end aside."""
    return bool(query("SELECT 1 FROM v_policy_drift WHERE pack = ? AND kind <> 'expired'", [pack]))


def note(query: Query, pack: AppliedPack, jobs: Mapping[str, Sequence[str]]) -> None:
    """Remember a pack and its jobs, in place of an older version. To be called in a transaction.

    `jobs`: schedule, zone, targets, settings and options of each, as `job_versions` has them.
    """
    for table in ("policy_packs", "policy_jobs"):
        query(f"DELETE FROM {table} WHERE pack = ?", [pack.name])  # noqa: S608 - names of ours
    query(
        "INSERT INTO policy_packs VALUES (?, ?, ?, ?, ?, ?, ?)",
        [pack.name, pack.version, pack.description, pack.digest, pack.key, pack.applied, pack.expires],
    )
    for name, content in jobs.items():
        query("INSERT INTO policy_jobs VALUES (?, ?, ?, ?, ?, ?, ?)", [pack.name, name, *content])


def check_weights(query: Query, pack: str, weights: Mapping[str, float]) -> None:
    """See that no other pack sets one of these weights. Raises: ConfigError."""
    for term, other in query("SELECT term, pack FROM policy_weights WHERE pack <> ? ORDER BY term", [pack]):
        if term in weights:
            raise ConfigError(f"the weight {term} is set by the policy pack {other!r}")


def set_weights(query: Query, pack: str, weights: Mapping[str, float]) -> bool:
    """Set a pack's weights, put back those that it sets no more, and score anew. Whether anything changed.

    To be called in a transaction. Raises: ConfigError for a term that there is not.
    """
    now: dict[str, float] = dict(query("SELECT term, weight FROM risk_weights"))
    if unknown := sorted(set(weights) - set(now)):
        raise ConfigError(f"this database knows no weight {unknown[0]!r}")
    ours = {term: (weight, before) for term, weight, before in query(
        "SELECT term, weight, before FROM policy_weights WHERE pack = ?", [pack])}  # fmt: skip
    dropped = {term: before for term, (weight, before) in ours.items() if term not in weights and now[term] == weight}
    query("DELETE FROM policy_weights WHERE pack = ?", [pack])
    for term, weight in weights.items():
        before = ours[term][1] if term in ours else now[term]
        query("INSERT INTO policy_weights VALUES (?, ?, ?, ?)", [pack, term, weight, before])
    changes = {term: weight for term, weight in {**dropped, **weights}.items() if now[term] != weight}
    for term, weight in changes.items():
        query("UPDATE risk_weights SET weight = ? WHERE term = ?", [weight, term])
    if changes:
        query(rescored())
    return bool(changes)


def content(job: Sequence[Any]) -> list[str]:
    """Schedule, zone, targets, settings and options of a job as `job_versions` has them."""
    schedule, zone, *rest = job
    return [schedule, zone, *(json.dumps(value, sort_keys=True) for value in rest)]
