"""A missing program is told, and fails where all are required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_TEST = """
from tests.support.programs import needs

@needs("no-such-program")
def test_with_it():
    raise AssertionError("must not run")

@needs("sh")
def test_without():
    pass
"""


@pytest.mark.parametrize(("require", "code", "processes"), [("", 0, "1"), ("all", 1, "0")])
def test_missing_programs_are_listed_or_fail(require: str, code: int, processes: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(_TEST)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-n", processes),
            *("--rootdir", str(tmp_path), "-c", str(ROOT / "pyproject.toml"), str(tmp_path / "test_it.py")),
        ],
        cwd=ROOT,
        env={**os.environ, "PIISCAN_REQUIRE": require},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout
    assert "must not run" not in done.stdout
    if require:
        assert "missing program: no-such-program (PIISCAN_REQUIRE=all)" in done.stdout
    else:
        assert "did not run (missing programs)" in done.stdout
        assert "no-such-program: " in done.stdout
        assert "1 passed, 1 skipped" in done.stdout
