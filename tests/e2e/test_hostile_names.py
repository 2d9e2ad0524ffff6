"""What a stranger named a file or a column steers no terminal, no spreadsheet and no page."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import Cli
from tests.support.trees import mail, ssn

NAME = b"=cmd()|x\x1b]0;owned\x07\nINJECTED [link](x) <script>alert(1)<script>\xff\xe2\x80\xae.csv"
COLUMN = "=cmd()|ssn\x1b[31m\nINJECTED [bold]x[/bold] <script>alert(3)</script>\u202e"
ALERTS = """
[[alerts]]
name = "all"
sql = "SELECT object, source, rule, name FROM v_findings"
sinks = ["file"]

[[alerts]]
name = "places"
sql = "SELECT object, place, masked FROM v_occurrences"
sinks = ["file"]

[[sinks]]
name = "file"
kind = "jsonl"
path = "alerts.jsonl"
"""


@pytest.fixture
def tree(cli: Cli) -> Path:
    root = cli.root / "tree"
    root.mkdir()
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["id", "ssn", "email"])
    writer.writerows([n, f"SSN: {ssn(n)}", mail(n)] for n in range(30))
    for name in (NAME, b"-" + NAME, b"@" + NAME):
        with open(os.path.join(os.fsencode(root), name), "wb") as out:
            out.write(rows.getvalue().encode())
    (root / "=cmd().json").write_text(json.dumps([{COLUMN: {COLUMN: f"SSN: {ssn(50)}"}}]))
    pq.write_table(pa.table({COLUMN: [f"SSN: {ssn(60 + n)}" for n in range(9)]}), root / "=cmd().parquet")
    return root


@pytest.fixture
def scanned(cli: Cli, tree: Path) -> Cli:
    (cli.root / "alerts.toml").write_text(ALERTS)
    done = cli.run("scan", "tree", "--no-ner", "--alert", "--config", "alerts.toml")
    assert done.code == 0, done.said
    quiet_terminal(done.err)
    return cli


def quiet_terminal(data: bytes) -> str:
    """Assert that no name reached the terminal as a control; the text."""
    text = data.decode("utf-8")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert not re.search(r"^\s*INJECTED", text, re.MULTILINE)
    assert all(c == "\n" or c >= " " for c in text.replace("\r\n", "\n"))
    return text


def objects(cli: Cli) -> list[str]:
    return [row["object"] for row in cli.sql("SELECT object FROM v_objects WHERE object LIKE '%.csv' ORDER BY 1")]


def test_the_key_is_kept_as_it_is(scanned: Cli) -> None:
    name = NAME.replace(b"\xff", b"\\xff").decode()
    assert objects(scanned) == ["-" + name, name, "@" + name]


@pytest.mark.parametrize(
    "command",
    [
        ("report",),
        ("report", "--format", "table"),
        ("coverage",),
        ("sql", "SELECT object, source, outcome, reason, risk FROM v_objects"),
        ("sql", 'SELECT object AS "[red]\x1b[31m\nINJECTED" FROM v_findings'),
        ("sql", "SELECT place, object FROM v_occurrences"),
        ("sql", "SELECT nowhere FROM \x1b[31m"),
        ("scan", "tree", "--no-ner", "--full"),
        ("scan", "tree", "--dry-run"),
        ("scan", "nowhere\x1b[31m\nINJECTED", "--quiet"),
        ("report", "--format", "\x1b[31m\nINJECTED"),
        ("explain", "\x1b[31m\nINJECTED"),
        ("scan", "tree", "--pack", "\x1b[31m\nINJECTED"),
        ("alert", "test", "\x1b[31m\nINJECTED", "--config", "alerts.toml"),
    ],
)
def test_terminals(scanned: Cli, command: tuple[str, ...]) -> None:
    done = scanned.run(*command)
    assert done.code in (0, 2, 3)
    text = quiet_terminal(done.out) + quiet_terminal(done.err)
    if command[0] in ("report", "coverage") and done.code == 0:
        assert "\\x1b" in text
        # Long cells are folded, so brackets are looked for without line ends.
        assert "[link]" in re.sub(r"\s", "", text)


def test_terminals_explain_and_show(scanned: Cli) -> None:
    for row in scanned.sql("SELECT finding, object FROM v_findings"):
        for command in ("explain", "show"):
            text = quiet_terminal(scanned.good(command, row["finding"]).out)
            assert "cmd()" in text
            assert (
                "\\x1b[31m" if row["object"].endswith((".json", ".parquet")) else "\\x1b]0;owned\\x07\\nINJECTED"
            ) in text


def test_progress_on_a_terminal(cli: Cli, tree: Path) -> None:
    ours, theirs = pty.openpty()
    with cli.start("scan", "tree", "--no-ner", "--full", stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4_096):
                shown += part
        except OSError:
            pass  # how a terminal ends on Linux
        process.communicate()
    os.close(ours)
    assert b"objects" in shown
    quiet_terminal(shown.replace(b"\r\x1b[2K", b""))


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--format", "jsonl"),
        ("coverage", "--json"),
        ("sql", "SELECT * FROM v_objects", "--json"),
        ("sql", "SELECT * FROM v_occurrences", "--json"),
        ("scan", "tree", "--dry-run", "--json"),
        ("scan", "tree", "--no-ner", "--json"),
        ("alert", "test", "all", "--config", "alerts.toml"),
    ],
)
def test_json(scanned: Cli, command: tuple[str, ...]) -> None:
    done = scanned.good(*command)
    assert "\x1b" not in done.text
    rows = done.lines()
    assert rows
    assert any("cmd()|x\x1b" in row.get("object", "cmd()|x\x1b") for row in rows)


def test_json_to_a_file_and_to_a_sink(scanned: Cli) -> None:
    scanned.good("report", "--format", "jsonl", "-o", "out.jsonl")
    for name in ("out.jsonl", "alerts.jsonl"):
        data = (scanned.root / name).read_bytes()
        assert b"\x1b" not in data
        assert len([json.loads(line) for line in data.decode("utf-8").splitlines() if line]) >= 2


@pytest.mark.parametrize(
    "command",
    [
        ("report", "--format", "csv"),
        ("sql", "SELECT object, source FROM v_objects", "--csv"),
        ("sql", "SELECT json_extract_string(place, '$.column_name') AS \"=c\" FROM v_occurrences", "--csv"),
    ],
)
def test_spreadsheets(scanned: Cli, command: tuple[str, ...]) -> None:
    text = scanned.good(*command).text
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) > 3
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any(cell.startswith("'=cmd()") for cell in cells)
    raw = scanned.good(*command, "--raw-csv").text
    assert any(cell.startswith("=cmd()") for row in csv.reader(io.StringIO(raw, newline="")) for cell in row)


def test_pages(scanned: Cli) -> None:
    page = scanned.good("report", "--format", "html").text
    assert page.count("<script") == 3, "data, charts, and our own"
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "default-src 'none'" in page
