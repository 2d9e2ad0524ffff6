"""Plain parameters whose name says that they are secrets, as a stage of the stack: all of the value is the secret.

In running text a password ends where its rule thinks that it does; here nobody has to guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from piiscan.model import Category, ConfidenceSpec, MatchSpec, ObjectRef, Rule, RuleId, Severity, TextSegment
from piiscan.vaults.names import bits, is_location, says_secret

CONFIDENCE = 0.8
SHORTEST = 8
LEAST_BITS = 2.3
"""Bits a character below which a value is a filler, such as `xxxx-xxxx-1`."""
_REFERENCE = re.compile(r"\$\{|\{\{|<[\w -]+>|%\(|arn:aws|(?:ssm|env|file|secretsmanager|vault):")
_MADE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])|(?=.*[^A-Za-z0-9 _./:-])|(?=.*[a-z].*[A-Z])")
"""What sets a chosen or made value apart from words: digits among letters, signs, capitals behind small letters."""

RULE = Rule(
    RuleId("vault.plain_parameter"),
    "Secret in a plain parameter",
    Category.CREDENTIALS,
    ((1, Severity.HIGH),),
    MatchSpec("a parameter that is called a secret", shape="exact"),
    confidence=ConfidenceSpec(CONFIDENCE, CONFIDENCE, CONFIDENCE, CONFIDENCE),
    tags=("secrets",),
    summary="A String of Parameter Store that is called a password, token or key: it should be a SecureString.",
)


class PlainParameters:
    """The stage; it looks at parameters alone."""

    rules: tuple[Rule, ...] = (RULE,)

    def session(self) -> Callable[[TextSegment], list[tuple[int, int, int, float]]]:
        """For an object that is no parameter."""
        return _nothing

    def session_of(self, ref: ObjectRef) -> Callable[[TextSegment], list[tuple[int, int, int, float]]]:
        """For one object."""
        if not ref.source.startswith("ssm:") or ref.etag.startswith("SecureString"):
            return _nothing
        if not says_secret(ref.key.rstrip("/").rpartition("/")[2]):
            return _nothing
        head = f"{ref.key} = "
        return lambda segment: _found(segment.text, head) if segment.encoded is None else []


def _nothing(segment: TextSegment) -> list[tuple[int, int, int, float]]:
    return []


def _found(text: str, head: str) -> list[tuple[int, int, int, float]]:
    value = text.removeprefix(head).rstrip("\n")
    if not text.startswith(head) or "\n" in value or not _is_secret(value):
        return []
    return [(0, len(head), len(head) + len(value), CONFIDENCE)]


def _is_secret(value: str) -> bool:
    """Whether a value is one that was chosen or made, and no reference, place, word or filler."""
    if len(value) < SHORTEST or _REFERENCE.search(value) or is_location(value):
        return False
    return _MADE.search(value) is not None and bits(value) >= LEAST_BITS
