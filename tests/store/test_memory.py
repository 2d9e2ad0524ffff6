"""What DuckDB cannot hold: one sentence, what to set, code 5."""

from __future__ import annotations

from pathlib import Path

import pytest

from piiscan.errors import StoreError
from piiscan.model import Place
from piiscan.store.query import memory_error, rows
from piiscan.store.snapshot import open_newest
from tests.support.cli import Cli
from tests.support.made import database, finding, report


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    places = [Place(line=n + 1) for n in range(50)]
    return database(
        tmp_path_factory.mktemp("memory"), [report(f"{n}.txt", [finding(places=places)]) for n in range(100)]
    )


@pytest.mark.parametrize("command", [("report",), ("coverage",), ("sql", "SELECT object FROM v_findings ORDER BY 1")])
def test_a_command_says_what_to_set(made: Path, tmp_path: Path, cache: Path, command: tuple[str, ...]) -> None:
    cli = Cli(tmp_path / "work", cache)
    done = cli.run(*command, "--db", made, env={"PIISCAN_MEMORY": "1MB"})
    assert done.code == 5
    (line,) = done.said.splitlines()
    assert line.endswith("; allow it more with PIISCAN_MEMORY, as in PIISCAN_MEMORY=4GB")
    assert cli.run(*command, "--db", made, env={"PIISCAN_MEMORY": "400MB"}).code == 0


def test_the_variable_is_read_and_a_wrong_one_is_said(made: Path, tmp_path: Path, cache: Path) -> None:
    done = Cli(tmp_path / "work", cache).run("report", "--db", made, env={"PIISCAN_MEMORY": "plenty"})
    assert (done.code, done.said) == (2, "piiscan: PIISCAN_MEMORY: 'plenty' is no size, such as 4GB or 512MB\n")


def test_more_is_allowed_by_the_variable(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "SELECT length(list(range)) FROM range(3000000)"
    with pytest.raises(StoreError, match="the query needs more than 8MB of memory; allow it more with PIISCAN_MEMORY"):
        rows(made, many, 20.0, "8MB")
    monkeypatch.setenv("PIISCAN_MEMORY", "512MB")
    assert rows(made, many, 20.0, "8MB")[1] == [(3_000_000,)]


def test_an_error_of_another_kind_is_none_of_memory(made: Path) -> None:
    con, _ = open_newest(made, memory="8MB")
    with pytest.raises(Exception) as caught:
        con.execute("SELECT list(range) FROM range(3000000)").fetchall()
    told = memory_error(caught.value)
    assert told is not None
    assert "than the 7.6 MiB that it may take" in str(told)
    assert told.exit_code == 5
    with pytest.raises(Exception) as caught:
        con.execute("SELECT nothing")
    assert memory_error(caught.value) is None
    con.close()
