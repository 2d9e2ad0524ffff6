"""`piiscan buckets joined`: buckets that are badly set up and hold what makes that worse, with both evidences."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, database
from piiscan.cli.scan import SEVERITIES

FIRST_SCHEMA = 14
"""Of the database, in which posture is."""
_NAMES = (
    "joined", "combination", "title", "severity", "source", "bucket", "account", "check_id", "posture", "data",
    "objects", "findings", "distinct_values", "examples", "since", "fix",
)  # fmt: skip
_ORDER = "list_position(['critical', 'high', 'medium', 'low'], severity), distinct_values DESC, source, combination"


def joined(
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
    fail_on: Annotated[str, typer.Option("--fail-on", metavar="SEVERITY", help="Exit 1 at findings this severe.")] = "",
) -> int:
    """Show what is worse together: how a bucket is set up (`buckets posture`), and what a scan found in it."""
    from piiscan.errors import ConfigError, StoreError
    from piiscan.report.escape import encodable
    from piiscan.store.duck import schema_version
    from piiscan.store.snapshot import open_newest, say_age

    if fail_on and fail_on not in SEVERITIES:
        raise ConfigError(f"--fail-on: {fail_on!r} is none of {', '.join(SEVERITIES)}")
    path = database(db)
    con, age = open_newest(path)
    try:
        say_age(age)
        if schema_version(con) < FIRST_SCHEMA:
            raise StoreError(f"{path}: made by an earlier piiscan; the next scan brings it up to date")
        rows = found(con)
    finally:
        con.close()
    if json_:
        for row in rows:
            print(encodable(json.dumps(row | {"since": str(row["since"])}, ensure_ascii=False)))
    else:
        show(rows)
    least = SEVERITIES.index(fail_on) if fail_on else len(SEVERITIES)
    return int(any(SEVERITIES.index(row["severity"]) >= least for row in rows))


def found(con: Any) -> list[dict[str, Any]]:
    """The findings of both, worst first."""
    query = f"SELECT {', '.join(_NAMES)} FROM v_joined ORDER BY {_ORDER}"  # noqa: S608 - names of ours
    return [dict(zip(_NAMES, row, strict=True)) for row in con.execute(query).fetchall()]


def show(rows: list[dict[str, Any]]) -> None:
    """Print them for people."""
    from piiscan.report.escape import printable

    for row in rows:
        print(f"{row['severity']}  {printable(row['bucket'])}: {row['title']} ({row['combination']})")
        print(f"    set up: {printable(row['posture'])} ({row['check_id']})")
        print(f"    holds: {printable(row['data'])}")
        print(f"    -> {row['fix']}")
    if not rows:
        print("nothing: run `piiscan buckets posture` and a scan of the same buckets, if you have not")
