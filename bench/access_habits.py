"""What is found in the habits of made-up principals, without writing logs: `python -m bench.access_habits [--seeds N]`.

The requests of `bench.access_logs` are summed up as an ingest would, and anomalies are looked for in the sums: a seed
takes seconds. `--rough` makes days vary twice as much, people's more than programs', with a jump now and then. One JSON
object a seed: found of the planted anomalies, false alarms a day, and both by name with `--names`.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from typing import Any

import numpy as np

from bench.access_logs import ACCOUNT, BUCKETS, DAYS, SENSITIVE, START, Actor, World, bucket_name, happenings, world
from piiscan.access.anomalies import find
from piiscan.access.gather import network
from piiscan.access.view import Principal, View

FIRST = (START.date() - date(1970, 1, 1)).days
FIGURES = ("requests", "reads", "bytes", "objects", "denied", "deletes", "copies")


class Sums:
    """The sums of a world, day by day."""

    def __init__(self) -> None:
        self.people: dict[int, Principal] = {}
        self._pids: dict[str, int] = {}
        self.days: dict[tuple[int, int, int], Any] = {}
        self._objects: dict[tuple[int, int, int], set[int]] = {}
        self._touched: dict[tuple[int, int, int], int] = {}
        self._networks: dict[tuple[int, int, str], list[int]] = {}

    def _pid(self, actor: Actor) -> int:
        name = actor.principal()
        if name not in self._pids:
            account = "" if actor.kind in ("anonymous", "service") else actor.account
            self._pids[name] = len(self._pids) + 1
            self.people[self._pids[name]] = Principal(name, actor.kind, account, account not in ("", ACCOUNT))
        return self._pids[name]

    def add(self, what: Any, day: int, columns: dict[str, Any]) -> None:
        """The requests of one habit, or planted anomaly, on one day."""
        pid, verb, good = self._pid(what.actor), columns["verb"], columns["status"] < 400
        key = (pid, what.bucket, day)
        read, copy = good & (verb == 0), good & (verb == 5)
        objects = set(columns["object"][read | copy].tolist())
        self._objects.setdefault(key, set()).update(objects)
        row = self.days.setdefault(key, dict.fromkeys(FIGURES, 0))
        figures = (
            len(verb),
            read.sum(),
            columns["size"][read].sum(),
            0,
            (~good).sum(),
            (good & (verb == 4)).sum(),
            copy.sum(),
        )
        for name, value in zip(FIGURES, figures, strict=True):
            row[name] += int(value)
        row["objects"] = len(self._objects[key])
        if what.bucket in SENSITIVE:
            for place in objects:
                if place < 40:
                    self._touched.setdefault((what.bucket, pid, place), day)
        for number, count in zip(*np.unique(columns["ip"], return_counts=True), strict=True):
            place = network(getattr(what, "ip", "") or what.actor.ips[number])
            if place and good.any():
                self._networks.setdefault((pid, what.bucket, place), [day, 0])[1] += int(count)

    def view(self) -> View:
        """The sums as the search looks at them."""
        rows = sorted(self.days.items())
        days = {name: np.array([row[name] for _, row in rows], np.int64) for name in FIGURES}
        for place, name in enumerate(("pid", "bucket", "day")):
            days[name] = np.array([key[place] for key, _ in rows], np.int64)
        firsts: dict[tuple[int, int, int], int] = {}
        for (bucket, pid, _), day in self._touched.items():
            firsts[bucket, pid, day] = firsts.get((bucket, pid, day), 0) + 1
        touched = sorted(firsts.items())
        sensitive = {
            n: np.array([k[at] for k, _ in touched], np.int64) for at, n in enumerate(("bucket", "pid", "day"))
        }
        sensitive["objects"] = sensitive["oid"] = np.array([count for _, count in touched], np.int64)
        nets = [(*key, None, *value) for key, value in sorted(self._networks.items())]
        names = ("pid", "bucket", "network", "country", "first_day", "requests")
        networks = {name: np.array([row[at] for row in nets], object) for at, name in enumerate(names)}
        sources = {bucket: f"s3://{bucket_name(bucket)}" for bucket in range(BUCKETS)}
        return View(days, sensitive, networks, self.people, sources, set(SENSITIVE))


def roughened(made: World, seed: int) -> World:
    """The same world, its ordinary days less even."""
    rng = np.random.default_rng(seed + 1000)
    for habit in made.habits:
        person = habit.actor.kind == "user"
        factor = rng.lognormal(0, 0.7 if person else 0.25, DAYS)
        jump = np.where(rng.random(DAYS) < (0.02 if person else 0.01), 4 if person else 3, 1)
        habit.counts = rng.poisson(habit.counts * factor * jump)
    return made


def judged(seed: int, events: int, *, rough: bool) -> dict[str, Any]:
    """What was found in one world."""
    made = world(seed, events)
    if rough:
        made = roughened(made, seed)
    sums = Sums()
    for day in range(DAYS):
        found = happenings(made, day, np.random.default_rng([seed, day]))
        for who in np.unique(found["who"]).tolist():
            mine = found["who"] == who
            what: Any = made.habits[who] if who >= 0 else made.planted[-1 - who]
            sums.add(what, FIRST + day, {name: column[mine] for name, column in found.items()})
    view = sums.view()
    told = find(view)
    matched: set[int] = set()
    missed = []
    for one in made.planted:
        hits = {
            at
            for at, said in enumerate(told)
            if said.bucket == one.bucket and view.people[said.pid].principal == one.actor.principal()
            and said.began <= FIRST + one.day <= said.ended and one.kind in (said.kind, *said.also)
        }  # fmt: skip
        matched |= hits
        if not hits:
            missed.append([one.kind, one.actor.name, bucket_name(one.bucket), one.day, one.count])
    false = [
        [said.kind, view.people[said.pid].principal, said.explanation]
        for at, said in enumerate(told)
        if at not in matched
    ]
    return {
        "seed": seed, "events": events, "rough": rough, "planted": len(made.planted),
        "found": len(made.planted) - len(missed), "false_a_day": round(len(false) / DAYS, 3), "missed": missed,
        "false": false,
    }  # fmt: skip


def main() -> int:
    """Judge each seed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 12, 13, 14])
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--rough", action="store_true")
    parser.add_argument("--names", action="store_true")
    given = parser.parse_args()
    good = True
    for seed in given.seeds:
        out = judged(seed, given.events, rough=given.rough)
        good &= out["false_a_day"] < 1 and (given.rough or out["found"] >= 36)
        if not given.names:
            del out["missed"], out["false"]
        print(json.dumps(out), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
