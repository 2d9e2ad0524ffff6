"""Who comes to a bucket for the first time: of our own, from outside, or without a name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from piiscan.access.habits import LEAST_DAYS
from piiscan.access.view import Anomaly, View, said_day

SETTLED = 21
"""Days of logs after which it is known who comes to a bucket."""
RECENT = 28
"""Days in which newcomers are counted."""
USUAL = 2
"""Newcomers in these days up to which another one is unusual."""
CLOSED = 3
"""Readers up to which a new principal is unusual, too: larger circles have new members now and then."""


def arrivals(view: View) -> Iterator[Anomaly]:
    """First readers of buckets with sensitive objects, accounts from outside, and reads without a name."""
    firsts = _first_reads(view)
    touched = _sensitive_touched(view)
    outside: set[tuple[str, int]] = set()
    circle: dict[int, list[int]] = {}
    for day, pid, bucket, reads in firsts:
        who = view.people[pid]
        known = day - view.since[bucket]
        before = circle.setdefault(bucket, [])
        secret = touched.get((pid, bucket, day))
        if who.kind == "anonymous":
            continue
        if who.outside:
            if (who.account, bucket) not in outside and known >= LEAST_DAYS:
                yield _outside(view, pid, bucket, day, reads, known, secret)
            outside.add((who.account, bucket))
            continue
        if who.kind != "service":
            if secret is not None and known >= SETTLED:
                yield from _first_reader(view, pid, bucket, day, before, known, secret)
            before.append(day)
    yield from _anonymous(view, touched)


def _first_reads(view: View) -> list[tuple[int, int, int, int]]:
    """Day, principal, bucket and reads of that day, for the first day on which each read in each, in order."""
    out = []
    reads = view.days["reads"] + view.days["copies"]
    for pid, bucket, begin, end in view.series():
        at = np.flatnonzero(reads[begin:end] > 0)
        if len(at):
            row = begin + int(at[0])
            out.append((int(view.days["day"][row]), pid, bucket, int(reads[row])))
    return sorted(out)


def _sensitive_touched(view: View) -> dict[tuple[int, int, int], tuple[int, int]]:
    """By principal, bucket and day: how many sensitive objects it read for the first time, and one of them."""
    held = view.sensitive
    keys = zip(held["pid"].tolist(), held["bucket"].tolist(), held["day"].tolist(), strict=True)
    return dict(zip(keys, zip(held["objects"].tolist(), held["oid"].tolist(), strict=True), strict=True))


def _first_reader(
    view: View, pid: int, bucket: int, day: int, before: list[int], known: int, secret: tuple[int, int]
) -> Iterator[Anomaly]:
    recent = sum(day - RECENT <= one < day and one >= view.since[bucket] + LEAST_DAYS for one in before)
    new = day - view.first_of[pid] < LEAST_DAYS
    if recent > USUAL or (new and (len(before) > CLOSED or recent)):
        return
    said = (
        f"First read of this bucket by this principal, on {said_day(day)}: {secret[0]:,} of its sensitive objects. "
        f"In the {known} days of logs before, {len(before)} principals read it, {recent} of them new in the last "
        f"{RECENT} days; the principal itself has been known for {day - view.first_of[pid]} days."
    )
    yield Anomaly("first_reader", pid, bucket, day, day, 70.0 if new else 60.0, said, secret[1])


def _outside(
    view: View, pid: int, bucket: int, day: int, reads: int, known: int, secret: tuple[int, int] | None
) -> Anomaly:
    sensitive = f", {secret[0]:,} of them sensitive objects read for the first time" if secret else ""
    said = (
        f"Account {view.people[pid].account}, which is none of ours, read this bucket on {said_day(day)} "
        f"({reads:,} reads{sensitive}); it had not in the {known} days of logs before."
    )
    return Anomaly("outside", pid, bucket, day, day, 90.0 if secret else 65.0, said, secret[1] if secret else None)


def _anonymous(view: View, touched: dict[tuple[int, int, int], tuple[int, int]]) -> Iterator[Anomaly]:
    """Reads without a name where there were none for two weeks, and the first ones of sensitive objects."""
    reads = view.days["reads"] + view.days["copies"]
    for pid, bucket, begin, end in view.series():
        if view.people[pid].kind != "anonymous":
            continue
        last, told = view.since[bucket], False
        for row in (begin + np.flatnonzero(reads[begin:end] > 0)).tolist():
            day = int(view.days["day"][row])
            secret = touched.get((pid, bucket, day))
            if day - last >= LEAST_DAYS or (secret and not told):
                told = told or bool(secret)
                sensitive = f", among them {secret[0]:,} sensitive objects for the first time" if secret else ""
                said = f"{int(reads[row]):,} reads without a name on {said_day(day)}{sensitive}; "
                said += f"none in the {day - last} days before." if day > last else "this is the first day of the logs."
                score = 95.0 if secret else 75.0
                yield Anomaly("anonymous", pid, bucket, day, day, score, said, secret[1] if secret else None)
            last = day
