"""`piiscan access ingest|ls|anomalies`: who reads what, out of the logs of S3."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piiscan.cli.options import ConfigFile, Db, database, given

if TYPE_CHECKING:
    from piiscan.access.ingest import Ingested
    from piiscan.config import Config
    from piiscan.store.ingest import DuckStore

Json = Annotated[bool, typer.Option("--json", help="JSON lines.")]
Bucket = Annotated[str, typer.Option("--bucket", metavar="NAME", help="Of one bucket.")]
Number = Annotated[int, typer.Option("-n", "--number", metavar="N", min=1, help="How many.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Who reads what, out of CloudTrail and S3's access logs.", no_args_is_help=True)
    group.command("ingest")(ingest)
    group.command("ls")(ls)
    group.command("anomalies")(anomalies)
    app.add_typer(group, name="access")


def ingest(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Directory, or s3://bucket/prefix.")],
    db: Db = "",
    countries: Annotated[
        str, typer.Option("--countries", metavar="FILE", help="CSV of ranges of addresses: network,country.")
    ] = "",
    own: Annotated[
        list[str] | None, typer.Option("--own", metavar="ACCOUNT", help="An account of ours; may be repeated.")
    ] = None,
    alert: Annotated[bool, typer.Option("--alert", help="Run the alert rules at the end.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
    key_file: Annotated[str, typer.Option("--key-file", metavar="FILE", help="Key of the database.")] = "",
    config_file: ConfigFile = "",
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region.")] = "",
) -> int:
    """Take in what is new of log files: CloudTrail's data events of S3, and server access logs."""
    from piiscan.access.countries import read_countries
    from piiscan.access.ingest import Ingest, settle
    from piiscan.access.refresh import refresh
    from piiscan.config import load_config
    from piiscan.store.access import AccessStore
    from piiscan.store.ingest import DuckStore

    aws = {"endpoint_url": endpoint_url, "profile": profile, "region": region}
    flags = given(key_file=key_file or None)
    if any(aws.values()):
        flags["aws"] = {name: value for name, value in aws.items() if value}
    config = load_config(flags, config_file=config_file or None)
    ranges = read_countries(Path(countries)) if countries else None
    store = DuckStore(database(db, config.db), key_file=Path(config.key_file) if config.key_file else None)
    try:
        access = AccessStore(store)
        access.accounts([*config.posture.accounts, *(own or ())])
        done = Ingest(access, config).take(targets)
        settle(access)
        if ranges is not None:
            access.countries({ip: where for ip in access.addresses() if (where := ranges.of(ip))})
        found, owned = len(refresh(store)), access.own_known()
        code = _alerted(store, config) if alert else 0
    finally:
        store.close()
    _say(done, found, json_=json_, quiet=quiet)
    if done.records and not owned and not quiet:
        sys.stderr.write("which accounts are yours is not known from these logs: name them with --own\n")
    return 3 if done.source_errors or code == 3 else 0 if done.whole() and not code else code or 4


def _alerted(store: DuckStore, config: Config) -> int:
    """Run the alert rules of the configuration; the exit code that they ask for."""
    from piiscan.alert import run_alerts

    run = int(store.query("SELECT coalesce(max(run), 0) FROM runs")[0][0])
    told = run_alerts(store, config, run)
    return 3 if told["failed"] else 1 if told["exit_code"] else 0


def _say(done: Ingested, found: int, *, json_: bool, quiet: bool) -> None:
    from piiscan.report.escape import encodable, printable

    for error in done.source_errors:
        sys.stderr.write(f"piiscan: {printable(error)}\n")
    for path, note in done.notes:
        sys.stderr.write(f"piiscan: {printable(path)}: {printable(note)}\n")
    summary: dict[str, Any] = {
        "files": sum(done.files.values()), "kinds": dict(sorted(done.files.items())), "known": done.known,
        "records": done.records, "other_events": done.left_out, "broken": done.broken, "twice": done.doubles,
        "not_whole": done.unread, "left": done.others, "anomalies": found,
    }  # fmt: skip
    if json_:
        print(encodable(json.dumps(summary, ensure_ascii=False)))
        return
    if quiet:
        return
    kinds = ", ".join(f"{number:,} {_KINDS[kind]}" for kind, number in sorted(done.files.items()))
    sys.stderr.write(f"{summary['files']:,} files ({kinds or 'none'}), {done.known:,} known already\n")
    sys.stderr.write(
        f"{done.records:,} records: {done.left_out:,} of other events, {done.doubles:,} of requests that were counted "
        f"already, {done.broken:,} broken\n"
    )
    for path in done.others[:10]:
        sys.stderr.write(f"left: {printable(path)} is no log of requests\n")
    if len(done.others) > 10:
        sys.stderr.write(f"left: {len(done.others) - 10:,} files more, see v_access_logs\n")
    sys.stderr.write(f"{found:,} anomalies are known: piiscan access anomalies\n")


_KINDS = {"trail": "of CloudTrail", "lines": "access logs", "digest": "digests", "other": "no logs"}

LS = """
SELECT sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes, count(DISTINCT object) AS objects,
       sum(requests) FILTER (failed)::BIGINT AS failed, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
       CASE WHEN outside THEN 'outside' WHEN anonymous THEN 'anonymous' ELSE kind END AS kind, principal, bucket
FROM v_access WHERE $bucket = '' OR bucket = $bucket
GROUP BY ALL ORDER BY requests DESC, principal, bucket LIMIT $number
"""
ANOMALIES = """
SELECT anomaly, began, ended, kind, also, round(score)::INTEGER AS score, bucket, principal, object, explanation
FROM v_access_anomalies WHERE $bucket = '' OR bucket = $bucket ORDER BY began DESC, score DESC, anomaly LIMIT $number
"""


def ls(bucket: Bucket = "", number: Number = 50, db: Db = "", json_: Json = False) -> int:
    """List who asked for what, by principal and bucket, most requests first."""
    from piiscan.report.answers import render

    names, rows = _asked(LS, bucket, number, db)
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    for chunk in render(names, rows, "json" if json_ else "table"):
        sys.stdout.write(chunk)
    return 0


def anomalies(bucket: Bucket = "", number: Number = 50, db: Db = "", json_: Json = False) -> int:
    """List what is unusual, the newest first, with the figures that say so."""
    from piiscan.report.answers import render
    from piiscan.report.escape import printable

    names, rows = _asked(ANOMALIES, bucket, number, db)
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    if json_:
        for chunk in render(names, rows, "json"):
            sys.stdout.write(chunk)
        return 0
    for row in rows:
        one = dict(zip(names, row, strict=True))
        kinds = ", ".join([one["kind"], *one["also"]])
        until = f" to {one['ended']}" if one["ended"] != one["began"] else ""
        who = f"{printable(one['principal'])} in {printable(one['bucket'])}"
        print(f"{one['began']}{until}  {one['score']:>3}  {kinds}: {who}")
        print(f"    {printable(one['explanation'])}")
    return 0


def _asked(query: str, bucket: str, number: int, db: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    say_age(age)
    try:
        result = con.execute(query, {"bucket": bucket.removeprefix("s3://"), "number": number})
        return [d[0] for d in result.description], result.fetchall()
    finally:
        con.close()
