"""What the passes offer, and what they find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from piiscan.passes.table import WordTable

IntArray = npt.NDArray[np.int64]
Stretches = tuple[IntArray, IntArray]
"""Starts and ends of stretches of a block, ascending."""
ENOUGH = 24
"""Members from which on a string is opaque even without a digit."""
CHUNK = 64
"""Bytes from one mark to the next."""
SPAN = 15
"""Bytes within which three colons are not those of a time of day."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one pass over all bytes of a block finds, each in order."""

    digits: Stretches
    """All runs of ASCII digits."""
    strings: Stretches
    """All runs of so many letters, digits and signs of Base64 (RFC 4648, both alphabets) that hold a digit or are
    `ENOUGH` long."""
    joints: IntArray
    """What joins groups of hexadecimal digits, by its first sign: two adjacent colons, three within `SPAN` bytes (times
    of day have but two), three dashes three apart, two dots five apart."""
    ats: IntArray
    """At-signs."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of digits of a block, in order, and how each is joined to the next."""

    data: npt.NDArray[np.uint8]
    starts: IntArray
    ends: IntArray
    sign: npt.NDArray[np.uint8]
    """The byte behind each run but the last."""
    joined: npt.NDArray[np.bool_]
    """Between run i and run i + 1 stands one separator, or a closing bracket and a space."""

    def chosen(self, which: IntArray) -> Runs:
        """Some of the runs; those between which others were are not joined."""
        if not len(which):
            return Runs(self.data, self.starts[:0], self.ends[:0], self.sign[:0], self.joined[:0])
        joined = self.joined[which[:-1]] & (np.diff(which) == 1)
        return Runs(self.data, self.starts[which], self.ends[which], self.sign[which[:-1]], joined)


@dataclass(frozen=True, slots=True)
class Groups:
    """Runs joined to numbers as people write them; dates and dotted quads are left out."""

    starts: IntArray
    ends: IntArray
    total: IntArray
    """Digits of each group."""
    before: npt.NDArray[np.uint8]
    """The byte before each group; a line feed where the block begins."""
    rest: IntArray
    """Digits of each group without those of its first run: all that a match can use that may not begin with it."""
    lettered: npt.NDArray[np.bool_]
    """A letter stands beside the group, directly or behind a blank or a dash."""
    capital: npt.NDArray[np.bool_]
    """A capital letter stands beside the group, directly or behind one sign that joins."""


class Passes(Protocol):
    """What both implementations offer, over the bytes of a block."""

    reads_words: bool
    """Whether `words` is quicker than a scanner of patterns."""

    def sweep(self, block: bytes, least: int) -> Swept:
        """What every block is looked through for; `least` (8 to 16) is the length of the shortest opaque string."""
        ...

    def byte(self, block: bytes, value: int) -> IntArray:
        """Where one byte stands."""
        ...

    def marks(self, block: bytes) -> IntArray:
        """The inner bytes (second and later) of the characters of UTF-8 before each `CHUNK` of bytes, and before the
        end."""
        ...

    def before(self, block: bytes, marks: IntArray, places: IntArray) -> IntArray:
        """The inner bytes before each of some places of a block, which may lie outside of it; `marks` are its own."""
        ...

    def framed(self, block: bytes, windows: Stretches) -> memoryview:
        """Stretches of a block joined by line feeds, one before the first and one behind the last too."""
        ...

    def words(self, block: bytes, table: WordTable, windows: Stretches) -> Stretches:
        """The words of a table inside some stretches of a block, as if nothing stood around these: the number of each,
        and the place behind it."""
        ...

    def keys(self, block: bytes, seen: bytearray) -> int:
        """Set the bits of `seen` (`1 << KEY_BITS` of them, lowest first) at the keys of the words of a block, and
        return the length of its longest run of digits, at most `KEY_RUN`. A word is a run of ASCII letters and digits
        that begins with a letter, case folded; it has a key for its first eight characters and its length, where these
        are all letters, and one for its first three. Beyond ASCII there is a key for the three, and one for the six,
        bytes from the first of a character on.
        """
        ...

    def gaps(self, seen: bytearray, dropped: int) -> bytes:
        """The numbers of the bits that are set in `seen`, less their `dropped` lower bits, as the gaps between them: a
        byte below 255 is one, 255 adds 255 to the next."""
        ...

    def runs(self, block: bytes, digits: Stretches) -> Runs:
        """The runs of digits of a block, as `sweep` found them, with what stands between them."""
        ...

    def timeless(self, runs: Runs) -> Runs:
        """The runs that are no part of a date, a time of day or a dotted quad: in logs, one in four."""
        ...

    def groups(self, runs: Runs, fewest: int) -> Groups:
        """The groups of at least `fewest` digits, in order."""
        ...

    def scattered(self, runs: Runs, digits: int, span: int) -> Stretches:
        """First and last of every so many (at most 8) digits that stand within `span` bytes, in runs with a capital
        letter beside them, directly or behind one sign that joins."""
        ...

    def countries(self, runs: Runs) -> IntArray:
        """Where two digits or more stand behind two letters that begin a word; with a blank or a dash between, the
        letters must be capitals, or prose would be full of them."""
        ...

    def wallets(self, runs: Runs) -> IntArray:
        """Where a word of 26 letters and digits begins with 1 or 3, or one of 11 stands behind bc, and goes on with a
        letter behind its first digits; looked at in every third place."""
        ...

    def quads(self, runs: Runs) -> IntArray:
        """The first run of every dotted quad of numbers up to 255 that is not part of something longer and may be a
        host's address: the same refusals as `values.ipv4`.

        Source: RFC 6943 section 3.1.1.
        """
        ...
