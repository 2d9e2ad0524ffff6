"""Full names in logs, code and fields, at the default threshold; and what looks like one there and is none."""

from __future__ import annotations

import pytest

from piiscan.classify.ner import NameRecognizer
from piiscan.model import TextSegment

NAMED = [
    (
        "2026-03-14 10:12:18,345 INFO  [main] com.acme.UserService - User Margaret Whitfield logged in",
        "Margaret Whitfield",
    ),
    ('level=info msg="password reset requested" user="Rashid Nazari" id=17', "Rashid Nazari"),
    ("DEBUG updating record id=12 fullName=Elena Petrova status=ACTIVE", "Elena Petrova"),
    ('{"ts":"2026-03-01","event":"signup","name":"Thomas Oberhauser","plan":"pro"}', "Thomas Oberhauser"),
    ('customer_name = "Lucia Fernandez"', "Lucia Fernandez"),
    ('logger.info("mail sent to Hannah Brooks about ticket 8812")', "Hannah Brooks"),
    ("INSERT INTO people VALUES (17, 'Michael Thornton', 'active');", "Michael Thornton"),
    ("# ask Samuel Okafor before changing this value", "Samuel Okafor"),
    ("<user id='17'><name>Ingrid Johansson</name></user>", "Ingrid Johansson"),
    ("ERROR PaymentService - card of José García was declined, code=51", "José García"),
]
NOBODY = [
    "public static final Logger LOGGER = LoggerFactory.getLogger(Main.class);",
    "StringView Proto; DebugLoc DbgLoc; SMLoc NameLoc;",
    "2026-03-14 ERROR Connection Refused: Access Denied for Resource Manager",
    "from functions import (Max, Min, sqrt)",
    "Mo Tu We Th Fr Sa Su",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0 Safari/537.36",
    "Sun Jan 10 12:00:00 Mon Feb 11 12:00:00",
    '"Content-Type": "Application Json", "Accept": "Text Html"',
    "#define MAX_SIZE 10\nTHE SOFTWARE IS PROVIDED AS IS, JOHN SMITH INC",
]
CREDITED = [
    "# Author: Margaret Whitfield",
    " * Copyright (c) 2019 Rashid Nazari",
    ".. [1] Elena Petrova, Graphs and Trees, 1998",
    "__author__ = 'Thomas Oberhauser'",
]


def names(text: str) -> dict[str, float]:
    session = NameRecognizer(1_000_000).session()
    return {text[s:e]: sure for rule, s, e, sure in session(TextSegment(text, prose=False)) if rule == 0}


@pytest.mark.parametrize(("line", "name"), NAMED, ids=range(len(NAMED)))
def test_a_name_in_a_line_is_reported(line: str, name: str) -> None:
    assert names(f"first line\n{line}\nlast line\n").get(name, 0.0) >= 0.5


@pytest.mark.parametrize("line", NOBODY, ids=range(len(NOBODY)))
def test_what_is_no_name_is_not_reported(line: str) -> None:
    assert names(f"first line\n{line}\nlast line\n") == {}


@pytest.mark.parametrize("line", CREDITED, ids=range(len(CREDITED)))
def test_authors_and_cited_names_stay_below_the_threshold(line: str) -> None:
    found = names(f"first line\n{line}\nlast line\n")
    assert all(sure < 0.5 for sure in found.values())


def test_places_are_right_behind_characters_of_more_than_one_byte() -> None:
    text = "ääöö ✓ 日本\n" * 50 + 'user="Rashid Nazari"\n'
    session = NameRecognizer(1_000_000).session()
    assert [text[s:e] for _, s, e, _ in session(TextSegment(text, prose=False))] == ["Rashid Nazari"]


def test_only_the_core_of_a_window_counts() -> None:
    line = 'user="Rashid Nazari"\n'
    segment = TextSegment(line * 3, core=(len(line), 2 * len(line)), prose=False)
    found = NameRecognizer(1_000_000).session()(segment)
    assert [(line * 3)[s:e] for _, s, e, _ in found] == ["Rashid Nazari"]
    assert len(line) <= found[0][1] < 2 * len(line)


def test_one_line_of_a_megabyte_is_read_in_windows() -> None:
    text = '{"name":"Margaret Whitfield","n":1},' * 30_000
    session = NameRecognizer(100_000).session()
    found = session(TextSegment(text, prose=False))
    assert len(found) > 100
    assert {text[s:e] for _, s, e, _ in found} == {"Margaret Whitfield"}
    assert session.examined < 1_000_000


def test_without_hyperscan_the_same_names_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(line for line, _ in NAMED)
    expected = names(text)
    monkeypatch.setenv("PIISCAN_NO_HYPERSCAN", "1")
    assert names(text) == expected
