"""One value looked for by its fingerprint, what changed between runs, and where the risk is, from the command line."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.trees import mail, ssn


@pytest.fixture
def scanned(cli: Cli) -> Cli:
    folder = cli.root / "tree"
    (folder / "hr").mkdir(parents=True)
    (folder / "hr" / "a.txt").write_text(f"His SSN: {ssn(1)} and {mail(1)}\nSSN: {ssn(2)}\n")
    (folder / "b.csv").write_text("ssn,mail\n" + "".join(f"{ssn(n)},{mail(n)}\n" for n in range(40)))
    (folder / "c.txt").write_text("nothing here\n")
    cli.scan(folder)
    return cli


def test_a_value_is_found_however_it_is_spelt(scanned: Cli) -> None:
    for value in (ssn(1), ssn(1).replace("-", ""), f" {ssn(1).replace('-', ' ')} ", mail(1), mail(1).upper()):
        done = scanned.run("find", value, "--json")
        assert done.code == 0
        *found, last = done.lines()
        assert [row["object"] for row in found] == ["b.csv", "hr/a.txt"]
        assert last == {"found": 2, "complete": True, "incomplete": []}
        assert value.strip().encode() not in done.out + done.err
        assert found[0]["places"][0]["place"]["row"] == 2
    assert scanned.run("find", mail(77), "--json").lines()[-1]["found"] == 0


def test_standard_input_keeps_it_out_of_the_history(scanned: Cli) -> None:
    done = scanned.run("find", stdin=f"{ssn(2)}\n".encode())
    assert done.code == 0
    assert b"hr/a.txt  1 x us.ssn" in done.out
    assert b"2 objects hold it" in done.err
    assert ssn(2).encode() not in done.out + done.err
    assert scanned.run("find", stdin=b"\n").code == 2


def test_what_is_not_known_is_said(scanned: Cli) -> None:
    (scanned.root / "tree" / "torn.pdf").write_bytes(b"%PDF-1.4\n" + bytes(300))
    config = scanned.root / "small.toml"
    config.write_text("max_values = 10\n")
    scanned.scan(scanned.root / "tree", "--config", config, "--full", codes=(4,))
    done = scanned.run("find", mail(39), "--json")
    assert done.code == 4
    assert {one["objects"] for one in done.lines()[-1]["incomplete"]} == {1}
    assert len(done.lines()[-1]["incomplete"]) == 2
    assert b"not known of 1 objects" in scanned.run("find", mail(39)).err
    named = scanned.run("find", "Ana Lopez", "--json").lines()[-1]["incomplete"]
    assert any("names" in one["why"] for one in named)


def test_diff_top_and_tree(scanned: Cli) -> None:
    assert scanned.run("diff").code == 2
    folder = scanned.root / "tree"
    (folder / "hr" / "a.txt").unlink()
    (folder / "c.txt").write_text(f"SSN: {ssn(5)}\n")
    (folder / "b.csv").write_text("ssn,mail\n" + "".join(f"{ssn(n)},{mail(n)}\n" for n in range(30)))
    scanned.scan(folder)
    rows = scanned.run("diff", "--json").lines()
    assert sorted((row["change"], row["object"]) for row in rows) == [
        ("changed", "b.csv"),
        ("changed", "b.csv"),
        ("gone", "hr/a.txt"),
        ("gone", "hr/a.txt"),
        ("new", "c.txt"),
    ]
    assert scanned.run("diff", 1, 2, "--json").lines() == rows
    assert b"run 1 to run 2: 1 new, 2 gone, 2 changed" in scanned.good("diff").err
    assert scanned.run("diff", 1, 7).code == 2
    for by in ("object", "bucket", "rule", "column", "regulation"):
        assert scanned.run("top", by, "--json").lines(), by
    assert scanned.run("top", "object", "-n", 1, "--json").lines()[0]["object"] == "b.csv"
    assert scanned.run("top", "moon").code == 2
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "x.txt").write_text(f"SSN: {ssn(6)}\n")
    scanned.scan(folder)
    prefixes = {row["prefix"]: row["objects"] for row in scanned.run("tree", "--json").lines()}
    assert prefixes == {"": 3, "deep/": 1, "deep/er/": 1}
    assert [row["prefix"] for row in scanned.run("tree", "--depth", 1, "--json").lines()] == ["", "deep/"]


def test_the_prompt_reads_questions_from_a_file(scanned: Cli) -> None:
    text = (
        b"SELECT object\nFROM v_objects\nORDER BY object;\n.form json\nSELECT 1 AS one;\n.form md\nSELECT 'a|b' AS c;"
    )
    done = scanned.run("sql", stdin=text)
    assert done.code == 0
    assert b"b.csv" in done.out
    assert json.loads(done.out.splitlines()[-4]) == {"one": 1}
    assert done.out.endswith(b"| c |\n| --- |\n| a\\|b |\n")
    done = scanned.run("sql", "--csv", stdin=b".columns v_people\nDROP TABLE runs;\nSELECT 2 AS two;\n.views\n.moon\n")
    assert done.code == 2
    assert b"only questions are allowed" in done.err
    assert b"two\r\n2\r\n" in done.out
    assert b"identified_exact" in done.out
    assert b"v_findings\n" in done.out


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_the_prompt_completes_and_remembers(scanned: Cli) -> None:
    import pty

    inside, outside = pty.openpty()
    env = {"TERM": "dumb", "XDG_STATE_HOME": scanned.env["XDG_STATE_HOME"]}
    with scanned.start("sql", "--csv", stdin=outside, stdout=outside, stderr=outside, env=env) as process:
        os.close(outside)
        try:
            _until(inside, b"piiscan> ")
            os.write(inside, b"SELECT 40 + count(*) AS total FROM v_obj\t;\n")
            said = _until(inside, b"piiscan> ")
            os.write(inside, b"\x04")
            assert process.wait(20) == 0
        finally:
            process.kill()
    os.close(inside)
    assert b"v_objects" in said
    assert b"43" in said
    history = Path(scanned.env["XDG_STATE_HOME"]) / "piiscan" / "sql-history"
    assert "FROM v_objects" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600


def _until(terminal: int, wanted: bytes) -> bytes:
    said, end = b"", time.monotonic() + 20
    while wanted not in said and time.monotonic() < end:
        if select.select([terminal], [], [], 1.0)[0]:
            said += os.read(terminal, 4096)
    assert wanted in said, said
    return said
