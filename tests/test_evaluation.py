"""Scores of a labelled corpus: what counts as found, what as a false alarm, and that no rule got worse."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from piiscan.catalogue import load_rules
from piiscan.classify.stack import Stack
from piiscan.cli.main import app
from piiscan.errors import ConfigError
from piiscan.evaluation import Case, Labels, evaluate, findings, load_labels, read_cases
from tools.accuracy import BASELINE, baseline, scores

SSN = "536-90-4399"
LABELS = Labels({"US_SSN": frozenset({"us.ssn"}), "EMAIL": frozenset({"generic.email"})}, {"US_SSN": "ID"})
STACK = Stack([rule for rule in load_rules() if rule.id in ("us.ssn", "generic.email")], cache=False)


def case(text: str, positive: bool, label: str, *spans: tuple[int, int, str], variant: str = "ctx") -> Case:
    if positive:
        return Case(text, positive, label, "ID", variant, "US", spans=spans)
    return Case(text, positive, label, "ID", variant, "US", negspans=spans)


def test_recall_by_span_and_label() -> None:
    text = f"ssn: {SSN}, mail a@example.org"
    found = evaluate([case(text, True, "US_SSN", (5, 16, "US_SSN"), (23, 36, "US_SSN"))], LABELS, STACK)
    row = found.recall["ID", "ctx"]
    assert (row.of, row.exact, row.family) == (2, 1, 1)
    assert dict(found.rules["us.ssn"]) == {"found": 1, "missed": 1}


def test_a_finding_elsewhere_is_no_hit() -> None:
    text = f"ssn: {SSN} and 12-3456"
    found = evaluate([case(text, True, "US_SSN", (21, 28, "US_SSN"))], LABELS, STACK)
    assert found.recall["ID", "ctx"].exact == 0


def test_cells_are_found_at_their_place_in_the_text() -> None:
    text = f"row,ssn\n1,{SSN}\n2,536-90-4400\n"
    spans = ((10, 21, "US_SSN"), (24, 35, "US_SSN"))
    one = Case(text, True, "US_SSN", "ID", "csv", "US", spans)
    assert [(hit.start, hit.end) for hit in findings(one, STACK)] == [(10, 21), (24, 35)]


def test_false_alarms_count_inside_the_decoy_and_samples_do_not() -> None:
    inside = case(f"ssn {SSN}", False, "US_SSN", (4, 15, "US_SSN"))
    outside = case(f"ssn {SSN} x 00", False, "US_SSN", (18, 20, "US_SSN"))
    sample = case("ssn 123-45-6789", False, "US_SSN", (4, 15, "US_SSN"))
    found = evaluate([inside, outside, sample], LABELS, STACK)
    assert found.negatives[("ID",)].of == 3
    assert found.negatives[("ID",)].exact == 1


def test_text_with_nothing_to_find_counts_per_megabyte() -> None:
    found = evaluate([case(f"ssn {SSN}", False, "NONE"), case("no number", False, "NONE")], LABELS, STACK)
    assert (found.clean_hits, found.clean_bytes) == (1, 24)
    assert found.to_json()["clean"]["per_mb"] == pytest.approx(1e6 / 24, rel=1e-3)


def test_precision_inside_documents_leaves_ignored_spans_out() -> None:
    text = f"ssn {SSN}, ssn 536-90-4400, ssn 536-90-4401"
    one = Case(text, True, "MULTI", "DOC", "doc", "", ((4, 15, "US_SSN"),), ((21, 32, "US_SSN"),))
    found = evaluate([one], LABELS, STACK)
    row = found.documents[("ID",)]
    assert (row.of, row.exact) == (2, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1"),
        ('{"text": "x"}', "line 1"),
        ('\n{"text": "x", "polarity": "pos", "label": 1, "spans": [[1]]}', "line 2"),
    ],
)
def test_a_broken_corpus_is_refused_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigError, match=said):
        list(read_cases(path))


@pytest.mark.parametrize("content", ["labels = 1", "[labels]\nX = 1", "[labels"])
def test_a_broken_map_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"m\.toml"):
        load_labels(path)


def test_the_command_prints_no_value(tmp_path: Path) -> None:
    corpus = tmp_path / "c.jsonl.gz"
    line = {"text": f"ssn: {SSN}", "polarity": "pos", "label": "US_SSN", "family": "ID", "variant": "ctx"}
    corpus.write_bytes(gzip.compress(json.dumps({**line, "spans": [[5, 16, "US_SSN"]]}).encode()))
    labels = tmp_path / "labels.toml"
    labels.write_text('[labels]\nUS_SSN = ["us.ssn"]\n[families]\nID = ["US_SSN"]\n')
    for more in (["--json"], ["--by", "rules"], ["--by", "labels"]):
        out = CliRunner().invoke(app, ["eval", str(corpus), "--labels", str(labels), "--no-ner", *more])
        assert out.exit_code == 0, out.output
        assert SSN not in out.output
        assert "us.ssn" in out.output or "US_SSN" in out.output


def test_no_rule_got_worse() -> None:
    """`python -m tools.accuracy` writes what is held here; a change for the worse is a decision, not an accident."""
    known = json.loads(BASELINE.read_text(encoding="utf-8"))
    now = baseline(scores(load_rules()))
    worse = [
        rule
        for rule, (recall, wrong) in known["rules"].items()
        if rule in now["rules"] and ((now["rules"][rule][0] or 0) < (recall or 0) or now["rules"][rule][1] > wrong)
    ]
    assert worse == []
    assert now["clean_findings"] <= known["clean_findings"]
