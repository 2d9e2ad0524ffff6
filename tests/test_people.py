"""Which kinds of data make a combination: what tells of nobody by itself is no number of a person."""

from __future__ import annotations

import pytest

from piiscan.model import Category
from piiscan.people import Kind, kind_of


@pytest.mark.parametrize("rule", ["ner.location", "ner.organization", "special.religion", "de.bsnr", "generic.ipv4"])
def test_what_tells_of_nobody(rule: str) -> None:
    assert kind_of(rule, Category.PII) is None


@pytest.mark.parametrize(
    ("rule", "category", "kind"),
    [
        ("us.ssn", Category.PII, Kind.IDENTIFIER),
        ("ner.person", Category.PII, Kind.NAME),
        ("generic.date_of_birth", Category.PII, Kind.BIRTH),
        ("fr.phone", Category.PII, Kind.PHONE),
        ("iban.de", Category.FINANCIAL, Kind.PAYMENT),
        ("keys.pgp", Category.CREDENTIALS, None),
    ],
)
def test_what_tells_of_somebody(rule: str, category: Category, kind: Kind | None) -> None:
    assert kind_of(rule, category) is kind
