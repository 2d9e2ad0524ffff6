"""`piiscan alert ls|test|run|outbox|retry|ready`: alert rules and their delivery."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from piiscan.cli.options import ConfigFile, Db, database, writing


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


def ls(config_file: ConfigFile = "") -> int:
    """List the configured alert rules."""
    from piiscan.config import load_config
    from piiscan.report.escape import printable

    config = load_config({}, config_file=config_file or None)
    for rule in config.alerts:
        print(f"{rule.name:<30} {rule.severity:<9} -> {', '.join(rule.sinks) or 'nobody'}: {printable(rule.sql)}")
    return 0


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
    db: Db = "", config_file: ConfigFile = "", key_file: Annotated[str, typer.Option("--key-file", metavar="FILE")] = ""
) -> int:
    """Deliver what is new by all alert rules; exit 1 when a rule with an exit-code sink has new rows."""
    from piiscan.alert import run_alerts
    from piiscan.config import load_config

    config = load_config({"key_file": key_file or None}, config_file=config_file or None)
    with writing(database(db, config.db), config.key_file) as store:
        newest = store.query("SELECT coalesce(max(run), 0) FROM runs")[0][0]
        result = run_alerts(store, config, int(newest))
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
