"""The parts of an import from Macie, by themselves: files told apart, conditions, reach, odd JSON."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from piiscan.cli.import_store import put_suppression, questions
from piiscan.crawl.select import glob
from piiscan.importing.macie_config import filters, identifiers, jobs, lists, scope
from piiscan.importing.macie_config.entries import Entry, Kind, read_folder, told_apart
from piiscan.importing.macie_config.fields import FIELDS, WHY, Known
from piiscan.importing.regex import Refused
from piiscan.model import Category, Place, Severity
from piiscan.store.ingest import DuckStore
from piiscan.triage import put_into_force
from tests.importing.macie_saved import FILTERS, IDENTIFIERS, JOBS, LISTS, save
from tests.support import made
from tools import macie_page

KNOWN = Known(
    {"Order number": ["custom.order_number"]},
    {"0001": "nightly"},
    frozenset({"USA_SOCIAL_SECURITY_NUMBER", "CREDIT_CARD_NUMBER"}),
)


def test_files_are_told_apart_by_their_shape(tmp_path: Path) -> None:
    found = read_folder(save(tmp_path / "saved"))
    assert [len(entries) for entries in found.ordered().values()] == [40, 10, 12, 6]
    assert found.refused == []
    assert read_folder(tmp_path / "saved" / "array.json").entries[0].origin == "array.json"


def test_lists_of_names_say_what_to_save_instead(tmp_path: Path) -> None:
    summaries = {
        "list-custom-data-identifiers": {"items": [_summary(IDENTIFIERS[0]["identifier"])], "nextToken": "t"},
        "batch-get": {"customDataIdentifiers": [_summary(IDENTIFIERS[1]["identifier"])]},
        "list-allow-lists": {"allowLists": [_summary(LISTS[0]["list"])]},
        "list-findings-filters": {"findingsFilterListItems": [_summary(FILTERS[0]["filter"])]},
        "list-classification-jobs": {
            "items": [{k: JOBS[0]["job"][k] for k in ("jobId", "name", "jobStatus", "jobType")}]
        },
        "list-managed-data-identifiers": {"items": [{"category": "CREDENTIALS", "id": "AWS_CREDENTIALS"}]},
    }
    for name, data in summaries.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    found = read_folder(tmp_path)
    assert sorted((entry.kind, entry.whole) for entry in found.entries) == [
        ("allow list", False), ("filter", False), ("identifier", False), ("identifier", False), ("job", False),
    ]  # fmt: skip
    assert found.refused == []
    (tmp_path / "whole.json").write_text(json.dumps(LISTS[0]["list"]))
    assert [entry.whole for entry in read_folder(tmp_path).ordered()[Kind.ALLOW_LIST]] == [True]


def _summary(data: dict[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in ("arn", "id", "name")}


@pytest.mark.parametrize("case", FILTERS, ids=lambda case: case["filter"]["name"])
def test_filters_select_what_macies_do(world: DuckStore, case: dict[str, Any]) -> None:
    entry = Entry(Kind.FILTER, case["filter"], "")
    if "refused" in case:
        with pytest.raises(Refused, match=case["refused"]):
            filters.filter_(entry, KNOWN)
        return
    found = filters.filter_(entry, KNOWN)
    assert found.archives == (case["filter"]["action"] == "ARCHIVE")
    assert (case.get("remarks", "") in " ".join(found.notes)) or not found.archives
    rows = world.query(found.query().replace("SELECT *", "SELECT source, object, rule"))
    assert sorted(f"{s.removeprefix('s3://amzn-s3-demo-')}/{o} {r}" for s, o, r in rows) == sorted(case["selects"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Findings in four places; one of them is no bucket, which no filter of Macie can mean."""
    folder = tmp_path_factory.mktemp("world")
    store = DuckStore(folder / "world.duckdb", key_file=folder / "key")

    def report(bucket: str, key: str, *found: Any, size: int = 100) -> Any:
        source = f"s3://amzn-s3-demo-{bucket}" if bucket else "file:///share"
        return made.report(made.ref(key, size, source=source), found)

    ssn = made.finding("us.ssn")
    card = _of("generic.credit_card")
    mail = made.finding("generic.email", severity=Severity.LOW)
    many = made.finding("us.ssn", tuple(Place(line=n) for n in range(1, 121)), values=3)
    rules = [
        made.rule("us.ssn", macie="USA_SOCIAL_SECURITY_NUMBER"),
        made.rule("generic.credit_card", Category.FINANCIAL, macie="CREDIT_CARD_NUMBER"),
        made.rule("generic.email"),
        made.rule("custom.order_number", Category.CUSTOM),
    ]
    store.remember_rules(rules)
    made.add_run(store, folder, [
        report("test", "a.csv", ssn, mail),
        report("scratch", "x.txt", ssn, card),
        report("prod", "low.txt", mail),
        report("prod", "orders.txt", _of("custom.order_number", Category.CUSTOM), card),
        report("prod", "big.log", many, size=9000),
        report("", "a.csv", ssn, mail),
    ])  # fmt: skip
    yield store
    store.close()


def _of(rule: str, category: Category = Category.FINANCIAL) -> Any:
    from dataclasses import replace

    return replace(made.finding(rule), category=category)


def test_a_suppression_of_a_filter_suppresses_what_it_selects(tmp_path: Path) -> None:
    store = DuckStore(tmp_path / "own.duckdb", key_file=tmp_path / "key")
    try:
        store.remember_rules([made.rule("us.ssn", macie="USA_SOCIAL_SECURITY_NUMBER"), made.rule("generic.email")])
        there = made.ref("a.csv", source="s3://amzn-s3-demo-test")
        made.add_run(store, tmp_path, [made.report(there, [made.finding("us.ssn"), made.finding("generic.email")])])
        found = filters.filter_(Entry(Kind.FILTER, FILTERS[0]["filter"], ""), KNOWN)
        assert questions(store, [found]) == [""]
        assert put_suppression(store, "1", "ssn", found, replace=False) == (1, "new")
        put_into_force(store)
        assert store.query("SELECT rule FROM v_suppressed") == [("us.ssn",)]
        assert store.query("SELECT rule FROM v_findings WHERE counted") == [("generic.email",)]
    finally:
        store.close()


_TEXTS = {
    "type": "SensitiveData:S3Object/Personal", "category": "CLASSIFICATION", "severity.description": "Low",
    "severity.score": "2", "archived": "false", "sample": "false", "classificationDetails.jobId": "0001",
    "classificationDetails.jobArn": "0001", "createdAt": "1", "updatedAt": "1",
    "classificationDetails.result.sensitiveData.category": "PERSONAL_INFORMATION",
    "classificationDetails.result.sensitiveData.detections.type": "CREDIT_CARD_NUMBER",
    "classificationDetails.result.customDataIdentifiers.detections.name": "Order number",
    "classificationDetails.result.customDataIdentifiers.detections.arn": "Order number",
    "resourcesAffected.s3Bucket.publicAccess.effectivePermission": "PUBLIC",
}  # fmt: skip
OPERATORS = ("eq", "neq", "eqExactMatch", "gt", "gte", "lt", "lte")


@pytest.mark.parametrize("name", [*FIELDS, *WHY, "new.field"])
def test_each_field_with_each_operator_is_a_condition_that_can_be_asked_or_refused_by_name(
    world: DuckStore, name: str
) -> None:
    taken = 0
    for operator in OPERATORS:
        text = _TEXTS.get(name, "5" if "ount" in name or "ize" in name or "odified" in name else "it's")
        value: Any = [text] if operator.startswith(("eq", "ne")) else 2
        criterion = {name: {operator: value}, "resourcesAffected.s3Object.key": {"neq": ["x'y"]}}
        entry = Entry(Kind.FILTER, {"name": "f", "action": "ARCHIVE", "findingCriteria": {"criterion": criterion}}, "")
        reason = ""
        try:
            found = filters.filter_(entry, KNOWN)
        except Refused as err:
            reason = str(err)
        assert not reason or reason.startswith(f"{name}: "), reason
        if not reason:
            world.query(found.query())
            taken += 1
    assert bool(taken) == (name in FIELDS)


def test_a_filter_never_means_more_than_macies() -> None:
    def meant(criterion: dict[str, Any]) -> filters.Filter:
        data = {"name": "f", "action": "ARCHIVE", "findingCriteria": {"criterion": criterion}}
        return filters.filter_(Entry(Kind.FILTER, data, ""), KNOWN)

    for wide in ({}, {"archived": {"eq": ["false"]}}, {"category": {"eq": ["CLASSIFICATION"]}}):
        with pytest.raises(Refused, match="every finding"):
            meant(wide)
    with pytest.raises(Refused, match="without it more would be meant"):
        meant({"type": {"contains": ["x"]}})
    detections = "classificationDetails.result.sensitiveData.detections.type"
    assert "no rule" not in str(meant({detections: {"eq": ["MARS_TAX_NUMBER", "CREDIT_CARD_NUMBER"]}}).predicate)
    with pytest.raises(Refused, match="nothing here finds MARS_TAX_NUMBER, and without it"):
        meant({detections: {"neq": ["MARS_TAX_NUMBER", "CREDIT_CARD_NUMBER"]}})
    assert "starts_with(source, 's3://')" in meant({"severity.description": {"eq": ["Low"]}}).predicate
    assert meant({"resourcesAffected.s3Bucket.name": {"eq": ["a' OR '1'='1"]}}).source == ""


def _reach(**scoping: Any) -> scope.Reach:
    return scope.reach({"bucketDefinitions": [{"accountId": "1", "buckets": ["bucket"]}], "scoping": scoping})


def _term(key: str, comparator: str, *values: str) -> dict[str, Any]:
    return {"simpleScopeTerm": {"key": key, "comparator": comparator, "values": list(values)}}


TAG = {"tagScopeTerm": {"key": "TAG", "comparator": "EQ", "tagValues": [{"key": "k", "value": ""}]}}


def test_objects_are_included_and_excluded_as_in_macie() -> None:
    both = _reach(includes={"and": [_term("OBJECT_EXTENSION", "EQ", "csv"), _term("OBJECT_KEY", "STARTS_WITH", "a/b")]})
    (pattern,) = map(glob, both.include)
    keys = ["a/b.csv", "a/bc/d.csv", "a/b.CSV", "x/a/b.csv", "a/b/csv", "a/b"]
    assert [bool(pattern.fullmatch(key)) for key in keys] == [True, True, False, False, False, False]
    assert _reach(excludes={"and": [_term("OBJECT_EXTENSION", "NE", "csv")]}).include == ["*.csv"]
    assert _reach(excludes={"and": [_term("OBJECT_SIZE", "GTE", "100")]}).most_bytes == 99
    assert _reach(includes={"and": [_term("OBJECT_SIZE", "LT", "100")]}).most_bytes == 99
    with pytest.raises(Refused, match="OBJECT_SIZE"):
        _reach(includes={"and": [_term("OBJECT_SIZE", "LT", "1e3")]})


def test_an_exclusion_is_left_out_whole_or_not_at_all() -> None:
    """With one of its conditions less it would leave more objects unread."""
    half = _reach(excludes={"and": [_term("OBJECT_EXTENSION", "EQ", "gz"), TAG]})
    assert (half.exclude, len(half.notes)) == ([], 1)
    assert "more is read" in half.notes[0]
    dated = _reach(includes={"and": [_term("OBJECT_LAST_MODIFIED_DATE", "GT", "2025-01-01T00:00:00Z"), TAG]})
    assert (dated.include, len(dated.notes)) == ([], 2)


def test_a_job_that_names_no_bucket_or_an_unknown_condition_is_refused() -> None:
    empty: list[dict[str, Any]] = [
        {},
        {"bucketDefinitions": []},
        {"bucketDefinitions": [{"accountId": "1", "buckets": []}]},
    ]
    for definition in empty:
        with pytest.raises(Refused, match="names no bucket"):
            scope.reach(definition)
    data = copy.deepcopy(JOBS[0]["job"])
    data["s3JobDefinition"]["scoping"]["includes"]["or"] = []
    with pytest.raises(Refused, match=r"includes\.or: not known"):
        jobs.plan(Entry(Kind.JOB, data, ""), "n", "02:00")


def test_odd_json_is_refused_and_never_more_than_that(tmp_path: Path) -> None:
    """Any value of the configuration replaced by any other: an outcome or a Refused, and nothing else."""
    seen = random.Random(7)
    takes: dict[Kind, Callable[[Entry], object]] = {
        Kind.IDENTIFIER: lambda e: identifiers.rule(e, "x"), Kind.ALLOW_LIST: lists.allow_list,
        Kind.FILTER: lambda e: filters.filter_(e, KNOWN), Kind.JOB: lambda e: jobs.plan(e, "n", "02:00"),
    }  # fmt: skip
    odd: list[Any] = [
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "x",
        [],
        {},
        [None],
        [[1]],
        {"a": {}},
        "\\",
        "é" * 600,
        10**30,
        ["", 3],
    ]
    for cases, key in ((IDENTIFIERS, "identifier"), (LISTS, "list"), (FILTERS, "filter"), (JOBS, "job")):
        for round_ in range(400):
            data = copy.deepcopy(cases[round_ % len(cases)][key])
            _spoil(data, seen, seen.choice(odd))
            for entry in told_apart(json.loads(json.dumps([data])), "x"):
                identifiers.stems([entry])
                jobs.job_names([entry])
                assert isinstance(entry.name, str)
                with suppress(Refused):
                    takes[entry.kind](entry)


def _spoil(data: Any, seen: random.Random, value: Any) -> None:
    while True:
        places = list(data) if isinstance(data, dict) else list(range(len(data)))
        place = seen.choice(places)
        inner = data[place]
        if isinstance(inner, dict | list) and inner and seen.random() < 0.7:
            data = inner
            continue
        data[place] = value
        return


@pytest.mark.parametrize(
    "text",
    ["{", "[1, 2", '{"a": 1} x', "[" * 100_000, '"text"', "", '{"name": "\\ud800", "regex": "a"}', "1" * 5000, "{}"],
    ids=range(9),
)
def test_a_broken_file_is_told_of_and_the_others_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    (tmp_path / "b.json").write_text(json.dumps(FILTERS[0]["filter"]))
    found = read_folder(tmp_path)
    assert [entry.origin for entry in found.entries] == ["b.json"]
    assert [(one.kind, one.name) for one in found.refused] == [("file", "a.json")]


def test_words_are_found_by_the_longest_part_of_their_key(tmp_path: Path) -> None:
    wanted = lists.AllowList("l", bucket="b", key="x/names.txt")
    files = [tmp_path / name for name in ("b/x/names.txt", "y/names.txt", "names.txt.json")]
    assert lists.words_beside(wanted, files) == files[0]
    assert lists.words_beside(wanted, files[1:]) == files[1]
    assert lists.words_beside(wanted, files[2:]) is None
    with pytest.raises(Refused, match="2 files"):
        lists.words_beside(wanted, [tmp_path / "z/names.txt", files[1]])
    assert lists.words_beside(lists.AllowList("l", bucket="b", key="../../etc/names.txt"), files[1:]) == files[1]


def test_the_page_has_every_managed_identifier_as_generated() -> None:
    assert macie_page.PAGE.read_text("utf-8") == macie_page.page(), "run: python -m tools.macie_page"
    names = [name for some in macie_page.IDENTIFIERS.values() for name in some.split()]
    assert (len(names), len(set(names))) == (166, 166)
    assert set(macie_page.rules()) <= set(names)


def _cells(heading: str) -> str:
    """The first cells of the tables below a heading of the page."""
    text = macie_page.PAGE.read_text("utf-8").partition(f"\n{heading}")[2].split("\n## ")[0]
    return "\n".join(line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `"))


def test_the_page_has_every_field_that_filters_may_name() -> None:
    cells = _cells("## What is taken over")
    assert [name for name in FIELDS if f"`{name}`" not in cells] == []


def test_the_page_has_every_field_of_a_finding_and_no_column_that_is_not_there(world: DuckStore) -> None:
    import botocore.session

    def leaves(shape: Any, path: str) -> list[str]:
        if shape.type_name == "list":
            return leaves(shape.member, path)
        if shape.type_name != "structure":
            return [path]
        return [leaf for key, of in shape.members.items() for leaf in leaves(of, f"{path}.{key}" if path else key)]

    model = botocore.session.get_session().get_service_model("macie2")
    named = re.findall(r"`([\w.*]+)`", _cells("## Fields of findings"))
    missing = [
        leaf
        for leaf in leaves(model.shape_for("Finding"), "")
        if not any(leaf == name or (name.endswith(".*") and leaf.startswith(name[:-1])) for name in named)
    ]
    assert missing == []
    columns = set(re.findall(r"`(v_\w+\.\w+)`", macie_page.PAGE.read_text("utf-8")))
    rows = world.query("SELECT table_name || '.' || column_name FROM information_schema.columns")
    assert columns - {row[0] for row in rows} == set()


def test_names_that_are_patterns_and_extensions_that_are_none_never_mean_more_or_less() -> None:
    with pytest.raises(Refused, match="no name of a bucket"):
        scope.reach({"bucketDefinitions": [{"accountId": "1", "buckets": ["*"]}]})
    names = {"simpleCriterion": {"key": "S3_BUCKET_NAME", "comparator": "EQ", "values": ["*"]}}
    with pytest.raises(Refused, match="no name of a bucket"):
        scope.reach({"bucketCriteria": {"includes": {"and": [names]}}})
    none = _term("OBJECT_EXTENSION", "EQ", "csv", "")
    assert (_reach(includes={"and": [none]}).include, len(_reach(includes={"and": [none]}).notes)) == ([], 1)
    assert (_reach(excludes={"and": [none]}).exclude, len(_reach(excludes={"and": [none]}).notes)) == ([], 1)
    assert len(_reach(excludes={"and": [_term("OBJECT_KEY", "STARTS_WITH")]}).notes) == 1
