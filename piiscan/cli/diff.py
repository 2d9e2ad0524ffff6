"""`piiscan diff RUN RUN`: findings that are new, gone or changed between the ends of two runs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Annotated

import typer

from piiscan.cli.options import Db, database


def diff(
    first: Annotated[
        int | None, typer.Argument(metavar="RUN", help="The earlier run; default: the last but one.")
    ] = None,
    second: Annotated[int | None, typer.Argument(metavar="RUN", help="The later run; default: the last.")] = None,
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> int:
    """Say what changed between two runs: a line for each finding that is new, gone or changed."""
    from piiscan.errors import ConfigError
    from piiscan.report.escape import encodable, printable
    from piiscan.store.history import differences, runs
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    say_age(age)
    try:
        known = runs(con)
        if second is None:
            if len(known) < 2:
                raise ConfigError("there are no two runs to compare yet")
            second = known[-1]
        if first is None:
            first = max((run for run in known if run < second), default=second)
        counts: Counter[str] = Counter()
        for row in differences(con, first, second):
            counts[row["change"]] += 1
            if json_:
                print(encodable(json.dumps(row, ensure_ascii=False)))
            else:
                numbers = f"{row['count_before'] or 0:,} -> {row['count_after'] or 0:,}"
                where = f"{printable(row['source'])}/{printable(row['object'])}"
                print(f"{row['change']:<8} {row['severity']:<9} {row['rule']:<28} {numbers:>16}  {where}")
    finally:
        con.close()
    said = ", ".join(f"{counts[change]:,} {change}" for change in ("new", "gone", "changed"))
    sys.stderr.write(f"run {first} to run {second}: {said}\n")
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)
