"""Damage to the log or the file, no room, no right to write: a clear error, or all that was committed comes back."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from piiscan.errors import StoreError
from piiscan.spool import write_shard
from piiscan.store import triage
from piiscan.store.duck import Damaged, open_for_reading
from piiscan.store.ingest import DuckStore
from piiscan.store.repair import repair, unreadable
from piiscan.store.retention import vacuum
from piiscan.store.rotation import rotate
from piiscan.store.snapshot import publish
from piiscan.store.triage import Said
from tests.support.cli import Cli
from tests.support.made import CATALOGUE, SOURCE, add_run, database, finding, report

GROUPS, EACH, FIRST = 5, 12, 4
"""Transactions in the log, objects of each, and objects that are in the file itself."""


@dataclass(frozen=True)
class Killed:
    """A database whose process was killed in the middle of a run."""

    folder: Path
    log: bytes

    def with_log(self, log: bytes) -> Path:
        """A copy of the database, with another log."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.parent)) / "x"
        shutil.copytree(self.folder, folder)
        (folder / "d.duckdb.wal").write_bytes(log)
        return folder / "d.duckdb"


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("stress") / "killed"
    folder.mkdir()
    child = os.fork()
    if child == 0:
        store = DuckStore(folder / "d.duckdb", key_file=folder / "key")
        run = store.begin([SOURCE], "identity", {}, CATALOGUE).run
        for number in range(GROUPS + 1):
            names = [f"{number}-{n}.txt" for n in range(EACH if number else FIRST)]
            reports = [report(name, [finding(values=3)]) for name in names]
            store.load(run, [write_shard(folder / "spool", run, number, reports, CATALOGUE)])
            if number == 0:
                store.checkpoint()
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    return Killed(folder, (folder / "d.duckdb.wal").read_bytes())


@pytest.fixture
def limited() -> Iterator[None]:
    """Files may not grow beyond some size meanwhile: what a full disk says, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def groups(path: Path) -> int:
    """How many transactions of the log are there: all of each, in order, and the rows agree with each other."""
    con = open_for_reading(path)
    try:
        objects = {row[0] for row in con.execute("SELECT key FROM objects").fetchall()}
        count, rest = divmod(len(objects) - FIRST, EACH)
        assert rest == 0
        assert objects == {f"{g}-{n}.txt" for g in range(count + 1) for n in range(EACH if g else FIRST)}
        findings = con.execute("SELECT count(*), count(DISTINCT oid) FROM findings").fetchall()
        assert findings == [(len(objects), len(objects))]
        for table, each in (("occurrences", 1), ("value_index", 3)):
            assert con.execute(f"SELECT count(*) FROM {table}").fetchall() == [(each * len(objects),)]
        assert con.execute("SELECT count(*) FROM shards").fetchall() == [(count + 1,)]
        assert unreadable(con) == {}
    finally:
        con.close()
    return count


def goes_on(path: Path) -> None:
    """The same run reads what is missing, and nothing twice."""
    store = DuckStore(path, key_file=path.parent / "key")
    state = store.begin([SOURCE], "identity", {}, CATALOGUE)
    assert (state.run, state.resumed) == (1, True)
    there = {row[0] for row in store.query("SELECT key FROM objects")}
    missing = [report(f"{g}-{n}.txt", [finding(values=3)]) for g in range(1, GROUPS + 1) for n in range(EACH)]
    missing = [one for one in missing if one.ref.key not in there]
    number = store.next_shard(1)
    store.load(1, [write_shard(path.parent / "spool", 1, number, missing, CATALOGUE)] if missing else [])
    store.end(1, "done", 0, 0)
    assert store.query("SELECT count(*), count(DISTINCT object) FROM v_objects") == [(FIRST + GROUPS * EACH,) * 2]
    assert store.query("SELECT count(*) FROM v_occurrences") == [(FIRST + GROUPS * EACH,)]
    store.close()


def test_a_log_that_breaks_off_holds_whole_transactions(killed: Killed) -> None:
    rng = random.Random(1)
    seen = set()
    for at in sorted({0, 1, 20, *rng.sample(range(len(killed.log)), 8), len(killed.log) - 1}):
        path = killed.with_log(killed.log[:at])
        assert repair(path) == []
        seen.add(groups(path))
    assert {0, GROUPS - 1} < seen  # and others
    goes_on(path)


def test_what_stands_before_the_damage_comes_back(killed: Killed) -> None:
    rng = random.Random(2)
    last, back, told = 0, set(), 0
    for at in sorted(rng.sample(range(300, len(killed.log)), 9)):
        data = bytearray(killed.log)
        data[at] ^= 1 << rng.randrange(8)
        path = killed.with_log(bytes(data))
        said = repair(path)
        if said:  # else the damage looks like an end
            assert re.search(r"damaged at byte [\d,]+ of [\d,]+", said[0])
            (aside,) = path.parent.glob("*.wal.damaged-*")
            assert aside.read_bytes() == data
            assert not path.with_name("d.duckdb.wal").exists()
            told += 1
        count = groups(path)
        assert count >= last  # the later the damage, the more is back
        last = count
        back.add(count)
        assert repair(path) == []
    assert len(back) > 2
    assert told > 6
    goes_on(path)


def test_a_repair_that_has_no_room_changes_nothing(killed: Killed, limited: None) -> None:
    data = bytearray(killed.log)
    data[data.index(b"3-1.txt")] ^= 1
    path = killed.with_log(bytes(data))
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, most))
    with pytest.raises(StoreError, match="cannot be repaired here"):
        repair(path)
    assert [file.read_bytes() for file in path.parent.glob("d.duckdb.wal*")] == [bytes(data)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert repair(path)
    assert groups(path) == 2


def test_garbage_behind_the_log(killed: Killed) -> None:
    rng = random.Random(3)
    tails = [bytes(17), rng.randbytes(5), rng.randbytes(5_000), b"\xff" * 16]
    said = []
    for tail in tails:
        path = killed.with_log(killed.log + tail)
        said.append(bool(repair(path)))
        assert groups(path) == GROUPS
    assert said[-1]  # a length beyond all memory: DuckDB does not say where it stands


def test_an_entry_whose_length_is_damaged(killed: Killed) -> None:
    """Some bytes of it make the log look as if it ended there, others ask for more than there is memory."""
    log = killed.log
    inside = log.index(b"3-0.txt")
    at = next(
        n for n in range(inside - 16, 0, -1) if inside < n + 16 + int.from_bytes(log[n : n + 8], "little") < len(log)
    )
    for byte in (0, 2, 7):
        data = bytearray(log)
        data[at + byte] ^= 0x80
        path = killed.with_log(bytes(data))
        repair(path)
        assert groups(path) == 2


@pytest.mark.parametrize(
    "log", [b"", b"\0" * 100, b"no log at all" * 50, bytes(range(256)) * 40], ids=["empty", "zeros", "text", "bytes"]
)
def test_a_log_that_is_none(killed: Killed, log: bytes) -> None:
    path = killed.with_log(log)
    repair(path)
    assert groups(path) == 0
    goes_on(path)


def test_the_log_of_another_state_of_the_file(killed: Killed) -> None:
    path = killed.with_log(b"")
    goes_on(path)
    path.with_name("d.duckdb.wal").write_bytes(killed.log)
    with pytest.raises(Damaged, match="db repair"):
        open_for_reading(path)
    assert "damaged at byte" in repair(path)[0]
    con = open_for_reading(path)
    assert con.execute("SELECT count(*) FROM v_objects").fetchall() == [(FIRST + GROUPS * EACH,)]
    con.close()


def test_shards_of_a_lost_run_are_not_taken_for_those_of_a_later_one(killed: Killed) -> None:
    data = bytearray(killed.log)
    data[data.index(b"3-1.txt")] ^= 1
    path = killed.with_log(bytes(data))
    spool = path.with_name("d.duckdb.spool") / "00000001"
    spool.mkdir(parents=True)
    (spool / "00000002.parquet").write_bytes(b"PAR1")
    assert repair(path)
    assert not spool.exists()


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A database with a snapshot, and something that was said after it."""
    path = database(tmp_path, [report(f"{n}.txt", [finding(values=5)]) for n in range(300)])
    store = DuckStore(path, key_file=tmp_path / "made.key")
    publish(store)
    triage.set_state(
        store, bytes.fromhex(store.query("SELECT finding FROM v_findings")[0][0]), "accepted", Said("d", "x")
    )
    store.close()
    return path


def hurt(path: Path, table: str) -> None:
    """Flip a bit of a block that a table needs, and no other one that matters."""
    good = path.read_bytes()
    for at in range(12_288 + 5_000, len(good), 1 << 18):  # DuckDB's blocks, behind its three headers
        data = bytearray(good)
        data[at] ^= 1
        path.write_bytes(data)
        try:
            con = open_for_reading(path)
        except StoreError:
            continue
        try:
            if set(unreadable(con)) == {table}:
                return
        finally:
            con.close()
    raise AssertionError(f"no block of {table} alone")


def accepted(path: Path) -> int:
    con = open_for_reading(path)
    try:
        return int(con.execute("SELECT count(*) FROM v_findings WHERE state = 'accepted'").fetchall()[0][0])
    finally:
        con.close()


def test_a_damaged_file_gives_way_to_its_snapshot(whole: Path) -> None:
    hurt(whole, "findings")
    damaged = whole.read_bytes()
    (said,) = repair(whole)
    assert "made.duckdb.snapshot of 20" in said
    assert "triage" in said
    (aside,) = whole.parent.glob("made.duckdb.damaged-*")
    assert aside.read_bytes() == damaged
    assert repair(whole) == []
    assert accepted(whole) == 1  # said after the snapshot
    store = DuckStore(whole, key_file=whole.parent / "made.key")
    assert store.query("SELECT count(*) FROM v_findings") == [(300,)]
    add_run(store, whole.parent, [report("new.txt", [finding()])])
    store.close()


def test_a_backup_that_is_named_is_taken(whole: Path) -> None:
    backup = whole.with_name("kept.bak")
    shutil.copy(whole.with_name("made.duckdb.snapshot"), backup)
    whole.with_name("made.duckdb.snapshot").write_bytes(b"nothing")
    whole.write_bytes(whole.read_bytes()[:5_000])
    with pytest.raises(Damaged, match="no whole snapshot or backup"):
        repair(whole)
    assert whole.stat().st_size == 5_000
    assert not list(whole.parent.glob("*.repaired*"))
    with pytest.raises(StoreError):
        repair(whole, whole.with_name("made.duckdb.snapshot"))
    (said,) = repair(whole, backup)
    assert "kept.bak" in said
    assert accepted(whole) == 0
    assert repair(whole) == []


def test_without_a_copy_what_people_said_is_kept_and_all_is_read_again(whole: Path) -> None:
    whole.with_name("made.duckdb.snapshot").unlink()
    hurt(whole, "occurrences")
    (said,) = repair(whole)
    assert "reads everything" in said
    store = DuckStore(whole, key_file=whole.parent / "made.key")
    assert store.query("SELECT count(*) FROM objects") == [(0,)]
    assert store.query("SELECT count(*) FROM risk_weights")[0][0] > 10
    add_run(store, whole.parent, [report(f"{n}.txt", [finding(values=5)]) for n in range(300)])
    store.close()
    assert accepted(whole) == 1


def test_a_newer_schema_is_left_alone(whole: Path) -> None:
    import duckdb

    with duckdb.connect(str(whole)) as con:
        con.execute("INSERT INTO schema_version VALUES (999, now()::TIMESTAMP, '99')")
    before = whole.read_bytes()
    with pytest.raises(StoreError, match="newer piiscan"):
        repair(whole)
    assert whole.read_bytes() == before


def test_no_room_costs_no_row_that_was_committed(whole: Path, limited: None) -> None:
    store = DuckStore(whole, key_file=whole.parent / "made.key")
    run = store.begin([SOURCE], "identity", {}, CATALOGUE).run
    reports = [report(f"more/{n}.txt", [finding(values=40)]) for n in range(2_000)]
    shard = write_shard(whole.parent / "spool", run, 0, reports, CATALOGUE)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole.stat().st_size, most))
    with pytest.raises(StoreError, match="the disk is full; what was committed is safe"):
        store.load(run, [shard])
    store.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert repair(whole) == []
    store = DuckStore(whole, key_file=whole.parent / "made.key")
    assert store.query("SELECT count(*) FROM v_objects WHERE object NOT LIKE 'more/%'") == [(300,)]
    assert store.begin([SOURCE], "identity", {}, CATALOGUE).resumed
    store.load(run, [shard])
    assert store.query("SELECT count(*) FROM v_objects") == [(2_300,)]
    store.close()


def test_damage_is_told_by_every_command_that_meets_it(whole: Path, cache: Path) -> None:
    cli = Cli(whole.parent / "home", cache)
    before = whole.read_bytes()
    assert cli.run("db", "backup", whole, "--db", whole).code == 2
    assert whole.read_bytes() == before
    hurt(whole, "findings")
    for command in (("report",), ("sql", "SELECT * FROM v_findings"), ("explain", "1.txt")):
        done = cli.run(*command, "--db", whole)
        assert done.code == 5, (command, done.said)
        assert len(done.said.splitlines()) == 1
        assert "db repair" in done.said
    assert cli.run("sql", "SELECT corrupt FROM v_runs", "--db", whole).code == 2  # a question's own words
    assert "findings" in cli.run("db", "backup", "x.bak", "--db", whole).said
    checked = cli.run("db", "check", "--db", whole)
    assert checked.code == 5
    assert checked.text.startswith("BAD  findings cannot be read whole")
    cli.good("db", "repair", "--db", whole)
    assert cli.good("db", "check", "--db", whole).text.count("ok ") == 6


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that another user can get to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for file in folder.rglob("*"):
        file.chmod(0o700)
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize("log", ["with a log", "without one"])
def test_what_may_only_be_read_is_read(killed: Killed, elsewhere: Path, log: str) -> None:
    for file in killed.folder.glob("d.duckdb*" if log == "with a log" else "d.duckdb"):
        shutil.copy(file, elsewhere)
        (elsewhere / file.name).chmod(0o444)
    shutil.copy(killed.folder / "key", elsewhere)
    elsewhere.chmod(0o555)
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setegid(65_534)
            os.seteuid(65_534)  # root may write anywhere
        try:
            assert groups(elsewhere / "d.duckdb") == (GROUPS if log == "with a log" else 0)
            assert repair(elsewhere / "d.duckdb") == []
            for write in (
                lambda: DuckStore(elsewhere / "d.duckdb", key_file=elsewhere / "key"),
                lambda: rotate(elsewhere / "d.duckdb", elsewhere / "new", "dana"),
                lambda: vacuum(elsewhere / "d.duckdb"),
            ):
                with pytest.raises(StoreError, match=r"cannot be written|ermission denied"):
                    write()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
