"""`piiscan doctor`: whether this installation can do its work, and what is missing."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piiscan.cli.options import ConfigFile, Db, database

if TYPE_CHECKING:
    from piiscan.config import AwsConfig
    from piiscan.crawl.checkup import Verdict

Check = Callable[[], tuple[bool, str]]


def _python() -> tuple[bool, str]:
    return sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}"


def _distribution() -> tuple[bool, str]:
    """Our import name belongs to another project's distribution on the public index: say so when that one is there."""
    from importlib.metadata import packages_distributions

    owners = sorted(set(packages_distributions().get("piiscan", [])))
    others = [o for o in owners if o.lower() != "piiscan-oss"]
    if others:
        return (
            False,
            f"the distribution {others[0]!r} also provides 'piiscan': uninstall it, then install this one again",
        )
    return True, "the import 'piiscan' is ours"


def _version(name: str) -> Check:
    def check() -> tuple[bool, str]:
        from importlib.metadata import PackageNotFoundError, version

        try:
            return True, f"{name} {version(name)}"
        except PackageNotFoundError:
            return False, f"{name} is not installed"

    return check


def _hyperscan() -> tuple[bool, str]:
    from piiscan.classify.hyper import have_hyperscan

    if have_hyperscan():
        return True, "hyperscan scans"
    return False, "hyperscan is not installed: the slow fallback finds the same"


def _passes() -> tuple[bool, str]:
    from piiscan.passes import NativePasses, passes

    if isinstance(passes(), NativePasses):
        return True, "the compiled library reads bytes"
    return True, "numpy reads bytes: no C compiler was there at installation; slower, and finds the same"


def _names() -> tuple[bool, str]:
    from piiscan.classify.ner import predict
    from piiscan.ner.lexer import native_library

    predict([])
    how = "the compiled library splits text" if native_library() is not None else "Python splits text: slower"
    return True, f"the model that finds names is whole; {how}"


def _rules() -> tuple[bool, str]:
    from piiscan.catalogue import load_rules

    return True, f"{len(load_rules())} rules"


def _keys() -> tuple[bool, str]:
    from piiscan.keys import state_dir

    folder = state_dir() / "keys"
    if not folder.exists():
        return True, "no keys yet: made with the first database"
    loose = [p.name for p in folder.glob("*.key") if p.stat().st_mode & 0o077]
    if loose:
        return False, f"{len(loose)} key file(s) readable by others: run chmod 600 on {folder}/*.key"
    return True, f"{len(list(folder.glob('*.key')))} key(s), private"


def _sandbox() -> tuple[bool, str]:

    from piiscan.engine.sandbox import ParserChild
    from piiscan.extract import Job

    with tempfile.TemporaryDirectory(prefix="piiscan-") as scratch, tempfile.TemporaryFile() as file:
        file.write(b"<a>ok</a>")
        file.seek(0)
        child = ParserChild(scratch)
        try:
            found = list(child.segments(file.fileno(), Job("a.xml", "application/xml", 9), 20.0))
            active = ", ".join(child.isolation) or "process only"
        finally:
            child.close()
    return bool(found), f"parser child works ({active})"


def _optional(name: str, what: str) -> tuple[str, str, str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return "ok", name, f"{name} {version(name)}: {what}"
    except PackageNotFoundError:
        return "--", name, f"not installed: no {what}"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", _python),
    ("import name", _distribution),
    ("duckdb", _version("duckdb")),
    ("pyarrow", _version("pyarrow")),
    ("boto3", _version("boto3")),
    ("spacy", _version("spacy")),
    ("presidio", _version("presidio-analyzer")),
    ("pypdfium2", _version("pypdfium2")),
    ("engine", _hyperscan),
    ("passes", _passes),
    ("names", _names),
    ("rules", _rules),
    ("keys", _keys),
    ("sandbox", _sandbox),
)
EXTRAS = (
    ("obstore", "quick reading of small objects (extra fast)"),
    ("opentelemetry-sdk", "traces (extra otel)"),
    ("msoffcrypto-tool", "encrypted office documents (extra passwords)"),
    ("libpff-python", "Outlook mailboxes (extra pst)"),
    ("pydicom", "medical pictures (extra health)"),
)
FREE = 1 << 30
"""Bytes that a scan wants beside twice the database: shard files on their way, copies of large objects."""


def _database(path: Path) -> tuple[str, str]:
    """Whether the database can be opened."""
    from piiscan.errors import StoreError
    from piiscan.store.duck import Held, latest_version, open_for_reading, schema_version

    if not path.exists():
        return "--", f"{path}: none yet, the first scan makes it"
    try:
        con = open_for_reading(path)
    except StoreError as err:
        return ("ok" if isinstance(err, Held) else "BAD"), str(err)
    try:
        found = schema_version(con)
    finally:
        con.close()
    older = "" if found == latest_version() else f"; the next scan brings it to {latest_version()}, after a copy"
    return "ok", f"{path}: schema {found}{older}"


def _disk(path: Path) -> tuple[str, str]:
    """Whether there is room beside the database: for its snapshot, the spool, and what is scanned."""
    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return "BAD", f"{folder}: cannot be written to: give the user that runs piiscan the right, or name another --db"
    free = shutil.disk_usage(folder).free
    size = path.stat().st_size if path.exists() else 0
    said = f"{free / 1e9:,.1f} GB free for the database, its snapshot and the spool"
    if free < 2 * size + FREE:
        return "BAD", f"{folder}: only {said}: {(2 * size + FREE) / 1e9:,.1f} GB are wanted"
    return "ok", f"{folder}: {said}"


def doctor(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[s3://BUCKET...]", help="Buckets whose rights are to be tried.")
    ] = None,
    db: Db = "",
    endpoint_url: Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region.")] = "",
    no_sign_request: Annotated[
        bool, typer.Option("--no-sign-request", help="Public buckets without credentials.")
    ] = False,
    request_payer: Annotated[bool, typer.Option("--request-payer", help="Pay for requester-pays buckets.")] = False,
    config_file: ConfigFile = "",
) -> int:
    """Check this installation, the database's place, and rights on buckets; exit 2 when something is wrong.

    Each line begins with ok, BAD (a scan will fail, or miss something), or -- (not needed, or not tried).
    """
    from piiscan.config import load_config
    from piiscan.crawl.checkup import check_aws
    from piiscan.report.escape import printable

    given = {
        "endpoint_url": endpoint_url, "profile": profile, "region": region, "no_sign_request": no_sign_request,
        "request_payer": request_payer,
    }  # fmt: skip
    set_here = {name: value for name, value in given.items() if value}
    config = load_config({"aws": set_here} if set_here else {}, config_file=config_file or None)
    buckets = [_bucket(target) for target in targets or ()]
    path = database(db, config.db)
    bad = 0
    for state, name, text in _lines(path, buckets, config.aws, check_aws):
        bad += state == "BAD"
        print(f"{state:<3}  {name:<20} {printable(text)}")
    print(f"{os.cpu_count() or 1} cores")
    return 2 if bad else 0


def _bucket(target: str) -> str:
    """The bucket, or bucket and prefix, of a target. Raises: ConfigError."""
    from piiscan.errors import ConfigError

    if not target.startswith("s3://") or not target.removeprefix("s3://").partition("/")[0] or "*" in target:
        raise ConfigError(f"doctor: {target!r} is not s3://BUCKET[/PREFIX]")
    return target.removeprefix("s3://")


def _lines(
    path: Path, buckets: list[str], aws: AwsConfig, check_aws: Callable[[list[str], AwsConfig], Iterator[Verdict]]
) -> Iterator[tuple[str, str, str]]:
    """State, name and sentence of each check; one that cannot be made is bad."""
    from piiscan.errors import PiiscanError

    for name, check in CHECKS:
        try:
            good, text = check()
        except (PiiscanError, OSError, ImportError) as err:
            good, text = False, str(err) or type(err).__name__
        yield ("ok" if good else "BAD"), name, text
    for name, what in EXTRAS:
        yield _optional(name, what)
    for name, about in (("database", _database), ("disk", _disk)):
        try:
            state, text = about(path)
        except (PiiscanError, OSError) as err:
            state, text = "BAD", str(err)
        yield state, name, text
    try:
        for verdict in check_aws(buckets, aws):
            yield verdict.state, verdict.name, verdict.text
    except PiiscanError as err:
        yield "BAD", "aws", str(err)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)
