"""Every export for other programs, over a database whose names try to break each of them.

Macie's and Security Hub's lines are checked with the service models of botocore, the others by tables of their schemas.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest

from piiscan.report import BINARY, DETAILED, renderer, rows, sarif
from piiscan.report.context import Context, of_database
from piiscan.report.rows import findings
from piiscan.report.worst import Worst
from piiscan.store.duck import open_for_reading
from tests.report import hostile, tables
from tests.report.shapes import aws, wrong
from tests.support.cli import Cli
from tests.support.trees import ssn

LINES = ("ocsf", "asff", "macie")
"""Formats of one object a line."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile.database(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def export(database: Path) -> Callable[..., Any]:
    """The export of a format: bytes or text; further options are those of the context."""

    @cache
    def made(name: str, run: int | None = None, **options: Any) -> Any:
        with closing(open_for_reading(database, locked_down=True)) as con:
            given = {"version": "1.2.3", "base": "/share", **options}
            # `base` is made real by the command, for a directory that is there.
            context = replace(of_database(con, run, **{**given, "base": ""}), base=given["base"])
            chunks = list(renderer(name)(findings(con, run, more=True), context=context))
        return b"".join(chunks) if name in BINARY else "".join(chunks)

    return made


@pytest.fixture(scope="module")
def found(database: Path) -> list[dict[str, Any]]:
    """The findings themselves."""
    with closing(open_for_reading(database)) as con:
        return list(findings(con, more=True))


def read(text: str) -> list[dict[str, Any]]:
    assert text.endswith("\n")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def real(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [f for f in found if f["more"]["counted"]]


def run_of(text: str) -> dict[str, Any]:
    """The one run of a SARIF log."""
    log = json.loads(text)
    assert list(tables.problems(log, "log", tables.SARIF)) == []
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


# What all of them promise


@pytest.mark.parametrize("name", DETAILED)
def test_the_same_bytes_each_time(export: Callable[..., Any], name: str) -> None:
    first = export(name)
    export.cache_clear()  # type: ignore[attr-defined]
    assert export(name) == first


@pytest.mark.parametrize("name", [n for n in DETAILED if n not in BINARY])
def test_text_is_utf8_and_shows_masked_values(export: Callable[..., Any], name: str) -> None:
    text = export(name)
    assert text.encode("utf-8").decode() == text
    # Evidence that masked forms are there at all, in formats that have a place for them.
    assert ("***-**-**98" in text) == (name in ("sarif", "ocsf", "junit", "gitlab"))


@pytest.mark.parametrize("name", DETAILED)
def test_nothing_found(name: str) -> None:
    chunks = list(renderer(name)([], context=Context()))
    if name in BINARY:
        assert pq.read_table(io.BytesIO(b"".join(chunks))).num_rows == 0
    elif name in LINES:
        assert chunks == []
    elif name == "junit":
        assert ElementTree.fromstring("".join(chunks)).attrib == {
            "name": "piiscan", "tests": "0", "failures": "0", "errors": "0",
        }  # fmt: skip
    elif name == "sarif":
        assert run_of("".join(chunks))["results"] == []
        assert run_of("".join(chunks))["invocations"][0]["executionSuccessful"] is True
    else:
        assert json.loads("".join(chunks))["vulnerabilities"] == []


@pytest.mark.parametrize("name", DETAILED)
def test_one_run(export: Callable[..., Any], name: str) -> None:
    """The second run examined one object and found one thing."""
    whole = export(name, 2)
    counts: dict[str, Callable[[], int]] = {
        "sarif": lambda: len(run_of(whole)["results"]),
        "junit": lambda: len(ElementTree.fromstring(whole).findall(".//failure")),
        "gitlab": lambda: len(json.loads(whole)["vulnerabilities"]),
        "parquet": lambda: pq.read_table(io.BytesIO(whole)).num_rows,
    }
    assert counts.get(name, lambda: len(read(whole)))() == 1


def test_objects_are_read_some_at_a_time(
    database: Path, found: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PLACES", 40)
    with closing(open_for_reading(database)) as con:
        assert list(findings(con, more=True)) == found


# Lines


def test_the_check_of_aws_shapes_finds_mistakes() -> None:
    shape = aws("macie2", "Finding")
    assert wrong({"nothing": 1, "category": "classification", "severity": {"score": "3"}}, shape)
    assert wrong({"Id": " "}, aws("securityhub", "AwsSecurityFinding"))


def test_ocsf(export: Callable[..., Any], found: list[dict[str, Any]]) -> None:
    events = read(export("ocsf"))
    assert [p for e in events for p in tables.problems(e, "data_security_finding", tables.OCSF)] == []
    assert [e["finding_info"]["uid"] for e in events] == [f["finding"] for f in found]
    for event, finding in zip(events, found, strict=True):
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert (event["severity_id"] == 1) == finding["test_data"]
        assert (event["status_id"] == 1) == event["is_alert"] == finding["more"]["counted"]
        assert ("databucket" in event) == finding["source"].startswith("s3:")
        assert 0 <= event["confidence_score"] <= 100
        assert len(event["data_security"]["discovery_details"][0].get("occurrences", ())) <= 15
        assert all(event["data_security"]["discovery_details"][0].get("occurrences", [True]))
    # The object of the second run, and those that were not seen anew.
    assert {e["activity_name"] for e in events} == {"Create"}


def test_security_hub(export: Callable[..., Any], found: list[dict[str, Any]]) -> None:
    shape = aws("securityhub", "AwsSecurityFinding")
    text = export("asff", account="123456789012", region="eu-west-1")
    lines = read(text)
    assert [p for line in lines for p in wrong(line, shape)] == []
    assert max(len(line.encode()) for line in text.splitlines()) < 240_000
    assert len({line["Id"] for line in lines}) == len(lines) == len(found)
    for line, finding in zip(lines, found, strict=True):
        assert line["ProductArn"] == "arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default"
        assert len(line["Id"]) <= 512
        assert len(line["Title"]) <= 256
        assert len(line["Description"]) <= 1_024
        assert all(len(key) <= 128 and len(value) <= 2_048 for key, value in line["ProductFields"].items())
        (resource,) = line["Resources"]
        assert resource["Type"] == ("AwsS3Object" if finding["source"].startswith("s3:") else "Other")
        assert (line["Workflow"]["Status"] == "NEW") == finding["more"]["counted"]
        assert (line["Severity"]["Label"] == "INFORMATIONAL") == finding["test_data"]
    by_id = {line["Resources"][0]["Id"]: line for line in lines}
    assert by_id["arn:aws:s3:::bucket/old.txt"]["Resources"][0]["Details"]["AwsS3Object"]["VersionId"] == "v1"
    assert f"{hostile.POINT.removeprefix('s3://')}/object/plain.txt" in by_id


def test_macie(export: Callable[..., Any], found: list[dict[str, Any]]) -> None:
    shape = aws("macie2", "Finding")
    lines = read(export("macie"))
    assert [p for line in lines for p in wrong(line, shape)] == []
    objects = {(f["source"], f["object"]) for f in real(found)}
    assert len({line["id"] for line in lines}) == len(lines) == len(objects)
    for line in lines:
        result = line["classificationDetails"]["result"]
        every = [d for s in result["sensitiveData"] for d in s["detections"]]
        every += result["customDataIdentifiers"]["detections"]
        places = [p for d in every for kind in d.get("occurrences", {}).values() for p in kind]
        assert len(places) <= 15
        assert all(places)
        assert all(len(p.get("jsonPath", "")) <= 250 for p in places)
        assert line["severity"]["score"] in (1, 2, 3)
    names = {line["resourcesAffected"]["s3Object"]["path"]: line for line in lines}
    mixed = names["bucket/all categories.bin"]
    assert mixed["type"] == "SensitiveData:S3Object/Multiple"
    result = mixed["classificationDetails"]["result"]
    assert [s["category"] for s in result["sensitiveData"]] == [
        "CREDENTIALS", "FINANCIAL_INFORMATION", "PERSONAL_INFORMATION",
    ]  # fmt: skip
    assert {d["name"] for d in result["customDataIdentifiers"]["detections"]} == {"business.rule", "custom.rule"}
    many = names["bucket/many.csv"]["classificationDetails"]["result"]
    assert many["additionalOccurrences"] is True
    assert many["sensitiveData"][0]["totalCount"] == 5_000
    assert len(many["sensitiveData"][0]["detections"][0]["occurrences"]["cells"]) == 15
    partial = names["bucket/partial\n]]>.pdf"]["classificationDetails"]["result"]["status"]
    assert partial == {"code": "PARTIAL", "reason": "MALFORMED_FILE"}
    assert names["bucket/old.txt"]["resourcesAffected"]["s3Object"]["versionId"] == "v1"
    # All shapes of places in one object: a member's lines, a slide and a byte are in none.
    every = names["bucket/places.bin"]["classificationDetails"]["result"]["sensitiveData"][0]["detections"]
    assert {kind: len(places) for kind, places in every[0]["occurrences"].items()} == {
        "cells": 3, "lineRanges": 3, "pages": 1, "records": 3,
    }  # fmt: skip


# One document


def test_sarif(export: Callable[..., Any], found: list[dict[str, Any]]) -> None:
    run = run_of(export("sarif"))
    results = run["results"]
    assert [r["partialFingerprints"]["piiscanFinding/v1"] for r in results] == [f["finding"] for f in real(found)]
    assert run["properties"]["testDataFindingsLeftOut"] == len([f for f in found if f["test_data"]]) == 4
    assert run["properties"]["suppressedFindingsLeftOut"] == len(found) - len(real(found)) - 4 == 2
    rules = run["tool"]["driver"]["rules"]
    assert [r["id"] for r in rules] == sorted({f["rule"] for f in real(found)})
    assert all(len(r["properties"]["tags"]) <= 10 and "security" in r["properties"]["tags"] for r in rules)
    worst = {r["id"]: r["properties"]["security-severity"] for r in rules}
    assert (worst["us.npi"], worst["xx.token"]) == ("9.5", "2.0")
    for result, finding in zip(results, real(found), strict=True):
        assert result["level"] == {"low": "note", "medium": "warning"}.get(finding["severity"], "error")
        assert 1 <= len(result["locations"]) <= 10
        assert "](" not in result["message"]["text"]
        for location, occurrence in zip(result["locations"], finding["occurrences"], strict=False):
            place = occurrence["place"]
            region = location["physicalLocation"].get("region")
            assert (region is not None) == ("line" in place and "member" not in place)


def test_sarif_uris_are_relative_for_trees_and_whole_for_buckets(export: Callable[..., Any]) -> None:
    run = run_of(export("sarif"))
    assert run["originalUriBaseIds"] == {
        "%SRCROOT%": {"uri": "file:///share/"},
        "SOURCE1": {"uri": "file:///other%20tree/"},
        "SOURCE2": {"uri": "file:///quiet/"},
    }
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"] for r in run["results"]]
    ours = {p["uri"] for p in places if p.get("uriBaseId") == "%SRCROOT%"}
    assert {"plain.txt", "line%0Abreak%0D%09tab.txt", "a%3Ab/..//c/./d%20%3Fx%3D1%23y%3Bz"} <= ours
    assert r"bytes%FF%5Cx.txt" in ours
    assert all(p["uri"].startswith("s3://") for p in places if "uriBaseId" not in p)
    assert "s3://bucket/many.csv" in {p["uri"] for p in places}


def test_sarif_says_what_was_not_read(export: Callable[..., Any]) -> None:
    (invocation,) = run_of(export("sarif"))["invocations"]
    assert invocation["executionSuccessful"] is False
    said = invocation["toolExecutionNotifications"]
    assert len(said) == 8
    assert {(n["level"], n["descriptor"]["id"]) for n in said} == {
        ("error", "READ_FAILED"),
        ("warning", "MALFORMED_FILE"),
    }


@pytest.mark.parametrize(("name", "most"), [("sarif", 7), ("gitlab", 7)])
def test_a_cap_keeps_the_worst_and_says_so(
    export: Callable[..., Any], found: list[dict[str, Any]], name: str, most: int
) -> None:
    told: list[str] = []
    text = export(name, limit=most, warn=told.append)
    order = {"low": 1, "medium": 2, "high": 3, "critical": 4}
    best = sorted(real(found), key=lambda f: (-order[f["severity"]], -f["confidence"]))[:most]
    if name == "sarif":
        run = run_of(text)
        kept = [r["partialFingerprints"]["piiscanFinding/v1"] for r in run["results"]]
        said = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
        assert {r["id"] for r in run["tool"]["driver"]["rules"]} == {r["ruleId"] for r in run["results"]}
    else:
        report = json.loads(text)
        kept = [uuid.UUID(v["id"]).hex for v in report["vulnerabilities"]]
        said = report["scan"]["messages"][0]["value"]
    assert set(kept) == {f["finding"] for f in best}
    # In the order of the stream, as without a cap.
    assert kept == [f["finding"] for f in found if f["finding"] in set(kept)]
    left = len(real(found)) - most
    assert told == [said]
    assert said.startswith(f"{left} of {len(real(found))} findings are left out (")


def one(number: int, severity: str, confidence: float = 0.9) -> dict[str, Any]:
    return {"severity": severity, "confidence": confidence, "number": number}


def test_the_worst_are_kept_whatever_the_order() -> None:
    given = [one(n, ("low", "medium", "high", "critical")[n * 7 % 4], (n * 13 % 10) / 10) for n in range(200)]
    for stream in (given, given[::-1]):
        worst = Worst(10, 10_000)
        for finding in stream:
            worst.add(finding, lambda: str(finding["number"]))  # noqa: B023
        assert len(worst.in_order()) == 10
        assert all(kept.severity == 4 for kept in worst.in_order())
        assert worst.dropped.total() == 190
        assert worst.dropped["critical"] == 40
        numbers = [int(kept.text) for kept in worst.in_order()]
        assert numbers == sorted(numbers, reverse=stream is not given)


def test_bytes_are_capped_as_well() -> None:
    worst = Worst(1_000, 100)
    for number in range(50):
        worst.add(one(number, "high" if number % 2 else "low"), lambda: "é" * 10)
    assert [kept.severity for kept in worst.in_order()] == [3] * 5
    assert worst.cut("too many") == (
        "45 of 50 findings are left out (20 high, 25 low): too many; kept are the worst by severity, then by confidence"
    )


def test_a_packed_sarif_file_stays_below_the_cap(monkeypatch: pytest.MonkeyPatch, found: list[dict[str, Any]]) -> None:
    monkeypatch.setattr(sarif, "PACKED", 400_000)
    digests = (hashlib.sha256(str(n).encode()).hexdigest() for n in range(4_000))
    many = ({**found[0], "finding": digest[:32], "object": digest} for digest in digests)
    text = "".join(sarif.render(many, context=Context()))
    run = run_of(text)
    assert 100 < len(run["results"]) < 4_000
    assert 100_000 < len(gzip.compress(text.encode())) < 400_000
    assert run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"]["id"] == "RESULTS_LEFT_OUT"


def test_gitlab(export: Callable[..., Any], found: list[dict[str, Any]]) -> None:
    report = json.loads(export("gitlab"))
    assert list(tables.problems(report, "report", tables.GITLAB)) == []
    assert [uuid.UUID(v["id"]).hex for v in report["vulnerabilities"]] == [f["finding"] for f in real(found)]
    moment = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
    assert moment.fullmatch(report["scan"]["start_time"])
    assert moment.fullmatch(report["scan"]["end_time"])
    assert [m["value"] for m in report["scan"]["messages"]] == ["8 objects were not read whole; see piiscan coverage"]
    for vulnerability in report["vulnerabilities"]:
        assert len(vulnerability["name"]) <= 255
        assert len(vulnerability["description"]) <= 1_048_576
        assert not vulnerability["location"]["file"].startswith("/")
        assert vulnerability["identifiers"][0]["type"] == "piiscan_rule_id"
        # A description is Markdown: what a stranger named stands in code.
        for line in vulnerability["description"].splitlines()[1:]:
            assert re.fullmatch(r"- (`[^`]+`: `[^`]+`|and [\d,]+ more)", line)


def test_junit(export: Callable[..., Any], found: list[dict[str, Any]]) -> None:
    root = ElementTree.fromstring(export("junit"))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == sorted(
        [hostile.FOLDER, hostile.OTHER, hostile.BUCKET, hostile.POINT, "file:///quiet"]
    )  # fmt: skip
    for suite in (root, *suites.values()):
        cases = suite.findall(".//testcase")
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == len(suite.findall(".//failure"))
        assert int(suite.get("errors", "")) == len(suite.findall(".//error"))
        assert all(len(case) <= 1 and case.get("classname") and case.get("name") for case in cases)
    assert len(root.findall(".//failure")) == len(real(found))
    assert len(root.findall(".//error")) == 8
    assert [case.get("name") for case in suites["file:///quiet"]] == ["no findings"]
    files = [case.get("file", "") for case in suites[hostile.BUCKET]]
    assert all(file.startswith("bucket/") for file in files)
    # Control characters are shown, not written.
    assert any("\\x1b[31m red \\x07" in (case.get("classname") or "") for case in suites[hostile.FOLDER])


def test_parquet(export: Callable[..., Any], found: list[dict[str, Any]]) -> None:
    table = pq.read_table(io.BytesIO(export("parquet")))
    assert table.column("finding").to_pylist() == [f["finding"] for f in found]
    for name in ("object", "source", "rule", "severity", "count", "distinct", "test_data"):
        assert table.column(name).to_pylist() == [f[name] for f in found]
    assert table.column("tags").to_pylist() == [f["more"]["tags"] for f in found]
    seen = table.column("first_seen").to_pylist()
    assert all(moment.tzinfo is not None for moment in seen)


def test_parquet_is_written_group_by_group(found: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    from piiscan.report import parquet

    monkeypatch.setattr(parquet, "ROWS", 10)
    taken = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for finding in found:
            taken += 1
            yield finding

    chunks = parquet.render(counted(), context=Context())
    assert next(chunks).startswith(b"PAR1")
    assert taken == 10


# Of a real scan


@pytest.fixture(scope="module")
def scanned(cli: Cli) -> Path:
    """Values in text, in a table and in a container."""
    tree = cli.root / "tree"
    tree.mkdir()
    (tree / "note.txt").write_text("".join(f"SSN: {ssn(n)}\n" for n in range(1, 4)))
    (tree / "staff.csv").write_text("id,ssn\n" + "".join(f"{n},{ssn(n)}\n" for n in range(1, 4)))
    (tree / "rows.jsonl").write_text("".join(json.dumps({"user": {"ssn": ssn(n)}}) + "\n" for n in range(1, 4)))
    with zipfile.ZipFile(tree / "all.zip", "w") as packed:
        packed.write(tree / "note.txt", "note.txt")
    cli.scan("tree", "--db", "scanned.duckdb")
    return cli.root / "scanned.duckdb"


@pytest.mark.parametrize("name", DETAILED)
def test_no_value_in_clear(scanned: Path, name: str) -> None:
    with closing(open_for_reading(scanned)) as con:
        context = of_database(con, None, version="1.2.3")
        chunks = list(renderer(name)(findings(con, more=True), context=context))
    text = str(pq.read_table(io.BytesIO(b"".join(chunks))).to_pylist()) if name in BINARY else "".join(chunks)
    assert "us.ssn" in text or "USA_SOCIAL_SECURITY_NUMBER" in text
    for number in range(1, 4):
        assert ssn(number) not in text
        assert ssn(number).replace("-", "") not in text
    if name == "sarif":
        places = {
            r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: r["locations"]
            for r in run_of(text)["results"]
        }
        assert [p["physicalLocation"]["region"] for p in places["note.txt"]] == [
            {"startLine": n, "startColumn": 6} for n in (1, 2, 3)
        ]
        assert not any("region" in p["physicalLocation"] for p in places["all.zip"])


# The command


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Cli:
    return Cli(tmp_path_factory.mktemp("exports-cli") / "work", cache)


def test_parquet_needs_a_file(cli: Cli, database: Path) -> None:
    done = cli.run("report", "--db", database, "--format", "parquet")
    assert (done.code, done.said) == (2, "piiscan: --format parquet: is not text; name a file with -o FILE\n")
    cli.good("export", "--db", database, "--format", "parquet", "-o", "out.parquet")
    assert (cli.root / "out.parquet").stat().st_mode & 0o777 == 0o600
    assert pq.read_table(cli.root / "out.parquet").num_rows > 90


def test_the_command_gives_what_the_format_gives(cli: Cli, database: Path, export: Callable[..., Any]) -> None:
    done = cli.good(
        "report", "--db", database, "--format", "asff", "--account", "123456789012", "--region", "eu-west-1"
    )
    assert [line["Id"] for line in done.lines()] == [line["Id"] for line in read(export("asff"))]
    assert {line["AwsAccountId"] for line in done.lines()} == {"123456789012"}
    capped = cli.good("report", "--db", database, "--format", "sarif", "--max-results", "3", "--base", cli.root)
    assert len(run_of(capped.text)["results"]) == 3
    assert re.fullmatch(r"piiscan: \d+ of \d+ findings are left out \(.*\n", capped.said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--account", "12"), "--account: '12' is not an AWS account: twelve digits"),
        (("--region", "eu west"), "--region: 'eu west' is no AWS region"),
        (("--max-results", "0"), "--max-results: one at least"),
        (("--base", "nowhere"), "--base: nowhere: no such directory"),
    ],
)
def test_wrong_options_are_refused(cli: Cli, database: Path, options: tuple[str, str], said: str) -> None:
    done = cli.run("report", "--db", database, "--format", "sarif", *options)
    assert (done.code, done.said) == (2, f"piiscan: {said}\n")
