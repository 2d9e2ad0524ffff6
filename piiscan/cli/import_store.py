"""Jobs and suppressions of an import in the database: made once, kept up to date, left alone once changed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piiscan.errors import ConfigError, PiiscanError
from piiscan.importing.regex import Refused

if TYPE_CHECKING:
    from piiscan.importing.macie_config.filters import Filter
    from piiscan.jobs.store import JobStore
    from piiscan.store.ingest import DuckStore

OWNER = "piiscan import macie"
"""Who suppressions of an import are owned by, and who ends them when they are made anew."""


@dataclass(frozen=True, slots=True)
class MadeJob:
    """A job as the store takes it."""

    name: str
    macie: str
    """Macie's id, or its name where there is none."""
    schedule: str
    zone: str
    targets: tuple[str, ...]
    settings: dict[str, Any]
    paused: bool


def put_job(store: JobStore, job: MadeJob, *, replace: bool) -> str:
    """Make a job, or bring it up to date; its state. Raises: Refused, ConfigError."""
    rows = store.query(
        "SELECT options FROM job_versions WHERE name = ? ORDER BY version DESC LIMIT 1", [job.name]
    )  # also of one that was removed
    there = job.name in store.names()
    if rows and not replace:
        if json.loads(rows[0][0]).get("imported") != job.macie:
            raise Refused(f"there is a job {job.name!r} that was made or changed by hand (--replace overwrites it)")
        if not there:
            raise Refused(f"the job {job.name!r} was removed by hand (--replace brings it back)")
    before = store.job(job.name)[0].version if there else 0
    made = store.add(
        job.name, job.targets, job.schedule, job.zone, job.settings, {"imported": job.macie}, datetime.now(UTC),
        replace=there,
    )  # fmt: skip
    if job.paused and not there:
        store.pause(job.name)
    return "new" if not there else "unchanged" if made.version == before else "updated"


def _earlier(store: DuckStore, macie: str) -> list[tuple[Any, ...]]:
    """Number, source, predicate and whether it holds, of each suppression that imports made of a filter."""
    return store.query(
        "SELECT number, source, predicate, removed IS NULL FROM suppressions WHERE owner = ? "
        "AND starts_with(reason, ?) ORDER BY number",
        [OWNER, f"Macie filter {macie}: "],
    )


def in_force(store: DuckStore, macie: str, meant: Filter) -> int | None:
    """The number of the suppression that says already what a filter means; None when there is none."""
    same = (meant.source, meant.predicate)
    return next(
        (int(row[0]) for row in _earlier(store, macie) if row[3] and (row[1] or "", row[2] or "") == same), None
    )


def put_suppression(store: DuckStore, macie: str, name: str, meant: Filter, *, replace: bool) -> tuple[int, str]:
    """Add a suppression for a filter, and end what an earlier import made of it; its number and state.

    Raises: Refused when a hand ended it.
    """
    from piiscan.store.triage import Meant, Said, remove, suppress

    rows = _earlier(store, macie)
    if rows and not rows[-1][3] and not replace and _ended_by_hand(store, rows[-1][0]):
        raise Refused(f"its suppression {rows[-1][0]} was ended by hand (--replace makes it anew)")
    held = [row[0] for row in rows if row[3]]
    for number in held:
        remove(store, number, Said(OWNER, "the filter was imported anew"))
    number = suppress(
        store,
        Meant(source=meant.source or None, predicate=meant.predicate or None),
        Said(OWNER, f"Macie filter {macie}: {name}"),
    )
    return number, "updated" if held else "new"


def _ended_by_hand(store: DuckStore, number: int) -> bool:
    rows = store.query(
        "SELECT owner FROM audit WHERE number = ? AND action = 'remove' ORDER BY made DESC LIMIT 1", [number]
    )
    return bool(rows) and rows[0][0] != OWNER


def questions(store: DuckStore, meanings: Iterable[Filter]) -> list[str]:
    """Why each condition cannot be answered, empty where it can: each is asked once of a copy that can do no harm."""
    from piiscan.store.query import rows
    from piiscan.store.snapshot import publish
    from piiscan.triage import MEMORY, SECONDS, question

    out: list[str] = []
    copy: Path | None = None
    for meant in meanings:
        if not meant.predicate:
            out.append("")
            continue
        copy = copy or publish(store)
        try:
            rows(copy, question(meant.predicate), SECONDS, MEMORY)
        except PiiscanError as err:
            out.append(f"the condition cannot be asked ({type(err).__name__})")
        else:
            out.append("")
    return out


def checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that the configuration takes. Raises: Refused."""
    from piiscan.config import Config

    try:
        Config.from_json(settings)
    except ConfigError as err:
        raise Refused(str(err)) from None
    return settings
