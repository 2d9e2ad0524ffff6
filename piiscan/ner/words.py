"""Words of a text, and what the network is told about each: hashes of its parts, its shape, whose list it is on.

A feature is a number computed from the word alone, so the same module serves training and scanning.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WORD = re.compile(r"[^\W\d_]+|\d+|[^\S\n]+|\s+|.", re.S)
"""Letters, digits, blanks, line ends, or one sign. A text is the sum of its words, so places are a running sum."""

LINE, GAP = "\n", "\t"
"""What all runs with a line end, and all other long blanks, are taken for; one or two blanks are no word at all."""

PREFIXES, SUFFIXES, SHAPES = 8192, 8192, 512
"""Rows of the tables that hashes of parts lead to."""


def plain(word: str) -> str:
    """The word that stands for a blank; empty for what is dropped; other words as they are.

    >>> plain("  \\n "), plain(" "), plain("\\t"), plain("Ada")
    ('\\n', '', '\\t', 'Ada')
    """
    if not word.isspace():
        return word
    if "\n" in word:
        return LINE
    return GAP if "\t" in word or len(word) > 2 else ""


def hashed(text: str) -> int:
    """CRC-32 (IEEE 802.3) of a text in UTF-8: the key of every table."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def shape(word: str) -> str:
    """Capitals, small letters, digits and signs of the first twelve characters, runs cut to three.

    >>> shape("McDonald"), shape("2024"), shape("o'clock")
    ('XxXxxx', 'ddd', "x'xxx")
    """
    out: list[str] = []
    for char in word[:12]:
        kind = "X" if char.isupper() else "x" if char.isalpha() else "d" if char.isdigit() else char
        if out[-3:] != [kind] * 3:
            out.append(kind)
    return "".join(out) + ("+" if len(word) > 12 else "")


def key(word: str) -> str:
    """The form under which a word's own row is kept: small letters; numbers by their length.

    >>> key("Berlin"), key("1984")
    ('berlin', '0000')
    """
    return "0" * min(len(word), 8) if word.isdigit() else word.lower()


def parts(word: str) -> tuple[int, int, int, int]:
    """Rows for the first three letters, the last three, the last two, and the shape."""
    small = word.lower()
    return (
        hashed("p" + word[:3]) % PREFIXES,
        hashed("s" + small[-3:]) % SUFFIXES,
        hashed("q" + small[-2:]) % SUFFIXES,
        hashed(shape(word)) % SHAPES,
    )


SAME, ALPHABETIC, ASCII, STRANGE, EMPTY = 1, 2, 4, 8, 16
"""Flags of a word: its small form is itself; it begins with a letter; ASCII throughout; its forms are not letter by
letter (only the compiled lexer says so); a blank that counts for nothing."""


@dataclass(frozen=True, slots=True)
class Described:
    """What the network is told about n words."""

    codes: npt.NDArray[np.uint32]
    """(n, 8): keys of the word, of it with a capital, of its small form, of its own row; then the four `parts`."""
    flags: npt.NDArray[np.uint8]


def described(words: Sequence[str]) -> Described:
    """What the network is told about some words of texts."""
    codes = np.empty((len(words), 8), np.uint32)
    flags = np.empty(len(words), np.uint8)
    for number, found in enumerate(words):
        word = plain(found)
        small = word.lower()
        forms = (word, word.capitalize(), small, key(word))
        codes[number] = (*map(hashed, forms), *parts(word))
        flags[number] = (
            SAME * (word == small) | ALPHABETIC * word[:1].isalpha() | ASCII * word.isascii() | EMPTY * (not word)
        )
    return Described(codes, flags)
