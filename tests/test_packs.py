"""Packs: what a country's holds, what stays out of `all`, and the laws that each rule is tagged with."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from piiscan import catalogue, countries
from piiscan.cli.main import app
from piiscan.errors import CatalogueError
from piiscan.model import Category, Rule

ROOT = Path(__file__).resolve().parent.parent / "classifiers"
RULES = catalogue.load_rules(ROOT)


@lru_cache(maxsize=256)
def chosen(name: str) -> frozenset[str]:
    return frozenset(rule.id for rule in catalogue.select(RULES, [catalogue.load_pack(name, ROOT)]))


IDS = [rule.id for rule in RULES]


@pytest.mark.parametrize("name", countries.names(ROOT))
def test_every_country_is_a_pack(name: str) -> None:
    found, common = catalogue.load_pack(name, ROOT), catalogue.load_pack(countries.COMMON, ROOT)
    own = found.rules[len(common.rules) :]
    assert (found.name, found.rules[: len(common.rules)]) == (name, common.rules)
    assert [glob for glob in own if not any(fnmatchcase(rule, glob) for rule in IDS)] == []
    for rule in IDS:
        if rule.startswith(f"{name}.") or rule == f"iban.{name}":
            assert any(fnmatchcase(rule, glob) for glob in own)


def test_a_country_has_no_rules_of_another() -> None:
    found = {rule.split(".")[0] for rule in chosen("de")}
    assert found == {"de", "eu", "iban", "generic"}
    assert not any(rule.startswith("eu.") for rule in chosen("us"))
    assert "generic.phone_us" in chosen("us") - chosen("de")


def test_the_code_of_the_standard_and_the_usual_one_are_the_same() -> None:
    assert chosen("gb") == chosen("uk")
    assert {"uk.nino", "iban.gb"} <= chosen("gb")


def test_the_union_is_its_members() -> None:
    assert len(countries.MEMBERS) == 27
    assert chosen("eu") == frozenset().union(*(chosen(name) for name in countries.MEMBERS))
    assert not {"uk.nino", "ch.ahv", "no.fnr"} & chosen("eu")


@pytest.mark.parametrize("name", ["xx", "DE", "", "deu", "..", "e*"])
def test_an_unknown_pack_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(CatalogueError, match=r"no pack .*default.*special; by country: ad ae .* us .* za"):
        catalogue.load_pack(name, ROOT)


def test_the_command_lists_a_country() -> None:
    done = CliRunner().invoke(app, ["rules", "list", "--pack", "de"])
    assert done.exit_code == 0, done.output
    assert {"de.steuer_id", "iban.de", "generic.email"} <= {line.split()[0] for line in done.output.splitlines()}


def test_special_categories_are_asked_for() -> None:
    special = {rule.id for rule in RULES if rule.id.startswith("special.")}
    assert chosen("special") == special
    assert len(special) >= 7
    for name in ("default", "all", "gdpr", "hipaa", "macie-recommended", "de", "eu", "us"):
        assert not special & chosen(name)
    assert {rule.id for rule in RULES} - special == chosen("all")


AREA = {*countries.MEMBERS, "eu", "is", "li", "no", "uk"}
"""Folders of rules for people whom the GDPR, or the law of that name in the United Kingdom, protects."""
NO_PERSON = {"generic.bic", "uk.sort_code", "us.aba_routing"}
"""Financial rules for numbers of a bank, not of its customer."""


def wanted(rule: Rule) -> set[str]:
    """The tags of which a rule must have one; empty when it needs none."""
    folder = rule.id.split(".")[0]
    if folder == "special":
        return {"gdpr-art9"}
    if rule.category is Category.CREDENTIALS:
        return {"secrets"}
    if rule.category is Category.PHI:
        return {"gdpr"} if folder in AREA else {"hipaa"} if folder in ("us", "generic") else set()
    if rule.category in (Category.PII, Category.FINANCIAL) and rule.id not in NO_PERSON:
        return {"gdpr"} if folder in AREA | {"generic", "iban"} else {"ccpa"} if folder == "us" else set()
    return set()


def test_each_rule_names_its_law() -> None:
    assert [rule.id for rule in RULES if (tags := wanted(rule)) and not tags & set(rule.tags)] == []


def test_cards_and_stripes_are_cardholder_data() -> None:
    cards = {rule.id for rule in RULES if rule.id.startswith(("generic.credit_card", "generic.card_"))}
    assert cards <= chosen("pci")
    assert all("pci" in rule.tags for rule in RULES if rule.id in cards)
