"""Edges of names: what belongs to one, what stands beside it, and what has only its shape."""

from __future__ import annotations

import pytest

from piiscan.ner.persons import DOUBTFUL, FULL, LONE, tidied, worth

EDGES = [
    ("Dear [Mr. John Smith],", ["John Smith"]),
    ("[Dr. Anna Weber's] report", ["Anna Weber"]),
    ("[Ruud] van [Dijk] wrote", ["Ruud van Dijk"]),
    ("[Maria] de la [Cruz] wrote", ["Maria de la Cruz"]),
    ("[Ludwig] van Beethoven wrote", ["Ludwig van Beethoven"]),
    ("[Robert Downey], Jr. came", ["Robert Downey, Jr."]),
    ("[Henry Wotton III] came", ["Henry Wotton III"]),
    ("[John] R. R. [Tolkien] wrote", ["John R. R. Tolkien"]),
    ("[Jesus, Joseph] and [Mary]", ["Jesus", "Joseph", "Mary"]),
    ("the window closed [yesterday. Wenger] said", ["yesterday", "Wenger"]),
    ("[Tom Parker - Fireflies]", ["Tom Parker", "Fireflies"]),
    ("[John Smith\nMary Jones]", ["John Smith", "Mary Jones"]),
    ("(see [Anna Weber])", ["Anna Weber"]),
    ("[O'Brien] and [D'Angelo]", ["O'Brien", "D'Angelo"]),
    ("[St. John] spoke", ["St. John"]),
    ("[.]", []),
]


@pytest.mark.parametrize(("text", "names"), EDGES, ids=range(len(EDGES)))
def test_edges(text: str, names: list[str]) -> None:
    parts = text.replace("]", "[").split("[")
    plain, spans = "", []
    for number, part in enumerate(parts):
        if number % 2:
            spans.append((len(plain), len(plain) + len(part), "PERSON"))
        plain += part
    assert [plain[start:end] for start, end, _ in tidied(plain, spans)] == names


def test_other_labels_stay_as_they_are() -> None:
    text = "Mr. Smith of Acme. Inc"
    assert tidied(text, [(13, 22, "ORGANIZATION")]) == [(13, 22, "ORGANIZATION")]


WORTH = [
    ("We met [Ada Lovelace] there.", FULL),
    ("We met [Ada] there.", LONE),
    ("Name: [JOHN SMITH], adult", FULL),
    ("[JOHN SMITH]\n", LONE),
    ("Copyright 2019 [Ada Lovelace]", LONE),
    ("mail [ada.lovelace@example.org]", DOUBTFUL),
    ("path /home/[Ada Lovelace]/x", DOUBTFUL),
    ("on [Monday March]", DOUBTFUL),
    ("the [Smith Holdings Ltd]", DOUBTFUL),
    ("[Vincent van Gogh] painted", FULL),
    ("[李小龙 李] painted", FULL),
]


@pytest.mark.parametrize(("text", "expected"), WORTH, ids=range(len(WORTH)))
def test_confidence(text: str, expected: float) -> None:
    before, name, after = text.replace("]", "[").split("[")
    assert worth(before + name + after, len(before), len(before) + len(name)) == expected
