"""What every store keeps, and what DuckDB's own does besides: locks, versions, kills, modes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from piiscan.errors import StoreError
from piiscan.fingerprints import DIGEST, Fingerprints
from piiscan.model import ObjectRef, ObjectReport, Outcome
from piiscan.ports import ShardFile, Store
from piiscan.spool import FINDING, GROUP, HELD, OBJECT, object_id, write_shard
from piiscan.store.duck import latest_version, migrations, open_for_reading, open_for_writing, schema_version, settings
from piiscan.store.ingest import DuckStore
from piiscan.store.known import PASSING
from tests.support.made import CATALOGUE, SOURCE, add_run, database, finding, ref, report
from tests.support.programs import REASON

State = dict[str, tuple[str, str, int]]
"""Key of an object: outcome, reason, the run that examined it."""


class Bench(ABC):
    """A store under test, and what it says when asked."""

    store: Store

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def begin(self) -> int: ...
    @abstractmethod
    def end(self, run: int) -> None: ...
    @abstractmethod
    def listed(self, run: int, keys: Sequence[str] | None, prefix: str = "", hidden: Sequence[str] = ()) -> int: ...
    @abstractmethod
    def objects(self) -> State: ...
    @abstractmethod
    def findings(self) -> dict[tuple[str, str], tuple[datetime, int]]: ...
    @abstractmethod
    def rows(self) -> tuple[int, int, int]:
        """Objects, findings, shards, whatever state they are in."""

    def close(self) -> None:
        return None

    def shard(self, run: int, number: int, reports: Sequence[ObjectReport], catalogue: str = CATALOGUE) -> ShardFile:
        return write_shard(self.folder / "spool", run, number, reports, catalogue)

    def scan(self, reports: Sequence[ObjectReport], catalogue: str = CATALOGUE) -> int:
        run = self.begin()
        self.store.load(run, [self.shard(run, 0, reports, catalogue)])
        self.end(run)
        return run

    @abstractmethod
    def known(
        self, refs: Sequence[ObjectRef], catalogue: str = CATALOGUE, run: int | None = None, *, full: bool = False
    ) -> tuple[set[int], int]: ...


class DuckBench(Bench):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.duck = DuckStore(folder / "a.duckdb", key_file=folder / "a.key")
        self.store = self.duck

    def begin(self) -> int:
        return self.duck.begin([SOURCE], "identity", {}, CATALOGUE).run

    def end(self, run: int) -> None:
        self.duck.end(run, "done", 0, 0)

    def known(
        self, refs: Sequence[ObjectRef], catalogue: str = CATALOGUE, run: int | None = None, *, full: bool = False
    ) -> tuple[set[int], int]:
        known = self.duck.known(SOURCE, "", catalogue, self.begin() if run is None else run, full=full)
        at = known.find(np.array([object_id(ref.source, ref.key) for ref in refs], np.int64))
        same, here = known.unchanged(at, refs)
        return set(np.flatnonzero(same).tolist()), here

    def listed(self, run: int, keys: Sequence[str] | None, prefix: str = "", hidden: Sequence[str] = ()) -> int:
        known = self.duck.known(SOURCE, prefix, CATALOGUE, run, full=False)
        known.find(np.array([object_id(SOURCE, key) for key in keys or ()], np.int64))
        missing = None if keys is None else known.gone()
        return self.duck.listed(run, SOURCE, "file", missing, prefix=prefix, endpoint="", region="", hidden=hidden)

    def objects(self) -> State:
        rows = self.duck.query("SELECT object, outcome, reason, run FROM v_objects")
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def findings(self) -> dict[tuple[str, str], tuple[datetime, int]]:
        rows = self.duck.query("SELECT object, rule, first_seen, run FROM v_findings")
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def rows(self) -> tuple[int, int, int]:
        counts = [self.duck.query(f"SELECT count(*) FROM {t}")[0][0] for t in ("objects", "findings", "shards")]
        return counts[0], counts[1], counts[2]

    def close(self) -> None:
        self.duck.close()


class MemoryStore:
    """The findings store as plain lists: what the protocol means, and nothing else."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.findings: list[dict[str, Any]] = []
        self.shards: set[tuple[int, int]] = set()
        self.started: dict[int, datetime] = {}

    def current(self, refs: Sequence[ObjectRef], catalogue: str, run: int, full: bool) -> tuple[set[int], int]:
        newest = {o["oid"]: o for o in self.objects if o["superseded"] is None}
        unread, done = set(), 0
        for index, listed in enumerate(refs):
            row = newest.get(object_id(listed.source, listed.key))
            if row is None:
                continue
            same = (row["size"], row["etag"], row["version"]) == (listed.size, listed.etag, listed.version)
            passing = not listed.denied and row["reason"].partition(":")[0] in PASSING
            again = full or row["outcome"] == "failed" or row["catalogue"] != catalogue or passing or not same
            if row["run"] == run:
                done += 1
            elif again:
                continue
            unread.add(index)
        return unread, done

    def load(self, run: int, files: Sequence[ShardFile]) -> None:
        fresh = [f for f in files if (run, f.number) not in self.shards]
        try:  # everything is read before anything is kept
            rows = [row for f in fresh for row in pq.read_table(f.path).to_pylist()]
        except (OSError, ValueError) as err:
            raise StoreError(str(err)) from None
        done = {o["oid"] for o in self.objects if o["run"] == run}
        rows = [row for row in rows if row["oid"] not in done]
        oids = {row["oid"] for row in rows if row["kind"] == OBJECT}
        seen = {f["finding"]: f["first_seen"] for f in self.findings if f["superseded"] is None}
        self.close(run, oids)
        for row in rows:
            if row["kind"] == OBJECT:
                self.objects.append({**row, "run": run, "superseded": None})
            elif row["kind"] == FINDING:
                first = seen.get(row["finding"], self.started[run])
                self.findings.append({**row, "run": run, "superseded": None, "first_seen": first})
        self.shards |= {(run, f.number) for f in fresh}

    def close(self, run: int, oids: set[int]) -> None:
        for row in (*self.objects, *self.findings):
            if row["superseded"] is None and row["oid"] in oids:
                row["superseded"] = run


class MemoryBench(Bench):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.memory = MemoryStore()
        self.store = self.memory
        self.open = 0

    def begin(self) -> int:
        if not self.open:
            self.open = len(self.memory.started) + 1
            self.memory.started[self.open] = datetime.now()
        return self.open

    def end(self, run: int) -> None:
        self.open = 0

    def known(
        self, refs: Sequence[ObjectRef], catalogue: str = CATALOGUE, run: int | None = None, *, full: bool = False
    ) -> tuple[set[int], int]:
        return self.memory.current(refs, catalogue, self.begin() if run is None else run, full)

    def listed(self, run: int, keys: Sequence[str] | None, prefix: str = "", hidden: Sequence[str] = ()) -> int:
        if keys is None:
            return 0
        gone = {
            o["oid"]
            for o in self.memory.objects
            if o["superseded"] is None
            and o["key"].startswith(prefix)
            and o["key"] not in keys
            and not any(o["key"].startswith(h) for h in hidden)
        }
        self.memory.close(run, gone)
        return len(gone)

    def objects(self) -> State:
        rows = [o for o in self.memory.objects if o["superseded"] is None]
        return {o["key"]: (o["outcome"], o["reason"], o["run"]) for o in rows}

    def findings(self) -> dict[tuple[str, str], tuple[datetime, int]]:
        keys = {o["oid"]: o["key"] for o in self.memory.objects}
        rows = [f for f in self.memory.findings if f["superseded"] is None]
        return {(keys[f["oid"]], f["rule"]): (f["first_seen"], f["run"]) for f in rows}

    def rows(self) -> tuple[int, int, int]:
        return len(self.memory.objects), len(self.memory.findings), len(self.memory.shards)


@pytest.fixture(params=[DuckBench, MemoryBench], ids=["duckdb", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    make: Callable[[Path], Bench] = request.param
    made = make(tmp_path)
    yield made
    made.close()


def two() -> list[ObjectReport]:
    return [report("a.txt", [finding()]), report("b.txt", [finding("us.itin"), finding()])]


def test_many_distinct_values_go_through_a_shard_in_row_groups(tmp_path: Path) -> None:
    count = HELD + GROUP // 2
    digests = np.arange(2 * count, dtype=">u8").view(DIGEST)
    many = replace(
        finding("generic.email"), count=count, distinct=count, values=Fingerprints(digests, np.full(count, 3))
    )
    reports = [report("a.txt", [finding(values=2)]), report("b.txt", [many, finding(values=3)]), report("c.txt")]
    came: list[str] = []

    def coming() -> Iterator[ObjectReport]:
        for one in reports:
            came.append(one.ref.key)
            yield one

    store = DuckStore(tmp_path / "a.duckdb", key_file=tmp_path / "a.key")
    run = store.begin([SOURCE], "identity", {}, CATALOGUE).run
    file = write_shard(tmp_path / "spool", run, 0, coming(), CATALOGUE)
    groups = pq.ParquetFile(file.path).metadata
    assert max(groups.row_group(i).num_rows for i in range(groups.num_row_groups)) <= GROUP
    assert groups.num_row_groups < 20
    store.load(run, [file])
    rows = store.query(
        "SELECT oid, rule, count(*), sum(count), count(DISTINCT fingerprint) FROM value_index GROUP BY ALL"
    )
    first, second = object_id(SOURCE, "a.txt"), object_id(SOURCE, "b.txt")
    assert sorted(rows) == sorted(
        [(first, "us.ssn", 2, 2, 2), (second, "us.ssn", 3, 3, 3), (second, "generic.email", count, 3 * count, count)]
    )
    assert store.query("SELECT count(*) FROM objects")[0][0] == len(came) == 3
    store.close()


def test_a_shard_whose_reports_break_off_is_no_shard(tmp_path: Path) -> None:
    def coming() -> Iterator[ObjectReport]:
        digests = np.arange(2 * (HELD + 1), dtype=">u8").view(DIGEST)
        yield report("a.txt", [finding()])
        yield report("b.txt", [replace(finding(), values=Fingerprints(digests, np.ones(HELD + 1, np.int64)))])
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_shard(tmp_path / "spool", 1, 0, coming(), CATALOGUE)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_shard_counts_once(bench: Bench) -> None:
    run = bench.begin()
    first, second = bench.shard(run, 0, two()), bench.shard(run, 1, [report("c.txt")])
    bench.store.load(run, [first])
    bench.store.load(run, [first])
    bench.store.load(run, [first, second])
    assert bench.rows() == (3, 3, 2)
    assert {key: state[2] for key, state in bench.objects().items()} == {"a.txt": run, "b.txt": run, "c.txt": run}


def test_an_object_counts_once_in_a_run_however_it_was_cut_into_shards(bench: Bench) -> None:
    run = bench.begin()
    bench.store.load(run, [bench.shard(run, 0, two())])
    bench.store.load(run, [bench.shard(run, 1, [report("b.txt", [finding()]), report("c.txt", [finding()])])])
    assert bench.rows() == (3, 4, 2)
    assert sorted(bench.findings()) == [
        ("a.txt", "us.ssn"), ("b.txt", "us.itin"), ("b.txt", "us.ssn"), ("c.txt", "us.ssn"),
    ]  # fmt: skip


def test_a_load_is_all_or_nothing(bench: Bench) -> None:
    before = bench.scan(two())
    run = bench.begin()
    good = bench.shard(run, 0, [report(ref("a.txt", etag="e2"))])
    broken = bench.shard(run, 1, [report("c.txt")])
    Path(broken.path).write_bytes(Path(broken.path).read_bytes()[:-20])
    with pytest.raises(StoreError):
        bench.store.load(run, [good, broken])
    assert bench.rows() == (2, 3, 1)
    assert bench.objects()["a.txt"] == ("scanned", "", before)
    bench.store.load(run, [good])
    assert bench.objects()["a.txt"] == ("scanned", "", run)


def test_nothing_is_known_of_what_was_never_read(bench: Bench) -> None:
    assert bench.known([]) == (set(), 0)
    assert bench.known([ref("a.txt")]) == (set(), 0)


def test_what_is_unchanged_needs_no_reading(bench: Bench) -> None:
    bench.scan(two())
    assert bench.known([ref("b.txt"), ref("x.txt"), ref("a.txt")]) == ({0, 2}, 0)
    assert bench.known([ref("a.txt")], full=True) == (set(), 0)


@pytest.mark.parametrize(
    "changed",
    [
        ref("a.txt", size=101),
        ref("a.txt", etag="e2"),
        ref("a.txt", version="v2"),
        ref("A.txt"),
        ref("a.txt", source="file:///other"),
    ],
    ids=["size", "etag", "version", "key", "source"],
)
def test_what_has_changed_is_read_again(bench: Bench, changed: ObjectRef) -> None:
    bench.scan(two())
    assert bench.known([changed, ref("b.txt")]) == ({1}, 0)


def test_other_rules_read_everything_again(bench: Bench) -> None:
    bench.scan(two())
    assert bench.known([ref("a.txt")], "another catalogue") == (set(), 0)


@pytest.mark.parametrize(
    ("outcome", "reason", "again"),
    [
        (Outcome.FAILED, "UNABLE_TO_PARSE_FILE: broken", True),
        (Outcome.FAILED, "TIME_CUT_OFF_REACHED: slow", True),
        (Outcome.SKIPPED, "PERMISSION_DENIED: mode 000", True),
        (Outcome.PARTIAL, "READ_FAILED: the line broke", True),
        (Outcome.SKIPPED, "UNSUPPORTED_FILE_TYPE_EXCEPTION: no text", False),
        (Outcome.SKIPPED, "INVALID_ENCRYPTION: no password", False),
        (Outcome.PARTIAL, "ARCHIVE_NESTING_LEVEL_OVER_LIMIT: deep", False),
        (Outcome.SCANNED, "", False),
    ],
    ids=lambda v: str(v).partition(":")[0],
)
def test_what_may_end_otherwise_is_tried_again(bench: Bench, outcome: Outcome, reason: str, again: bool) -> None:
    bench.scan([report("a.txt", outcome=outcome, reason=reason)])
    assert bench.known([ref("a.txt")]) == (set() if again else {0}, 0)


def test_what_the_listing_refuses_still_is_not_tried_again(bench: Bench) -> None:
    denied = ObjectRef(SOURCE, "a.txt", 100, "e1", denied="PERMISSION_DENIED: mode 000")
    bench.scan([report(denied, outcome=Outcome.SKIPPED, reason=denied.denied)])
    assert bench.known([denied]) == ({0}, 0)
    assert bench.known([ref("a.txt")]) == (set(), 0)


def test_a_resumed_run_knows_what_it_has_done(bench: Bench) -> None:
    bench.scan([report("old.txt")])
    run = bench.begin()
    bench.store.load(run, [bench.shard(run, 0, [*two(), report("f.txt", outcome=Outcome.FAILED, reason="X: y")])])
    asked = [ref("a.txt"), ref("old.txt"), ref("f.txt"), ref("b.txt", size=7)]
    assert bench.known(asked, run=run) == ({0, 1, 2, 3}, 3)
    assert bench.known(asked, run=run, full=True) == ({0, 2, 3}, 3)


def test_a_new_reading_takes_the_place_of_the_old_one(bench: Bench) -> None:
    bench.scan(two())
    before = bench.findings()
    run = bench.scan([report(ref("b.txt", etag="e2"), [finding(), finding("us.npi")])])
    assert bench.objects()["b.txt"][2] == run
    now = bench.findings()
    assert sorted(now) == [("a.txt", "us.ssn"), ("b.txt", "us.npi"), ("b.txt", "us.ssn")]
    assert now["a.txt", "us.ssn"] == before["a.txt", "us.ssn"]
    assert now["b.txt", "us.ssn"] == (before["b.txt", "us.ssn"][0], run), "first_seen was not carried over"
    assert now["b.txt", "us.npi"][0] > before["b.txt", "us.ssn"][0]
    assert bench.rows() == (3, 5, 2)


def test_first_seen_goes_through_many_runs_and_starts_anew_after_a_gap(bench: Bench) -> None:
    bench.scan([report("a.txt", [finding()])])
    first = bench.findings()["a.txt", "us.ssn"][0]
    for n in (2, 3):
        bench.scan([report(ref("a.txt", etag=f"e{n}"), [finding()])])
    assert bench.findings()["a.txt", "us.ssn"] == (first, 3)
    bench.scan([report(ref("a.txt", etag="e4"))])
    assert bench.findings() == {}
    bench.scan([report(ref("a.txt", etag="e5"), [finding()])])
    assert bench.findings()["a.txt", "us.ssn"][0] > first


def test_what_is_gone_is_closed_below_the_listed_prefix_only(bench: Bench) -> None:
    keys = ["hr/a.txt", "hr/b.txt", "hrx/c.txt", "it/d.txt"]
    bench.scan([report(key, [finding()]) for key in keys])
    run = bench.begin()
    assert bench.listed(run, None) == 0
    assert bench.listed(run, keys) == 0
    assert bench.listed(run, ["hr/b.txt"], "hr/") == 1
    assert sorted(bench.objects()) == sorted({key for key, _ in bench.findings()}) == keys[1:]
    assert bench.listed(run, ["hr/b.txt"], "", ["hrx/"]) == 1
    assert sorted(bench.objects()) == ["hr/b.txt", "hrx/c.txt"]
    assert bench.known([ref("hr/a.txt")], run=run) == (set(), 0)
    assert bench.listed(run, []) == 2
    assert (bench.objects(), bench.findings()) == ({}, {})


def test_keys_that_nobody_would_choose(bench: Bench) -> None:
    keys = ["a'b;--.txt", "%_*.txt", "line\nbreak", "sur\udc80rogate", "zero\0byte", "é", "e\u0301"]
    bench.scan([report(key, [finding()]) for key in keys])
    assert bench.known([ref(key) for key in keys]) == (set(range(len(keys))), 0)
    assert bench.rows()[0] == len(keys)


# What only DuckDB's store does.


def test_runs_are_resumed_by_the_same_command_only(tmp_path: Path) -> None:
    store = DuckStore(tmp_path / "a.duckdb", key_file=tmp_path / "k")
    first = store.begin(["t"], "mine", {}, "c1")
    assert store.begin(["t"], "mine", {}, "c1") == type(first)(first.run, True)
    assert store.begin(["t"], "other", {}, "c1").run == 2
    assert store.begin(["t"], "mine", {}, "c2") == type(first)(3, False)
    store.end(3, "done", 0, 0)
    assert store.begin(["t"], "mine", {}, "c2") == type(first)(4, False)
    rows = dict(store.query("SELECT run, status FROM v_runs"))
    assert rows == {1: "failed", 2: "failed", 3: "done", 4: "running"}
    store.close()


def test_a_file_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database(tmp_path, two())
    finally:
        os.umask(before)
    for path in (tmp_path / "made.duckdb", *(tmp_path / "spool").rglob("*.parquet")):
        assert path.stat().st_mode & 0o777 == 0o600, path.name


def test_no_extension_is_fetched_or_loaded(tmp_path: Path) -> None:
    path = database(tmp_path, two())
    assert settings()["autoinstall_known_extensions"] == settings()["autoload_known_extensions"] == "false"
    ask = "SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')"
    for opening in (open_for_writing, open_for_reading, partial(open_for_reading, locked_down=True)):
        con = opening(path)
        assert con.execute(ask).fetchall() == [(False, False)]
        con.close()


def test_migrations_run_from_empty_and_only_once(tmp_path: Path) -> None:
    numbers = [number for number, _ in migrations()]
    assert numbers == list(range(1, latest_version() + 1))
    path = tmp_path / "a.duckdb"
    duckdb.connect(str(path)).close()
    for _ in range(2):
        con = open_for_writing(path)
        assert [r[0] for r in con.execute("SELECT version FROM schema_version ORDER BY 1").fetchall()] == numbers
        assert schema_version(con) == latest_version()
        con.close()
    assert not list(tmp_path.glob("*.bak-*")), "an empty database needs no backup"


def test_views_are_made_anew_at_every_opening(tmp_path: Path) -> None:
    path = database(tmp_path, two())
    con = duckdb.connect(str(path))
    con.execute("CREATE OR REPLACE VIEW v_objects AS SELECT 1 AS nothing")
    con.close()
    open_for_writing(path).close()
    con = open_for_reading(path)
    assert con.execute("SELECT count(object) FROM v_objects").fetchall() == [(2,)]
    con.close()


@pytest.mark.parametrize("opening", [open_for_writing, open_for_reading], ids=["write", "read"])
def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path, opening: Callable[[Path], Any]) -> None:
    path = database(tmp_path, two())
    con = duckdb.connect(str(path))
    con.execute("INSERT INTO schema_version VALUES (?, now()::TIMESTAMP, '9')", [latest_version() + 1])
    con.close()
    content = path.read_bytes()
    with pytest.raises(StoreError, match="written by a newer piiscan") as caught:
        opening(path)
    assert caught.value.exit_code == 5
    assert path.read_bytes() == content


@pytest.mark.parametrize("opening", [open_for_writing, open_for_reading], ids=["write", "read"])
@pytest.mark.parametrize("table", ["customers", "schema_version"])
def test_somebody_elses_database_is_refused_and_left_alone(
    tmp_path: Path, opening: Callable[[Path], Any], table: str
) -> None:
    path = tmp_path / "a.duckdb"
    con = duckdb.connect(str(path))
    con.execute(f"CREATE TABLE {table} AS SELECT 7 AS id")
    con.close()
    content = path.read_bytes()
    with pytest.raises(StoreError, match="a DuckDB file, but not one of piiscan's"):
        opening(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"not a database\n" * 400, b"x"], ids=["text", "tiny"])
@pytest.mark.parametrize("opening", [open_for_writing, open_for_reading], ids=["write", "read"])
def test_what_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, opening: Callable[[Path], Any], content: bytes
) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        opening(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_reader_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such database; run a scan first"):
        open_for_reading(tmp_path / "a.duckdb")
    assert not list(tmp_path.iterdir())


def python(code: str, *args: object, executable: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run([executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=60)


READER = """
import sys
from pathlib import Path
from piiscan.errors import StoreError
from piiscan.store.duck import open_for_reading, open_for_writing
for opening in (open_for_reading, open_for_writing):
    try:
        opening(Path(sys.argv[1]))
    except StoreError as err:
        print(err)
"""


def test_nobody_comes_in_while_another_process_writes(tmp_path: Path) -> None:
    store = DuckStore(tmp_path / "a.duckdb", key_file=tmp_path / "k")
    done = python(READER, store.path)
    said = f"{store.path}: another process (process {os.getpid()}) is writing to this database"
    assert (
        done.stdout.replace("process (PID", "process (process").splitlines()
        == [f"{said}; wait for it or use another --db"] * 2
    ), done.stderr
    store.close()


KILLED = """
import os, signal, sys
from pathlib import Path
import piiscan.stages
from piiscan.store.ingest import DuckStore
from tests.support.made import CATALOGUE, SOURCE, finding, report
from piiscan.spool import write_shard

folder = Path(sys.argv[1])
store = DuckStore(folder / "made.duckdb", key_file=folder / "made.key")
run = store.begin([SOURCE], "identity", {}, CATALOGUE).run
store.load(run, [write_shard(folder / "spool", run, 0, [report("b.txt", [finding()])], CATALOGUE)])

def reached(stage):
    if stage == "commit":
        os.kill(os.getpid(), signal.SIGKILL)
piiscan.stages.reached = reached
store.load(run, [write_shard(folder / "spool", run, 1, [report("a.txt"), report("c.txt", [finding()])], CATALOGUE)])
"""


def test_a_kill_inside_a_transaction_leaves_whole_shards(tmp_path: Path) -> None:
    path = database(tmp_path, [report("a.txt", [finding()])])
    done = python(KILLED, tmp_path)
    assert done.returncode == -signal.SIGKILL, done.stderr
    store = DuckStore(path, key_file=tmp_path / "made.key")
    assert store.query("SELECT object, run FROM v_objects ORDER BY 1") == [("a.txt", 1), ("b.txt", 2)]
    assert store.query("SELECT object, rule, run FROM v_findings ORDER BY 1") == [
        ("a.txt", "us.ssn", 1), ("b.txt", "us.ssn", 2),
    ]  # fmt: skip
    # The broken run goes on where it stood, with the file that was complete.
    state = store.begin([SOURCE], "identity", {}, CATALOGUE)
    assert (state.run, state.resumed) == (2, True)
    (waiting,) = store.pending(tmp_path / "spool", 2)
    assert (waiting.number, store.next_shard(2)) == (1, 1)
    store.load(2, [waiting])
    assert store.query("SELECT object FROM v_findings ORDER BY 1") == [("b.txt",), ("c.txt",)]
    assert store.pending(tmp_path / "spool", 2) == []
    store.close()


OTHER = """
import sys
import duckdb
print(duckdb.__version__)
con = duckdb.connect(sys.argv[1], read_only=True)
views = [r[0] for r in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1").fetchall()]
for view in views:
    print(view, con.execute(f"SELECT count(*) FROM (SELECT * FROM {view})").fetchall()[0][0])
"""


def test_the_other_series_of_duckdb_reads_the_file(tmp_path: Path) -> None:
    """Run with PIISCAN_DUCKDB_OTHER=/path/to/python of an environment with another duckdb."""
    other = os.environ.get("PIISCAN_DUCKDB_OTHER")
    if not other:
        pytest.skip(f"{REASON}python with another duckdb (PIISCAN_DUCKDB_OTHER)")
    store = DuckStore(tmp_path / "made.duckdb", key_file=tmp_path / "made.key")
    add_run(store, tmp_path, two())
    store.close()
    done = python(OTHER, tmp_path / "made.duckdb", executable=other)
    assert done.returncode == 0, done.stderr
    version, *counts = done.stdout.splitlines()
    assert version.partition(".")[0] != duckdb.__version__.partition(".")[0]
    empty, held = ["v_allowed 0", "v_unread 0"], ["v_coverage 1", "v_findings 3", "v_objects 2", "v_occurrences 3"]
    assert counts == sorted([*empty, *held, "v_runs 1"])
