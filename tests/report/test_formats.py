"""Every format of the report, byte for byte, over findings whose names try to steer who reads them.

The goldens in `tests/golden/` are written anew with PIISCAN_WRITE_GOLDEN=1; look at the difference before it is kept.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pytest

from piiscan.model import ObjectReport, Outcome, Place, Severity
from piiscan.store.ingest import DuckStore
from tests.support.cli import Cli, Done
from tests.support.made import add_run, finding, ref, report, rule
from tests.support.trees import ssn

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
NAMES = (
    "plain.txt",
    "dir/a,b \"quoted\" 'single'.csv",
    "=HYPERLINK(0)|x.csv",
    "escape \x1b[31m red \x07.txt",
    "line\nbreak\r\ttab.txt",
    "[bold]markup[/bold] \\[x] :smile: [1].txt",
    "<script>alert(1)</script>&amp;.html",
    "sur\udc80rogate \u202e é 字 \U0001f642.txt",
)
AWKWARD = Place(
    line=3,
    column=7,
    row=2,
    column_name="=cmd()[red]\x1b[0m\n<b>",
    sheet="@Sheet",
    cell="B4",
    member=("in\nner.zip", "../../etc/[x].csv"),
)


def reports() -> list[ObjectReport]:
    plain = [report(name, [finding()]) for name in NAMES]
    return [
        *plain,
        report(
            "many.csv",
            [
                finding("us.ssn", [Place(row=n, column_name="ssn") for n in (1, 2)], values=2, distinct_exact=False),
                finding("test.markup", [AWKWARD], masked="=***[b]", severity=Severity.CRITICAL, confidence=1 / 3),
                finding("generic.credit_card", test_data=True, severity=Severity.MEDIUM, masked="4***"),
                finding("xx.unplaced", [], severity=Severity.LOW),
            ],
            media_type="text/csv",
        ),
        report("clean.txt"),
        report(
            "bad\x1b[31m\n.pdf", outcome=Outcome.PARTIAL, reason="MALFORMED_FILE: it says \x1b[31m", media_type="x/pdf"
        ),
    ]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Cli:
    """Two runs: the second one read one object again, and found less."""
    folder = tmp_path_factory.mktemp("report")
    made = Cli(folder / "work", cache)
    made.env["COLUMNS"] = "120"
    store = DuckStore(made.root / "piiscan.duckdb", key_file=made.root / "k")
    store.remember_rules(
        [rule("us.ssn", macie="USA_SOCIAL_SECURITY_NUMBER"), rule("test.markup"), rule("generic.credit_card")]
    )
    add_run(store, made.root, reports())
    add_run(store, made.root, [report(ref(NAMES[0], etag="e2"), [finding("us.npi", confidence=0.5)])])
    store.close()
    return made


@lru_cache
def said(cli: Cli, *options: str) -> Done:
    """What `report` says, asked once."""
    return cli.good("report", *options)


def same_as_golden(name: str, found: bytes) -> None:
    path = GOLDEN / name
    if os.environ.get("PIISCAN_WRITE_GOLDEN") == "1":
        path.write_bytes(found)
    assert found == path.read_bytes()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("report.jsonl", ("--format", "jsonl")),
        ("report.csv", ("--format", "csv")),
        ("report.raw.csv", ("--format", "csv", "--raw-csv")),
        ("report.txt", ("--format", "table")),
        ("report.html", ("--format", "html")),
        ("report.run1.csv", ("--format", "csv", "--run", "1")),
        ("report.run2.csv", ("--format", "csv", "--run", "2")),
    ],
)
def test_golden(cli: Cli, name: str, options: Sequence[str]) -> None:
    found = said(cli, *options).out
    if name.endswith(".html"):
        # Style and scripts have tests of their own; times are never the same.
        found, cut = re.subn(rb"(?s)<(style|script)>.*?</\1>|(?<= content=\")default-src[^\"]*", b"", found)
        assert cut == 4
        found = re.sub(rb"\d+ \w+ \d{4}, \d\d:\d\d UTC", b"some time", found)
        found = re.sub(rb"\d{4}-\d\d-\d\d(T[\d:.]+)?", b"a day", found)
    same_as_golden(name, found)


def test_export_is_the_same_code(cli: Cli) -> None:
    assert cli.good("export", "--format", "jsonl").out == said(cli, "--format", "jsonl").out
    assert cli.good("report").out == said(cli, "--format", "table").out


def test_a_report_goes_to_a_private_file(cli: Cli) -> None:
    path = cli.root / "out.csv"
    assert cli.good("report", "--format", "csv", "-o", path).out == b""
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == said(cli, "--format", "csv").out


FINDING = (
    "finding", "object", "source", "media_type", "rule", "name", "macie", "category", "severity", "confidence", "count",
    "distinct", "test_data", "occurrences",
)  # fmt: skip


def test_json_lines_have_the_keys_of_the_contract(cli: Cli) -> None:
    found = said(cli, "--format", "jsonl").lines()
    assert len(found) == len(NAMES) + 4
    for line in found:
        capped = line["object"] == "many.csv" and line["rule"] == "us.ssn"
        assert tuple(line) == ((*FINDING, "distinct_exact") if capped else FINDING)
        if capped:
            assert line["distinct_exact"] is False
        for occurrence in line["occurrences"]:
            assert tuple(occurrence) == ("offset", "length", "place", "masked", "confidence")
    by_rule = {(line["object"], line["rule"]): line for line in found}
    assert by_rule["many.csv", "us.ssn"]["macie"] == "USA_SOCIAL_SECURITY_NUMBER"
    assert by_rule["many.csv", "test.markup"]["macie"] is None
    assert by_rule["many.csv", "test.markup"]["confidence"] == 0.3333
    assert by_rule["many.csv", "test.markup"]["occurrences"][0]["place"] == AWKWARD.to_json()
    assert by_rule["many.csv", "xx.unplaced"]["name"] == "xx.unplaced"
    assert by_rule["many.csv", "generic.credit_card"]["test_data"] is True
    assert {line["object"] for line in found} == {
        *(name.replace("\udc80", "\\udc80") for name in NAMES), "many.csv",
    }  # fmt: skip


def test_a_finding_has_the_same_id_in_each_run(cli: Cli) -> None:
    first = said(cli, "--format", "jsonl", "--run", "1").lines()
    now = {line["finding"] for line in said(cli, "--format", "jsonl").lines()}
    assert {line["finding"] for line in first if line["object"] != NAMES[0]} < now
    assert all(re.fullmatch("[0-9a-f]{32}", line["finding"]) for line in first)


def test_one_run_shows_what_it_examined(cli: Cli) -> None:
    def found(*options: str) -> list[tuple[str, str]]:
        lines = said(cli, "--format", "jsonl", *options).lines()
        return [(line["object"], line["rule"]) for line in lines if line["object"] == NAMES[0]]

    assert found("--run", "1") == [(NAMES[0], "us.ssn")]
    assert found("--run", "2") == found() == [(NAMES[0], "us.npi")]
    assert len(said(cli, "--format", "jsonl", "--run", "2").lines()) == 1
    done = cli.run("report", "--run", "3")
    assert (done.code, done.said) == (2, "piiscan: --run: there is no run 3 in this database\n")


def test_no_spreadsheet_runs_a_cell(cli: Cli) -> None:
    armed = re.compile(r"[=+\-@\t\r]")
    rows = list(csv.reader(io.StringIO(said(cli, "--format", "csv").text, newline="")))
    assert len(rows) == 1 + len(NAMES) + 4
    assert len(set(map(len, rows))) == 1
    assert not [cell for row in rows for cell in row if armed.match(cell)]
    raw = list(csv.reader(io.StringIO(said(cli, "--format", "csv", "--raw-csv").text, newline="")))
    assert [cell for row in raw for cell in row if armed.match(cell)] == ["=HYPERLINK(0)|x.csv", "=***[b]"]


def test_a_terminal_shows_names_as_they_are_and_obeys_none(cli: Cli) -> None:
    text = said(cli, "--format", "table").text
    assert max(map(len, text.splitlines())) <= 120
    assert set(text) - {"\n"} == {c for c in text if c.isprintable()}
    for shown in ("[bold]markup[/", r"\[x] :smile: [1].txt", r"\x1b[31m red \x07.txt", "=***[b]"):
        assert shown in text


def test_nothing_found() -> None:
    from piiscan.report import renderer

    assert "".join(renderer("table")([])) == "no findings\n"
    assert "".join(renderer("jsonl")([])) == ""
    assert "".join(renderer("csv")([])).count("\r\n") == 1


def test_an_unknown_format_is_refused(cli: Cli) -> None:
    done = cli.run("report", "--format", "pdf")
    known = "table, jsonl, csv, html, sarif, ocsf, asff, macie, junit, gitlab, parquet"
    assert (done.code, done.said) == (2, f"piiscan: --format: 'pdf' is none of {known}\n")


def test_coverage_has_the_keys_of_the_contract(cli: Cli) -> None:
    promised = ["object", "source", "outcome", "reason", "media_type", "size", "bytes_examined"]
    lines = cli.good("coverage", "--json").lines()
    assert len(lines) == len(NAMES) + 3
    assert [list(line)[: len(promised)] for line in lines] == [promised] * len(lines)
    (bad,) = [line for line in lines if line["outcome"] == "partial"]
    assert (bad["object"], bad["reason"]) == ("bad\x1b[31m\n.pdf", "MALFORMED_FILE: it says \x1b[31m")
    assert all(line["reason"] == "" for line in lines if line["outcome"] == "scanned")


MATCH = ["rule", "macie", "category", "start", "end", "confidence", "masked"]


def test_check_has_the_keys_of_the_contract(cli: Cli) -> None:
    text = f"é SSN: {ssn(1)}, card 4111 1111 1111 1111\n"
    lines = cli.good("check", "--no-ner", stdin=text.encode()).lines()
    assert [list(line) for line in lines] == [MATCH] * 2
    assert [(line["rule"], text[line["start"] : line["end"]]) for line in lines] == [
        ("us.ssn", ssn(1)), ("generic.credit_card", "4111 1111 1111 1111"),
    ]  # fmt: skip
    assert ssn(1) not in json.dumps(lines)
    (cli.root / "text").write_text(text)
    shown = cli.good("check", "text", "--show-values", "--no-ner").lines()
    assert [list(line) for line in shown] == [[*MATCH, "value"]] * 2
    assert [line["value"] for line in shown] == [ssn(1), "4111 1111 1111 1111"]
    assert not list(cli.root.glob("*.duckdb-*"))


def test_extract_has_the_keys_of_the_contract(cli: Cli) -> None:
    (cli.root / "t.csv").write_text("id,ssn\n1,two\n")
    lines = cli.good("extract", "t.csv").lines()
    assert [list(line) for line in lines] == [["text", "place"]] * 2
    assert {"text": "two", "place": {"line": 2, "row": 1, "column_name": "ssn"}} in lines
    (cli.root / "t.txt").write_bytes("é\r\nsecond \udc80".encode("utf-8", "surrogateescape"))
    assert [list(line) for line in cli.good("extract", "t.txt").lines()] == [["text", "place"]] * 2
