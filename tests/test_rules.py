from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from piiscan import catalogue, selftest
from piiscan.classify.checksum import KINDS, checker
from piiscan.model import Example, Negative, Rule

ROOT = Path(__file__).resolve().parent.parent
RULES = catalogue.load_rules(ROOT / "classifiers")

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.id}/example-{i}")
    for rule in RULES
    for i, example in enumerate(rule.examples)
]
NEGATIVES = [
    pytest.param(rule, negative, id=f"{rule.id}/negative-{i}")
    for rule in RULES
    for i, negative in enumerate(rule.negatives)
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example(rule: Rule, example: Example) -> None:
    found = selftest.reference_matches(rule, example.text, example.column)
    assert sorted(example.text[start:end] for start, end, _ in found) == sorted(example.find)
    if example.confidence is not None:
        assert all(abs(confidence - example.confidence) <= 0.01 for _, _, confidence in found)


@pytest.mark.parametrize(("rule", "negative"), NEGATIVES)
def test_negative(rule: Rule, negative: Negative) -> None:
    assert not selftest.reference_matches(rule, negative.text, negative.column)
    assert selftest.stopped_at(rule, negative.text, negative.column) == negative.stopped


def test_there_are_enough() -> None:
    assert len(RULES) >= 300
    assert len([rule for rule in RULES if rule.id.startswith("iban.")]) == 111


def test_every_checksum_kind_exists() -> None:
    for rule in RULES:
        if rule.checksum is not None:
            assert rule.checksum.kind in KINDS
            checker(rule.checksum)


def test_check_rule_says_what_is_wrong_without_the_value() -> None:
    rule = next(rule for rule in RULES if rule.id == "es.dni")
    problems = selftest.check_rule(rule, lambda *_: [])
    assert any("example-0" in problem for problem in problems)
    values = [value for example in rule.examples for value in example.find]
    assert not any(value in problem for value in values for problem in problems)


def test_samples_that_look_live_are_known_only_by_digest() -> None:
    counts = {
        rule.id: sum(v.startswith("sha256:") for v in rule.test_values)
        for rule in RULES
        if any(v.startswith("sha256:") for v in rule.test_values)
    }
    assert counts == {"stripe.secret_key": 2, "gcp.api_key": 16}


def test_iban_files_are_as_written_by_the_tool() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "iban_rules.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "classifiers" / "packs").glob("*.toml")))
def test_pack_selects_rules(name: str) -> None:
    pack = catalogue.load_pack(name, ROOT / "classifiers")
    assert catalogue.select(RULES, [pack])


def test_secrets_pack_holds_every_credential_but_cookies() -> None:
    pack = catalogue.load_pack("secrets", ROOT / "classifiers")
    chosen = {rule.id for rule in catalogue.select(RULES, [pack])}
    assert {rule.id for rule in RULES if rule.category == "credentials"} == chosen


DECOYS = {
    "uuid": "id 7f3b2c1d-4e5f-4a6b-8c7d-9e0f1a2b3c4d done",
    "commit": "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
    "sha256": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "order": "Order no. 4020738811, 3 items, 1,234,567.89 total",
    "timestamp": "ts=1700000000123 dur=1700000000 at 2024-01-02T03:04:05.678901Z",
    "part": "Part AB-1234-5678-X9 rev 12345678",
    "isbn": "ISBN 978-3-16-148410-0, EAN 4006381333931",
    "version": "upgrade from 10.2.33.4 to version 10.2.34.1",
    "code": "const id = getUserById(1234567890); // line 123456789",
    "hex": "0x1f8b0800 0xdeadbeef c0ffee1234567890",
    "money": "$536904399 and 1.234.567,89 EUR",
}


@pytest.mark.parametrize("decoy", sorted(DECOYS))
def test_ordinary_numbers_are_no_findings(decoy: str) -> None:
    quiet = ("generic.ipv4", "generic.phone", "generic.phone_us")
    hits = [rule.id for rule in RULES if rule.id not in quiet and selftest.reference_matches(rule, DECOYS[decoy])]
    assert hits == []
