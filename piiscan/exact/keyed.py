"""What a set derives from its key: the hash of values, the fast hash, the cipher of the sieves, the tags of rows.

Why a set tells nothing without the key. A value is stored as 64 bits of BLAKE2b under a key of 256 bits that is not in
the file: who cannot guess the key cannot try values either, however few there are of them. The fast hash that numpy can
make for many candidates is no such function: it is made of multiplications, and whoever knew some values could work its
secret out. So none of its output stands in the file as it is: the sieves that it fills are encrypted with SHAKE-256
under another key, and only a process that has the key sees them. Row numbers are permuted, so that the order of the
table, by which a row could be known again, is not in the file. Every set has a salt: nothing links two sets' hashes.

Source: BLAKE2, RFC 7693, keyed mode, with its salt and personalisation; SHAKE-256, FIPS 202; balanced Feistel networks,
Luby and Rackoff 1988.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
SALT_BYTES = 16
MAC_BYTES = 16
_PERSON = b"piiscan-exact-1"
_ROUNDS = 4
SUPPORTING = 128
"""Added to the kind of a value of a supporting column: what counts beside others only is never met by chance."""


class Keyed:
    """What one key makes of one set."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._key, self._salt = key, salt
        copy = hashlib.blake2b(digest_size=8, key=self._derived("values")).copy
        self._copy: Callable[[], hashlib.blake2b] = copy
        self.factors: tuple[np.uint64, ...] = tuple(
            np.uint64(int(n) | 1) for n in np.frombuffer(self.stream("factors", 8 * 4), "<u8")
        )
        """Odd numbers that the fast hash multiplies with."""

    def __repr__(self) -> str:
        return "Keyed(...)"

    def _derived(self, purpose: str) -> bytes:
        """A key of 64 bytes for one purpose."""
        return hashlib.blake2b(purpose.encode(), key=self._key, salt=self._salt, person=_PERSON).digest()

    def stream(self, purpose: str, size: int) -> bytes:
        """Pseudo-random bytes for one purpose."""
        return hashlib.shake_256(self._derived(purpose)).digest(size)

    def mac(self, header: bytes) -> bytes:
        """A checksum of the header that only who has the key can make."""
        return hashlib.blake2b(header, key=self._derived("header"), digest_size=MAC_BYTES).digest()

    def hashes(self, values: Iterable[tuple[int, bytes]], supporting: bool = False) -> U64:
        """The stored hash of each (kind, form), or the one that it has in a supporting column."""
        more = SUPPORTING if supporting else 0
        copy, out = self._copy, bytearray()
        for kind, form in values:
            state = copy()
            state.update(b"%c" % (kind + more) + form)
            out += state.digest()
        return np.frombuffer(bytes(out), "<u8").astype(np.uint64, copy=False)

    def row_tags(self, rows: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Row numbers permuted: each has a tag of its own, in an order that only the key tells."""
        tables = np.frombuffer(self.stream("rows", _ROUNDS << 17), "<u2").reshape(_ROUNDS, 1 << 16)
        left, right = (rows >> 16).astype(np.uint16), (rows & 0xFFFF).astype(np.uint16)
        for table in tables:
            left, right = right, left ^ table[right]
        tags: npt.NDArray[np.uint32] = (left.astype(np.uint32) << np.uint32(16)) | right
        return tags

    def mixed(self, first: U64, last: U64, more: U64 | np.uint64) -> U64:
        """The fast hash of some values, by their first and last eight bytes and one number more; for sieves only."""
        one, two, three, four = self.factors
        x = (first ^ four) * one
        x ^= x >> np.uint64(31)
        x += last
        x *= two
        x ^= x >> np.uint64(29)
        x += more
        x *= three
        x ^= x >> np.uint64(32)
        x *= one
        x ^= x >> np.uint64(30)
        return x
