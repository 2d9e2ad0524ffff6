"""Jobs from the command line: made, run, listed, and run by a server that is killed and told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from piiscan.jobs.store import FIRST_SCHEMA
from piiscan.store.duck import STORAGE, migrations
from tests.e2e.test_errors import sentence
from tests.support.cli import Cli, hooked
from tests.support.trees import plain, write

SLOW = """
import os, time
import piiscan.stages
def reached(at):
    if at == "fetch":
        open(os.environ["TEST_UP"], "w").close()
        time.sleep(0.05)
piiscan.stages.reached = reached
"""
"""Objects are read slowly, and a file says that one is."""
OPTIONS = ("--no-ner", "--workers", "1")


@pytest.fixture
def tree(cli: Cli) -> Path:
    return write(cli.root / "tree", plain(40))


def history(cli: Cli, *args: object) -> list[dict[str, Any]]:
    return cli.good("job", "history", *args, "--json").lines()


def test_from_add_to_rm(cli: Cli, tree: Path) -> None:
    said = cli.good("job", "add", "nightly", "tree", "--schedule", "daily 02:00", "--time-zone", "Asia/Tokyo", *OPTIONS)
    assert "version 1" in said.text
    assert "T17:00:00Z" in said.text
    (listed,) = cli.good("job", "ls", "--json").lines()
    assert listed["targets"] == [str(tree)]
    assert listed["settings"] == {"ner": False, "workers": 1}
    assert (listed["paused"], listed["version"], listed["time_zone"]) == (False, 1, "Asia/Tokyo")
    assert "nightly" in cli.good("job", "ls").text
    assert cli.good("job", "run", "--due").said == "piiscan: nothing is due\n"
    summary = cli.good("job", "run", "nightly", "--json").json()
    assert (summary["run"], summary["objects"]["scanned"]) == (1, 40)
    (row,) = history(cli, "nightly")
    assert {k: row[k] for k in ("job", "version", "cause", "scheduled", "outcome", "exit_code", "run", "attempts")} == {
        "job": "nightly", "version": 1, "cause": "hand", "scheduled": None, "outcome": "done", "exit_code": 0, "run": 1,
        "attempts": 1,
    }  # fmt: skip
    assert datetime.fromisoformat(row["began"]) <= datetime.fromisoformat(row["ended"])
    shown = cli.good("job", "show", "nightly", "--json").json()
    assert shown["last"] == row
    assert len(shown["next_fires"]) == 5
    assert shown["next_fires"][0] == shown["next_fire"] == listed["next_fire"]
    assert "Asia/Tokyo" in cli.good("job", "show", "nightly").text
    cli.good("job", "pause", "nightly")
    assert "paused" in cli.good("job", "ls").text
    cli.good("job", "resume", "nightly")
    assert cli.good("job", "ls", "--json").lines() == [listed]
    cli.good("job", "rm", "nightly")
    assert cli.good("job", "ls", "--json").lines() == []
    assert history(cli) == [row]
    (line,) = cli.good("job", "history").text.splitlines()
    assert "nightly" in line
    assert "by hand" in line
    assert "never" not in line


def test_a_job_scans_as_scan_does_and_ends_with_its_code(cli: Cli, tree: Path) -> None:
    options = (*OPTIONS, "--include", "d1/*", "--include", "d2/*", "--fail-on", "high", "--sample", "80", "--full")
    scanned = cli.run("scan", "tree", *options, "--json", "--db", "by-scan.duckdb")
    cli.good("job", "add", "some", "tree", *options)
    for number in (1, 2):
        done = cli.run("job", "run", "some", "--json")
        assert done.code == scanned.code == 1
        assert done.json()["run"] == number
        assert done.json()["objects"] == scanned.json()["objects"], "--full: it reads them again"
        assert done.json()["findings"] == scanned.json()["findings"]
    assert [(row["outcome"], row["exit_code"]) for row in history(cli)] == [("done", 1)] * 2
    query = "SELECT settings FROM runs"
    assert cli.sql(query) == cli.sql(query, db="by-scan.duckdb") * 2


def test_what_is_due_is_run_once_and_a_job_may_run_anywhere(cli: Cli, tree: Path) -> None:
    write(cli.root / "more", plain(3))
    cli.good("job", "add", "one", "tree", "--schedule", "once", *OPTIONS)
    cli.good("job", "add", "two", "more", "nowhere", "--schedule", "once", *OPTIONS)
    cli.good("job", "add", "three", "more", "--schedule", "once 2199-01-01 00:00", *OPTIONS)
    away = cli.root / "away"
    away.mkdir()
    assert cli.run("job", "run", "three", "--due", "-q").code == 0
    command = cli.command("job", "run", "--due", "--quiet", "--db", cli.root / "piiscan.duckdb")
    ended = subprocess.run(command, cwd=away, env=cli.env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert ended.returncode == 3, ended.stderr
    assert [(row["job"], row["outcome"], row["exit_code"], row["cause"]) for row in history(cli)] == [
        ("one", "done", 0, "schedule"),
        ("two", "done", 3, "schedule"),
    ]
    assert cli.good("job", "run", "--due", "--quiet").err == b""
    assert cli.sql("SELECT count(*) AS n FROM v_objects") == [{"n": 43}]


def test_versions(cli: Cli, tree: Path) -> None:
    cli.good("job", "add", "nightly", "tree", "--schedule", "daily 02:00", *OPTIONS, "--max-objects", "5")
    cli.good("job", "run", "nightly", "-q")
    assert "--replace" in sentence(cli.run("job", "add", "nightly", "tree"), 2)
    cli.good("job", "add", "nightly", "tree", "--schedule", "daily 02:00", *OPTIONS, "--replace")
    cli.good("job", "run", "nightly", "-q")
    assert [row["version"] for row in history(cli)] == [1, 2]
    assert cli.sql("SELECT version, settings->>'max_objects' AS most FROM job_versions ORDER BY 1") == [
        {"version": 1, "most": "5"},
        {"version": 2, "most": None},
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "x", "tree", "--schedule", "whenever"),
        ("add", "x", "tree", "--schedule", "99 * * * *"),
        ("add", "x", "tree", "--schedule", "daily 02:00", "--time-zone", "Mars/Olympus"),
        ("add", "x", "-"),
        ("add", "x", ""),
        ("add", "a b", "tree"),
        ("add", "x", "tree", "--fail-on", "terrible"),
        ("add", "x", "tree", "--sample", "0"),
        ("add", "x", "tree", "--config", "nowhere.toml"),
        ("run",),
        ("run", "nobody"),
        ("run", "nobody", "--due"),
        ("show", "nobody"),
        ("pause", "nobody"),
        ("resume", "nobody"),
        ("rm", "nobody"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(cli: Cli, tree: Path, arguments: tuple[str, ...]) -> None:
    cli.good("job", "add", "there", "tree")
    sentence(cli.run("job", *arguments), 2)
    assert [row["job"] for row in cli.good("job", "ls", "--json").lines()] == ["there"]


def test_no_database(cli: Cli) -> None:
    for command in (("job", "ls"), ("job", "show", "x"), ("job", "run", "--due"), ("job", "rm", "x"), ("serve",)):
        assert "no such database" in sentence(cli.run(*command), 5)
    assert not (cli.root / "piiscan.duckdb").exists()


def test_a_database_from_before_jobs(cli: Cli, tree: Path) -> None:
    import duckdb

    path = cli.root / "piiscan.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE}) as con:
        for number, text in migrations():
            if number < FIRST_SCHEMA:
                con.execute(text)
        con.execute("CREATE TABLE schema_version (version INTEGER, applied TIMESTAMP, tool_version VARCHAR)")
        con.execute("CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)")
        con.execute("INSERT INTO schema_version SELECT unnest(range(1, 5)), now()::TIMESTAMP, '0'")
    assert cli.good("job", "ls", "--json").lines() == []
    assert history(cli) == []
    cli.good("job", "add", "nightly", "tree", *OPTIONS)
    assert len(cli.good("job", "ls", "--json").lines()) == 1
    assert (cli.root / "piiscan.duckdb.bak-4").exists()


def test_a_locked_database(cli: Cli, tree: Path) -> None:
    import duckdb

    cli.good("job", "add", "nightly", "tree", "--schedule", "once", *OPTIONS)
    con = duckdb.connect(str(cli.root / "piiscan.duckdb"))
    try:
        for arguments in (("run", "--due"), ("run", "nightly"), ("pause", "nightly"), ("add", "x", "tree")):
            assert "another process" in sentence(cli.run("job", *arguments), 5)
    finally:
        con.close()
    cli.good("job", "run", "--due", "-q")
    assert [row["outcome"] for row in history(cli)] == ["done"]


@contextmanager
def serving(cli: Cli, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A server, which a failing test does not leave behind."""
    with cli.start("serve", "--quiet", env=env) as server:
        try:
            yield server
        finally:
            server.kill()


def wait_for(what: Any, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def slowly(cli: Cli) -> tuple[dict[str, str], Path]:
    up = cli.root / "up"
    return hooked(cli.root / "hook", SLOW) | {"TEST_UP": str(up)}, up


def done(cli: Cli) -> bool:
    """Whether the one fire is recorded; nothing is seen of it while the database is in use."""
    ended = cli.run("job", "history", "--json")
    return bool(ended.code == 0 and ended.lines() and ended.lines()[0]["outcome"] == "done")


def whole(cli: Cli, *, attempts: int) -> None:
    """The tree was scanned in one run of one fire."""
    (row,) = history(cli)
    assert (row["cause"], row["outcome"], row["exit_code"], row["run"]) == ("schedule", "done", 0, 1)
    assert row["attempts"] == attempts
    assert cli.sql("SELECT run, status FROM v_runs") == [{"run": 1, "status": "done"}]
    assert cli.sql("SELECT outcome, count(*) AS n FROM v_objects GROUP BY ALL") == [{"outcome": "scanned", "n": 40}]
    assert cli.good("db", "check").code == 0


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_that_ends_in_a_run_and_is_started_again(cli: Cli, tree: Path, way: signal.Signals) -> None:
    cli.good("job", "add", "now", "tree", "--schedule", "once", *OPTIONS)
    env, up = slowly(cli)
    with serving(cli, env) as server:
        wait_for(up.exists)
        server.send_signal(way)
        _, err = server.communicate()
    assert server.returncode == (-way if way == signal.SIGKILL else 0), err
    assert b"Traceback" not in err
    with serving(cli) as server:
        wait_for(lambda: done(cli))
        server.send_signal(signal.SIGTERM)
        server.communicate()
    assert server.returncode == 0
    whole(cli, attempts=2)


def test_a_server_whose_child_is_killed_tries_again(cli: Cli, tree: Path) -> None:
    cli.good("job", "add", "now", "tree", "--schedule", "once", *OPTIONS)
    code = """
import os, signal, sys
if "serve" in sys.orig_argv:
    import piiscan.jobs.serve
    piiscan.jobs.serve.RETRY = 0.5
elif "run" in sys.orig_argv:
    import piiscan.stages
    def reached(at):
        if at == "commit" and not os.path.exists(os.environ["TEST_UP"]):
            open(os.environ["TEST_UP"], "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
    piiscan.stages.reached = reached
"""
    env = hooked(cli.root / "hook", code) | {"TEST_UP": str(cli.root / "up")}
    with serving(cli, env) as server:
        wait_for(lambda: done(cli))
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate()
    assert server.returncode == 0
    assert b"job now ended with code -9" in err
    whole(cli, attempts=2)


def test_a_job_that_is_added_while_a_server_waits(cli: Cli, tree: Path) -> None:
    cli.good("job", "add", "never", "tree")
    env = hooked(
        cli.root / "hook", "import sys\nif 'serve' in sys.orig_argv:\n import piiscan.jobs.serve as s\n s.LOOK=0.2"
    )
    with serving(cli, env) as server:
        cli.good("job", "add", "broken", "nowhere", "--schedule", "once", *OPTIONS)
        wait_for(lambda: len(cli.run("job", "history", "--json").out.splitlines()) == 1)
        cli.good("job", "add", "now", "tree", "--schedule", "once", *OPTIONS)
        wait_for(lambda: b'"done"' in cli.run("job", "history", "now", "--json").out)
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate()
    assert server.returncode == 0
    assert [(row["job"], row["outcome"], row["exit_code"]) for row in history(cli)] == [
        ("broken", "failed", 3), ("now", "done", 0),
    ]  # fmt: skip
    said = err.decode()
    assert "Traceback" not in said
    assert "nowhere" in said


def test_readers_see_the_jobs_while_one_runs(cli: Cli, tree: Path) -> None:
    cli.scan(tree / "d1")
    cli.good("job", "add", "now", "tree", "--schedule", "once", *OPTIONS)
    env, up = slowly(cli)
    with cli.start("job", "run", "--due", "--quiet", env=env) as running:
        wait_for(up.exists)
        listed = cli.good("job", "ls", "--json")
        assert json.loads(listed.text)["job"] == "now"
        assert "snapshot" in listed.said
        assert [row["outcome"] for row in history(cli)] == ["running"]
        running.send_signal(signal.SIGTERM)
        running.communicate()
    assert running.returncode == 130
    assert [row["outcome"] for row in history(cli)] == ["interrupted"]
    assert os.path.exists(cli.root / "piiscan.duckdb")
