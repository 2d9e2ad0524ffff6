"""Jobs in the database: their settings by version, their next fire, and a row for each fire, claimed before it starts.

DuckDB lets one process write. Who claims a fire keeps the database open until the fire is recorded, the scan's own
connections being of the same process. So whoever can open the database knows that no claim is alive: a row that still
says `running` is of a process that died, and is taken over, with its version, instead of being made again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError
from piiscan.jobs.schedule import Schedule, read_schedule
from piiscan.store.duck import Held, explain, open_for_reading, open_for_writing, schema_version, unbroken

FIRST_SCHEMA = 5
"""The schema that brought the tables of jobs."""
PATIENCE = 3.0
"""Seconds to wait for a database that is in use: `serve` has it open for a moment when it has changed."""
LATE = timedelta(hours=1)
"""A fire that begins later than this after its time counts as missed and made up."""
MOST_ATTEMPTS = 10
"""How often a fire is begun whose process keeps dying; one that was told to stop may go on."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobVersion:
    """What a job does, as it was set at one time."""

    job: str
    version: int
    schedule: str
    zone: str
    targets: tuple[str, ...]
    settings: dict[str, Any]
    """Keys of the configuration and their values."""
    options: dict[str, Any]
    """`full`, `fail_on`, `alert`, `config`: what a scan is told beside its configuration."""
    made: datetime

    def when(self) -> Schedule:
        """Its schedule. Raises: ConfigError when its time zone is no longer known."""
        return read_schedule(self.schedule, self.zone, self.made)


@dataclass(frozen=True, slots=True)
class Fire:
    """A fire that this process has claimed and must end."""

    number: int
    spec: JobVersion
    scheduled: datetime | None
    """None: by hand."""
    made_up: int
    attempts: int
    claimed: datetime
    """When this attempt began."""


def naive(moment: datetime | None) -> datetime | None:
    """A moment as the tables hold it: UTC without a zone."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime | None) -> datetime | None:
    """A moment of a table with its zone."""
    return None if moment is None else moment.replace(tzinfo=UTC)


class JobStore:
    """The jobs of a database, open for writing. All moments are aware; `now` is what the caller's clock says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._con = open_for_writing(path)
        self._within = False
        """Whether a transaction is open."""

    def close(self) -> None:
        """Let go of the database."""
        self._con.close()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement of our own. Raises: StoreError."""
        with unbroken():
            try:
                return list(self._con.execute(sql, list(parameters)).fetchall())
            except Exception as err:  # of DuckDB, which only the store's room imports
                raise explain(err, self.path) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within, or nothing of it; inside of another one it is a part of that. Raises: StoreError."""
        if self._within:
            yield
            return
        self.query("BEGIN")
        self._within = True
        try:
            yield
        except BaseException:
            self.query("ROLLBACK")
            raise
        else:
            self.query("COMMIT")
        finally:
            self._within = False

    def names(self) -> list[str]:
        """All jobs, by name."""
        return [row[0] for row in self.query("SELECT name FROM jobs ORDER BY name")]

    def add(
        self,
        name: str,
        targets: Sequence[str],
        schedule: str,
        zone: str,
        settings: dict[str, Any],
        options: dict[str, Any],
        now: datetime,
        *,
        replace: bool = False,
    ) -> JobVersion:
        """Make a job, or with `replace` give an existing one a new version of its settings; the version in force.

        Settings that are the old ones make no version. Raises: ConfigError for a name that is taken or no name, or a
        wrong schedule.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name[:64]!r} is no name for a job: letters, digits, `.`, `_`, `-`, 64 at most")
        now = now.replace(microsecond=0)
        when = read_schedule(schedule, zone, now)
        with self.transaction():
            there = self.query("SELECT version FROM jobs WHERE name = ?", [name])
            if there and not replace:
                raise ConfigError(f"there is a job {name!r} already (--replace gives it new settings)")
            old = self.version(name, there[0][0]) if there else None
            last = self.query("SELECT coalesce(max(version), 0) FROM job_versions WHERE name = ?", [name])[0][0]
            made = JobVersion(name, last + 1, schedule, zone, tuple(targets), settings, options, now)
            if old is not None and _content(old) == _content(made):
                return old
            self.query(
                "INSERT INTO job_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [name, made.version, naive(now), schedule, zone, *_content(made)[2:]],
            )
            first = naive(when.at if when.at is not None else when.next_after(now))
            if old is None:
                self.query("INSERT INTO jobs VALUES (?, ?, false, ?, ?)", [name, made.version, first, naive(now)])
            elif _content(old)[:2] == _content(made)[:2]:
                self.query("UPDATE jobs SET version = ? WHERE name = ?", [made.version, name])
            else:
                self.query("UPDATE jobs SET version = ?, next_fire = ? WHERE name = ?", [made.version, first, name])
        return made

    def version(self, name: str, number: int) -> JobVersion:
        """One version of a job's settings."""
        row = self.query(
            "SELECT schedule, zone, targets, settings, options, made FROM job_versions WHERE name = ? AND version = ?",
            [name, number],
        )[0]
        made = row[5].replace(tzinfo=UTC)
        return JobVersion(
            name, number, row[0], row[1], tuple(json.loads(row[2])), json.loads(row[3]), json.loads(row[4]), made
        )

    def job(self, name: str) -> tuple[JobVersion, bool, datetime | None]:
        """A job's settings in force, whether it is paused, its next fire. Raises: ConfigError for an unknown name."""
        rows = self.query("SELECT version, paused, next_fire FROM jobs WHERE name = ?", [name])
        if not rows:
            raise ConfigError(f"no job {name!r} (see `piiscan job ls`)")
        return self.version(name, rows[0][0]), bool(rows[0][1]), aware(rows[0][2])

    def pause(self, name: str) -> None:
        """Let a job rest: its fires are neither run nor made up later. Raises: ConfigError."""
        self.job(name)
        self.query("UPDATE jobs SET paused = true WHERE name = ?", [name])

    def resume(self, name: str, now: datetime) -> None:
        """Let a job go on with its first fire after `now`; an unfired `once` stays due. Raises: ConfigError."""
        spec, paused, following = self.job(name)
        if not paused:
            return
        when = spec.when()
        if when.cron:
            following = when.next_after(now)
        self.query("UPDATE jobs SET paused = false, next_fire = ? WHERE name = ?", [naive(following), name])

    def remove(self, name: str, now: datetime) -> None:
        """Forget a job; its history stays. Raises: ConfigError."""
        self.job(name)
        with self.transaction():
            self._bury("name = ?", [name], "the job was removed", now)
            self.query("DELETE FROM jobs WHERE name = ?", [name])

    def due(self, now: datetime) -> list[str]:
        """The jobs that have something to do, the one that waits longest first."""
        return [name for name, since in waiting(self.query) if since <= now]

    def claim(self, name: str, now: datetime) -> Fire | None:
        """The fire of a job that is due, now this process's to run; None when nothing is. Raises: ConfigError.

        A fire that was broken off comes before new ones. Several that are due become one.
        """
        with self.transaction():
            self._bury("cause = 'hand' AND outcome = 'running'", [], "its process ended", now)
            if (again := self._take_over(name, now)) is not None:
                return again
            spec, paused, following = self.job(name)
            if paused or following is None or following > now:
                return None
            when = spec.when()
            fires = [following, *when.due_between(following, now)]
            cause = "missed" if len(fires) > 1 or now - fires[-1] > LATE else "schedule"
            self.query("UPDATE jobs SET next_fire = ? WHERE name = ?", [naive(when.next_after(now)), name])
            return self._begin(spec, cause, fires[-1], len(fires) - 1, now)

    def begin(self, name: str, now: datetime) -> Fire:
        """A run by hand; the schedule is not touched. Raises: ConfigError."""
        with self.transaction():
            self._bury("cause = 'hand' AND outcome = 'running'", [], "its process ended", now)
            return self._begin(self.job(name)[0], "hand", None, 0, now)

    def finish(
        self, fire: Fire, now: datetime, outcome: str, code: int, *, reason: str = "", run: int | None = None
    ) -> None:
        """Record how a fire ended, and as skipped the fires of its job that came meanwhile.

        After an attempt that took over, what was due before it is left due: nothing ran then. `interrupted` is no end.
        """
        with self.transaction():
            self.query(
                "UPDATE job_runs SET outcome = ?, exit_code = ?, ended = ?, reason = ?, run = ? WHERE fire = ?",
                [outcome, code, naive(now), reason, run, fire.number],
            )
            if outcome != "interrupted":
                self._skip_overlaps(fire, now)

    def scans(self) -> set[tuple[int, str, datetime]]:
        """Number, status and end of each scan that ended: what is new in it since is the scan of a fire."""
        rows = self.query("SELECT run, status, ended FROM runs WHERE ended IS NOT NULL")
        return {(int(run), str(status), ended) for run, status, ended in rows}

    def _skip_overlaps(self, fire: Fire, now: datetime) -> None:
        row = self.query("SELECT version, paused, next_fire FROM jobs WHERE name = ?", [fire.spec.job])
        if not row or row[0][1] or row[0][2] is None:
            return
        following = row[0][2].replace(tzinfo=UTC)
        if following >= now or following <= fire.claimed:
            return
        when = self.version(fire.spec.job, row[0][0]).when()
        for moment in (following, *when.due_between(following, now)):
            if moment < now:
                self.query(
                    "INSERT INTO job_runs VALUES (?, ?, ?, 'schedule', ?, 0, NULL, NULL, 0, 'skipped', ?, NULL, NULL)",
                    [self._next(), fire.spec.job, row[0][0], naive(moment), f"overlap: fire {fire.number} still ran"],
                )
        nearest = when.next_after(now - timedelta(microseconds=1))
        self.query("UPDATE jobs SET next_fire = ? WHERE name = ?", [naive(nearest), fire.spec.job])

    def _take_over(self, name: str, now: datetime) -> Fire | None:
        rows = self.query(
            "SELECT r.fire, r.version, r.scheduled, r.made_up, r.attempts, r.outcome FROM job_runs r JOIN jobs j "
            "USING (name) WHERE name = ? AND r.cause != 'hand' AND r.outcome IN ('running', 'interrupted') "
            "AND NOT j.paused ORDER BY r.fire LIMIT 1",
            [name],
        )
        if not rows:
            return None
        number, version, scheduled, made_up, attempts, outcome = rows[0]
        if attempts >= MOST_ATTEMPTS and outcome == "running":
            self._bury("fire = ?", [number], f"its process ended {attempts} times before it was through", now)
            return None
        self.query(
            "UPDATE job_runs SET outcome = 'running', ended = NULL, exit_code = NULL, attempts = ? WHERE fire = ?",
            [attempts + 1, number],
        )
        return Fire(number, self.version(name, version), aware(scheduled), made_up, attempts + 1, now)

    def _begin(self, spec: JobVersion, cause: str, scheduled: datetime | None, made_up: int, now: datetime) -> Fire:
        number = self._next()
        self.query(
            "INSERT INTO job_runs VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 1, 'running', '', NULL, NULL)",
            [number, spec.job, spec.version, cause, naive(scheduled), made_up, naive(now)],
        )
        return Fire(number, spec, scheduled, made_up, 1, now)

    def _next(self) -> int:
        return int(self.query("SELECT coalesce(max(fire), 0) + 1 FROM job_runs")[0][0])

    def _bury(self, which: str, parameters: Sequence[Any], reason: str, now: datetime) -> None:
        """Close rows of processes that died."""
        self.query(
            "UPDATE job_runs SET outcome = 'died', reason = ?, ended = ? "  # noqa: S608
            f"WHERE {which} AND outcome IN ('running', 'interrupted')",
            [reason, naive(now), *parameters],
        )


def waiting(query: Callable[[str], Sequence[tuple[Any, ...]]]) -> list[tuple[str, datetime]]:
    """Each job that is not paused, and from when it has something to do, ascending: a fire, or one to go on with."""
    rows = query(
        "SELECT name, least(next_fire, began) AS since FROM jobs LEFT JOIN (SELECT name, min(began) AS began FROM "
        "job_runs WHERE cause != 'hand' AND outcome IN ('running', 'interrupted') GROUP BY name) USING (name) "
        "WHERE NOT paused AND since IS NOT NULL ORDER BY since, name"
    )
    return [(str(row[0]), row[1].replace(tzinfo=UTC)) for row in rows]


def _content(spec: JobVersion) -> tuple[str, str, str, str, str]:
    """What makes two versions differ, as the table holds it: schedule, zone, targets, settings, options."""
    as_text = (json.dumps(value, sort_keys=True) for value in (list(spec.targets), spec.settings, spec.options))
    targets, settings, options = as_text
    return spec.schedule, spec.zone, targets, settings, options


def open_jobs(path: Path) -> JobStore:
    """The jobs of a database that a server may be looking into now. Raises: StoreError when it stays locked."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return JobStore(path)
        except Held:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def read_waiting(
    path: Path, more: Callable[[Callable[..., list[tuple[Any, ...]]], int], datetime | None] | None = None
) -> list[tuple[str, datetime]]:
    """`waiting` of a database that is opened only for that; none when it has never had a job. Raises: StoreError.

    `more` is asked, with the schema, since when something else waits; that has no name.
    """
    con = open_for_reading(path)

    def query(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return list(con.execute(sql, list(parameters)).fetchall())

    try:
        schema = schema_version(con)
        jobs = waiting(query) if schema >= FIRST_SCHEMA else []
        other = more(query, schema) if more is not None else None
        return jobs if other is None else [("", other), *jobs]
    finally:
        con.close()
