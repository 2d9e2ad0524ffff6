"""Alerts while a run goes on: rules with `group` are evaluated after groups of objects were taken in.

Whoever feeds the store calls `look` now and then, between two transactions. Rules are asked and sinks are told in two
threads of their own, which touch no store: a rule that takes long or a sink that does not answer holds no scan up. What
they bring is written by the thread that calls `look`, each message in one transaction with the marks of its rows.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from piiscan.alert import MEMORY, as_rows, checked, failed, tell
from piiscan.alert.outbox import Delivered, attempt, now_utc, settle
from piiscan.config import AlertConfig, Config
from piiscan.errors import PiiscanError
from piiscan.ports import Sink
from piiscan.store import outbox
from piiscan.store.ingest import DuckStore
from piiscan.store.query import several
from piiscan.store.snapshot import publish, snapshot_path
from piiscan.triage import put_into_force

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two evaluations at the least."""
LOOK = 1.0
"""Seconds between two looks at what the threads have brought."""
SHARE = 0.01
"""Seconds of a core a second that evaluations may take; like snapshots, they come less often when they take long."""
SECONDS = 10.0
"""For one rule; at the end of the run it has more."""
Answer = list[dict[str, Any]] | PiiscanError
_Answered = tuple[float, list[tuple[AlertConfig, Answer]]]
T = TypeVar("T")


class _Lane(Generic[T]):
    """A thread that does one thing after another, and keeps what came of each."""

    def __init__(self, name: str) -> None:
        self._todo: SimpleQueue[Callable[[], T] | None] = SimpleQueue()
        self._done: SimpleQueue[T] = SimpleQueue()
        self._waiting = 0
        self._ended = threading.Event()
        # Not one that the interpreter waits for: a sink may take its time, and what it is told of is in the outbox.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], T]) -> None:
        self._waiting += 1
        self._todo.put(work)

    @property
    def busy(self) -> bool:
        return self._waiting > 0

    @property
    def ending(self) -> bool:
        return self._ended.is_set()

    def taken(self) -> list[T]:
        """What is done since the last call."""
        out = []
        with suppress(Empty):
            while True:
                out.append(self._done.get_nowait())
        self._waiting -= len(out)
        return out

    def end(self, seconds: float) -> None:
        """Begin nothing more, and wait for what it is at."""
        self._ended.set()
        self._todo.put(None)
        self._thread.join(seconds)

    def _work(self) -> None:
        while (work := self._todo.get()) is not None and not self._ended.is_set():
            self._done.put(work())


class GroupAlerts:
    """The alerts of one run while it goes on. Its methods are called by the thread that writes to the store."""

    def __init__(self, store: DuckStore, config: Config) -> None:
        """Raises: ConfigError for a rule or a sink that is not whole."""
        self._store = store
        self._sinks: Mapping[str, Sink] = checked(config)
        self._rules = [rule for rule in config.alerts if "group" in rule.when]
        self._folder = store.path.with_name(store.path.name + ".spool") / "scratch-alerts"
        self._asker: _Lane[_Answered] = _Lane("alert-rules")
        self._sender: _Lane[tuple[outbox.Message, OSError | None]] = _Lane("alert-sinks")
        self._flying: set[str] = set()
        """Messages that the sender has."""
        self._groups = self._taken_in()[0]
        self._run = 0
        self._spent = 0.0
        self._next = time.monotonic() + EVERY  # a scan of seconds has its alerts at its end
        self._next_look = 0.0
        self._closed = False
        self.done = Delivered()

    def look(self) -> None:
        """Write down what the threads have brought, and give them more to do. It never raises a PiiscanError."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK
        try:
            self._answered()
            self._settled()
            if now >= self._next and not self._asker.busy:
                self._next = now + EVERY
                self._ask()
                self._send()
        except (PiiscanError, OSError) as err:
            log.error("event=group_alerts_failed error=%s", type(err).__name__)

    def __enter__(self) -> GroupAlerts:
        return self

    def __exit__(self, *_: object) -> None:
        """After an error or Ctrl-C nobody waits long for a sink."""
        try:
            self.close(2.0)
        except PiiscanError as err:
            log.error("event=group_alerts_failed error=%s", type(err).__name__)

    def close(self, seconds: float = 60.0) -> Delivered:
        """Stop the threads, and write down what they brought; what they did not come to waits in the outbox.

        How the deliveries went. Raises: StoreError.
        """
        if self._closed:
            return self.done
        self._closed = True
        self._asker.end(max(seconds, SECONDS))  # DuckDB must not be at work when the interpreter ends
        self._sender.end(seconds)
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            self._folder.parent.rmdir()
        self._settled()
        return self.done

    def _taken_in(self) -> tuple[int, datetime | None]:
        """How many groups' files were taken in, and when the last."""
        count, last = self._store.query("SELECT count(*), max(loaded) FROM shards")[0]
        return int(count), last

    def _ask(self) -> None:
        """Have the rules asked, when there is something new."""
        count, last = self._taken_in()
        if count == self._groups:
            return
        begin = time.thread_time()
        self._run = int(self._store.query("SELECT coalesce(max(run), 0) FROM runs WHERE status = 'running'")[0][0])
        if suppressed := bool(self._store.query("SELECT 1 FROM suppressions LIMIT 1")):
            put_into_force(self._store)
        copy = self._copy(None if suppressed else last)
        self._groups, self._spent = count, time.thread_time() - begin
        self._asker.put(lambda: self._answers(copy))

    def _copy(self, last: datetime | None) -> Path:
        """A snapshot that is not older than the last group, under a name of its own.

        The run may ask the snapshot something meanwhile, and DuckDB opens one path with one set of settings only.
        """
        newest = snapshot_path(self._store.path)
        if last is None or not newest.exists() or _changed(newest) < last:
            publish(self._store)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = self._folder / "snapshot.duckdb"
        copy.unlink(missing_ok=True)
        try:
            os.link(newest, copy)
        except OSError:  # a file system without links
            shutil.copyfile(newest, copy)
        return copy

    def _answers(self, copy: Path) -> _Answered:
        """In the thread of the rules: what each finds, and how many seconds of a core that took."""
        begin = time.thread_time()
        out: list[tuple[AlertConfig, Answer]] = []
        try:
            # One thread of DuckDB is ours; the scan has the others.
            for rule, answer in zip(
                self._rules, several(copy, (rule.sql for rule in self._rules), SECONDS, MEMORY, 1), strict=False
            ):
                out.append((rule, _shaped(rule, answer)))
                if self._asker.ending:
                    break
        except (PiiscanError, KeyboardInterrupt) as err:  # DuckDB makes an interrupt of a limit that is a moment late
            log.error("event=group_alerts_failed error=%s", type(err).__name__)
        return time.thread_time() - begin, out

    def _answered(self) -> None:
        for seconds, answers in self._asker.taken():
            begin = time.thread_time()
            for rule, answer in answers:
                now = now_utc()
                if isinstance(answer, PiiscanError):
                    failed(self._store, rule, answer, now)
                else:
                    tell(self._store, rule, answer, self._run, now)
            spent = self._spent + seconds + time.thread_time() - begin
            self._next = max(self._next, time.monotonic() + spent / SHARE)
            log.info("event=group_alerts rules=%d seconds=%.3f", len(answers), spent)
            self._send()

    def _send(self) -> None:
        """Hand over what is due."""
        for message in outbox.due(self._store, now_utc()):
            sink = self._sinks.get(message.sink)
            if sink is not None and message.id not in self._flying:
                self._flying.add(message.id)
                self._sender.put(lambda sink=sink, message=message: (message, _tried(sink, message)))  # type: ignore[misc]

    def _settled(self) -> None:
        for message, err in self._sender.taken():
            settle(self._store, message, self._sinks[message.sink], err, now_utc(), self.done)
            self._flying.discard(message.id)


def _shaped(rule: AlertConfig, answer: tuple[list[str], list[tuple[Any, ...]]] | PiiscanError) -> Answer:
    try:
        return answer if isinstance(answer, PiiscanError) else as_rows(rule, *answer)
    except PiiscanError as err:
        return err


def _tried(sink: Sink, message: outbox.Message) -> OSError | None:
    try:
        return attempt(sink, message)
    except Exception as err:
        log.error("event=sink_failed sink=%s error=%s", message.sink, type(err).__name__)
        return OSError(type(err).__name__)


def _changed(path: Path) -> datetime:
    """When a file was written last, as the store keeps times."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
