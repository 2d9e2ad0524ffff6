"""Files that mean harm, in one tree: the scan ends by itself, each object as its manifest says, and nothing leaks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli
from tools.hostile import OUTSIDE, build

MOST = 1_500 << 20
"""Bytes that one process may have in memory."""


class Watch:
    """The largest resident size of a process and of all below it, looked at ten times a second."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._over.wait(0.1):
            for pid in _below(self._pid):
                try:
                    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                except (OSError, IndexError):
                    continue
                self.peak = max(self.peak, pages * page)


def _below(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                todo += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def judged(cli: Cli, folder: Path, *, small: bool) -> dict[str, Any]:
    """A scan of the hostile tree: how it ended, what it took, and every object that did not end as it should."""
    rows = build(folder, small=small)
    before = _entries(folder)
    begin = time.monotonic()
    with cli.start("scan", folder / "tree", "--no-ner", "--quiet") as process, Watch(process.pid) as watch:
        out, err = process.communicate(timeout=1_800)
    seconds = time.monotonic() - begin
    held = {row["object"]: row for row in cli.run("coverage", "--json").lines()}
    mails = {row["object"] for row in cli.sql("SELECT object FROM v_findings WHERE rule = 'generic.email'")}
    wrong = []
    for row in rows:
        name, found = str(row["object"]), held.pop(str(row["object"]), None)
        if found is None:
            wrong.append(f"{name!r}: not listed")
        elif found["outcome"] not in row["outcomes"]:  # type: ignore[operator]
            wrong.append(f"{name!r}: {found['outcome']}, {found['reason']}")
        elif found["reason"].startswith(("INTERNAL_ERROR", "WORKER_DIED")):
            wrong.append(f"{name!r}: {found['reason']}")
        elif row["found"] and name not in mails:
            wrong.append(f"{name!r}: not found, {found['outcome']}, {found['reason']}")
    wrong += [f"{name!r}: in no manifest" for name in held]
    # Where the text of an entity or the target of a link was read, the address outside is counted by its fingerprint.
    probe = folder / "probe.txt"
    probe.write_text(OUTSIDE)
    cli.run("scan", probe, "--no-ner", "--quiet")
    leaks = cli.sql(
        "SELECT DISTINCT object FROM v_occurrences WHERE object != 'probe.txt' AND fingerprint IN "
        "(SELECT fingerprint FROM v_occurrences WHERE object = 'probe.txt')"
    )
    probe.unlink()
    return {
        "objects": len(rows),
        "code": process.returncode,
        "seconds": round(seconds, 1),
        "peak_mb": round(watch.peak / 1e6),
        "wrong": wrong,
        "leaks": [row["object"] for row in leaks],
        "written": sorted(_entries(folder) - before),
        "said": (out + err).decode("utf-8", "replace")[-500:],
    }


def _entries(folder: Path) -> set[str]:
    """Everything beside and inside the tree, and where its members' own names would lead."""
    tree = os.walk(os.fsencode(folder))
    found = {os.fsdecode(os.path.join(root, name)) for root, dirs, files in tree for name in dirs + files}
    beside = (*folder.parent.iterdir(), *Path("/").glob("escape*"), *Path("/tmp").glob("escape*"))
    return found | {str(path) for path in beside}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of processes from /proc")
def test_every_object_ends_as_its_manifest_says(cli: Cli, tmp_path: Path) -> None:
    found = judged(cli, tmp_path / "hostile", small=True)
    assert found["wrong"] == []
    assert found["leaks"] == []
    assert found["written"] == []
    assert found["code"] == 4
    assert found["peak_mb"] < MOST / 1e6
    assert "Traceback" not in found["said"]


def test_the_tree_is_made_by_one_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.hostile", str(tmp_path / "made"), "--small"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "objects below" in done.stdout
    assert (tmp_path / "made" / "MANIFEST.jsonl").stat().st_size > 10_000
