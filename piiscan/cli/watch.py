"""`piiscan watch`: scan what changed, when it changed."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from piiscan.cli.options import ConfigFile, Db, MetricsFile, NoNer, Pack, database, given

if TYPE_CHECKING:
    from piiscan.scan import RunResult
    from piiscan.store.ingest import DuckStore


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
    alert: Annotated[
        bool, typer.Option("--alert", help="Run the alert rules after each run that brought findings.")
    ] = False,
    metrics_file: MetricsFile = "",
    config_file: ConfigFile = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for each run.")] = False,
    turns: Annotated[bool, typer.Option("--turns", hidden=True, help="Of `serve`: ask before each run.")] = False,
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region.")] = "",
) -> int:
    """Scan objects as a queue tells of them, or a directory as it changes."""
    from piiscan.config import load_config
    from piiscan.errors import ConfigError
    from piiscan.jobs.work import worst
    from piiscan.watch.loop import Around, watch_queue, watch_tree
    from piiscan.watch.sqs import Queue

    if bool(target) == bool(sqs):
        raise ConfigError("watch: either a directory or --sqs URL")
    aws = {"endpoint_url": endpoint_url, "profile": profile, "region": region}
    flags = given(workers=workers, ner=False if no_ner else None, packs=pack)
    if any(aws.values()):
        flags["aws"] = {name: value for name, value in aws.items() if value}
    config = load_config(flags, config_file=config_file or None)
    if alert:
        from piiscan.jobs.alerts import timed

        timed(config.alerts)
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

    def after(store: DuckStore, result: RunResult) -> None:
        if alert and result.progress.findings:
            from piiscan.alert import of_runs, run_alerts

            alerts = run_alerts(store, config, result.run, of_runs(config))
            codes.update([3] if alerts["failed"] else [], [1] if alerts["exit_code"] else [])
        if metrics_file:
            from piiscan.cli.metrics import write_metrics_file

            codes.add(write_metrics_file(metrics_file, path, store.query))

    around = Around(done, _turn if turns else nullcontext, after)
    signal.signal(signal.SIGTERM, _end)
    try:
        if sqs:
            foreign = watch_queue(Queue(sqs, config.aws), config, path, around, once=once)
            if foreign:
                codes.add(4)
                sys.stderr.write(f"piiscan: {foreign:,} messages are no events of S3; they are left in the queue\n")
        else:
            watch_tree(target, config, path, around, every=every, once=once)
    except _Ended:
        return 0
    return worst(sorted(codes))


_NOT_WHOLE = {"partial", "failed"}


@contextmanager
def _turn() -> Iterator[None]:
    """Ask the server that started us for our turn, and wait for it; see `piiscan.jobs.turns`."""
    print("turn", flush=True)
    if not sys.stdin.readline():
        raise _Ended
    try:
        yield
    finally:
        print("done", flush=True)


def _end(*_: object) -> NoReturn:
    raise _Ended


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch")(watch)
