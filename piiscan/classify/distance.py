"""Macie's distance: a keyword before the match, counted from its end to the end of the match.

The engine's own window reaches to either side and to the nearest edge of the match; this narrows what it found, for the
few rules that ask for it.

Source: Amazon Macie REST API, CustomDataIdentifiers, `maximumMatchDistance`.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from piiscan.classify.spelling import literal_forms, spaced
from piiscan.model import Rule

APART = b"\n\0\n"
"""Stands between texts that are read together: no line, and no Base64 text of several lines, goes on over it."""


def led_up(
    rule: Rule, block: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], *, running: bool
) -> npt.NDArray[np.bool_]:
    """Which matches of a rule have a keyword before them, at its distance; spans in bytes of the block.

    In a column (not `running`) cells are parted by line feeds, texts by `APART`; a keyword counts in its own only.
    """
    distance = rule.context.distance
    found = _keywords(rule.context.keywords)
    out = np.zeros(len(starts), np.bool_)
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        left = distance - len(block[start:end].decode("utf-8", "replace"))
        if left < 0:
            continue
        # The longest keyword and the character before it stand in front of the stretch where keywords may end.
        reach = 4 * (left + max(map(len, rule.context.keywords)) + 1)
        before = block[max(start - reach, 0) : start]
        before = before.rpartition(APART if running else b"\n")[2]
        text = before.decode("utf-8", "replace")
        # The first character of the match may make the word before it another one.
        whole = text + block[start : start + 4].decode("utf-8", "replace")[:1]
        out[i] = any(len(text) - left <= word.end() <= len(text) for word in found.finditer(whole))
    return out


@lru_cache(maxsize=1024)
def _keywords(keywords: tuple[str, ...]) -> re.Pattern[str]:
    """All forms of some keywords as whole tokens, the longest first; overlapping ones count by where they end."""
    forms = sorted(
        {form for keyword in keywords for form in literal_forms(keyword)}, key=lambda form: (-len(form), form)
    )
    return re.compile("|".join(_token(form) for form in forms), re.IGNORECASE)


def _token(form: str) -> str:
    before = r"(?<![^\W_])" if spaced(form[0]) else ""
    after = r"(?![^\W_])" if spaced(form[-1]) else ""
    return before + re.escape(form) + after
