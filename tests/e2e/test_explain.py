"""`piiscan explain` says what a finding rests on, and tells no value."""

from __future__ import annotations

import duckdb

from tests.support.cli import Cli

FIRST = (
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Niklaus",
    "Margaret",
    "Donald",
    "Ken",
    "Dennis",
    "Radia",
    "Leslie",
)
LAST = (
    "Whitfield",
    "Okafor",
    "Lindqvist",
    "Brandt",
    "Castellanos",
    "Ferreira",
    "Nakamura",
    "Petrov",
    "Dubois",
    "Moretti",
    "Kowalski",
)
NAMES = [f"{first} {last}" for first in FIRST for last in LAST][::3]


def test_the_evidence_of_a_column_of_names(cli: Cli) -> None:
    rows = "".join(f"{number},{name},open\n" for number, name in enumerate(NAMES))
    (cli.root / "orders.csv").write_text("id,customer,state\n" + rows)
    cli.good("scan", "orders.csv", "--quiet")
    (row,) = cli.sql("SELECT finding FROM v_findings WHERE rule = 'ner.person'")
    told = cli.good("explain", row["finding"]).text
    (said,) = [line for line in told.splitlines() if line.startswith("evidence ")]
    assert "taken for full name: its name speaks of a person" in said
    assert f"of {len(NAMES)} distinct values look like names of people" in said
    assert not [name for name in (*NAMES, *FIRST, *LAST) if name in told]


def test_a_database_of_earlier_days_has_no_evidence(cli: Cli) -> None:
    (cli.root / "orders.csv").write_text("id,customer\n" + "".join(f"{n},{name}\n" for n, name in enumerate(NAMES)))
    cli.good("scan", "orders.csv", "--quiet")
    (row,) = cli.sql("SELECT finding FROM v_findings WHERE rule = 'ner.person'")
    with duckdb.connect(str(cli.root / "piiscan.duckdb")) as con:
        con.execute("DROP TABLE evidence")
    (cli.root / "piiscan.duckdb.snapshot").unlink()
    told = cli.good("explain", row["finding"]).text
    assert "evidence " not in told
    assert "speaks of somebody" in told
