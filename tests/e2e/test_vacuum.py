"""The past of a database is dropped from the command line, and nobody else's file is touched."""

from __future__ import annotations

from tests.support.cli import Cli
from tests.support.trees import ssn


def test_only_the_newest_state_is_left(cli: Cli) -> None:
    folder = cli.root / "tree"
    folder.mkdir()
    for n in range(3):
        (folder / "a.txt").write_text("".join(f"SSN: {ssn(n * 10 + m)}\n" for m in range(5)))
        cli.scan(folder)
    findings = cli.sql("SELECT * FROM v_findings")
    assert len(cli.run("diff", 1, 2, "--json").lines()) == 0  # as many values, all of them others
    done = cli.good("db", "vacuum", "--keep-runs", 2)
    assert b": 2 rows of objects and findings dropped;" in done.out
    assert cli.sql("SELECT * FROM v_findings") == findings
    done = cli.good("db", "vacuum", "--keep-days", 0)
    assert cli.sql("SELECT * FROM v_findings") == findings
    assert b"ok " in cli.good("db", "check").out
    assert cli.scan(folder)["objects"]["unchanged"] == 1
    assert cli.run("db", "vacuum", "--keep-runs", 0).code == 2


def test_a_database_that_is_open_elsewhere_is_left_alone(cli: Cli) -> None:
    import duckdb

    folder = cli.root / "tree"
    folder.mkdir()
    (folder / "a.txt").write_text(f"SSN: {ssn(1)}\n")
    cli.scan(folder)
    with duckdb.connect(str(cli.root / "piiscan.duckdb")):
        done = cli.run("db", "vacuum")
    assert done.code == 5
    assert b"another process" in done.err
    assert len(cli.sql("FROM v_findings")) == 1
