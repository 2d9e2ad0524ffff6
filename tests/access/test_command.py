"""`piiscan access`: what it prints, its exit codes, and the alerts that come of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from piiscan.alert import run_alerts
from piiscan.config import load_config
from tests.access.make import OURS, THEIRS, line, record, store, take, trail, write
from tests.support.cli import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "cli", tmp_path / "cache")


def test_what_the_commands_print(cli: Cli) -> None:
    theirs = {"type": "AWSAccount", "principalId": "AIDATHEIRS", "accountId": THEIRS}
    days = [record(key="a\x1b[31m", time=f"2026-09-{day:02d}T10:00:00Z") for day in range(1, 29)]
    late = record(user=theirs, time="2026-09-28T11:00:00Z")
    write(cli.root / "logs", {"t.json": trail([*days, late]), "other.txt": b"hello"})
    done = cli.good("access", "ingest", "logs", "--json")
    assert done.json() | {"left": 0} == {
        "files": 2, "kinds": {"other": 1, "trail": 1}, "known": 0, "records": 29, "other_events": 0, "broken": 0,
        "twice": 0, "not_whole": 0, "left": 0, "anomalies": 1,
    }  # fmt: skip
    again = cli.good("access", "ingest", "logs")
    assert "0 files (none), 2 known already" in again.said
    (first, second) = cli.good("access", "ls", "--json").lines()
    assert (first["principal"], first["requests"], first["kind"]) == (f"arn:aws:iam::{OURS}:user/alice", 28, "user")
    assert second["kind"] == "outside"
    assert "alice" in cli.good("access", "ls", "--bucket", "customers").text
    assert cli.good("access", "ls", "--bucket", "nothing", "--json").lines() == []
    (found,) = cli.good("access", "anomalies", "--json").lines()
    assert (found["kind"], found["began"], found["bucket"]) == ("outside", "2026-09-28", "customers")
    said = cli.good("access", "anomalies").text
    assert "outside" in said
    assert f"Account {THEIRS}, which is none of ours" in said
    assert "\x1b" not in cli.good("access", "ls").text


def test_exit_codes(cli: Cli, tmp_path: Path) -> None:
    write(cli.root / "good", {"l": line()})
    write(cli.root / "bad", {"l": line() + b"nonsense\n"})
    told = cli.good("access", "ingest", "good")
    assert "name them with --own" in told.said
    assert "name them" not in cli.good("access", "ingest", "good", "--own", OURS, "--quiet").said
    cli.good("access", "ingest", "bad", codes=(4,))
    cli.good("access", "ingest", "missing", "good", codes=(3,))
    (cli.root / "c.csv").write_text("nonsense\n")
    assert "line 1" in cli.good("access", "ingest", "good", "--countries", "c.csv", codes=(2,)).said
    (cli.root / "c.csv").write_text("192.0.2.0/24,DE\n")
    cli.good("access", "ingest", "good", "--countries", "c.csv")
    assert cli.sql("SELECT DISTINCT country FROM v_access") == [{"country": "DE"}]
    cli.good("access", codes=(0, 2))


def test_alerts_of_an_event_are_told_once(tmp_path: Path) -> None:
    ready = (Path(__file__).parents[2] / "piiscan" / "alert" / "ready.toml").read_text("utf-8")
    path = tmp_path / "c.toml"
    path.write_text(ready + f'\n[[sinks]]\nname = "file"\nkind = "jsonl"\npath = "{tmp_path / "alerts.jsonl"}"\n')
    config = load_config({}, config_file=str(path))
    rules = [rule for rule in config.alerts if rule.name in ("unusual access", "logs of access stay away")]
    days = [record(time=f"2026-09-{day:02d}T10:00:00Z") for day in range(1, 29)]
    nobody = {"type": "AWSAccount", "accountId": "anonymous"}
    with store(tmp_path) as into:
        take(
            into, write(tmp_path / "logs", {"t.json": trail([*days, record(user=nobody, time="2026-09-28T11:00:00Z")])})
        )
        assert run_alerts(into, config, 0, rules)["sent"] == 2
        take(into, write(tmp_path / "logs", {"u.json": trail([record(user=nobody, time="2026-09-28T12:00:00Z")])}))
        assert run_alerts(into, config, 0, rules)["sent"] == 0
