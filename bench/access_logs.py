"""Made-up access logs of 90 days for `bench.access`: ordinary behaviour with its seasons, and planted anomalies.

About 200 principals, 40 buckets and 20,000 objects. People work on weekdays, take holidays, join and grow into their
work; services run day and night, some grow; jobs run each night, each week, at the end of the month; a web site is read
by everyone, a partner by agreement, one service is denied something every day. Buckets log by CloudTrail, access logs
or both. All names are invented; everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

START = datetime(2026, 8, 3, tzinfo=UTC)  # a Monday
DAYS = 90
ACCOUNT, PARTNER = "111122223333", "444455556666"
BUCKETS, OBJECTS = 40, 500
SENSITIVE = range(0, 12)
"""Buckets with sensitive objects: the first 40 of each."""
SITE = 39


def bucket_name(bucket: int) -> str:
    """Its name."""
    return f"{('customers', 'billing', 'media', 'reports', 'backup')[bucket % 5]}-{bucket:02d}"


def key_of(place: int) -> str:
    """The key of an object of any bucket."""
    return f"{('exports', 'data', 'incoming', 'team notes')[place % 4]}/2026/{place % 12 + 1:02d}/part-{place:05d}.csv"


def logged(bucket: int) -> tuple[str, ...]:
    """By which logs a bucket's requests are told."""
    return ("trail", "lines") if bucket in (6, 7) else ("trail",) if bucket % 2 else ("lines",)


@dataclass
class Actor:
    """A principal."""

    name: str
    kind: str
    ips: list[str]
    account: str = ACCOUNT

    def principal(self) -> str:
        """As piiscan names it."""
        if self.kind == "anonymous":
            return "anonymous"
        if self.kind == "service":
            return self.name
        return f"arn:aws:iam::{self.account}:{self.kind}/{self.name}"


@dataclass
class Habit:
    """What one actor does in one bucket: so many requests on each day."""

    actor: Actor
    bucket: int
    counts: Any
    day_hours: bool
    objects: Any
    size: int = 50_000
    verbs: tuple[float, float, float, float] = (0.8, 0.1, 0.08, 0.02)
    """Shares of GetObject, HeadObject, PutObject, ListObjects."""
    denied: float = 0.0


@dataclass
class Planted:
    """An anomaly: some requests of one kind on one day."""

    kind: str
    actor: Actor
    bucket: int
    day: int
    count: int
    action: str = "GetObject"
    status: int = 200
    size: int = 50_000
    objects: Any = None
    ip: str = ""


@dataclass
class World:
    """All that happens."""

    habits: list[Habit] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)


def world(seed: int, events: int) -> World:
    """Habits and anomalies."""
    rng = np.random.default_rng(seed)
    days = np.arange(DAYS)
    weekday = days % 7
    dates = [START + timedelta(days=int(d)) for d in days]
    month_end = np.array([(d + timedelta(days=2)).month != d.month for d in dates])
    out = World()
    load: list[tuple[Habit, Any]] = []

    def noise(sigma: float) -> Any:
        return rng.lognormal(0, sigma, DAYS)

    def add(actor: Actor, bucket: int, rate: Any, **more: Any) -> None:
        few = rng.choice(OBJECTS, int(rng.integers(20, 300)), replace=False)
        habit = Habit(actor, bucket, np.zeros(DAYS), more.pop("day_hours", False), more.pop("objects", few), **more)
        load.append((habit, rate))

    work = np.where(weekday < 5, 1.0, 0.03)
    for n in range(120):
        person = Actor(f"person{n:03d}", "user", [f"203.0.113.{n + 1}"] + ([f"10.{n % 8}.3.{n}"] if n % 3 else []))
        team = n % 12
        began = int(rng.integers(20, 75)) if n >= 110 else 0
        away = int(rng.integers(0, 80))
        holiday = (days < away) | (days >= away + int(rng.integers(5, 20)))
        grown = np.clip((days - began + 5) / 20, 0, 1) if began else 1.0
        for bucket in [team, 12 + n % 20, *rng.choice(range(12, 38), int(rng.integers(0, 3)), replace=False)]:
            rate = rng.lognormal(1.0, 0.8) * work * noise(rng.uniform(0.2, 0.6)) * holiday * grown
            add(person, int(bucket), np.where(days < began, 0, rate), day_hours=True, size=int(rng.lognormal(10, 1)))
    for n in range(50):
        service = Actor(f"service-{n:02d}", "role", [f"10.20.{n}.{k}" for k in range(2, 6)])
        weekly = np.where(weekday < 5, 1.0, rng.uniform(0.4, 1.1))
        growth = 1.01**days if n % 5 == 0 else 1.0
        for bucket in rng.choice(38, int(rng.integers(1, 4)), replace=False):
            denied = 0.1 if n % 17 == 0 else 0.0
            rate = rng.lognormal(2.5, 1.0) * weekly * growth * noise(0.15)
            add(service, int(bucket), rate, size=int(rng.lognormal(11, 1)), denied=denied)
    for n in range(12):
        job = Actor(f"nightly-{n:02d}", "role", [f"10.30.{n}.7"])
        add(job, int(rng.integers(0, 38)), rng.lognormal(3.0, 0.5) * noise(0.1))
    for n in range(6):
        job = Actor(f"weekly-{n:02d}", "role", [f"10.31.{n}.7"])
        rate = rng.lognormal(4.5, 0.4) * (weekday == n % 7) * noise(0.1)
        add(job, int(rng.integers(0, 38)), rate + (rng.lognormal(0.5, 0.3) * noise(0.2) if n % 2 else 0))
    for n in range(6):
        job = Actor(f"month-end-{n:02d}", "role", [f"10.32.{n}.7"])
        usual = rng.lognormal(1.5, 0.3) * noise(0.2)
        add(job, int(rng.integers(0, 38)), usual + rng.lognormal(4.5, 0.3) * month_end * noise(0.1))
    partner = Actor("partner-feed", "role", ["198.51.100.20"], PARTNER)
    add(partner, 20, rng.lognormal(2.5, 0.2) * work * noise(0.2))
    add(Actor("cloudfront.amazonaws.com", "service", ["cloudfront.amazonaws.com"]), 38, 40 * noise(0.2))
    crowd = Actor("-", "anonymous", [f"192.0.{n // 250}.{n % 250 + 1}" for n in range(2, 2000)])
    add(crowd, SITE, 120 * np.where(weekday < 5, 1.0, 0.8) * noise(0.25), size=8_000)
    scale = events / sum(float(rate.sum()) for _, rate in load)
    for habit, rate in load:
        habit.counts = rng.poisson(rate * scale)
        out.habits.append(habit)
    _plant(out, rng)
    return out


def _plant(out: World, rng: Any) -> None:
    """Forty anomalies of all kinds, each of another principal, from the fourth week on."""
    actors: dict[str, list[Habit]] = {}
    for habit in out.habits:
        if habit.actor.kind in ("user", "role") and not habit.actor.name.startswith(("month", "weekly", "partner")):
            actors.setdefault(habit.actor.name, []).append(habit)
    names = [n for n in actors if n < "person110" or not n.startswith("person")]
    rng.shuffle(names)

    def some(kind: str = "") -> list[Habit]:
        name = next(n for n in names if n.startswith(kind))
        names.remove(name)
        return sorted(actors[name], key=lambda h: -float(h.counts.sum()))

    def day() -> int:
        found = int(rng.integers(28, DAYS - 1))
        return found if found % 7 < 5 else found - 2

    def typical(habit: Habit) -> float:
        busy = habit.counts[habit.counts > 0]
        return float(np.median(busy)) if len(busy) else 1.0

    def add(*args: Any, **more: Any) -> None:
        out.planted.append(Planted(*args, **more))

    for n in range(10):
        habit = some("person" if n % 2 else "service")[0]
        usual = max(typical(habit), float(habit.counts.max()) / 3)
        if n % 5 == 4:
            size = habit.size * 60
            add("volume", habit.actor, habit.bucket, day(), int(max(usual, 60)), size=size, objects=habit.objects)
        else:
            everything = np.arange(OBJECTS)
            count = int(max(usual * rng.uniform(9, 25), 400))
            add("volume", habit.actor, habit.bucket, day(), count, objects=everything, size=habit.size)
    for n in range(6):
        habit = some("person" if n % 2 else "")[0]
        closed = next(b for b in rng.permutation(list(SENSITIVE)) if not any(
            h.bucket == b for h in actors[habit.actor.name]))  # fmt: skip
        add("first_reader", habit.actor, int(closed), day(), int(rng.integers(15, 60)), objects=np.arange(40))
    for n in range(5):
        foreign = Actor(f"reader{n}", "user", [f"198.51.100.{60 + n}"], f"77778888999{n}")
        add("outside", foreign, int(rng.integers(0, 38)), day(), int(rng.integers(12, 80)))
    for n in range(6):
        habit = some("" if n % 2 else "person")[0]
        bucket = int(rng.integers(0, 38)) if n % 3 else habit.bucket
        add("denied", habit.actor, bucket, day(), int(rng.integers(80, 400)), status=403)
    for n in range(4):
        visitor = Actor("-", "anonymous", [f"198.18.{n}.9"])
        add(
            "anonymous",
            visitor,
            int(rng.choice([b for b in range(38) if b % 10 == n])),
            day(),
            int(rng.integers(15, 90)),
        )
    for _ in range(4):
        habit = some()[0]
        add(
            "mass_delete",
            habit.actor,
            habit.bucket,
            day(),
            int(rng.integers(200, 500)),
            action="DeleteObject",
            status=204,
        )
    for _ in range(2):
        habit = some("person")[0]
        add("mass_copy", habit.actor, habit.bucket, day(), int(rng.integers(300, 500)), action="CopyObject")
    for n in range(3):
        habit = next(
            h for h in out.habits if h.actor.name in names and h.actor.kind == "role" and h.bucket in SENSITIVE
        )
        names.remove(habit.actor.name)
        add("new_network", habit.actor, habit.bucket, day(), int(rng.integers(20, 60)), ip=f"185.{70 + n}.4.9",
            objects=habit.objects)  # fmt: skip


def happenings(made: World, day: int, rng: Any) -> dict[str, Any]:
    """The requests of a day, in the order of their times, by column."""
    columns: list[tuple[Any, ...]] = []
    weights = np.array([1, 1, 1, 1, 1, 2, 4, 8, 14, 16, 15, 12, 13, 15, 15, 12, 8, 4, 2, 2, 1, 1, 1, 1], float)
    for number, habit in enumerate(made.habits):
        count = int(habit.counts[day])
        if not count:
            continue
        hours = rng.choice(24, count, p=weights / weights.sum()) if habit.day_hours else rng.integers(0, 24, count)
        times = hours * 3600 + rng.integers(0, 3600, count)
        verb = np.searchsorted(np.cumsum(habit.verbs)[:-1], rng.random(count), side="right")
        status = np.where(rng.random(count) < habit.denied, 403, 200)
        chosen = habit.objects[(len(habit.objects) * rng.random(count) ** 2).astype(np.int64)]
        size = (habit.size * rng.lognormal(0, 0.5, count)).astype(np.int64)
        ip = rng.integers(0, len(habit.actor.ips), count)
        columns.append((np.full(count, number), times, verb, status, chosen, size, ip))
    for number, one in enumerate(made.planted):
        if one.day != day:
            continue
        count = one.count
        pool = one.objects if one.objects is not None else np.arange(60)
        verb = {"GetObject": 0, "DeleteObject": 4, "CopyObject": 5}[one.action]
        times = int(rng.integers(1, 20)) * 3600 + rng.integers(0, 7200, count)
        size = (one.size * rng.lognormal(0, 0.3, count)).astype(np.int64)
        columns.append((
            np.full(count, -1 - number), times, np.full(count, verb), np.full(count, one.status),
            pool[rng.permutation(count) % len(pool)], size, np.zeros(count, np.int64),
        ))  # fmt: skip
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    order = np.argsort(joined[1], kind="stable")
    names = ("who", "time", "verb", "status", "object", "size", "ip")
    return {name: part[order] for name, part in zip(names, joined, strict=True)}
