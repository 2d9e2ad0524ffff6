from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.northlake import built, scanned, share
from tests.support.cli import Cli
from tests.support.s3 import Bucketeer, s3_server

__all__ = ["built", "scanned", "share"]
"""The share of `fixtures/` and one scan of it."""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


ALL_CORES = ("test_canary", "test_faults", "test_fixtures", "test_hostile_tree", "test_kill", "test_kill_serve")
"""Files of tests in which as many workers read as there are cores."""


@pytest.fixture
def cli(request: pytest.FixtureRequest, tmp_path: Path, cache: Path) -> Cli:
    made = Cli(tmp_path / "work", cache)
    if request.path.stem in ALL_CORES:
        del made.env["PIISCAN_WORKERS"]
    return made


@pytest.fixture(scope="session")
def s3() -> Iterator[Bucketeer]:
    with s3_server() as made:
        yield made
