"""A month of sweeps over a tree, in this process: what is read when, and how much is known after each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from piiscan.config import Config
from piiscan.engine.worker import scan_shard
from piiscan.ports import Event, Shard, ShardFile, Task
from piiscan.sampling.results import estimates
from piiscan.scan import Run, RunResult
from piiscan.store import ingest
from piiscan.store.ingest import DuckStore
from tests.support.trees import ssn

LARGEST = 3_000
BUDGET = 60_000


class Here:
    """An engine without processes."""

    def run(self, shards: Iterable[Shard], task: Task, told: Callable[[Event], None]) -> Iterator[ShardFile]:
        for shard in shards:
            yield scan_shard(shard, task)


class Month:
    """A tree, its database, and a day that goes by with each sweep."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        self.tree = folder / "tree"
        self.store = DuckStore(folder / "month.duckdb", key_file=folder / "key")
        self.now = datetime(2026, 3, 1, 2)
        monkeypatch.setattr(ingest, "_now", lambda: self.now)

    def write(self, folder: str, count: int, risky: bool = False) -> None:
        for n in range(count):
            path = self.tree / folder / f"f{n}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = f"His SSN: {ssn(n)} is on file.\n" if risky and n % 2 else ""
            path.write_text((text + "nothing to see here\n" * 200)[: 500 + n * 37 % 2_500])
            os.utime(path, (1_700_000_000, 1_700_000_000))

    def sweep(self, **settings: int) -> RunResult:
        config = Config(workers=1, ner=False, packs=("us",), **{"budget": BUDGET, **settings})  # type: ignore[arg-type]
        result = Run([str(self.tree)], config, self.store, engine=Here()).execute()
        self.now += timedelta(days=1)
        return result

    def one(self, sql: str) -> list[tuple[object, ...]]:
        return self.store.query(sql)


@pytest.fixture
def month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Month]:
    made = Month(tmp_path, monkeypatch)
    yield made
    made.store.close()


def test_a_month(month: Month) -> None:
    for folder in ("logs/a", "logs/b", "logs/c", "pub/x"):
        month.write(folder, 160)
    month.write("hr/old", 160, risky=True)
    total = sum(path.stat().st_size for path in month.tree.rglob("*.txt"))
    expected = -(-total // BUDGET)
    assert 15 < expected < 30
    shares: list[float] = []
    for day in range(expected):
        result = month.sweep()
        spent = month.one(f"SELECT sum(size)::BIGINT FROM objects WHERE run = {result.run}")[0][0]
        assert isinstance(spent, int)
        assert spent < BUDGET + LARGEST
        assert spent >= min(BUDGET, total)
        total -= spent
        ((objects, read, share),) = month.one(
            f"SELECT objects, objects_read, objects_share FROM v_bucket_coverage WHERE run = {result.run}"
        )
        assert objects == 800
        assert isinstance(share, float)
        assert share == pytest.approx(int(str(read)) / 800)
        shares.append(share)
        if day == expected // 2:
            rows = month.one("SELECT object FROM v_objects WHERE outcome = 'scanned'")
            counts = Counter(str(row[0]).partition("/")[0] for row in rows)
            assert counts["hr"] == 160, "what is risky is read in the first half"
            assert counts["logs"] < 480 * 0.6
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert month.one("SELECT count(*) FROM v_objects WHERE outcome = 'scanned'") == [(800,)]
    assert not month.sweep().next_best
    assert month.one(f"SELECT count(*) FROM objects WHERE run = {expected + 1}") == [(0,)]


def test_what_is_new_is_looked_at_in_the_next_sweep(month: Month) -> None:
    month.write("logs/a", 160)
    month.write("logs/b", 160)
    for _ in range(3):
        month.sweep()
    month.write("brandnew", 30, risky=True)
    result = month.sweep()
    rows = month.one(f"SELECT count(*) FROM objects WHERE run = {result.run} AND starts_with(key, 'brandnew/')")
    assert int(str(rows[0][0])) >= 15
    assert result.next_best


def test_a_sweep_that_is_broken_off_goes_on_with_its_own_plan(month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    month.write("logs/a", 160)
    month.write("hr", 160, risky=True)
    month.sweep()

    class Broken(Here):
        def run(self, shards: Iterable[Shard], task: Task, told: Callable[[Event], None]) -> Iterator[ShardFile]:
            for number, file in enumerate(super().run(shards, task, told)):
                yield file
                if number == 1:
                    raise KeyboardInterrupt

    whole = month.tree.parent / "whole.duckdb"
    month.store.checkpoint()
    whole.write_bytes(month.store.path.read_bytes())
    config = Config(workers=1, ner=False, packs=("us",), budget=BUDGET)
    with pytest.raises(KeyboardInterrupt):
        Run([str(month.tree)], config, month.store, engine=Broken()).execute()
    again = month.sweep()
    assert again.resumed
    sql = "SELECT key, outcome FROM objects WHERE run = 2 ORDER BY key"
    found = month.one(sql)
    other = DuckStore(whole, key_file=month.tree.parent / "key")
    try:
        Run([str(month.tree)], config, other, engine=Here()).execute()
        assert other.query(sql) == found
        for table in ("strata", "strata_hits", "bucket_coverage"):
            everything = f"SELECT * FROM {table} ORDER BY ALL"
            assert other.query(everything) == month.one(everything)
    finally:
        other.close()


def test_a_run_that_reads_everything_keeps_no_strata(month: Month) -> None:
    month.write("a", 12)
    result = month.sweep(budget=0)
    assert month.one("SELECT count(*) FROM strata") == [(0,)]
    assert estimates(month.store.query, result.run) == []
    assert month.one("SELECT objects_share, bytes_share FROM v_bucket_coverage") == [(1.0, 1.0)]


def test_a_sample_of_what_is_known_needs_no_reading(month: Month) -> None:
    month.write("a", 150, risky=True)
    month.write("b", 150)
    month.sweep(budget=0)
    result = month.sweep(budget=0, sample=20)
    assert month.one(f"SELECT count(*) FROM objects WHERE run = {result.run}") == [(0,)]
    (target,) = estimates(month.store.query, result.run)
    assert target["population"] == 300
    assert 40 <= target["sampled"] <= 90
    rows = {(row["kind"], row["what"]): row for row in target["estimates"]}
    assert rows["category", "pii"]["low"] <= 75 / 300 <= rows["category", "pii"]["high"]
    assert rows["rule", "us.ssn"]["found"] == rows["category", "pii"]["found"] > 0
    assert rows["category", "financial"]["found"] == 0
    assert 0 < rows["category", "financial"]["at_most"] < 0.1
