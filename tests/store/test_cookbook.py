"""Every question of the cookbook has an answer, in a database that holds something of everything."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from piiscan.errors import ConfigError
from piiscan.model import Category, ColumnFound, Combination, Outcome, Place, Severity
from piiscan.store.history import differences, runs
from piiscan.store.ingest import DuckStore
from piiscan.store.query import rows
from tests.support.made import add_run, finding, report, rule
from tools.grafana import FILE, dashboard, text

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text("utf-8")
QUESTIONS = re.findall(r"```sql\n-- (\d+)\. ([^\n]*)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cookbook")
    path = folder / "made.duckdb"
    store = DuckStore(path, key_file=folder / "made.key")
    store.remember_rules(
        [
            rule("us.ssn", tags=("hipaa",)),
            rule("generic.credit_card", Category.FINANCIAL, tags=("pci",)),
            rule("special.religion", tags=("gdpr-art9",)),
            rule("aws.key", Category.CREDENTIALS),
        ]
    )
    places = [Place(row=n, column_name="ssn") for n in range(1, 6)]
    table = replace(
        report("hr/staff.csv", [finding(places=places, values=5), finding("special.religion", confidence=0.5)]),
        people=5,
        combinations=(Combination("identity", 5),),
        columns=(ColumnFound("", "ssn", "us.ssn", 5, 5), ColumnFound("", "notes", "special.religion", 50, 1)),
    )
    key = replace(finding("aws.key", severity=Severity.CRITICAL), category=Category.CREDENTIALS)
    first = [
        table,
        report("env/prod", [key]),
        report("env/test", [key]),
        report("a/card.txt", [finding("generic.credit_card", values=2)]),
        report("b/copy.txt", [finding("generic.credit_card", values=2)]),
        replace(report("big.zip", outcome=Outcome.PARTIAL, reason="TIMED_OUT: long"), unread=("TIMED_OUT: x",)),
    ]
    add_run(store, folder, first)
    add_run(store, folder, [report("env/prod"), report("new.txt", [finding(values=3)]), first[0]])
    store.close()
    return path


def test_there_are_25_and_they_are_numbered() -> None:
    assert [int(number) for number, _, _ in QUESTIONS] == list(range(1, len(QUESTIONS) + 1))
    assert len(QUESTIONS) >= 25
    assert PAGE.count("```sql") == len(QUESTIONS)


@pytest.mark.parametrize(("number", "title", "query"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_a_question_is_answered(made: Path, number: str, title: str, query: str) -> None:
    columns, found, _ = rows(made, query, 20.0, "512MB")
    assert columns
    assert found, title


def test_deltas_and_differences_agree(made: Path) -> None:
    query = "SELECT change, finding FROM v_deltas WHERE run = 2"
    _, found, _ = rows(made, query, 20.0, "512MB")
    store = DuckStore(made, key_file=made.with_name("made.key"))
    assert runs(store.connection) == [1, 2]
    differing = list(differences(store.connection, 1, 2))
    assert {(row["change"], row["finding"]) for row in differing} == set(found)
    assert sorted((row["change"], row["object"], row["rule"]) for row in differing) == [
        ("gone", "env/prod", "aws.key"),
        ("new", "new.txt", "us.ssn"),
    ]
    assert [row["change"] for row in differences(store.connection, 2, 1)] == ["new", "gone"]
    assert list(differences(store.connection, 2, 2)) == []
    with pytest.raises(ConfigError, match="no run 9"):
        list(differences(store.connection, 1, 9))
    store.close()


def test_the_dashboard_is_as_generated_and_its_questions_are_answered(made: Path) -> None:
    assert FILE.read_text("utf-8") == text()
    panels = dashboard()["panels"]
    assert all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in panels)
    for panel in panels:
        columns, found, _ = rows(made, panel["targets"][0]["rawSql"], 20.0, "512MB")
        assert columns
        assert found, panel["title"]
