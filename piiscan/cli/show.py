"""`piiscan show ID`: the object is read again and the surroundings of each place printed, all values masked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from piiscan.cli.options import ConfigFile, Db, Ocr, Passwords, database, given


def show(
    finding_id: Annotated[str, typer.Argument(metavar="ID")],
    db: Db = "",
    context: Annotated[int, typer.Option("--context", metavar="N", help="Characters around the match.")] = 40,
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="Places to show.")] = 5,
    ocr: Ocr = False,
    passwords: Passwords = None,
    config_file: ConfigFile = "",
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")] = "",
) -> int:
    """Show where a finding stands: masked surroundings, read again from the object."""
    from dataclasses import replace

    from piiscan.config import load_config
    from piiscan.errors import ConfigError
    from piiscan.report.escape import printable
    from piiscan.report.rows import describe
    from piiscan.reveal import surroundings
    from piiscan.store.accounts import role_of
    from piiscan.store.lookup import finding, occurrences
    from piiscan.store.snapshot import open_newest, say_age

    flags = given(
        aws={"endpoint_url": endpoint_url} if endpoint_url else None,
        limits={"ocr": True} if ocr else None,
        passwords=passwords,
    )
    config = load_config(flags, config_file=config_file or None)
    con, age = open_newest(database(db))
    say_age(age)
    found = finding(con, finding_id)
    places = occurrences(con, found["finding"], limit)
    if role := role_of(con, found["source"]):
        config = replace(config, aws=replace(config.aws, role_arn=role))
    con.close()
    print(f"{found['rule']} in {printable(found['source'])}/{printable(found['object'])}")
    if found["rule"].startswith("live."):
        for row in places:
            print(f"  {printable(describe(row['place']))}")
        print("The value of a live secret is asked for by a scan with --match-live alone: no surroundings are shown.")
        return 0
    with tempfile.TemporaryDirectory(prefix="piiscan-") as scratch:
        shown = list(surroundings(found, places, config, Path(scratch), context))
    if not shown:
        raise ConfigError("the object has changed since it was scanned: nothing stands at these places any more")
    for place, text in shown:
        print(f"  {printable(describe(place))}\n    {printable(text)}")
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)
