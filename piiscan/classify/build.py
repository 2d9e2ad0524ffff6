"""From a configuration to a stack: rules, packs, recognizers."""

from __future__ import annotations

from pathlib import Path

from piiscan import catalogue
from piiscan.classify.address_stage import AddressRecognizer
from piiscan.classify.plain_parameter import PlainParameters
from piiscan.classify.session import Recognizer
from piiscan.classify.stack import Stack
from piiscan.config import Config
from piiscan.live.match import LiveRecognizer
from piiscan.live.needles import Live
from piiscan.model import Rule


def chosen_rules(config: Config) -> tuple[Rule, ...]:
    """The rules of the configured packs, and all of the configured folders, sorted by id. Raises: CatalogueError."""
    folders = [Path(p) for p in config.rules]
    own = [rule.id for rule in catalogue.own_rules(folders)]
    packs = [catalogue.load_pack(name) for name in config.packs]
    return catalogue.select(catalogue.load_rules(None, folders), packs, include=own)


def recognizers(config: Config) -> tuple[Recognizer, ...]:
    """The stages beside the rules that the configuration asks for. Raises: ConfigError."""
    out: list[Recognizer] = []
    if config.ner:
        from piiscan.classify.ner import NameRecognizer

        out.append(NameRecognizer(config.ner_max_bytes, config.ner_model))
    if config.presidio:
        from piiscan.integrations.presidio import PresidioRecognizers

        out.append(PresidioRecognizers(config.presidio))
    if config.exact:
        from piiscan.exact.match import recognizers_of

        out += recognizers_of(config.exact, config.key_file)
    return tuple(out)


STREET = "generic.street_address"
"""The rule of a pack that asks for addresses, those of `AddressRecognizer` too."""


def _stages(config: Config, chosen: tuple[Rule, ...], live: Live | None = None) -> tuple[Recognizer, ...]:
    """The stages beside some chosen rules. Raises: ConfigError."""
    addresses = (AddressRecognizer(),) if any(rule.id == STREET for rule in chosen) else ()
    secrets = (LiveRecognizer(live),) if live is not None and live.secrets else ()
    return (*addresses, PlainParameters(), *recognizers(config), *secrets)


def build_stack(config: Config, live: Live | None = None) -> Stack:
    """The stack that a configuration asks for, and live secrets. Raises: CatalogueError, ConfigError."""
    chosen = chosen_rules(config)
    return Stack(chosen, threshold=config.threshold, recognizers=_stages(config, chosen, live))


def rules_of(config: Config, live: Live | None = None) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules of the catalogue, and of the stages beside it, of the stack that `build_stack` would make."""
    chosen = chosen_rules(config)
    return chosen, tuple(rule for other in _stages(config, chosen, live) for rule in other.rules)


def all_rules(config: Config) -> tuple[Rule, ...]:
    """The rules of the stack that `build_stack` would make, without making it."""
    chosen, others = rules_of(config)
    return chosen + others
