"""Texts as numbers of words: by a small compiled library (`lexer.c`) where one was built, else by a pattern.

Both number the words as they are met and find the same ones; the library does it without a Python string a word, ten
times as fast. `PIISCAN_NO_NATIVE=1` leaves it out (tests of the fallback).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from piiscan.ner.words import (
    PREFIXES,
    SHAPES,
    STRANGE,
    SUFFIXES,
    WORD,
    Described,
    described,
)

VERSION = 1
"""Of the library's functions; one of another version was built from other sources and is not used."""
LIBRARY = "_lexer.dll" if sys.platform == "win32" else "_lexer.so"

Ints = npt.NDArray[np.int32]
_POINTS = 0x110000
_PAGE = 256


@dataclass(frozen=True, slots=True)
class Lexed:
    """The words of texts, one text after the other, zeros between them."""

    numbers: npt.NDArray[np.int64]
    begins: Ints
    ends: Ints
    """Places of a word in its text, in characters."""
    owner: Ints
    """The text that a word is of."""
    fresh: Described
    """What is told about the words that got a number in these texts, in the order of their numbers."""


class Lexer(Protocol):
    """Numbers words, from 1 on, and knows them again."""

    known: int
    """Numbers that are given away, 0 among them: silence."""

    def read(self, texts: Sequence[str], rest: int) -> Lexed:
        """The words of some texts, `rest` zeros before, between and behind them."""
        ...

    def forget(self) -> None:
        """Begin anew."""
        ...


def lexer() -> Lexer:
    """The fastest lexer that this installation has."""
    library = None if os.environ.get("PIISCAN_NO_NATIVE") == "1" else native_library()
    return PlainLexer() if library is None else NativeLexer(library)


class PlainLexer:
    """Words by a pattern and a dictionary."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """See `Lexer.forget`."""
        self._index: dict[str, int] = {"": 0}
        self.known = 1

    def read(self, texts: Sequence[str], rest: int) -> Lexed:
        """See `Lexer.read`."""
        index = self._index
        silence = np.zeros(rest, np.int32)
        numbers, begins, ends, owner = ([silence] for _ in range(4))
        for place, text in enumerate(texts):
            words = WORD.findall(text)
            count = len(words)
            numbers += [np.fromiter([index.setdefault(w, len(index)) for w in words], np.int32, count), silence]
            end = np.cumsum(np.fromiter(map(len, words), np.int32, count), dtype=np.int32)
            begins += [np.concatenate((silence[:1], end[:-1])) if count else end, silence]
            ends += [end, silence]
            owner += [np.full(count, place, np.int32), silence]
        fresh = described(list(index)[self.known :])
        self.known = len(index)
        joined = np.concatenate(numbers).astype(np.int64)
        return Lexed(joined, np.concatenate(begins), np.concatenate(ends), np.concatenate(owner), fresh)


class NativeLexer:
    """Words by the compiled library, which keeps their hashes of 64 bits and no word."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._split, self._describe = library.lexer_split, library.lexer_describe
        number, array = ctypes.c_int64, ctypes.c_void_p
        self._split.argtypes = (array, array, number, number, array, array, array, number, *[array] * 6)
        self._describe.argtypes = (array, array, number, *[array] * 3, *[ctypes.c_uint32] * 3, array, array)
        self._split.restype = self._describe.restype = number
        self._points = _Points()
        self._slots = 1 << 17
        self.forget()

    def forget(self) -> None:
        """See `Lexer.forget`."""
        self._keys, self._ids = np.zeros(self._slots, np.uint64), np.zeros(self._slots, np.int32)
        self.known = 1

    def read(self, texts: Sequence[str], rest: int) -> Lexed:
        """See `Lexer.read`."""
        joined = "".join(texts)
        bounds = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=bounds[1:])
        points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        self._points.fill(joined, points)
        while self._slots < 2 * (self.known + len(joined)):
            self._grow()
        most = len(joined) + rest * (len(texts) + 1)
        numbers = np.empty(most, np.int64)
        begins, ends, owner = (np.empty(most, np.int32) for _ in range(3))
        fresh, known = np.empty((len(joined), 2), np.int64), np.array([self.known], np.int64)
        held = *_at(self._points.kinds, self._keys, self._ids), self._slots
        out = _at(known, numbers, begins, ends, owner, fresh)
        count = self._split(*_at(points, bounds), len(texts), rest, *held, *out)
        places = fresh[: int(known[0]) - self.known]
        self.known = int(known[0])
        found = self._described(joined, points, places)
        return Lexed(numbers[:count], begins[:count], ends[:count], owner[:count], found)

    def _described(self, text: str, points: npt.NDArray[np.uint32], places: npt.NDArray[np.int64]) -> Described:
        codes, flags = np.empty((len(places), 8), np.uint32), np.empty(len(places), np.uint8)
        tables = _at(self._points.kinds, self._points.lower, self._points.title)
        places = np.ascontiguousarray(places)
        self._describe(*_at(points, places), len(places), *tables, PREFIXES, SUFFIXES, SHAPES, *_at(codes, flags))
        strange = np.flatnonzero(flags & STRANGE)
        if len(strange):
            told = described([text[begin:end] for begin, end in places[strange].tolist()])
            codes[strange], flags[strange] = told.codes, told.flags
        return Described(codes, flags)

    def _grow(self) -> None:
        keys, ids = self._keys, self._ids
        self._slots *= 2
        self._keys, self._ids = np.zeros(self._slots, np.uint64), np.zeros(self._slots, np.int32)
        mask = self._slots - 1
        for slot in np.flatnonzero(keys).tolist():
            place = (int(keys[slot]) >> 20) & mask
            while self._keys[place]:
                place = (place + 1) & mask
            self._keys[place], self._ids[place] = keys[slot], ids[slot]


class _Points:
    """What each code point is: tables over all of Unicode, of which a page is filled when a text needs it."""

    def __init__(self) -> None:
        # Zeros cost no memory until a page is written.
        self.kinds = np.zeros(_POINTS, np.uint8)
        self.lower, self.title = np.zeros(_POINTS, np.uint32), np.zeros(_POINTS, np.uint32)
        self._filled = np.zeros(_POINTS // _PAGE, np.bool_)
        self._fill(0)

    def fill(self, text: str, points: npt.NDArray[np.uint32]) -> None:
        """Fill the pages of a text's code points."""
        if text.isascii():
            return
        pages = points >> 8
        if not self._filled[pages].all():
            for page in np.unique(pages[~self._filled[pages]]).tolist():
                self._fill(page)

    def _fill(self, page: int) -> None:
        for point in range(page * _PAGE, (page + 1) * _PAGE):
            char = chr(point)
            small, title = char.lower(), char.title()
            decimal = char.isdecimal()
            self.kinds[point] = (
                (char.isalnum() and not decimal)
                | decimal << 1
                | char.isspace() << 2
                | char.isupper() << 3
                | char.isalpha() << 4
                | char.isdigit() << 5
                # The small form of a capital sigma depends on the letters around it; that of a few is two letters.
                | (len(small) != 1 or len(title) != 1 or char == "Σ") << 6
            )
            self.lower[point], self.title[point] = ord(small[0]), ord(title[0])
        self._filled[page] = True


def _at(*arrays: npt.NDArray[Any]) -> list[int]:
    return [array.__array_interface__["data"][0] for array in arrays]


def native_library() -> ctypes.CDLL | None:
    """The compiled library, where the installation has one of this version."""
    if sys.byteorder != "little":
        return None
    try:
        library = ctypes.CDLL(str(Path(__file__).with_name(LIBRARY)))
        library.lexer_version.restype = ctypes.c_int64
        return library if library.lexer_version() == VERSION else None
    except (OSError, AttributeError):
        return None
