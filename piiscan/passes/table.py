"""A table of short words that `passes.c` reads as it lies in memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

KEY_BITS = 18
"""Keys of words are numbers of so many bits."""
KEY_RUN = 48
"""Digits in a row that are told from fewer."""
WORD = 8
"""Letters of the longest word of a `WordTable`."""
_LONGEST, _OPENING = 15, 16
_SPREAD_TOO = 0xD1B54A32D192ED03
_SPREAD = 0x9E3779B97F4A7C15
"""The golden ratio of 64 bits (Knuth, The Art of Computer Programming 3, 6.4)."""


def word_key(text: bytes, *, opening: bool = False) -> int:
    """The key (see `Passes.keys`) of a word in small letters, or of some bytes beyond ASCII; `opening`: of a word's
    first three bytes."""
    length = _OPENING if opening else min(len(text), _LONGEST)
    value = int.from_bytes(text[:WORD], "little") + length * _SPREAD_TOO
    return (value * _SPREAD & 0xFFFFFFFFFFFFFFFF) >> (64 - KEY_BITS)


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
        self.sieve = np.zeros(1 << 13, np.uint8)
        """A bit for every value of the upper sixteen bits of a hash: whether some word has it."""
        for key in self.keys[self.keys > 0].tolist():
            top = (key * _SPREAD & 0xFFFFFFFFFFFFFFFF) >> 48
            self.sieve[top >> 3] |= 1 << (top & 7)
