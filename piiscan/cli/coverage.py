"""`piiscan coverage`: one row per object and its outcome, added up, and whether too much was left unread."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from piiscan.cli.options import Db, database

if TYPE_CHECKING:
    import duckdb

NAMES = ("object", "source", "outcome", "reason", "media_type", "size", "bytes_examined", "names_examined")


def coverage(
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="JSON lines, a line per object.")] = False,
    max_unread: Annotated[
        str,
        typer.Option("--max-unread", metavar="N|N%", help="End with code 4 when more objects were not read whole."),
    ] = "",
) -> int:
    """Show what was read, what was not, and why."""
    from piiscan.store.snapshot import open_newest, say_age

    most = _most(max_unread)
    con, age = open_newest(database(db))
    say_age(age)
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    _objects(con, json_)
    counts = con.execute("SELECT count(*), count(*) FILTER (outcome != 'scanned') FROM v_objects").fetchone()
    whole, unread = counts or (0, 0)
    if not json_:
        _totals(con)
    con.close()
    if most is None:
        return 0
    limit, share = most
    if unread <= (limit * whole / 100 if share else limit):
        return 0
    sys.stderr.write(f"piiscan: {unread:,} of {whole:,} objects were not read whole, more than {max_unread}\n")
    return 4


def _most(text: str) -> tuple[float, bool] | None:
    """How many objects may be left unread, and whether that is a percentage. Raises: ConfigError."""
    from piiscan.errors import ConfigError

    if not text:
        return None
    if not re.fullmatch(r"\d{1,15}|\d{1,3}(?:\.\d{1,6})?%", text):
        raise ConfigError(f"--max-unread: {text!r} is neither a number of objects nor a percentage such as 0.5%")
    return float(text.removesuffix("%")), text.endswith("%")


def _objects(con: duckdb.DuckDBPyConnection, json_: bool) -> None:
    """A line per object; of those that were read in part, the parts that were not."""
    from piiscan.report.escape import encodable, printable

    rows = con.execute(
        f"SELECT {', '.join('o.' + name for name in NAMES)}, u.parts FROM v_objects o LEFT JOIN "  # noqa: S608
        "(SELECT object, source, list(reason ORDER BY part) AS parts FROM v_unread GROUP BY ALL) u "
        "USING (object, source) ORDER BY o.source, o.object"
    )
    while batch := rows.fetchmany(2_000):
        for *row, parts in batch:
            if json_:
                line = dict(zip(NAMES, row, strict=True)) | ({"unread": parts} if parts else {})
                sys.stdout.write(encodable(json.dumps(line, ensure_ascii=False)) + "\n")
                continue
            where = printable(f"{row[1]}/{row[0]}")
            sys.stdout.write(f"{row[2]:<8} {row[5]:>14,}  {where}{'  ' + printable(row[3]) if row[3] else ''}\n")
            for part in (parts or [])[1:]:
                sys.stdout.write(f"{'':<25}and {printable(part)}\n")


def _totals(con: duckdb.DuckDBPyConnection) -> None:
    """The objects by outcome, by reason and by format, and whether they are those that were listed."""
    from piiscan.report.escape import printable

    for title, query in (
        (
            "outcome",
            "SELECT outcome, sum(objects), sum(bytes), sum(bytes_examined) FROM v_coverage GROUP BY 1 ORDER BY 1",
        ),
        (
            "reason",
            "SELECT reason, sum(objects), sum(bytes), sum(bytes_examined) FROM v_coverage WHERE outcome != 'scanned' "
            "GROUP BY 1 ORDER BY 2 DESC, 1",
        ),
        (
            "format",
            "SELECT coalesce(nullif(media_type, ''), 'not opened'), count(*), sum(size), sum(bytes_examined) "
            "FROM v_objects WHERE outcome != 'scanned' GROUP BY 1 ORDER BY 2 DESC, 1",
        ),
    ):
        rows = con.execute(query).fetchall()
        if rows:
            what = "" if title == "outcome" else ", not read whole"
            sys.stdout.write(f"\n{'objects':>10} {'bytes':>18} {'bytes examined':>18}  by {title}{what}\n")
        for name, objects, size, examined in rows:
            sys.stdout.write(f"{objects:>10,} {size:>18,} {examined:>18,}  {printable(name)}\n")
    unnamed = con.execute("SELECT count(*) FROM v_objects WHERE names_examined IS NULL").fetchone()
    if unnamed and unnamed[0]:
        sys.stdout.write(f"\nnames were not looked for in {unnamed[0]:,} objects (--no-ner)\n")
    last = con.execute("SELECT run, listed, objects, unchanged FROM v_runs ORDER BY run DESC LIMIT 1").fetchone()
    if last is not None:
        run, listed, objects, unchanged = last
        rest = listed - objects - unchanged
        sys.stdout.write(
            f"\nrun {run} listed {listed:,} objects: {objects:,} examined, {unchanged:,} unchanged"
            + (f", {rest:,} not reached" if rest else "")
            + "\n"
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("coverage")(coverage)
