"""Risk in the store: the statement and the formula agree, weights are a table, old databases are taken along."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piiscan.errors import ConfigError
from piiscan.model import Category, ColumnFound, Combination, Finding, Outcome, RuleId, Severity
from piiscan.score import CAP, FULL_AT, TOGETHER, WEIGHTS, score
from piiscan.store.ingest import DuckStore
from piiscan.store.risk import rescore, set_sensitivity, set_weight
from piiscan.store.triage import Meant, Said, remove, set_state, suppress
from piiscan.triage import put_into_force
from tests.support.made import SOURCE, add_run, database, finding, report, rule

RULES = [rule("us.ssn"), rule("de.iban"), rule("generic.password"), rule("aws.key")]
FINDINGS = st.lists(
    st.builds(
        lambda name, severity, confidence, values, sample: finding(
            name, values=values, severity=severity, confidence=round(confidence, 4), test_data=sample
        ),
        st.sampled_from([str(r.id) for r in RULES]),
        st.sampled_from(Severity),
        st.floats(0, 1),
        st.integers(1, 400),
        st.booleans(),
    ),
    max_size=4,
    unique_by=lambda f: f.rule,
)
TOGETHERS = st.lists(
    st.builds(Combination, st.sampled_from(list(TOGETHER)), st.integers(1, 20_000), st.booleans()),
    max_size=3,
    unique_by=lambda c: c.name,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("risk")
    made = DuckStore(folder / "risk.duckdb", key_file=folder / "key")
    made.remember_rules(RULES)
    yield made
    made.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FINDINGS, TOGETHERS), min_size=1, max_size=12))
def test_the_statement_is_the_formula(
    store: DuckStore, tmp_path: Path, objects: list[tuple[list[Finding], list[Combination]]]
) -> None:
    reports = [
        replace(report(f"{n}.txt", findings), combinations=tuple(together))
        for n, (findings, together) in enumerate(objects)
    ]
    run = add_run(store, tmp_path, reports)
    rows = {
        key: (sensitivity, risk, json.loads(reasons))
        for key, sensitivity, risk, reasons in store.query(
            "SELECT key, sensitivity, risk, reasons FROM objects WHERE run = ?", [run]
        )
    }
    names = {RuleId(r.id): r for r in RULES}
    for n, (findings, together) in enumerate(objects):
        wanted = score(findings, names, together)
        assert rows[f"{n}.txt"] == (wanted.value, wanted.value, list(wanted.reasons))


def test_the_table_has_the_weights_of_the_formula(store: DuckStore) -> None:
    held = dict(store.query("SELECT term, weight FROM risk_weights"))
    wanted: dict[str, float] = {f"severity.{severity.label}": weight for severity, weight in WEIGHTS.items()}
    wanted |= {f"combination.{name}": weight for name, (weight, _) in TOGETHER.items()}
    assert wanted | {"cap": CAP, "spread.full_at": FULL_AT} == {
        term: weight for term, weight in held.items() if not term.startswith(("bucket.", "exposure"))
    }


def test_weights_and_exposure_move_the_risk(tmp_path: Path) -> None:
    path = database(tmp_path, [report("a.txt", [finding(confidence=1.0)]), report("b.txt")])
    store = DuckStore(path, key_file=tmp_path / "made.key")

    def scores() -> list[tuple[int, int]]:
        return store.query("SELECT sensitivity, risk FROM v_objects ORDER BY object")

    assert scores() == [(40, 40), (0, 0)]
    store.query("INSERT INTO exposures VALUES (?, 1.0, 'public', now()::TIMESTAMP)", [SOURCE])
    assert rescore(store) == 2
    assert scores() == [(40, 78), (0, 0)]  # 1 - 0.6 ** 3
    store.query("UPDATE risk_weights SET weight = 10 WHERE term = 'severity.high'")
    rescore(store)
    assert scores() == [(10, 27), (0, 0)]
    with pytest.raises(ConfigError, match=r"severity\.low"):
        set_weight(store, "severity.huge", 3)
    store.close()


def bucket(store: DuckStore) -> dict[str, Any]:
    rows = store.query("SELECT sensitivity, by_hand, objects_sensitive FROM v_buckets WHERE source = ?", [SOURCE])
    return dict(zip(("sensitivity", "by_hand", "sensitive"), rows[0], strict=True))


def test_a_bucket_on_the_scale(tmp_path: Path) -> None:
    path = database(tmp_path, [report("a.txt", outcome=Outcome.FAILED, reason="READ_FAILED: x")])
    store = DuckStore(path, key_file=tmp_path / "made.key")
    assert bucket(store)["sensitivity"] == -1
    add_run(store, tmp_path, [report("a.txt", outcome=Outcome.SKIPPED, reason="EXCLUDED: x")])
    assert bucket(store)["sensitivity"] == 50
    add_run(store, tmp_path, [report("b.txt"), report("c.txt"), report("d.txt")])
    assert bucket(store)["sensitivity"] == 49 - 36
    add_run(store, tmp_path, [report("a.txt")])
    assert bucket(store)["sensitivity"] == 1
    add_run(store, tmp_path, [report("e.txt", [finding(confidence=1.0)])])
    one = bucket(store)["sensitivity"]
    assert 51 <= one < 75
    add_run(store, tmp_path, [report(f"f{n}.txt", [finding(severity=Severity.CRITICAL)]) for n in range(50)])
    many = bucket(store)
    assert one < many["sensitivity"] <= 99
    assert many["sensitive"] == 51
    set_sensitivity(store, SOURCE, 100, "the board says so")
    assert (bucket(store)["sensitivity"], bucket(store)["by_hand"]) == (100, True)
    set_sensitivity(store, SOURCE, None, "")
    assert bucket(store) == many
    with pytest.raises(ConfigError, match="no such source"):
        set_sensitivity(store, "s3://other", 100, "")
    store.close()


def test_columns_people_and_regulations(tmp_path: Path) -> None:
    both = replace(
        report("t.csv", [finding("us.ssn", values=40, confidence=0.9)]),
        columns=(ColumnFound("", "ssn", "us.ssn", 50, 1),),
        people=40,
        combinations=(Combination("identity", 7, False),),
    )
    path = database(tmp_path, [both, report("empty.txt")])
    store = DuckStore(path, key_file=tmp_path / "made.key")
    store.remember_rules([rule("us.ssn", tags=("us", "hipaa", "ccpa"))])
    assert store.query("SELECT object, people, identified, identified_exact FROM v_people") == [("t.csv", 40, 7, False)]
    assert store.query("SELECT column_name, cells, matched, valid_share FROM v_columns") == [("ssn", 50, 1, 0.02)]
    assert store.query("SELECT regulations FROM v_findings") == [(["ccpa", "hipaa"],)]
    assert store.query("SELECT regulation, objects, matches FROM v_regulations ORDER BY 1") == [
        ("ccpa", 1, 1),
        ("hipaa", 1, 1),
    ]
    # A copy, a new reading and what is gone take them along.
    add_run(store, tmp_path, [report("t.csv")])
    assert store.query("SELECT count(*) FROM v_people") == store.query("SELECT count(*) FROM v_columns") == [(0,)]
    store.close()


def test_a_million_objects_in_one_statement(tmp_path: Path) -> None:
    store = DuckStore(database(tmp_path, [report("a.txt")]), key_file=tmp_path / "made.key")
    columns = "oid, run, source, key, media_type, size, etag, modified, version, catalogue, outcome, reason, "
    store.query(
        f"INSERT INTO objects ({columns} bytes_examined, names_examined, risk, reasons) SELECT i, 1, 's3://b', "
        "'k' || i, '', 1, '', NULL, '', 'c', 'scanned', '', 1, 0, 0, '[]' FROM range(100000) t(i)"
    )
    store.query(
        "INSERT INTO findings SELECT unhex(md5(i::VARCHAR)), i, 1, 'us.ssn', 'pii', 3, 1.0, 1, 1, true, false, "
        "now()::TIMESTAMP, NULL FROM range(0, 100000, 2) t(i)"
    )
    before = time.process_time()
    rescore(store)
    assert store.query("SELECT risk, count(*) FROM objects WHERE source = 's3://b' GROUP BY 1 ORDER BY 1") == [
        (0, 50_000),
        (40, 50_000),
    ]
    assert time.process_time() > before
    store.close()


def together(store: DuckStore) -> list[tuple[str, str]]:
    """The combinations that count, by object, as `explain` and the views tell them."""
    terms = store.query("SELECT object, term FROM v_risk_terms WHERE severity IS NULL ORDER BY ALL")
    reasons = store.query("SELECT object, reasons FROM v_objects ORDER BY object")
    assert sorted({key for key, _ in terms}) == [key for key, said in reasons if "row" in said]
    return [(key, str(term).removeprefix("combination.")) for key, term in terms]


def test_a_combination_goes_with_what_it_is_made_of(tmp_path: Path) -> None:
    names = ("ner.person", "generic.date_of_birth", "us.ssn", "generic.credit_card", "generic.email")
    made = [finding(name, confidence=0.5) for name in names]
    both = (Combination("identity", 12, True), Combination("payment", 12, True))
    path = database(tmp_path, [replace(report(key, made), combinations=both) for key in ("a.csv", "b.csv")])
    store = DuckStore(path, key_file=tmp_path / "made.key")
    every = [(key, name) for key in ("a.csv", "b.csv") for name in ("identity", "payment")]
    ids = {
        (key, rule): bytes.fromhex(found)
        for key, rule, found in store.query("SELECT object, rule, finding FROM v_findings")
    }
    risk = dict(store.query("SELECT object, risk FROM v_objects"))
    assert together(store) == every
    me = Said("me", "because")
    set_state(store, ids["a.csv", "us.ssn"], "false_positive", me)
    assert together(store) == [("a.csv", "payment"), *every[2:]]
    assert dict(store.query("SELECT object, risk FROM v_objects"))["a.csv"] < risk["a.csv"]
    assert store.query("SELECT object, identified FROM v_people ORDER BY object") == []  # no people are made up here
    set_state(store, ids["a.csv", "us.ssn"], "open", me)
    set_state(store, ids["a.csv", "generic.email"], "false_positive", me)
    set_state(store, ids["a.csv", "us.ssn"], "accepted", me)
    assert together(store) == every
    suppress(store, Meant(rule="ner.*", object="b.csv"), me)
    put_into_force(store)
    assert together(store) == every[:2]
    remove(store, 1, me)
    put_into_force(store)
    assert together(store) == every
    store.close()


def test_a_combination_stays_while_each_of_its_parts_has_a_finding_left(tmp_path: Path) -> None:
    made = [finding(name) for name in ("ner.person", "generic.date_of_birth", "us.ssn", "de.steuer_id")]
    one = replace(report("a.csv", made), combinations=(Combination("identity", 5, True),), people=5)
    store = DuckStore(database(tmp_path, [one]), key_file=tmp_path / "made.key")
    for rule_id, left in (("us.ssn", 1), ("de.steuer_id", 0)):
        ((found,),) = store.query("SELECT finding FROM v_findings WHERE rule = ?", [rule_id])
        set_state(store, bytes.fromhex(found), "false_positive", Said("me", "twice the same"))
        assert len(together(store)) == left
        assert store.query("SELECT identified FROM v_people") == [(5 if left else None,)]
    past = Said("me", "for a day", datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1))
    set_state(store, bytes.fromhex(found), "false_positive", past)
    assert len(together(store)) == 1
    store.close()


def test_the_kinds_of_the_views_are_those_of_people(tmp_path: Path) -> None:
    from piiscan.catalogue import load_rules
    from piiscan.classify import address_stage, ner
    from piiscan.people import COMBINATIONS, kind_of

    rules = {r.id: r.category for r in (*load_rules(), *ner.RULES, address_stage.RULE)}
    made = [replace(finding(str(name)), category=category) for name, category in rules.items()]
    store = DuckStore(database(tmp_path, [report("a.csv", made)]), key_file=tmp_path / "made.key")
    found = dict(store.query("SELECT rule, kind FROM finding_kinds"))
    store.close()
    assert len(found) == len(rules) > 1000
    # Places, organisations and the like name nobody, whatever `people` takes them for.
    vague = {name for name in rules if name.startswith(("ner.", "special.")) and found[name] is None}
    assert {name: kind_of(name, category) for name, category in rules.items() if name not in vague} == {
        name: kind for name, kind in found.items() if name not in vague
    }
    view = (files("piiscan.store") / "views.sql").read_text("utf-8")
    for name, parts in COMBINATIONS.items():
        for number, kinds in enumerate(parts, 1):
            listed = re.search(rf"\('{name}', {number}, \[([^\]]*)\]\)", view)
            assert listed is not None
            assert {word.strip(" '") for word in listed[1].split(",")} == set(kinds)


def test_a_rule_of_no_weight_is_no_term(store: DuckStore) -> None:
    assert store.query("SELECT count(*) FROM risk_terms WHERE points IS NULL") == [(0,)]


def test_kinds_are_those_of_categories() -> None:
    from piiscan.people import Kind, kind_of

    assert kind_of("iban.de", Category.FINANCIAL) is Kind.PAYMENT
    assert kind_of("generic.ipv4", Category.PII) is None
    assert kind_of("us.npi", Category.PHI) is None
    assert kind_of("de.steuer_id", Category.PII) is Kind.IDENTIFIER
