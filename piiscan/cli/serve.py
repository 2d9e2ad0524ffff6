"""`piiscan serve`: run jobs when they are due, until it is told to stop."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from piiscan.cli.options import Db, database


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    db: Db = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summaries.")] = False,
) -> int:
    """Run the jobs of a database when they are due, until Ctrl-C or SIGTERM; a scan so broken off goes on later."""
    from datetime import UTC, datetime

    from piiscan.jobs.serve import Server

    path = database(db)

    def command(name: str) -> list[str]:
        asked = [sys.executable, "-m", "piiscan", "job", "run", name, "--due", "--db", str(path)]
        return [*asked, "--quiet"] if quiet else asked

    server = Server(path, command, lambda: datetime.now(UTC))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.stop)
    server.loop()
    return 0
