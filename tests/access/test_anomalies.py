"""What is unusual, and what is not: seasons, growth, new colleagues, jobs of each week and month."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from piiscan.access.anomalies import columns, find
from piiscan.access.view import Anomaly, Principal, View

FIRST = (date(2026, 8, 3) - date(1970, 1, 1)).days  # a Monday
LENGTH = 90
FIGURES = ("requests", "reads", "bytes", "objects", "denied", "deletes", "copies")
COLLEAGUES = range(20, 26)


class Made:
    """Sums as a store would have them, made up by principal, bucket and day; 1 holds sensitive objects, 2 does not."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows: dict[tuple[int, int, int], dict[str, int]] = {}
        self.touched: dict[tuple[int, int, int], int] = {}
        self.networks: list[tuple[int, int, str, str | None, int, int, int]] = []
        self.people: dict[int, Principal] = {}
        for pid in COLLEAGUES:
            self.add(pid, 1, lambda day: 30)
            self.touched[1, pid, FIRST] = 3

    def add(
        self,
        pid: int,
        bucket: int,
        reads: Callable[[int], float],
        *,
        noise: float = 0.2,
        kind: str = "user",
        **more: Any,
    ) -> Made:
        """A principal that reads so much on each day."""
        account = more.pop("account", "111122223333")
        self.people[pid] = Principal(f"p{pid}", kind, account, account == "444455556666")
        for day in range(LENGTH):
            count = int(self.rng.poisson(reads(day) * self.rng.lognormal(0, noise)))
            if count:
                self.on(pid, bucket, day, reads=count, requests=count, bytes=count * 50_000, objects=min(count, 80))
        return self

    def on(self, pid: int, bucket: int, day: int, **figures: int) -> Made:
        """More on one day."""
        self.people.setdefault(pid, Principal(f"p{pid}", "user", "111122223333", False))
        row = self.rows.setdefault((pid, bucket, FIRST + day), dict.fromkeys(FIGURES, 0))
        for name, value in figures.items():
            row[name] += value
        row["requests"] = max(row["requests"], row["reads"] + row["denied"] + row["deletes"])
        return self

    def found(self) -> list[Anomaly]:
        keys = sorted(self.rows)
        days: dict[str, Any] = {name: np.array([self.rows[key][name] for key in keys], np.int64) for name in FIGURES}
        for place, name in enumerate(("pid", "bucket", "day")):
            days[name] = np.array([key[place] for key in keys], np.int64)
        touched = sorted(self.touched)
        sensitive: dict[str, Any] = {
            name: np.array([key[place] for key in touched], np.int64)
            for place, name in enumerate(("bucket", "pid", "day"))
        }
        sensitive["objects"] = sensitive["requests"] = np.array([self.touched[key] for key in touched], np.int64)
        sensitive["oid"] = sensitive["objects"] + 1000
        names = ("pid", "bucket", "network", "country", "first_day", "requests", "last_day")
        nets: dict[str, Any] = {
            name: np.array([row[place] for row in self.networks], object) for place, name in enumerate(names)
        }
        sources = {1: "s3://customers", 2: "s3://media"}
        self.view = View(days, sensitive, nets, self.people, sources, {1})
        return find(self.view)


def kinds(found: Iterable[Anomaly]) -> list[tuple[str, int, int]]:
    return [(one.kind, one.pid, one.began - FIRST) for one in found]


def workday(day: int) -> float:
    return 1.0 if day % 7 < 5 else 0.02


def turn(day: int) -> bool:
    return (date(2026, 8, 3) + timedelta(days=day)).day <= 1 or (date(2026, 8, 3) + timedelta(days=day + 2)).day <= 2


ORDINARY: dict[str, Callable[[int], float]] = {
    "weekdays": lambda day: 150 * workday(day),
    "weekly": lambda day: 3000 if day % 7 == 6 else 0,
    "weekly-beside-daily": lambda day: 5000 if day % 7 == 2 else 40,
    "month-end": lambda day: 4000 if turn(day) else 60,
    "growth": lambda day: 100 * 1.03**day,
    "holiday": lambda day: 0 if 20 <= day < 55 else 200 * workday(day),
    "new": lambda day: 0 if day < 40 else min(300, 20 + 15 * (day - 40)) * workday(day),
    "rare": lambda day: 150 if day % 17 == 3 else 0,
    "steady": lambda day: 5000,
}


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_seasons_are_no_anomalies(name: str, seed: int) -> None:
    for bucket in (1, 2):
        assert kinds(Made(seed).add(1, bucket, ORDINARY[name]).found()) == []


def test_days_of_people_vary_by_factors() -> None:
    made = Made()
    for pid in range(100, 160):
        made.add(pid, 2, lambda day: 60 * workday(day), noise=0.8)
    assert len(made.found()) <= 3


@pytest.mark.parametrize(
    ("figures", "kind", "said"),
    [
        ({"reads": 4000, "objects": 90}, "volume", "reads on Friday 2026-10-02; on the"),
        ({"bytes": 9_000_000_000}, "volume", "9,0"),
        ({"objects": 900}, "volume", "different objects"),
        ({"deletes": 150}, "mass_delete", "150 deletions on Friday 2026-10-02; none in this bucket in the"),
        ({"copies": 150}, "mass_copy", "150 objects copied"),
        ({"denied": 120}, "denied", "120 refused attempts"),
    ],
)
def test_far_over_the_own_habit(figures: dict[str, int], kind: str, said: str) -> None:
    found = Made().add(1, 2, lambda day: 150 * workday(day)).on(1, 2, 60, **figures).found()
    assert kinds(found) == [(kind, 1, 60)]
    assert said in found[0].explanation


def test_the_sentence_has_the_figures_that_it_rests_on() -> None:
    found = Made().add(1, 2, lambda day: 100, noise=0.01).on(1, 2, 60, reads=2000).found()
    told = found[0].explanation
    assert "on the 60 active of the 60 days before, in this bucket, the median was 9" in told or "median was 10" in told
    assert "robust deviations above" in told


def test_a_principal_that_hardly_comes_here_is_held_against_its_other_buckets() -> None:
    made = Made().add(1, 2, lambda day: 80).on(1, 1, 60, reads=1500)
    assert kinds(made.found()) == [("volume", 1, 60)]
    assert "in all buckets together" in made.found()[0].explanation
    assert kinds(Made().add(1, 2, lambda day: 800).on(1, 1, 60, reads=900).found()) == []


def test_days_in_a_row_are_one_event_and_a_new_level_is_told_once() -> None:
    made = Made().add(1, 2, lambda day: 2000 if day >= 50 else 50)
    found = made.found()
    assert kinds(found) == [("volume", 1, 50)]
    assert found[0].ended >= FIRST + 60


def test_little_is_said_in_the_first_two_weeks() -> None:
    assert kinds(Made().add(1, 2, lambda day: 50).on(1, 2, 9, reads=5000).found()) == []


def test_first_reader_of_a_closed_bucket() -> None:
    made = Made().add(1, 2, lambda day: 40).on(1, 1, 60, reads=5)
    made.touched[1, 1, FIRST + 60] = 4
    found = made.found()
    assert kinds(found) == [("first_reader", 1, 60)]
    assert found[0].oid == 1004
    assert "4 of its sensitive objects" in found[0].explanation
    assert "6 principals read it, 0 of them new" in found[0].explanation


def test_a_new_colleague_and_an_open_bucket_are_no_events() -> None:
    made = Made().on(1, 1, 60, reads=5)
    made.touched[1, 1, FIRST + 60] = 4
    assert kinds(made.found()) == []
    made = Made()
    for pid in range(100, 106):
        made.add(pid, 2, lambda day: 40).on(pid, 1, 50 + pid - 100, reads=3)
        made.touched[1, pid, FIRST + 50 + pid - 100] = 1
    assert len(made.found()) == 3  # the first ones; then it is known that new ones come


def test_from_outside() -> None:
    made = Made().add(1, 2, lambda day: 5 if day == 60 else 0, account="444455556666", kind="role")
    made.add(2, 2, lambda day: 5 if day == 70 else 0, account="444455556666", kind="role")
    made.add(3, 2, lambda day: 30, account="111122223333")
    assert kinds(made.found()) == [("outside", 1, 60)]
    partner = Made().add(1, 2, lambda day: 30, account="444455556666", kind="role")
    assert kinds(partner.found()) == []


def test_without_a_name() -> None:
    made = Made().add(1, 2, lambda day: 5 if day in (60, 61, 63) else 0, kind="anonymous", account="", noise=0.01)
    made.add(3, 2, lambda day: 30)
    assert kinds(made.found()) == [("anonymous", 1, 60)]
    site = Made().add(1, 2, lambda day: 500 * (0.7 + 0.3 * workday(day)), kind="anonymous", account="")
    assert kinds(site.found()) == []
    secret = Made().add(1, 1, lambda day: 20, kind="anonymous", account="")
    secret.touched[1, 1, FIRST] = 2
    assert [one[0] for one in kinds(secret.found())] == ["anonymous"]


def test_a_new_network_of_a_steady_principal() -> None:
    def made(*countries: str | None) -> Made:
        out = Made().add(1, 1, lambda day: 30, kind="role")
        out.touched[1, 1, FIRST] = 1
        out.networks = [(1, 1, "10.0.0.0/16", countries[0], FIRST, 2000, FIRST + 89)]
        out.networks.append((1, 1, "198.51.0.0/16", countries[1], FIRST + 60, 40, FIRST + 60))
        return out

    found = made(None, None).found()
    assert kinds(found) == [("new_network", 1, 60)]
    assert "10.0.0.0/16 only" in found[0].explanation
    assert "(ZZ, a new country)" in made("DE", "ZZ").found()[0].explanation
    roaming = made(None, None)
    roaming.networks += [(1, 1, f"203.{n}.0.0/16", None, FIRST + n, 20, FIRST + n) for n in range(5)]
    assert kinds(roaming.found()) == []


def test_one_event_is_one_finding_with_all_its_kinds() -> None:
    made = Made().add(1, 2, lambda day: 40).on(1, 1, 60, reads=3000, deletes=200, objects=400)
    made.touched[1, 1, FIRST + 60] = 3
    (found,) = made.found()
    assert (found.kind, found.also) == ("first_reader", ("mass_delete", "volume"))
    assert found.score > 80
    first = columns([found], made.view)["anomaly"]
    assert first == columns(made.found(), made.view)["anomaly"]


def test_nothing_is_found_in_nothing() -> None:
    made = Made()
    made.rows.clear()
    made.touched.clear()
    assert made.found() == []
