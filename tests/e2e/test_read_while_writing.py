from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support.cli import Cli, hooked
from tests.support.trees import plain, write

SLOW = """
import time
import piiscan.stages
def reached(at):
    if at == "fetch":
        time.sleep(0.1)
piiscan.stages.reached = reached
"""
COUNT = "SELECT count(*) AS n FROM v_findings"


@pytest.fixture
def writer(cli: Cli) -> Iterator[subprocess.Popen[bytes]]:
    """A scan that holds a database in which an earlier one left ten findings."""
    tree = write(cli.root / "tree", plain(10))
    cli.scan(tree)
    write(tree, plain(400))
    env = hooked(cli.root / "hook", SLOW)
    with cli.start("scan", tree, "--no-ner", "--quiet", "--workers", 1, env=env) as process:
        deadline = time.monotonic() + 60
        while not list(cli.root.glob("piiscan.duckdb.spool/scratch-*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        yield process
        process.kill()
        process.communicate()


def test_readers_have_the_snapshot_while_a_scan_writes(cli: Cli, writer: subprocess.Popen[bytes]) -> None:
    asked = cli.good("sql", COUNT, "--json")
    assert 10 <= asked.lines()[0]["n"] < 400
    assert re.fullmatch(r"piiscan: a scan is writing; this is the snapshot of \d+ s ago\n", asked.said)
    for command in (("report", "--format", "jsonl"), ("coverage", "--json"), ("db", "info")):
        done = cli.good(*command)
        assert "this is the snapshot of" in done.said
        assert done.out
    assert writer.poll() is None


def test_a_second_writer_is_told_who_holds_the_database(cli: Cli, writer: subprocess.Popen[bytes]) -> None:
    done = cli.run("scan", "tree", "--no-ner", "--quiet")
    assert done.code == 5
    assert len(done.said.splitlines()) == 1
    assert f"process {writer.pid}" in done.said


def test_without_a_writer_the_database_itself_answers(cli: Cli) -> None:
    cli.scan(write(cli.root / "tree", plain(3)))
    done = cli.good("sql", COUNT, "--json")
    assert (done.lines(), done.said) == ([{"n": 3}], "")
