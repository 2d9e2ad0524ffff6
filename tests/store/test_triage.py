"""What people said of findings lasts, ends when it expires or the data changes, and hides nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from piiscan.errors import ConfigError
from piiscan.model import ColumnFound, ObjectReport, Place, Severity
from piiscan.store import triage
from piiscan.store.ingest import DuckStore
from piiscan.store.triage import Meant, Said
from piiscan.triage import put_into_force
from tests.support.made import add_run, finding, fingerprint, report

SAID = Said("dana", "checked")


def objects(values: int = 2) -> list[ObjectReport]:
    table = replace(
        report("t/table.csv", [finding(places=[Place(row=n) for n in range(1, 5)], values=4)]),
        columns=(ColumnFound("", "ref", "us.ssn", 4, 3), ColumnFound("", "other", "us.ssn", 4, 1)),
    )
    return [
        report("a.txt", [finding(values=values), finding("generic.email", values=1, severity=Severity.LOW)]),
        report("docs/b.txt", [finding("generic.email", values=3)]),
        table,
    ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    made = DuckStore(tmp_path / "t.duckdb", key_file=tmp_path / "key")
    add_run(made, tmp_path, objects())
    yield made
    made.close()


def rows(store: DuckStore) -> dict[tuple[str, str], tuple[str, Any, bool]]:
    found = store.query("SELECT object, rule, state, suppressed_by, counted FROM v_findings")
    return {(name, rule): (state, number, counted) for name, rule, state, number, counted in found}


def idle(store: DuckStore) -> set[str]:
    """Objects and rules of the findings that do not count."""
    return {f"{name} {rule}" for (name, rule), (_, _, counted) in rows(store).items() if not counted}


def id_of(store: DuckStore, name: str, rule: str) -> bytes:
    found = store.query("SELECT finding FROM v_findings WHERE object = ? AND rule = ?", [name, rule])
    return bytes.fromhex(found[0][0])


def risk(store: DuckStore, name: str) -> int:
    return int(store.query("SELECT risk FROM v_objects WHERE object = ?", [name])[0][0])


@pytest.mark.parametrize(
    ("state", "counts", "risky"),
    [
        ("confirmed", True, True),
        ("accepted", False, True),
        ("false_positive", False, False),
        ("fixed", True, True),
        ("open", True, True),
    ],
)
def test_a_state_lasts_from_run_to_run(store: DuckStore, tmp_path: Path, state: str, counts: bool, risky: bool) -> None:
    before = risk(store, "docs/b.txt")
    triage.set_state(store, id_of(store, "docs/b.txt", "generic.email"), state, SAID)
    for _ in range(2):
        assert rows(store)["docs/b.txt", "generic.email"] == (state, None, counts)
        assert risk(store, "docs/b.txt") == (before if risky else 0)
        if state == "fixed":
            break
        add_run(store, tmp_path, objects())
    assert store.query("SELECT owner, action, finding IS NOT NULL FROM v_audit") == [("dana", f"state {state}", True)]


def test_what_was_fixed_and_is_read_again_is_open(store: DuckStore, tmp_path: Path) -> None:
    triage.set_state(store, id_of(store, "a.txt", "us.ssn"), "fixed", SAID)
    assert rows(store)["a.txt", "us.ssn"][0] == "fixed"
    add_run(store, tmp_path, objects())
    assert rows(store)["a.txt", "us.ssn"][0] == "open"
    with pytest.raises(ConfigError, match="none of"):
        triage.set_state(store, id_of(store, "a.txt", "us.ssn"), "ignored", SAID)


def test_the_last_word_counts_until_it_expires(store: DuckStore) -> None:
    found = id_of(store, "a.txt", "us.ssn")
    now = datetime.now(UTC).replace(tzinfo=None)
    triage.set_state(store, found, "accepted", Said("dana", "x", now + timedelta(days=1)))
    triage.set_state(store, found, "false_positive", Said("eli", "y"))
    assert rows(store)["a.txt", "us.ssn"][0] == "false_positive"
    triage.set_state(store, found, "accepted", Said("eli", "z", now + timedelta(hours=1)))
    assert rows(store)["a.txt", "us.ssn"][0] == "accepted"
    store.query("UPDATE triage SET expires = ? WHERE expires IS NOT NULL", [now - timedelta(seconds=1)])
    assert rows(store)["a.txt", "us.ssn"][0] == "open"


SUPPRESSIONS = {
    "rule": (Meant(rule="generic.*"), {"a.txt generic.email", "docs/b.txt generic.email"}),
    "object": (Meant(object="docs/**"), {"docs/b.txt generic.email"}),
    "both": (Meant(rule="us.*", object="docs/**"), set()),
    "source": (Meant(rule="us.ssn", source="file:///share"), {"a.txt us.ssn", "t/table.csv us.ssn"}),
    "other-source": (Meant(source="s3://other"), set()),
    "predicate": (Meant(predicate="distinct_values >= 3 AND rule <> 'us.ssn'"), {"docs/b.txt generic.email"}),
    "predicate-and-object": (Meant(predicate="true", object="*.csv"), {"t/table.csv us.ssn"}),
    "predicate-that-fails": (Meant(predicate="nope = 1"), set()),
    "predicate-that-reads-files": (Meant(predicate="(SELECT count(*) FROM read_text('/etc/hostname')) > 0"), set()),
    "one-of-two-values": (Meant(fingerprint=fingerprint(1)), set()),
    "the-only-value": (Meant(fingerprint=fingerprint(0)), {"a.txt generic.email"}),
    "a-value-of-another-rule": (Meant(fingerprint=fingerprint(0), rule="us.*"), set()),
    "a-part-of-the-column": (Meant(column="REF"), set()),
}


@pytest.mark.parametrize("name", SUPPRESSIONS)
def test_a_suppression_means_what_it_says(store: DuckStore, tmp_path: Path, name: str) -> None:
    meant, wanted = SUPPRESSIONS[name]
    number = triage.suppress(store, meant, SAID)
    assert put_into_force(store) == len(wanted)
    assert idle(store) == wanted
    assert {n for _, n, counted in rows(store).values() if not counted} == ({number} if wanted else set())
    assert len(store.query("SELECT * FROM v_suppressed")) == len(wanted)
    if wanted:
        named = next(iter(wanted)).split()[0]
        assert risk(store, named) == 0 or named == "a.txt"
    triage.remove(store, number, SAID)
    assert idle(store) == set()
    put_into_force(store)
    assert [row[0] for row in store.query("SELECT action FROM v_audit ORDER BY made")] == ["suppress", "remove"]
    with pytest.raises(ConfigError, match="no suppression"):
        triage.remove(store, number, SAID)


def test_values_together_suppress_what_none_does_alone(store: DuckStore) -> None:
    for value in (0, 1):
        triage.suppress(store, Meant(fingerprint=fingerprint(value), rule="us.ssn"), SAID)
    put_into_force(store)
    assert idle(store) == {"a.txt us.ssn"}


def test_a_column_suppresses_what_is_all_in_it(store: DuckStore, tmp_path: Path) -> None:
    triage.suppress(store, Meant(column="ref"), SAID)
    *others, table = objects()
    add_run(store, tmp_path, [*others, replace(table, columns=(ColumnFound("", "Ref", "us.ssn", 4, 4),))])
    put_into_force(store)
    assert idle(store) == {"t/table.csv us.ssn"}


def test_a_suppression_ends_when_it_expires(store: DuckStore) -> None:
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    triage.suppress(store, Meant(rule="us.ssn"), Said("dana", "for now", later))
    put_into_force(store)
    assert len(idle(store)) == 2
    store.query("UPDATE suppressions SET expires = ?", [later - timedelta(hours=2)])
    assert idle(store) == set()
    assert store.query("SELECT in_force, findings FROM v_suppressions") == [(False, 0)]
    before = risk(store, "t/table.csv")
    assert put_into_force(store) == 0
    assert risk(store, "t/table.csv") > before == 0


def test_a_baseline_lets_new_values_through(store: DuckStore, tmp_path: Path) -> None:
    number, values = triage.baseline(store, SAID)
    assert values == 2 + 1 + 3 + 4
    assert put_into_force(store) == 4
    assert idle(store) == {"a.txt us.ssn", "a.txt generic.email", "docs/b.txt generic.email", "t/table.csv us.ssn"}
    add_run(store, tmp_path, [*objects(values=3), report("new.txt", [finding(values=1)])])
    put_into_force(store)
    assert rows(store)["a.txt", "us.ssn"] == ("open", None, True)  # one more value than at its time
    assert rows(store)["new.txt", "us.ssn"][2]  # a known value, but not there
    assert idle(store) == {"a.txt generic.email", "docs/b.txt generic.email", "t/table.csv us.ssn"}
    add_run(store, tmp_path, objects(values=1))
    put_into_force(store)
    assert not rows(store)["a.txt", "us.ssn"][2]
    triage.remove(store, number, SAID)
    assert idle(store) == set()
    assert store.query("SELECT count(*) FROM baseline_values") == [(0,)]


def test_more_values_than_are_kept_are_not_all_known(store: DuckStore, tmp_path: Path) -> None:
    triage.suppress(store, Meant(fingerprint=fingerprint(0), rule="generic.email"), SAID)
    add_run(store, tmp_path, [report("a.txt", [finding("generic.email", values=1, distinct_exact=False)])])
    put_into_force(store)
    assert idle(store) == set()


def test_values_that_are_false_again_and_again_are_proposed(store: DuckStore) -> None:
    for name in ("a.txt", "docs/b.txt"):
        triage.set_state(store, id_of(store, name, "generic.email"), "false_positive", SAID)
    (one,) = triage.proposals(store, 2)
    assert (one["rule"], one["findings"]) == ("generic.email", 2)
    assert one["fingerprint"] == fingerprint(0).hex()
    assert triage.proposals(store, 3) == []
