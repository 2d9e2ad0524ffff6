"""A job of `piiscan serve` whose processes are killed, whichever comes: the rows are those of an unbroken run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_kill import children
from tests.e2e.test_serve import QUICK
from tests.support.cli import Cli, dump, hooked
from tests.support.trees import plain, write

KEY = "7a" * 32
Rows = dict[str, list[tuple[Any, ...]]]


def with_job(cli: Cli, tree: Path) -> Cli:
    """A database with one job over the tree, due at once."""
    key = tree.with_name("key")
    key.write_text(KEY)
    key.chmod(0o600)
    cli.good("job", "add", "all", tree, "--schedule", "once", "--no-ner", "--workers", 2, "--key-file", key)
    return cli


def outcome(cli: Cli) -> str:
    """What became of the job's one fire; from the last snapshot where the database is in use."""
    done = cli.run("job", "history", "all", "--json")
    lines = done.lines() if done.code == 0 else []
    return str(lines[0]["outcome"]) if lines else ""


def serve(cli: Cli) -> subprocess.Popen[bytes]:
    env = hooked(cli.root / "quick", QUICK)
    return cli.start(
        "serve", "--quiet", "--listen", "127.0.0.1:0", env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


def victim(server: subprocess.Popen[bytes], rng: random.Random) -> tuple[str, int]:
    """One of the processes: the server, the scan of the job, or one of the workers of that."""
    own = [("serve", server.pid)]
    below = children(server.pid)
    scans = [("scan", pid) for pid in below if b"job\0run" in command_of(pid)]
    workers = [("worker", pid) for pid in below if b"piiscan.engine.worker" in command_of(pid)]
    return rng.choice(rng.choice([some for some in (own, scans, workers) if some]))


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def killed(cli: Cli, rng: random.Random, moments: int, pause: Callable[[], float]) -> list[str]:
    """Serve the job to its end, killing one process after another at so many moments; which they were."""
    came: list[str] = []
    server = serve(cli)
    try:
        while outcome(cli) not in ("done", "failed", "died"):
            if server.poll() is not None:
                server = serve(cli)
            if len(came) < moments:
                time.sleep(pause())
                name, pid = victim(server, rng)
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                came.append(name)
            else:
                time.sleep(0.2)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    return came


def rows(cli: Cli) -> Rows:
    """All rows but those of jobs and of times."""
    return dump(cli.root / "piiscan.duckdb")


def unbroken(cli: Cli, tree: Path) -> Rows:
    with_job(cli, tree).good("job", "run", "all", "--due", "--quiet")
    return rows(cli)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
def test_a_job_survives_the_kill_of_any_of_its_processes(cli: Cli, cache: Path) -> None:
    tree = write(cli.root / "tree", plain(600))
    whole = unbroken(Cli(cli.root / "whole", cache), tree)
    broken = with_job(Cli(cli.root / "broken", cache), tree)
    rng = random.Random(3)
    came = killed(broken, rng, 4, lambda: rng.uniform(0.5, 2.5))
    assert came
    assert outcome(broken) == "done"
    assert rows(broken) == whole
    (line,) = broken.good("job", "history", "all", "--json").lines()
    assert line["attempts"] >= 1
