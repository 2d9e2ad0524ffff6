"""A check of a bucket: declarative, one file each in `checks/`, and how it is run.

A check reads pieces with `known`, and combines what is uncertain with `any_of` and `all_of`. Where the verdict depends
on a piece that is not known, it is `unknown` and names what lacks; a check cannot get that wrong.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from piiscan.model import Severity
from piiscan.posture.model import BucketState, NotKnown, Unknown

if TYPE_CHECKING:
    from piiscan.posture.policy import Circle


class Outcome(StrEnum):
    """What a check says of a bucket."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's outcome and its evidence, in words and as data that JSON can hold."""

    outcome: Outcome
    words: str
    data: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[Unknown, ...] = ()
    """Of an unknown one: the pieces that it depends on."""
    severity: Severity | None = None
    """Where it is other than the check's."""
    extent: int = 0
    """How much of it there is: a failing check gets worse or better by this, between two runs."""


def passed(words: str, **data: Any) -> Verdict:
    """All is well, and why."""
    return Verdict(Outcome.PASS, words, data)


def failed(words: str, *, extent: int = 0, severity: Severity | None = None, **data: Any) -> Verdict:
    """All is not well, and why."""
    return Verdict(Outcome.FAIL, words, data, severity=severity, extent=extent)


def not_applicable(words: str) -> Verdict:
    """The check does not mean this bucket, and why."""
    return Verdict(Outcome.NOT_APPLICABLE, words)


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    id: str
    """The name of its file."""
    title: str
    """What is wrong when it fails."""
    severity: Severity
    fix: str
    reference: str
    """The page of AWS's documentation that says more."""
    needs: tuple[str, ...]
    """The pieces that it may read, as in `ACTIONS`."""
    judge: Callable[[BucketState, Circle], Verdict]
    macie: str | None = None
    """Macie's policy finding for the same."""
    part_of: str = ""
    """A check that says the same in general: this one is no part of the score."""

    def run(self, state: BucketState, circle: Circle) -> Verdict:
        """The verdict of a bucket."""
        try:
            return self.judge(state, circle)
        except NotKnown as err:
            missing = err.pieces
        data = {"missing": [piece.action for piece in missing]}
        return Verdict(Outcome.UNKNOWN, "not known: " + "; ".join(map(str, missing)), data, missing)


@cache
def catalogue() -> Mapping[str, Check]:
    """All checks by their ids, in order: whatever lies in `checks/`."""
    from piiscan.posture import checks

    found: Iterable[str] = sorted(module.name for module in pkgutil.iter_modules(checks.__path__))
    out: dict[str, Check] = {}
    for name in found:
        check = import_module(f"{checks.__name__}.{name}").CHECK
        assert isinstance(check, Check)
        out[check.id] = check
    return out


def judge(state: BucketState, circle: Circle) -> dict[str, Verdict]:
    """What all checks say of a bucket, by their ids."""
    return {check.id: check.run(state, circle) for check in catalogue().values()}
