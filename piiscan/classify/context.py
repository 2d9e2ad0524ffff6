"""Column names and paths as keywords: a header speaks for every value below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from piiscan.classify.plan import Plan

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SIGN = re.compile(r"[^\w.'’-]")
_BREAK = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def tokens(name: str) -> tuple[str, ...]:
    """The words of a column name or path element, lower case.

    >>> tokens("customerSSN_no")
    ('customer', 'ssn', 'no')
    """
    return tuple(part.lower() for part in _BREAK.split(_CAMEL.sub(" ", name)) if part)


class HeaderIndex:
    """Which rules a header or path speaks for."""

    def __init__(self, plan: Plan) -> None:
        self._columns: dict[str, list[int]] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        self._joined: dict[str, list[int]] = {}
        for compiled in plan.rules:
            for column in compiled.rule.context.columns:
                self._columns.setdefault("".join(tokens(column)), []).append(compiled.index)
            for keyword in compiled.rule.context.keywords:
                words = tokens(keyword)
                # `account #` means a number behind the word, not every column with the word in its name.
                if words and (len(words) > 1 or not _SIGN.search(keyword)):
                    self._phrases.setdefault(words[0], []).append((words, compiled.index))
                    self._joined.setdefault("".join(words), []).append(compiled.index)

    def speaks_for(self, names: Sequence[str]) -> frozenset[int]:
        """Indexes of the rules for which one of the names is a column name or holds a keyword as whole words."""
        found: set[int] = set()
        for name in names:
            found |= self._one(name)
        return frozenset(found)

    @lru_cache(maxsize=4096)  # noqa: B019 - one index lives as long as its stack
    def _one(self, name: str) -> frozenset[int]:
        words = tokens(name)
        joined = "".join(words)
        found = set(self._columns.get(joined, ())) | set(self._joined.get(joined, ()))
        for position, word in enumerate(words):
            for phrase, index in self._phrases.get(word, ()):
                if words[position : position + len(phrase)] == phrase:
                    found.add(index)
            found.update(self._joined.get(word, ()))
        return frozenset(found)


def path_names(path: str) -> tuple[str, ...]:
    """The element names of a JSON path or nested column path, without indexes.

    >>> path_names("$.user['home address'].ids[*]")
    ('user', 'home address', 'ids')
    """
    return tuple(
        a or b
        for a, b in re.findall(r"\[['\"]([^'\"]*)['\"]\]|([^.\[\]$*]+)(?=\.|\[|$)", path)
        if (a or b) and not (b and b.isdigit())
    )
