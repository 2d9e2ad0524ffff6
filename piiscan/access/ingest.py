"""Log files into the store: what is new of some targets, a group of files in each transaction.

A file counts with its requests or not at all, and a request counts once whatever files tell of it; so a run that was
killed loses nothing and doubles nothing when it is made again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from piiscan import stages
from piiscan.access import seen, sketch
from piiscan.access.gather import Batch, Gatherer, network
from piiscan.access.reading import DIGEST, OTHER, Reading, records
from piiscan.access.seen import Seen
from piiscan.config import Config
from piiscan.crawl import open_source, parse_target
from piiscan.errors import ObjectError, SourceError
from piiscan.model import ObjectRef
from piiscan.ports import Source
from piiscan.store.access import AccessStore, TakenFile

log = logging.getLogger(__name__)

_ITS_OWN = ("TRUNCATED:", "MALFORMED_FILE:")
"""How notes begin on what is wrong with a file itself: it would be so again."""
TOGETHER = 256
"""Files that are looked up, and fetched ahead, at a time."""
GROUP_FILES = 2_000
"""Files of one transaction at the most; it ends sooner when the gatherer is full."""


@dataclass(slots=True)
class Ingested:
    """What came of an ingest."""

    files: Counter[str] = field(default_factory=Counter)
    """Taken, by kind."""
    known: int = 0
    """Files that were taken before."""
    records: int = 0
    left_out: int = 0
    """Records of other events."""
    broken: int = 0
    doubles: int = 0
    """Records of requests that were counted already."""
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Files that were not read whole, and why; the first hundred."""
    unread: int = 0
    """How many these are."""
    others: list[str] = field(default_factory=list)
    """Files that are no logs; the first hundred."""
    source_errors: list[str] = field(default_factory=list)

    def whole(self) -> bool:
        """Whether all was read and understood."""
        return not self.unread and not self.broken


class Ingest:
    """Takes targets in, one after the other."""

    def __init__(self, store: AccessStore, config: Config) -> None:
        self._store, self._config = store, config
        self._gatherer = Gatherer(Seen(store.seen_on))
        self._batches: list[Batch] = []
        self._files: list[TakenFile] = []
        self.done = Ingested()

    def take(self, targets: Iterable[str]) -> Ingested:
        """All that is new of the targets. Raises: StoreError, ConfigError."""
        for target in targets:
            try:
                source = open_source(parse_target(target), self._config)
                for refs in _groups(source.crawl()):
                    self._group(source, refs)
            except SourceError as err:
                self.done.source_errors.append(str(err))
        self._commit()
        return self.done

    def _group(self, source: Source, refs: Sequence[ObjectRef]) -> None:
        fresh = [ref for ref in refs if ref.size or ref.denied]
        known = self._store.taken([(path_of(ref), ref.size, ref.etag) for ref in fresh])
        known |= {one.path for one in self._files}  # named twice
        wanted = [ref for ref in fresh if path_of(ref) not in known]
        self.done.known += len(fresh) - len(wanted)
        expect = getattr(source, "expect", None)
        if expect is not None:
            expect(wanted)
        for ref in wanted:
            self._file(source, ref)
            if self._batches or self._gatherer.full() or len(self._files) >= GROUP_FILES:
                self._commit()

    def _file(self, source: Source, ref: ObjectRef) -> None:
        reading, left = Reading(), 0
        try:
            if ref.denied:
                reading.note = ref.denied
            else:
                with source.open(ref) as stream:
                    for some in records(stream, reading):
                        left += self._gatherer.take(some, reading)
                        if self._gatherer.full():
                            self._fold()
        except ObjectError as err:
            reading.note = f"{err.reason}: {err}"
        self._note(ref, reading, left)

    def _note(self, ref: ObjectRef, reading: Reading, left: int) -> None:
        done, path = self.done, path_of(ref)
        done.files[reading.kind] += 1
        done.records += reading.records
        done.left_out += left
        done.broken += reading.broken
        if reading.note:
            done.unread += 1
            if len(done.notes) < 100:
                done.notes.append((path, reading.note))
        elif reading.kind in (OTHER, DIGEST) and len(done.others) < 100:
            done.others.append(path)
        if reading.note and not reading.note.startswith(_ITS_OWN):
            return  # the next ingest tries again; what was counted of it is known by its ids
        self._files.append(
            TakenFile(path, ref.size, ref.etag, reading.kind, reading.records, left, reading.broken, reading.note)
        )

    def _fold(self) -> None:
        held = self._gatherer.size
        batch = self._gatherer.batch()
        if batch is not None:
            self.done.doubles += held - int(batch.requests["requests"].sum())
            self._batches.append(batch)

    def _commit(self) -> None:
        """Write what was gathered, with the files that it came from, in one transaction. Raises: StoreError."""
        self._fold()
        if not self._files and not self._batches:
            return
        with self._store.transaction():
            for batch in self._batches:
                _written(self._store, batch)
            self._store.note_files(self._files)
            stages.reached("commit")
        self._batches.clear()
        self._files.clear()


def path_of(ref: ObjectRef) -> str:
    """How a file of logs is remembered."""
    return f"{ref.source}/{ref.key}"


def _groups(refs: Iterator[ObjectRef]) -> Iterator[list[ObjectRef]]:
    while group := list(islice(refs, TOGETHER)):
        yield group


def _written(store: AccessStore, batch: Batch) -> None:
    """Write the sums of a batch, names as the store's numbers. Raises: StoreError."""
    used = np.unique(np.concatenate((batch.requests["what"], batch.days["bucket"])))
    whats = [batch.whats[place] for place in used.tolist()]
    sources = sorted({what.source for what in whats})
    buckets = dict(zip(sources, _numbers(store, "buckets", [(source,) for source in sources]), strict=True))
    owners: dict[str, str] = {}
    for what in whats:
        if what.owner and len(owners.get(what.source, "")) != 12:
            owners[what.source] = what.owner
    store.owners(owners)
    store.accounts(what.ours for what in whats)
    bucket_of = np.zeros(len(batch.whats), np.int64)
    bucket_of[used] = [buckets[what.source] for what in whats]
    store.objects({"oid": batch.oids[used], "bucket": bucket_of[used], "key": [what.key for what in whats]})
    actors, pids = _actors(store, batch)
    hows = np.unique(batch.requests["how"])
    named = [(h.action, h.verb.value, h.outcome.value, h.error) for h in (batch.hows[n] for n in hows.tolist())]
    actions = np.zeros(len(batch.hows), np.int64)
    actions[hows] = _numbers(store, "actions", named)
    sums = {name: batch.requests[name] for name in ("first", "last", "requests", "bytes")}
    store.requests({
        "oid": batch.oids[batch.requests["what"]],
        "actor": actors[batch.requests["who"]],
        "action": actions[batch.requests["how"]],
        **sums,
    })  # fmt: skip
    days = {name: column for name, column in batch.days.items() if name not in ("who", "bucket")}
    store.days({"pid": pids[batch.days["who"]], "bucket": bucket_of[batch.days["bucket"]], **days})
    store.add_seen(batch.seen)


_TABLES = {
    "buckets": ("access_buckets", "bucket", ("source",)),
    "principals": ("access_principals", "pid", ("principal", "kind", "account")),
    "actors": ("access_actors", "actor", ("pid", "ip", "network")),
    "actions": ("access_actions", "action", ("name", "verb", "outcome", "error")),
}


def _numbers(store: AccessStore, table: str, rows: Sequence[tuple[Any, ...]]) -> list[int]:
    return store.numbers(*_TABLES[table], rows)


def _actors(store: AccessStore, batch: Batch) -> tuple[Any, Any]:
    """The store's numbers of a batch's actors, and of their principals."""
    used = np.unique(np.concatenate((batch.requests["who"], batch.days["who"])))
    whos = [batch.whos[place] for place in used.tolist()]
    pids = _numbers(store, "principals", [(who.principal, who.kind, who.account) for who in whos])
    networks: dict[str, str] = {}
    rows = [
        (pid, who.ip, networks[who.ip] if who.ip in networks else networks.setdefault(who.ip, network(who.ip)))
        for pid, who in zip(pids, whos, strict=True)
    ]
    out = np.zeros(len(batch.whos), np.int64), np.zeros(len(batch.whos), np.int64)
    out[0][used] = _numbers(store, "actors", rows)
    out[1][used] = pids
    return out


def settle(store: AccessStore) -> None:
    """Put together what several transactions brought. Raises: StoreError."""

    def estimated(registers: Sequence[bytes], groups: Any, count: int) -> tuple[Any, list[bytes]]:
        out = np.zeros((count, sketch.REGISTERS), np.uint8)
        np.maximum.at(out, groups, sketch.unpacked(list(registers)))
        return sketch.estimates(out), sketch.packed(out)

    def united(parts: Sequence[bytes]) -> bytes:
        return seen.packed(seen.unpacked(b"".join(parts)))

    store.settle(estimated, united)
