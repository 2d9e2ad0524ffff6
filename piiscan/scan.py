"""The conductor of a run: crawl, select, leave out what is known, cut shards, run an engine, take its files in.

Everything that may die is outside the database: workers write shard files, this process loads them. The same command
after a kill finds its broken run, takes in what lies in the spool, and goes on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from piiscan.allow import AllowLists, load_allow
from piiscan.classify.build import all_rules
from piiscan.config import Config
from piiscan.crawl import STDIN, Target, open_source, parse_target
from piiscan.crawl.buckets import meant
from piiscan.crawl.select import Tally, own_denied, select
from piiscan.engine.local import LocalEngine
from piiscan.engine.worker import examination
from piiscan.errors import PiiscanError, SourceError
from piiscan.model import ObjectRef
from piiscan.ports import Engine, Event, Shard, ShardFile, Source, Task
from piiscan.spool import object_id
from piiscan.store.ingest import DuckStore
from piiscan.store.snapshot import Publisher, publish

log = logging.getLogger(__name__)

SHARD_OBJECTS = 256
SHARD_BYTES = 256 << 20
SHARD_SECONDS = 10.0
LOOKUP, FIRST_LOOKUPS = 4_096, 512
"""Listed objects looked up in the store at a time; the second at the beginning, so that workers need not wait."""
GROUP_FILES = 16
"""Shard files taken in by one transaction."""
GROUP_SECONDS = 3.0
UNLISTED = ("PERMISSION_DENIED", "READ_FAILED", "PATH_TOO_LONG")
"""Why a folder shows as one entry: what is below it was not listed, and may well be there."""


@dataclass(slots=True)
class Progress:
    """What a run has done so far; the command line draws it."""

    tally: Tally = field(default_factory=Tally)
    unchanged: int = 0
    earlier: int = 0
    """Objects that this run had done before it was broken off."""
    planned: int = 0
    planned_bytes: int = 0
    done: int = 0
    bytes: int = 0
    findings: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crawled: bool = False
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    run: int
    resumed: bool
    status: str
    progress: Progress
    source_errors: tuple[str, ...]
    gone: int
    targets: tuple[Target, ...]
    allow: AllowLists = field(default_factory=AllowLists)


def identity(targets: Sequence[Target], config: Config, full: bool) -> str:
    """A digest of what was asked for: the same command, interrupted, goes on."""
    wanted = {
        "targets": [(t.source, t.prefix, t.single) for t in targets],
        "select": [config.include, config.exclude, config.sample, config.max_objects, config.max_bytes],
        "from": config.aws.inventory,
        "more": [config.max_object_bytes, config.threshold, config.ner, config.ner_max_bytes, full],
    }
    return hashlib.blake2b(json.dumps(wanted).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def covers(one: Target, other: Target) -> bool:
    """Whether all that a target means is meant by another one, too: nothing is read twice in a run."""
    return one != other and one.source == other.source and not one.single and other.prefix.startswith(one.prefix)


def spool_dir(database: Path) -> Path:
    """The folder of shard files that belongs to a database."""
    return database.with_name(database.name + ".spool")


class Run:
    """One run over its targets."""

    def __init__(
        self,
        targets: Sequence[str],
        config: Config,
        store: DuckStore,
        *,
        full: bool = False,
        stdin_copy: str = "",
        engine: Engine | None = None,
        sources: Sequence[Source] = (),
        watch: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._texts = tuple(targets)
        self._config = config
        self._store = store
        self._full = full
        self._stdin_copy = stdin_copy
        self._given = {Target(source.name, single=True): source for source in sources}
        self._engine = engine if engine is not None else LocalEngine(config.workers)
        self._watch = watch
        self.progress = Progress()
        self._errors: list[str] = []
        self._listed: list[tuple[Target, list[int] | None, list[str], datetime | None]] = []
        self._vanished: list[int] = []
        self._gone = 0

    def execute(self) -> RunResult:
        """Do the run. Raises: ConfigError, CatalogueError, StoreError; KeyboardInterrupt after closing the run."""
        rules = all_rules(self._config)
        allow = load_allow(self._config.allow)
        version = examination(rules, self._config)
        targets = self._targets()
        spool = spool_dir(self._store.path)
        state = self._store.begin(
            [t.source + ("/" + t.prefix if t.prefix else "") for t in targets],
            identity(targets, self._config, self._full),
            _public(self._config),
            version,
        )
        run = state.run
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in spool.glob("scratch-*"):  # we hold the database, so whoever made it is dead
            shutil.rmtree(left, ignore_errors=True)
        scratch = tempfile.mkdtemp(prefix="scratch-", dir=spool)
        self._store.remember_rules(rules)
        status = "failed"
        try:
            self._take_in(run, self._store.pending(spool, run))
            task = Task(self._config.to_json(), self._store.key, str(spool), scratch, version)
            shards = self._shards(targets, run, version)
            self._ingest(run, self._engine.run(shards, task, self._tell))
            self._close_listings(run)
            self._end(run, "done")
            status = "done"
        except KeyboardInterrupt:
            status = "cancelled"
            raise
        finally:
            if status != "done":
                with suppress(PiiscanError):
                    if status == "cancelled":
                        self._take_in(run, self._store.pending(spool, run))
                    self._end(run, status)
            shutil.rmtree(scratch, ignore_errors=True)
            if status == "done":
                for (number,) in self._store.query("SELECT run FROM runs WHERE status = 'done'"):
                    shutil.rmtree(spool / f"{number:08d}", ignore_errors=True)
                with suppress(OSError):
                    spool.rmdir()
        return RunResult(
            run, state.resumed, status, self.progress, tuple(self._errors), self._gone, tuple(targets), allow
        )

    def _end(self, run: int, status: str) -> None:
        self._store.end(run, status, self.progress.tally.listed, self.progress.unchanged)
        publish(self._store)

    def _targets(self) -> list[Target]:
        """The targets that exist; the others are told of at the end (exit code 3)."""
        found: list[Target] = list(self._given)
        for text in self._texts:
            try:
                found += meant(parse_target(text), self._config)
            except SourceError as err:
                self._errors.append(str(err))
        if not found:
            raise SourceError("; ".join(self._errors))
        found = list(dict.fromkeys(found))
        return [t for t in found if not any(covers(other, t) for other in found)]

    def _tell(self, event: Event) -> None:
        progress = self.progress
        progress.done += 1
        progress.bytes += event.bytes
        progress.findings += event.findings
        progress.outcomes[event.outcome] += 1
        self._watch(progress)

    def _source(self, target: Target) -> Source:
        if target in self._given:
            return self._given[target]
        if target.source == STDIN:
            from piiscan.crawl.local import LocalSource

            return LocalSource(STDIN, only="-", stdin_copy=self._stdin_copy)
        return open_source(target, self._config)

    def _wanted(self, targets: Sequence[Target], run: int, version: str) -> Iterator[ObjectRef]:
        """The objects to read, in listing order."""
        tally = self.progress.tally
        for target in targets:
            oids: list[int] | None = None if target.single else []
            hidden: list[str] = []
            batch: list[ObjectRef] = []
            marks: list[int] = []
            try:
                source = self._source(target)
                for ref, chosen in select(own_denied(source.crawl(), self._store.path), self._config, tally):
                    mark = object_id(ref.source, ref.key)
                    if oids is not None:
                        oids.append(mark)
                        if ref.denied.startswith(UNLISTED):
                            hidden.append(ref.key + "/")
                    if not chosen:
                        continue
                    batch.append(ref)
                    marks.append(mark)
                    if len(batch) >= (LOOKUP if tally.listed > LOOKUP else FIRST_LOOKUPS):
                        yield from self._unknown(batch, marks, run, version)
                        batch, marks = [], []
                yield from self._unknown(batch, marks, run, version)
            except SourceError as err:
                if target.by_pattern:  # nobody named it, so the coverage does
                    batch.append(ObjectRef(target.source, ".", 0, denied=f"SOURCE_NOT_LISTED: {err}"))
                    marks.append(object_id(target.source, "."))
                    tally.listed += 1
                yield from self._unknown(batch, marks, run, version)
                self._errors.append(str(err))
                log.warning("event=source_failed source=%s", target.source)
                continue
            if tally.capped:
                oids = None
            self._listed.append((target, oids, hidden, getattr(source, "as_of", None)))
            self._vanished += [object_id(target.source, key) for key in getattr(source, "gone", ())]
        self.progress.crawled = True

    def _unknown(self, batch: Sequence[ObjectRef], marks: Sequence[int], run: int, version: str) -> Iterator[ObjectRef]:
        known, here = self._store.current(batch, version, run, self._full, marks)
        self.progress.unchanged += len(known) - here
        self.progress.earlier += here
        for index, ref in enumerate(batch):
            if index not in known:
                self.progress.planned += 1
                self.progress.planned_bytes += ref.size
                yield ref

    def _shards(self, targets: Sequence[Target], run: int, version: str) -> Iterator[Shard]:
        """Shards of up to 256 objects, 256 MB or 10 s; small at first, so that small trees use all workers."""
        number = self._store.next_shard(run)
        refs: list[ObjectRef] = []
        size, most, since, made = 0, 8, time.monotonic(), 0
        for ref in self._wanted(targets, run, version):
            if refs and (
                len(refs) >= most or size + ref.size > SHARD_BYTES or time.monotonic() - since > SHARD_SECONDS
            ):
                yield Shard(run, number, tuple(refs))
                number, made = number + 1, made + 1
                if made % 4 == 0:
                    most = min(most * 2, SHARD_OBJECTS)
                refs, size, since = [], 0, time.monotonic()
            refs.append(ref)
            size += ref.size
        if refs:
            yield Shard(run, number, tuple(refs))

    def _ingest(self, run: int, files: Iterator[ShardFile]) -> None:
        group: list[ShardFile] = []
        publisher = Publisher(self._store)
        publisher.maybe()
        last = time.monotonic()
        for file in files:
            group.append(file)
            if len(group) >= GROUP_FILES or time.monotonic() - last > GROUP_SECONDS:
                self._take_in(run, group)
                publisher.maybe()
                group, last = [], time.monotonic()
        self._take_in(run, group)

    def _take_in(self, run: int, files: Sequence[ShardFile]) -> None:
        self._store.load(run, files)
        for file in files:
            Path(file.path).unlink(missing_ok=True)

    def _close_listings(self, run: int) -> None:
        for target, oids, hidden, as_of in self._listed:
            kind = "s3" if target.source.startswith("s3://") else "file"
            aws = self._config.aws
            self._gone += self._store.listed(
                run,
                target.source,
                kind,
                oids,
                prefix=target.prefix if not target.single else "",
                endpoint=aws.endpoint_url if kind == "s3" else "",
                region=aws.region if kind == "s3" else "",
                hidden=hidden,
                as_of=as_of,
            )
        self._gone += self._store.close_objects(run, self._vanished)


def _public(config: Config) -> dict[str, Any]:
    """The settings that a run keeps; sinks and alerts stay out, since their addresses may be secret."""
    data = replace(config, alerts=(), sinks=()).to_json()
    return {k: v for k, v in data.items() if k not in ("alerts", "sinks")}
