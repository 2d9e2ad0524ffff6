"""The shipped model on sentences of our own, and that what makes it fast changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from piiscan.catalogue import default_folder
from piiscan.classify.ner import predict
from piiscan.ner.network import Network
from piiscan.ner.shipped import CARD, NAME, network
from piiscan.ner.weights import read

FOLDER = default_folder() / "models" / NAME

SENTENCES = [
    ("Margaret Whitfield moved to Leeds in the spring.", {("Margaret Whitfield", "PERSON"), ("Leeds", "LOCATION")}),
    ("Please ask Rashid Nazari about the parcel.", {("Rashid Nazari", "PERSON")}),
    ("The letter from Jürgen Hoffmann came on Friday.", {("Jürgen Hoffmann", "PERSON")}),
    ("Dear Ms. Okafor,\nyour order has been sent.", {("Okafor", "PERSON")}),
    ("Ship to: Elena Petrova\n14 Maple Street, Springfield 62704\n", {("Elena Petrova", "PERSON")}),
    ("We met in Berlin and drove on to Prague.", {("Berlin", "LOCATION"), ("Prague", "LOCATION")}),
]


@pytest.mark.parametrize(("text", "names"), SENTENCES, ids=range(len(SENTENCES)))
def test_names_are_found_where_they_stand(text: str, names: set[tuple[str, str]]) -> None:
    found = {(text[start:end], label) for start, end, label in predict([text])[0]}
    assert names <= found


def test_texts_without_names_give_none() -> None:
    texts = [
        "",
        "\n\n  \t",
        "for i in range(10):\n    total += prices[i] * rates[i]\n",
        "the parcel was handed to the neighbour on the second floor.",
        "2024-01-05 10:11:12 WARN connection reset by peer, retry 3",
    ]
    assert [[span for span in spans if span[2] == "PERSON"] for spans in predict(texts)] == [[]] * len(texts)


def test_a_text_alone_and_among_others_is_read_alike() -> None:
    texts = [text for text, _ in SENTENCES] * 40
    together = predict(texts)
    assert together == [predict([text])[0] for text in texts]


def test_a_long_text_is_read_in_pieces_without_losing_a_name() -> None:
    block = "\n".join(text for text, _ in SENTENCES)
    long = "\n\n".join([block] * 900)
    assert len(long) > 200_000
    once, all_ = predict([block])[0], predict([long])[0]
    shifted = [(n * (len(block) + 2) + s, n * (len(block) + 2) + e, label) for n in range(900) for s, e, label in once]
    missing = set(shifted) - set(all_)
    assert len(missing) <= 2, missing  # a name at an edge between two pieces has its neighbours on one side only


def test_what_the_gate_leaves_out_changes_no_name() -> None:
    gated, whole = Network(*read(FOLDER / "weights.safetensors")), Network(*read(FOLDER / "weights.safetensors"))
    quiet = "and then it was quiet for a long while, as it had been the year before."
    text = " ".join(f"{text} {quiet}" for text, _ in SENTENCES)
    expected = gated.spans([text])
    assert 0 < gated.read < gated.seen
    whole._gated = lambda words: np.arange(len(words))  # type: ignore[method-assign]
    assert whole.spans([text]) == expected


def test_words_are_forgotten_and_learned_again() -> None:
    model = Network(*read(FOLDER / "weights.safetensors"))
    many = " ".join(f"word{n}x" for n in range(9_000))
    before = model.spans([SENTENCES[0][0]])
    for _ in range(3):
        model.spans([many.replace("word", f"w{_}") + " " + many.replace("x", f"y{_}")])
    assert model.spans([SENTENCES[0][0]]) == before


def test_the_card_says_what_the_model_is() -> None:
    import tomllib

    card = tomllib.loads((FOLDER / CARD).read_text(encoding="utf-8"))
    assert card["labels"] == ["PERSON", "LOCATION", "ORGANIZATION", "ADDRESS"]
    assert network(FOLDER) is network(FOLDER)
    size = (FOLDER / card["file"]).stat().st_size
    assert size < 12 << 20
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    for source in card["data"]:
        if "CC BY" in source:
            assert source.split(",")[0].split(" (")[0].removeprefix("cities and countries of ") in notice


def test_a_scan_imports_neither_spacy_nor_presidio(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text(SENTENCES[0][0] * 3)
    program = (
        "import sys, json\n"
        "from piiscan.cli.main import run\n"
        "sys.argv = ['piiscan', 'check', sys.argv[1], '--threshold', '0.3']\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "letter.txt")], capture_output=True, text=True, check=True
    )
    *found, modules = done.stdout.splitlines()
    rules: list[Any] = [json.loads(line)["rule"] for line in found]
    assert "ner.person" in rules
    assert not {"spacy", "presidio_analyzer", "torch", "thinc"} & set(json.loads(modules))
