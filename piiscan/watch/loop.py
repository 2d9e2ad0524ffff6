"""The loops of `piiscan watch`: wait, scan what changed, commit, go on."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from piiscan.config import Config
from piiscan.crawl import open_source, parse_target
from piiscan.crawl.select import own_denied
from piiscan.engine.local import LocalEngine
from piiscan.errors import SourceError
from piiscan.metrics.progress import told
from piiscan.ports import Source
from piiscan.scan import Run, RunResult
from piiscan.store.ingest import DuckStore
from piiscan.watch.events import Touched
from piiscan.watch.sources import TouchedSource
from piiscan.watch.sqs import WAIT, Queue

log = logging.getLogger(__name__)

Done = Callable[[RunResult], None]
"""Told of each run that ended."""
After = Callable[[DuckStore, RunResult], None]
"""Called when a run is committed and its database still open."""
RETRY = 30.0
"""Seconds before a queue or a tree that cannot be reached is tried again."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is done around each run."""

    done: Done
    turn: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered before the database is opened, left when it is closed: waits for one's turn among several writers."""
    after: After = lambda store, result: None


def sources_of(objects: Sequence[Touched], config: Config) -> list[Source]:
    """The objects of events, by bucket."""
    keys: dict[str, list[str]] = defaultdict(list)
    for one in objects:
        keys[one.bucket].append(one.key)
    return [TouchedSource(f"s3://{bucket}", keys[bucket], config.aws) for bucket in sorted(keys)]


def watch_queue(queue: Queue, config: Config, database: Path, around: Around, *, once: bool = False) -> int:
    """Scan the objects of a queue's events for ever, or `once` until it is empty. How many messages were foreign.

    The database is open while a batch is scanned and not in between. A message is deleted when what it led to is
    committed. Raises: SourceError when the queue cannot be used and only `once` is wanted; StoreError, ConfigError.
    """
    engine = LocalEngine(config.workers, keep=True)
    try:
        return _watched(queue, config, database, around, engine, once=once)
    finally:
        engine.stop()


def _watched(queue: Queue, config: Config, database: Path, around: Around, engine: LocalEngine, *, once: bool) -> int:
    foreign = 0
    while True:
        try:
            batch = queue.receive(1 if once else WAIT)
        except SourceError as err:
            if once:
                raise
            log.error("event=queue_failed error=%s", str(err))
            time.sleep(RETRY)
            continue
        foreign += batch.foreign
        if batch.objects:
            with queue.hidden(batch.receipts):
                _run([], config, database, engine, sources_of(batch.objects, config), around)
        if batch.receipts:
            queue.delete(batch.receipts)
        elif once:
            return foreign


def watch_tree(
    target: str, config: Config, database: Path, around: Around, *, every: float, once: bool = False
) -> None:
    """Scan a target whenever its listing differs from the last one, looked at every so many seconds.

    Raises: SourceError when it cannot be listed the first time; StoreError, ConfigError.
    """
    engine = LocalEngine(config.workers, keep=True)
    try:
        _looked_at(target, config, database, around, engine, every=every, once=once)
    finally:
        engine.stop()


def _looked_at(
    target: str, config: Config, database: Path, around: Around, engine: LocalEngine, *, every: float, once: bool
) -> None:
    seen: dict[str, str] | None = None
    source = open_source(parse_target(target), config)
    while True:
        try:
            listed = {ref.key: ref.etag for ref in own_denied(source.crawl(), database) if not ref.denied}
        except SourceError:
            if seen is None:
                raise
            log.error("event=listing_failed source=%s", source.name)
            time.sleep(RETRY)
            continue
        if listed != seen:
            _run([target], config, database, engine, [], around)
            seen = listed
        if once:
            return
        time.sleep(every)


def _run(
    targets: Sequence[str],
    config: Config,
    database: Path,
    engine: LocalEngine,
    sources: Sequence[Source],
    around: Around,
) -> None:
    with around.turn():
        store = DuckStore(database, key_file=Path(config.key_file) if config.key_file else None)
        try:
            with told(database) as tell:
                result = Run(targets, config, store, engine=engine, sources=sources, watch=tell).execute()
            around.after(store, result)
        finally:
            store.close()
    around.done(result)
