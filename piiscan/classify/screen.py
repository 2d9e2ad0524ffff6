"""The check that imported rules bring along: least entropy, words and patterns that a value must not hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from piiscan.classify.secret import bits

Params = Mapping[str, Any]


def screened(value: str, params: Params) -> bool:
    """Whether the text has at least `bits` of entropy a character, and holds none of `words` and of `patterns` (RE2).

    `words` are compared as they stand, those of `fillers` in any case.

    Source: gitleaks, README, "Configuration" (`entropy`, `stopwords`, `regexes`); Amazon Macie REST API,
    CustomDataIdentifiers (`ignoreWords`).

    >>> limits = {"bits": 3.0, "words": ["TEST"], "fillers": ["sample"], "patterns": ["^(?:ab)+$"]}
    >>> [screened(text, limits) for text in ("q8Zp2LxV0nRt", "aaaaaaaa", "q8TEST2LxV0n", "q8SAMPLE2LxV0")]
    [True, False, False, False]
    >>> screened("abab", {"patterns": ["^(?:ab)+$"]})
    False
    """
    if bits(value) < float(params.get("bits", 0.0)):
        return False
    for key, flags in (("words", 0), ("fillers", re.IGNORECASE)):
        listed = params.get(key, ())
        if listed and _any_of(tuple(listed), flags).search(value):
            return False
    return not params.get("patterns") or not _holds(params["patterns"], value)


@lru_cache(maxsize=1024)
def _any_of(words: tuple[str, ...], flags: int) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words)), flags)


def _holds(patterns: Sequence[str], value: str) -> bool:
    """Whether one of the patterns matches somewhere; by RE2, so in time that grows with the value alone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.array([value.encode("utf-8", "replace").decode()], pa.string())
    return bool(pc.match_substring_regex(text, "|".join(f"(?:{pattern})" for pattern in patterns))[0].as_py())


KINDS: Mapping[str, Callable[[str, Params], bool]] = {screened.__name__: screened}
"""The kinds of checksum that a rule may name, one small function each."""
