"""`piiscan scan`: read targets, store findings, print the summary."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piiscan.cli.options import (
    Allow,
    ConfigFile,
    Db,
    Exact,
    MetricsFile,
    Ner,
    NoNer,
    Ocr,
    Pack,
    Passwords,
    Rules,
    Threshold,
    database,
    given,
)

if TYPE_CHECKING:
    from piiscan.alert.group import GroupAlerts
    from piiscan.config import Config
    from piiscan.scan import Progress, RunResult
    from piiscan.store.ingest import DuckStore

SEVERITIES = ("low", "medium", "high", "critical")


def scan(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET...", help="Directory, file, -, s3://bucket[/prefix], ssm:///path/.")
    ],
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object on stdout.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read all objects, changed or not.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Worker processes (0: all cores).")
    ] = None,
    no_ner: NoNer = False,
    ner: Ner = None,
    pack: Pack = None,
    rules: Rules = None,
    allow: Allow = None,
    inline_ignore: Annotated[
        bool, typer.Option("--inline-ignore", help="Heed piiscan:ignore[RULE] reason in lines of local files.")
    ] = False,
    exact: Exact = None,
    match_live: Annotated[
        bool,
        typer.Option("--match-live", help="Look for what Secrets Manager holds now, by hashes in memory."),
    ] = False,
    decrypt: Annotated[
        bool, typer.Option("--decrypt", help="Decrypt SecureStrings of Parameter Store, to read and to match them.")
    ] = False,
    threshold: Threshold = None,
    ocr: Ocr = False,
    passwords: Passwords = None,
    include: Annotated[list[str] | None, typer.Option("--include", metavar="GLOB", help="Only these keys.")] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", metavar="GLOB", help="Not these keys.")] = None,
    sample: Annotated[float | None, typer.Option("--sample", metavar="PCT", help="Percent of the objects.")] = None,
    budget: Annotated[
        str, typer.Option("--budget", metavar="SIZE", help="Read so much, the best first: 50GB, 800MB, bytes.")
    ] = "",
    prices: Annotated[str | None, typer.Option("--prices", metavar="FILE", help="Prices for --dry-run (TOML).")] = None,
    max_objects: Annotated[int | None, typer.Option("--max-objects", metavar="N", help="End after N objects.")] = None,
    max_bytes: Annotated[int | None, typer.Option("--max-bytes", metavar="N", help="End after N bytes.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be read.")] = False,
    fail_on: Annotated[str, typer.Option("--fail-on", metavar="SEVERITY", help="Exit 1 at findings this severe.")] = "",
    alert: Annotated[bool, typer.Option("--alert", help="Run the alert rules: at the end, or as they say.")] = False,
    metrics_file: MetricsFile = "",
    key_file: Annotated[str | None, typer.Option("--key-file", metavar="FILE", help="Fingerprint key.")] = None,
    config_file: ConfigFile = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
    json_progress: Annotated[
        bool, typer.Option("--json-progress", help="Progress as JSON lines on stderr, one a second.")
    ] = False,
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region.")] = "",
    no_sign_request: Annotated[
        bool, typer.Option("--no-sign-request", help="Public buckets without credentials.")
    ] = False,
    org: Annotated[
        bool, typer.Option("--org", help="All accounts of the organisation, each in the role that --role names.")
    ] = False,
    role: Annotated[
        list[str] | None, typer.Option("--role", metavar="NAME|ARN", help="Role: a name for --org, or ARNs of several.")
    ] = None,
    max_rps: Annotated[float | None, typer.Option("--max-rps", metavar="N", help="S3 requests a second.")] = None,
    max_mbps: Annotated[
        float | None, typer.Option("--max-mbps", metavar="N", help="Megabytes a second from S3.")
    ] = None,
    bucket_tag: Annotated[
        list[str] | None, typer.Option("--bucket-tag", metavar="KEY[=VALUE]", help="Of s3://*: buckets so tagged.")
    ] = None,
    from_inventory: Annotated[
        str, typer.Option("--from-inventory", metavar="URL", help="List by an S3 Inventory: its manifest.json.")
    ] = "",
    max_inventory_age: Annotated[
        float | None,
        typer.Option("--max-inventory-age", metavar="DAYS", help="Refuse an older one (default 2; 0: any)."),
    ] = None,
    reader: Annotated[str, typer.Option("--reader", metavar="NAME", help="auto, boto3 or obstore.")] = "",
    request_payer: Annotated[bool, typer.Option("--request-payer", help="Pay for requester-pays buckets.")] = False,
    versions: Annotated[bool, typer.Option("--versions", help="Versions that are not current, too.")] = False,
    sse_c_key_file: Annotated[
        str, typer.Option("--sse-c-key-file", metavar="FILE", help="Key of objects encrypted with one (SSE-C).")
    ] = "",
) -> int:
    """Scan directories, files, standard input or S3 buckets."""
    from piiscan.config import load_config

    config = load_config(settings_of(locals()), config_file=config_file or None)
    if dry_run:
        from piiscan.cli.dry_run import dry_run as would_read

        return would_read(targets, config, database(db, config.db), full, json_)
    path = database(db, config.db)
    return run_scan(targets, config, path, full, fail_on, alert, quiet, json_, json_progress, metrics_file)


def settings_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """What options of `scan`, by their parameters' names, set in the configuration. Raises: ConfigError."""
    from piiscan.config import read_size
    from piiscan.errors import ConfigError
    from piiscan.references import absolute

    if options["fail_on"] and options["fail_on"] not in SEVERITIES:
        raise ConfigError(f"--fail-on: {options['fail_on']!r} is none of {', '.join(SEVERITIES)}")
    aws = {
        "endpoint_url": options["endpoint_url"] or None,
        "profile": options["profile"] or None,
        "region": options["region"] or None,
        "no_sign_request": options["no_sign_request"] or None,
        "org": options["org"] or None,
        "roles": tuple(options["role"]) if options["role"] else None,
        "request_payer": options["request_payer"] or None,
        "versions": options["versions"] or None,
        "sse_c_key_file": absolute(options["sse_c_key_file"]) or None,
        "reader": options["reader"] or None,
        "max_rps": options["max_rps"],
        "max_mbps": options["max_mbps"],
        "bucket_tags": tuple(options["bucket_tag"]) if options["bucket_tag"] else None,
        "inventory": options["from_inventory"] or None,
        "max_inventory_age": None if options["max_inventory_age"] is None else options["max_inventory_age"] * 86_400,
    }
    flags = given(
        workers=options["workers"],
        ner=False if options["no_ner"] else None,
        ner_model=options["ner"],
        packs=options["pack"],
        rules=options["rules"],
        allow=options["allow"],
        exact=options["exact"],
        match_live=options["match_live"] or None,
        decrypt=options["decrypt"] or None,
        threshold=options["threshold"],
        limits={"ocr": True} if options["ocr"] else None,
        passwords=options["passwords"],
        inline_ignore=options["inline_ignore"] or None,
        include=options["include"],
        exclude=options["exclude"],
        sample=options["sample"],
        budget=read_size(options["budget"], "--budget") if options["budget"] else None,
        prices=options["prices"],
        max_objects=options["max_objects"],
        max_bytes=options["max_bytes"],
        key_file=options["key_file"],
    )
    set_aws = {k: v for k, v in aws.items() if v is not None}
    if set_aws:
        flags["aws"] = set_aws
    return flags


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan")(scan)


def run_scan(
    targets: list[str],
    config: Config,
    path: Path,
    full: bool,
    fail_on: str,
    alert: bool,
    quiet: bool,
    as_json: bool,
    json_progress: bool,
    metrics_file: str = "",
) -> int:
    """Do a scan and print its summary; the exit code. Raises: PiiscanError."""
    from piiscan.cli.progress import progress_display
    from piiscan.metrics.progress import told
    from piiscan.scan import Run
    from piiscan.store.ingest import DuckStore

    started = time.monotonic()
    key_file = Path(config.key_file) if config.key_file else None
    store = DuckStore(path, key_file=key_file)
    stdin_copy = _stdin(path) if "-" in targets else ""
    try:
        with (
            progress_display(quiet=quiet or as_json, as_json=json_progress) as shown,
            told(path, shown) as tell,
            _meanwhile(store, config) if alert else nullcontext() as group,
        ):

            def watch(progress: Progress) -> None:
                tell(progress)
                if group is not None:
                    group.look()

            run = Run(targets, config, store, full=full, stdin_copy=stdin_copy, watch=watch)
            try:
                result = run.execute()
            except KeyboardInterrupt:
                sys.stderr.write("\npiiscan: stopped; run the same command again to go on from here\n")
                return 130
            if group is not None:
                group.close()
        alerts = _alerts(store, config, result.run, group) if alert else None
        code = _finish(store, result, path, fail_on, quiet, as_json, time.monotonic() - started, alerts)
        return _metrics(metrics_file, store, path, code)
    finally:
        if stdin_copy:
            Path(stdin_copy).unlink(missing_ok=True)
        store.close()


def _stdin(database_path: Path) -> str:
    """Standard input as a private temporary file beside the database."""
    for left in database_path.parent.glob(".piiscan-stdin-*"):
        left.unlink(missing_ok=True)  # of a killed scan
    with tempfile.NamedTemporaryFile(dir=database_path.parent or None, prefix=".piiscan-stdin-", delete=False) as out:
        shutil.copyfileobj(sys.stdin.buffer, out)
    return out.name


def _metrics(file: str, store: DuckStore, path: Path, code: int) -> int:
    """Write the metrics when a file is named; the exit code."""
    if not file:
        return code
    from piiscan.cli.metrics import write_metrics_file
    from piiscan.jobs.work import worst

    return worst([code, write_metrics_file(file, path, store.query)])


def _meanwhile(store: DuckStore, config: Config) -> GroupAlerts | nullcontext[None]:
    """What looks after the alert rules while a run goes on; nothing when none is for then. Raises: ConfigError."""
    from piiscan.alert import check_rules
    from piiscan.jobs.alerts import timed

    check_rules(config)
    timed(config.alerts)
    if not any("group" in rule.when for rule in config.alerts):
        return nullcontext()
    from piiscan.alert.group import GroupAlerts

    return GroupAlerts(store, config)


def _alerts(store: DuckStore, config: Config, run: int, group: GroupAlerts | None) -> dict[str, Any]:
    """Run the alert rules at the end of a run; how that and what came before went."""
    from piiscan.alert import of_runs, run_alerts

    found = run_alerts(store, config, run, of_runs(config))
    if group is not None:
        found["sent"] += group.done.sent
        found["failed"] += group.done.dead
        found["exit_code"] = found["exit_code"] or group.done.fails_command
    return found


def _finish(
    store: DuckStore,
    result: RunResult,
    path: Path,
    fail_on: str,
    quiet: bool,
    as_json: bool,
    seconds: float,
    alerts: dict[str, Any] | None,
) -> int:
    """Print the summary and work out the exit code."""
    import json

    from piiscan.report.summary import as_text, summarise

    summary = summarise(store, result, path, seconds, alerts)
    if as_json:
        print(json.dumps(summary, ensure_ascii=False))
    elif not quiet:
        sys.stderr.write(as_text(summary))
    for line in result.source_errors:
        from piiscan.report.escape import printable

        sys.stderr.write(f"piiscan: {printable(line)}\n")
    if result.source_errors or (alerts is not None and alerts["failed"]):
        return 3
    if summary["not_read_whole"]:
        return 4
    if alerts is not None and alerts["exit_code"]:
        return 1
    if fail_on:
        least = SEVERITIES.index(fail_on)
        if any(summary["findings"]["by_severity"].get(s, 0) for s in SEVERITIES[least:]):
            return 1
    return 0
