"""`piiscan buckets ls|posture|checks`: how the buckets of an account are set up, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piiscan.cli.buckets_joined import joined
from piiscan.cli.options import ConfigFile, Db, database
from piiscan.cli.scan import SEVERITIES

if TYPE_CHECKING:
    from pathlib import Path

    from piiscan.assess import Account
    from piiscan.config import Config

Patterns = Annotated[
    list[str] | None, typer.Argument(metavar="BUCKET...", help="Names or patterns such as logs-*; default: all.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON lines.")]
Endpoint = Annotated[str, typer.Option("--endpoint-url", metavar="URL", help="S3 endpoint.")]
Profile = Annotated[str, typer.Option("--profile", help="AWS profile.")]
Region = Annotated[str, typer.Option("--region", help="AWS region.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="How buckets are set up: what is open, to whom, how well kept.", no_args_is_help=True)
    group.command("ls")(ls)
    group.command("posture")(posture)
    group.command("checks")(checks_)
    group.command("joined")(joined)
    app.add_typer(group, name="buckets")


Org = Annotated[bool, typer.Option("--org", help="All accounts of the organisation, each in the role of --role.")]
Role = Annotated[
    list[str] | None, typer.Option("--role", metavar="NAME|ARN", help="Role: a name for --org, or ARNs of several.")
]


def _config(
    endpoint_url: str, profile: str, region: str, config_file: str, org: bool = False, role: Sequence[str] | None = None
) -> Config:
    from piiscan.config import load_config

    given = {"endpoint_url": endpoint_url, "profile": profile, "region": region, "org": org, "roles": tuple(role or ())}
    aws = {name: value for name, value in given.items() if value}
    return load_config({"aws": aws} if aws else {}, config_file=config_file or None)


def _line(row: Mapping[str, Any]) -> None:
    from piiscan.report.escape import encodable

    print(encodable(json.dumps(row, ensure_ascii=False)))


def ls(
    patterns: Patterns = None,
    db: Db = "",
    json_: Json = False,
    config_file: ConfigFile = "",
    endpoint_url: Endpoint = "",
    profile: Profile = "",
    region: Region = "",
) -> int:
    """List buckets: region, who may reach them, encryption, versioning, score. Nothing is stored.

    Exit code 4 when some of it could not be read.
    """
    from piiscan.assess import read_account
    from piiscan.report.answers import render

    config = _config(endpoint_url, profile, region, config_file)
    account = read_account(config, patterns or ())
    sensitivity = _sensitivities(database(db, config.db))
    rows = list(_ls_rows(account, sensitivity))
    if json_:
        for row in rows:
            _line(row)
    elif rows:
        names = [name for name in rows[0] if name not in ("account", "source", "shared_with", "exposure")]
        cells = [
            ["" if name == "sensitivity" and row[name] is None else _cell(row[name]) for name in names] for row in rows
        ]
        sys.stdout.write("".join(render(names, cells, "table")))
    return 0 if account.whole() else 4


def _cell(value: Any) -> Any:
    if value is None:
        return "?"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _sensitivities(path: Path) -> Mapping[str, int]:
    """Of the sources of a database, where there is one."""
    if not path.exists():
        return {}
    from piiscan.store.duck import Held
    from piiscan.store.snapshot import open_newest, say_age

    try:
        con, age = open_newest(path)
    except Held:
        return {}  # a first scan is writing
    say_age(age)
    try:
        return dict(con.execute("SELECT source, sensitivity FROM v_buckets").fetchall())
    finally:
        con.close()


def _ls_rows(account: Account, sensitivity: Mapping[str, int]) -> Iterable[dict[str, Any]]:
    from piiscan.posture.model import Unknown

    for judged in account.buckets:
        state, seen = judged.state, judged.exposure
        versioning, encryption = state.versioning, state.encryption
        kept = None if isinstance(versioning, Unknown) else versioning.status.lower() or "off"
        with_what = None
        if not isinstance(encryption, Unknown):
            with_what = encryption.algorithm if encryption is not None else "none"
        yield {
            "bucket": state.name,
            "source": state.source,
            "account": state.account.number or None,
            "region": state.region or None,
            "public": seen.public,
            "shared": seen.shared,
            "shared_with": None if seen.shared_with is None else list(seen.shared_with),
            "replicated": seen.replicated,
            "exposure": seen.value,
            "encryption": with_what,
            "versioning": kept,
            "score": judged.score,
            "sensitivity": sensitivity.get(state.source),
        }


def posture(
    patterns: Patterns = None,
    db: Db = "",
    json_: Json = False,
    check: Annotated[
        list[str] | None, typer.Option("--check", metavar="ID", help="Only this check; may be repeated.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="SEVERITY", help="Exit 1 at failing checks this severe.")
    ] = "",
    new: Annotated[bool, typer.Option("--new", help="Only what is new or worse since the run before.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing, only store.")] = False,
    key_file: Annotated[str, typer.Option("--key-file", metavar="FILE", help="Key of the database.")] = "",
    config_file: ConfigFile = "",
    endpoint_url: Endpoint = "",
    profile: Profile = "",
    region: Region = "",
    org: Org = False,
    role: Role = None,
) -> int:
    """Check how buckets are set up, store the verdicts, print what fails, what is not known and what changed.

    Exit code 3 when an account's buckets cannot be listed, 4 when some check is not known for lack of a right.
    """
    from piiscan.assess import keep, read_accounts
    from piiscan.cli.buckets_print import Shown, print_posture
    from piiscan.errors import ConfigError
    from piiscan.posture.check import catalogue
    from piiscan.report.escape import printable
    from piiscan.store.accounts import keep as keep_accounts

    if fail_on and fail_on not in SEVERITIES:
        raise ConfigError(f"--fail-on: {fail_on!r} is none of {', '.join(SEVERITIES)}")
    for name in check or ():
        if name not in catalogue():
            raise ConfigError(f"--check: {name!r} is none of {', '.join(catalogue())}")
    config = _config(endpoint_url, profile, region, config_file, org, role)
    accounts, refused = read_accounts(config, patterns or ())
    wanted = set(check or catalogue())
    with _store(database(db, config.db), key_file or config.key_file) as store:
        run = keep(store, accounts, patterns or ())
        keep_accounts(store, None, [(one.number, one.name, one.role, one.refused) for one in refused], {})
        rows = [row for row in _stored(store, run) if row["check"] in wanted]
        before = store.query("SELECT max(run) FROM posture_runs WHERE run < ?", [run])[0][0]
        both = store.query("SELECT count(*), count(*) FILTER (severity = 'critical') FROM v_joined")[0]
    if new:
        rows = [row for row in rows if row["change"] in ("new", "worse")]
    if json_ and not quiet:
        for row in rows:
            _line(row)
    for account in accounts if not json_ and not quiet else ():
        mine = [row for row in rows if len(accounts) == 1 or row["account"] == account.state.number]
        print_posture(Shown(account, mine, sorted(wanted), before, only_new=new))
    if both[0] and not json_ and not quiet:
        print(
            f"with what a scan found in them: {both[0]:,} worse together, {both[1]:,} critical (piiscan buckets joined)"
        )
    for one in refused:
        sys.stderr.write(f"piiscan: account {one.number}: {printable(one.refused)}\n")
    return 3 if refused else _code(accounts, rows, fail_on)


def _code(accounts: Sequence[Account], rows: Iterable[Mapping[str, Any]], fail_on: str) -> int:
    if not all(account.whole() for account in accounts):
        return 4
    if not fail_on:
        return 0
    least = SEVERITIES.index(fail_on)
    return int(any(row["verdict"] == "fail" and SEVERITIES.index(row["severity"]) >= least for row in rows))


def _store(path: Path, key_file: str) -> Any:
    from contextlib import closing
    from pathlib import Path

    from piiscan.store.ingest import DuckStore

    return closing(DuckStore(path, key_file=Path(key_file) if key_file else None))


_NAMES = (
    "bucket", "source", "account", "region", "check", "title", "severity", "macie", "verdict", "evidence", "data",
    "missing", "change", "since", "fix", "reference", "run",
)  # fmt: skip
"""Keys of a line of JSON, in this order."""


def _stored(store: Any, run: int) -> list[dict[str, Any]]:
    """The verdicts of a run, worst first."""
    columns = ", ".join({"check": "check_id"}.get(name, name) for name in _NAMES)
    found: Sequence[Sequence[Any]] = store.query(
        f"SELECT {columns} FROM v_posture WHERE run = ? ORDER BY "  # noqa: S608 - names of ours
        "list_position(['critical', 'high', 'medium', 'low'], severity), check_id, bucket",
        [run],
    )
    out = []
    for values in found:
        row = dict(zip(_NAMES, values, strict=True))
        out.append(row | {"data": json.loads(row["data"]), "since": row["since"].isoformat(sep=" ")})
    return out


def checks_(json_: Json = False) -> int:
    """List the checks: what each means, how bad it is, what to do, and the rights that it needs."""
    from piiscan.posture.check import catalogue
    from piiscan.posture.model import ACTIONS
    from piiscan.report.answers import render

    found = sorted(catalogue().values(), key=lambda check: (-check.severity, check.id))
    if json_:
        for one in found:
            row: dict[str, Any] = {
                "check": one.id,
                "title": one.title,
                "severity": one.severity.label,
                "macie": one.macie,
            }
            row |= {"part_of": one.part_of or None, "needs": [ACTIONS[name] for name in one.needs]}
            _line(row | {"fix": one.fix, "reference": one.reference})
        return 0
    rows = [(one.severity.label, one.id, one.title, (one.macie or "").rpartition("/")[2]) for one in found]
    sys.stdout.write("".join(render(("severity", "check", "title", "macie"), rows, "table")))
    return 0
