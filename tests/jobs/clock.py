"""A clock that the test moves, and a scan that takes as long as the test says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from piiscan.errors import PiiscanError
from piiscan.jobs.store import Fire, JobStore, JobVersion
from piiscan.jobs.work import Done, run_due

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """A database of jobs and the time; each command is a process of its own, with its own opening of the database."""

    def __init__(self, folder: Path, now: datetime = BEGIN) -> None:
        self.path = folder / "jobs.duckdb"
        self.now = now
        self.store = JobStore(self.path)
        self.scanned: list[JobVersion] = []
        self.takes = timedelta(minutes=1)
        self.code = 0
        self.error: PiiscanError | None = None

    def clock(self) -> datetime:
        return self.now

    def restart(self) -> None:
        """Another process opens the database."""
        self.store.close()
        self.store = JobStore(self.path)

    def add(self, name: str, schedule: str, zone: str = "UTC", *targets: str, replace: bool = False) -> JobVersion:
        return self.store.add(name, targets or ("/data",), schedule, zone, {}, {}, self.now, replace=replace)

    def scan(self, spec: JobVersion) -> int:
        """A scan, recorded as one is."""
        self.scanned.append(spec)
        self.now += self.takes
        if self.error is not None:
            raise self.error
        number = len(self.store.query("SELECT run FROM runs")) + 1
        status = "cancelled" if self.code == 130 else "done"
        self.store.query(
            "INSERT INTO runs VALUES (?, ?, ?, ?, '[]', '', '{}', '', '', 0, 0)",
            [number, self.now.replace(tzinfo=None), self.now.replace(tzinfo=None), status],
        )
        return self.code

    def due(self, name: str = "") -> list[Done]:
        """`piiscan job run [NAME] --due`."""
        return list(run_due(self.store, self.scan, self.clock, name))

    def killed(self, name: str, after: timedelta) -> Fire:
        """`piiscan job run NAME --due`, killed in the middle of its scan."""
        fire = self.store.claim(name, self.now)
        assert fire is not None
        self.now += after
        return fire

    def rows(self, columns: str = "job, cause, scheduled, made_up, attempts, outcome, exit_code, run") -> list[tuple]:  # type: ignore[type-arg]
        return self.store.query(f"SELECT {columns} FROM v_job_runs ORDER BY fire")

    def looks(self, until: datetime) -> Iterator[datetime]:
        """The moments at which a server has something to do, the clock moved there; the clock at the end of them."""
        from piiscan.jobs.store import waiting

        while True:
            found = waiting(self.store.query)
            at = max(found[0][1], self.now) if found else until
            if at >= until:
                self.now = max(self.now, until)
                return
            self.now = at
            yield at
