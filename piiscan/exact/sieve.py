"""A set of fast hashes, of which it is known for certain what is not in it: a Bloom filter, one word for each hash.

Three bits of one 64-bit word are set for each hash, so that a question costs one memory access. At 24 to 48 bits a
value about one stranger in 300 passes.

Source: Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007 (blocked filters).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
_SIX = np.uint64(63)
_ONE = np.uint64(1)
BITS = 24
"""Bits of a sieve for each value, at least."""


def words_for(values: int) -> int:
    """The size of a sieve for so many values, in 64-bit words: a power of two.

    >>> words_for(0), words_for(1_000)
    (1, 512)
    """
    return 1 << max(values * BITS // 64, 0).bit_length() if values else 1


def _bits(hashes: U64) -> U64:
    mask: U64 = _ONE << (hashes & _SIX)
    mask |= _ONE << ((hashes >> np.uint64(6)) & _SIX)
    mask |= _ONE << ((hashes >> np.uint64(12)) & _SIX)
    return mask


def _slots(hashes: U64, size: int) -> npt.NDArray[np.int64]:
    """Which word answers for each hash: by the upper bits, while the lower ones choose the bits."""
    return ((hashes >> np.uint64(20)) & np.uint64(size - 1)).astype(np.int64)


def filled(parts: Iterable[U64], values: int) -> U64:
    """A sieve that lets these hashes pass, of a size for so many different ones."""
    words = np.zeros(words_for(values), np.uint64)
    for part in parts:
        np.bitwise_or.at(words, _slots(part, len(words)), _bits(part))
    return words


def passing(words: U64, hashes: U64) -> npt.NDArray[np.bool_]:
    """Which hashes may be in the sieve."""
    mask = _bits(hashes)
    found: npt.NDArray[np.bool_] = (words[_slots(hashes, len(words))] & mask) == mask
    return found
