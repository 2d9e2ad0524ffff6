"""`piiscan top` and `piiscan tree`: where the risk is, by object, bucket, rule or prefix."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, database

BY = {
    "object": "SELECT risk, sensitivity, people, source, object FROM v_objects WHERE risk > 0 "
    "ORDER BY risk DESC, people DESC, source, object",
    "bucket": "SELECT risk, sensitivity, exposure, objects_sensitive, objects, source FROM v_buckets "
    "ORDER BY risk DESC, sensitivity DESC, source",
    "rule": "SELECT severity, count(*) AS objects, sum(count)::BIGINT AS matches, sum(distinct_values)::BIGINT AS "
    "distinct_values, rule, any_value(name) AS name FROM v_findings WHERE NOT test_data GROUP BY severity, rule "
    "ORDER BY list_position(['critical', 'high', 'medium', 'low'], severity), objects DESC, rule",
    "column": "SELECT matched, round(valid_share, 3) AS valid_share, distinct_values, rule, column_name, table_name, "
    "object FROM v_columns ORDER BY matched DESC, object, column_name, rule",
    "regulation": "SELECT regulation, sum(objects)::BIGINT AS objects, sum(findings)::BIGINT AS findings, "
    "sum(matches)::BIGINT AS matches, any_value(title) AS title FROM v_regulations GROUP BY regulation "
    "ORDER BY objects DESC, regulation",
}


def top(
    by: Annotated[str, typer.Argument(metavar="BY", help=f"{', '.join(BY)}.")] = "object",
    number: Annotated[int, typer.Option("-n", "--number", metavar="N", min=1, help="How many.")] = 20,
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> int:
    """List the riskiest objects, or buckets, rules, columns or regulations with the most to them."""
    from piiscan.errors import ConfigError
    from piiscan.report.answers import render
    from piiscan.store.snapshot import open_newest, say_age

    if by not in BY:
        raise ConfigError(f"{by!r} is none of {', '.join(BY)}")
    con, age = open_newest(database(db))
    say_age(age)
    try:
        result = con.execute(f"{BY[by]} LIMIT {int(number)}")
        names, rows = [d[0] for d in result.description], result.fetchall()
    finally:
        con.close()
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    for chunk in render(names, rows, "json" if json_ else "table"):
        sys.stdout.write(chunk)
    return 0


TREE = """
WITH RECURSIVE levels AS (
    SELECT source, object, risk, sensitivity, size, outcome, string_split(object, '/') AS parts FROM v_objects
),
prefixes AS (
    SELECT source, array_to_string(parts[:d], '/') || CASE WHEN d = 0 THEN '' ELSE '/' END AS prefix, d AS depth,
           risk, sensitivity, size, outcome
    FROM levels, range(0, $depth + 1) t(d)
    WHERE d < len(parts) AND ($source = '' OR source = $source)
)
SELECT source, prefix, depth, count(*) AS objects, count(*) FILTER (sensitivity > 0) AS sensitive, max(risk) AS risk,
       sum(size)::BIGINT AS bytes, count(*) FILTER (outcome <> 'scanned') AS not_read_whole
FROM prefixes GROUP BY source, prefix, depth
HAVING max(risk) >= $least OR depth = 0
ORDER BY source, prefix
"""


def tree(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="s3://bucket or file:///dir; default: all.")] = "",
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=0, max=40, help="Levels of prefixes.")] = 2,
    least: Annotated[int, typer.Option("--risk", metavar="N", help="Leave out prefixes below this risk.")] = 1,
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> int:
    """Show the risk by prefix: the highest of the objects below it, and how many of them are sensitive."""
    from piiscan.report.escape import encodable, printable
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    say_age(age)
    try:
        result = con.execute(TREE, {"depth": depth, "source": source.rstrip("/"), "least": least})
        names: list[str] = [d[0] for d in result.description]
        rows: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    finally:
        con.close()
    if not json_:
        print(f"{'risk':>4}  {'sensitive':>18}  prefix")
    for row in rows:
        if json_:
            print(encodable(json.dumps(row, ensure_ascii=False)))
            continue
        name = (
            printable(row["prefix"].rstrip("/").rpartition("/")[2]) + "/" if row["depth"] else printable(row["source"])
        )
        share = f"{row['sensitive']:,} of {row['objects']:,}"
        print(f"{row['risk']:>4}  {share:>18}  {'  ' * row['depth']}{name}")
    return 0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("top")(top)
    app.command("tree")(tree)
