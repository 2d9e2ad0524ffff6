"""Alerts while a run goes on: told before its end, each row once, and nothing that fails holds the run up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from piiscan.alert import group, run_alerts
from piiscan.alert.group import GroupAlerts
from piiscan.config import AlertConfig, Config, SinkConfig
from piiscan.errors import ConfigError
from piiscan.model import ObjectReport
from piiscan.spool import write_shard
from piiscan.store.ingest import DuckStore
from piiscan.store.snapshot import publish
from piiscan.store.triage import Meant, Said, suppress
from tests.alert.receivers import web
from tests.support.made import CATALOGUE, SOURCE, finding, report

RULE = AlertConfig(
    "mine", "SELECT object FROM v_findings WHERE counted ORDER BY object", sinks=("file",), when=("group",)
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    made = DuckStore(tmp_path / "g.duckdb", key_file=tmp_path / "key")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "EVERY", 0.0)
    monkeypatch.setattr(group, "LOOK", 0.0)
    monkeypatch.setattr(group, "SHARE", 1e9)


class Running:
    """A run that takes groups in."""

    def __init__(self, store: DuckStore) -> None:
        self.store, self.number = store, 0
        self.run = store.begin([SOURCE], "identity", {}, CATALOGUE).run

    def take_in(self, *keys: str) -> None:
        reports: list[ObjectReport] = [report(key, [finding()]) for key in keys]
        folder = self.store.path.parent / "spool"
        self.store.load(self.run, [write_shard(folder, self.run, self.number, reports, CATALOGUE)])
        self.number += 1


def config(tmp_path: Path, *rules: AlertConfig, **more: Any) -> Config:
    sink = SinkConfig("file", "jsonl", path=str(tmp_path / "alerts.jsonl"))
    return Config(alerts=rules or (RULE,), sinks=(sink, *more.pop("sinks", ())))


def lines(folder: Path) -> list[dict[str, Any]]:
    path = folder / "alerts.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def until(alerts: GroupAlerts, there: Callable[[], object], seconds: float = 20.0) -> None:
    """Look again and again, as a run does."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        alerts.look()
        time.sleep(0.01)


def states(store: DuckStore) -> list[tuple[str, str]]:
    return store.query("SELECT sink, state FROM outbox ORDER BY created, sink")


def test_a_group_is_told_before_the_run_ends_and_once(store: DuckStore, tmp_path: Path) -> None:
    chosen = config(tmp_path)
    run = Running(store)
    with GroupAlerts(store, chosen) as alerts:
        run.take_in("a.txt")
        until(alerts, lambda: states(store) == [("file", "sent")])
        assert [line["rows"] for line in lines(tmp_path)] == [[{"object": "a.txt"}]]
        assert store.query("SELECT status FROM runs") == [("running",)]
        run.take_in("b.txt", "c.txt")
        until(alerts, lambda: len(lines(tmp_path)) == 2)
        for _ in range(5):
            alerts.look()
        done = alerts.close()
    assert (done.sent, done.failed) == (2, 0)
    assert not list(tmp_path.glob("*.spool"))
    store.end(run.run, "done", 3, 0)
    assert run_alerts(store, chosen, run.run)["sent"] == 0
    assert [line["rows"] for line in lines(tmp_path)][1] == [{"object": "b.txt"}, {"object": "c.txt"}]
    assert {line["run"] for line in lines(tmp_path)} == {run.run}
    ((times, error),) = store.query("SELECT times, error FROM alert_evaluations")
    assert (times, error) == (3, "")


def test_nothing_new_asks_nothing_and_time_is_kept(
    store: DuckStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "EVERY", 30.0)
    run = Running(store)
    with GroupAlerts(store, config(tmp_path)) as alerts:
        for _ in range(3):
            alerts.look()
        assert store.query("SELECT count(*) FROM alert_evaluations") == [(0,)]
        alerts._next = 0.0
        run.take_in("a.txt")
        until(alerts, lambda: lines(tmp_path))
        run.take_in("b.txt")
        begin = time.monotonic()
        while time.monotonic() - begin < 0.5:
            alerts.look()
        assert store.query("SELECT times FROM alert_evaluations") == [(1,)]


def test_a_rule_that_takes_long_makes_the_next_one_wait(
    store: DuckStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "SHARE", 0.01)
    run = Running(store)
    with GroupAlerts(store, config(tmp_path)) as alerts:
        run.take_in("a.txt")
        until(alerts, lambda: lines(tmp_path))
        spent = alerts._spent
        assert alerts._next - time.monotonic() > 50 * spent


def test_a_rule_that_fails_holds_no_other_back(store: DuckStore, tmp_path: Path) -> None:
    wrong = replace(RULE, name="wrong", sql="SELECT nothing FROM v_findings")
    run = Running(store)
    with GroupAlerts(store, config(tmp_path, wrong, RULE)) as alerts:
        run.take_in("a.txt")
        until(alerts, lambda: lines(tmp_path))
    assert [line["alert"] for line in lines(tmp_path)] == ["mine"]
    assert store.query("SELECT alert, error FROM alert_evaluations ORDER BY alert") == [
        ("mine", ""),
        ("wrong", "ConfigError"),
    ]


def test_a_sink_that_hangs_holds_nothing_up(store: DuckStore, tmp_path: Path) -> None:
    go = threading.Event()
    with web() as hook:
        hook.act = lambda _: go.wait(20) and None  # type: ignore[assignment]
        sink = SinkConfig("hook", "webhook", url=hook.url)
        rules = (replace(RULE, name="slow", sinks=("hook",)), replace(RULE, name="fine"))
        run = Running(store)
        with GroupAlerts(store, config(tmp_path, *rules, sinks=(sink,))) as alerts:
            run.take_in("a.txt")
            until(alerts, lambda: hook.came)
            for n in range(4):
                begin = time.monotonic()
                run.take_in(f"{n}.txt")
                alerts.look()
                assert time.monotonic() - begin < 5
            assert len(hook.came) == 1
            go.set()
            until(alerts, lambda: ("hook", "due") in states(store) and lines(tmp_path))


def test_a_sink_that_fails_is_tried_again_at_the_end(store: DuckStore, tmp_path: Path) -> None:
    with web() as hook:
        hook.status = 503
        sink = SinkConfig("hook", "webhook", url=hook.url)
        chosen = config(tmp_path, replace(RULE, sinks=("hook",)), sinks=(sink,))
        run = Running(store)
        with GroupAlerts(store, chosen) as alerts:
            run.take_in("a.txt")
            until(alerts, lambda: store.query("SELECT attempts FROM outbox") == [(1,)])
            done = alerts.close()
        assert (done.sent, done.failed, done.dead) == (0, 1, 0)
        hook.status = 204
        assert run_alerts(store, chosen, run.run)["sent"] == 1
        assert len({headers["idempotency-key"] for _, headers, _ in hook.came}) == 1


def test_what_is_suppressed_is_not_told(store: DuckStore, tmp_path: Path) -> None:
    suppress(store, Meant(object="quiet/*"), Said("me", "known"))
    run = Running(store)
    with GroupAlerts(store, config(tmp_path)) as alerts:
        run.take_in("quiet/a.txt", "loud/b.txt")
        until(alerts, lambda: lines(tmp_path))
    assert [line["rows"] for line in lines(tmp_path)] == [[{"object": "loud/b.txt"}]]


def test_the_run_may_publish_and_ask_its_snapshot_meanwhile(store: DuckStore, tmp_path: Path) -> None:
    from piiscan.store.query import rows

    slow = replace(
        RULE, sql="SELECT object, (SELECT count(*) FROM range(30000000) t(i) WHERE i % 7 = 3) AS n FROM v_findings"
    )
    run = Running(store)
    with GroupAlerts(store, config(tmp_path, slow)) as alerts:
        run.take_in("a.txt")
        alerts.look()
        for _ in range(5):
            copy = publish(store)
            assert rows(copy, "SELECT count(*) FROM v_findings", 20.0, "512MB")[1] == [(1,)]
        until(alerts, lambda: lines(tmp_path))


def test_a_rule_that_is_not_whole_is_said_at_once(store: DuckStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no sink 'pager'"):
        GroupAlerts(store, config(tmp_path, replace(RULE, sinks=("pager",))))


def test_the_threads_end(store: DuckStore, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with GroupAlerts(store, config(tmp_path)) as alerts:
        assert len(set(threading.enumerate()) - before) == 2
        alerts.look()
    assert set(threading.enumerate()) <= before
