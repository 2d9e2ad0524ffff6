"""When alerts are told: before a scan ends, and by a server when their time has come."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from piiscan.store.ingest import DuckStore
from tests.alert.receivers import web
from tests.e2e.test_serve import serving, wait_for
from tests.metrics.parse import value
from tests.support.cli import Cli, hooked
from tests.support.made import database, finding, report
from tests.support.trees import plain, write

SLOW = """
import os, sys, time
import piiscan.stages
def reached(at):
    if at == "fetch":
        reached.count += 1
        until = time.monotonic() + 0.25
        while reached.count > 8 and not os.path.exists(os.environ["TEST_TOLD"]) and time.monotonic() < until:
            time.sleep(0.01)
reached.count = 0
piiscan.stages.reached = reached
if "scan" in sys.orig_argv:
    import piiscan.alert.group as g, piiscan.scan as s
    g.EVERY = g.LOOK = s.GROUP_SECONDS = 0.1
"""
"""After the first eight objects, objects are read slowly until somebody was told."""


def test_an_alert_comes_before_the_scan_ends(cli: Cli) -> None:
    write(cli.root / "tree", plain(120))
    told = cli.root / "told"
    came: list[tuple[float, dict[str, Any]]] = []
    with web() as hook:

        def take(handler: Any) -> None:
            came.append((time.time(), json.loads(hook.came[-1][2])))
            told.touch()
            handler.send_response(204)
            handler.end_headers()

        hook.act = take
        (cli.root / "c.toml").write_text(
            '[[alerts]]\nname = "numbers"\nsinks = ["hook"]\nwhen = "group"\nkey = ["object"]\n'
            'sql = "SELECT object FROM v_findings WHERE counted"\n'
            f'[[sinks]]\nname = "hook"\nkind = "webhook"\nurl = "{hook.url}"\n'
        )
        env = hooked(cli.root / "hook", SLOW) | {"TEST_TOLD": str(told)}
        summary = cli.scan("tree", "--config", "c.toml", "--alert", env=env)
    (run,) = cli.sql("SELECT epoch(started) AS started, epoch(ended) AS ended, status FROM v_runs")
    assert run["status"] == "done"
    at, first = came[0]
    assert run["started"] < at < run["ended"]
    assert 8 <= first["count"] < 120
    assert first["run"] == summary["run"]
    rows = [row["object"] for _, alert in came for row in alert["rows"]]
    assert sum(alert["count"] for _, alert in came) == 120
    assert len(rows) == len(set(rows))
    assert summary["alerts"]["sent"] == len(came) > 1
    assert {row["state"] for row in cli.sql("SELECT state FROM v_alerts")} == {"sent"}


def _changed(path: Path, key: Path, statement: str, *values: object) -> None:
    store = DuckStore(path, key_file=key)
    try:
        store.query(statement, list(values))
    finally:
        store.close()


def test_a_server_evaluates_when_it_is_time_and_tries_again(cli: Cli) -> None:
    path = database(cli.root, [report("a.txt", [finding()])], name="piiscan.duckdb")
    key = cli.root / "made.key"
    with web() as hook:
        hook.status = 503
        config = cli.root / "c.toml"
        config.write_text(
            f'key_file = "{key}"\n'
            '[[alerts]]\nname = "timed"\nsinks = ["file", "hook"]\nwhen = "daily 08:00"\n'
            'sql = "SELECT object FROM v_findings"\n'
            '[[alerts]]\nname = "wrong"\nsinks = ["file"]\nwhen = ["run", "0 7 * * *"]\nsql = "SELECT nothing"\n'
            '[[alerts]]\nname = "of runs"\nsinks = ["file"]\nsql = "SELECT 1 AS x"\n'
            '[[sinks]]\nname = "file"\nkind = "jsonl"\npath = "alerts.jsonl"\n'
            f'[[sinks]]\nname = "hook"\nkind = "webhook"\nurl = "{hook.url}"\n'
        )
        told = cli.root / "alerts.jsonl"

        def evaluated(metrics: Any) -> float:
            found = metrics.get("piiscan_alert_evaluations_total")
            return found.samples.get((("alert", "timed"),), -1) if found else -1

        with serving(cli, "--config", config) as server:
            wait_for(lambda: evaluated(server.metrics()) == 0)
            server.stop()
        assert not told.exists()
        listed = cli.good("alert", "ls", "--config", config).text.splitlines()
        assert "daily 08:00, next 20" in listed[0]
        assert "T08:00Z -> file, hook:" in listed[0]
        assert "run, 0 7 * * *, next" in listed[1]
        # Three days go by.
        _changed(path, key, "UPDATE alert_evaluations SET until = until - INTERVAL 3 DAY")
        with serving(cli, "--config", config) as server:
            wait_for(lambda: evaluated(server.metrics()) == 1)
            wait_for(lambda: value(server.metrics(), "piiscan_alert_messages", state="due") == 1)
            assert value(server.metrics(), "piiscan_alert_messages", state="sent") == 1
            said = server.stop()
        assert "event=alert_not_evaluated alert=wrong error=ConfigError" in said
        assert "event=alert_not_delivered alert=timed sink=hook" in said
        (line,) = (json.loads(line) for line in told.read_text("utf-8").splitlines())
        assert (line["alert"], line["rows"]) == ("timed", [{"object": "a.txt"}])
        # The pause of the sink is over.
        hook.status = 204
        _changed(
            path, key, "UPDATE outbox SET next_try = ?", datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=1)
        )
        with serving(cli, "--config", config) as server:
            wait_for(lambda: value(server.metrics(), "piiscan_alert_messages", state="sent") == 2)
            assert evaluated(server.metrics()) == 1
            assert "not_delivered" not in server.stop()
    assert len({headers["idempotency-key"] for _, headers, _ in hook.came}) == 1
    assert len(told.read_text("utf-8").splitlines()) == 1
