"""Principals of a statement: what each names, and whether it names a caller.

Source: AWS, IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal"; CloudFront Developer Guide,
"Restrict access to an Amazon S3 origin" (the user ARN of an origin access identity).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from piiscan.posture.policy.parse import Choice
from piiscan.posture.policy.patterns import Answer, glob, wild

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_ARN = re.compile(r"arn:[a-z-]+:(iam|sts)::([^:]+):(.+)", re.DOTALL)
_DELETED = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")


class Kind(Enum):
    """What a principal names."""

    EVERYONE = "everyone"
    ACCOUNT = "account"
    PERSON = "person"
    """A user, a role, a session, or who comes through an account's own identity provider."""
    IDENTITY = "identity"
    """A CloudFront origin access identity."""
    CANONICAL = "canonical user"
    SERVICE = "service"
    WEB = "web identity"
    """Whoever has an account with a public identity provider."""
    DELETED = "deleted"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Named:
    """One principal."""

    kind: Kind
    token: str
    """What a caller must hold to be meant: account, ARN, service name or canonical id."""
    account: str = ""


@lru_cache(4096)
def named(value: str) -> Named:
    """What one principal of a statement names: `*`, or `kind:value` as the parser gives it."""
    if value == "*":
        return Named(Kind.EVERYONE, "*")
    kind, _, name = value.partition(":")
    if kind == "AWS":
        return _aws(name)
    if kind == "Service":
        return Named(Kind.SERVICE, name.lower())
    if kind == "CanonicalUser" and not wild(name):
        return Named(Kind.CANONICAL, name)
    if kind == "Federated":
        found = _ARN.fullmatch(name)
        if found and is_account(found[2]) and not wild(name):
            return Named(Kind.PERSON, name, found[2])
        return Named(Kind.UNSURE if wild(name) else Kind.WEB, name)
    return Named(Kind.UNSURE, value)


def is_account(text: str) -> bool:
    """Whether a text is an account's number."""
    return _ACCOUNT.fullmatch(text) is not None


def _aws(name: str) -> Named:
    if is_account(name):
        return Named(Kind.ACCOUNT, name, name)
    found = _ARN.fullmatch(name)
    if found and found[2] == "cloudfront" and not wild(name):
        return Named(Kind.IDENTITY, name)
    if found and is_account(found[2]) and not wild(name):
        if found[3] == "root":
            return Named(Kind.ACCOUNT, found[2], found[2])
        return Named(Kind.PERSON, name, found[2])
    return Named(Kind.DELETED if _DELETED.fullmatch(name) else Kind.UNSURE, name)


def names(choice: Choice, tokens: frozenset[str]) -> Answer:
    """Whether a statement's principals mean a caller who holds these tokens."""
    meant = _meant(choice.values)
    by_pattern = any(glob(one, token) for one in meant.services for token in tokens)
    if meant.everyone or by_pattern or not meant.tokens.isdisjoint(tokens):
        answer = Answer.YES
    else:
        answer = Answer.MAYBE if choice.unsure or meant.unsure else Answer.NO
    return answer.inverted() if choice.negated else answer


@dataclass(frozen=True, slots=True)
class _Meant:
    """A statement's principals, sorted by kind."""

    everyone: bool
    tokens: frozenset[str]
    services: tuple[str, ...]
    unsure: bool


@lru_cache(256)
def _meant(values: tuple[str, ...]) -> _Meant:
    ones = [named(value) for value in values]
    services = tuple(f"service:{one.token}" for one in ones if one.kind is Kind.SERVICE and wild(one.token))
    named_ones = (one for one in ones if one.kind not in (Kind.EVERYONE, Kind.UNSURE, Kind.DELETED))
    return _Meant(
        any(one.kind is Kind.EVERYONE for one in ones),
        frozenset(one.token for one in named_ones),
        services,
        any(one.kind is Kind.UNSURE for one in ones),
    )


def told(values: Iterable[str]) -> list[str]:
    """What of a statement's principals is not judged as it stands, in words."""
    found = []
    for value in values:
        kind = named(value).kind
        if kind is Kind.UNSURE:
            found.append("not judged: a principal that names nobody in particular; read as everyone")
        elif kind is Kind.WEB:
            found.append("not judged: a public identity provider, through which anyone may come")
        elif kind is Kind.DELETED:
            found.append("names a user or role that was deleted: gives nothing")
    return found
