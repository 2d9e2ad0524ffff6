"""Presidio both ways: its recognizers as a stage of our stack, our rules as its recognizers.

Any Presidio recognizer that a YAML registry can name (custom patterns, deny lists, the predefined ones) runs beside our
rules under the id `presidio.<entity>`; `rule_recognizer` offers the whole catalogue to an `AnalyzerEngine`. Presidio's
e-mail recognizer asks tldextract for the public suffix list, which would be fetched from the network: it gets the list
that the package ships instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from piiscan.config import Config
from piiscan.errors import ConfigError
from piiscan.model import Category, ConfidenceSpec, MatchSpec, Rule, RuleId, Severity, TextSegment

LANGUAGE = "en"
NAME = "PiiscanRecognizer"
NAMES = "PiiscanNameRecognizer"


def stay_offline() -> None:
    """Make tldextract use the suffix list inside its package, for this process."""
    import tldextract
    from tldextract import tldextract as module

    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    module.TLD_EXTRACTOR = offline


def _engine() -> Any:
    """Presidio's NLP engine around spaCy's small model, which is never downloaded."""
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    from piiscan.integrations.spacy import MODEL, pipeline

    engine: Any = SpacyNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": MODEL}])
    engine.nlp = {LANGUAGE: pipeline(MODEL)}
    return engine


class PresidioRecognizers:
    """The recognizers of YAML registries as a stage of the stack."""

    def __init__(self, registries: Sequence[str]) -> None:
        stay_offline()
        self._recognizers: list[Any] = []
        for path in registries:
            self._recognizers += _load(Path(path))
        entities = sorted({e for r in self._recognizers for e in r.supported_entities})
        self.rules: tuple[Rule, ...] = tuple(_rule(entity) for entity in entities)
        self._index = {entity: i for i, entity in enumerate(entities)}
        self._engine: Any = None

    def session(self) -> Callable[[TextSegment], list[tuple[int, int, int, float]]]:
        """For one object: all recognizers over a segment's text."""

        def recognize(segment: TextSegment) -> list[tuple[int, int, int, float]]:
            text = segment.text
            artifacts = self._artifacts(text)
            found = []
            for recognizer in self._recognizers:
                for hit in recognizer.analyze(text, recognizer.supported_entities, artifacts) or ():
                    found.append((self._index[hit.entity_type], hit.start, hit.end, float(hit.score)))
            return found

        return recognize

    def _artifacts(self, text: str) -> Any:
        """What model-based recognizers need; None when all are patterns."""
        from presidio_analyzer import PatternRecognizer

        if all(isinstance(r, PatternRecognizer) for r in self._recognizers):
            return None
        if self._engine is None:
            self._engine = _engine()
        return self._engine.process_text(text, LANGUAGE)


def _load(path: Path) -> list[Any]:
    """The recognizers of one YAML registry that answer for English. Raises: ConfigError."""
    from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

    if not path.is_file():
        raise ConfigError(f"{path}: no such Presidio registry")
    try:
        registry = RecognizerRegistryProvider(conf_file=str(path)).create_recognizer_registry()
    except Exception as err:
        raise ConfigError(f"{path}: not a Presidio registry ({type(err).__name__}: {str(err)[:120]})") from None
    return [r for r in registry.recognizers if r.supported_language == LANGUAGE]


def _rule(entity: str) -> Rule:
    return Rule(
        RuleId(f"presidio.{entity.lower()}"),
        f"Presidio: {entity}",
        Category.CUSTOM,
        ((1, Severity.MEDIUM),),
        MatchSpec(pattern="", shape="presidio"),
        confidence=ConfidenceSpec(0.5, 0.5, 0.5, 0.5),
        summary="Found by a Presidio recognizer; the confidence is Presidio's score.",
    )


def rule_recognizer(config: Config | None = None) -> Any:
    """An `EntityRecognizer` that finds what our catalogue finds, for an `AnalyzerEngine`'s registry.

    Entities are the rule ids in upper case with an underscore for the dot (`us.ssn` is `US_SSN`); scores are our
    confidences. Raises: CatalogueError.
    """
    from presidio_analyzer import AnalysisExplanation, EntityRecognizer, RecognizerResult

    from piiscan.classify.build import chosen_rules
    from piiscan.classify.stack import Stack

    settings = config if config is not None else Config()
    stack = Stack(chosen_rules(settings), threshold=settings.threshold)
    names = {rule.id: entity_name(rule.id) for rule in stack.rules}

    class RuleRecognizer(EntityRecognizer):  # type: ignore[misc,unused-ignore]
        """Our rules behind Presidio's interface."""

        def load(self) -> None:
            """Nothing to load: the stack is there."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            """Our matches of the wanted entities."""
            wanted = set(entities)
            return [
                RecognizerResult(
                    names[m.rule],
                    m.start,
                    m.end,
                    m.confidence,
                    AnalysisExplanation(recognizer=NAME, original_score=m.confidence, pattern_name=m.rule),
                )
                for m in stack.classify(text)
                if not wanted or names[m.rule] in wanted
            ]

    return RuleRecognizer(supported_entities=sorted(names.values()), name=NAME)


def name_recognizer() -> Any:
    """An `EntityRecognizer` that finds names with our model, for an `AnalyzerEngine`'s registry: PERSON, LOCATION,
    ORGANIZATION and ADDRESS, with the confidences of our rules. Raises: ConfigError when the model is damaged."""
    from presidio_analyzer import AnalysisExplanation, EntityRecognizer, RecognizerResult

    from piiscan.classify.ner import RULES, predict

    worth = {rule.id.removeprefix("ner.").upper(): rule.confidence.match for rule in RULES}
    predict([])

    class NameEntityRecognizer(EntityRecognizer):  # type: ignore[misc,unused-ignore]
        """Our model behind Presidio's interface."""

        def load(self) -> None:
            """Nothing to load: the model is there."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            """The names of the wanted entities."""
            return [
                RecognizerResult(
                    label, start, end, worth[label], AnalysisExplanation(recognizer=NAMES, original_score=worth[label])
                )
                for start, end, label in predict([text])[0]
                if not entities or label in entities
            ]

    return NameEntityRecognizer(supported_entities=sorted(worth), name=NAMES)


def entity_name(rule: str) -> str:
    """The Presidio entity of a rule id.

    >>> entity_name("us.ssn")
    'US_SSN'
    """
    return rule.replace(".", "_").upper()
