"""Another key: everything is read again, what was said of values goes over to the same values, and to no others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from piiscan.errors import ConfigError, StoreError
from piiscan.keys import key_id, make_key, read_key
from piiscan.model import Finding, Fingerprint, ObjectReport, Occurrence, Place
from piiscan.spool import write_shard
from piiscan.store import triage
from piiscan.store.ingest import DuckStore
from piiscan.store.rotation import former_keys, rotate
from piiscan.store.triage import Meant, Said
from piiscan.triage import put_into_force
from tests.support.cli import Cli
from tests.support.made import CATALOGUE, SOURCE, finding, ref, report
from tests.support.trees import ssn, write

SAID = Said("dana", "checked")
OTHER_RULES = "other"


def of(value: int, key: int) -> Fingerprint:
    """What stands for a value under the first, second or third key."""
    return Fingerprint((key << 64 | value + 1).to_bytes(16, "big"))


def found(values: Sequence[int], key: int, *, kept: int = 1_000, one_place: bool = False) -> Finding:
    """A finding whose values stand one below the other, or all in one cell; the first places are kept."""
    places = [Place(row=1 if one_place else n, column_name="ref") for n in range(len(values))]
    occurrences = tuple(
        Occurrence(place, "***-**-**98", of(value, key), 0.95)
        for place, value in list(zip(places, values, strict=True))[:kept]
    )
    distinct = {of(value, key): values.count(value) for value in values}
    base = finding(places=[Place(row=1)])
    return replace(
        base, count=len(values), distinct=len(distinct), occurrences=occurrences, values=distinct, distinct_exact=True
    )


def read(
    store: DuckStore, folder: Path, reports: Sequence[ObjectReport], catalogue: str = CATALOGUE, *, ends: bool = True
) -> int:
    """A run, to its end or broken off after what it read was taken in."""
    run = store.begin([SOURCE], "identity", {}, catalogue).run
    number = store.next_shard(run)
    store.load(run, [write_shard(folder / "spool", run, number, reports, catalogue)])
    if ends:
        store.end(run, "done", len(reports), 0)
        put_into_force(store)
    return run


class Rotated:
    """A database that gets key after key."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, 0
        self.store = self.opened()

    def opened(self) -> DuckStore:
        return DuckStore(self.folder / "t.duckdb", key_file=self.folder / f"key-{self.key}")

    def rotate(self) -> None:
        self.store.close()
        self.key += 1
        done = rotate(self.store.path, self.folder / f"key-{self.key}", "dana")
        self.store = self.opened()
        assert done.new == key_id(self.store.key)

    def read(self, *reports: ObjectReport, catalogue: str = CATALOGUE, ends: bool = True) -> int:
        return read(self.store, self.folder, reports, catalogue, ends=ends)

    def idle(self) -> set[str]:
        """Objects whose findings do not count."""
        return {row[0] for row in self.store.query("SELECT object FROM v_findings WHERE NOT counted")}

    def unverified(self) -> list[bool]:
        return [row[0] for row in self.store.query("SELECT unverified FROM v_suppressions ORDER BY number")]

    def unread(self) -> set[str]:
        return {row[0] for row in self.store.query("SELECT object FROM v_objects WHERE former_key IS NOT NULL")}


@pytest.fixture
def db(tmp_path: Path) -> Rotated:
    made = Rotated(tmp_path)
    made.read(report("a.txt", [found([1], 0)]), report("b.txt", [found([1, 2], 0)]))
    triage.suppress(made.store, Meant(fingerprint=of(1, 0)), SAID)
    put_into_force(made.store)
    assert made.idle() == {"a.txt"}
    return made


def test_all_is_to_be_read_again_and_nothing_is_forgotten(db: Rotated) -> None:
    old = key_id(db.store.key)
    db.rotate()
    assert former_keys(db.store.connection) == {old: 2}
    assert db.unread() == {"a.txt", "b.txt"}
    known = db.store.known(SOURCE, "", CATALOGUE, 2, full=False)
    refs = [ref("a.txt"), ref("b.txt")]
    oids = np.array([row[0] for row in db.store.query("SELECT oid FROM objects ORDER BY key")], np.int64)
    assert list(known.unchanged(known.find(oids), refs)[0]) == [False, False]
    assert (db.idle(), db.unverified()) == ({"a.txt"}, [True])
    put_into_force(db.store)
    assert (db.idle(), db.unverified()) == ({"a.txt"}, [True])
    assert [row[0] for row in db.store.query("SELECT action FROM v_audit ORDER BY made")] == ["suppress", "rotate key"]
    with pytest.raises(ConfigError, match="not the key"):
        DuckStore(db.store.path, key_file=db.folder / "key-0")


def test_a_value_keeps_its_suppression_when_it_is_read_again(db: Rotated) -> None:
    db.rotate()
    db.read(report("a.txt", [found([1], 1)]))
    assert (db.idle(), db.unverified()) == ({"a.txt"}, [False])
    assert db.store.query("SELECT fingerprint FROM v_suppressions") == [(of(1, 1).hex(),)]
    assert db.unread() == {"b.txt"}
    # Known in what has not been read since as well, and in what is new.
    triage.suppress(db.store, Meant(fingerprint=of(2, 0)), SAID)
    put_into_force(db.store)
    assert (db.idle(), db.unverified()) == ({"a.txt", "b.txt"}, [False, True])
    db.read(report("c.txt", [found([1], 1)]), report("d.txt", [found([3], 1)]), report("b.txt", [found([1, 2], 1)]))
    assert (db.idle(), db.unverified()) == ({"a.txt", "b.txt", "c.txt"}, [False, False])
    assert db.store.query("SELECT count(*) FROM former_prints") == [(0,)]
    assert former_keys(db.store.connection) == {}


def test_what_is_not_verified_suppresses_nothing_new(db: Rotated) -> None:
    db.rotate()
    db.read(report("new.txt", [found([1], 1)]), report(ref("a.txt", etag="e2"), [found([5], 1)]))
    assert (db.idle(), db.unverified()) == (set(), [True])  # other content: nobody knows what stood there
    db.read(report("b.txt", [found([1, 2], 1)]))
    assert (db.idle(), db.unverified()) == ({"new.txt"}, [False])


def test_two_values_in_one_cell(tmp_path: Path) -> None:
    for catalogue, wanted in ((CATALOGUE, {"x.csv", "y.txt"}), (OTHER_RULES, set())):
        folder = tmp_path / catalogue
        folder.mkdir()
        db = Rotated(folder)
        db.read(report("x.csv", [found([1, 2], 0, one_place=True)]))
        for value in (1, 2):
            triage.suppress(db.store, Meant(fingerprint=of(value, 0)), SAID)
        db.rotate()
        db.read(
            report("x.csv", [found([1, 2], 1, one_place=True)]),
            report("y.txt", [found([2], 1)]),
            catalogue=catalogue,
        )
        assert db.idle() == wanted
        db.store.close()


@pytest.mark.parametrize("catalogue", [CATALOGUE, OTHER_RULES])
def test_a_baseline_of_more_values_than_places(tmp_path: Path, catalogue: str) -> None:
    db = Rotated(tmp_path)
    many = list(range(50))
    db.read(
        report("many.csv", [found(many, 0, kept=5)]),
        report("few.csv", [found([7, 8], 0)]),
        report("z", [found([1], 0)]),
    )
    triage.baseline(db.store, SAID)
    put_into_force(db.store)
    db.rotate()
    assert (db.idle(), db.unverified()) == ({"many.csv", "few.csv", "z"}, [True])
    db.read(
        report("many.csv", [found(many, 1, kept=5)]),
        report("few.csv", [found([7, 8], 1)]),
        report(ref("z", etag="e2"), [found([9], 1)]),
        catalogue=catalogue,
    )
    # With the same rules as many values in the same content are the same values; with others that is not said.
    assert db.idle() == ({"many.csv", "few.csv"} if catalogue == CATALOGUE else {"few.csv"})
    assert db.unverified() == [False]
    kept = 52 if catalogue == CATALOGUE else 7
    assert db.store.query("SELECT count(*) FROM baseline_values") == [(kept,)]
    db.read(report(ref("few.csv", etag="e3"), [found([7, 8, 9], 1)]))
    assert "few.csv" not in db.idle()


def test_a_run_that_was_broken_off_is_not_gone_on_with(db: Rotated) -> None:
    run = db.read(report("c.txt", [found([1], 0)]), ends=False)
    db.rotate()
    state = db.store.begin([SOURCE], "identity", {}, CATALOGUE)
    assert (state.run, state.resumed) == (run + 1, False)
    assert db.unread() == {"a.txt", "b.txt", "c.txt"}


def test_what_a_killed_run_read_again_goes_over_at_the_next_key(db: Rotated) -> None:
    db.rotate()
    db.read(report("a.txt", [found([1], 1)]), ends=False)
    db.rotate()
    assert (db.idle(), db.unverified()) == ({"a.txt"}, [True])
    db.read(report("a.txt", [found([1], 2)]), report("c.txt", [found([1], 2)]))
    assert (db.idle(), db.unverified()) == ({"a.txt", "c.txt"}, [False])
    assert len(former_keys(db.store.connection)) == 1


def test_a_baseline_that_was_made_between_is_whole(db: Rotated) -> None:
    db.rotate()
    db.read(report("a.txt", [found([1], 1)]), ends=False)
    triage.baseline(db.store, SAID)
    put_into_force(db.store)
    assert db.idle() == {"a.txt", "b.txt"}
    db.read(report("b.txt", [found([1, 2], 1)]))
    assert db.idle() == {"a.txt", "b.txt"}


@pytest.mark.parametrize("seed", range(2))
def test_no_finding_is_suppressed_but_for_values_that_are(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    db = Rotated(tmp_path)
    holds = {f"{n}.txt": [rng.randrange(8) for _ in range(rng.randint(1, 3))] for n in range(6)}
    etags = dict.fromkeys(holds, 0)

    def now(name: str) -> ObjectReport:
        return report(ref(name, etag=f"e{etags[name]}"), [found(holds[name], db.key, one_place=rng.random() < 0.3)])

    db.read(*map(now, holds))
    meant = set(rng.sample(range(8), 3))
    for value in meant:
        triage.suppress(db.store, Meant(fingerprint=of(value, 0)), SAID)
    put_into_force(db.store)
    for _ in range(3):
        if rng.random() < 0.7:
            db.rotate()
        for name in rng.sample(sorted(holds), 2):
            holds[name], etags[name] = [rng.randrange(8) for _ in range(rng.randint(1, 3))], etags[name] + 1
        chosen = rng.sample(sorted(holds), 4)
        shown = dict(holds)
        db.read(*map(now, chosen), catalogue=rng.choice([CATALOGUE, OTHER_RULES]))
        for name in db.idle() & set(chosen):
            assert set(shown[name]) <= meant, (seed, name)
    db.store.close()


def test_a_key_that_was_lost(db: Rotated) -> None:
    db.store.close()
    (db.folder / "key-0").unlink()
    with pytest.raises(ConfigError, match="no such key file"):
        db.opened()
    db.rotate()
    db.read(report("a.txt", [found([1], 1)]))
    assert db.idle() == {"a.txt"}


def test_what_is_refused_changes_nothing(db: Rotated) -> None:
    path = db.store.path
    db.store.close()
    with pytest.raises(ConfigError, match="has, or had"):
        rotate(path, db.folder / "key-0", "dana")
    (db.folder / "open").write_text("00" * 32)
    with pytest.raises(ConfigError, match="chmod 600"):
        rotate(path, db.folder / "open", "dana")
    with pytest.raises(StoreError, match="no such database"):
        rotate(db.folder / "none", None, "dana")
    db.store = db.opened()
    assert (db.idle(), db.unverified(), db.unread()) == ({"a.txt"}, [False], set())
    db.store.close()
    rotate(path, db.folder / "key-1", "dana")
    with pytest.raises(ConfigError, match="has, or had"):
        rotate(path, db.folder / "key-0", "dana")
    assert key_id(read_key(db.folder / "key-0")) != key_id(make_key(db.folder / "key-1"))


def test_from_the_command_line(tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path / "home", cache)
    tree = write(cli.root / "tree", ((f"{n}.txt", f"SSN: {ssn(n)}\n".encode()) for n in (1, 2)))
    cli.scan(tree)
    (mark,) = cli.sql("SELECT fingerprint FROM v_occurrences WHERE object = '1.txt'")
    cli.good("triage", "suppress", "--fingerprint", mark["fingerprint"], "--reason", "x")
    old = cli.good("db", "info").json()["key"]
    keys = cli.root / "state" / "piiscan" / "keys"
    said = cli.good("db", "rotate-key").text
    assert f"it was {old}" in said
    assert "2 objects are read again" in said
    assert "1 suppressions are unverified" in said
    info = cli.good("db", "info").json()
    assert info["objects_of_former_keys"] == {old: 2}
    assert {file.name for file in keys.iterdir()} == {f"{old}.key", f"{info['key']}.key"}
    # The old key lies where it was, and is used; when it does not, what it alone can tell is not known.
    asked = cli.run("find", "--json", stdin=f"{ssn(1)}\n".encode())
    assert (asked.code, asked.lines()[-1]) == (0, {"found": 1, "complete": True, "incomplete": []})
    (keys / f"{old}.key").rename(cli.root / "old.key")
    asked = cli.run("find", "--json", stdin=f"{ssn(1)}\n".encode())
    assert (asked.code, asked.lines()[-1]["found"]) == (4, 0)
    assert asked.lines()[-1]["incomplete"][0]["objects"] == 2
    assert cli.run("find", "--old-key-file", "old.key", stdin=f"{ssn(1)}\n".encode()).code == 0
    assert cli.run("find", "--old-key-file", "none.key", stdin=b"1\n").code == 2
    (row,) = cli.run("triage", "ls", "--json").lines()
    assert (row["unverified"], row["findings"]) == (True, 1)
    summary = cli.scan(tree)
    assert (summary["objects"]["scanned"], summary["findings"]["suppressed"]) == (2, 1)
    (row,) = cli.run("triage", "ls", "--json").lines()
    assert (row["unverified"], row["findings"]) == (False, 1)
    assert cli.run("find", stdin=f"{ssn(2)}\n".encode()).code == 0
    assert cli.scan(tree)["objects"]["unchanged"] == 2
    assert cli.run("db", "rotate-key", "--new-key-file", keys / f"{info['key']}.key").code == 2
