"""What decides what is found in an object, as one digest: what another one examined is read again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from piiscan.allow import load_allow
from piiscan.catalogue import digest
from piiscan.classify.ner import identity
from piiscan.config import Config
from piiscan.limits import Limits
from piiscan.model import Rule
from piiscan.references import passwords


def examination(rules: Sequence[Rule], config: Config) -> str:
    """A digest of all that decides what is found in an object; what another one examined is read again.

    Raises: ConfigError for an allow list or passwords that cannot be read.
    """
    return hashlib.blake2b(repr((digest(rules), *beside(config))).encode(), digest_size=16).hexdigest()


def beside(config: Config) -> tuple[object, ...]:
    """What beside the rules decides what is found in an object. Raises: as `examination`."""
    parts: tuple[object, ...] = (config.threshold, config.ner_max_bytes, config.max_values)
    if config.ner:
        parts += (identity(config.ner_model),)
    if config.limits != Limits():
        parts += (config.limits,)
    if config.passwords:
        parts += (hashlib.blake2b(repr(passwords(config.passwords, config.aws)).encode(), digest_size=16).hexdigest(),)
    if config.allow:
        parts += (load_allow(config.allow).digest,)
    if config.inline_ignore:
        parts += ("inline_ignore",)
    return parts
