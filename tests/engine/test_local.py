"""Worker processes that wait for the next run: the same ones, with the new run's folders, and none left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pyarrow.parquet as pq

from piiscan.classify.build import all_rules
from piiscan.config import Config
from piiscan.crawl.local import LocalSource
from piiscan.engine.examination import examination
from piiscan.engine.local import LocalEngine
from piiscan.ports import Event, Shard, Task
from tests.support.trees import document, write

CONFIG = Config(ner=False, workers=1)


def run(engine: LocalEngine, root: Path, number: int) -> list[Event]:
    """The events of one run over a small tree with files that need a parser, into folders of its own."""
    tree = write(root / f"tree{number}", map(document, range(6 * number, 6 * number + 6)))
    spool, scratch = root / f"spool{number}", root / f"scratch{number}"
    scratch.mkdir()
    task = Task(CONFIG.to_json(), b"k" * 32, str(spool), str(scratch), examination(all_rules(CONFIG), CONFIG))
    told: list[Event] = []
    refs = tuple(LocalSource(f"file://{tree}").crawl())
    (file,) = engine.run([Shard(1, 0, refs)], task, told.append)
    assert Path(file.path).is_relative_to(spool)
    assert pq.read_table(file.path, columns=["key"]).num_rows > 6
    assert {event.outcome for event in told} == {"scanned"}
    assert len(told) == 6
    return told


def pids(engine: LocalEngine) -> list[int]:
    return [process.popen.pid for process in engine._processes]


def test_workers_are_kept_from_run_to_run(tmp_path: Path) -> None:
    engine = LocalEngine(1, keep=True)
    try:
        run(engine, tmp_path, 0)
        first = pids(engine)
        assert len(first) == 1
        run(engine, tmp_path, 1)
        assert pids(engine) == first
        os.kill(first[0], signal.SIGKILL)
        run(engine, tmp_path, 2)
        second = pids(engine)
        assert second != first
        run(engine, tmp_path, 3)
        assert pids(engine) == second
    finally:
        engine.stop()
    assert pids(engine) == []


def test_workers_end_with_their_run(tmp_path: Path) -> None:
    engine = LocalEngine(1)
    run(engine, tmp_path, 0)
    assert pids(engine) == []
    run(engine, tmp_path, 1)
