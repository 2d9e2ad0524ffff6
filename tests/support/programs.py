"""Programs that some tests need and that a machine may lack: such tests are skipped, or fail where CI demands all.

`@needs("chromium")` marks a test; `tests/conftest.py` looks for the program and lists at the end what did not run.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from fixtures.needs import there

REASON = "missing program: "
_ALIASES = {"chromium": ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")}


def find(program: str) -> str:
    """The path of a program under one of its names, or the name of a library; empty when it is not installed."""
    if program == "libarchive":
        return program if there(program) else ""
    beside = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    return next((path for name in _ALIASES.get(program, (program,)) if (path := shutil.which(name, path=beside))), "")


def needs(program: str) -> pytest.MarkDecorator:
    """A mark for tests that run `program`."""
    return pytest.mark.needs(program)


def require(program: str) -> None:
    """Skip the running test when a program is missing; with `PIISCAN_REQUIRE=all` fail it."""
    if find(program):
        return
    if os.environ.get("PIISCAN_REQUIRE") == "all":
        pytest.fail(f"{REASON}{program} (PIISCAN_REQUIRE=all)", pytrace=False)
    pytest.skip(REASON + program)
