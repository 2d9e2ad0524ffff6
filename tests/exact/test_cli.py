from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.exact.conftest import row, write_table
from tests.support.cli import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path, tmp_path / "cache")


def test_a_set_is_made_configured_found_and_explained(cli: Cli) -> None:
    write_table(cli.root / "customers.csv", 400)
    made = cli.good("rules", "exact", "customers.csv", "--columns", "email,tax,country", "--evidence", "first")
    assert made.text == "customers.exact\n"
    assert "  email: 400 different values kept\n" in made.said
    assert "  country: 0 different values kept; left out: 400 few different values\n" in made.said
    assert stat.S_IMODE((cli.root / "customers.exact").stat().st_mode) == 0o600
    values = [*row(3)[:7], row(3)[2].replace("-", "")]

    tree = cli.root / "tree"
    tree.mkdir()
    (tree / "note.txt").write_text(f"{row(3)[5]} wrote from {row(3)[1].upper()} about {values[-1]}\n")
    (tree / "copy.csv").write_text("who,number\nx,1\n" + "".join(f"{row(n)[1]},{row(n)[2]}\n" for n in range(50)))
    (cli.root / "settings.toml").write_text('exact = ["customers.exact"]\npacks = ["pci"]\n')
    summary = cli.scan("tree", "--config", "settings.toml", "--workers", "1")
    assert summary["objects"]["scanned"] == 2
    found = cli.sql("SELECT object, rule, name, category, severity, confidence, count FROM v_findings ORDER BY ALL")
    mine = [list(f.values()) for f in found if f["rule"].startswith("exact.")]
    assert [f[:2] + f[3:5] + f[6:] for f in mine] == [
        ["copy.csv", "exact.customers_email", "custom", "high", 50],
        ["copy.csv", "exact.customers_tax", "custom", "high", 50],
        ["note.txt", "exact.customers_email", "custom", "high", 1],
        ["note.txt", "exact.customers_first", "custom", "high", 1],
        ["note.txt", "exact.customers_tax", "custom", "high", 1],
    ]
    assert mine[0][2] == "Exact match: customers, column email"
    assert {round(f[5], 2) for f in mine[1:]} == {0.99}

    # Nothing is done twice, and everything when the set was made anew.
    again = cli.scan("tree", "--config", "settings.toml", "--workers", "1")
    assert again["objects"]["unchanged"] == 2
    cli.good("rules", "exact", "customers.csv", "--columns", "email,tax,country", "--evidence", "first")
    assert cli.scan("tree", "--config", "settings.toml", "--workers", "1")["objects"]["unchanged"] == 0

    finding = cli.sql("SELECT finding FROM v_findings WHERE rule = 'exact.customers_tax' AND object = 'note.txt'")
    said = cli.good("explain", finding[0]["finding"]).text
    assert "near another field of the same row of your table" in said
    listed = cli.good("rules", "list", env={"PIISCAN_CONFIG": "settings.toml"}).text
    assert "exact.customers_email" in listed
    shown = [cli.good("report", "--format", f).text for f in ("table", "jsonl", "csv")]
    for value in values:
        assert all(value.lower() not in text.lower() for text in (*shown[:1], said, made.said)) or value == row(3)[5]


def test_check_takes_a_set_and_a_key(cli: Cli) -> None:
    write_table(cli.root / "customers.csv", 50)
    cli.good("rules", "exact", "customers.csv", "--columns", "email", "--key-file", "mine.key", "-o", "c.exact")
    text = f"x {row(3)[1]}".encode()
    lost = cli.run("check", "-", "--no-ner", "--exact", "c.exact", stdin=text)
    assert (lost.code, lost.out) == (2, b"")
    assert "its key" in lost.said
    (cli.root / "with.toml").write_text('key_file = "mine.key"\n')
    found = cli.good("check", "-", "--no-ner", "--exact", "c.exact", "--config", "with.toml", stdin=text).lines()
    assert [(m["rule"], m["start"], m["end"]) for m in found if m["rule"].startswith("exact.")] == [
        ("exact.customers_email", 2, 2 + len(row(3)[1]))
    ]
    failed = cli.run("scan", "customers.csv", "--exact", "c.exact", "--no-ner", "--workers", "1")
    assert failed.code == 2
    assert "its key" in failed.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.csv", "--columns", "a"), "no such file"),
        (("t.csv", "--columns", "nosuch"), "no column 'nosuch' in its first line"),
        (("t.csv", "--columns", "email", "--severity", "worst"), "--severity"),
        (("t.csv", "--columns", "email", "--out", "t.csv"), "written over its table"),
    ],
)
def test_mistakes_end_with_2_and_make_no_key(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    write_table(cli.root / "t.csv", 3)
    done = cli.run("rules", "exact", *arguments)
    assert done.code == 2
    assert said in done.said
    assert not (cli.root / "state").exists()


def test_the_working_directory_may_not_name_a_set(cli: Cli) -> None:
    (cli.root / "piiscan.toml").write_text('exact = ["x.exact"]\n')
    done = cli.run("scan", ".", "--no-ner")
    assert done.code == 2
    assert "'exact' is not taken from the working directory" in done.said
