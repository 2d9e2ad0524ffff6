"""`piiscan sql`: read-only questions to the views, with limits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, database

MEMORY = "2GB"
SECONDS = 60.0


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="SQL; see docs/sql.md for the views.")],
    db: Db = "",
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of a table.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
    parquet: Annotated[str, typer.Option("--parquet", metavar="FILE", help="Write a Parquet file.")] = "",
    raw_csv: Annotated[bool, typer.Option("--raw-csv", help="CSV cells as they are, formulas included.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", help="Stop the query after S seconds.")] = SECONDS,
) -> int:
    """Ask SQL questions of the findings."""
    from piiscan.store.query import rows
    from piiscan.store.snapshot import say_age

    path = database(db)
    if parquet:
        from piiscan.store.query import to_parquet

        say_age(to_parquet(path, query, Path(parquet), timeout, MEMORY))
        return 0
    columns, found, age = rows(path, query, timeout, MEMORY)
    say_age(age)
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    for chunk in _render(columns, found, "csv" if csv else "json" if json_ else "table", raw_csv):
        sys.stdout.write(chunk)
    return 0


def _render(columns: list[str], found: list[tuple[Any, ...]], form: str, raw: bool) -> list[str]:
    import csv as csv_module
    import io

    from piiscan.report.escape import csv_cell, encodable, rich_text
    from piiscan.store.query import plain

    rows = [[plain(v) for v in row] for row in found]
    if form == "json":
        return [encodable(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)) + "\n" for row in rows]
    out = io.StringIO()
    if form == "csv":
        writer = csv_module.writer(out, lineterminator="\r\n")
        writer.writerow([csv_cell(c, raw=raw) for c in columns])
        for row in rows:
            writer.writerow([csv_cell(v, raw=raw) for v in row])
        return [out.getvalue()]
    import shutil

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(rich_text(name), overflow="fold")
    for row in rows:
        table.add_row(*("" if v is None else rich_text(str(v)) for v in row))
    width = max(shutil.get_terminal_size((160, 40)).columns, 80)
    Console(file=out, width=width, highlight=False).print(table)
    return [out.getvalue()]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sql")(sql)
