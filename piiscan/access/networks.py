"""Principals that always came from the same networks, and then from another one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np

from piiscan.access.habits import WINDOW
from piiscan.access.view import Anomaly, View, said_day

STEADY_DAYS = 20
"""Active days in which a principal came from few networks."""
FEW = 2
LEAST = 10
"""Requests from the new network that are worth a look."""


def new_networks(view: View) -> Iterator[Anomaly]:
    """Steady users and roles that read a bucket with sensitive objects from a network, or country, they never used."""
    held = view.networks
    rows = zip(
        held["pid"].tolist(), held["bucket"].tolist(), held["network"].tolist(), held["country"].tolist(),
        held["first_day"].tolist(), held["requests"].tolist(), strict=True,
    )  # fmt: skip
    for pid, group in groupby(rows, key=lambda row: row[0]):
        if view.people[pid].kind in ("user", "role", "root"):
            yield from _of_one(view, pid, sorted(group, key=lambda row: (row[4], row[1])))


def _of_one(view: View, pid: int, rows: list[tuple[int, int, str, str | None, int, int]]) -> Iterator[Anomaly]:
    active = np.unique(view.days["day"][view.days["pid"] == pid])
    known: dict[str, int] = {}
    countries: set[str] = set()
    told: set[str] = set()
    for _, bucket, network, country, day, requests in rows:
        before = [name for name, first in known.items() if first < day]
        days = np.count_nonzero((active < day) & (active >= day - WINDOW))
        fresh = network not in known or known[network] == day
        abroad = bool(country) and bool(countries) and country not in countries
        steady = days >= STEADY_DAYS and 0 < len(before) <= FEW and max(known[name] for name in before) <= day - 21
        if fresh and requests >= LEAST and network not in told and bucket in view.sensitive_buckets and steady:
            told.add(network)
            place = f" ({country}, a new country)" if abroad else f" ({country})" if country else ""
            said = (
                f"From {said_day(day)} on {requests:,} requests came from {network}{place}; on the {days} active days "
                f"before, this principal came from {' and '.join(sorted(before))} only."
            )
            yield Anomaly("new_network", pid, bucket, day, day, 75.0 if abroad else 60.0, said)
        known.setdefault(network, day)
        if country:
            countries.add(country)
