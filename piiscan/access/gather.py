"""Records summed up before the store sees them: by object, actor and action, and by day, principal and bucket.

What is met again is known by its hash, so that of a million records only those are looked at one by one that tell of
something new; the rest is arithmetic over arrays.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from piiscan.access import meaning, sketch
from piiscan.access.meaning import COPY_SOURCE, How, Outcome, Verb, What, Who
from piiscan.access.reading import LINES, TRAIL, Reading
from piiscan.access.seen import Seen
from piiscan.passes.contract import IntArray
from piiscan.passes.logs import Field, Numbering, Records, log_passes
from piiscan.spool import object_id

DAY = 86_400
MOST = 500_000
"""Records that are held at a time; with `KEPT`, fewer numbers than the 21 bits that each has in a key."""
KEPT = 200_000
"""Objects, and actors, that are known at a time; when there are more, all are forgotten."""
MOST_BYTES = 50 << 40
"""Bytes of one request at the most: an object has at most 50 TB. What a log says beyond is an error."""
_ONE, _OTHER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
T = TypeVar("T", What, Who, How | None)
Ints = npt.NDArray[np.int32]


class _Things(Generic[T]):
    """Objects, actors or actions, numbered; known again by the hash of a record's fields."""

    def __init__(self, column: int, meanings: Mapping[str, Callable[[Records, int], T]]) -> None:
        self._column = column
        self._meanings: dict[str, Callable[[Records, int], T]] = dict(meanings)
        self.forget()

    def forget(self) -> None:
        self.values: list[T] = []
        self._index: dict[T, int] = {}
        self._numbers = {kind: Numbering() for kind in self._meanings}
        self._ours: dict[str, Ints] = {kind: np.empty(1024, np.int32) for kind in self._meanings}

    def number(self, value: T) -> int:
        found = self._index.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found

    def of(self, records: Records, kind: str, rows: IntArray | None = None) -> Ints:
        """The number of each record's own; of some rows of them."""
        keys = records.hashes[:, self._column] if rows is None else records.hashes[rows, self._column]
        numbering, ours = self._numbers[kind], self._ours[kind]
        before = numbering.count
        found, fresh = log_passes().numbered(keys, numbering)
        if len(fresh):
            if len(ours) < numbering.count:
                ours = self._ours[kind] = np.resize(ours, 2 * numbering.count)
            meaning_of = self._meanings[kind]
            places = fresh if rows is None else rows[fresh]
            ours[before : numbering.count] = [self.number(meaning_of(records, row)) for row in places.tolist()]
        out: Ints = ours[found]
        return out


@dataclass(frozen=True, slots=True)
class Batch:
    """Sums of some records, with what their numbers stand for."""

    whats: list[What]
    oids: IntArray
    whos: list[Who]
    hows: list[How]
    requests: dict[str, npt.NDArray[Any]]
    """what, who, how (numbers of the lists above), first, last (seconds since 1970), requests, bytes."""
    days: dict[str, Any]
    """day (since 1970), who (one actor of the principal), bucket (a `what` in it), requests, reads, bytes, denied,
    deletes, copies, objects, registers."""
    seen: dict[int, bytes]
    """Ids of requests by day."""


@dataclass(slots=True)
class _Held:
    """Columns of records that were not summed up yet."""

    what: list[Ints] = field(default_factory=list)
    who: list[Ints] = field(default_factory=list)
    how: list[Ints] = field(default_factory=list)
    time: list[IntArray] = field(default_factory=list)
    size: list[IntArray] = field(default_factory=list)
    name: list[npt.NDArray[np.uint64]] = field(default_factory=list)


class Gatherer:
    """Takes records, gives sums."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._what = _Things[What](0, {TRAIL: meaning.trail_what, LINES: meaning.line_what})
        self._who = _Things[Who](1, {TRAIL: meaning.trail_who, LINES: meaning.line_who})
        self._how = _Things["How | None"](2, {TRAIL: meaning.trail_how, LINES: meaning.line_how})
        self._held = _Held()
        self._oids: list[int] = []
        self.size = 0
        """Records that are held."""

    def take(self, records: Records, reading: Reading) -> int:
        """Hold what some records of a file tell of; how many told of something else."""
        kind = reading.kind
        how = self._how.of(records, kind)
        data = np.array([value is not None for value in self._how.values], np.bool_)[how]
        timed = records.numbers[:, 0] >= 0
        untimed = int(np.count_nonzero(data & ~timed))
        reading.broken += untimed
        left = len(records) - int(np.count_nonzero(data))
        data &= timed
        rows = None if data.all() else np.flatnonzero(data)
        what, who = self._what.of(records, kind, rows), self._who.of(records, kind, rows)
        numbers, names = records.numbers, records.hashes[:, 3].copy()
        if rows is not None:
            how, numbers, names = how[rows], numbers[rows], names[rows]
        written = np.array([v is not None and v.verb is Verb.WRITE for v in self._how.values], np.bool_)[how]
        size = np.clip(np.where(written, numbers[:, 2], numbers[:, 1]), 0, MOST_BYTES)
        self._hold(what, who, how, numbers[:, 0].copy(), size, names)
        if kind == TRAIL and records.spans[:, Field.COPY, 1].any():
            self._copies(records, rows, what, who, how)
        return left

    def _hold(
        self, what: Ints, who: Ints, how: Ints, time: IntArray, size: IntArray, name: npt.NDArray[np.uint64]
    ) -> None:
        held = self._held
        held.what.append(what)
        held.who.append(who)
        held.how.append(how)
        held.time.append(time)
        held.size.append(size)
        held.name.append(name)
        self.size += len(what)

    def _copies(self, records: Records, rows: IntArray | None, what: Ints, who: Ints, how: Ints) -> None:
        """A copy is a read of the object that it came from."""
        for at, row in enumerate(range(len(records)) if rows is None else rows.tolist()):
            if not records.spans[row, Field.COPY, 1]:
                continue
            source, done = meaning.copied(records, row), self._how.values[how[at]]
            target = self._what.values[what[at]]
            if source is None or done is None or (source.source, source.key) == (target.source, target.key):
                continue
            read = How(COPY_SOURCE, Verb.COPY, done.outcome, done.error)
            self._hold(
                np.array([self._what.number(source)], np.int32),
                who[at : at + 1],
                np.array([self._how.number(read)], np.int32),
                records.numbers[row, :1].copy(),
                np.zeros(1, np.int64),
                records.hashes[row, 3:].copy(),
            )

    def batch(self) -> Batch | None:
        """The sums of what is held, which is let go of; None when there is nothing."""
        if not self.size:
            return None
        held, self._held, self.size = self._held, _Held(), 0
        what, who, how = np.concatenate(held.what), np.concatenate(held.who), np.concatenate(held.how)
        time, size, name = np.concatenate(held.time), np.concatenate(held.size), np.concatenate(held.name)
        del held
        whats, whos, hows = self._what.values, self._who.values, self._how.values
        self._oids += [object_id(value.source, value.key) for value in whats[len(self._oids) :]]
        oids = np.array(self._oids, np.int64)
        actions = np.array([0 if v is None else object_id(v.action, "") for v in hows], np.int64)
        mixed = (name ^ (oids[what].view(np.uint64) * _ONE)) + actions[how].view(np.uint64) * _OTHER
        mixed ^= mixed >> np.uint64(29)
        fresh = self._seen.fresh(time // DAY, np.where(name == 0, np.uint64(0), (mixed * _ONE) >> np.uint64(8)))
        if not fresh.all():
            what, who, how, time, size = what[fresh], who[fresh], how[fresh], time[fresh], size[fresh]
        requests = _summed(what, who, how, time, size)
        days = self._days(what, who, how, time, size, oids)
        done = Batch(
            whats, oids, whos, [_or_nothing(value) for value in hows], requests, days, self._seen.news()
        )  # fmt: skip
        if self._crowded():
            self._what.forget()
            self._who.forget()
            self._how.forget()
            self._oids.clear()
        return done

    def full(self) -> bool:
        """Whether it is time for a `batch`."""
        return self.size >= MOST or self._crowded()

    def _crowded(self) -> bool:
        return max(len(self._what.values), len(self._who.values), len(self._how.values)) > KEPT

    def _days(self, what: Ints, who: Ints, how: Ints, time: IntArray, size: IntArray, oids: IntArray) -> dict[str, Any]:
        """Sums by day, principal and bucket."""
        bucket_of = _firsts([value.source for value in self._what.values])
        principal_of = _firsts([(one.principal, one.kind, one.account) for one in self._who.values])
        principal, bucket, day = principal_of[who], bucket_of[what], time // DAY
        pair, _ = _grouped(principal << 32 | bucket)
        group, places = _grouped(pair.astype(np.int64) << 32 | day)
        count = len(places)

        def total(flags: npt.NDArray[Any]) -> IntArray:
            return np.bincount(group, flags, count).astype(np.int64)

        done = [value if value is not None else _NOTHING for value in self._how.values]
        good = np.array([one.outcome is Outcome.OK for one in done])[how]
        verbs = np.array([_ORDER[one.verb] for one in done], np.int8)[how]
        read, copy = good & (verbs == _ORDER[Verb.READ]), good & (verbs == _ORDER[Verb.COPY])
        content = np.flatnonzero(read | copy)
        ids = oids[what[content]].view(np.uint64) * _ONE
        registers = sketch.sketches(group[content], count, ids ^ (ids >> np.uint64(31)))
        return {
            "day": day[places],
            "who": principal[places],
            "bucket": bucket[places],
            "requests": total(np.ones(len(group))),
            "reads": total(read),
            "bytes": total(np.where(read, size, 0)),
            "denied": total(np.array([one.outcome is Outcome.DENIED for one in done])[how]),
            "deletes": total(good & (verbs == _ORDER[Verb.DELETE])),
            "copies": total(copy),
            "objects": sketch.estimates(registers),
            "registers": sketch.packed(registers),
        }


_ORDER = {verb: number for number, verb in enumerate(Verb)}
_NOTHING = How("", Verb.OTHER, Outcome.FAILED, "")


def _or_nothing(value: How | None) -> How:
    return _NOTHING if value is None else value


def _firsts(values: list[Any]) -> IntArray:
    """For each value the place of the first one that is equal."""
    index: dict[Any, int] = {}
    return np.array([index.setdefault(value, place) for place, value in enumerate(values)], np.int64)


def _grouped(keys: IntArray) -> tuple[Ints, IntArray]:
    """The group of each key, numbered as they are met, and the first place of each group; quicker than to sort them."""
    return log_passes().numbered(keys.view(np.uint64) * _ONE, Numbering())


def _summed(what: Ints, who: Ints, how: Ints, time: IntArray, size: IntArray) -> dict[str, npt.NDArray[Any]]:
    """Sums by object, actor and action."""
    group, places = _grouped((what.astype(np.int64) << 42) | (who.astype(np.int64) << 21) | how)
    first, last, total = time[places], time[places], np.zeros(len(places), np.int64)
    np.minimum.at(first, group, time)
    np.maximum.at(last, group, time)
    np.add.at(total, group, size)
    return {
        "what": what[places],
        "who": who[places],
        "how": how[places],
        "first": first,
        "last": last,
        "requests": np.bincount(group, minlength=len(places)),
        "bytes": total,
    }


def network(ip: str) -> str:
    """The network that an address is taken to be of: /16 of version 4, /32 of version 6; empty: it is no address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((address, 16 if address.version == 4 else 32), strict=False))
