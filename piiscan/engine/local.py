"""The local engine: worker processes on this machine, one shard at a time each, rebuilt when one dies.

A worker that dies is replaced and its shard tried again; an object that was being scanned at two deaths is recorded and
not tried again in the run.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from piiscan.engine.messages import ref_to_json, task_to_json
from piiscan.errors import CatalogueError, ConfigError, PiiscanError, SourceError, StoreError
from piiscan.ports import Event, Shard, ShardFile, Task
from piiscan.spans import began, record

log = logging.getLogger(__name__)

_FATAL: dict[str, type[PiiscanError]] = {e.__name__: e for e in (CatalogueError, ConfigError, SourceError, StoreError)}
DEATHS = 2
"""Deaths of a worker on one object before that object is given up."""


@dataclass(slots=True)
class _Process:
    """One worker process and what it is doing."""

    popen: subprocess.Popen[str]
    shard: Shard | None = None
    index: int = -1
    """Object that is being scanned; -1: none, before the first and after the last."""
    told: int = 0
    """Objects of the shard that are done."""
    buffer: str = ""
    began: int = 0
    """When it was given its shard."""


@dataclass(slots=True)
class _Trouble:
    """What went wrong with one shard so far."""

    deaths: dict[int, int] = field(default_factory=dict)
    poisoned: dict[int, str] = field(default_factory=dict)
    idle: int = 0
    """Deaths while no object was being scanned."""
    told: int = 0
    """Objects that `told` has heard of already; it hears of each once."""


class LocalEngine:
    """`workers` processes; 0 means one for each core. With `keep` they wait for the next run until `stop`."""

    def __init__(self, workers: int = 0, *, keep: bool = False) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._keep = keep
        self._processes: list[_Process] = []
        self._trouble: dict[int, _Trouble] = {}
        self._again: list[Shard] = []

    def run(self, shards: Iterable[Shard], task: Task, told: Callable[[Event], None]) -> Iterator[ShardFile]:
        """See `ports.Engine`. Raises: StoreError when a shard file cannot be written, PiiscanError from a worker."""
        waiting = iter(shards)
        selector = selectors.DefaultSelector()
        more, whole = True, False
        self._trouble, self._again = {}, []
        for process in self._processes:
            selector.register(process.popen.stdout, selectors.EVENT_READ, process)  # type: ignore[arg-type]
            self._write(process, {"task": task_to_json(task)})
        try:
            while True:
                for process in self._idle(task, selector, more):
                    shard = self._again.pop() if self._again else next(waiting, None) if more else None
                    if shard is None:
                        more = False
                        break
                    self._hand(process, shard)
                busy = [p for p in self._processes if p.shard is not None]
                if not busy and not self._again and not more:
                    whole = True
                    return
                for key, _ in selector.select(timeout=1.0):
                    yield from self._read(key.data, selector, told)
        finally:
            selector.close()
            if not (self._keep and whole):
                self.stop()

    def _idle(self, task: Task, selector: selectors.BaseSelector, more: bool) -> Iterator[_Process]:
        """Processes without work; a new one is started only when there is a shard left for it to ask for."""
        for process in list(self._processes):
            if process.shard is None:
                yield process
        while (more or self._again) and len(self._processes) < self.workers:
            process = self._start(task)
            self._processes.append(process)
            selector.register(process.popen.stdout, selectors.EVENT_READ, process)  # type: ignore[arg-type]
            yield process
            if process.shard is None:
                return

    def _start(self, task: Task) -> _Process:
        popen = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "piiscan.engine.worker", str(os.getpid())],
            process_group=0,  # Ctrl-C is the conductor's to handle, from the first moment on
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        process = _Process(popen)
        os.set_blocking(popen.stdout.fileno(), False)  # type: ignore[union-attr]
        self._write(process, {"task": task_to_json(task)})
        return process

    def _hand(self, process: _Process, shard: Shard) -> None:
        process.shard, process.index, process.told, process.began = shard, -1, 0, began()
        trouble = self._trouble.get(shard.number)
        self._write(
            process,
            {
                "run": shard.run,
                "number": shard.number,
                "refs": [ref_to_json(r) for r in shard.refs],
                "poisoned": trouble.poisoned if trouble is not None else {},
            },
        )

    def _write(self, process: _Process, message: dict[str, Any]) -> None:
        assert process.popen.stdin is not None
        try:
            process.popen.stdin.write(json.dumps(message) + "\n")
            process.popen.stdin.flush()
        except BrokenPipeError:
            log.debug("event=worker_gone pid=%d", process.popen.pid)  # its end of output tells the rest

    def _read(
        self, process: _Process, selector: selectors.BaseSelector, told: Callable[[Event], None]
    ) -> Iterator[ShardFile]:
        assert process.popen.stdout is not None
        data = os.read(process.popen.stdout.fileno(), 1 << 16)
        if not data:
            selector.unregister(process.popen.stdout)
            self._processes.remove(process)
            self._bury(process)
            return
        *lines, process.buffer = (process.buffer + data.decode("ascii")).split("\n")
        for line in lines:
            event = json.loads(line)
            if event["event"] == "start":
                process.index = 0
            elif event["event"] == "object":
                process.told += 1
                process.index = process.told if process.shard and process.told < len(process.shard.refs) else -1
                trouble = self._trouble.get(process.shard.number) if process.shard is not None else None
                if trouble is None or process.told > trouble.told:
                    told(Event(event["outcome"], event["bytes"], event["findings"]))
            elif event["event"] == "error":
                raise _FATAL.get(event["kind"], PiiscanError)(event["message"])
            else:
                shard = process.shard
                assert shard is not None
                process.shard = None
                record("shard", process.began, _measures(shard))
                yield ShardFile(shard.run, event["number"], event["path"])

    def _bury(self, process: _Process) -> None:
        """Note what a dead worker was at, and put its shard back."""
        code = process.popen.wait()
        shard, index = process.shard, process.index
        log.warning("event=worker_died code=%d shard=%s object=%d", code, shard.number if shard else None, index)
        if shard is None:
            return
        record("shard", process.began, _measures(shard), error="WORKER_DIED")
        trouble = self._trouble.setdefault(shard.number, _Trouble())
        trouble.told = max(trouble.told, process.told)
        trouble.idle += index < 0
        if trouble.idle >= DEATHS:
            raise PiiscanError(f"worker processes end without doing any work (exit code {code}); see the lines above")
        if index >= 0:
            trouble.deaths[index] = trouble.deaths.get(index, 0) + 1
            if trouble.deaths[index] >= DEATHS:
                trouble.poisoned[index] = f"WORKER_DIED: the worker process ended {DEATHS} times on this object"
        self._again.append(shard)

    def stop(self) -> None:
        """End all workers at once."""
        for process in self._processes:
            process.popen.kill()
        for process in self._processes:
            process.popen.wait()
            for pipe in (process.popen.stdin, process.popen.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        log.debug("event=worker_pipe_broken")
        self._processes.clear()


def _measures(shard: Shard) -> dict[str, int]:
    """What a trace tells of a shard."""
    return {"shard": shard.number, "objects": len(shard.refs), "bytes": sum(ref.size for ref in shard.refs)}
