"""`piiscan report` and its twin `export`."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, database


def report(
    db: Db = "",
    format_: Annotated[str, typer.Option("--format", "-f", help="table, jsonl, csv or html.")] = "table",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write here instead of stdout.")] = "",
    run: Annotated[
        int | None, typer.Option("--run", metavar="N", help="What one run examined, not the newest state.")
    ] = None,
    raw_csv: Annotated[bool, typer.Option("--raw-csv", help="CSV cells as they are, formulas included.")] = False,
) -> int:
    """Show the findings."""
    from piiscan.errors import ConfigError
    from piiscan.report import FORMATS, renderer
    from piiscan.report.rows import findings
    from piiscan.store.snapshot import open_newest, say_age

    if format_ not in FORMATS:
        raise ConfigError(f"--format: {format_!r} is none of {', '.join(FORMATS)}")
    con, age = open_newest(database(db))
    say_age(age)
    if run is not None and not con.execute("SELECT 1 FROM runs WHERE run = ?", [run]).fetchall():
        raise ConfigError(f"--run: there is no run {run} in this database")
    more = {"samples": _samples(con, run)} if format_ == "html" else {}
    chunks = renderer(format_)(findings(con, run), raw_csv=raw_csv, **more)
    if output:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            for chunk in chunks:
                out.write(chunk)
    else:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        for chunk in chunks:
            sys.stdout.write(chunk)
        sys.stdout.flush()
    con.close()
    return 0


def _samples(con: Any, run: int | None) -> list[dict[str, Any]]:
    """The estimates of a run, or of the newest one; none when it was not sampled."""
    from piiscan.sampling.results import estimates
    from piiscan.store.duck import schema_version
    from piiscan.store.strata import FIRST_SCHEMA

    if schema_version(con) < FIRST_SCHEMA:
        return []
    newest = con.execute("SELECT coalesce(max(run), 0) FROM runs WHERE status = 'done'").fetchall()[0][0]
    return estimates(lambda sql, values: con.execute(sql, list(values)).fetchall(), run or newest)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("report")(report)
    app.command("export", help="The same as report.")(report)
