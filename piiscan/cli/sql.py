"""`piiscan sql [QUERY]`: read-only questions to the views, with limits; without a query, a prompt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from piiscan.cli.options import Db, database

MEMORY = "2GB"
SECONDS = 60.0


def sql(
    query: Annotated[str, typer.Argument(metavar="[QUERY]", help="SQL; see docs/sql.md. Without one: a prompt.")] = "",
    db: Db = "",
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of a table.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
    md: Annotated[bool, typer.Option("--md", help="A Markdown table.")] = False,
    parquet: Annotated[str, typer.Option("--parquet", metavar="FILE", help="Write a Parquet file.")] = "",
    raw_csv: Annotated[bool, typer.Option("--raw-csv", help="CSV cells as they are, formulas included.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", help="Stop the query after S seconds.")] = SECONDS,
) -> int:
    """Ask SQL questions of the findings."""
    from piiscan.errors import ConfigError
    from piiscan.report.answers import render
    from piiscan.store.query import rows
    from piiscan.store.snapshot import say_age

    path = database(db)
    form = "csv" if csv else "json" if json_ else "md" if md else "table"
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    if not query.strip():
        from piiscan.cli.prompt import ask

        if parquet:
            raise ConfigError("--parquet wants a query")
        return ask(path, form, raw_csv=raw_csv, timeout=timeout, memory=MEMORY)
    if parquet:
        from piiscan.store.query import to_parquet

        say_age(to_parquet(path, query, Path(parquet), timeout, MEMORY))
        return 0
    columns, found, age = rows(path, query, timeout, MEMORY)
    say_age(age)
    for chunk in render(columns, found, form, raw_csv=raw_csv):
        sys.stdout.write(chunk)
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sql")(sql)
