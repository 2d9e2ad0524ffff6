"""Names, places, organisations and addresses by a model, within an allowance per object.

Prose is read whole, of code and logs the lines in which a name may stand (`lines.py`), columns by one verdict for all
their cells (`field_columns.py`). A statistical model is never certain: its matches start at a confidence below the
checked identifiers', and only a full name (two words or more, as Macie's NAME wants it) passes the default threshold.
Places, organisations and addresses are there for whoever lowers it. The model is ours (`piiscan.ner`), or a spaCy
pipeline where `ner.model` names one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from piiscan.catalogue import default_folder
from piiscan.classify.addresses import joined
from piiscan.classify.field_columns import NAME as FIELDS
from piiscan.classify.field_columns import FieldColumns, kinds, long_cells
from piiscan.classify.fields import Field, Verdict
from piiscan.classify.lines import NamesInLines
from piiscan.errors import ConfigError
from piiscan.model import (
    Category,
    ColumnSegment,
    ConfidenceSpec,
    MaskSpec,
    MatchBatch,
    MatchSpec,
    Rule,
    RuleId,
    Severity,
    TextSegment,
)
from piiscan.ner.persons import tidied, worth
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
    _rule("address", "Street address", "ADDRESS", ((1, Severity.LOW), (100, Severity.MEDIUM)), 0.45),
)
_NAMES = ("first", "first_elsewhere", "last", "last_elsewhere")
_WORDS = ("common", "calendar", "organization")
"""Lists of the model: of names, and of words that name nobody."""
_INDEX = {"PERSON": 0, "LOCATION": 1, "ORGANIZATION": 2, "ADDRESS": 3}
_LETTERS = re.compile(r"[^\W\d_]")
_OF_FIELD = {
    Field.FIRST_NAME: 0, Field.LAST_NAME: 0, Field.FULL_NAME: 0, Field.CITY: 1, Field.COUNTRY: 1, Field.COMPANY: 2,
    Field.STREET: 3,
}  # fmt: skip
"""The rule of the cells of a column."""
HEARD = 3
"""Columns of an object, by rule, whose verdicts are explained."""
SHORTEST = 20
"""Characters of a text that may be prose."""


Spans = list[tuple[int, int, str]]
"""(start, end, label) of names in one text."""
Predict = Callable[[Sequence[str], float], list[Spans]]
"""The spans of texts; the number is what a label must be better by, in units of the model's scores (0: at par)."""


def predict(texts: list[str]) -> list[Spans]:
    """For each text the spans of names: (start, end, label), labels PERSON, LOCATION, ORGANIZATION, ADDRESS.

    By our own model; addresses are joined from their parts. Raises: ConfigError when a file is missing or damaged.
    """
    return [[(start, end, label) for start, end, label, _ in spans] for spans in joined(texts, _predict(texts, 0.0))]


def _predict(texts: Sequence[str], handicap: float) -> list[Spans]:
    found = network(default_folder() / "models" / NAME).spans(texts, handicap)
    return [
        tidied(text, [span for span in spans if span[2] in _INDEX]) for text, spans in zip(texts, found, strict=True)
    ]


def predictor(model: str = "") -> Predict:
    """What finds names: our model, or the spaCy pipeline of a name `spacy:PACKAGE`. Raises: ConfigError."""
    if not model or model == NAME:
        _predict([], 0.0)
        return _predict
    if not model.startswith(SPACY):
        raise ConfigError(f"ner.model: {model!r} is neither {NAME} nor {SPACY}PACKAGE")
    from piiscan.integrations import spacy

    pipeline = spacy.predictor(model.removeprefix(SPACY))
    return lambda texts, _handicap: pipeline(list(texts))


def identity(model: str = "") -> str:
    """What tells models from other ones: the digests of ours, the name of a pipeline. Raises: ConfigError."""
    folder = default_folder() / "models"
    texts = card(folder / NAME)["sha256"] if not model or model == NAME else model
    return f"{texts} {card(folder / FIELDS)['sha256']}"


def is_prose(text: str) -> bool:
    """Whether a text reads like sentences: words with spaces between them, not tables, code or keys.

    >>> is_prose("The parcel was handed to the neighbour on Friday."), is_prose("a=1;b=2;c=[3,4];d={5:6}")
    (True, False)
    """
    sample = text[:4000]
    if len(sample) < SHORTEST:
        return False
    letters = len(_LETTERS.findall(sample))
    spaces = sample.count(" ") + sample.count("\n")
    return letters > 0.6 * len(sample) and 0.08 * len(sample) < spaces < 0.35 * len(sample)


class NameRecognizer:
    """The names stage of a stack: prose is read whole, of other texts the lines in which a name may stand."""

    rules: tuple[Rule, ...] = RULES
    samples = True

    def __init__(self, max_bytes: int, model: str = "") -> None:
        """`model` as `predictor` takes it. Raises: ConfigError."""
        self._max_bytes = max_bytes
        self._predict = predictor(model)
        kinds([])
        lists = network(default_folder() / "models" / NAME).lists_of((*_NAMES, *_WORDS))
        self._lines = NamesInLines(self._predict, lists, (1 << len(_WORDS)) - 1 << len(_NAMES))

    def session(self) -> NameSession:
        """A recogniser for one object."""
        return NameSession(self._max_bytes, self._predict, self._lines)


class NameSession:
    """Names in one object, with an allowance of characters.

    Each segment may use half of what is left, in two pieces from its start and its middle: a long object is read in
    ever smaller samples spread over it, a short one whole.
    """

    def __init__(self, allowance: int, predict: Predict, lines: NamesInLines) -> None:
        self._left = allowance
        self._predict, self._lines = predict, lines
        self._fields = FieldColumns(self._persons)
        self.examined = 0
        """Characters that the model has read."""
        self.evidence: list[tuple[int, str]] = []
        """(rule index, sentence): what the first verdicts on columns rest on."""

    def __call__(self, segment: TextSegment) -> list[tuple[int, int, int, float]]:
        """(rule index, start, end, confidence) of the names in a segment."""
        low, high = segment.core if segment.core is not None else (0, len(segment.text))
        if self._left <= 0:
            return []
        if not segment.prose:
            return self._in_lines(segment, low, high)
        windows = list(_spread(low, high, self._left if high - low <= self._left // 2 else self._left // 2))
        found: list[tuple[int, int, int, float]] = []
        prose = not windows
        for start, end in windows:
            text = segment.text[start:end]
            if is_prose(text):
                prose = True
                self._left -= len(text)
                self.examined += len(text)
                found += [(r, start + s, start + e, c) for r, s, e, c in _judge(text, self._predict([text], 0.0)[0])]
        return found if prose else self._in_lines(segment, low, high)

    def column(self, segment: ColumnSegment) -> MatchBatch | list[tuple[int, int, int, int, float]]:
        """The matches in a column: by its verdict, in free text by the model (rule, item, start, end, confidence)."""
        hits = self._fields.hits(segment)
        if hits is not None:
            same = len(hits.item)
            self._hear(_OF_FIELD[hits.field], self._fields.verdict(segment))
            return MatchBatch(
                np.full(same, _OF_FIELD[hits.field], np.int32), hits.start, hits.end,
                np.full(same, hits.confidence, np.float32), hits.item,
            )  # fmt: skip
        if self._fields.verdict(segment).field is not Field.TEXT:
            return []
        texts, where = long_cells(segment.values, SHORTEST, self._left // 2)
        kept = [(text, at) for text, at in zip(texts, where, strict=True) if is_prose(text)]
        read = sum(len(text) for text, _ in kept)
        self._left -= read
        self.examined += read
        found = self._predict([text for text, _ in kept], 0.0)
        return [
            (rule, item, start, end, sure)
            for (text, at), spans in zip(kept, found, strict=True)
            for rule, start, end, sure in _judge(text, spans)
            for item in at.tolist()
        ]

    def _hear(self, rule: int, verdict: Verdict) -> None:
        said = (rule, f"a column is taken for {verdict.field}: " + "; ".join(verdict.evidence))
        if said not in self.evidence and sum(known == rule for known, _ in self.evidence) < HEARD:
            self.evidence.append(said)

    def _persons(self, values: Sequence[str]) -> float:
        """The share of some values of which the model takes half or more for a person's name."""
        found = self._predict(values, 0.0)
        named = (
            sum(end - start for start, end, label in spans if label == "PERSON") * 2 >= len(value)
            for value, spans in zip(values, found, strict=True)
        )
        return sum(named) / max(len(values), 1)

    def _in_lines(self, segment: TextSegment, low: int, high: int) -> list[tuple[int, int, int, float]]:
        text = segment.text
        block = segment.utf8 if segment.utf8 is not None else text.encode("utf-8", "surrogatepass")
        found, read = self._lines(text, block, low, high)
        self._left -= read
        self.examined += read
        return [(0, start, end, sure) for start, end, sure in found]


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
    """Spans with their confidence."""
    for start, end, label in spans:
        index = _INDEX.get(label)
        if index is not None:
            yield index, start, end, worth(text, start, end) if index == 0 else RULES[index].confidence.match
