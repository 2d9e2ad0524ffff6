"""What an object's text could hold, in a few hundred bytes: which words it has, and how long its numbers are.

A rule that is new or has changed is asked of the sketches whether it could match anywhere; only objects of which that
cannot be ruled out are read again. A sketch may say yes too often, never no: it is taken of the very blocks that the
stages read, and holds each word that could be an anchor or a keyword. A set of hashes of words, like Bloom's filter,
of which the gaps are kept: one byte a word, and one in `SPREAD` words that are not there passes for there.

Source: Bloom 1970, "Space/time trade-offs in hash coding with allowable errors"; the kept gaps are a Golomb-like code
(Putze, Sanders, Singler 2009, "Cache-, hash- and space-efficient Bloom filters", section 4) in whole bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.classify.anatomy import Anatomy, anatomy_of
from piiscan.classify.confidence import worth
from piiscan.classify.context import tokens
from piiscan.classify.spelling import literal_forms, spaced
from piiscan.model import Category, Rule, Sketch
from piiscan.passes import KEY_BITS, passes, word_key
from piiscan.passes.table import KEY_RUN, WORD

VERSION = 1
"""Raise it when sketches are made differently: those of another version are not asked."""
SPREAD = 64
"""Bits of the set for each word in it."""
FULL = 1 << KEY_BITS - 2
"""Words from which on a set tells too little: it is not kept, and every rule may match."""
LONE, SIGNED, NUMBERS = 1, 2, 4
"""Bits of `Sketch.signs`: a value alone was judged by its check digit; an at-sign; a column of long numbers."""

Keys = frozenset[int]
_EMPTY = bytes(1 << KEY_BITS - 3)


class Sketcher:
    """Makes the sketch of one object after the other."""

    def __init__(self) -> None:
        self._seen = bytearray(1 << KEY_BITS - 3)
        self._headers: set[tuple[str, ...]] = set()
        self._digits = 0
        self.signs = 0
        self.contested: set[int] = set()
        """Rules that lost, or won, characters from another one."""

    def begin(self) -> None:
        """A new object begins."""
        self._seen[:] = _EMPTY
        self._headers.clear()
        self._digits = self.signs = 0
        self.contested.clear()

    def block(self, block: bytes) -> None:
        """A block that the stages read."""
        self._digits = max(self._digits, passes().keys(block, self._seen))
        if not self.signs & SIGNED and b"@" in block:
            self.signs |= SIGNED

    def names(self, names: Sequence[str]) -> None:
        """The names of a column, each of whose words is compared, and all of them as one."""
        if tuple(names) in self._headers:
            return
        self._headers.add(tuple(names))
        for name in names:
            words = tokens(name)
            self.block(" ".join((*words, "".join(words))).encode("utf-8", "surrogatepass"))

    def made(self, rules: Sequence[Rule]) -> Sketch:
        """The sketch of the object so far."""
        contested = tuple(sorted(rules[index].id for index in self.contested))
        return Sketch(packed(self._seen), self._digits, self.signs, contested)


def packed(seen: bytearray) -> bytes | None:
    """The set of the keys whose bits are set: how many of their lower bits were dropped, then the gaps; None: too many.

    A gap below 255 is a byte; 255 adds 255 to the next one.

    >>> keys = bytearray(1 << KEY_BITS - 3); keys[0], keys[500] = 3, 128
    >>> unpacked(packed(keys))[0].tolist(), unpacked(packed(keys))[1]
    ([0, 3], 10)
    """
    count = int(np.bitwise_count(np.frombuffer(seen, np.uint64)).sum())
    if count > FULL:
        return None
    dropped = max(KEY_BITS - max(count * SPREAD - 1, SPREAD).bit_length(), 0)
    return bytes([dropped]) + passes().gaps(seen, dropped)


def unpacked(words: bytes) -> tuple[npt.NDArray[np.int64], int]:
    """The keys of a packed set, ascending, less their lower bits; and how many bits that are."""
    gaps = np.frombuffer(words, np.uint8, offset=1)
    ends = gaps != 255
    keys = np.cumsum(gaps + ends.view(np.uint8), dtype=np.int64) - 1
    return keys[ends], words[0]


@dataclass(frozen=True, slots=True)
class Trait:
    """What an object must hold for a rule to match in it; as plain data, so that a rule that is gone still has one."""

    anchors: tuple[str, ...]
    """Literals, one of which every match holds; none: nothing is known."""
    bounded: bool
    """An anchor begins its match, and no letter or digit may stand before it."""
    keywords: tuple[str, ...]
    columns: tuple[str, ...]
    """Words of the text and names of columns, one of which is needed; both empty: none is needed."""
    check: bool
    """A value alone, or a column of values, may do without: its check digits speak for it."""
    run: int
    """Digits in a row that every match holds."""
    sign: bool
    """Every match holds an at-sign."""

    @classmethod
    def of(cls, rule: Rule, threshold: float, shape: Anatomy | None = None) -> Trait:
        """The trait of a rule whose matches count from a confidence on; `shape` is its pattern's, where it is known."""
        spec, context = rule.match, rule.context
        shape = shape if shape is not None else anatomy_of(spec.pattern)
        needed = max(worth(rule, held, False, False) for held in (True, False)) < max(threshold, 1e-9)
        begins = spec.anchor_at == (0, 0) and bool(spec.before)
        free = begins and not _takes_letters(spec.before)
        return cls(
            spec.anchors,
            free,
            context.keywords if needed else (),
            context.columns if needed else (),
            rule.checksum is not None and rule.category is not Category.CREDENTIALS,
            min(max(shape.run, min(shape.digits, 1)), KEY_RUN),
            spec.shape == "email",
        )

    def to_json(self) -> dict[str, Any]:
        """The fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trait:
        """The trait that `to_json` gave."""
        given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in data.items()}
        return cls(**given)


@lru_cache(maxsize=1024)
def _takes_letters(cls: str) -> bool:
    """Whether a one-character class accepts some ASCII letter or digit."""
    accepts = re.compile(cls.encode())
    return any(accepts.fullmatch(bytes([code])) for code in range(128) if chr(code).isalnum())


class Question:
    """Whether some rules could match in an object, by its sketch."""

    def __init__(self, traits: Iterable[Trait]) -> None:
        self._asked = [(trait, _anchored(trait), _worded(trait)) for trait in traits]
        every = {key for _, *sides in self._asked for side in sides for keys in side or () for key in keys}
        self._keys = np.array(sorted(every), np.int64)

    def may_match(self, sketch: Sketch) -> bool:
        """False only if none of the rules can."""
        if sketch.words is None:
            return True
        held, dropped = unpacked(sketch.words)
        wanted = self._keys >> dropped
        at = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
        present = frozenset(self._keys[held[at] == wanted].tolist()) if len(held) else frozenset()
        return any(_may(sketch, present, *asked) for asked in self._asked)


def _may(sketch: Sketch, present: Keys, trait: Trait, anchors: list[Keys] | None, words: list[Keys] | None) -> bool:
    if sketch.digits < trait.run or (trait.sign and not sketch.signs & SIGNED):
        return False
    if anchors is not None and not any(keys <= present for keys in anchors):
        return False
    spoken = words is None or any(keys <= present for keys in words)
    return spoken or (trait.check and bool(sketch.signs & (LONE | NUMBERS)))


def _anchored(trait: Trait) -> list[Keys] | None:
    """Keys of each anchor; None: the rule has none."""
    if not trait.anchors:
        return None
    return [keys_of(anchor, left=trait.bounded, right=False) for anchor in trait.anchors]


def _worded(trait: Trait) -> list[Keys] | None:
    """Keys of each spelling of each word that speaks for the rule, in text or as a column; None: it needs none."""
    if not trait.keywords and not trait.columns:
        return None
    return [keys_of(text, left=spaced(text[0]), right=spaced(text[-1])) for text in dict.fromkeys(_spellings(trait))]


def _spellings(trait: Trait) -> Iterator[str]:
    for keyword in trait.keywords:
        yield from literal_forms(keyword)
        if words := tokens(keyword):
            yield " ".join(words)
            yield "".join(words)
    for column in trait.columns:
        if words := tokens(column):
            yield "".join(words)


_WORD = re.compile(rb"[0-9A-Za-z]+")
_BEYOND = re.compile(rb"(?=([\xc0-\xff][\x80-\xff]{2}(?:[\x80-\xff]{3})?))")


def keys_of(text: str, *, left: bool, right: bool) -> Keys:
    """The keys that every block with `text` in it has; `left`, `right`: no letter or digit stands before, behind it.

    >>> keys_of("ab1", left=False, right=True), len(keys_of("x-token", left=False, right=False))
    (frozenset(), 1)
    """
    whole = text.encode("utf-8", "surrogatepass").lower()
    found = set()
    for match in _WORD.finditer(whole):
        word = match[0]
        if word[:1].isdigit() or not (left or match.start()):
            continue
        if (right or match.end() < len(whole)) and word[:WORD].isalpha():
            found.add(word_key(word))
        if len(word) >= 3:
            found.add(word_key(word[:3], opening=True))
    for high in _BEYOND.findall(whole):
        found.add(word_key(high[:3], opening=True))
        if len(high) == 6:
            found.add(word_key(high))
    return frozenset(found)


__all__ = ["FULL", "LONE", "NUMBERS", "SIGNED", "VERSION", "Question", "Sketcher", "Trait", "keys_of"]
