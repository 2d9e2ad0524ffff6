"""What was not read is said part by part, adds up to what was listed, and ends a job that asks for more."""

from __future__ import annotations

import io
import json
import re
import zipfile
from itertools import chain
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.trees import plain, write


def bundle(broken: int) -> bytes:
    """A zip with a text and some documents that are cut off."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("note.txt", "nothing here")
        for n in range(broken):
            made.writestr(f"bad{n}.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\3not deflated at all")
    return out.getvalue()


@pytest.fixture
def tree(cli: Cli) -> Path:
    more = [("bundle.zip", bundle(3)), ("empty.log", b"")]
    return write(cli.root / "tree", chain(plain(4), more))


def test_every_part_that_was_not_read_is_listed(cli: Cli, tree: Path) -> None:
    cli.run("scan", "tree", "--no-ner", "--quiet")
    by_name = {line["object"]: line for line in cli.run("coverage", "--json").lines()}
    assert by_name["bundle.zip"]["outcome"] == "partial"
    parts = by_name["bundle.zip"]["unread"]
    assert [re.search(r"bad\d\.gz", part)[0] for part in parts] == ["bad0.gz", "bad1.gz", "bad2.gz"]  # type: ignore[index]
    assert parts[0] in by_name["bundle.zip"]["reason"]
    assert "unread" not in by_name["d0/note0.txt"]
    rows = cli.sql("SELECT object, part, code FROM v_unread WHERE object = 'bundle.zip' ORDER BY part")
    assert [row["part"] for row in rows] == [0, 1, 2]
    assert all(re.fullmatch(r"[A-Z_]+", row["code"]) for row in rows)
    text = cli.run("coverage").text
    assert all(f"bad{n}.gz" in text for n in range(3))


def test_totals_are_what_was_listed(cli: Cli, tree: Path) -> None:
    cli.run("scan", "tree", "--no-ner", "--quiet")
    text = cli.run("coverage").text
    listed = len([path for path in tree.rglob("*") if path.is_file()])
    assert f"run 1 listed {listed} objects: {listed} examined, 0 unchanged\n" in text
    outcomes = text.split("by outcome\n")[1].split("\n\n")[0]
    assert sum(int(line.split()[0].replace(",", "")) for line in outcomes.splitlines()) == listed
    sizes = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    assert sum(int(line.split()[1].replace(",", "")) for line in outcomes.splitlines()) == sizes
    cli.run("scan", "tree", "--no-ner", "--quiet")
    assert f"run 2 listed {listed} objects: 0 examined, {listed} unchanged\n" in cli.run("coverage").text


@pytest.mark.parametrize(("most", "code"), [("0", 4), ("1", 0), ("0%", 4), ("16.6%", 4), ("16.7%", 0), ("100%", 0)])
def test_a_bound_on_what_is_left_unread(cli: Cli, tree: Path, most: str, code: int) -> None:
    cli.run("scan", "tree", "--no-ner", "--quiet")
    assert cli.run("coverage", "--max-unread", most).code == code


@pytest.mark.parametrize("most", ["many", "-1", "1.5", "%", "1e3"])
def test_a_bound_that_is_none(cli: Cli, tree: Path, most: str) -> None:
    cli.run("scan", "tree", "--no-ner", "--quiet")
    done = cli.run("coverage", f"--max-unread={most}")
    assert done.code == 2
    assert "--max-unread" in done.said


def test_coverage_says_where_names_were_not_looked_for(cli: Cli, tree: Path) -> None:
    cli.run("scan", "tree", "--no-ner", "--quiet")
    assert {line["names_examined"] for line in cli.run("coverage", "--json").lines()} == {None}
    objects = len(cli.run("coverage", "--json").lines())
    assert f"names were not looked for in {objects} objects (--no-ner)\n" in cli.run("coverage").text
    cli.run("scan", "tree", "--quiet")
    assert all(isinstance(line["names_examined"], int) for line in cli.run("coverage", "--json").lines())
    assert "names were not looked for" not in cli.run("coverage").text
    assert [row["names"] for row in cli.sql("SELECT names FROM v_runs ORDER BY run")] == [False, True]


def test_the_database_of_the_scan_itself_is_not_read(cli: Cli, tree: Path) -> None:
    (tree.parent / "piiscan.duckdb.notes.txt").write_text("nothing here")
    (tree / "piiscan.duckdb").write_bytes(b"of that name, but elsewhere")
    for _ in range(2):
        cli.good("scan", ".", "--no-ner", "--quiet", codes=(4,))
    rows = cli.sql("SELECT object, outcome, reason FROM v_objects")
    skipped = {row["object"]: row["reason"] for row in rows if row["outcome"] == "skipped"}
    assert set(skipped) >= {"piiscan.duckdb", "piiscan.duckdb.snapshot"}
    assert all(reason.startswith("OWN_DATABASE: ") for reason in skipped.values())
    read = {row["object"] for row in rows} - set(skipped)
    assert read >= {"tree/piiscan.duckdb", "piiscan.duckdb.notes.txt", "tree/bundle.zip"}
    assert "piiscan.duckdb\n" not in cli.run("scan", ".", "--dry-run").text.replace("tree/piiscan.duckdb", "")
    cli.good("scan", "piiscan.duckdb", "--db", "other.duckdb", "--no-ner", "--quiet")
    (row,) = cli.sql("SELECT outcome FROM v_objects", db="other.duckdb")
    assert row["outcome"] == "scanned"


def test_progress_for_programs(cli: Cli, tree: Path) -> None:
    done = cli.run("scan", "tree", "--no-ner", "--quiet", "--json-progress", "--workers", 2)
    told = [json.loads(line) for line in done.said.splitlines()]
    assert all(line["event"] == "progress" for line in told)
    assert [line["done"] for line in told] == sorted(line["done"] for line in told)
    last = told[-1]
    assert (last["listed"], last["done"], last["listing"]) == (6, 6, "done")
    assert last["outcomes"] == {"scanned": 5, "partial": 1}
    assert last["matches"] == 4
    assert "note" not in done.said
    assert "SSN" not in done.said
