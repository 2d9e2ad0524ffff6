"""What a database says of itself, as samples of `families`: counts, sizes and times, no name of an object, no value."""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from piiscan import __version__
from piiscan.metrics.exposition import Samples, exposition
from piiscan.metrics.families import CATEGORIES, ENDED, FAMILIES, MESSAGES, OUTCOMES, SEVERITIES, STATUSES
from piiscan.metrics.progress import progress_samples
from piiscan.report.summary import HARMLESS
from piiscan.store import outbox
from piiscan.store.duck import Held, signature
from piiscan.store.snapshot import open_newest, snapshot_path

Query = Callable[[str], Sequence[tuple[Any, ...]]]

JOBS_SINCE = 5
"""The schema that brought the tables of jobs."""
_MEMORY = "512MB"


def database_samples(query: Query) -> Samples:
    """All that is asked of the tables. Raises: what `query` does."""
    out = Samples()
    _runs(query, out)
    _state(query, out)
    schema = query("SELECT max(version) FROM schema_version")[0][0]
    if schema >= JOBS_SINCE:
        _jobs(query, out)
    if schema >= outbox.EVALUATIONS_SINCE:
        _alerts(query, out)
    return out


def _runs(query: Query, out: Samples) -> None:
    counts = {str(status): count for status, count in query("SELECT status, count(*) FROM runs GROUP BY status")}
    for status in STATUSES:
        out.put("piiscan_runs", counts.get(status, 0), status)
    for (ended,) in query("SELECT max(ended) FROM runs WHERE status = 'done'"):
        out.put("piiscan_last_success_timestamp_seconds", _seconds(ended))
    last = query(
        "SELECT run, started, ended, status, unchanged FROM runs WHERE ended IS NOT NULL ORDER BY ended DESC, run DESC "
        "LIMIT 1"
    )
    for run, started, ended, status, unchanged in last:
        out.put("piiscan_last_run_start_timestamp_seconds", _seconds(started))
        out.put("piiscan_last_run_duration_seconds", max((ended - started).total_seconds(), 0.0))
        out.put("piiscan_last_run_success", status == "done")
        out.put("piiscan_last_run_unchanged_objects", unchanged)
        found = query(
            f"SELECT outcome, count(*), sum(bytes_examined) FROM objects WHERE run = {int(run)} GROUP BY outcome"  # noqa: S608
        )
        objects = {str(outcome): count for outcome, count, _ in found}
        for outcome in OUTCOMES:
            out.put("piiscan_last_run_objects", objects.get(outcome, 0), outcome)
        out.put("piiscan_last_run_examined_bytes", sum(int(size) for _, _, size in found))


def _state(query: Query, out: Samples) -> None:
    rows = query("SELECT outcome, count(*), sum(size) FROM objects WHERE superseded IS NULL GROUP BY outcome")
    found = {str(outcome): (int(count), int(size)) for outcome, count, size in rows}
    for outcome in OUTCOMES:
        out.put("piiscan_objects", found.get(outcome, (0, 0))[0], outcome)
        out.put("piiscan_object_bytes", found.get(outcome, (0, 0))[1], outcome)
    codes = ", ".join(f"'{code}'" for code in HARMLESS)
    nothing = f"SELECT count(*) FROM objects WHERE superseded IS NULL AND split_part(reason, ':', 1) IN ({codes})"  # noqa: S608
    if total := sum(count for count, _ in found.values()) - int(query(nothing)[0][0]):
        out.put("piiscan_coverage_ratio", found.get("scanned", (0, 0))[0] / total)
    counts = {
        (int(severity), str(category)): count
        for severity, category, count in query(
            "SELECT severity, category, count(*) FROM findings WHERE superseded IS NULL AND NOT test_data GROUP BY ALL"
        )
    }
    for number, severity in enumerate(SEVERITIES, 1):
        for category in CATEGORIES:
            out.put("piiscan_findings", counts.get((number, category), 0), severity, category)


def _jobs(query: Query, out: Samples) -> None:
    jobs = query("SELECT name, paused, next_fire FROM jobs ORDER BY name")
    paused = sum(bool(row[1]) for row in jobs)
    out.put("piiscan_jobs", len(jobs) - paused, "active")
    out.put("piiscan_jobs", paused, "paused")
    there = {str(name) for name, _, _ in jobs}
    for name, resting, following in jobs:
        if not resting:
            out.put("piiscan_job_next_fire_timestamp_seconds", _seconds(following), str(name))
    for name, outcome in query("SELECT name, arg_max(outcome, fire) FROM job_runs GROUP BY name ORDER BY name"):
        if name in there:
            out.put("piiscan_job_last_outcome", 1, str(name), str(outcome))
    ended = query(
        "SELECT name, max_by((exit_code, began, ended), fire) FROM job_runs WHERE began IS NOT NULL AND ended IS NOT "
        "NULL AND outcome != 'interrupted' GROUP BY name ORDER BY name"
    )
    for name, (code, began, end) in ended:
        if name in there:
            out.put("piiscan_job_last_exit_code", code, str(name))
            out.put("piiscan_job_last_end_timestamp_seconds", _seconds(end), str(name))
            out.put("piiscan_job_last_duration_seconds", max((end - began).total_seconds(), 0.0), str(name))
    fires = {(n, o): c for n, o, c in query("SELECT name, outcome, count(*) FROM job_runs GROUP BY ALL")}
    for name in sorted(there):
        for outcome in ENDED:
            out.put("piiscan_job_fires_total", fires.get((name, outcome), 0), name, outcome)


def _alerts(query: Query, out: Samples) -> None:
    counts = {str(state): count for state, count in query("SELECT state, count(*) FROM outbox GROUP BY state")}
    for state in MESSAGES:
        out.put("piiscan_alert_messages", counts.get(state, 0), state)
    for name, known in outbox.evaluations(query).items():
        out.put("piiscan_alert_evaluations_total", known.times, name)
        out.put("piiscan_alert_last_evaluation_timestamp_seconds", _seconds(known.last), name)


def _seconds(moment: datetime | None) -> float | None:
    """A time of a table, which is UTC, as Prometheus has it."""
    return None if moment is None else moment.replace(tzinfo=UTC).timestamp()


def _around(database: Path, out: Samples) -> None:
    """What the files say, and the scan in progress."""
    out.put("piiscan_build_info", 1, __version__, platform.python_version())
    with suppress(OSError):
        out.put("piiscan_database_bytes", database.stat().st_size)
    with suppress(OSError):
        out.put("piiscan_snapshot_timestamp_seconds", snapshot_path(database).stat().st_mtime)
    progress_samples(database, out, OUTCOMES)


def text_of(database: Path, query: Query) -> str:
    """The metrics of a database that this process has open. Raises: what `query` does."""
    out = Samples()
    _around(database, out)
    out.put("piiscan_database_busy", False)
    out.put("piiscan_data_timestamp_seconds", time.time())
    out.update(database_samples(query))
    return exposition(FAMILIES, out)


class Reader:
    """The metrics of a database that other processes write to; asked again only when a file has changed.

    `reading` is held while the database is open: settings of a connection are the whole process's.
    """

    def __init__(self, database: Path, reading: threading.Lock) -> None:
        self._database = database
        self._reading = reading
        self._seen: tuple[object, ...] = ()
        self._kept = Samples()
        self._busy = False

    def text(self, more: Samples | None = None) -> str:
        """The metrics as they are now, and `more`. Raises: StoreError without a database, or when it cannot be read."""
        with self._reading:
            self._look()
            out = Samples()
            _around(self._database, out)
            out.put("piiscan_database_busy", self._busy)
            out.update(self._kept)
        if more is not None:
            out.update(more)
        return exposition(FAMILIES, out)

    def _look(self) -> None:
        seen = signature(self._database)
        if seen == self._seen:
            return
        try:
            con, age = open_newest(self._database, memory=_MEMORY, threads=1)
        except Held:
            self._busy = True  # and no snapshot yet: what was known stands
            return
        try:
            self._busy = age is not None
            path = self._database if age is None else snapshot_path(self._database)
            if age is not None and (seen := _times(path)) == self._seen:
                return  # the same snapshot as before
            self._kept, self._seen = database_samples(lambda sql: list(con.execute(sql).fetchall())), seen
            with suppress(OSError):
                self._kept.put("piiscan_data_timestamp_seconds", path.stat().st_mtime)
        finally:
            con.close()


def _times(path: Path) -> tuple[object, ...]:
    try:
        status = path.stat()
    except OSError:
        return (None,)
    return (status.st_ino, status.st_mtime_ns)


def write_metrics(target: Path, text: str) -> None:
    """Put the metrics where node_exporter's textfile collector finds them: whole, and readable by others.

    Source: Prometheus node_exporter, "Textfile Collector" (it reads `*.prom`; write elsewhere and rename).
    Raises: OSError.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            os.fchmod(handle, 0o644)
            out.write(text)
        os.replace(draft, target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
