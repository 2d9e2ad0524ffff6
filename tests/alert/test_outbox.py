"""The outbox: nothing is lost by a kill or a sink that fails, and what comes twice comes under one id."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from piiscan.alert import due, enqueue, evaluate, run_alerts
from piiscan.alert.outbox import FIRST, GIVE_UP, LONGEST, deliver, pause
from piiscan.alert.sinks import Refused
from piiscan.config import AlertConfig, Config, SinkConfig, load_config
from piiscan.errors import ConfigError
from piiscan.model import Category, Combination, Outcome
from piiscan.store import outbox
from piiscan.store.ingest import DuckStore
from piiscan.store.snapshot import publish
from tests.support.made import add_run, finding, ref, report

NOW = datetime(2026, 11, 30, 12)
RULE = AlertConfig("mine", "SELECT object, count FROM v_findings ORDER BY object", sinks=("a",), key=("object",))


@dataclass
class Flaky:
    """A sink that fails as it is told; what came is the test's."""

    fails: list[OSError] = field(default_factory=list)
    came: list[dict[str, Any]] = field(default_factory=list)

    def send(self, alert: dict[str, Any]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.came.append(alert)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    made = DuckStore(tmp_path / "t.duckdb", key_file=tmp_path / "key")
    yield made
    made.close()


def scan(store: DuckStore, folder: Path, **values: int) -> None:
    add_run(store, folder, [report(ref(name, etag=str(n)), [finding(values=n)]) for name, n in values.items()])


def tell(store: DuckStore, rule: AlertConfig = RULE, now: datetime = NOW) -> int:
    """Put what is new into the outbox; how many messages that are."""
    items = due(store, [rule], publish(store), now)
    enqueue(store, items, 1, now)
    return len(items)


def states(store: DuckStore) -> list[tuple[str, int, str]]:
    return store.query("SELECT state, attempts, error FROM v_alerts ORDER BY created, id")


def test_a_failure_is_put_off_and_later_delivered(store: DuckStore, tmp_path: Path) -> None:
    scan(store, tmp_path, a=1)
    assert (tell(store), tell(store)) == (1, 0)
    sink = Flaky([ConnectionResetError(), TimeoutError()])
    assert deliver(store, {"a": sink}, patient=True, now=NOW).failed == 1
    assert states(store) == [("due", 1, "ConnectionResetError")]
    ((again,),) = store.query("SELECT next_try FROM outbox")
    assert NOW <= again <= NOW + timedelta(seconds=FIRST)
    assert deliver(store, {"a": sink}, patient=True, now=again - timedelta(seconds=1)).failed == 0 or again == NOW
    assert deliver(store, {"a": sink}, patient=False, now=again).failed == 1
    assert deliver(store, {"a": sink}, patient=False, now=again).sent == 1
    assert states(store) == [("sent", 3, "")]
    assert [alert["rows"] for alert in sink.came] == [[{"object": "a", "count": 1}]]
    assert deliver(store, {"a": sink}, patient=False).sent == 0


def test_pauses_grow_and_end(store: DuckStore, tmp_path: Path) -> None:
    rng = random.Random(3)
    drawn = [[pause(n, rng.random) for _ in range(200)] for n in range(14)]
    assert all(0 <= min(some) and max(some) <= min(FIRST * 2**n, LONGEST) for n, some in enumerate(drawn))
    assert max(drawn[12]) > LONGEST / 2
    scan(store, tmp_path, a=1)
    tell(store)
    sink, now = Flaky([OSError() for _ in range(500)]), NOW
    while states(store)[0][0] == "due":
        deliver(store, {"a": sink}, patient=True, now=now)
        now += timedelta(minutes=10)
    assert timedelta(seconds=GIVE_UP - LONGEST) < now - NOW < timedelta(seconds=GIVE_UP + LONGEST)
    assert states(store)[0][0] == "dead"
    assert outbox.retry(store, "", now) == 1
    assert deliver(store, {"a": Flaky()}, patient=True, now=now).sent == 1


def test_what_is_refused_is_dead_at_once_and_a_wait_is_kept(store: DuckStore, tmp_path: Path) -> None:
    scan(store, tmp_path, a=1)
    tell(store)
    assert deliver(store, {"a": Flaky([Refused("HTTP 400")])}, patient=True, now=NOW).dead == 1
    assert states(store) == [("dead", 1, "Refused")]
    outbox.retry(store, "", NOW)
    busy = OSError("HTTP 429")
    busy.retry_after = 3000.0  # type: ignore[attr-defined]
    deliver(store, {"a": Flaky([busy])}, patient=True, now=NOW)
    assert store.query("SELECT next_try FROM outbox") == [(NOW + timedelta(seconds=3000),)]


def test_a_sink_that_is_gone_from_the_configuration_is_waited_for(store: DuckStore, tmp_path: Path) -> None:
    scan(store, tmp_path, a=1)
    tell(store)
    assert deliver(store, {}, patient=False, now=NOW).failed == 0
    assert states(store) == [("due", 0, "")]


RENOTIFY = {
    "": [1, 0, 0, 0],
    "on_change": [1, 1, 1, 0],
    "on_increase": [1, 1, 0, 0],
    "1d": [1, 0, 0, 1],
}


@pytest.mark.parametrize("renotify", RENOTIFY)
def test_when_a_row_is_told_of_again(store: DuckStore, tmp_path: Path, renotify: str) -> None:
    rule = AlertConfig("mine", "SELECT object, distinct_values AS n FROM v_findings", sinks=("a",), key=("object",),
                       renotify=renotify)  # fmt: skip
    told = []
    for hours, values in ((0, 2), (1, 5), (2, 3), (30, 3)):
        scan(store, tmp_path, a=values)
        told.append(tell(store, rule, NOW + timedelta(hours=hours)))
    assert told == RENOTIFY[renotify]
    ids = [row[0] for row in store.query("SELECT id FROM outbox")]
    assert len(ids) == len(set(ids)) == sum(told)


@pytest.mark.parametrize(
    ("more", "said"),
    [({"renotify": "soon"}, "renotify"), ({"key": ("nothing",)}, "no column 'nothing'")],
)
def test_a_rule_that_is_not_whole(store: DuckStore, tmp_path: Path, more: dict[str, Any], said: str) -> None:
    scan(store, tmp_path, a=1)
    rule = AlertConfig("mine", "SELECT object FROM v_findings", sinks=("f",), **more)
    sink = SinkConfig("f", "jsonl", path=str(tmp_path / "alerts.jsonl"))
    with pytest.raises(ConfigError, match=said):
        run_alerts(store, Config(alerts=(rule,), sinks=(sink,)), 1)
    assert states(store) == []


def test_a_message_and_its_marks_are_written_together(store: DuckStore, tmp_path: Path) -> None:
    scan(store, tmp_path, a=1, b=2)
    tell(store)
    marks = store.query("SELECT count(*) FROM alert_rows")
    store.query("ALTER TABLE outbox RENAME TO away")
    scan(store, tmp_path, c=3)
    with pytest.raises(Exception, match="outbox"):
        tell(store)
    assert store.query("SELECT count(*) FROM alert_rows") == marks
    store.query("ALTER TABLE away RENAME TO outbox")
    assert tell(store) == 1
    assert [
        json.loads(p)["rows"][0]["object"] for (p,) in store.query("SELECT payload FROM outbox ORDER BY rowid")
    ] == [
        "a",
        "c",
    ]


def test_the_ready_rules_are_rules(store: DuckStore, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "piiscan" / "alert" / "ready.toml").read_text("utf-8")
    path = tmp_path / "ready.toml"
    path.write_text(text + f'\n[[sinks]]\nname = "file"\nkind = "jsonl"\npath = "{tmp_path / "alerts.jsonl"}"\n')
    config = load_config({}, config_file=str(path))
    assert len(config.alerts) >= 14
    secret = replace(finding("aws.key", values=3), category=Category.CREDENTIALS)
    many = replace(report("people.csv", [finding()]), people=20_000, combinations=(Combination("identity", 400),))
    add_run(
        store, tmp_path, [report("env", [secret]), many, report("x", outcome=Outcome.FAILED, reason="READ_FAILED: x")]
    )
    found = {rule.name: evaluate(publish(store), rule) for rule in config.alerts}
    assert {name for name, rows in found.items() if rows} == {
        "new credential",
        "people: name, birth date and national id in one row",
        "an object tells of more than 10,000 people",
        "coverage below 99 %",
        "risk of a bucket",
    }
    assert run_alerts(store, config, 1)["sent"] == 5
    assert run_alerts(store, config, 1)["sent"] == 0
