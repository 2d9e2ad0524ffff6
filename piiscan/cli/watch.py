"""`piiscan watch`: scan what changed, when it changed."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from piiscan.cli.options import ConfigFile, Db, NoNer, Pack, database, given

if TYPE_CHECKING:
    from piiscan.scan import RunResult


class _Ended(KeyboardInterrupt):
    """SIGTERM: as Ctrl-C, but asked for by a service manager."""


def watch(
    target: Annotated[str, typer.Argument(metavar="[DIR]", help="Directory to look at again and again.")] = "",
    sqs: Annotated[str, typer.Option("--sqs", metavar="URL", help="Queue of S3 events.")] = "",
    db: Db = "",
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", help="Between two looks at a directory.")
    ] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="End when the queue is empty; one look at a directory.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", help="Worker processes.")] = None,
    no_ner: NoNer = False,
    pack: Pack = None,
    config_file: ConfigFile = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each run.")] = False,
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region.")] = "",
) -> int:
    """Scan objects as a queue tells of them, or a directory as it changes."""
    from piiscan.config import load_config
    from piiscan.errors import ConfigError
    from piiscan.watch.loop import watch_queue, watch_tree
    from piiscan.watch.sqs import Queue

    if bool(target) == bool(sqs):
        raise ConfigError("watch: either a directory or --sqs URL")
    aws = {"endpoint_url": endpoint_url, "profile": profile, "region": region}
    flags = given(workers=workers, ner=False if no_ner else None, packs=pack)
    if any(aws.values()):
        flags["aws"] = {name: value for name, value in aws.items() if value}
    config = load_config(flags, config_file=config_file or None)
    path = database(db, config.db)
    codes: set[int] = set()

    def done(result: RunResult) -> None:
        progress = result.progress
        codes.update([3] if result.source_errors else [], [4] if progress.outcomes.keys() & _NOT_WHOLE else [])
        for error in result.source_errors:
            sys.stderr.write(f"piiscan: {error}\n")
        if not quiet:
            said = f"{progress.done:,} objects, {progress.findings:,} matches, {result.gone:,} gone"
            sys.stderr.write(f"piiscan: run {result.run}: {said}\n")
            sys.stderr.flush()

    signal.signal(signal.SIGTERM, _end)
    try:
        if sqs:
            foreign = watch_queue(Queue(sqs, config.aws), config, path, done, once=once)
            if foreign:
                codes.add(4)
                sys.stderr.write(f"piiscan: {foreign:,} messages are no events of S3; they are left in the queue\n")
        else:
            watch_tree(target, config, path, done, every=every, once=once)
    except _Ended:
        return 0
    return min(codes, default=0)


_NOT_WHOLE = {"partial", "failed"}


def _end(*_: object) -> NoReturn:
    raise _Ended


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch")(watch)
