"""`piiscan serve`: run jobs when they are due, watch queues and trees, answer for metrics, until it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piiscan.cli.options import ConfigFile, Db, database

if TYPE_CHECKING:
    from piiscan.jobs.serve import Server
    from piiscan.metrics.http import Listener

ADDRESS = "127.0.0.1:9464"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    db: Db = "",
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help=f"Where /metrics and /healthz are (default {ADDRESS}; port 0: any that is free; none: nowhere).",
        ),
    ] = "",
    listen_anywhere: Annotated[
        bool, typer.Option("--listen-anywhere", help="Allow an address that others can reach.")
    ] = False,
    sqs: Annotated[
        list[str] | None, typer.Option("--sqs", metavar="URL", help="Watch a queue of S3 events; may be repeated.")
    ] = None,
    watch: Annotated[
        list[str] | None, typer.Option("--watch", metavar="DIR", help="Watch a directory; may be repeated.")
    ] = None,
    alert: Annotated[bool, typer.Option("--alert", help="Watches run the alert rules after findings.")] = False,
    config_file: ConfigFile = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summaries.")] = False,
) -> int:
    """Run the jobs of a database when they are due, until Ctrl-C or SIGTERM; a scan so broken off goes on later.

    Watches scan in between. `--alert` is theirs; a job has its own, and its own configuration. Alert rules that have
    times are evaluated then, and what sinks have not taken is tried again, by the configuration given here.
    """
    from datetime import UTC, datetime

    from piiscan.alert import check_rules
    from piiscan.config import load_config
    from piiscan.jobs.alerts import timed, waiting_since
    from piiscan.jobs.serve import Server
    from piiscan.store.duck import signature

    config = load_config({}, config_file=config_file or None)
    path = database(db, config.db)
    common = ["--db", str(path), *(["--quiet"] if quiet else [])]

    chosen = ["--config", os.path.abspath(config_file)] if config_file else []
    check_rules(config)
    rules, sinks = timed(config.alerts), [sink.name for sink in config.sinks]

    def command(name: str) -> list[str]:
        what = ["job", "run", name, "--due", *common] if name else ["alert", "run", "--due", "-q", *common[:2], *chosen]
        return [sys.executable, "-m", "piiscan", *what]

    own = [*common, "--turns", *(["--alert"] if alert else []), *chosen]
    looking = [sys.executable, "-m", "piiscan", "watch"]
    watches = {url: [*looking, "--sqs", url, *own] for url in sqs or ()}
    watches |= {where: [*looking, os.path.abspath(where), *own] for where in watch or ()}
    if watches and not path.exists():
        from piiscan.store.ingest import DuckStore

        DuckStore(path, key_file=Path(config.key_file) if config.key_file else None).close()
    signature(path)
    server = Server(path, command, lambda: datetime.now(UTC), watches, waiting_since(rules, sinks) if sinks else None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.stop)
    listener = _listener(listen, listen_anywhere, path, server, quiet)
    try:
        server.loop()
    finally:
        if listener is not None:
            listener.close()
    return 0


def _listener(listen: str, anywhere: bool, path: Path, server: Server, quiet: bool) -> Listener | None:
    """What answers for metrics, started; None when nobody is to answer, or the usual port is taken."""
    from piiscan.errors import ConfigError
    from piiscan.metrics.database import Reader
    from piiscan.metrics.exposition import Samples
    from piiscan.metrics.http import Listener, read_address

    if listen == "none":
        return None
    reader = Reader(path, server.reading)

    def text() -> str:
        more = Samples()
        for state, count in zip(("up", "down"), server.watches(), strict=True):
            more.put("piiscan_watches", count, state)
        return reader.text(more)

    address = read_address(listen or ADDRESS, anywhere=anywhere)
    try:
        listener = Listener(address, text, server.ill)
    except ConfigError as err:
        if listen:
            raise
        sys.stderr.write(f"piiscan: no metrics: {err}\n")
        return None
    listener.start()
    if not quiet or not address[1]:
        sys.stderr.write(f"piiscan: metrics at {listener.url}/metrics\n")
        sys.stderr.flush()
    return listener
