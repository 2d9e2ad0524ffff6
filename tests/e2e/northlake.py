"""The share of `fixtures/`, built once, and one scan of it through the real command line; conftest.py offers both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.make import build
from fixtures.share import Share
from tests.support.cli import Cli

WHOLE_OR_PARTLY = (0, 4)
"""Exit codes of a scan of this share: some of its objects cannot be read whole."""


@dataclass(frozen=True)
class Scanned:
    """What the commands said of one target."""

    db: Path
    findings: list[dict[str, Any]]
    coverage: list[dict[str, Any]]
    summary: dict[str, Any]
    env: dict[str, str]
    cli: Cli


def scan_all(target: str, cli: Cli, env: Mapping[str, str] | None = None) -> Scanned:
    """Scan a target into a fresh database, and read everything back."""
    db = cli.root / "northlake.duckdb"
    summary = cli.scan(target, "--db", db, codes=WHOLE_OR_PARTLY, env=env)
    findings = cli.good("report", "--format", "jsonl", "--db", db).lines()
    coverage = cli.good("coverage", "--json", "--db", db).lines()
    return Scanned(db, findings, coverage, summary, dict(cli.env), cli)


@pytest.fixture(scope="session")
def built() -> Share:
    return build()


@pytest.fixture(scope="session")
def share(built: Share, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("share") / "tree"
    built.write(root)
    return root


@pytest.fixture(scope="session")
def scanned(share: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    return scan_all(str(share), Cli(tmp_path_factory.mktemp("scanned") / "work", cache))
