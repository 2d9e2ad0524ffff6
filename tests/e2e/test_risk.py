"""Risk, people and columns from real files: what `explain` says, what a weight changes, how near the estimate is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.people import mailbox, table
from tests.support.cli import Cli


def test_explain_an_object_and_change_a_weight(cli: Cli) -> None:
    folder = cli.root / "tree"
    folder.mkdir()
    names = ["Ana Lopez", "Ben King", "Carla Rossi", "Maria Silva", "Peter Weber", "Laura Martin"]
    rows = "".join(f"{names[n % 6]},1980-02-{n + 10},219-09-{9000 + n}\n" for n in range(12))
    (folder / "staff.csv").write_text("name,date_of_birth,ssn\n" + rows)
    cli.good("scan", folder, "--quiet")
    said = cli.good("explain", "staff.csv").out.decode()
    assert "combination.identity" in said
    assert "of 12;" in said
    assert "219-09" not in said
    assert cli.good("explain", f"file://{folder}/staff.csv").out.decode() == said
    assert cli.sql("SELECT people FROM v_people") == [{"people": 12}]
    before = cli.sql("SELECT risk FROM v_objects")[0]["risk"]
    for term in ("combination.identity", "severity.high", "severity.medium"):
        cli.good("risk", "set", term, 1)
    assert cli.sql("SELECT risk FROM v_objects")[0]["risk"] < before
    assert cli.run("risk", "set", "severity.none", 1).code == 2
    assert cli.run("risk", "set", "cap", -1).code == 2
    assert cli.run("explain", "nothing.csv").code == 2
    assert b"severity.critical" in cli.good("risk", "show").out
    cli.good("risk", "bucket", f"file://{folder}", 100, "--reason", "because")
    assert cli.sql("SELECT sensitivity FROM v_buckets") == [{"sensitivity": 100}]


def test_people_of_tables_and_of_a_mailbox(cli: Cli) -> None:
    folder = cli.root / "tree"
    folder.mkdir()
    truth: dict[str, int] = {}

    def write(name: str, made: tuple[bytes, int]) -> None:
        (folder / name).write_bytes(made[0])
        truth[name] = made[1]

    for n, (shape, form) in enumerate((("customers", "csv"), ("travellers", "jsonl"), ("contacts", "tsv"))):
        write(f"{shape}.{form}", table(random.Random(n), shape, form, repeated=True))
    write("mails.mbox", mailbox(random.Random(4)))
    cli.good("scan", folder, "--quiet")
    found = {row["object"]: row["people"] for row in cli.sql("SELECT object, people FROM v_people")}
    assert {name: pytest.approx(count, rel=0.15) for name, count in truth.items()} == found


def test_columns_of_tables_and_of_records(cli: Cli, tmp_path: Path) -> None:
    folder = cli.root / "tree"
    folder.mkdir()
    emails = [f"p{n}@corp.example.org" for n in range(30)]
    (folder / "t.csv").write_text("mail,other\n" + "".join(f"{m if n % 3 else ''},x\n" for n, m in enumerate(emails)))
    (folder / "r.jsonl").write_text("".join(f'{{"who": {{"mail": ["{m}"]}}}}\n' for m in emails))
    cli.scan(folder)
    rows = cli.sql("SELECT object, column_name, cells, matched, distinct_values FROM v_columns ORDER BY object")
    assert [tuple(row.values()) for row in rows] == [
        ("r.jsonl", "$.who.mail[*]", 30, 30, 30),
        ("t.csv", "mail", 20, 20, 20),
    ]
