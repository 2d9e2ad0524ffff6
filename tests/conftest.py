"""Missing programs: who needs one says so with `tests.support.programs.needs`; nothing is skipped in silence."""

from __future__ import annotations

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
