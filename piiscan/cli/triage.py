"""`piiscan triage set|suppress|baseline|ls|rm|propose|audit`: what people say of findings, for longer than a run."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piiscan.cli.options import Db, database, writing

if TYPE_CHECKING:
    from piiscan.store.triage import Said

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with it.")]
Owner = Annotated[str, typer.Option("--owner", metavar="NAME", help="Who says so; default: the user's name.")]
Expires = Annotated[
    str, typer.Option("--expires", metavar="WHEN", help="A date (2027-01-31), a time from now (90d), or never.")
]
KeyFile = Annotated[str, typer.Option("--key-file", metavar="FILE", help="Key of the database.")]
Json = Annotated[bool, typer.Option("--json", help="JSON lines.")]
_SPAN = re.compile(r"(\d{1,5})([dw])")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="States of findings, suppressions, the baseline (docs/triage.md).", no_args_is_help=True)
    group.command("set")(set_)
    for function in (suppress, baseline, ls, rm, propose, audit):
        group.command(function.__name__)(function)
    app.add_typer(group, name="triage")


def set_(
    finding: Annotated[str, typer.Argument(metavar="ID", help="A finding's id, or its first eight digits.")],
    state: Annotated[str, typer.Argument(metavar="STATE", help="open, confirmed, false_positive, accepted, fixed.")],
    reason: Reason,
    owner: Owner = "",
    expires: Expires = "never",
    db: Db = "",
    key_file: KeyFile = "",
) -> int:
    """Say what a finding is: it stays so in later runs, until it expires or is said to be something else."""
    from piiscan.store.lookup import finding as found
    from piiscan.store.triage import set_state

    said = _said(owner, reason, expires)
    with writing(database(db), key_file) as store:
        row = found(store.connection, finding)
        set_state(store, bytes.fromhex(row["finding"]), state.replace("-", "_"), said)
    print(f"{row['finding']}: {state}")
    return 0


def suppress(
    reason: Reason,
    rule: Annotated[str, typer.Option("--rule", metavar="GLOB", help="Rules.")] = "",
    source: Annotated[str, typer.Option("--source", metavar="SOURCE", help="s3://bucket or file:///dir.")] = "",
    object_: Annotated[str, typer.Option("--object", metavar="GLOB", help="Keys, as --include takes them.")] = "",
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="Findings all in this column.")] = "",
    fingerprint: Annotated[str, typer.Option("--fingerprint", metavar="HEX", help="One value, by v_occurrences.")] = "",
    value: Annotated[bool, typer.Option("--value", help="One value, asked for on standard input.")] = False,
    where: Annotated[str, typer.Option("--where", metavar="SQL", help="A condition over v_findings.")] = "",
    owner: Owner = "",
    expires: Expires = "never",
    db: Db = "",
    key_file: KeyFile = "",
) -> int:
    """Suppress findings: they are kept and counted, and are no part of risk, totals, alerts and --fail-on."""
    from piiscan.errors import ConfigError
    from piiscan.store.triage import Meant, suppress
    from piiscan.triage import put_into_force

    said = _said(owner, reason, expires)
    if not any((rule, source, object_, column, fingerprint, value, where)):
        raise ConfigError("triage suppress: say what is meant, with --rule, --object, --column, --value or --where")
    with writing(database(db), key_file) as store:
        prints = [_fingerprint(fingerprint)] if fingerprint else _prints_of(store.key) if value else [None]
        if where:
            _try(store, where)
        numbers = [
            suppress(
                store, Meant(rule or None, source or None, object_ or None, column or None, one, where or None), said
            )
            for one in prints
        ]
        put_into_force(store)
        counts = dict(store.query("SELECT number, findings FROM v_suppressions"))
    for number in numbers:
        print(f"suppression {number}: {counts[number]:,} findings")
    return 0


def baseline(reason: Reason, owner: Owner = "", expires: Expires = "never", db: Db = "", key_file: KeyFile = "") -> int:
    """Take all that is known now for known: only findings with values that are not in it count from now on."""
    from piiscan.store import triage
    from piiscan.triage import put_into_force

    said = _said(owner, reason, expires)
    with writing(database(db), key_file) as store:
        number, values = triage.baseline(store, said)
        findings = put_into_force(store)
    print(f"suppression {number}: a baseline of {values:,} values; {findings:,} findings are suppressed now")
    return 0


def ls(db: Db = "", json_: Json = False) -> int:
    """List the suppressions, those no longer in force last; `unverified`: of an earlier key, until it is read again."""
    return _answer(
        "SELECT number, in_force, findings, rule, source, object, column_name, fingerprint, predicate, baseline, "
        "unverified, owner, reason, expires FROM v_suppressions ORDER BY in_force DESC, number",
        db,
        json_,
    )


def rm(
    number: Annotated[int, typer.Argument(metavar="N")],
    reason: Reason = "",
    owner: Owner = "",
    db: Db = "",
    key_file: KeyFile = "",
) -> int:
    """End a suppression."""
    from piiscan.store.triage import remove
    from piiscan.triage import put_into_force

    said = _said(owner, reason or "removed", "never")
    with writing(database(db), key_file) as store:
        remove(store, number, said)
        put_into_force(store)
    return 0


def propose(
    least: Annotated[int, typer.Option("--least", metavar="N", min=1, help="Findings called false positives.")] = 3,
    db: Db = "",
    json_: Json = False,
    key_file: KeyFile = "",
) -> int:
    """Propose suppressions: values whose findings were called false positives again and again."""
    import json

    from piiscan.report.escape import encodable, printable
    from piiscan.store.triage import proposals

    with writing(database(db), key_file) as store:
        found = proposals(store, least)
    for row in found:
        if json_:
            print(encodable(json.dumps(row, ensure_ascii=False)))
        else:
            print(f"# {printable(row['masked'] or '')} in {row['findings']:,} findings")
            print(f"piiscan triage suppress --rule {row['rule']} --fingerprint {row['fingerprint']} --reason '...'")
    return 0


def audit(db: Db = "", json_: Json = False) -> int:
    """List who said what, the newest first."""
    return _answer("SELECT * FROM v_audit ORDER BY made DESC", db, json_)


def _answer(query: str, db: str, as_json: bool) -> int:
    from piiscan.report.answers import render
    from piiscan.store.query import rows

    columns, found, _ = rows(database(db), query, 60.0, "1GB")
    for chunk in render(columns, found, "json" if as_json else "table"):
        sys.stdout.write(chunk)
    return 0


def _said(owner: str, reason: str, expires: str) -> Said:
    """Raises: ConfigError."""
    import getpass

    from piiscan.errors import ConfigError
    from piiscan.store.triage import Said

    if not reason.strip():
        raise ConfigError("--reason: say why; it is what the next one will want to know")
    now = datetime.now(UTC).replace(tzinfo=None)
    span = _SPAN.fullmatch(expires)
    try:
        if expires == "never":
            until = None
        elif span:
            until = now + timedelta(days=int(span[1]) * (7 if span[2] == "w" else 1))
        else:
            until = datetime.fromisoformat(expires)
            until = until.astimezone(UTC).replace(tzinfo=None) if until.tzinfo else until
    except (ValueError, OverflowError):
        raise ConfigError(
            f"--expires: {expires!r} is no date, no number of days (90d) or weeks (4w), and not never"
        ) from None
    if until is not None and until <= now:
        raise ConfigError(f"--expires: {expires!r} is in the past")
    return Said(owner or getpass.getuser(), reason, until)


def _fingerprint(text: str) -> bytes:
    from piiscan.errors import ConfigError

    if not re.fullmatch(r"[0-9a-fA-F]{32}", text):
        raise ConfigError("--fingerprint: 32 hexadecimal digits, as v_occurrences has them")
    return bytes.fromhex(text)


def _prints_of(key: bytes) -> list[bytes]:
    """The fingerprints of the forms of a value that standard input gives."""
    from piiscan.cli.find import asked
    from piiscan.errors import ConfigError
    from piiscan.redact import fingerprinter, forms

    wanted = asked()
    if not wanted.strip():
        raise ConfigError("--value: there is no value")
    return list(map(fingerprinter(key), forms(wanted)))


def _try(store: Any, where: str) -> None:
    """Ask a predicate once, so that a wrong one is refused. Raises: ConfigError, StoreError."""
    from piiscan.store.query import rows
    from piiscan.store.snapshot import publish
    from piiscan.triage import question

    rows(publish(store), question(where), 60.0, "1GB")
