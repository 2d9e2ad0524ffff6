"""What is worse together: buckets as checks judged them, joined with what a scan found in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from piiscan.model import Category, Finding, ObjectReport, Severity
from piiscan.posture.model import Replica
from piiscan.store.ingest import DuckStore
from tests.posture.made import opened, run, state
from tests.support.cli import Cli
from tests.support.made import add_run, finding, ref, report, rule


def card() -> Finding:
    return replace(finding("generic.credit_card", values=7), category=Category.FINANCIAL)


def key() -> Finding:
    return replace(finding("aws.secret", values=2), category=Category.CREDENTIALS, severity=Severity.CRITICAL)


def health() -> Finding:
    return replace(finding("us.npi", values=3), category=Category.PHI)


def held(bucket: str, name: str, *found: Finding) -> ObjectReport:
    return report(ref(name, source=f"s3://{bucket}"), found)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckStore]:
    folder = tmp_path_factory.mktemp("joined")
    made = DuckStore(folder / "j.duckdb", key_file=folder / "k")
    made.remember_rules(
        [
            rule("generic.credit_card", Category.FINANCIAL, tags=("pci",)),
            rule("aws.secret", Category.CREDENTIALS),
            rule("us.npi", Category.PHI, tags=("hipaa",)),
            rule("us.ssn", Category.PII),
        ]
    )
    sample = replace(card(), test_data=True)
    add_run(
        made,
        folder,
        [
            held("one", "cards.csv", card()),
            held("one", "more.csv", card(), health()),
            held("one", "clean.txt"),
            held("two", "env", key(), health()),
            held("three", "samples.csv", sample),
        ],
    )
    run(
        made,
        opened("one", "*"),
        state("two", encryption=None, replication=(Replica("r", "elsewhere", "444455556666", True),)),
        opened("three", "*"),
    )
    yield made
    made.close()


def test_each_bucket_has_what_holds_of_it(store: DuckStore) -> None:
    found = store.query("SELECT bucket, combination, severity FROM v_joined ORDER BY ALL")
    assert {row for row in found if row[0] == "one"} >= {
        ("one", "public_cards", "critical"),
        ("one", "public_health", "critical"),
    }
    assert {row for row in found if row[0] == "two"} >= {
        ("two", "replicated_credentials", "high"),
        ("two", "replicated_health", "high"),
        ("two", "unencrypted_health", "high"),
    }
    assert not {row for row in found if row[1].startswith("public") and row[0] != "one"}
    assert not {row for row in found if row[0] == "three"}, "a published sample is no data"


def test_both_evidences_and_numbers_are_there(store: DuckStore) -> None:
    row = store.query(
        "SELECT posture, data, objects, findings, distinct_values, examples, fix, since IS NOT NULL FROM v_joined "
        "WHERE combination = 'public_cards'"
    )[0]
    assert "by its policy" in row[0]
    assert row[1] == "2 objects with 14 distinct values of cards or what belongs to them, such as cards.csv, more.csv"
    assert row[2:6] == (2, 2, 14, ["cards.csv", "more.csv"])
    assert "block of public access" in row[6]
    assert row[7]


def test_what_is_set_aside_does_not_count(store: DuckStore) -> None:
    with store.transaction():
        found = store.query("SELECT DISTINCT finding FROM findings WHERE rule = 'us.npi' AND superseded IS NULL")
        for (one,) in found:
            store.query(
                "INSERT INTO triage VALUES (?, 'false_positive', 'a', 'b', NULL, now()::TIMESTAMP)",
                [one],
            )
    try:
        assert not store.query("SELECT 1 FROM v_joined WHERE combination LIKE '%health'")
    finally:
        store.query("DELETE FROM triage")


def test_the_exposure_raises_the_risk(store: DuckStore) -> None:
    risks = dict(store.query("SELECT source || '/' || object, risk - sensitivity FROM v_objects WHERE sensitivity > 0"))
    assert risks["s3://one/cards.csv"] > 0
    assert risks["s3://two/env"] > 0  # replicated to somebody


def test_the_command(tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    made = DuckStore(tmp_path / "piiscan.duckdb", key_file=tmp_path / "k")
    made.remember_rules([rule("generic.credit_card", Category.FINANCIAL, tags=("pci",))])
    add_run(made, tmp_path, [held("one", "cards.csv", card())])
    run(made, opened("one", "*"))
    made.close()
    told = cli.good("buckets", "joined").text
    assert "critical  one: Public, and holds card numbers (public_cards)" in told
    assert "cards.csv" in told
    rows = cli.good("buckets", "joined", "--json").lines()
    assert rows[0]["combination"] == "public_cards"
    assert cli.run("buckets", "joined", "--fail-on", "high").code == 1
    assert cli.run("buckets", "joined", "--fail-on", "none").code == 2
