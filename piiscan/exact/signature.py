"""The fast hash of many values at once, read out of one buffer; what values and text are compared by first.

It is lossy on purpose (the ends of a value, not all of it): what passes is looked at with care.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from piiscan.exact.keyed import U64, Keyed
from piiscan.exact.normal import Kind

IntArray = npt.NDArray[np.int64]
PAD = 16
"""Bytes that must stand before the first and behind the last position of a buffer."""
PREFIX = 8
"""Bytes of the longest prefix."""
_FOLD = np.uint64(0x2020202020202020)
"""The bit that tells lower from upper case in ASCII; what else it joins does not matter here."""
_LOW = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
_EDGE = np.array([b > 127 or chr(b).isalnum() for b in range(256)], np.bool_)
# Quotes may be part of an address, but are around it more often.
_BEFORE = np.array([b > 127 or chr(b).isalnum() or chr(b) in "._+-" for b in range(256)], np.bool_)
_BEHIND = np.array([b > 127 or chr(b).isalnum() or chr(b) in ".-" for b in range(256)], np.bool_)
_EIGHT = np.arange(8)


class Buffer:
    """Bytes with room around them, readable as 64-bit words from any place."""

    def __init__(self, block: bytes) -> None:
        whole = b"\n" * PAD + block + b"\n" * PAD
        self.size = len(block)
        self.whole: npt.NDArray[np.uint8] = np.frombuffer(whole, np.uint8)
        """The bytes of the block from `PAD` on, line feeds around them."""
        self.data = self.whole[PAD:]
        self._words: U64 = np.ndarray((len(whole) - 7,), "<u8", whole, 0, (1,))

    def words(self, at: IntArray) -> U64:
        """The eight bytes from each offset on, the first one lowest."""
        found: U64 = self._words[at + PAD]
        return found


def ends(keyed: Keyed, kind: Kind, buffer: Buffer, starts: IntArray, sizes: IntArray) -> U64:
    """The fast hash of values of letters and digits that lie in a buffer."""
    short = np.minimum(sizes, 8)
    first = (buffer.words(starts) | _FOLD) & _LOW[short]
    last = (buffer.words(starts + sizes - 8) | _FOLD) >> ((8 - short) << 3).astype(np.uint64)
    return keyed.mixed(first, last, (sizes * 4 + int(kind)).astype(np.uint64))


def first_bytes(buffer: Buffer, starts: IntArray, sizes: IntArray) -> U64:
    """The first bytes of some values, up to eight of them, the others zero."""
    found: U64 = buffer.words(starts) & _LOW[sizes]
    return found


def prefixes(keyed: Keyed, buffer: Buffer, starts: IntArray, size: int) -> U64:
    """The fast hash of the first `size` bytes (up to eight) from each offset on."""
    first = (buffer.words(starts) | _FOLD) & _LOW[size]
    return keyed.mixed(first, first, np.uint64(size * 4))


def addresses(keyed: Keyed, buffer: Buffer, at: IntArray) -> U64:
    """The fast hash of the addresses of mail around some `@`, by what stands within eight bytes on both sides."""
    before = ~_BEFORE[buffer.whole[at[:, None] + (PAD - 1 - _EIGHT)]]
    size = np.where(before.any(axis=1), before.argmax(axis=1), 8)
    left = np.where(
        size > 0, (buffer.words(at - 8) | _FOLD) >> (((8 - size) << 3) & 63).astype(np.uint64), np.uint64(0)
    )
    behind = buffer.data[at[:, None] + (1 + _EIGHT)]
    stop = ~_BEHIND[behind]
    inside = np.where(stop.any(axis=1), stop.argmax(axis=1), 8)
    # A full stop or a dash behind an address is not part of it.
    solid = _EDGE[behind] & (_EIGHT < inside[:, None])
    size = np.where(solid.any(axis=1), 8 - solid[:, ::-1].argmax(axis=1), 0)
    right = (buffer.words(at + 1) | _FOLD) & _LOW[size]
    return keyed.mixed(left, right, np.uint64(int(Kind.EMAIL)))
