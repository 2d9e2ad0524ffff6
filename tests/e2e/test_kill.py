"""A scan that was killed and started again leaves what a scan leaves that was not."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli, Done, dump, hooked
from tests.support.trees import documents, plain, write

KILL = """
import os, signal
stage, nth, whom, once = os.environ["TEST_KILL"].split(":", 3)
left = int(nth)
def reached(at):
    global left
    if at != stage:
        return
    left -= 1
    if left == 0:
        if once:
            try:
                os.close(os.open(once, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
        if whom == "parent":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
import piiscan.stages
piiscan.stages.reached = reached
"""
"""Kills its own process (and its parent: the conductor, from a worker) when it is at a stage for the n-th time."""

NO_SNAPSHOT_BETWEEN = """
import piiscan.store.snapshot
piiscan.store.snapshot.LEAST = 1e9
"""
"""A slow machine makes more snapshots: now the second is the last."""

POISON = """
import os, signal
import piiscan.crawl.local as local
def open_(self, ref, open=local.LocalSource.open):
    if ref.key.rpartition("/")[2].startswith("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    return open(self, ref)
local.LocalSource.open = open_
"""

POINTS = [
    ("fetch", 1),
    ("fetch", 150),
    ("extract", 40),
    ("spool", 1),
    ("spool", 7),
    ("ingest", 1),
    ("commit", 1),
    ("commit", 2),
    ("snapshot", 1),
]
IN_WORKERS = ("fetch", "extract", "spool")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill") / "tree"
    write(root / "many", plain(700))
    return write(root, documents(60))


@pytest.fixture(scope="module")
def unbroken(tree: Path, cache: Path) -> dict[str, list[tuple[Any, ...]]]:
    cli = Cli(tree.parent / "unbroken", cache)
    assert cli.scan(*command(tree, cli))["objects"]["scanned"] > 700
    return dump(cli.root / "piiscan.duckdb")


def command(tree: Path, cli: Cli) -> tuple[object, ...]:
    """The targets and options of all scans of this file; one key for all, so that fingerprints can be compared."""
    key = tree.parent / "store.key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text("5a" * 32)
    return (tree, "--workers", "2", "--key-file", key)


def kill_at(cli: Cli, tree: Path, stage: str, nth: int, *, once: str = "", whom: str = "parent") -> Done:
    env = hooked(cli.root / "hook", KILL)
    env["TEST_KILL"] = f"{stage}:{nth}:{whom if stage in IN_WORKERS else 'self'}:{once}"
    return cli.run("scan", *command(tree, cli), "--no-ner", "--json", env=env)


def resume(cli: Cli, tree: Path) -> dict[str, Any]:
    summary = cli.scan(*command(tree, cli))
    assert summary["resumed"]
    assert summary["run"] == 1
    return summary


def clean(cli: Cli) -> None:
    """Nothing is left beside the database but its snapshot."""
    assert {p.name for p in cli.root.glob("piiscan.duckdb*")} == {"piiscan.duckdb", "piiscan.duckdb.snapshot"}
    assert cli.good("db", "check").code == 0


@pytest.mark.parametrize(("stage", "nth"), POINTS)
def test_killed_at_a_stage_and_resumed(
    cli: Cli, tree: Path, unbroken: dict[str, list[tuple[Any, ...]]], stage: str, nth: int
) -> None:
    assert kill_at(cli, tree, stage, nth).code == -signal.SIGKILL
    resume(cli, tree)
    assert dump(cli.root / "piiscan.duckdb") == unbroken
    clean(cli)


def test_killed_at_the_last_snapshot_of_a_run_that_is_done(
    cli: Cli, tree: Path, unbroken: dict[str, list[tuple[Any, ...]]]
) -> None:
    env = hooked(cli.root / "hook", KILL + NO_SNAPSHOT_BETWEEN) | {"TEST_KILL": "snapshot:2:self:"}
    assert cli.run("scan", *command(tree, cli), "--no-ner", env=env).code == -signal.SIGKILL
    summary = cli.scan(*command(tree, cli))
    assert (summary["run"], summary["bytes"]) == (2, 0)
    found = dump(cli.root / "piiscan.duckdb")
    assert found.pop("runs")[0] == unbroken["runs"][0]
    assert found == {table: rows for table, rows in unbroken.items() if table != "runs"}
    clean(cli)


def test_killed_at_every_resumption_until_it_is_through(
    cli: Cli, tree: Path, unbroken: dict[str, list[tuple[Any, ...]]]
) -> None:
    for stage, nth in (("fetch", 30), ("commit", 1), ("spool", 2), ("ingest", 1), ("snapshot", 1)):
        assert kill_at(cli, tree, stage, nth).code == -signal.SIGKILL, stage
    resume(cli, tree)
    assert dump(cli.root / "piiscan.duckdb") == unbroken
    clean(cli)


def kill_sometime(
    cli: Cli, tree: Path, rng: random.Random, seconds: float, unbroken: dict[str, list[tuple[Any, ...]]]
) -> bool:
    """Kill a scan at a moment within `seconds`, start it again, compare; whether the kill came before its end."""
    for left in cli.root.glob("piiscan.duckdb*"):
        subprocess.run(["rm", "-rf", str(left)], check=True)
    with cli.start("scan", *command(tree, cli), "--no-ner", "--quiet") as process:
        time.sleep(rng.uniform(0.2, seconds))
        process.kill()
        process.communicate()
    came = process.returncode == -signal.SIGKILL
    summary = cli.scan(*command(tree, cli))
    found = dump(cli.root / "piiscan.duckdb")
    if summary["run"] == 1:
        assert found == unbroken
    else:  # it was through but for its last steps: the second run is one over unchanged files
        assert {t: rows for t, rows in found.items() if t != "runs"} == {
            t: rows for t, rows in unbroken.items() if t != "runs"
        }
    clean(cli)
    return came


def test_killed_at_any_moment(cli: Cli, tree: Path, unbroken: dict[str, list[tuple[Any, ...]]]) -> None:
    begin = time.monotonic()
    cli.scan(*command(tree, cli))
    seconds = time.monotonic() - begin
    rng = random.Random(5)
    came = [kill_sometime(cli, tree, rng, seconds, unbroken) for _ in range(3)]
    assert any(came)


@pytest.mark.parametrize("stage", IN_WORKERS)
def test_a_worker_that_dies_once_is_replaced_within_the_run(
    cli: Cli, tree: Path, unbroken: dict[str, list[tuple[Any, ...]]], stage: str
) -> None:
    done = kill_at(cli, tree, stage, 5, once=str(cli.root / "once"), whom="self")
    assert done.code == 0, done.said
    assert (cli.root / "once").exists()
    assert not done.json()["resumed"]
    assert dump(cli.root / "piiscan.duckdb") == unbroken


def test_an_object_that_kills_its_worker_twice_is_given_up(cli: Cli) -> None:
    tree = write(cli.root / "tree", plain(60))
    for name in ("d0/poison-a.txt", "d3/poison-b.txt"):
        (tree / name).write_bytes(b"poison")
    done = cli.run("scan", tree, "--no-ner", "--json", env=hooked(cli.root / "hook", POISON), seconds=120)
    assert done.code == 4
    summary = done.json()
    assert summary["objects"]["scanned"] == 60
    assert summary["objects"]["failed"] == 2
    assert summary["reasons"] == [{"reason": "WORKER_DIED", "objects": 2}]
    failed = cli.sql("SELECT object FROM v_objects WHERE outcome = 'failed' ORDER BY 1")
    assert [row["object"] for row in failed] == ["d0/poison-a.txt", "d3/poison-b.txt"]
    assert "Traceback" not in done.said
    # It was the hook's fault, not the files': without it the next run reads them, and nothing else.
    later = cli.scan(tree)
    assert later["objects"]["scanned"] == 2
    assert later["objects"]["unchanged"] == 60


def test_workers_that_cannot_start_end_the_run_with_a_sentence(cli: Cli) -> None:
    write(cli.root / "tree", plain(3))
    code = "import os, sys\nif any('worker' in a for a in sys.orig_argv): os._exit(7)"
    done = cli.run("scan", "tree", "--no-ner", "--quiet", env=hooked(cli.root / "hook", code), seconds=60)
    assert done.code == 2
    assert "exit code 7" in done.said
    assert "Traceback" not in done.said


def children(pid: int) -> list[int]:
    """The processes below one, all generations."""
    found, pending = [], [pid]
    while pending:
        for task in Path(f"/proc/{pending.pop()}/task").glob("*/children"):
            below = [int(p) for p in task.read_text().split()]
            found += below
            pending += below
    return found


SLOW = """
import time
import piiscan.stages
def reached(at):
    if at == "fetch":
        time.sleep(0.02)
piiscan.stages.reached = reached
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_outlives_a_killed_scan(cli: Cli, tree: Path, way: signal.Signals) -> None:
    env = hooked(cli.root / "hook", SLOW)
    with cli.start("scan", *command(tree, cli), "--no-ner", "--quiet", env=env) as process:
        deadline = time.monotonic() + 30
        while len(below := children(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.0)
        below = children(process.pid)
        process.send_signal(way)
        process.communicate()
    assert len(below) >= 2
    deadline = time.monotonic() + 5
    while (alive := [p for p in below if running(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive == []


def running(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


UP = """
import os
open(os.environ["TEST_UP"], "w").close()
"""
"""Says that Python has started: before that, a signal is the interpreter's to answer."""


@pytest.mark.parametrize("delay", [0.1, 0.3, 1.1, 2.0])
def test_ctrl_c_stops_and_says_how_to_go_on(
    cli: Cli, tree: Path, unbroken: dict[str, list[tuple[Any, ...]]], delay: float
) -> None:
    up = cli.root / "up"
    env = hooked(cli.root / "hook", SLOW + UP) | {"TEST_UP": str(up)}
    with cli.start("scan", *command(tree, cli), "--no-ner", env=env, start_new_session=True) as process:
        begun = cli.root / "piiscan.duckdb.spool"  # from here on there is a run to close
        while not (up if delay < 1 else begun).exists():
            time.sleep(0.01)
        time.sleep(delay)
        # As a terminal does it: the whole group hears of it.
        subprocess.run(["kill", "-INT", "--", f"-{process.pid}"], check=True)
        _, err = process.communicate(timeout=30)
    # On a busy machine the first signal comes while the command line is still being imported.
    assert process.returncode in ((130, -signal.SIGINT) if delay < 1 else (130,)), err.decode()
    assert b"Traceback" not in err
    if delay > 1:
        assert b"run the same command again" in err
        assert resume(cli, tree)["objects"]["scanned"] > 700
    else:
        cli.scan(*command(tree, cli))
    assert dump(cli.root / "piiscan.duckdb") == unbroken
    clean(cli)


def test_a_key_made_by_a_killed_scan_is_the_one_that_its_resumption_uses(cli: Cli, tree: Path) -> None:
    env = hooked(cli.root / "hook", KILL) | {"TEST_KILL": "commit:1:self:"}
    assert cli.run("scan", tree, "--no-ner", "--quiet", env=env).code == -signal.SIGKILL
    before = cli.good("db", "info").json()["key"]
    cli.scan(tree)
    assert cli.good("db", "info").json()["key"] == before
    keys = [p.name for p in (cli.root / "state" / "piiscan" / "keys").iterdir()]
    assert keys == [f"{before}.key"]


def test_ctrl_c_ends_a_long_query_as_it_ends_a_scan(cli: Cli, tree: Path) -> None:
    cli.scan(tree / "many")
    up = cli.root / "up"
    env = hooked(cli.root / "hook", UP) | {"TEST_UP": str(up)}
    query = "SELECT count(*) FROM range(2000000) a, range(2000000) b WHERE (a.range * b.range) % 7 = 3"
    with cli.start("sql", query, env=env, start_new_session=True) as process:
        while not up.exists():
            time.sleep(0.01)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err.decode()
    assert err in (b"", b"piiscan: stopped\n")
