"""A policy pack put in force: on this machine and in databases, wholly or not at all, and never an older one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from piiscan.config import load_config
from piiscan.errors import ConfigError
from piiscan.jobs.store import JobStore
from piiscan.policies import VARIABLE, folder_in_force, in_force
from piiscan.policypack import install
from piiscan.policypack.apply import NEW, NOTHING, REPAIR
from piiscan.policypack.drift import drift_of
from piiscan.store.duck import open_for_reading
from tests.policypack.folder import JOBS, NOW, SMALL, WHOLE, applied, made, signed
from tests.support import made as stores

SECOND = SMALL | {
    "jobs.toml": JOBS.replace("weekly", "monthly").replace("monthly sun", "weekly sun").replace("02:00", "03:00"),
    "weights.toml": "severity.low = 9\n",
}


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "policy"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "policy"


@pytest.fixture(scope="module", autouse=True)
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, which takes half a second to make."""
    path = tmp_path_factory.mktemp("template") / "empty.duckdb"
    JobStore(path).close()
    TEMPLATE.append(path)
    return path


TEMPLATE: list[Path] = []


def empty(folder: Path, name: str = "a.duckdb") -> Path:
    shutil.copy(TEMPLATE[-1], folder / name)
    return folder / name


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    con = open_for_reading(path)
    try:
        return list(con.execute(query).fetchall())
    finally:
        con.close()


def jobs(path: Path) -> dict[str, tuple[str, int]]:
    return {name: (when, version) for name, when, version in rows(path, "SELECT job, schedule, version FROM v_jobs")}


def weight(path: Path, term: str = "severity.high") -> float:
    return float(rows(path, f"SELECT weight FROM risk_weights WHERE term = '{term}'")[0][0])


def test_it_is_applied_to_two_databases_and_once(base: Path, tmp_path: Path) -> None:
    one, two = stores.database(tmp_path, [stores.report("a", [stores.finding()])]), tmp_path / "new.duckdb"
    before = rows(one, "SELECT risk FROM v_objects")
    assert applied(made(), base, one, two) == [NEW, NEW, NEW]
    for path in (one, two):
        assert jobs(path) == {"nightly": ("daily 02:00", 1), "weekly": ("weekly sun 04:00", 1)}
        assert weight(path) == 50
        told = rows(path, "SELECT pack, version, digest, expired, jobs, weights FROM v_policy_packs")
        assert told == [("acme", 1, made().digest, False, 2, 1)]
    assert rows(one, "SELECT risk FROM v_objects") != before
    assert load_config({}).threshold == 0.6
    assert applied(made(), base, one, two) == [NOTHING, NOTHING, NOTHING]
    assert jobs(one) == {"nightly": ("daily 02:00", 1), "weekly": ("weekly sun 04:00", 1)}


def test_dry_changes_nothing(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.duckdb"
    assert applied(made(), base, path, dry=True) == [NEW, NEW]
    assert not path.exists()
    assert not base.exists()


def test_a_newer_one_takes_away_what_it_has_no_more(base: Path, tmp_path: Path) -> None:
    path = empty(tmp_path)
    applied(made(), base, path)
    low, high = weight(path, "severity.low"), 40
    second = made(SECOND, 2)
    assert applied(second, base, path) == [NEW, NEW]
    assert jobs(path) == {"nightly": ("daily 03:00", 2), "monthly": ("weekly sun 04:00", 1)}
    assert (weight(path), weight(path, "severity.low")) == (high, 9)
    applied(made({}, 3), base, path)
    assert (jobs(path), weight(path, "severity.low")) == ({}, low)
    assert [folder.name[:1] for folder in sorted(base.glob("acme/[0-9]*"))] == ["2", "3"]
    assert load_config({}).threshold == 0.5


def test_a_weight_that_a_hand_changed_is_left_when_the_pack_drops_it(base: Path, tmp_path: Path) -> None:
    path = empty(tmp_path)
    applied(made(), base, path)
    store = JobStore(path)
    store.query("UPDATE risk_weights SET weight = 12 WHERE term = 'severity.high'")
    store.close()
    applied(made({}, 2), base, path)
    assert weight(path) == 12


def test_older_and_other_ones_of_the_same_version_are_refused(base: Path, tmp_path: Path) -> None:
    path, other = empty(tmp_path), tmp_path / "other"
    applied(made(version=2), base, path)
    before = path.read_bytes()
    for where in (base, other):  # there the machine has none, and the database does
        with pytest.raises(ConfigError, match=r"acme version 1: older than version 2, which is applied to .*"):
            applied(made(), where, path)
        with pytest.raises(ConfigError, match="acme version 2: another pack of this version is applied to"):
            applied(made(SECOND, 2), where, path)
    assert (path.read_bytes(), other.exists()) == (before, False)
    assert in_force(base)[0].version == 2


def test_a_refusal_changes_no_place_at_all(base: Path, tmp_path: Path) -> None:
    old, new = empty(tmp_path), tmp_path / "new.duckdb"
    applied(made(version=2), tmp_path / "elsewhere", old)
    before = old.read_bytes()
    with pytest.raises(ConfigError, match="older than version 2"):
        applied(made(), base, new, old)
    with pytest.raises(ConfigError, match="expired"):
        applied(made(version=3), base, new, old, now=NOW + timedelta(days=400))
    assert (old.read_bytes(), new.exists(), base.exists()) == (before, False, False)


def test_jobs_made_by_hand_and_what_other_packs_set_are_in_the_way(base: Path, tmp_path: Path) -> None:
    path = empty(tmp_path)
    store = JobStore(path)
    store.add("weekly", ["/srv"], "daily 01:00", "UTC", {}, {}, NOW)
    store.close()
    with pytest.raises(ConfigError, match="a job 'weekly' that was made by hand"):
        applied(made(), base, path)
    store = JobStore(path)
    store.remove("weekly", NOW)
    store.close()
    applied(made(), base, path)
    rest = {"jobs.toml": JOBS}
    with pytest.raises(ConfigError, match="the job 'nightly' is one of the policy pack 'acme'"):
        applied(made(rest, name="more"), base, path)
    with pytest.raises(ConfigError, match=r"the weight severity\.high is set by the policy pack 'acme'"):
        applied(made({"weights.toml": "severity.high = 1"}, name="more"), base, path)
    with pytest.raises(ConfigError, match="threshold is set by the policy pack 'acme' already"):
        applied(made({"settings.toml": "threshold = 0.9"}, name="more"), base, path)
    assert applied(made({"settings.toml": "sample = 9.0"}, name="more"), base, path) == [NEW, NEW]
    assert load_config({}).sample == 9.0


def test_an_allow_list_of_a_name_that_the_machine_has_is_refused(base: Path) -> None:
    with pytest.raises(ConfigError, match="there is an allow list of this name here, /etc/known"):
        applied(made(WHOLE), base, allow=("/etc/known.toml",))


def test_applied_again_it_puts_right_what_was_changed(base: Path, tmp_path: Path) -> None:
    path = empty(tmp_path)
    applied(made(), base, path)
    store = JobStore(path)
    store.pause("nightly")
    store.remove("weekly", NOW)
    store.close()
    folder = folder_in_force(base, "acme")
    assert folder is not None
    (folder / "settings.toml").write_text("threshold = 0.1\n")
    assert applied(made(), base, path) == [REPAIR, REPAIR]
    assert applied(made(), base, path) == [NOTHING, NOTHING]
    assert load_config({}).threshold == 0.6
    assert rows(path, "SELECT job FROM v_jobs WHERE NOT paused ORDER BY 1") == [("nightly",), ("weekly",)]


def test_files_are_for_their_owner_and_a_link_leads_to_them(base: Path) -> None:
    applied(made(WHOLE), base)
    folder = folder_in_force(base, "acme")
    assert folder is not None
    assert (base / "acme" / "current").is_symlink()
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*.*"))} == {0}
    assert (folder / "signed.json").read_bytes() == signed(made(WHOLE))


def test_what_cannot_be_read_is_not_taken_for_nothing(base: Path) -> None:
    applied(made(version=5), base)
    folder = folder_in_force(base, "acme")
    assert folder is not None
    (folder / "signed.json").write_text("{}")
    with pytest.raises(ConfigError, match="no policy pack, or a damaged one"):
        applied(made(version=4), base)
    (folder / "manifest.json").unlink()
    with pytest.raises(ConfigError, match="the policy pack cannot be read"):
        load_config({})


STOPS = (1, 2, 3, 4, 6, 7, 9, 11, 12)
"""Which point of an apply it is killed at; it has eleven: three for the machine, four for each database."""
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import piiscan.stages
from piiscan.policypack.apply import apply_pack, verified
from tests.policypack.folder import NOW, made, signed, trusted
from tests.policypack.test_apply import SECOND, STOPS

root = Path(sys.argv[1])
first, second = (verified(signed(pack), "pack", trusted(), NOW) for pack in (made(), made(SECOND, 2)))
for number in (0, *STOPS):
    place = root / str(number)
    if number:
        shutil.copytree(root / "0", place, symlinks=True)
    if os.fork():
        assert os.WIFSIGNALED(os.wait()[1]) == (0 < number < 12)
        continue
    stores = [place / "a.duckdb", place / "b.duckdb"]
    if not number:
        apply_pack(first, place / "policy", stores, NOW)
        os._exit(0)
    met = 0
    def reached(stage):
        global met
        met += stage == "policy"
        if met == number:
            os.kill(os.getpid(), signal.SIGKILL)
    piiscan.stages.reached = reached
    apply_pack(second, place / "policy", stores, NOW)
    os._exit(0)
"""


STATE = """
    SELECT version, (SELECT list(name || ' ' || version ORDER BY name) FROM jobs),
           (SELECT weight FROM risk_weights WHERE term = 'severity.high'), (SELECT count(*) FROM v_policy_drift)
    FROM policy_packs
"""
STATES = {1: (["nightly 1", "weekly 1"], 50, 0), 2: (["monthly 1", "nightly 2"], 40, 0)}


def test_killed_anywhere_each_place_is_old_or_new(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, check=True, env=os.environ, timeout=200)
    seen = set()
    packs = {1: made(), 2: made(SECOND, 2)}
    for number in STOPS:
        place = tmp_path / str(number)
        paths = [place / "a.duckdb", place / "b.duckdb"]
        here = install.installed(place / "policy", "acme")
        assert here is not None
        states = [here.pack.version]
        assert replace(here.pack, signatures={}) == packs[states[0]]
        assert drift_of(place / "policy", [], {}, NOW) == []
        for path in paths:
            ((version, names, high, drift),) = rows(path, STATE)
            assert (names, high, drift) == STATES[version]
            states.append(version)
        seen.add(tuple(states))
        wanted = [NOTHING if version == 2 else NEW for version in states]
        assert applied(packs[2], place / "policy", *paths) == wanted
        assert not list(place.glob("policy/acme/.new-*"))
    assert seen == {(1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2)}
