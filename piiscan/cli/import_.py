"""`piiscan import macie DIR|--live`: a configuration of Amazon Macie taken over; one line for each thing in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piiscan.cli.options import ConfigFile, Db, database

if TYPE_CHECKING:
    from piiscan.cli.import_take import Taking, Wishes
    from piiscan.config import Config
    from piiscan.importing.macie_config.entries import Gathered, Outcome
    from piiscan.importing.macie_config.lists import AllowList

MOST_WORDS = 35_000_000
"""Bytes of the words of an allow list. Source: Amazon Macie User Guide, "Options and requirements for allow lists"."""
UNREACHABLE = 3


def macie(
    folder: Annotated[
        str, typer.Argument(metavar="[DIR]", help="Folder with JSON that `aws macie2` printed, or one file.")
    ] = "",
    live: Annotated[bool, typer.Option("--live", help="Ask Macie itself, in one account and region.")] = False,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where to write files.")] = Path(
        "macie"
    ),
    db: Db = "",
    at: Annotated[
        str, typer.Option("--at", metavar="HH:MM", help="When scheduled jobs run; Macie says only the day.")
    ] = ("02:00"),
    time_zone: Annotated[str, typer.Option("--time-zone", metavar="ZONE", help="Of the schedules.")] = "UTC",
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite what was changed by hand, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
    key_file: Annotated[str, typer.Option("--key-file", metavar="FILE", help="Key of the database.")] = "",
    config_file: ConfigFile = "",
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region.")] = "",
) -> int:
    """Import identifiers, allow lists, findings filters and jobs; what cannot be said here is refused or told.

    Exit code 2 when there is nothing of Macie, 3 when Macie could not be asked for all.
    """
    from piiscan.cli.import_take import Wishes
    from piiscan.config import load_config
    from piiscan.errors import ConfigError
    from piiscan.jobs.schedule import read_schedule

    if bool(folder) == live:
        raise ConfigError("name the folder with Macie's JSON, or say --live")
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", at, re.ASCII):
        raise ConfigError(f"--at: {at!r} is no time of the day, such as 02:00")
    read_schedule(f"daily {at}", time_zone, _now())
    aws = {"endpoint_url": endpoint_url, "profile": profile, "region": region}
    aws = {name: value for name, value in aws.items() if value}
    config = load_config({"aws": aws} if aws else {}, config_file=config_file or None)
    wishes = Wishes(at, time_zone, replace, dry_run, aws)
    gathered, words = _live(config) if live else _saved(Path(folder))
    outcomes = _take(gathered, words, out, wishes, database(db, config.db), key_file)
    _tell(outcomes, dry_run, as_json=json_)
    if not gathered.entries and not live:
        raise ConfigError(f"{folder}: nothing of Macie stands there (docs/from-macie.md says what to save)")
    return UNREACHABLE if gathered.unreachable else 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(help="Take over what another program was told (docs/from-macie.md).", no_args_is_help=True)
    group.command("macie")(macie)
    app.add_typer(group, name="import")


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _saved(folder: Path) -> tuple[Gathered, Callable[[AllowList], bytes]]:
    """What stands in a folder, and how the words of its lists are found. Raises: ConfigError."""
    from piiscan.errors import ConfigError
    from piiscan.importing.macie_config.entries import read_folder
    from piiscan.importing.macie_config.lists import words_beside
    from piiscan.importing.regex import Refused

    try:
        if not folder.exists():
            raise ConfigError(f"{folder}: no such folder or file")
        found = read_folder(folder)
    except OSError as err:
        raise ConfigError(f"{folder}: {err.strerror or type(err).__name__}") from None

    def words(wanted: AllowList) -> bytes:
        path = words_beside(wanted, found.files)
        if path is None:
            why = f" (Macie could not read it either: {wanted.code})" if wanted.code else ""
            where = f"s3://{wanted.bucket}/{wanted.key}"
            raise Refused(f"its words are not here: save {where} beside the JSON under its name{why}")
        try:
            return path.read_bytes()
        except OSError as err:
            raise Refused(f"{path.name}: {err.strerror}") from None

    return found, words


def _live(config: Config) -> tuple[Gathered, Callable[[AllowList], bytes]]:
    """What Macie answers, and how the words of its lists are fetched. Raises: ConfigError, SourceError."""
    from piiscan.aws import ServiceError, call, s3_client, service_client
    from piiscan.importing.macie_config.live import gather
    from piiscan.importing.regex import Refused

    client = service_client("macie2", config.aws, attempts=5)

    def ask(operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = call(client, operation, **parameters)
        answer.pop("ResponseMetadata", None)
        plain: Mapping[str, Any] = json.loads(json.dumps(answer, default=str))  # times as the AWS CLI prints them
        return plain

    def words(wanted: AllowList) -> bytes:
        where = f"s3://{wanted.bucket}/{wanted.key}"
        try:
            found = call(s3_client(config.aws), "get_object", Bucket=wanted.bucket, Key=wanted.key)
            data: bytes = found["Body"].read(MOST_WORDS + 1)
        except ServiceError as err:
            raise Refused(f"its words, {where}, cannot be read: {err}") from None
        except Exception as err:  # whatever breaks off the body; only aws.py knows botocore's names
            raise Refused(f"its words, {where}, cannot be read: {type(err).__name__}") from None
        if len(data) > MOST_WORDS:
            raise Refused(f"its words, {where}, are more than {MOST_WORDS:,} bytes, which Macie does not take either")
        return data

    return gather(ask), words


def _take(
    gathered: Gathered,
    words: Callable[[AllowList], bytes],
    out: Path,
    wishes: Wishes,
    path: Path,
    key_file: str,
) -> list[Outcome]:
    """Import all that was found. Raises: ConfigError, StoreError."""
    from piiscan.cli.import_take import Taking
    from piiscan.cli.import_write import Folder
    from piiscan.importing.macie_config.entries import Kind

    folder = Folder(out, dry=wishes.dry, replace=wishes.replace)
    taking = Taking(gathered, folder, wishes, words)
    try:
        taking.take_identifiers()
        taking.take_lists()
        _jobs(taking, path, dry=wishes.dry or not taking.has(Kind.JOB))
        taking.take_filters(None if wishes.dry else lambda: _store(path, key_file))
    finally:
        folder.close()
    return gathered.refused + taking.outcomes


def _jobs(taking: Taking, path: Path, *, dry: bool) -> None:
    from piiscan.jobs.store import open_jobs

    if dry:
        taking.take_jobs(None)
        return
    store = open_jobs(path)
    try:
        taking.take_jobs(store)
    finally:
        store.close()


def _store(path: Path, key_file: str) -> Any:
    from piiscan.store.ingest import DuckStore

    return DuckStore(path, key_file=Path(key_file) if key_file else None)


def _tell(outcomes: list[Outcome], dry_run: bool, *, as_json: bool) -> None:
    from piiscan.report.escape import encodable, printable

    for one in outcomes:
        if as_json:
            row = {
                "kind": str(one.kind), "name": one.name, "id": one.id, "outcome": one.word, "made": list(one.made),
                "state": one.state, "remarks": list(one.remarks), "reason": one.reason,
            }  # fmt: skip
            print(encodable(json.dumps(row, ensure_ascii=False)))
            continue
        word = "refused" if one.reason else "imported"
        what = one.reason or ", ".join(one.made) + (f" ({one.state})" if one.state != "new" else "")
        print(f"{word:<9} {one.kind:<10}  {printable(one.name)}: {printable(what)}")
        for remark in one.remarks:
            print(f"{'':<23}{printable(remark)}")
    if not as_json:
        counts = Counter(one.word for one in outcomes)
        done = "would be imported" if dry_run else "imported"
        print(
            f"{counts['imported'] + counts['remarks']} {done}, {counts['remarks']} of them with remarks; "
            f"{counts['refused']} refused"
        )
