"""How sure a match is: by what its value looks like, and by whether another field of its row stands near."""

from __future__ import annotations

from piiscan.exact.normal import Kind

TOGETHER = 0.99
"""Two fields of one row of the table, near each other."""
STRONG = 0.95
"""An address of mail, or a number that few numbers of its length are."""
SPELT = 0.9
"""Several words, or letters and digits."""
FAIR = 0.85
COMMON = 0.6
"""A number where one in 10,000 numbers of that length is in the set, or more: chance alone finds some in a long log."""
WORD = 0.55
"""One word of letters: a family name may be any word."""

TOO_COMMON = 0.05
"""Of all numbers of a length: from here on such numbers are no evidence, and are not kept."""

_SAID = {
    TOGETHER: "it stands near another field of the same row of your table",
    STRONG: "the value is in your table, and is not there by chance",
    SPELT: "the value is in your table",
    FAIR: "the value is in your table; numbers of this length are seldom there",
    COMMON: "the value is in your table; so many numbers of this length are that some stand elsewhere by chance",
    WORD: "the word is in your table; a single word may mean something else",
}


def alone(kind: Kind, form: bytes, pieces: int, chance: float) -> float:
    """The confidence of a match with nothing near it; `chance` is the part of all numbers of its length in the set."""
    if kind is Kind.EMAIL:
        return STRONG
    if kind is Kind.NUMBER:
        return STRONG if chance <= 1e-6 else FAIR if chance <= 1e-4 else COMMON
    return SPELT if pieces > 1 or any(48 <= b <= 57 for b in form) else WORD


def say(confidence: float) -> str:
    """What a confidence of an exact match rests on, for `piiscan explain`."""
    return _SAID[min(_SAID, key=lambda known: abs(known - confidence))]
