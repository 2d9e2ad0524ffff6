"""`piiscan coverage`: one row per object and its outcome."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from piiscan.cli.options import Db, database


def coverage(
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="JSON lines, a line per object.")] = False,
) -> int:
    """Show what was read, what was not, and why."""
    from piiscan.report.escape import encodable, printable
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    say_age(age)
    rows = con.execute(
        "SELECT object, source, outcome, reason, media_type, size, bytes_examined, names_examined FROM v_objects "
        "ORDER BY source, object"
    )
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    names = ("object", "source", "outcome", "reason", "media_type", "size", "bytes_examined", "names_examined")
    while batch := rows.fetchmany(2_000):
        for row in batch:
            if json_:
                line = json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)
                sys.stdout.write(encodable(line) + "\n")
            else:
                where = printable(f"{row[1]}/{row[0]}")
                sys.stdout.write(f"{row[2]:<8} {row[5]:>14,}  {where}{'  ' + printable(row[3]) if row[3] else ''}\n")
    if not json_:
        totals = con.execute(
            "SELECT outcome, sum(objects)::BIGINT, sum(bytes)::BIGINT FROM v_coverage GROUP BY 1 ORDER BY 1"
        )
        for outcome, objects, size in totals.fetchall():
            sys.stdout.write(f"total    {objects:>14,}  {outcome}, {size:,} bytes\n")
    con.close()
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("coverage")(coverage)
