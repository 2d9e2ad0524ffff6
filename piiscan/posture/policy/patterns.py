"""Wildcards and policy variables: whether a value matches a pattern, for certain, perhaps or not.

Source: AWS, IAM User Guide, "IAM JSON policy elements: Condition operators" and "Policy variables and tags".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

FILLER = "\ue000"
"""A character of the private use area: no name in a policy has it, so what matches it matches anything."""

_BEFORE = re.compile(r"[^*?]*")
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


class Answer(IntEnum):
    """What is known: MAYBE is read as yes for an allow and as no for a deny."""

    NO = 0
    MAYBE = 1
    YES = 2

    def inverted(self) -> Answer:
        """NO for YES, YES for NO, MAYBE as it is."""
        return Answer(2 - self)


def either(answers: Iterable[Answer]) -> Answer:
    """The surest yes; NO for none."""
    return max(answers, default=Answer.NO)


def all_of(answers: Iterable[Answer]) -> Answer:
    """The least sure; YES for none."""
    return min(answers, default=Answer.YES)


def wild(pattern: str) -> bool:
    """Whether a value is not a fixed one: it has a wildcard or a policy variable."""
    return "*" in pattern or "?" in pattern or "${" in pattern


def glob(pattern: str, text: str) -> bool:
    """Whether `*` (any run) and `?` (one character) make the text of the pattern; never slower than their product."""
    if not text.startswith(_BEFORE.match(pattern)[0]):  # type: ignore[index]  # it matches the empty text too
        return False
    at = star = 0
    here, back = 0, -1
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, back = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at += 1
            here += 1
        elif back >= 0:
            back += 1
            at, here = star + 1, back
        else:
            return False
    return all(character == "*" for character in pattern[at:])


def matches(pattern: str, text: str) -> Answer:
    """Whether a text is of a pattern; only MAYBE where the pattern holds a policy variable."""
    if "${" not in pattern:
        return Answer.YES if glob(pattern, text) else Answer.NO
    return Answer.MAYBE if glob(_VARIABLE.sub(_loosened, pattern), text) else Answer.NO


def equals(value: str, text: str) -> Answer:
    """Whether a text is a value, letter by letter; only MAYBE where the value holds a policy variable."""
    if "${" not in value:
        return Answer.YES if value == text else Answer.NO
    loose = "".join(part if index % 2 == 0 else "*" for index, part in enumerate(_VARIABLE.split(value)))
    return Answer.MAYBE if glob(loose, text) else Answer.NO


def arn_matches(pattern: str, arn: str) -> Answer:
    """Whether an ARN is of a pattern, its six parts each for itself; MAYBE where only the whole is."""
    whole = matches(pattern, arn)
    parts, given = pattern.split(":", 5), arn.split(":", 5)
    if whole is not Answer.YES or (len(parts) == len(given) and all(map(glob, parts, given))):
        return whole
    return Answer.MAYBE


def samples(pattern: str, fillers: Iterable[str] = ("", FILLER, FILLER * 40)) -> list[str]:
    """Texts of a pattern, one for each filler put for its runs: none, short and long, in letters that nothing names."""
    loose = _VARIABLE.sub(_loosened, pattern)
    if "*" not in loose:
        return [loose.replace("?", FILLER)]
    return [loose.replace("?", FILLER).replace("*", filler) for filler in fillers]


def rests(pattern: str, start: str) -> list[str]:
    """Patterns of what may follow a start for the whole to match, one for each way in which the start does."""
    loose = _VARIABLE.sub(_loosened, pattern)
    at = _skipped(loose, {0})
    for character in start:
        stay = {index for index in at if index < len(loose) and loose[index] == "*"}
        step = {index + 1 for index in at if index < len(loose) and loose[index] in ("?", character)}
        at = _skipped(loose, stay | step)
    return [loose[index:] for index in sorted(at)]


def _skipped(pattern: str, at: set[int]) -> set[int]:
    """Positions, and those behind the stars that stand there."""
    found = set(at)
    for index in at:
        while index < len(pattern) and pattern[index] == "*":
            index += 1
            found.add(index)
    return found


def _loosened(variable: re.Match[str]) -> str:
    """`${*}`, `${?}` and `${$}` stand for themselves; what any other will be is not known here."""
    return variable[1] if variable[1] in ("?", "$") else "*"
