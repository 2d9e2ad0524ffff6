"""`piiscan job add|ls|show|run|pause|resume|rm|history`: scans on a schedule, kept in the database."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piiscan.cli.options import Db, MetricsFile, database
from piiscan.cli.scan import run_scan, scan, settings_of

if TYPE_CHECKING:
    from piiscan.jobs.store import JobStore, JobVersion
    from piiscan.jobs.work import Done

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the job.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
OF_A_CALL = frozenset({"targets", "db", "json_", "dry_run", "quiet", "json_progress", "metrics_file"})
"""Parameters of `scan` that say nothing of what a job does."""
BESIDE = ("full", "fail_on", "alert")
"""Options of `scan` that are no part of the configuration."""
PATHS = ("rules", "allow", "exact", "passwords", "key_file")
"""Keys of the configuration that name files: a job has them whole, since it may run elsewhere."""


def _with_scan_options(command: Callable[..., int]) -> Callable[..., int]:
    """The command with those options of `scan` added that a job keeps."""
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [p for p in inspect.signature(scan, eval_str=True).parameters.values() if p.name not in OF_A_CALL]
    command.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    return command


@_with_scan_options
def add(
    name: Name,
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Directory, file or s3://bucket[/prefix].")],
    schedule: Annotated[
        str,
        typer.Option(
            "--schedule",
            metavar="WHEN",
            help="'M H DOM MON DOW', 'once [DATE HH:MM]', 'daily HH:MM', 'weekly DAY HH:MM', 'monthly N|last HH:MM'. "
            "None: only by hand.",
        ),
    ] = "",
    time_zone: Annotated[str, typer.Option("--time-zone", metavar="ZONE", help="Of the schedule.")] = "UTC",
    discover: Annotated[
        str,
        typer.Option("--discover", metavar="SIZE", help="A sweep: each time so much of what is not known, best first."),
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Give an existing job these settings.")] = False,
    db: Db = "",
    **options: Any,
) -> int:
    """Make a job: what to scan, how, and when."""
    from piiscan.config import load_config

    if discover:
        from piiscan.errors import ConfigError

        if options["budget"]:
            raise ConfigError("--discover has a budget of its own: leave --budget out")
        options["budget"] = discover
    settings = settings_of(options)
    config_file = os.path.abspath(options["config_file"]) if options["config_file"] else ""
    config = load_config(settings, config_file=config_file or None)
    settings = {key: _whole(key, value) for key, value in settings.items()}
    beside = {key: options[key] for key in BESIDE if options[key]} | ({"config": config_file} if config_file else {})
    beside |= {"discover": True} if discover else {}
    store = _open(db, config.db, make=True)
    try:
        made = store.add(name, _targets(targets), schedule, time_zone, settings, beside, _now(), replace=replace)
        following = store.job(name)[2]
    finally:
        store.close()
    print(f"{name}: version {made.version}, next: {_when(following)}")
    return 0


def ls(db: Db = "", json_: Json = False) -> int:
    """List the jobs."""
    rows = _rows(db, "SELECT * FROM v_jobs ORDER BY job")
    for row in rows:
        if json_:
            print(json.dumps(row))
        else:
            state = "paused" if row["paused"] else _when(row["next_fire"])
            print(f"{row['job']:<24} {row['schedule'] or 'by hand':<22} {row['time_zone']:<18} {state}")
    return 0


def show(name: Name, db: Db = "", json_: Json = False) -> int:
    """Show a job: its settings, its next fires, its last run."""
    from piiscan.errors import ConfigError
    from piiscan.report.escape import printable

    rows = _rows(db, "SELECT * FROM v_jobs WHERE job = ?", [name])
    if not rows:
        raise ConfigError(f"no job {name!r} (see `piiscan job ls`)")
    out = rows[0] | {"next_fires": _next_fires(rows[0])}
    last = _rows(db, "SELECT * FROM v_job_runs WHERE job = ? ORDER BY fire DESC LIMIT 1", [name])
    out["last"] = last[0] if last else None
    out["kind"] = "discovery" if rows[0]["options"].get("discover") else "scan"
    out["coverage"] = _rows(db, _COVERAGE, [name], schema=COVERAGE_SCHEMA)
    if json_:
        print(json.dumps(out))
        return 0
    coverage = out.pop("coverage")
    for key, value in out.items():
        print(f"{key:<12} {printable(value if isinstance(value, str) else json.dumps(value))}")
    _print_coverage(coverage)
    return 0


_COVERAGE = """
    SELECT c.* FROM v_bucket_coverage c JOIN v_job_runs r USING (run) WHERE r.job = ?
    ORDER BY c.source, c.prefix, c.run
"""
COVERAGE_SCHEMA = 7
"""The schema that brought the coverage of buckets."""
SHOWN = 5
"""Runs of a source whose coverage is shown; `--json` has all."""


def _print_coverage(rows: Sequence[Mapping[str, Any]]) -> None:
    """How much of each source was ever read after each of the last runs of a job."""
    from piiscan.report.escape import printable

    places: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        places.setdefault(row["source"] + ("/" + row["prefix"] if row["prefix"] else ""), []).append(row)
    for place, runs in places.items():
        print(f"ever read of {printable(place)}")
        for row in runs[-SHOWN:]:
            print(
                f"  run {row['run']:<6} {row['objects_read']:>12,} of {row['objects']:,} objects "
                f"({100 * row['objects_share']:.1f} %), {100 * row['bytes_share']:.1f} % of the bytes"
            )


def history(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Of this job alone.")] = "",
    db: Db = "",
    json_: Json = False,
) -> int:
    """List what came of each fire; also of jobs that were removed."""
    from piiscan.report.escape import printable

    for row in _rows(db, "SELECT * FROM v_job_runs WHERE job = ? OR ? = '' ORDER BY fire", [name, name]):
        if json_:
            print(json.dumps(row))
            continue
        code = "" if row["exit_code"] is None else f"code {row['exit_code']}"
        run = "" if row["run"] is None else f"run {row['run']}"
        scheduled = "by hand" if row["cause"] == "hand" else _when(row["scheduled"])
        print(
            f"{row['fire']:>5}  {row['job']:<20} v{row['version']:<3} {row['cause']:<9} {scheduled:<20} "
            f"{row['outcome']:<11} {code:<8} {run:<8} {printable(row['reason'])}".rstrip()
        )
    return 0


def pause(name: Name, db: Db = "") -> int:
    """Let a job rest: what would fire meanwhile is not made up."""
    return _change(db, lambda store: store.pause(name))


def resume(name: Name, db: Db = "") -> int:
    """Let a paused job go on, from its next fire."""
    return _change(db, lambda store: store.resume(name, _now()))


def rm(name: Name, db: Db = "") -> int:
    """Remove a job; its history stays."""
    return _change(db, lambda store: store.remove(name, _now()))


def run(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Name of the job.")] = "",
    due: Annotated[bool, typer.Option("--due", help="Only what is due: of this job, or of all.")] = False,
    db: Db = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print each summary as one JSON object on stdout.")] = False,
    metrics_file: MetricsFile = "",
) -> int:
    """Run a job now, or what is due; the exit code is the scan's, the gravest of several."""
    from piiscan.errors import ConfigError
    from piiscan.jobs.work import run_due, run_fire, worst

    if not name and not due:
        raise ConfigError("name a job, or say --due for all that are due")

    # Whoever ends a container or a service says so by SIGTERM: the scan is closed as by Ctrl-C, and goes on later.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))

    def scanning(spec: JobVersion) -> int:
        return _scan(spec, store.path, quiet, json_)

    store = _open(db)
    try:
        if due:
            codes = [_told(done) for done in run_due(store, scanning, _now, name)]
        else:
            codes = [_told(run_fire(store, store.begin(name, _now()), scanning, _now))]
        if not codes and not quiet:
            sys.stderr.write("piiscan: nothing is due\n")
        if metrics_file:
            from piiscan.cli.metrics import write_metrics_file

            codes.append(write_metrics_file(metrics_file, store.path, store.query))
    finally:
        store.close()
    return worst(codes)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Scans on a schedule.", no_args_is_help=True)
    for function in (add, ls, show, run, pause, resume, rm, history):
        group.command(function.__name__)(function)
    app.add_typer(group, name="job")


def _now() -> datetime:
    return datetime.now(UTC)


def _scan(spec: JobVersion, path: Path, quiet: bool, as_json: bool) -> int:
    """The scan of a job, as `piiscan scan` does it; this process has the database open already."""
    from piiscan.config import load_config

    options = spec.options
    config = load_config(spec.settings, config_file=options.get("config") or None)
    full, alert, fail_on = bool(options.get("full")), bool(options.get("alert")), str(options.get("fail_on", ""))
    return run_scan(list(spec.targets), config, path, full, fail_on, alert, quiet, as_json, json_progress=False)


def _told(done: Done) -> int:
    """The exit code of a fire, once its error has been told."""
    from piiscan.report.escape import printable

    if done.error:
        sys.stderr.write(f"piiscan: job {done.fire.spec.job}: {printable(done.error)}\n")
    return done.code


def _targets(texts: Sequence[str]) -> list[str]:
    """Targets that mean the same wherever the job runs. Raises: ConfigError for standard input and empty ones."""
    from piiscan.errors import ConfigError

    if "-" in texts or not all(texts):
        raise ConfigError("a job scans directories, files and buckets, not standard input")
    return [text if "://" in text else os.path.abspath(text) for text in texts]


def _whole(key: str, value: Any) -> Any:
    """A setting as JSON holds it, its paths absolute."""
    from piiscan.references import absolute

    if key not in PATHS:
        return list(value) if isinstance(value, tuple) else value
    if isinstance(value, str):
        return absolute(value)
    return [os.path.abspath(item) for item in value]


def _open(db: str, configured: str = "", *, make: bool = False) -> JobStore:
    """The database, open for writing. Raises: StoreError."""
    from piiscan.errors import StoreError
    from piiscan.jobs.store import open_jobs

    path = database(db, configured)
    if not make and not path.exists():
        raise StoreError(f"{path}: no such database; add a job first or name one with --db")
    return open_jobs(path)


def _change(db: str, change: Callable[[JobStore], None]) -> int:
    store = _open(db)
    try:
        change(store)
    finally:
        store.close()
    return 0


def _rows(db: str, query: str, parameters: Sequence[Any] = (), schema: int = 0) -> list[dict[str, Any]]:
    """Rows of a view of jobs, as JSON has them; of a snapshot while a scan writes."""
    from piiscan.jobs.store import FIRST_SCHEMA
    from piiscan.store.duck import schema_version
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    try:
        say_age(age)
        if schema_version(con) < max(FIRST_SCHEMA, schema):
            return []
        result = con.execute(query, list(parameters))
        names = [column[0] for column in result.description]
        return [{n: _plain(n, v) for n, v in zip(names, row, strict=True)} for row in result.fetchall()]
    finally:
        con.close()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat() + "Z"
    return json.loads(value) if name in ("targets", "settings", "options") else value


def _when(moment: datetime | str | None) -> str:
    if moment is None:
        return "never"
    return moment if isinstance(moment, str) else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _next_fires(row: Mapping[str, Any]) -> list[str]:
    """The next five fires of a job that is not paused."""
    from piiscan.jobs.schedule import read_schedule

    if row["paused"] or row["next_fire"] is None:
        return []
    schedule = read_schedule(row["schedule"], row["time_zone"], datetime.fromisoformat(row["changed"]))
    fires: list[datetime | None] = [datetime.fromisoformat(row["next_fire"])]
    while fires[-1] is not None and len(fires) < 5:
        fires.append(schedule.next_after(fires[-1]))
    return [_when(fire) for fire in fires if fire is not None]
