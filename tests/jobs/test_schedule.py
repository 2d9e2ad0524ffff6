"""Schedules over a year of clock changes, against a cron that goes through it minute by minute."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from piiscan.errors import ConfigError
from piiscan.jobs.schedule import read_schedule
from tests.jobs.cron import fires, wall

YEAR = 2026
BEGIN, END = datetime(YEAR, 1, 1, tzinfo=UTC), datetime(YEAR + 1, 1, 1, tzinfo=UTC)
FIRST = timedelta(minutes=1)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Asia/Kolkata")
"""North and south, changes of half an hour, at midnight, and none."""
EXPRESSIONS = (
    "0 2 * * *",
    "30 2 * * *",
    "15,45 1-3 * * *",
    "0 0 * * *",
    "30 0 * * 5",
    "59 23 28-31 * *",
    "20-20/5 4-4/2 * * mon-mon/3",
    "*/15 3 * * *",
    "*/10 0-2 * * *",
    "0 * * * *",
    "7 */3 * * *",
    "*/20 * * 3,4,10 *",
    "5 2 29 3 sun",
    "0 1 1-7 * 0",
    "0 2 */2 * sun",
    "10 2 13 * fri",
    "0 3 31 * *",
    "0 12 * feb,OCT mon-fri",
    "1-59/7 2,23 * * 6,7",
)


@cache
def minutes(zone: str) -> list[tuple[datetime, datetime]]:
    return wall(zone, YEAR)


def ours(text: str, zone: str) -> list[datetime]:
    return list(read_schedule(text, zone, BEGIN).due_between(BEGIN - FIRST, END - FIRST))


@pytest.mark.parametrize("zone", ZONES[:4])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_year_as_the_reference_has_it(expression: str, zone: str) -> None:
    assert ours(expression, zone) == fires(expression, minutes(zone))


@pytest.mark.parametrize("zone", ZONES[:4])
def test_expressions_that_nobody_chose(zone: str) -> None:
    rng = random.Random(zone)

    def field(low: int, high: int, share: float) -> str:
        if rng.random() < share:
            return rng.choice(["*", f"*/{rng.randint(2, 9)}"])
        first = rng.randint(low, high)
        last = rng.randint(first, high)
        return rng.choice([str(first), f"{first},{last}", f"{first}-{last}", f"{first}-{last}/{rng.randint(1, 4)}"])

    for _ in range(8):
        hour = field(0, 4, 0.3)
        text = f"{field(0, 59, 0.3)} {hour} {field(1, 28, 0.6)} {field(1, 12, 0.7)} {field(0, 7, 0.6)}"
        assert ours(text, zone) == fires(text, minutes(zone)), text


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", ["30 2 * * *", "*/15 1-3 * * *", "15,45 0-3 * * *"])
def test_the_next_fire_from_any_moment(expression: str, zone: str) -> None:
    schedule = read_schedule(expression, zone, BEGIN)
    known = fires(expression, minutes(zone))
    offsets = [shown - at.replace(tzinfo=None) for at, shown in minutes(zone)]
    changes = [minutes(zone)[i][0] for i in range(1, len(offsets)) if offsets[i] != offsets[i - 1]]
    for change in changes or [datetime(YEAR, 6, 1, tzinfo=UTC)]:
        for step in range(-250, 250, 7):
            moment = change + timedelta(minutes=step)
            expected = next(fire for fire in known if fire > moment)
            assert schedule.next_after(moment) == expected
            assert schedule.next_after(moment.astimezone(ZoneInfo("Asia/Tokyo"))) == expected


def test_due_between_leaves_its_begin_out_and_has_its_end() -> None:
    schedule = read_schedule("0 * * * *", "UTC", BEGIN)
    hours = [BEGIN + timedelta(hours=h) for h in range(4)]
    assert list(schedule.due_between(hours[0], hours[3])) == hours[1:]
    assert list(schedule.due_between(hours[1], hours[1])) == []
    assert schedule.next_after(hours[1]) == hours[2]
    assert schedule.next_after(hours[1] - timedelta(microseconds=1)) == hours[1]


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("daily 02:30", "30 2 * * *"),
        ("Daily 2:30", "30 2 * * *"),
        ("weekly Mon 23:59", "59 23 * * 1"),
        ("weekly sunday 00:00", "0 0 * * 0"),
        ("monthly 1 04:05", "5 4 1 * *"),
        ("monthly 31 04:05", "5 4 31 * *"),
        ("monthly last 04:05", "5 4 L * *"),
        ("  0   2 * *   * ", "0 2 * * *"),
    ],
)
def test_plain_forms(text: str, cron: str) -> None:
    assert read_schedule(text, "UTC", BEGIN).cron == cron


def test_the_last_day_of_each_month() -> None:
    days = [(fire.month, fire.day) for fire in ours("monthly last 00:00", "UTC")]
    assert days == list(enumerate([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], 1))


def test_once() -> None:
    now = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    bare = read_schedule("once", "UTC", now)
    assert bare.at == now
    assert bare.next_after(now) is None
    later = read_schedule("once 2026-10-25 02:30", "Europe/Berlin", now)
    assert later.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # the first of two
    assert later.next_after(now) == later.at
    assert list(later.due_between(now, END)) == [later.at]
    gap = read_schedule("once 2026-03-29T02:30", "Europe/Berlin", now)
    assert gap.at == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # the end of the gap


def test_by_hand() -> None:
    schedule = read_schedule("", "UTC", BEGIN)
    assert schedule.next_after(BEGIN) is None
    assert list(schedule.due_between(BEGIN, END)) == []


@pytest.mark.parametrize(
    "text",
    [
        "61 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "* * * *", "* * * * * *", "0 0 30 2 *",
        "5-1 * * * *", "*/0 * * * *", "x * * * *", "@daily", "daily", "daily 24:00", "daily 2", "daily 02:60",
        "weekly 02:00", "weekly someday 02:00", "weekly mon", "monthly 0 02:00", "monthly 32 02:00", "monthly 02:00",
        "once tomorrow", "once 2026-02-30 02:00", "once 02:00", "* * * * *,", "0 " + "1," * 200 + "1 * * *",
        "0 0 31 2,4,6 *", "٣ * * * *", "daily ٠٢:٠٠", "monthly ١ 02:00", "9" * 150 + " * * * *", "nightly",
    ],
)  # fmt: skip
def test_wrong_ones_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_schedule(text, "UTC", BEGIN)
    said = str(caught.value)
    assert "\n" not in said
    assert 20 < len(said) < 400


@pytest.mark.parametrize("zone", ["", "Nowhere/City", "../etc/passwd", "Europe", "/etc/localtime", "UTC\0", "é"])
def test_wrong_zones_are_refused_in_a_sentence(zone: str) -> None:
    with pytest.raises(ConfigError, match="not a time zone"):
        read_schedule("daily 02:00", zone, BEGIN)
