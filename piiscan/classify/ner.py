"""Names, places, organisations and addresses by a model, on prose only and within an allowance per object.

A statistical model is never certain: its matches start at a confidence below the checked identifiers', and only a full
name (two words or more, as Macie's NAME wants it) passes the default threshold. Places, organisations and addresses are
there for whoever lowers it. The model is ours (`piiscan.ner`), or a spaCy pipeline where `ner.model` names one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from piiscan.catalogue import default_folder
from piiscan.errors import ConfigError
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
from piiscan.ner.shipped import NAME, card, network

SPACY = "spacy:"
"""Begins the name of a spaCy pipeline."""

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
        summary="Found by the model that reads names, not by a pattern.",
    )


RULES: tuple[Rule, ...] = (
    _rule("person", "Full name of a person", "NAME", _STEPS, 0.6),
    _rule("location", "Place", None, ((1, Severity.LOW),), 0.4),
    _rule("organization", "Organisation", None, ((1, Severity.LOW),), 0.4),
    _rule("address", "Street address", None, ((1, Severity.LOW), (100, Severity.MEDIUM)), 0.45),
)
_INDEX = {"PERSON": 0, "LOCATION": 1, "ORGANIZATION": 2, "ADDRESS": 3}
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){1,4}")
_LETTERS = re.compile(r"[^\W\d_]")


Spans = list[tuple[int, int, str]]
"""(start, end, label) of names in one text."""
Predict = Callable[[list[str]], list[Spans]]


def predict(texts: list[str]) -> list[Spans]:
    """For each text the spans of names: (start, end, label), labels PERSON, LOCATION, ORGANIZATION, ADDRESS.

    By our own model. Raises: ConfigError when its file is missing or damaged.
    """
    found = network(default_folder() / "models" / NAME).spans(texts)
    return [[span for span in spans if span[2] in _INDEX] for spans in found]


def predictor(model: str = "") -> Predict:
    """What finds names: our model, or the spaCy pipeline of a name `spacy:PACKAGE`. Raises: ConfigError."""
    if not model or model == NAME:
        predict([])
        return predict
    if not model.startswith(SPACY):
        raise ConfigError(f"ner.model: {model!r} is neither {NAME} nor {SPACY}PACKAGE")
    from piiscan.integrations import spacy

    return spacy.predictor(model.removeprefix(SPACY))


def identity(model: str = "") -> str:
    """What tells a model from another one: the digest of ours, the name of a pipeline. Raises: ConfigError."""
    return card(default_folder() / "models" / NAME)["sha256"] if not model or model == NAME else model


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

    def __init__(self, max_bytes: int, model: str = "") -> None:
        """`model` as `predictor` takes it. Raises: ConfigError."""
        self._max_bytes = max_bytes
        self._predict = predictor(model)

    def session(self) -> NameSession:
        """A recogniser for one object."""
        return NameSession(self._max_bytes, self._predict)


class NameSession:
    """Names in one object, with an allowance of characters.

    Each segment may use half of what is left, in two pieces from its start and its middle: a long object is read in
    ever smaller samples spread over it, a short one whole.
    """

    def __init__(self, allowance: int, predict: Predict = predict) -> None:
        self._left = allowance
        self._predict = predict
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
                found += [(r, start + s, start + e, c) for r, s, e, c in _judge(text, self._predict([text])[0])]
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
