"""What single values look like: a first name, a last name, a place, a company or another thing, by their letters.

A value has no sentence around it, so nothing but its own words can tell. Each is cut into runs of one to five
characters; rows of a table that their hashes lead to are averaged over the value, its first and its last word, and a
small network turns these averages, the lists that the words are on and the value's shape into a probability per kind.
`training/fields` makes the weights. Names that are on no list are told by their letters alone.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from piiscan.ner.weights import Arrays

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
ListsOf = Callable[[Sequence[str]], Ints]
"""From words in small letters to the lists that each is on, as bits in the order of `LISTS`."""

KINDS = ("first", "last", "full", "city", "country", "company", "street", "other")
"""What a value can be; regions count as countries."""
LISTS = (
    "first", "last", "last_frequent", "first_elsewhere", "last_elsewhere", "city", "country", "common", "organization",
    "title", "calendar",
)  # fmt: skip
"""The lists of the network that finds names, of which a value's words are told."""
ROWS_BITS = 16
WIDTH = 12
LONGEST_RUN = 5
LONGEST = 60
"""Characters of a value that are read."""

_BREAK = re.compile(r"[\s,;./\\|()\[\]{}<>\"“”«»:!?&+*=#@%$^~_\-–—·・0-9]+")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "DEVANAGARI")
_SIGNS = (",", ".", "-", "'", "&", "_", "/", "@", "(", ":")
_LENGTHS = (2, 4, 8, 14, 22, 32)
_BEGIN, _END = 1, 2
SHAPE = 5 + len(_SIGNS) + 6 + len(_LENGTHS) + len(_SCRIPTS) + 1 + 1
"""Numbers that `shape` gives."""


def words_of(value: str) -> list[str]:
    """The words of a value in small letters, without signs and digits.

    >>> words_of("O’Neil-Smith, J. R.")
    ['o’neil', 'smith', 'j', 'r']
    """
    return [word for word in _BREAK.split(unicodedata.normalize("NFC", value[:LONGEST]).lower()) if word]


def shape(value: str, words: Sequence[str]) -> list[float]:
    """How many words, which signs, which case, how long, which script: `SHAPE` numbers between 0 and 1."""
    value = value[:LONGEST]
    count = min(max(len(words), 1), 5)
    out = [float(count == n) for n in range(1, 6)]
    out += [float(sign in value) for sign in _SIGNS]
    digits = sum(map(str.isdigit, value))
    letters = [c for c in value if c.isalpha()]
    upper = sum(map(str.isupper, letters))
    capital = all(word[:1].isupper() for word in value.split())
    out += [
        float(digits > 0),
        digits / max(len(value), 1),
        float(upper > 1 and upper == len(letters)),
        float(upper == 0),
        float(capital),
        float(any(len(word) == 1 for word in words)),
    ]
    out += [float(len(value) <= size) for size in _LENGTHS]
    script = unicodedata.name(letters[0], "").split(" ")[0] if letters else ""
    out += [float(script == name) for name in _SCRIPTS]
    out.append(float(bool(letters) and script not in _SCRIPTS))
    out.append(float(re.search(r"[a-z][A-Z]", value) is not None))
    return out


def runs(words: Sequence[Sequence[str]]) -> tuple[Ints, Ints, Ints]:
    """Rows of all runs of characters of all words; the word that each is of; words of each value.

    A word is framed by two marks, so that a run knows whether it begins or ends it.
    """
    flat = [word for of_value in words for word in of_value]
    counts = np.array([len(of_value) for of_value in words], np.int64)
    if not flat:
        return np.empty(0, np.int64), np.empty(0, np.int64), counts
    text = "".join(f"\x01{word}\x02" for word in flat)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    word = np.repeat(np.arange(len(flat)), [len(w) + 2 for w in flat])
    rows, owners = [], []
    hashes = np.zeros(len(points), np.uint32)
    for size in range(1, LONGEST_RUN + 1):
        if size > len(points):
            break
        hashes = hashes[: len(points) - size + 1] * np.uint32(0x01000193) + points[size - 1 :]
        whole = word[: len(hashes)] == word[size - 1 :]
        if size == 1:
            whole = points > _END
        # The last multiplication spreads the low bits, of which the high ones of the row are taken.
        mixed = (hashes[whole] ^ np.uint32(size * 0x3C6EF37 & 0xFFFFFFFF)) * np.uint32(0x9E3779B1)
        rows.append((mixed >> np.uint32(32 - ROWS_BITS)).astype(np.int64))
        owners.append(word[: len(hashes)][whole])
    row, owner = np.concatenate(rows), np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return row[order], owner[order], counts


class Features:
    """What the network is told about some values."""

    def __init__(self, values: Sequence[str], lists_of: ListsOf) -> None:
        words = [words_of(value) or [""] for value in values]
        self.rows, owner, self.counts = runs(words)
        self.sizes = np.bincount(owner, minlength=int(self.counts.sum()))
        """Runs of each word."""
        flat = [word for of_value in words for word in of_value]
        told = (lists_of(flat)[:, None] >> np.arange(len(LISTS))) & 1
        self.firsts = np.cumsum(self.counts) - self.counts
        """Where each value's words begin."""
        lasts = self.firsts + self.counts - 1
        mean = np.add.reduceat(told, self.firsts, axis=0) / self.counts[:, None]
        self.lists = np.hstack([mean, told[self.firsts], told[lasts]]).astype(np.float32)
        self.shapes = np.array([shape(v, w) for v, w in zip(values, words, strict=True)], np.float32)
        self.lasts = lasts


class ValueNetwork:
    """Probabilities of `KINDS` for values."""

    def __init__(self, arrays: Arrays, notes: dict[str, str], lists_of: ListsOf) -> None:
        """Raises: KeyError or ValueError for weights of another version."""
        if tuple(json.loads(notes["kinds"])) != KINDS or tuple(json.loads(notes["lists"])) != LISTS:
            raise ValueError("other kinds")
        self._lists_of = lists_of
        self._table = arrays["runs.table"].astype(np.float32) * arrays["runs.scale"].astype(np.float32)
        self._hidden, self._hidden_bias = (arrays[n].astype(np.float32) for n in ("hidden", "hidden.bias"))
        self._last, self._last_bias = (arrays[n].astype(np.float32) for n in ("last", "last.bias"))

    def kinds(self, values: Sequence[str]) -> Floats:
        """(values, kinds): how likely each value is of each kind."""
        if not len(values):
            return np.empty((0, len(KINDS)), np.float32)
        told = Features(values, self._lists_of)
        words = np.zeros((len(told.sizes), WIDTH), np.float32)
        some = np.flatnonzero(told.sizes)
        if len(some):
            begins = (np.cumsum(told.sizes) - told.sizes)[some]
            words[some] = np.add.reduceat(self._table[told.rows], begins, axis=0) / told.sizes[some, None]
        mean = np.add.reduceat(words, told.firsts, axis=0) / told.counts[:, None]
        x = np.hstack([mean, words[told.firsts], words[told.lasts], told.lists, told.shapes])
        x = np.maximum(x @ self._hidden + self._hidden_bias, 0) @ self._last + self._last_bias
        x -= x.max(1, keepdims=True)
        np.exp(x, out=x)
        return np.asarray(x / x.sum(1, keepdims=True), np.float32)
