"""What the page of a report shows is what the views say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from piiscan.errors import StoreError
from piiscan.model import Outcome, Severity
from piiscan.report.summary import HARMLESS
from piiscan.store.duck import open_for_reading
from piiscan.store.ingest import DuckStore
from piiscan.store.report import FOLDERS, RISKIEST, facts
from piiscan.store.snapshot import open_newest
from piiscan.store.triage import Meant, Said, suppress
from piiscan.triage import put_into_force
from tests.report.hostile import database
from tests.support.made import add_run, finding, ref, report

LEVELS = ("critical", "high", "medium", "low")


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The hostile database, as commands open it."""
    opened, _ = open_newest(database(tmp_path_factory.mktemp("facts")), memory="192MB", threads=2)
    yield opened
    opened.close()


def asked(con: Any, sql: str) -> Any:
    return con.execute(sql).fetchall()


def test_totals_are_those_of_the_views(con: Any) -> None:
    found = facts(con, None, HARMLESS)
    by = dict(asked(con, "SELECT severity, count(*) FROM v_findings WHERE counted GROUP BY 1"))
    assert found.severities == tuple(by.get(level, 0) for level in LEVELS)
    assert found.standing["sample"] == asked(con, "SELECT count(*) FROM v_findings WHERE test_data")[0][0]
    assert found.standing["suppressed"] == asked(con, "SELECT count(*) FROM v_suppressed")[0][0] > 0
    assert found.standing["false_positive"] == 1
    assert found.total.objects == asked(con, "SELECT count(*) FROM v_objects")[0][0]
    assert (
        found.total.holding == asked(con, "SELECT count(DISTINCT (source, object)) FROM v_findings WHERE counted")[0][0]
    )
    assert found.total.points == asked(con, "SELECT sum(risk) FROM v_objects")[0][0]
    assert sum(region.points for region in found.regions) == found.total.points
    assert sum(source.objects for source in found.sources) == found.total.objects
    assert {k.rule: (k.objects, k.matches) for k in found.kinds} == {
        rule: (objects, matches)
        for rule, objects, matches in asked(
            con, "SELECT rule, count(*), sum(count)::BIGINT FROM v_findings WHERE counted GROUP BY 1"
        )
    }


def test_what_was_not_read_is_that_of_the_views(con: Any) -> None:
    found = facts(con, None, HARMLESS)
    assert {(u.what, u.outcome): u.objects for u in found.reasons} == {
        (reason, outcome): objects
        for reason, outcome, objects in asked(
            con, "SELECT reason, outcome, sum(objects)::BIGINT FROM v_coverage WHERE outcome <> 'scanned' GROUP BY ALL"
        )
    }
    assert {m.object for m in found.missed} == {"partial\n]]>.pdf", "failed.bin"}, "links hold nothing of their own"
    assert found.missed_count == len(found.missed)


def test_folders_are_the_first_two_levels(con: Any) -> None:
    by = {(f.source, f.prefix): f for f in facts(con, None, HARMLESS).folders}
    assert by["file:///share", "deep/deep/"].objects == 1
    assert by["file:///share", "a:b/../"].objects == 1
    assert by["file:///share", ""].objects > 10


def test_a_trend_ends_with_the_state_and_counts_what_went(tmp_path: Path) -> None:
    store = DuckStore(tmp_path / "t.duckdb", key_file=tmp_path / "k")
    add_run(store, tmp_path, [report("a.txt", [finding(), finding("us.npi", severity=Severity.LOW)]), report("b.txt")])
    add_run(store, tmp_path, [report(ref("a.txt", etag="e2"), [finding(values=3)])])
    third = [report(ref("b.txt", etag="e2"), [finding("us.npi")], Outcome.PARTIAL, "OCR: a picture")]
    add_run(store, tmp_path, third)
    suppress(store, Meant(rule="us.npi", object="b.txt"), Said("dana", "known"))
    put_into_force(store)
    store.close()
    opened = open_for_reading(tmp_path / "t.duckdb")
    found = facts(opened, None, HARMLESS)
    assert [p.findings for p in found.points] == [(0, 1, 0, 1), (0, 1, 0, 0), (0, 1, 0, 0)]
    assert [p.objects for p in found.points] == [2, 2, 2]
    assert found.changes == {"new": (0, 0, 0, 0), "changed": (0, 0, 0, 0), "gone": (0, 0, 0, 0)}
    assert found.standing["suppressed"] == 1
    second = facts(opened, 2, HARMLESS)
    assert second.only
    assert second.total.objects == 1
    assert second.changes == {"new": (0, 0, 0, 0), "changed": (0, 1, 0, 0), "gone": (0, 0, 0, 1)}
    assert facts(opened, 1, HARMLESS).changes == {}, "nothing was before it"
    opened.close()


def test_new_findings_are_those_of_the_deltas(tmp_path: Path) -> None:
    store = DuckStore(tmp_path / "t.duckdb", key_file=tmp_path / "k")
    add_run(store, tmp_path, [report("a.txt", [finding()])])
    add_run(store, tmp_path, [report("b.txt", [finding(), finding("us.npi", severity=Severity.CRITICAL)])])
    store.close()
    opened = open_for_reading(tmp_path / "t.duckdb")
    found = facts(opened, None, HARMLESS)
    assert found.changes["new"] == (1, 1, 0, 0)
    assert [(f.object, f.rule) for f in found.new] == [("b.txt", "us.npi"), ("b.txt", "us.ssn")]
    assert found.new[0].places == (({"line": 1, "column": 1}, "***-**-**98"),)
    opened.close()


def test_what_was_listed_and_never_chosen_is_counted(tmp_path: Path) -> None:
    store = DuckStore(tmp_path / "t.duckdb", key_file=tmp_path / "k")
    add_run(store, tmp_path, [report("a/1.txt", [finding()]), report("b/2.txt")])
    store.query(
        "INSERT INTO bucket_coverage VALUES (1, 'file:///share', '', 10, 99, 2, 9), "
        "(1, 'file:///share', 'a/', 7, 9, 1, 1)"
    )
    store.close()
    opened = open_for_reading(tmp_path / "t.duckdb")
    assert facts(opened, None, HARMLESS).never == 8, "a/ is in the whole"
    assert facts(opened, 1, HARMLESS).never == 0
    opened.close()


def test_lists_have_an_end(tmp_path: Path) -> None:
    store = DuckStore(tmp_path / "t.duckdb", key_file=tmp_path / "k")
    add_run(store, tmp_path, [report(f"{n}/{n % 7}/x.txt", [finding()]) for n in range(FOLDERS + 20)])
    store.close()
    opened = open_for_reading(tmp_path / "t.duckdb")
    found = facts(opened, None, HARMLESS)
    assert (len(found.folders), found.folder_count) == (FOLDERS, FOLDERS + 20)
    assert (len(found.risky), found.risky_count) == (RISKIEST, FOLDERS + 20)
    rest = [region for region in found.regions if region.prefix is None]
    assert len(rest) == 1
    assert sum(region.points for region in found.regions) == found.total.points
    opened.close()


def test_a_database_of_an_older_program_is_refused_in_words(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "old.duckdb")) as old:
        old.execute("CREATE TABLE meta (name VARCHAR); CREATE TABLE schema_version AS SELECT 8 AS version")
    opened = open_for_reading(tmp_path / "old.duckdb")
    with pytest.raises(StoreError, match="newer database"):
        facts(opened, None, HARMLESS)
    opened.close()
