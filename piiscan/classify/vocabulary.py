"""All keywords of a catalogue as arrays: their spellings, and the rules that each speaks for or against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.classify.kept import digest, kept
from piiscan.classify.spelling import consumes, literal_forms, spaced
from piiscan.model import Rule

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Users:
    """The rules of each keyword: those of keyword `i` are `rule[first[i]:first[i + 1]]`, ascending."""

    first: IntArray
    rule: IntArray

    def of(self, keyword: int) -> list[int]:
        """The rules of one keyword."""
        found: list[int] = self.rule[self.first[keyword] : self.first[keyword + 1]].tolist()
        return found

    def keyword(self) -> IntArray:
        """The keyword of each entry of `rule`."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def only(self, keep: npt.NDArray[np.bool_]) -> Users:
        """The same with some entries left out."""
        counts = np.bincount(self.keyword()[keep], minlength=len(self.first) - 1)
        return Users(np.concatenate(([0], np.cumsum(counts))).astype(np.int64), self.rule[keep])


@dataclass(frozen=True)
class Vocabulary:
    """Every spelling of every keyword, once."""

    sizes: IntArray
    """Bytes of each."""
    edges: npt.NDArray[np.bool_]
    """Whether its first and its last character belong to a script with word edges; two columns."""
    bounded: IntArray
    """1 where the scanner takes the byte behind the keyword with it."""
    said: Users
    against: Users
    key: str
    """Stands for all of this: a digest of what it was made of."""
    _text: npt.NDArray[np.uint8]
    """All spellings, UTF-8, one after the other."""

    @cached_property
    def _stops(self) -> IntArray:
        return np.cumsum(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def form(self, keyword: int) -> str:
        """One spelling."""
        stop = int(self._stops[keyword])
        return self._text[stop - int(self.sizes[keyword]) : stop].tobytes().decode()

    def longest(self, rules: int) -> IntArray:
        """Bytes of the longest keyword for or against each of so many rules."""
        out = np.zeros(rules, np.int64)
        for users in (self.said, self.against):
            np.maximum.at(out, users.rule, self.sizes[users.keyword()])
        return out


def vocabulary_of(rules: Sequence[Rule], *, cache: bool = True) -> Vocabulary:
    """The keywords of some rules, which are numbered as they come."""
    key = digest(_made_of(rules))
    found = kept("keywords", key, lambda: _arrays(rules), cache=cache)
    return Vocabulary(
        sizes=found["sizes"],
        edges=found["edges"],
        bounded=found["bounded"],
        said=Users(found["said_first"], found["said_rule"]),
        against=Users(found["against_first"], found["against_rule"]),
        key=key,
        _text=found["text"],
    )


_SPELLING = "2"
"""Raise it when `literal_forms`, `spaced` or `consumes` change: it is part of the cache's key."""


def _made_of(rules: Sequence[Rule]) -> Iterator[str]:
    yield _SPELLING
    for rule in rules:
        yield from rule.context.keywords
        yield "\1"
        yield from rule.context.negative
        yield "\2"


def _arrays(rules: Sequence[Rule]) -> dict[str, npt.NDArray[Any]]:
    sides: tuple[dict[str, dict[int, None]], dict[str, dict[int, None]]] = ({}, {})
    forms: dict[str, None] = {}
    for index, rule in enumerate(rules):
        for side, words in zip(sides, (rule.context.keywords, rule.context.negative), strict=True):
            for keyword in words:
                for form in literal_forms(keyword):
                    forms[form] = None
                    side.setdefault(form, {})[index] = None
    encoded = [form.encode() for form in forms]
    out: dict[str, npt.NDArray[Any]] = {
        "sizes": np.array([len(form) for form in encoded], np.int64),
        "edges": np.array([(spaced(form[0]), spaced(form[-1])) for form in forms], np.bool_).reshape(-1, 2),
        "bounded": np.array([consumes(form) for form in forms], np.int64),
        "text": np.frombuffer(b"".join(encoded), np.uint8),
    }
    for name, side in zip(("said", "against"), sides, strict=True):
        users = [list(side.get(form, ())) for form in forms]
        out[f"{name}_first"] = np.concatenate(([0], np.cumsum([len(found) for found in users]))).astype(np.int64)
        out[f"{name}_rule"] = np.array([rule for found in users for rule in found], np.int64)
    return out
