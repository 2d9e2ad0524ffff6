"""Allow lists: what they keep back and count, and that a list with a mistake is refused without quoting it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import piiscan
from piiscan.allow import NO_LISTS, AllowLists, load_allow
from piiscan.cells import Cells
from piiscan.errors import ConfigError
from piiscan.evaluation import Case, Labels, evaluate
from piiscan.importing.macie import table_of
from piiscan.model import (
    Allowed,
    Category,
    ColumnSegment,
    MatchBatch,
    MatchSpec,
    ObjectRef,
    Rule,
    RuleId,
    Segment,
    Severity,
    TextSegment,
)
from piiscan.store.ingest import DuckStore
from tests.support.cli import Cli
from tests.support.trees import mail, ssn, write

SECRET = "Hedgehog-4711"
TODAY = date(2030, 6, 1)


def rule(name: str, category: Category = Category.CUSTOM) -> Rule:
    return Rule(RuleId(name), name, category, ((1, Severity.LOW),), MatchSpec(r"\w{3,9}"))


RULES = (rule("a.one"), rule("b.two", Category.PII))


def lists(tmp_path: Path, text: str, name: str = "list.toml") -> AllowLists:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return load_allow([str(path)], TODAY)


def batch(spans: Sequence[tuple[int, int, int]], items: Sequence[int] | None = None) -> MatchBatch:
    rules, starts, ends = zip(*spans, strict=True)
    return MatchBatch(
        np.array(rules, np.int32),
        np.array(starts, np.int64),
        np.array(ends, np.int64),
        np.ones(len(spans), np.float32),
        None if items is None else np.array(items, np.int64),
    )


def sifted(
    found: AllowLists, segment: Segment, matches: MatchBatch, key: str = "a/b.txt", source: str = "s3://bucket"
) -> tuple[list[tuple[int, int]], tuple[Allowed, ...]]:
    sieve = found.open(ObjectRef(source, key, 1), RULES)
    left = sieve(segment, matches)
    return list(zip(left.rule.tolist(), left.start.tolist(), strict=True)), sieve.counts()


WORDS = TextSegment("alpha Beta alpha gamma")
FOUND = batch([(0, 0, 5), (1, 6, 10), (0, 11, 16), (1, 17, 22)])


def test_values_are_whole_and_in_any_case(tmp_path: Path) -> None:
    left, counts = sifted(lists(tmp_path, '[[allow]]\ntext = ["ALPHA", "bet"]\n'), WORDS, FOUND)
    assert left == [(1, 6), (1, 17)]
    assert counts == (Allowed("list.toml#1", "a.one", 2),)


def test_case_matters_where_the_entry_says_so(tmp_path: Path) -> None:
    left, _ = sifted(lists(tmp_path, '[[allow]]\ntext = ["ALPHA", "Beta"]\nignore_case = false\n'), WORDS, FOUND)
    assert left == [(0, 0), (0, 11), (1, 17)]


def test_patterns_are_whole_and_as_they_stand(tmp_path: Path) -> None:
    text = '[[allow]]\npatterns = ["[a-z]{4}", "g[a-z]{1,9}"]\n'
    assert sifted(lists(tmp_path, text), WORDS, FOUND)[0] == [(0, 0), (1, 6), (0, 11)]
    assert sifted(lists(tmp_path, text + "ignore_case = true\n"), WORDS, FOUND)[0] == [(0, 0), (0, 11)]


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        ('rule = ["a.*"]', 2),
        ('rule = ["b.two"]', 2),
        ('rule = ["c.*"]', 0),
        ('category = ["pii"]', 2),
        ('path = ["a/*.txt"]', 4),
        ('path = ["*.csv"]', 0),
        ('source = ["s3://*"]', 4),
        ('source = ["file:*"]', 0),
        ('column = ["alpha"]', 0),
        ("expires = 2030-06-01", 4),
        ("expires = 2030-05-31", 0),
    ],
)
def test_scopes(tmp_path: Path, scope: str, gone: int) -> None:
    found = lists(tmp_path, f"[[allow]]\npatterns = ['\\w{{1,20}}']\n{scope}\n")
    left, counts = sifted(found, WORDS, FOUND)
    assert (len(left), sum(c.count for c in counts)) == (4 - gone, gone)
    assert bool(found.expired) is ("05-31" in scope)


@pytest.mark.parametrize("cells", [False, True])
def test_columns(tmp_path: Path, cells: bool) -> None:
    values = ("xalpha", "alpha", "none", "ALPHA")
    segment = ColumnSegment("Customer_Name", "", Cells.of(values) if cells else values, (1, 2, 3, 4))
    matches = batch([(0, 1, 6), (0, 0, 5), (1, 0, 5)], [0, 1, 3])
    for named, left in (("customerName", []), ("customer", [(0, 1), (0, 0), (1, 0)])):
        found = lists(tmp_path, f'[[allow]]\ntext = ["alpha"]\ncolumn = ["{named}"]\n')
        assert sifted(found, segment, matches)[0] == left
    found = lists(tmp_path, '[[allow]]\ntext = ["alpha"]\nrule = ["a.one"]\n')
    sieve = found.open(ObjectRef("", "", 0), RULES)
    kept = sieve(segment, matches)
    assert kept.item is not None
    assert (kept.item.tolist(), kept.end.tolist()) == ([3], [5])


def test_the_first_entry_that_fits_is_the_one_that_counts(tmp_path: Path) -> None:
    text = '[[allow]]\ntext = ["beta"]\n[[allow]]\npatterns = ["[A-Za-z]{1,9}"]\nrule = ["b.*"]\nreason = "x"\n'
    _, counts = sifted(lists(tmp_path, text), WORDS, FOUND)
    assert counts == (Allowed("list.toml#1", "b.two", 1), Allowed("list.toml#2", "b.two", 1))


def test_a_plain_file_is_a_value_a_line(tmp_path: Path) -> None:
    left, counts = sifted(lists(tmp_path, "\ufeffalpha\r\n\r\n  gamma\n", "words.txt"), WORDS, FOUND)
    assert left == [(1, 6)]
    assert {c.entry for c in counts} == {"words.txt#1"}
    found = lists(tmp_path, '[[allow]]\ntext = ["Beta"]\ntext_file = "words.txt"\n')
    assert sifted(found, WORDS, FOUND)[0] == []


def test_the_examples_of_the_page_are_taken(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "custom-rules.md").read_text("utf-8")
    found = lists(tmp_path, re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0])
    assert [entry.name for entry in found.entries] == ["list.toml#1", "list.toml#2"]
    (identifier,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert table_of(json.loads(identifier)).table["id"] == "custom.staff_badge"


def test_without_lists_nothing_is_touched() -> None:
    assert NO_LISTS.open(ObjectRef("", "", 0), RULES)(WORDS, FOUND) is FOUND
    assert load_allow(()) is NO_LISTS


def test_strange_values_do_no_harm(tmp_path: Path) -> None:
    segment = TextSegment("\udc80lpha é🙂x")
    found = lists(tmp_path, "[[allow]]\npatterns = ['[\\w\\W]{1,20}']\n")
    assert sifted(found, segment, batch([(0, 0, 5), (0, 6, 9)]))[0] == [(0, 0)]


BAD = {
    "no TOML": ("[[allow]\n" + SECRET, "TOML"),
    "nothing in it": ("", "empty"),
    "an unknown key": ('[[allow]]\ntext = ["x"]\ncolour = "red"', r"allow\[1\].colour"),
    "an unknown table": ("[settings]\nx = 1", "settings"),
    "a wrong type": (f'[[allow]]\ntext = "{SECRET}"', r"allow\[1\].text"),
    "an empty value": ('[[allow]]\ntext = ["x"]\n[[allow]]\ntext = [""]', r"allow\[2\].text"),
    "no value at all": ('[[allow]]\nrule = ["a.*"]', "text, text_file or patterns"),
    "look-around": (f"[[allow]]\npatterns = ['(?={SECRET})x']", "look-around"),
    "a repeat without end": (f"[[allow]]\npatterns = ['{SECRET}+']", "unbounded"),
    "no pattern": (f"[[allow]]\npatterns = ['{SECRET}(']", "no regular expression"),
    "a moment as date": ('[[allow]]\ntext = ["x"]\nexpires = 2030-01-01T00:00:00', "expires"),
    "a file that is not there": ('[[allow]]\ntext_file = "nowhere.txt"', "nowhere.txt"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_refused_and_not_quoted(tmp_path: Path, case: str) -> None:
    text, said = BAD[case]
    with pytest.raises(ConfigError, match=said) as caught:
        lists(tmp_path, text)
    assert "list.toml" in str(caught.value) or "nowhere.txt" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\x00\x01")
    (tmp_path / "latin.txt").write_bytes(b"M\xfcller")
    (tmp_path / "empty.txt").write_bytes(b"\n\n")
    (tmp_path / "folder.txt").mkdir()
    for name in ("binary.txt", "latin.txt", "empty.txt", "folder.txt", "missing.toml"):
        with pytest.raises(ConfigError, match=name):
            load_allow([str(tmp_path / name)])
    (tmp_path / "x").mkdir()
    for path in (tmp_path / "a.txt", tmp_path / "x" / "a.txt"):
        path.write_text("x")
    with pytest.raises(ConfigError, match="same"):
        load_allow([str(tmp_path / "a.txt"), str(tmp_path / "x" / "a.txt")])


def test_no_value_shows_in_a_repr(tmp_path: Path) -> None:
    found = lists(tmp_path, f'[[allow]]\ntext = ["{SECRET}"]\npatterns = ["{SECRET}"]\n')
    assert SECRET.lower() not in repr(found).lower()


def test_the_digest_is_of_what_holds_today(tmp_path: Path) -> None:
    text = '[[allow]]\ntext = ["x"]\n[[allow]]\ntext = ["y"]\nexpires = 2030-06-01\n'
    path = tmp_path / "list.toml"
    path.write_text(text)
    today = load_allow([str(path)], TODAY).digest
    assert today == load_allow([str(path)], date(2029, 1, 1)).digest
    assert today != load_allow([str(path)], date(2030, 6, 2)).digest
    path.write_text(text.replace('"x"', '"z"'))
    assert today != load_allow([str(path)], TODAY).digest


def test_the_scanner_and_the_evaluation_apply_them(tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text(f'[[allow]]\ntext = ["{ssn(1)}"]\n')
    config = piiscan.Config(ner=False, allow=(str(tmp_path / "list.toml"),))
    scanner = piiscan.Scanner(config)
    text = f"SSN: {ssn(1)} and SSN: {ssn(2)}"
    assert [m.value for m in scanner.classify(text)] == [ssn(2)]
    tree = write(tmp_path / "tree", iter([("a.txt", text.encode())]))
    (report,) = scanner.scan(str(tree))
    assert [f.count for f in report.findings] == [1]
    assert report.allowed == (Allowed("list.toml#1", "us.ssn", 1),)
    case = Case(f"SSN: {ssn(1)}", True, "US_SSN", "ID", "plain", "US", ((5, 16, "US_SSN"),))
    for allow, exact in ((NO_LISTS, 1), (load_allow(config.allow), 0)):
        labels = Labels({"US_SSN": frozenset({"us.ssn"})}, {"US_SSN": "ID"})
        scores = evaluate([case], labels, scanner._stack, allow)
        assert scores.to_json()["labels"]["US_SSN/plain"]["exact"] == exact


def test_the_command_line_counts_and_keeps_the_counts(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "work", tmp_path / "cache")
    rows = "".join(f"{n},{ssn(1 + n % 2)}\n" for n in range(10))
    files = [("a.csv", f"id,ssn\n{rows}".encode()), ("b.txt", f"mail {mail(3)}\n".encode())]
    write(cli.root / "tree", iter(files))
    (cli.root / "list.toml").write_text(
        f'[[allow]]\ntext = ["{ssn(1)}"]\ncolumn = ["ssn"]\nreason = "ours"\n[[allow]]\ntext = ["{mail(9)}"]\n'
    )
    scan = ("scan", "tree", "--no-ner", "--json", "--allow")
    first = cli.run(*scan, "list.toml")
    assert first.code == 0, first.said
    for done in (first, cli.run(*scan, "list.toml")):
        told = done.json()["allow_lists"]
        assert told["matches"] == 5
        used, unused = told["entries"]
        assert used == {"entry": "list.toml#1", "reason": "ours", "matches": 5, "objects": 1, "expired": False}
        assert (unused["entry"], unused["matches"]) == ("list.toml#2", 0)
    assert done.json()["objects"]["unchanged"] == 2
    plain = cli.run("scan", "tree", "--no-ner", "--full", "--allow", "list.toml").said
    assert "5 by list.toml#1" in plain
    assert "never used: list.toml#2" in plain
    # With another list the objects are read again, and what is allowed no more is found.
    (cli.root / "list.toml").write_text(f'[[allow]]\ntext = ["{mail(3)}"]\n')
    again = cli.run(*scan, "list.toml").json()
    assert (again["objects"]["scanned"], again["allow_lists"]["matches"]) == (2, 1)
    assert [e["rule"] for e in again["findings"]["by_rule"]] == ["us.ssn"]
    assert again["findings"]["by_rule"][0]["matches"] == 10


def test_a_list_that_cannot_be_read_stops_the_run_before_anything_is_scanned(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "work", tmp_path / "cache")
    write(cli.root / "tree", iter([("a.txt", b"nothing")]))
    done = cli.run("scan", "tree", "--no-ner", "--allow", "gone.toml")
    assert done.code == 2
    assert "gone.toml" in done.said
    (cli.root / "piiscan.toml").write_text('allow = ["gone.toml"]\n')
    refused = cli.run("scan", "tree", "--no-ner")
    assert refused.code == 2
    assert "working directory" in refused.said
    (cli.root / "piiscan.toml").unlink()
    for command in (("check", "tree/a.txt"), ("eval", "tree/a.txt", "--labels", "tree/a.txt")):
        done = cli.run(*command, "--no-ner", "--allow", "gone.toml")
        assert (done.code, "gone.toml" in done.said) == (2, True)


def test_an_older_database_gets_the_table(tmp_path: Path) -> None:
    import duckdb

    from piiscan.store.duck import migrations, open_for_writing

    path = tmp_path / "old.duckdb"
    con = duckdb.connect(str(path))
    con.execute(migrations()[0][1])
    con.execute(
        "CREATE TABLE schema_version (version INTEGER, applied TIMESTAMP, tool_version VARCHAR);"
        "CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);"
        "INSERT INTO schema_version VALUES (1, now()::TIMESTAMP, '0')"
    )
    con.close()
    open_for_writing(path).close()
    store = DuckStore(path, key_file=tmp_path / "key")
    assert store.query("SELECT * FROM v_allowed") == []
    store.close()
