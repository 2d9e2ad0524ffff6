"""What of the past is dropped, and a file that is no larger than what it holds."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from piiscan.errors import StoreError
from piiscan.model import ObjectReport
from piiscan.store.history import differences
from piiscan.store.ingest import DuckStore
from piiscan.store.retention import forget, horizon, vacuum
from tests.support.made import add_run, database, finding, report


def state(number: int) -> list[ObjectReport]:
    """Objects of which each run changes one, drops none."""
    return [report(f"{n}.txt", [finding(values=1 + (number if n == number % 3 else 0))]) for n in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> DuckStore:
    path = database(tmp_path, *(state(n) for n in range(1, 6)))
    return DuckStore(path, key_file=tmp_path / "made.key")


TABLES = ("objects", "findings", "occurrences", "value_index")


def counts(store: DuckStore) -> list[int]:
    return [store.query(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES]


def test_the_states_of_the_runs_that_are_kept_stay(store: DuckStore) -> None:
    kept = [list(differences(store.connection, a, b)) for a, b in ((4, 5), (3, 4))]
    newest = store.query("SELECT * FROM v_findings ORDER BY ALL")
    assert horizon(store, 3, None) == 3
    assert forget(store, 3) == 2 * 6
    assert [list(differences(store.connection, a, b)) for a, b in ((4, 5), (3, 4))] == kept
    assert store.query("SELECT * FROM v_findings ORDER BY ALL") == newest
    assert counts(store)[0] == 9
    assert forget(store, 3) == 0
    assert store.query("SELECT count(*) FROM v_runs")[0][0] == 5
    store.close()


def test_runs_and_days_together_keep_what_either_keeps(store: DuckStore) -> None:
    now = datetime.now(UTC)
    for run in range(1, 6):
        end = (now - timedelta(days=10 * (5 - run))).replace(tzinfo=None)
        store.query("UPDATE runs SET ended = ? WHERE run = ?", [end, run])
    assert horizon(store, None, 25, now) == 2
    assert horizon(store, None, 1000, now) == 0
    assert horizon(store, 2, 25, now) == 2
    assert horizon(store, 5, 1, now) == 1
    assert horizon(store, 9, None) == 0
    assert horizon(store, None, None) == 0
    store.close()


def test_the_file_shrinks_and_holds_the_same(store: DuckStore, tmp_path: Path) -> None:
    store.query("CREATE TABLE ballast AS SELECT md5(i::VARCHAR) AS v FROM range(200000) t(i)")
    store.checkpoint()
    add_run(store, tmp_path, state(6) + [report(f"more{n}.txt", [finding(values=20)]) for n in range(2_000)])
    store.checkpoint()
    store.query("DROP TABLE ballast")
    before = {table: store.query(f"SELECT * FROM {table} ORDER BY ALL") for table in (*TABLES, "runs", "meta")}
    versions = store.query("SELECT version FROM schema_version ORDER BY 1")
    store.close()
    sizes = vacuum(store.path)
    assert sizes[1] < sizes[0]
    assert sizes[1] == store.path.stat().st_size
    assert store.path.stat().st_mode & 0o777 == 0o600
    again = DuckStore(store.path, key_file=tmp_path / "made.key")
    assert {table: again.query(f"SELECT * FROM {table} ORDER BY ALL") for table in before} == before
    assert again.query("SELECT version FROM schema_version ORDER BY 1") == versions
    add_run(again, tmp_path, state(7))
    again.close()
    assert {p.name for p in tmp_path.iterdir() if "vacuum" in p.name} == set()


def test_a_disk_without_room_leaves_the_old_file(store: DuckStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.close()
    before = store.path.read_bytes()

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="No space"):
        vacuum(store.path)
    assert store.path.read_bytes() == before
    assert not store.path.with_name(store.path.name + ".vacuum").exists()
