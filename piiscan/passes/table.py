"""A table of short words that `passes.c` reads as it lies in memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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
        self.sieve = np.zeros(1 << 13, np.uint8)
        """A bit for every value of the upper sixteen bits of a hash: whether some word has it."""
        for key in self.keys[self.keys > 0].tolist():
            top = (key * _SPREAD & 0xFFFFFFFFFFFFFFFF) >> 48
            self.sieve[top >> 3] |= 1 << (top & 7)
