"""`piiscan alert ls|test|run|outbox|retry|ready`: alert rules and their delivery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piiscan.cli.options import ConfigFile, Db, database, writing

if TYPE_CHECKING:
    from piiscan.store.outbox import Evaluated


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Alert rules: SQL over the views, delivered to sinks.", no_args_is_help=True)
    group.command("ls")(ls)
    group.command("test")(test)
    group.command("run")(run)
    group.command("outbox")(outbox)
    group.command("retry")(retry)
    group.command("ready")(ready)
    app.add_typer(group, name="alert")


def ls(db: Db = "", config_file: ConfigFile = "") -> int:
    """List the configured alert rules, and when they are evaluated (UTC)."""
    from datetime import UTC, datetime

    from piiscan.config import load_config
    from piiscan.jobs.alerts import NEW, timed
    from piiscan.report.escape import printable

    config = load_config({}, config_file=config_file or None)
    times = {one.rule.name: one for one in timed(config.alerts)}
    known = _evaluations(database(db, config.db))
    for rule in config.alerts:
        when = ", ".join(rule.when) or "by hand"
        if one := times.get(rule.name):
            since = one.since(known.get(rule.name))
            since = one.next_after(datetime.now(UTC)) if since == NEW else since
            when += f", next {since:%Y-%m-%dT%H:%MZ}"
        sinks = ", ".join(rule.sinks) or "nobody"
        print(f"{rule.name:<30} {rule.severity:<9} {printable(when):<6} -> {sinks}: {printable(rule.sql)}")
    return 0


def _evaluations(path: Path) -> dict[str, Evaluated]:
    """What a database remembers of the rules; nothing without one, or in one of earlier days."""
    from piiscan.store import outbox as waiting
    from piiscan.store.duck import schema_version
    from piiscan.store.snapshot import open_newest, say_age

    if not path.exists():
        return {}
    con, age = open_newest(path)
    try:
        say_age(age)
        there = schema_version(con) >= waiting.EVALUATIONS_SINCE
        return waiting.evaluations(lambda sql: con.execute(sql).fetchall()) if there else {}
    finally:
        con.close()


def test(name: Annotated[str, typer.Argument(metavar="NAME")], db: Db = "", config_file: ConfigFile = "") -> int:
    """Print the rows that an alert rule finds now; nothing is sent."""
    from piiscan.alert import evaluate
    from piiscan.config import load_config
    from piiscan.errors import ConfigError
    from piiscan.report.escape import encodable

    config = load_config({}, config_file=config_file or None)
    rule = next((r for r in config.alerts if r.name == name), None)
    if rule is None:
        raise ConfigError(f"no alert rule {name!r} (see `piiscan alert ls`)")
    for row in evaluate(database(db, config.db), rule):
        print(encodable(json.dumps(row, ensure_ascii=False)))
    return 0


def run(
    db: Db = "",
    config_file: ConfigFile = "",
    key_file: Annotated[str, typer.Option("--key-file", metavar="FILE")] = "",
    due: Annotated[
        bool, typer.Option("--due", help="Only rules whose time has come; what a sink did not take keeps its pause.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> int:
    """Deliver what is new by all alert rules; exit 1 when a rule with an exit-code sink has new rows."""
    from datetime import UTC, datetime

    from piiscan.alert import run_alerts, run_timed
    from piiscan.config import load_config
    from piiscan.jobs.alerts import claim, finish, timed

    config = load_config({"key_file": key_file or None}, config_file=config_file or None)
    rules = timed(config.alerts)
    with writing(database(db, config.db), config.key_file) as store:
        newest = int(store.query("SELECT coalesce(max(run), 0) FROM runs")[0][0])
        if due:
            now = datetime.now(UTC)
            wanted = claim(store, rules, now)
            result = run_timed(store, config, newest, [one.rule for one in wanted])
            finish(store, wanted, now)
        else:
            result = run_alerts(store, config, newest)
    if not quiet:
        print(json.dumps(result))
    return 3 if result["failed"] else 1 if result["exit_code"] else 0


def outbox(
    db: Db = "",
    all_: Annotated[bool, typer.Option("--all", help="What was delivered, too.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> int:
    """List the messages that wait for a sink, and those that were given up."""
    import sys

    from piiscan.report.answers import render
    from piiscan.store.query import rows

    which = "" if all_ else "WHERE state <> 'sent' "
    query = (
        f"SELECT id, state, alert, sink, rows, attempts, error, created, next_try FROM v_alerts {which}ORDER BY created"  # noqa: S608
    )
    columns, found, _ = rows(database(db), query, 60.0, "1GB")
    for chunk in render(columns, found, "json" if json_ else "table"):
        sys.stdout.write(chunk)
    return 0


def retry(
    identity: Annotated[str, typer.Argument(metavar="[ID]", help="The beginning of an id; default: all.")] = "",
    db: Db = "",
    key_file: Annotated[str, typer.Option("--key-file", metavar="FILE")] = "",
) -> int:
    """Make messages due again, those that were given up as well; `piiscan alert run` sends them."""
    from piiscan.alert.outbox import now_utc
    from piiscan.store import outbox as waiting

    with writing(database(db), key_file) as store:
        number = waiting.retry(store, identity, now_utc())
    print(f"{number:,} messages are due")
    return 0


def ready() -> int:
    """Print alert rules that are ready to be copied into a configuration."""
    from importlib.resources import files

    print((files("piiscan.alert") / "ready.toml").read_text(encoding="utf-8"), end="")
    return 0
