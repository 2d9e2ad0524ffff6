"""Macie's custom data identifiers, loaded as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import piiscan
from piiscan import catalogue
from piiscan.classify.stack import Stack
from piiscan.errors import CatalogueError
from piiscan.importing.macie import table_of
from piiscan.model import Category, MatchBatch, Rule, Severity, TextSegment
from piiscan.redact import Redactor, fingerprinter
from piiscan.selftest import reference_matches
from tests.support.trees import write

BADGE: dict[str, Any] = {
    "name": "Acme: staff badge",
    "description": "Printed on the badge.",
    "regex": r"\b[A-Z]{2}-\d{4,6}\b",
    "keywords": ["Badge", "staff id"],
    "ignoreWords": ["XX-0"],
    "maximumMatchDistance": 20,
    "severityLevels": [
        {"occurrencesThreshold": 50, "severity": "HIGH"},
        {"occurrencesThreshold": 2, "severity": "LOW"},
    ],
    "id": "0000", "arn": "arn:aws:macie2:eu-west-1:111122223333:custom-data-identifier/0000",
    "createdAt": "2030-01-01T00:00:00Z", "deleted": False, "tags": {"team": "hr"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def loaded(tmp_path: Path, **changes: Any) -> Rule:
    folder = tmp_path / "own"
    folder.mkdir(exist_ok=True)
    data = {key: value for key, value in {**BADGE, **changes}.items() if value is not ...}
    (folder / "badge.json").write_text(json.dumps(data))
    (rule,) = catalogue.own_rules([folder])
    return rule


def test_all_of_an_identifier_is_read(tmp_path: Path) -> None:
    for _ in range(2):  # the second time from the cache
        rule = loaded(tmp_path)
        assert (rule.id, rule.name, rule.category) == ("custom.acme_staff_badge", "Acme: staff badge", Category.CUSTOM)
        assert rule.severity == ((2, Severity.LOW), (50, Severity.HIGH))
        assert (rule.least, rule.origin) == (2, "macie")
        assert rule.context.keywords == ("badge", "staff id")
        assert (rule.context.required, rule.context.distance) == (True, 20)
    assert loaded(tmp_path, severityLevels=...).severity == ((1, Severity.MEDIUM),)
    assert loaded(tmp_path, maximumMatchDistance=...).context.distance == 50


FOUND = {
    "BADGE: AB-1234": ["AB-1234"],
    "staff-id AB-1234, badge CD-999999": ["AB-1234", "CD-999999"],
    "AB-1234 badge": [],  # a keyword behind the match
    "badge" + "." * 13 + "AB-1234": ["AB-1234"],  # 13 and 7 characters make 20
    "badge" + "." * 14 + "AB-1234": [],
    "badge" + "." * 13 + "AB-12345": [],  # the distance ends where the match does
    "badge é🙂" + "." * 10 + "AB-1234": ["AB-1234"],
    "badge XX-0123 AB-1234": ["AB-1234"],  # an ignored word in the match
    "badge xx-0123": [],
    "badges AB-1234": [],
    "nothing here AB-1234": [],
}


@pytest.mark.parametrize("text", FOUND)
def test_it_finds_what_macie_would(tmp_path: Path, text: str) -> None:
    rule = loaded(tmp_path)
    assert [m.value for m in Stack([rule], cache=False).classify(text)] == FOUND[text]
    assert [text[s:e] for s, e, _ in reference_matches(rule, text)] == FOUND[text]


def test_a_column_name_is_a_keyword(tmp_path: Path) -> None:
    stack = Stack([loaded(tmp_path)], cache=False)
    assert [m.value for m in stack.classify("AB-1234", column="Badge no")] == ["AB-1234"]
    assert stack.classify("AB-1234", column="order") == []


def test_without_keywords_the_pattern_is_enough(tmp_path: Path) -> None:
    rule = loaded(tmp_path, keywords=..., maximumMatchDistance=..., ignoreWords=["ABCD"], regex="(?i)emp[a-z]{4}")
    stack = Stack([rule], cache=False)
    assert [m.value for m in stack.classify("x EMPloye, empABCDx empabcd")] == ["EMPloye", "empabcd"]


@pytest.mark.parametrize(("count", "severity"), [(1, None), (2, Severity.LOW), (60, Severity.HIGH)])
def test_fewer_than_the_lowest_threshold_are_no_finding(tmp_path: Path, count: int, severity: Severity | None) -> None:
    stack = Stack([loaded(tmp_path)], cache=False)
    redactor = Redactor(stack.rules, fingerprinter(b"k" * 32))
    text = "".join(f"badge AB-{1000 + n}\n" for n in range(count))
    segment = TextSegment(text, 0)
    batch: MatchBatch = stack.open(piiscan.model.ObjectRef("", "", 0), "text/plain").feed(segment)
    redactor.add(segment, batch)
    assert [f.severity for f in redactor.findings()] == ([] if severity is None else [severity])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "name"),
    "no regex": ({"regex": ...}, "regex: missing"),
    "an unknown key": ({"colour": "red"}, "colour"),
    "look-around": ({"regex": "(?=a)b"}, "regex: look-around"),
    "a back-reference": ({"regex": r"(a)\1"}, "regex: a back-reference"),
    "nothing to match": ({"regex": "a*"}, "regex"),
    "a wrong type": ({"keywords": "badge"}, "keywords"),
    "an empty word": ({"ignoreWords": [""]}, "ignoreWords"),
    "too far": ({"maximumMatchDistance": 301}, "maximumMatchDistance"),
    "an unknown severity": ({"severityLevels": [{"occurrencesThreshold": 1, "severity": "BAD"}]}, "severityLevels"),
    "severities that fall": (
        {"severityLevels": [{"occurrencesThreshold": n, "severity": s} for n, s in ((1, "HIGH"), (5, "LOW"))]},
        "severity",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_refused_with_file_and_key(tmp_path: Path, case: str) -> None:
    changes, said = REFUSED[case]
    with pytest.raises(CatalogueError, match=rf"badge\.json: .*{said}"):
        loaded(tmp_path, **changes)


def test_other_json_and_the_same_name_twice_are_refused(tmp_path: Path) -> None:
    loaded(tmp_path)
    for content in ("[1]", "{", '{"a": 1}'):
        (tmp_path / "own" / "z.json").write_text(content)
        with pytest.raises(CatalogueError, match=r"z\.json"):
            catalogue.own_rules([tmp_path / "own"])
    (tmp_path / "own" / "z.json").write_text(json.dumps({**BADGE, "name": "acme staff  badge"}))
    with pytest.raises(CatalogueError, match=r"custom\.acme_staff_badge"):
        catalogue.own_rules([tmp_path / "own"])


def test_the_notes_tell_what_differs() -> None:
    assert table_of(BADGE).notes == ("keywords count as whole words",)


def test_a_folder_of_identifiers_is_scanned_with(tmp_path: Path) -> None:
    loaded(tmp_path)
    tree = write(tmp_path / "tree", iter([("a.txt", b"badge AB-1234, badge CD-9999\n"), ("b.txt", b"badge AB-1234\n")]))
    scanner = piiscan.Scanner(piiscan.Config(ner=False, rules=(str(tmp_path / "own"),)))
    found = {report.ref.key: [(str(f.rule), f.count) for f in report.findings] for report in scanner.scan(str(tree))}
    assert found == {"a.txt": [("custom.acme_staff_badge", 2)], "b.txt": []}
