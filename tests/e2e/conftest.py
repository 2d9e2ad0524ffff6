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


@pytest.fixture
def cli(tmp_path: Path, cache: Path) -> Cli:
    return Cli(tmp_path / "work", cache)


@pytest.fixture(scope="session")
def s3() -> Iterator[Bucketeer]:
    with s3_server() as made:
        yield made
