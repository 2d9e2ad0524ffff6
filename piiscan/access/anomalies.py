"""What is unusual in the sums, one finding for one event, each with a sentence that has the figures in it.

Kinds: `volume` (reads, bytes or distinct objects far over a principal's own habit in a bucket), `mass_delete`,
`mass_copy`, `denied` (a burst of refused attempts), `first_reader` (of a bucket with sensitive objects that few come
to), `outside` (an account that is not ours, for the first time), `anonymous` (where nobody read without a name before,
or sensitive objects), `new_network` (a principal that always came from the same networks). A principal, bucket and
stretch of days is one finding: its kind is the gravest, the others stand beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from piiscan.access.circles import arrivals
from piiscan.access.habits import ACTIVE, LEAST_DAYS, Judged, day_of, first_turn, judged
from piiscan.access.networks import new_networks
from piiscan.access.view import Anomaly, View, said_day
from piiscan.passes.contract import IntArray

APART = 7
"""Days without a finding after which the next one is another event."""
KINDS = (
    "anonymous", "outside", "first_reader", "new_network", "mass_delete", "mass_copy", "volume", "denied",
)  # fmt: skip
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A daily figure that is held against a habit."""

    column: str
    kind: str
    floor: float
    what: str


MEASURES = (
    Measure("reads", "volume", 200, "{:,.0f} reads"),
    Measure("objects", "volume", 100, "about {:,.0f} different objects"),
    Measure("bytes", "volume", 200e6, "{:,.1f} MB"),
    Measure("deletes", "mass_delete", 100, "{:,.0f} deletions"),
    Measure("copies", "mass_copy", 100, "{:,.0f} objects copied"),
    Measure("denied", "denied", 50, "{:,.0f} refused attempts"),
)


def find(view: View) -> list[Anomaly]:
    """All that is unusual, in the order of days."""
    found = [*_habits(view), *arrivals(view), *new_networks(view)]
    return sorted(_together(found), key=lambda one: (one.began, one.pid, one.bucket))


def _habits(view: View) -> Iterator[Anomaly]:
    """What is far beyond a principal's habit."""
    totals = {measure.column: _totals(view, measure.column) for measure in MEASURES if measure.kind == "volume"}
    for pid, bucket, begin, end in view.series():
        days = view.days["day"][begin:end]
        for measure in MEASURES:
            yield from _odd_days(view, measure, pid, bucket, days, begin, totals.get(measure.column, {}).get(pid))


def _totals(view: View, column: str) -> dict[int, tuple[IntArray, Any]]:
    """A figure of each principal over all buckets: days and values."""
    pids, days = view.days["pid"], view.days["day"]
    if not len(pids):
        return {}
    keys, place = np.unique(pids.astype(np.int64) << 32 | days, return_inverse=True)
    sums = np.bincount(place, view.days[column], len(keys))
    starts = np.flatnonzero(np.diff(keys >> 32, prepend=-1))
    ends = np.append(starts[1:], len(keys))
    return {int(keys[s] >> 32): (keys[s:e] & 0xFFFFFFFF, sums[s:e]) for s, e in zip(starts, ends, strict=True)}


def _odd_days(
    view: View, measure: Measure, pid: int, bucket: int, days: IntArray, begin: int, total: tuple[IntArray, Any] | None
) -> Iterator[Anomaly]:
    values = view.days[measure.column][begin : begin + len(days)].astype(np.float64)
    scale = 1e6 if measure.column == "bytes" else 1.0
    odd: set[int] = set()
    first = view.first_of[pid]
    # What is done at the end of a month has no history when it is done first; people do not delete by the calendar.
    monthly = measure.kind == "volume" or view.people[pid].kind != "user"
    for at in np.flatnonzero(values >= measure.floor).tolist():
        day, value = int(days[at]), float(values[at])
        rare = np.count_nonzero(values[:at] > 0) < ACTIVE
        if view.since[bucket] > day - LEAST_DAYS or (monthly and first_turn(days, day, first)):
            continue
        if rare and total is not None:
            # Who hardly comes to this bucket is held against what he does elsewhere.
            one = judged(total[0], total[1], day, value, first, odd, measure.floor)
            where = "in all buckets together"
        elif measure.kind == "denied" and rare:
            one = _burst(view, begin + at, values[:at], day - first, value)
            where = "in this bucket"
        else:
            one = judged(days, values, day, value, first, odd, measure.floor)
            where = "in this bucket"
        if one is None:
            continue
        odd.add(day)
        said = _sentence(measure, one, where, scale, day)
        yield Anomaly(measure.kind, pid, bucket, day, day, view.score(one.deviations, bucket), said)


def _burst(view: View, row: int, earlier: Any, length: int, value: float) -> Judged | None:
    """Refused attempts of somebody without a habit of them: the first ever, or most of what he tried and far more."""
    most = float(earlier.max()) if len(earlier) else 0.0
    never = most == 0 and length >= LEAST_DAYS
    if value < 2 * most or not (never or value >= 0.5 * view.days["requests"][row]):
        return None
    return Judged(value, int(np.count_nonzero(earlier)), length, 0.0, 0.0, most, 2 * float(np.sqrt(value)))


def _sentence(measure: Measure, one: Judged, where: str, scale: float, day: int) -> str:
    said = f"{measure.what.format(one.value / scale)} on {said_day(day)}; "
    if not one.active:
        return said + f"none {where} in the {one.days} days before."
    shown = [f"{number / scale:,.1f}" for number in (one.median, one.mad, one.most)]
    return said + (
        f"on the {one.active} active of the {one.days} days before, {where}, the median was {shown[0]} "
        f"(median deviation {shown[1]}), the most {shown[2]}; {one.deviations:.1f} robust deviations above."
    )


def _together(found: list[Anomaly]) -> Iterator[Anomaly]:
    """One finding for what one principal did in one bucket on days close to each other."""
    groups: dict[tuple[int, int], list[Anomaly]] = {}
    for one in sorted(found, key=lambda one: (one.began, KINDS.index(one.kind))):
        groups.setdefault((one.pid, one.bucket), []).append(one)
    for group in groups.values():
        event: list[Anomaly] = []
        for one in group:
            if event and one.began - max(e.ended for e in event) > APART:
                yield _event(event)
                event = []
            event.append(one)
        yield _event(event)


def _event(parts: list[Anomaly]) -> Anomaly:
    gravest = min(parts, key=lambda one: KINDS.index(one.kind))
    also = tuple(kind for kind in KINDS if kind != gravest.kind and any(one.kind == kind for one in parts))
    told = dict.fromkeys(one.explanation for one in [gravest, *parts][:5])
    return replace(
        gravest,
        began=min(one.began for one in parts),
        ended=max(one.ended for one in parts),
        score=min(max(one.score for one in parts) + 5 * len(also), 100.0),
        explanation=" ".join(told),
        also=also,
    )


def columns(found: list[Anomaly], view: View) -> Mapping[str, Any]:
    """What was found as columns of the store."""
    return {
        "anomaly": [_digest(one, view) for one in found],
        "kind": [one.kind for one in found],
        "also": [json.dumps(list(one.also)) for one in found],
        "bucket": [one.bucket for one in found],
        "pid": [one.pid for one in found],
        "oid": np.array([one.oid if one.oid is not None else 0 for one in found], np.int64),
        "began": [one.began for one in found],
        "ended": [one.ended for one in found],
        "score": [round(one.score, 1) for one in found],
        "explanation": [one.explanation for one in found],
    }


def _digest(one: Anomaly, view: View) -> str:
    """The same in each ingest, so that it is told once. Source: BLAKE2b, RFC 7693."""
    text = "\0".join(
        (one.kind, view.people[one.pid].principal, view.sources[one.bucket], day_of(one.began).isoformat())
    )
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
