"""Rules change: only what they could match in is read again, and the outcome is that of a full scan."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from piiscan.catalogue import default_folder
from tests.e2e.test_incremental import RULE, read
from tests.support.cli import Cli
from tests.support.trees import document, ssn

KEY = "5f" * 32
STATE = {
    "objects": "SELECT source, key, size, media_type, outcome, reason, bytes_examined, risk, reasons FROM objects "
    "WHERE superseded IS NULL",
    "findings": "SELECT finding, rule, category, severity, confidence, count, distinct_values, distinct_exact, "
    "test_data FROM findings WHERE superseded IS NULL",
    "occurrences": "SELECT c.* EXCLUDE (run) FROM occurrences c JOIN objects o USING (oid, run) "
    "WHERE superseded IS NULL",
    "values": "SELECT v.* EXCLUDE (run) FROM value_index v JOIN objects o USING (oid, run) WHERE superseded IS NULL",
    "evidence": "SELECT e.* EXCLUDE (run) FROM evidence e JOIN objects o USING (oid, run) WHERE superseded IS NULL",
    "sketches": "SELECT s.* EXCLUDE (run) FROM sketches s JOIN objects o USING (oid, run) WHERE superseded IS NULL",
}
"""All that a scan knows of its objects, but which run read them."""


def state(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    import duckdb

    con = duckdb.connect(str(database), read_only=True)
    try:
        return {name: con.execute(f"{query} ORDER BY ALL").fetchall() for name, query in STATE.items()}
    finally:
        con.close()


def files() -> Iterator[tuple[str, bytes]]:
    yield from map(document, range(60))
    yield "badge.txt", b"badge BDG-123456 lost\n"
    yield "depot.txt", f"Depot key 20-77-15 for {ssn(3)}\n".encode()
    yield "secret.b64", b"notes: YmFkZ2UgQkRHLTY1NDMyMSBpcyBpbiB0aGUgZHJhd2VyIG5vdw==\n"
    yield "accounts.csv", b"name,sort code,account\nA,20-00-00,12345678\nB,20-32-06,87654321\n"


@pytest.fixture
def tree(cli: Cli) -> Path:
    (cli.root / "key").write_text(KEY)
    (cli.root / "key").chmod(0o600)
    (cli.root / "rules").mkdir()
    for name, content in files():
        path = cli.root / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return cli.root / "tree"


def scan(cli: Cli, tree: Path, database: str = "piiscan.duckdb") -> dict[str, Any]:
    return cli.scan(tree, "--rules", "rules", "--key-file", "key", "--db", database)


def both(cli: Cli, tree: Path) -> dict[str, Any]:
    """The summary of a second run, the state after which is that of a full scan."""
    again = scan(cli, tree)
    scan(cli, tree, "whole.duckdb")
    ours, whole = state(cli.root / "piiscan.duckdb"), state(cli.root / "whole.duckdb")
    for name in STATE:
        assert ours[name] == whole[name], name
    assert cli.good("db", "check").code == 0
    return again


def change(cli: Cli, rule: str, edit: Callable[[str], str]) -> None:
    """A rule of the catalogue, edited, among the rules of one's own."""
    (found,) = (default_folder() / "rules").glob(f"*/{rule.partition('.')[2]}.toml")
    folder = cli.root / "rules" / found.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    text = edit(found.read_text())
    assert text != found.read_text()
    (folder / found.name).write_text(text)


def badge(cli: Cli, text: str = RULE) -> None:
    (cli.root / "rules" / "custom").mkdir(parents=True, exist_ok=True)
    (cli.root / "rules" / "custom" / "badge.toml").write_text(text)


def test_a_new_rule_reads_what_it_could_match_in(cli: Cli, tree: Path) -> None:
    first = scan(cli, tree)
    badge(cli, RULE.replace("before ", 'anchors = ["BDG-"]\nbefore '))
    again = both(cli, tree)
    assert (read(first), read(again)) == (64, 2)  # the badge, and the one in Base64
    found = cli.sql("SELECT object FROM v_findings WHERE rule = 'custom.badge' ORDER BY object")
    assert [row["object"] for row in found] == ["badge.txt", "secret.b64"]
    assert again["carried_over"] == 62


def test_a_rule_that_is_gone_closes_its_findings(cli: Cli, tree: Path) -> None:
    badge(cli, RULE.replace("before ", 'anchors = ["BDG-"]\nbefore '))
    scan(cli, tree)
    shutil.rmtree(cli.root / "rules" / "custom")
    assert read(both(cli, tree)) == 2
    assert cli.sql("SELECT * FROM v_findings WHERE rule = 'custom.badge'") == []


def test_a_changed_word_of_the_catalogue(cli: Cli, tree: Path) -> None:
    scan(cli, tree)
    change(cli, "uk.sort_code", lambda text: re.sub(r"(keywords\s*=\s*\[)", r'\1"depot key", ', text, count=1))
    again = both(cli, tree)
    assert 0 < read(again) < 30
    assert {"object": "depot.txt"} in cli.sql("SELECT object FROM v_findings WHERE rule = 'uk.sort_code'")


def test_another_severity_or_name_reads_nothing(cli: Cli, tree: Path) -> None:
    scan(cli, tree)
    change(cli, "generic.email", lambda text: re.sub(r"steps\s*=.*", 'steps = { 1 = "critical" }', text))
    change(cli, "us.ssn", lambda text: re.sub(r"(?m)^name(\s*)=.*", r'name\1= "Number of a person"', text))
    before = {row["object"]: row["risk"] for row in cli.sql("SELECT object, risk FROM v_objects")}
    again = both(cli, tree)
    assert read(again) == 0
    risks = {row["object"]: row["risk"] for row in cli.sql("SELECT object, risk FROM v_objects")}
    assert sum(risks[key] > before[key] for key in risks) > 20
    assert {"severity": "critical"} in cli.sql("SELECT severity FROM v_findings WHERE rule = 'generic.email'")
    assert {"name": "Number of a person"} in cli.sql("SELECT name FROM v_findings WHERE rule = 'us.ssn'")


def test_another_confidence_scores_what_is_stored(cli: Cli, tree: Path) -> None:
    def surer(text: str) -> str:
        return re.sub(r"(?m)^(context|column)(\s*=\s*)0\.\d+", r"\g<1>\g<2>0.97", text)

    scan(cli, tree)
    change(cli, "us.ssn", surer)
    again = both(cli, tree)
    assert read(again) < 10  # where another rule reads the same characters
    (row,) = cli.sql("SELECT max(confidence) AS most FROM v_findings WHERE rule = 'us.ssn'")
    assert row["most"] == pytest.approx(0.97)


def test_a_rule_that_may_now_count_without_its_word_is_looked_for(cli: Cli, tree: Path) -> None:
    (tree / "plain.txt").write_text(
        f"It says {ssn(55)} there and nothing more of that kind, so it was left on the desk.\n"
    )
    scan(cli, tree)
    change(cli, "us.ssn", lambda text: re.sub(r"(?m)^(match|checksum)(\s*=\s*)0\.\d+", r"\g<1>\g<2>0.6", text))
    assert read(both(cli, tree)) > 0


def test_other_settings_read_all_again(cli: Cli, tree: Path) -> None:
    scan(cli, tree)
    again = cli.scan(tree, "--rules", "rules", "--key-file", "key", "--threshold", "0.3")
    assert (read(again), "carried_over" in again) == (64, False)


def test_objects_without_a_sketch_are_read_again(cli: Cli, tree: Path) -> None:
    import duckdb

    scan(cli, tree)
    con = duckdb.connect(str(cli.root / "piiscan.duckdb"))
    con.execute("DELETE FROM sketches")
    con.close()
    badge(cli)
    assert read(both(cli, tree)) == 64
