"""`piiscan serve` beside its jobs: metrics, health, watches that take turns, alerts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from piiscan.metrics.families import FAMILIES
from tests.e2e.test_errors import sentence
from tests.e2e.test_watch import Line
from tests.metrics.parse import Read, parse, value
from tests.support.cli import Cli, hooked
from tests.support.s3 import Bucketeer
from tests.support.trees import plain, ssn, write

HELD = """
import os, time
import piiscan.stages
def reached(at):
    if at == "fetch":
        open(os.environ["TEST_UP"], "a").close()
        while not os.path.exists(os.environ["TEST_GO"]):
            time.sleep(0.05)
piiscan.stages.reached = reached
"""
"""Objects are not read before a file is there."""
QUICK = "import sys\nif 'serve' in sys.orig_argv:\n import piiscan.jobs.serve as s, piiscan.jobs.turns as t\n"
QUICK += " s.LOOK = s.BUSY = s.RETRY = 0.2\n t.RETRY = 0.2\n"


class Serving:
    """A server that runs, and where it answers."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        assert process.stderr is not None
        self.said = process.stderr.readline().decode()
        found = re.fullmatch(r"piiscan: metrics at (http://127\.0\.0\.1:\d+)/metrics\n", self.said)
        assert found is not None, self.said + process.stderr.read().decode()
        self.url = found[1]

    def get(self, path: str) -> tuple[int, bytes]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url + path) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as err:
            return err.code, err.read()

    def metrics(self) -> dict[str, Read]:
        code, body = self.get("/metrics")
        assert code == 200
        return parse(body.decode("utf-8"))

    def stop(self) -> str:
        """End it; what it said since it began."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate()
        assert self.process.returncode == 0, err
        assert b"Traceback" not in err
        return err.decode()


@contextmanager
def serving(cli: Cli, *args: object, env: Mapping[str, str] | None = None) -> Iterator[Serving]:
    quick = hooked(cli.root / "quick", QUICK)
    if env is not None and "PYTHONPATH" in env:
        folder = env["PYTHONPATH"].split(os.pathsep)[0]
        with (Path(folder) / "sitecustomize.py").open("a") as file:
            file.write(QUICK)
        quick = {}
    with cli.start("serve", "--quiet", "--listen", "127.0.0.1:0", *args, env={**quick, **(env or {})}) as process:
        try:
            yield Serving(process)
        finally:
            process.kill()


def wait_for(what: Callable[[], Any], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def tree(cli: Cli) -> Path:
    return write(cli.root / "tree", plain(40))


def of_the_database(families: dict[str, Read]) -> None:
    """What the scan of the tree left in the metrics."""
    assert value(families, "piiscan_runs", status="done") == 1
    assert value(families, "piiscan_last_run_success") == 1
    assert value(families, "piiscan_last_run_objects", outcome="scanned") == 40
    assert value(families, "piiscan_last_run_examined_bytes") == 40 * 33
    assert value(families, "piiscan_objects", outcome="scanned") == 40
    assert value(families, "piiscan_coverage_ratio") == 1
    assert value(families, "piiscan_findings", severity="high", category="pii") == 40
    assert sum(families["piiscan_findings"].samples.values()) == 40


def test_the_metrics_file_of_a_scan(cli: Cli, tree: Path) -> None:
    (tree / "link").symlink_to("d1")
    target = cli.root / "piiscan.prom"
    before = time.time()
    cli.good("scan", "tree", "--no-ner", "-q", "--metrics-file", target)
    text = target.read_text("utf-8")
    families = parse(text)
    of_the_database(families)
    assert value(families, "piiscan_last_run_objects", outcome="skipped") == 1
    assert value(families, "piiscan_scan_in_progress") == 0
    assert before < value(families, "piiscan_last_success_timestamp_seconds") < time.time()
    assert before < value(families, "piiscan_snapshot_timestamp_seconds") < time.time()
    assert 0 < value(families, "piiscan_last_run_duration_seconds") < time.time() - before
    assert target.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in cli.root.glob("*piiscan.prom*")] == ["piiscan.prom"]
    assert ssn(1) not in text
    assert "note" not in text
    assert "tree" not in text


def test_a_metrics_file_that_cannot_be_written(cli: Cli, tree: Path) -> None:
    done = cli.run("scan", "tree", "--no-ner", "-q", "--metrics-file", "nowhere/m.prom", "--fail-on", "high")
    assert "metrics cannot be written" in sentence(done, 2)
    assert cli.sql("SELECT status FROM v_runs") == [{"status": "done"}]


def test_the_metrics_of_jobs(cli: Cli, tree: Path) -> None:
    cli.good("job", "add", "nightly", "tree", "--schedule", "daily 02:00", "--no-ner")
    cli.good("job", "add", "weekly", "nowhere", "--schedule", "once", "--no-ner")
    cli.good("job", "add", "resting", "tree", "--schedule", "daily 03:00")
    cli.good("job", "pause", "resting")
    cli.run("job", "run", "--due", "-q")
    cli.good("job", "run", "nightly", "-q", "--metrics-file", "m.prom")
    families = parse((cli.root / "m.prom").read_text("utf-8"))
    of_the_database(families)
    assert value(families, "piiscan_jobs", state="active") == 2
    assert value(families, "piiscan_jobs", state="paused") == 1
    assert families["piiscan_job_last_outcome"].samples == {
        (("job", "nightly"), ("outcome", "done")): 1,
        (("job", "weekly"), ("outcome", "failed")): 1,
    }
    assert value(families, "piiscan_job_last_exit_code", job="weekly") == 3
    assert value(families, "piiscan_job_fires_total", job="weekly", outcome="failed") == 1
    assert value(families, "piiscan_job_fires_total", job="resting", outcome="done") == 0
    assert families["piiscan_job_fires_total"].kind == "counter"
    next_fire = value(families, "piiscan_job_next_fire_timestamp_seconds", job="nightly")
    assert next_fire % 86_400 == 7_200
    assert list(families["piiscan_job_next_fire_timestamp_seconds"].samples) == [(("job", "nightly"),)]


def test_a_server_is_asked_while_a_job_runs(cli: Cli, tree: Path) -> None:
    cli.scan(tree / "d1")
    cli.good("job", "add", "now", "tree", "--schedule", "once", "--no-ner", "--workers", "1")
    up, go = cli.root / "up", cli.root / "go"
    env = hooked(cli.root / "hook", HELD) | {"TEST_UP": str(up), "TEST_GO": str(go)}
    with serving(cli, env=env) as server:
        wait_for(up.exists)
        families = server.metrics()
        assert value(families, "piiscan_scan_in_progress") == 1
        assert value(families, "piiscan_database_busy") == 1
        assert value(families, "piiscan_last_run_objects", outcome="scanned") == 6, "of the snapshot"
        assert server.get("/healthz") == (200, b'{"status": "ok"}\n')
        go.touch()
        wait_for(lambda: value(server.metrics(), "piiscan_scan_in_progress") == 0)
        done = (("job", "now"), ("outcome", "done"))
        wait_for(lambda: done in server.metrics()["piiscan_job_last_outcome"].samples)
        families = server.metrics()
        assert value(families, "piiscan_objects", outcome="scanned") == 40 + 6, "two sources"
        assert value(families, "piiscan_database_busy") == 0
        assert set(families) <= {family.name for family in FAMILIES}
        server.stop()


def test_a_scan_by_hand_is_seen_and_a_killed_one_is_not(cli: Cli, tree: Path) -> None:
    cli.scan(tree / "d1")
    up, go = cli.root / "up", cli.root / "go"
    env = hooked(cli.root / "hook", HELD) | {"TEST_UP": str(up), "TEST_GO": str(go)}
    with serving(cli) as server:
        with cli.start("scan", "tree", "--no-ner", "-q", "--workers", "1", env=env) as scan:
            wait_for(up.exists)
            wait_for(lambda: value(server.metrics(), "piiscan_scan_in_progress") == 1)
            started = value(server.metrics(), "piiscan_scan_start_timestamp_seconds")
            assert abs(started - up.stat().st_mtime) < 60
            scan.kill()
            scan.communicate()
        wait_for(lambda: value(server.metrics(), "piiscan_scan_in_progress") == 0)
        assert server.get("/healthz")[0] == 200
        server.stop()


def test_a_database_that_is_gone_is_said(cli: Cli, tree: Path) -> None:
    cli.scan(tree / "d1")
    with cli.start("serve", "--quiet", "--listen", "127.0.0.1:0") as process:
        try:
            server = Serving(process)
            assert server.get("/healthz")[0] == 200
            (cli.root / "piiscan.duckdb").rename(cli.root / "away.duckdb")
            code, body = server.get("/healthz")
            assert (code, json.loads(body)) == (503, {"status": "ill", "reason": "the database is not there"})
            assert server.get("/metrics")[0] == 503
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("listen", "says"), [("0.0.0.0:0", "--listen-anywhere"), ("9464", "HOST:PORT"), ("example.org:1", "IP address")]
)
def test_where_it_does_not_listen(cli: Cli, tree: Path, listen: str, says: str) -> None:
    cli.scan(tree / "d1")
    assert says in sentence(cli.run("serve", "--listen", listen), 2)


def test_queues_and_jobs_take_turns(cli: Cli, s3: Bucketeer, tree: Path) -> None:
    cli.env["AWS_ENDPOINT_URL"] = s3.url
    line = Line(s3, f"turns{time.time_ns() % 10**9}")
    for n in range(5):
        line.server.put(line.bucket, f"{n}.txt", f"SSN: {ssn(n)}\n".encode())
        line.send(line.event(f"{n}.txt"))
    cli.good("job", "add", "now", "tree", "--schedule", "once", "--no-ner", "--workers", "1")
    watched = write(cli.root / "watched", plain(3))
    config = cli.root / "serve.toml"
    config.write_text("ner = false\nworkers = 1\n")
    with serving(cli, "--sqs", line.url, "--watch", watched, "--config", config) as server:

        def seen() -> float:
            return value(server.metrics(), "piiscan_objects", outcome="scanned")

        wait_for(lambda: seen() >= 8)
        wait_for(lambda: line.left() == 0)
        assert value(server.metrics(), "piiscan_watches", state="up") == 2
        wait_for(lambda: value(server.metrics(), "piiscan_job_fires_total", job="now", outcome="done") == 1)
        line.server.put(line.bucket, "late.txt", f"SSN: {ssn(9)}\n".encode())
        line.send(line.event("late.txt"))
        wait_for(lambda: seen() >= 49)
        wait_for(lambda: line.left() == 0)
        said = server.stop()
    assert "watch of" not in said
    assert cli.sql("SELECT count(*) AS n FROM v_objects WHERE outcome = 'scanned'") == [{"n": 49}]
    assert {row["status"] for row in cli.sql("SELECT status FROM v_runs")} <= {"done", "cancelled"}
    assert cli.good("db", "check").code == 0


def test_a_watch_that_ends_is_started_again(cli: Cli) -> None:
    later = cli.root / "later"
    with serving(cli, "--watch", later) as server:
        said: list[bytes] = []
        assert server.process.stderr is not None
        while not said or b"watch of" not in said[-1]:
            said.append(server.process.stderr.readline())
            assert said[-1], "it ended"
        assert f"watch of {later} ended with code 3".encode() in said[-1]
        write(later, plain(2))
        wait_for(lambda: value(server.metrics(), "piiscan_objects", outcome="scanned") == 2)
        assert value(server.metrics(), "piiscan_watches", state="up") == 1
        server.stop()


def test_a_server_that_is_killed_takes_its_watches_along(cli: Cli) -> None:
    tree = write(cli.root / "watched", plain(2))
    with serving(cli, "--watch", tree) as server:
        wait_for(lambda: value(server.metrics(), "piiscan_objects", outcome="scanned") == 2)
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert children
        server.process.kill()
        server.process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in children))


def test_a_watch_alerts_when_something_was_found(cli: Cli) -> None:
    config = cli.root / "alerts.toml"
    config.write_text(
        '[[alerts]]\nname = "numbers"\nsql = "SELECT object FROM v_findings"\nsinks = ["file"]\n'
        '[[sinks]]\nname = "file"\nkind = "jsonl"\npath = "alerts.jsonl"\n'
    )
    tree = cli.root / "watched"
    tree.mkdir()
    (tree / "clean.txt").write_text("nothing to see here\n")
    watch = ("watch", "watched", "--once", "--no-ner", "--config", config, "--alert", "-q")
    told = cli.root / "alerts.jsonl"
    cli.good(*watch)
    assert not told.exists()
    (tree / "a.txt").write_text(f"SSN: {ssn(1)}\n")
    cli.good(*watch, "--metrics-file", "m.prom")
    cli.good(*watch)
    (alert,) = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
    assert (alert["alert"], alert["rows"]) == ("numbers", [{"object": "a.txt"}])
    assert value(parse((cli.root / "m.prom").read_text("utf-8")), "piiscan_objects", outcome="scanned") == 2
