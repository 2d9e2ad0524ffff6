"""Labelled texts: JSON lines of `text` and `spans` ([start, end, label]), gzipped, one file a source."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from piiscan.ner.words import GAP, LINE, WORD, plain

LABELS = ("PERSON", "LOCATION", "ORGANIZATION", "OTHER", "ADDRESS")
TAGS = ("O", *(f"{mark}-{label}" for label in LABELS for mark in "BI"))

UNCLEAR = frozenset({"gmb", "gum_ccbysa", "uner_ewt_devset"})
"""Sources whose labels state no licence (gmb) or a share-alike one: they never reach the model that ships."""
NO_OTHER = frozenset({"litbank", "gum_ccby"})
"""Sources that do not label OTHER: there it counts as much as no label."""
SHARE = {"usaddress": 0.5, "gmb_texts_by_en_core_web_md": 0.45}
"""The part of a source that an epoch takes."""
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """A run of words with a tag for each."""

    words: tuple[str, ...]
    tags: tuple[int, ...]
    other: bool = True
    """Whether the source labels OTHER."""
    source: str = ""


def begin(label: str) -> int:
    """The tag of a label's first word; that of the following words is one more."""
    return 1 + 2 * LABELS.index(label)


def tagged(text: str, spans: Sequence[Sequence[object]]) -> tuple[list[str], list[int]]:
    """The words of a text without dropped blanks, and their tags."""
    words: list[str] = []
    tags: list[int] = []
    at = 0
    ordered = sorted((int(str(s)), int(str(e)), str(label)) for s, e, label in spans if label in LABELS)
    for found in WORD.finditer(text):
        word = plain(found[0])
        if not word:
            continue
        while at < len(ordered) and ordered[at][1] <= found.start():
            at += 1
        tag = 0
        if at < len(ordered) and ordered[at][0] < found.end():
            start, _, label = ordered[at]
            tag = begin(label) + (start < found.start())
        if word in (LINE, GAP) and tag % 2:
            tag = 0
        words.append(word)
        tags.append(tag)
    return words, tags


def read(path: Path) -> Iterator[tuple[str, list[list[object]]]]:
    """(text, spans) of each line of one file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["text"], row["spans"]


def sources(folder: Path) -> dict[str, Path]:
    """The files of a folder by the name of their source."""
    return {path.name.removesuffix(".jsonl.gz"): path for path in sorted(folder.glob("*.jsonl.gz"))}


def samples(folder: Path) -> list[Sample]:
    """All training text whose labels are clean: `train/` without the unclear sources, and `silver/`."""
    found = {**sources(folder / "train"), **sources(folder / "silver")}
    out = []
    for name, path in found.items():
        if name in UNCLEAR:
            continue
        for text, spans in read(path):
            words, tags = tagged(text, spans)
            for cut in range(0, len(words), _LONGEST):
                part = slice(cut, cut + _LONGEST)
                out.append(Sample(tuple(words[part]), tuple(tags[part]), name not in NO_OTHER, name))
    return out
