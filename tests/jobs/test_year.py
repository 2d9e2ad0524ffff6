"""A year of a server with clock changes, restarts, kills, outages and scans that take too long."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.jobs.clock import BEGIN, World
from tests.jobs.cron import fires, wall

END = datetime(2027, 1, 1, tzinfo=BEGIN.tzinfo)
Row = tuple[str, datetime, int, int, str]


@dataclass
class Reference:
    """What must be recorded, out of the fires of the reference cron and what happened to the server."""

    fires: list[datetime]
    done: datetime = BEGIN
    """Fires up to this moment are dealt with."""
    rows: list[Row] = field(default_factory=list)

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        return [fire for fire in self.fires if after < fire <= until]

    def begins(self, now: datetime) -> None:
        due = self.between(self.done, now)
        assert due, now
        late = now - due[-1] > timedelta(hours=1)
        self.rows.append(("missed" if late or len(due) > 1 else "schedule", due[-1], len(due) - 1, 1, "running"))
        self.done = now

    def goes_on(self) -> None:
        cause, scheduled, made_up, attempts, _ = self.rows[-1]
        self.rows[-1] = (cause, scheduled, made_up, attempts + 1, "running")

    def ends(self, began: datetime, now: datetime) -> None:
        """`began`: of the attempt that came to the end."""
        cause, scheduled, made_up, attempts, _ = self.rows[-1]
        self.rows[-1] = (cause, scheduled, made_up, attempts, "done")
        if self.between(self.done, began):
            return  # they came while the server was down: still due
        overlaps = [fire for fire in self.between(began, now) if fire < now]
        self.rows += [("schedule", fire, 0, 0, "skipped") for fire in overlaps]
        if overlaps:
            self.done = overlaps[-1]


def minutes(rng: random.Random, low: float, high: float) -> timedelta:
    """A time of any size between two, small ones as often as large ones."""
    return timedelta(minutes=round(low * (high / low) ** rng.random()))


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("30 2 * * *", "Europe/Berlin"),
        ("30 2 * * *", "Australia/Lord_Howe"),
        ("*/30 1-3 * * sun", "America/New_York"),
        ("*/30 1-3 * * sun", "Australia/Lord_Howe"),
    ],
)
def test_a_year_with_restarts_overlaps_and_missed_runs(tmp_path: Path, zone: str, expression: str) -> None:
    rng = random.Random(f"{zone} {expression}")
    world, reference = World(tmp_path), Reference(fires(expression, wall(zone, 2026)))
    world.add("job", expression, zone)
    kills = 0
    while world.now < END:
        for _ in world.looks(min(END, world.now + timedelta(days=rng.expovariate(1 / 12)))):  # the server is up
            if rng.random() < 0.1:
                kills += 1
                reference.begins(world.now)
                world.killed("job", minutes(rng, 1, 600))
                for _ in range(rng.choice([0, 0, 1, 3])):  # and again, as it goes on
                    world.now += minutes(rng, 1, 600)
                    reference.goes_on()
                    world.killed("job", minutes(rng, 1, 300))
                world.now += minutes(rng, 1, 3000)
                reference.goes_on()
            else:
                reference.begins(world.now)
            began = world.now
            world.takes = minutes(rng, 1, 900)
            (done,) = world.due()
            reference.ends(began, world.now)
            assert (done.code, done.outcome) == (0, "done")
        world.restart()
        world.now += minutes(rng, 1, 9000)  # the server is down
    found = [
        (cause, scheduled.replace(tzinfo=BEGIN.tzinfo), made_up, attempts, outcome)
        for cause, scheduled, made_up, attempts, outcome in world.rows("cause, scheduled, made_up, attempts, outcome")
    ]
    assert found == reference.rows
    assert kills
    assert {row[0] for row in found} == {"schedule", "missed"}
    assert any(row[4] == "skipped" for row in found)
    dealt = sum(1 + row[2] for row in found)
    assert dealt == len(reference.between(BEGIN, reference.done))  # no fire is left out, none counts twice
