"""`piiscan report` and its twin `export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, database

MEMORY, THREADS = "192MB", 2
"""Of DuckDB: what it sorts beyond that goes to disk, into a folder beside the database, if it can."""


def report(
    db: Db = "",
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="table, jsonl, csv, html, sarif, ocsf, asff, macie, junit, gitlab or parquet.",
        ),
    ] = "table",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write here instead of stdout.")] = "",
    run: Annotated[
        int | None, typer.Option("--run", metavar="N", help="What one run examined, not the newest state.")
    ] = None,
    raw_csv: Annotated[bool, typer.Option("--raw-csv", help="CSV cells as they are, formulas included.")] = False,
    base: Annotated[
        str, typer.Option("--base", metavar="DIR", help="SARIF, JUnit, GitLab: paths relative to it (default: here).")
    ] = "",
    max_results: Annotated[
        int | None, typer.Option("--max-results", metavar="N", help="SARIF, GitLab: the N worst findings.")
    ] = None,
    account: Annotated[str, typer.Option("--account", metavar="ID", help="ASFF, Macie: the AWS account.")] = "",
    region: Annotated[
        str, typer.Option("--region", help="ASFF, Macie: the AWS region (default: the bucket's, else us-east-1).")
    ] = "",
) -> int:
    """Show the findings."""
    from piiscan import __version__
    from piiscan.errors import ConfigError
    from piiscan.report import BINARY, DETAILED, FORMATS, renderer
    from piiscan.report.rows import findings
    from piiscan.store.snapshot import open_newest, say_age

    if format_ not in FORMATS:
        raise ConfigError(f"--format: {format_!r} is none of {', '.join(FORMATS)}")
    if format_ in BINARY and not output:
        raise ConfigError(f"--format {format_}: is not text; name a file with -o FILE")
    options = _options(base, max_results, account, region)
    path = database(db)
    os.umask(0o077)  # what DuckDB puts beside the database is the user's alone
    con, age = open_newest(path, memory=MEMORY if os.access(path.parent, os.W_OK) else "", threads=THREADS)
    say_age(age)
    if run is not None and not con.execute("SELECT 1 FROM runs WHERE run = ?", [run]).fetchall():
        raise ConfigError(f"--run: there is no run {run} in this database")
    if format_ in DETAILED:
        chunks = renderer(format_)(findings(con, run, more=True), context=_context(con, run, options))
    elif format_ == "html":
        chunks = renderer(format_)(_facts(con, run), version=__version__, samples=_samples(con, run))
    else:
        chunks = renderer(format_)(findings(con, run), raw_csv=raw_csv)
    _write(chunks, output)
    con.close()
    return 0


def _options(base: str, max_results: int | None, account: str, region: str) -> dict[str, Any]:
    """What the user wants of formats that ask for it. Raises: ConfigError."""
    from piiscan.errors import ConfigError
    from piiscan.report.context import NO_ACCOUNT

    if account and not (len(account) == 12 and account.isascii() and account.isdigit()):
        raise ConfigError(f"--account: {account!r} is not an AWS account: twelve digits")
    if region and not (len(region) <= 16 and region.isascii() and region.replace("-", "").isalnum()):
        raise ConfigError(f"--region: {region!r} is no AWS region")
    if max_results is not None and max_results < 1:
        raise ConfigError("--max-results: one at least")
    if base and not os.path.isdir(base):
        raise ConfigError(f"--base: {base}: no such directory")
    return {"base": base or os.getcwd(), "limit": max_results or 0, "account": account or NO_ACCOUNT, "region": region}


def _context(con: Any, run: int | None, options: dict[str, Any]) -> Any:
    from piiscan import __version__
    from piiscan.report.context import of_database
    from piiscan.report.escape import printable

    def warn(message: str) -> None:
        sys.stderr.write(f"piiscan: {printable(message)}\n")

    return of_database(con, run, version=__version__, warn=warn, **options)


def _write(chunks: Iterable[str | bytes], output: str) -> None:
    """Write text as UTF-8, and bytes as they are, to a private file or to stdout."""
    if not output:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        for chunk in chunks:
            sys.stdout.write(chunk)  # type: ignore[arg-type]  # bytes need a file
        sys.stdout.flush()
        return
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        for chunk in chunks:
            out.write(chunk.encode() if isinstance(chunk, str) else chunk)


def _facts(con: Any, run: int | None) -> Any:
    """What the page shows. Raises: StoreError for a database of an older program."""
    from piiscan.report.summary import HARMLESS
    from piiscan.store.report import facts

    return facts(con, run, HARMLESS)


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
