"""Passwords on the command line: they open what is encrypted, and are nowhere afterwards."""

from __future__ import annotations

from pathlib import Path

from tests.extract.make import SSN
from tests.extract.test_passwords import WORDS, locked_pdf
from tests.support.cli import Cli


def test_passwords_reach_the_parser_and_no_output(cli: Cli, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.pdf").write_bytes(locked_pdf(f"SSN {SSN}", WORDS[1]))
    words = tmp_path / "words.txt"
    words.write_text("\n".join(WORDS))
    done = cli.run("scan", tree, "--no-ner")
    assert done.code == 4
    assert cli.sql("SELECT outcome, split_part(reason, ':', 1) AS code FROM v_objects") == [
        {"outcome": "skipped", "code": "INVALID_ENCRYPTION"}
    ]
    # With passwords the same file is another matter, though nothing about it changed.
    done = cli.run("--verbose", "scan", tree, "--no-ner", "--passwords", words)
    assert done.code == 0, done.said
    (found,) = cli.sql("SELECT finding, rule FROM v_findings WHERE rule = 'us.ssn'")
    shown = cli.good("show", found["finding"], "--passwords", words)
    assert "page 1" in shown.text
    assert SSN in cli.good("extract", tree / "a.pdf", "--passwords", words).text
    stored = b"".join(path.read_bytes() for path in cli.root.rglob("*") if path.is_file() and path != words)
    for said in (stored, done.out, done.err, shown.out, shown.err):
        assert WORDS[1].encode() not in said
