"""Missing programs: who needs one says so with `tests.support.programs.needs`; nothing is skipped in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.programs import REASON, require


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of compiled rules that all commands of a test run share."""
    return tmp_path_factory.mktemp("cache")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(program): the test runs an outside program (see tests/support/programs.py)"
    )


LONG = (
    "tests/jobs/test_year.py::",
    "tests/sampling/test_discover.py::test_a_month",
    "tests/e2e/test_kill.py::test_killed_at_any_moment",
    "tests/e2e/test_parts.py::test_killed_and_resumed",
    "tests/e2e/test_s3.py::test_buckets_by_pattern_and_tag[obstore]",
    "tests/e2e/test_s3.py::test_a_bucket_of_several_pages_is_read_once[obstore]",
    "tests/e2e/test_faults.py::test_a_bad_line_costs_no_finding[obstore]",
)
"""Tests that repeat at length what shorter ones show: `make soak-tests` runs them with all others."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("PIISCAN_SOAK") == "1" or any("::" in name for name in config.args):
        return
    left_out = [item for item in items if item.nodeid.startswith(LONG)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.nodeid.startswith(LONG)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        require(mark.args[0])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", ()):
        # (file, line, reason), also when the report came from another process
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if REASON in reason:
            missing.setdefault(reason.partition(REASON)[2].strip(), []).append(report.nodeid)
    if not missing:
        return
    terminalreporter.section("did not run (missing programs)")
    for program, tests in sorted(missing.items()):
        for test in sorted(tests):
            terminalreporter.write_line(f"{program}: {test}")
