"""Alert rules with times: due once, made up once, neither repeated nor lost by a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from piiscan.config import AlertConfig, load_config
from piiscan.errors import ConfigError
from piiscan.jobs.alerts import NEW, claim, finish, timed, waiting_since
from piiscan.jobs.store import read_waiting
from piiscan.store import outbox
from piiscan.store.ingest import DuckStore
from tests.jobs.clock import BEGIN

HOUR = timedelta(hours=1)
DAILY = AlertConfig("daily", "SELECT 1", sinks=("a",), when=("daily 08:00",))


class World:
    """A database, the rules, and a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, BEGIN
        self.rules = timed([DAILY])
        self.store = self.open()
        self.done: list[datetime] = []

    def open(self) -> DuckStore:
        return DuckStore(self.folder / "t.duckdb", key_file=self.folder / "key")

    def restart(self) -> None:
        self.store.close()
        self.store = self.open()

    def since(self, *sinks: str) -> datetime | None:
        return waiting_since(self.rules, sinks)(self.store.query, outbox.EVALUATIONS_SINCE)

    def child(self, *, killed: bool = False) -> list[str]:
        """`piiscan alert run --due`; killed before it has written that it is through."""
        found = claim(self.store, self.rules, self.now)
        self.done += [self.now for _ in found]
        if not killed:
            finish(self.store, found, self.now)
        return [one.rule.name for one in found]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def test_a_new_rule_begins_when_it_is_seen(world: World) -> None:
    assert world.since() == NEW
    assert world.child() == []
    assert world.since() == BEGIN + 8 * HOUR
    world.now = BEGIN + 8 * HOUR
    assert world.child() == ["daily"]
    assert world.child() == []
    assert world.since() == BEGIN + 32 * HOUR


def test_a_month_of_days_and_restarts(world: World) -> None:
    for number in range(31):
        if number % 7 == 3:
            world.restart()
        world.now = max(world.now, world.since() or world.now)
        world.child()
    assert world.done == [BEGIN + timedelta(days=n, hours=8) for n in range(30)]


def test_missed_ones_are_made_up_once(world: World) -> None:
    world.child()
    world.restart()
    world.now = BEGIN + timedelta(days=5, hours=9)
    assert world.since() == BEGIN + 8 * HOUR
    assert [world.child(), world.child()] == [["daily"], []]
    assert world.since() == BEGIN + timedelta(days=6, hours=8)


def test_one_that_was_killed_is_still_due(world: World) -> None:
    world.child()
    world.now = BEGIN + 9 * HOUR
    assert world.child(killed=True) == ["daily"]
    world.restart()
    assert [world.child(), world.child()] == [["daily"], []]


def test_other_times_begin_anew(world: World) -> None:
    world.child()
    for change in ({"when": ("0 * * * *",)}, {"time_zone": "Asia/Tokyo"}):
        world.rules = timed([replace(DAILY, **change)])
        world.now += timedelta(days=2)
        assert world.since() == NEW
        assert world.child() == []
        assert world.since() > world.now  # type: ignore[operator]
    assert world.since() == datetime(2026, 1, 5, 23, tzinfo=UTC)


def test_several_times_and_runs_in_one_list(world: World) -> None:
    (both,) = timed([replace(DAILY, when=("group", "daily 08:00", "30 */6 * * *"))])
    assert both.next_after(BEGIN) == BEGIN + HOUR / 2
    assert both.next_after(BEGIN + 7 * HOUR) == BEGIN + 8 * HOUR
    assert timed([replace(DAILY, when=("run", "group"))]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"when": ("sometimes",)}, "alert 'daily': when: 'sometimes' is not a schedule"),
        ({"when": ("once",)}, "none of run, group and times that come again"),
        ({"when": ("",)}, "none of run, group and times that come again"),
        ({"time_zone": "Mars/Base"}, "alert 'daily': when: 'Mars/Base' is not a time zone"),
    ],
    ids=["word", "once", "empty", "zone"],
)
def test_what_is_no_time(change: dict[str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        timed([replace(DAILY, **change)])  # type: ignore[arg-type]


def test_messages_that_wait_are_looked_for(world: World) -> None:
    world.rules = []
    assert world.since("a") is None
    when = BEGIN.replace(tzinfo=None) + HOUR
    for number, (sink, state) in enumerate((("a", "due"), ("b", "due"), ("a", "dead"))):
        world.store.query(
            "INSERT INTO outbox VALUES (?, 'r', ?, 'high', 1, 1, '{}', ?, 1, ?, '', ?, NULL)",
            [str(number), sink, state, when - timedelta(minutes=number), when],
        )
    assert world.since("a") == BEGIN + HOUR
    assert world.since("a", "b") == BEGIN + HOUR - timedelta(minutes=1)
    assert world.since("c") is None
    world.store.close()
    path = world.folder / "t.duckdb"
    assert read_waiting(path, waiting_since([], ["a"])) == [("", BEGIN + HOUR)]
    assert read_waiting(path) == []
    world.store = world.open()


def test_an_older_database_is_migrated_by_the_child(world: World) -> None:
    assert waiting_since(world.rules, ["a"])(world.store.query, 12) == NEW
    assert waiting_since([], ["a"])(world.store.query, 12) is None


def test_one_time_may_stand_alone_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        '[[alerts]]\nname = "a"\nsql = "SELECT 1"\nwhen = "group"\n[[alerts]]\nname = "b"\nsql = "SELECT 1"\n'
    )
    assert [rule.when for rule in load_config({}, config_file=str(path)).alerts] == [("group",), ("run",)]
    path.write_text('[[alerts]]\nname = "a"\nsql = "SELECT 1"\nwhen = 5\n')
    with pytest.raises(ConfigError, match="when: a list is wanted"):
        load_config({}, config_file=str(path))
