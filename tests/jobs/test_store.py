"""Jobs, their versions, and what becomes of a fire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from piiscan.errors import ConfigError, SourceError
from piiscan.jobs.store import MOST_ATTEMPTS, JobStore, read_waiting
from piiscan.jobs.work import run_fire, worst
from tests.jobs.clock import BEGIN, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def test_a_fire_comes_once(world: World) -> None:
    world.add("nightly", "daily 02:00")
    assert world.due() == []
    world.now = BEGIN + 2 * HOUR
    (done,) = world.due()
    assert (done.fire.scheduled, done.outcome, done.code) == (world.now - world.takes, "done", 0)
    assert world.due() == []
    world.restart()
    assert world.due() == []
    assert world.rows() == [("nightly", "schedule", datetime(2026, 1, 1, 2), 0, 1, "done", 0, 1)]


def test_missed_ones_are_made_up_once(world: World) -> None:
    world.add("nightly", "daily 02:00")
    world.now = BEGIN + timedelta(days=3, hours=9)
    assert len(world.due()) == 1
    assert world.rows() == [("nightly", "missed", datetime(2026, 1, 4, 2), 3, 1, "done", 0, 1)]
    assert world.store.job("nightly")[2] == datetime(2026, 1, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(("late", "cause"), [(HOUR, "schedule"), (HOUR + timedelta(seconds=1), "missed")])
def test_one_that_is_late_is_missed_after_an_hour(world: World, late: timedelta, cause: str) -> None:
    world.add("nightly", "daily 02:00")
    world.now = BEGIN + 2 * HOUR + late
    world.due()
    assert [row[:4] for row in world.rows()] == [("nightly", cause, datetime(2026, 1, 1, 2), 0)]


def test_fires_during_a_run_are_skipped_and_one_at_its_end_is_due(world: World) -> None:
    world.add("hourly", "0 * * * *")
    world.now = BEGIN + HOUR
    world.takes = 3 * HOUR
    world.due()
    assert world.now == BEGIN + 4 * HOUR
    assert [row[1:6] for row in world.rows()] == [
        ("schedule", datetime(2026, 1, 1, 1), 0, 1, "done"),
        ("schedule", datetime(2026, 1, 1, 2), 0, 0, "skipped"),
        ("schedule", datetime(2026, 1, 1, 3), 0, 0, "skipped"),
    ]
    assert world.rows("reason")[1:] == [("overlap: fire 1 still ran",)] * 2
    world.takes = timedelta(minutes=1)
    assert [done.fire.scheduled for done in world.due()] == [BEGIN + 4 * HOUR]


def test_a_killed_run_goes_on_as_it_began(world: World) -> None:
    world.add("nightly", "daily 02:00", "UTC", "/old")
    world.now = BEGIN + 2 * HOUR
    world.killed("nightly", HOUR)
    world.restart()
    world.add("nightly", "daily 02:00", "UTC", "/new", replace=True)
    assert world.store.due(world.now) == ["nightly"]
    (done,) = world.due()
    assert done.fire.spec.targets == ("/old",)
    assert world.rows("fire, version, attempts, outcome, run") == [(1, 1, 2, "done", 1)]
    world.now = BEGIN + timedelta(days=1, hours=2)
    world.due()
    assert [spec.targets for spec in world.scanned] == [("/old",), ("/new",)]
    assert world.rows("version") == [(1,), (2,)]


def test_one_that_was_told_to_stop_goes_on_as_often_as_it_takes(world: World) -> None:
    world.add("nightly", "daily 02:00")
    world.now = BEGIN + 2 * HOUR
    world.code = 130
    for _ in range(2 * MOST_ATTEMPTS):
        (done,) = world.due()
        assert (done.outcome, done.code) == ("interrupted", 130)
    world.code = 0
    world.due()
    assert world.rows("outcome, exit_code, attempts, reason") == [("done", 0, 2 * MOST_ATTEMPTS + 1, "")]


def test_one_that_kills_its_process_is_given_up(world: World) -> None:
    world.add("nightly", "daily 02:00")
    world.now = BEGIN + 2 * HOUR
    for _ in range(MOST_ATTEMPTS):
        world.killed("nightly", timedelta(minutes=1))
    assert world.due() == []
    ((outcome, reason),) = world.rows("outcome, reason")
    assert (outcome, reason) == ("died", f"its process ended {MOST_ATTEMPTS} times before it was through")
    world.now = BEGIN + timedelta(days=1, hours=2)
    assert [done.outcome for done in world.due()] == ["done"]


def test_an_interrupt_ends_the_round(world: World) -> None:
    for name in ("a", "b"):
        world.add(name, "daily 02:00")
    world.now = BEGIN + 2 * HOUR
    world.code = 130
    assert [done.fire.spec.job for done in world.due()] == ["a"]


def test_a_failed_scan_is_recorded_and_the_next_job_runs(world: World) -> None:
    for name in ("a", "b"):
        world.add(name, "daily 02:00")
    world.now = BEGIN + 2 * HOUR
    world.error = SourceError("s3://gone: no such bucket")
    codes = [done.code for done in world.due()]
    assert codes == [3, 3]
    assert world.rows("job, outcome, exit_code, reason, run") == [
        (name, "failed", 3, "s3://gone: no such bucket", None) for name in ("a", "b")
    ]
    world.now += HOUR
    assert world.due() == [], "an error is told, not tried again before its time"


def test_an_unexpected_error_is_recorded_before_it_is_raised(world: World) -> None:
    world.add("nightly", "")

    def broken(spec: object) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_fire(world.store, world.store.begin("nightly", world.now), broken, world.clock)
    assert world.rows("outcome, exit_code, reason") == [("failed", 2, "the scan broke off with an unexpected error")]


def test_by_hand_leaves_the_schedule_alone(world: World) -> None:
    world.add("nightly", "daily 02:00")
    done = run_fire(world.store, world.store.begin("nightly", world.now), world.scan, world.clock)
    assert (done.outcome, done.fire.scheduled) == ("done", None)
    world.takes = 3 * HOUR  # over the fire at two
    run_fire(world.store, world.store.begin("nightly", world.now), world.scan, world.clock)
    assert [row[1:6] for row in world.rows()] == [
        ("hand", None, 0, 1, "done"),
        ("hand", None, 0, 1, "done"),
        ("schedule", datetime(2026, 1, 1, 2), 0, 0, "skipped"),
    ]
    world.store.begin("nightly", world.now)  # and it is killed
    world.restart()
    assert world.due() == []
    world.store.begin("nightly", world.now)
    assert world.rows("outcome, reason")[3] == ("died", "its process ended")


def test_paused_jobs_rest_and_make_nothing_up(world: World) -> None:
    world.add("nightly", "daily 02:00")
    world.store.pause("nightly")
    world.now = BEGIN + timedelta(days=3)
    assert (world.due(), world.due("nightly")) == ([], [])
    world.store.resume("nightly", world.now)
    assert (world.due(), world.rows()) == ([], [])
    assert world.store.job("nightly")[2] == datetime(2026, 1, 4, 2, tzinfo=UTC)
    world.store.resume("nightly", world.now + timedelta(days=9))
    assert world.store.job("nightly")[2] == datetime(2026, 1, 4, 2, tzinfo=UTC), "it did not rest"


def test_once(world: World) -> None:
    world.add("now", "once")
    world.add("later", "once 2026-01-02 00:00", "Europe/Berlin")
    assert [done.fire.spec.job for done in world.due()] == ["now"]
    world.store.pause("later")
    world.now = BEGIN + timedelta(days=2)
    assert world.due() == []
    world.store.resume("later", world.now)
    assert [done.fire.scheduled for done in world.due()] == [datetime(2026, 1, 1, 23, tzinfo=UTC)]
    world.now += timedelta(days=400)
    assert world.due() == []


def test_versions_are_made_by_changes_only(world: World) -> None:
    first = world.add("nightly", "daily 02:00")
    with pytest.raises(ConfigError, match="--replace"):
        world.add("nightly", "daily 03:00")
    assert world.add("nightly", "daily 02:00", replace=True) == first
    world.now += 3 * HOUR
    assert world.add("nightly", "daily 02:00", "UTC", "/else", replace=True).version == 2
    assert world.store.job("nightly")[2] == BEGIN + 2 * HOUR, "what is due stays due"
    assert world.add("nightly", "daily 01:00", replace=True).version == 3
    assert world.store.job("nightly")[2] == BEGIN + timedelta(days=1, hours=1)
    world.store.remove("nightly", world.now)
    assert world.add("nightly", "daily 01:00").version == 4
    assert world.store.query("SELECT version FROM job_versions ORDER BY 1") == [(1,), (2,), (3,), (4,)]


def test_a_removed_job_leaves_its_history(world: World) -> None:
    world.add("nightly", "daily 02:00")
    world.now = BEGIN + 2 * HOUR
    world.killed("nightly", HOUR)
    world.store.remove("nightly", world.now)
    assert world.due() == []
    assert world.rows("job, outcome, reason") == [("nightly", "died", "the job was removed")]
    assert world.store.names() == []
    for call in (world.store.job, world.store.pause):
        with pytest.raises(ConfigError, match="no job 'nightly'"):
            call("nightly")
    with pytest.raises(ConfigError, match="no job 'nightly'"):
        world.due("nightly")


@pytest.mark.parametrize("name", ["", "a b", "-x", "é", "a/b", "x" * 65, "a\nb", "'; DROP TABLE jobs"])
def test_no_names(world: World, name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a job"):
        world.add(name, "")


def test_who_reads_sees_what_waits(world: World) -> None:
    world.add("b", "daily 02:00")
    world.add("a", "daily 03:00")
    world.add("hand", "")
    world.add("rests", "daily 01:00")
    world.store.pause("rests")
    world.store.close()
    assert read_waiting(world.path) == [("b", BEGIN + 2 * HOUR), ("a", BEGIN + 3 * HOUR)]
    world.store = JobStore(world.path)


def test_the_gravest_code_counts() -> None:
    assert worst([]) == 0
    assert worst([0, 1, 0]) == 1
    assert worst([1, 4]) == 4
    assert worst([4, 2, 1]) == 2
    assert worst([2, 3]) == 3
    assert worst([3, 5]) == 5
    assert worst([5, 130]) == 130
