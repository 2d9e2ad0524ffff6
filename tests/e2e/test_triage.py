"""Triage from the command line: what is set aside does not fail a build, is counted, and names nobody's values."""

from __future__ import annotations

import pytest

from tests.support.cli import Cli
from tests.support.trees import mail, ssn


@pytest.fixture
def scanned(cli: Cli) -> Cli:
    folder = cli.root / "tree"
    (folder / "docs").mkdir(parents=True)
    (folder / "a.txt").write_text(f"SSN: {ssn(1)}\n")
    (folder / "docs" / "b.txt").write_text(f"Write to {mail(1)}\n")
    cli.scan(folder)
    return cli


def test_what_is_set_aside_fails_no_build(scanned: Cli) -> None:
    folder = scanned.root / "tree"
    assert scanned.run("scan", folder, "--no-ner", "--fail-on", "high", "--quiet").code == 1
    (row,) = scanned.sql("SELECT finding FROM v_findings WHERE rule = 'us.ssn'")
    assert scanned.run("triage", "set", row["finding"][:10], "accepted").code == 2  # why?
    assert scanned.run("triage", "set", row["finding"][:10], "maybe", "--reason", "x").code == 2
    scanned.good("triage", "set", row["finding"][:10], "accepted", "--reason", "it may be there", "--expires", "30d")
    done = scanned.run("scan", folder, "--no-ner", "--fail-on", "high")
    assert done.code == 0
    assert b"1 findings called false positives, or accepted" in done.err
    scanned.good("triage", "suppress", "--object", "docs/**", "--reason", "our own")
    assert scanned.scan(folder)["findings"] == {
        "total": 0,
        "by_severity": {},
        "by_rule": [],
        "test_data": {"findings": 0, "matches": 0},
        "suppressed": 1,
        "set_aside": 1,
    }
    (said,) = scanned.run("triage", "ls", "--json").lines()
    assert (said["number"], said["in_force"], said["findings"]) == (1, True, 1)
    assert [row["action"] for row in scanned.run("triage", "audit", "--json").lines()] == ["suppress", "state accepted"]
    scanned.good("triage", "rm", 1, "--reason", "no more")
    assert scanned.scan(folder)["findings"]["total"] == 1


def test_a_value_is_asked_for_and_kept_as_a_fingerprint(scanned: Cli) -> None:
    done = scanned.run("triage", "suppress", "--value", "--reason", "support", stdin=f"{mail(1).upper()}\n".encode())
    assert done.code == 0
    assert {row["object"] for row in scanned.sql("FROM v_suppressed")} == {"docs/b.txt"}
    for file in scanned.root.rglob("*.duckdb*"):
        assert mail(1).encode() not in file.read_bytes()
        assert mail(1).upper().encode() not in file.read_bytes()
    assert scanned.run("triage", "suppress", "--reason", "nothing").code == 2
    assert scanned.run("triage", "suppress", "--where", "nope > 1", "--reason", "x").code == 2
    assert scanned.run("triage", "suppress", "--rule", "x", "--reason", "x", "--expires", "2001-01-01").code == 2
    assert scanned.run("triage", "suppress", "--rule", "x", "--reason", "x", "--expires", "soon").code == 2
    assert scanned.run("triage", "suppress", "--fingerprint", "12", "--reason", "x").code == 2


def test_a_baseline_and_what_is_new(scanned: Cli) -> None:
    scanned.good("triage", "baseline", "--reason", "state of today")
    folder = scanned.root / "tree"
    (folder / "c.txt").write_text(f"SSN: {ssn(9)}\n")
    found = scanned.scan(folder)["findings"]
    assert (found["total"], found["suppressed"]) == (1, 2)


def test_marks_in_lines_of_local_files(cli: Cli) -> None:
    folder = cli.root / "tree"
    folder.mkdir()
    (folder / "app.py").write_text(
        f"a = 'SSN {ssn(1)}'  # piiscan:ignore[us.ssn] a made-up number\n"
        f"b = 'SSN {ssn(2)}'  # piiscan:ignore[us.ssn]\n"
        f"c = 'SSN {ssn(3)} and {mail(1)}'  # piiscan:ignore[generic.*, de.*] of the tests\n"
        f"d = 'SSN {ssn(4)}'\n"
    )
    assert {row["count"] for row in _found(cli)} == {4, 1}
    cli.scan(folder, "--inline-ignore")
    assert [(row["rule"], row["count"]) for row in cli.sql("FROM v_findings")] == [("us.ssn", 3)]
    allowed = cli.sql("SELECT rule, entry, count FROM v_allowed ORDER BY rule")
    assert allowed == [
        {"rule": "generic.email", "entry": "inline", "count": 1},
        {"rule": "us.ssn", "entry": "inline", "count": 1},
    ]
    (folder / "piiscan.toml").write_text("inline_ignore = true\n")
    assert cli.run("scan", folder, "--config", folder / "piiscan.toml", "--no-ner", "--quiet").code == 0


def _found(cli: Cli) -> list[dict[str, int]]:
    cli.scan(cli.root / "tree")
    return cli.sql("SELECT count FROM v_findings")
