"""The passes over every byte of a block: where digits, long strings, signs and the inner bytes of UTF-8 stand.

`passes.c` holds them as one small library without dependencies, built at installation where a C compiler is; without it
numpy finds the same, at a third of the speed. `PIISCAN_NO_NATIVE=1` leaves the library out (tests of the fallback).
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Stretches = tuple[IntArray, IntArray]
"""Starts and ends, ascending."""

VERSION = 3
"""Of the library's functions; one of another version was built from other sources and is not used."""
LIBRARY = "_passes.dll" if sys.platform == "win32" else "_passes.so"
ENOUGH = 24
"""Members from which on a string is opaque even without a digit."""
SPAN = 15
"""Bytes within which three colons are not those of a time of day."""


WORD = 8
"""Letters of the longest word of a `WordTable`."""
_SPREAD = 0x9E3779B97F4A7C15
"""The golden ratio of 64 bits (Knuth, The Art of Computer Programming 3, 6.4)."""


class WordTable:
    """Words of at most `WORD` ASCII letters and digits, in any case, each with a number: an open-addressed table."""

    def __init__(self, words: Mapping[str, int]) -> None:
        self.slots = 1 << max(4 * len(words), 8).bit_length()
        self.keys = np.zeros(self.slots, np.uint64)
        self.entries = np.zeros(self.slots, np.int64)
        for word, entry in words.items():
            folded = int.from_bytes(bytes(b | 0x20 for b in word.encode("ascii")), "little")
            slot = (folded * _SPREAD & 0xFFFFFFFFFFFFFFFF) >> 32 & self.slots - 1
            while self.keys[slot]:
                slot = slot + 1 & self.slots - 1
            self.keys[slot], self.entries[slot] = folded, entry
        self.taken = np.packbits(self.keys != 0, bitorder="little")


class Passes(Protocol):
    """What both implementations offer, over the bytes of a block."""

    reads_words: bool
    """Whether `words` is quicker than a scanner of patterns."""

    def digits(self, block: bytes) -> Stretches:
        """All runs of ASCII digits."""
        ...

    def opaque(self, block: bytes, least: int) -> Stretches:
        """All runs of `least` (8 to 16) or more letters, digits and signs of Base64 (RFC 4648, both alphabets) that
        hold a digit or are `ENOUGH` long."""
        ...

    def joints(self, block: bytes) -> IntArray:
        """What joins groups of hexadecimal digits, by its first sign: two adjacent colons, three within `SPAN` bytes
        (times of day have but two), three dashes three apart, two dots five apart."""
        ...

    def byte(self, block: bytes, value: int) -> IntArray:
        """Where one byte stands."""
        ...

    def inner(self, block: bytes) -> IntArray:
        """Where the second and later bytes of the characters of UTF-8 stand."""
        ...

    def words(self, block: bytes, table: WordTable, windows: Stretches) -> Stretches:
        """The words of a table inside some stretches of a block, as if nothing stood around these: the number of each,
        and the place behind it."""
        ...


class NumpyPasses:
    """The passes by numpy: several comparisons over all bytes, then arithmetic on where these hold."""

    reads_words = False

    def digits(self, block: bytes) -> Stretches:
        """See `Passes.digits`."""
        data = np.frombuffer(block, np.uint8)
        digit = (data - 48) < 10  # unsigned wrap-around: one comparison for both bounds
        edges = np.flatnonzero(digit[1:] != digit[:-1]) + 1
        if len(digit) and digit[0]:
            edges = np.concatenate(([0], edges))
        if len(edges) % 2:
            edges = np.concatenate((edges, [len(data)]))
        return edges[::2], edges[1::2]

    def opaque(self, block: bytes, least: int) -> Stretches:
        """See `Passes.opaque`."""
        data = np.frombuffer(block, np.uint8)
        # Comparisons run over eight times as many bytes a second as a table does (measured: 0.04 ms a megabyte each).
        digit = (data - 48) < 10
        letter = ((data | 32) - 97) < 26
        member = digit | letter | (data == 95) | (data == 45) | (data == 43) | (data == 47)
        # A run of fifteen holds a whole aligned word of eight, wherever it starts; one of fewer need not.
        step = 8 if least >= 15 else 4
        word: type[np.unsignedinteger[Any]] = np.uint64 if step == 8 else np.uint32
        words = member[: len(data) // step * step].view(word)
        full = np.flatnonzero(words == word(int("01" * step, 16)))
        if not len(full):
            return full, full
        heads = np.flatnonzero(np.diff(full, prepend=-9) > 1)
        starts = full[heads] * step
        ends = (full[np.concatenate((heads[1:] - 1, [len(full) - 1]))] + 1) * step
        edge = len(data) - 1
        for _ in range(step - 1):
            starts = starts - ((starts > 0) & member[np.maximum(starts - 1, 0)])
            ends = ends + ((ends <= edge) & member[np.minimum(ends, edge)])
        long = np.flatnonzero(ends - starts >= least)
        starts, ends = starts[long], ends[long]
        held = ends - starts >= ENOUGH
        for shift in range(ENOUGH):
            held |= digit[np.minimum(starts + shift, ends - 1)]
        return starts[held], ends[held]

    def joints(self, block: bytes) -> IntArray:
        """See `Passes.joints`."""
        data = np.frombuffer(block, np.uint8)
        colon, dash, dot = data == 58, data == 45, data == 46
        found = [
            few(colon[:-1] & colon[1:]),
            few(dash[:-6] & dash[3:-3] & dash[6:]) if len(data) > 6 else _NONE,
            few(dot[:-5] & dot[5:]) if len(data) > 5 else _NONE,
        ]
        colons = np.flatnonzero(colon)
        if len(colons) > 2:
            found.append(colons[:-2][colons[2:] - colons[:-2] <= SPAN])
        return np.unique(np.concatenate(found))

    def byte(self, block: bytes, value: int) -> IntArray:
        """See `Passes.byte`."""
        return few(np.frombuffer(block, np.uint8) == value)

    def inner(self, block: bytes) -> IntArray:
        """See `Passes.inner`."""
        return np.flatnonzero(np.frombuffer(block, np.int8) < -64)  # 0x80 to 0xBF as signed numbers

    def words(self, block: bytes, table: WordTable, windows: Stretches) -> Stretches:
        """See `Passes.words`."""
        known = dict(zip(table.keys.tolist(), table.entries.tolist(), strict=True))
        found: list[tuple[int, int]] = []
        for low, high in zip(windows[0].tolist(), windows[1].tolist(), strict=True):
            for word in _SHORT.finditer(block[low:high]):
                key = int.from_bytes(bytes(b | 0x20 for b in word[0]), "little")
                if key in known:
                    found.append((known[key], low + word.end()))
        both = np.array(found, np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]


class NativePasses:
    """The passes by the compiled library."""

    reads_words = True

    def __init__(self, library: ctypes.CDLL) -> None:
        number, text, array = ctypes.c_int64, ctypes.c_char_p, ctypes.c_void_p

        def function(name: str, *more: type) -> Callable[..., int]:
            found = getattr(library, f"passes_{name}")
            found.argtypes, found.restype = (text, number, *more), number
            return found  # type: ignore[no-any-return]

        self._kept = threading.local()
        self._digits = function("digits", array, array)
        self._opaque = function("opaque", number, number, array, array)
        self._joints = function("joints", number, array)
        self._byte = function("byte", number, array)
        self._inner = function("inner", array)
        self._words = function("words", *[array] * 2, number, *[array] * 3, number, *[array] * 2)

    def digits(self, block: bytes) -> Stretches:
        """See `Passes.digits`."""
        return self._stretches(len(block) // 2 + 1, self._digits, block, len(block))

    def opaque(self, block: bytes, least: int) -> Stretches:
        """See `Passes.opaque`."""
        return self._stretches(len(block) // (least + 1) + 1, self._opaque, block, len(block), least, ENOUGH)

    def joints(self, block: bytes) -> IntArray:
        """See `Passes.joints`."""
        return self._places(self._joints, block, len(block), SPAN)

    def byte(self, block: bytes, value: int) -> IntArray:
        """See `Passes.byte`."""
        return self._places(self._byte, block, len(block), value)

    def inner(self, block: bytes) -> IntArray:
        """See `Passes.inner`."""
        return self._places(self._inner, block, len(block))

    def words(self, block: bytes, table: WordTable, windows: Stretches) -> Stretches:
        """See `Passes.words`."""
        lows, highs = (np.ascontiguousarray(side, np.int64) for side in windows)
        most = int((highs - lows).sum()) // 2 + len(lows) + 1
        where = lows.ctypes.data, highs.ctypes.data, len(lows)
        held = table.keys.ctypes.data, table.entries.ctypes.data, table.taken.ctypes.data, table.slots
        return self._stretches(most, self._words, block, len(block), *where, *held)

    def _places(self, function: Callable[..., int], block: bytes, *numbers: int) -> IntArray:
        out = self._room(len(block))
        return out[: function(block, *numbers, out.ctypes.data)].copy()

    def _stretches(self, most: int, function: Callable[..., int], block: bytes, *numbers: int) -> Stretches:
        both = self._room(2 * most)
        starts, ends = both[:most], both[most:]
        count = function(block, *numbers, starts.ctypes.data, ends.ctypes.data)
        return starts[:count].copy(), ends[:count].copy()

    def _room(self, size: int) -> IntArray:
        """An array for the most that a function can find, kept by thread: what is not written costs no memory."""
        kept: IntArray | None = getattr(self._kept, "room", None)
        if kept is None or len(kept) < size:
            kept = self._kept.room = np.empty(size, np.int64)
        return kept


_NONE = np.empty(0, np.int64)
_SHORT = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Za-z]{1,8}(?![0-9A-Za-z])")


def few(flags: npt.NDArray[np.bool_]) -> IntArray:
    """As `np.flatnonzero`, faster where hardly any flag is set: eight flags are looked at in one comparison."""
    whole = len(flags) // 8 * 8
    words = flags[:whole].view(np.uint64)
    some = np.flatnonzero(words != 0)
    within = np.flatnonzero(words[some].view(np.bool_))
    return np.concatenate((some[within >> 3] * 8 + (within & 7), np.flatnonzero(flags[whole:]) + whole))


def native_passes() -> NativePasses | None:
    """The compiled library, where the installation has one of this version."""
    path = Path(__file__).with_name(LIBRARY)
    if sys.byteorder != "little":
        return None
    try:
        library = ctypes.CDLL(str(path))
        library.passes_version.restype = ctypes.c_int64
        return NativePasses(library) if library.passes_version() == VERSION else None
    except (OSError, AttributeError):
        return None


@cache
def passes() -> Passes:
    """The fastest passes that this installation has."""
    chosen = None if os.environ.get("PIISCAN_NO_NATIVE") == "1" else native_passes()
    return NumpyPasses() if chosen is None else chosen
