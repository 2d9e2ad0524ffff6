"""Records of access logs: CloudTrail's JSON and the lines of S3's server access logs, by the library or in Python.

Of each record is told where its fields stand, when it was, how many bytes went, and hashes by which a caller knows
again who asked, what for, and how it went: of a million records few have to be looked at one by one.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from piiscan.passes.contract import IntArray
from piiscan.passes.native import NativePasses, native_passes

ESCAPED = 1 << 30
"""Added to the length of a JSON string with a backslash in it."""
LONGEST = 4 << 20
"""Bytes from which on a record that does not end is broken; CloudTrail's own are at most 1 MB."""


class Field(IntEnum):
    """Texts of a record, by their place in `spans`. Of a line, the requester stands in ARN, and the status in TYPE."""

    EVENT = 0
    SOURCE = 1
    ERROR = 2
    CATEGORY = 3
    MANAGEMENT = 4
    TYPE = 5
    BUCKET = 6
    KEY = 7
    OBJECT_ARN = 8
    BUCKET_ARN = 9
    OWNER = 10
    RECIPIENT = 11
    COPY = 12
    KIND = 13
    PRINCIPAL = 14
    ARN = 15
    ACCOUNT = 16
    USER = 17
    INVOKED = 18
    ISSUER = 19
    PROVIDER = 20
    BEHALF = 21
    IP = 22
    REQUEST = 23
    ID = 24


HOW = range(Field.EVENT, Field.BUCKET)
WHAT = range(Field.BUCKET, Field.KIND)
WHO = range(Field.KIND, Field.REQUEST)
NUMBERS, HASHES = 3, 4


@dataclass(frozen=True, slots=True)
class Records:
    """Some records of a text, in order."""

    text: bytes | bytearray
    spans: npt.NDArray[np.int32]
    """(record, field, start and length) in bytes of the text; length 0: the record has no such field."""
    numbers: IntArray
    """(record, 3): second since 1970 (-1: none), bytes sent, bytes received or, of a line, of the object (-1: not
    told)."""
    hashes: npt.NDArray[np.uint64]
    """(record, 4): of the fields of WHAT, WHO and HOW, good within this process; of the request's name (or the event's,
    where it has none), the same in each process, 0: it has no name."""
    behind: int
    """Where the next call should begin."""
    broken: int
    """Records, or lines, that were not understood."""
    state: int
    """1: the array has ended. 2: what is left is broken, and the next record was not found yet."""

    def __len__(self) -> int:
        return len(self.numbers)

    def raw(self, record: int, field: int) -> bytes:
        """A field as its bytes stand in the text, quotes left out; empty: it has none."""
        start, length = self.spans[record, field].tolist()
        return bytes(self.text[start : start + (length & (ESCAPED - 1))])

    def escaped(self, record: int, field: int) -> bool:
        """Whether a field is a JSON string with a backslash in it."""
        return bool(self.spans[record, field, 1] & ESCAPED)


class LogPasses(Protocol):
    """What both implementations offer."""

    def trail(self, text: bytearray, begin: int, *, lost: bool, last: bool, most: int) -> Records:
        """Records of a CloudTrail file from a place on that stands in its array.

        `lost`: it stands in something broken, and the next record is looked for. `last`: the file ends with the text.
        """
        ...

    def lines(self, text: bytearray, begin: int, *, last: bool, most: int) -> Records:
        """Lines of a server access log from a place on."""
        ...

    def numbered(self, keys: npt.NDArray[np.uint64], known: Numbering) -> tuple[npt.NDArray[np.int32], IntArray]:
        """The number of each key, and which of the keys were new, in the order of their numbers."""
        ...


class Numbering:
    """Keys that have got numbers from 0 on."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.count = 0
        self.slots = 1 << 12
        self.held = np.zeros(self.slots, np.uint64)
        self.ids = np.full(self.slots, -1, np.int32)
        self.index: dict[int, int] = {}

    def room_for(self, more: int) -> None:
        """Have enough slots for so many more keys."""
        while self.slots < 2 * (self.count + more):
            keys, ids = self.held[self.ids >= 0], self.ids[self.ids >= 0]
            self.slots *= 2
            self.held, self.ids = np.zeros(self.slots, np.uint64), np.full(self.slots, -1, np.int32)
            slots = (keys >> np.uint64(20)).astype(np.int64) & (self.slots - 1)
            # One of the keys that want a slot gets it; the others look at the next one.
            while len(keys):
                free = self.ids[slots] < 0
                self.held[slots[free]], self.ids[slots[free]] = keys[free], ids[free]
                left = self.held[slots] != keys
                keys, ids, slots = keys[left], ids[left], (slots[left] + 1) & (self.slots - 1)


class NativeLogs:
    """The passes by the compiled library."""

    def __init__(self, native: NativePasses) -> None:
        self._native = native
        self._seed = secrets.randbits(63)

    def trail(self, text: bytearray, begin: int, *, lost: bool, last: bool, most: int) -> Records:
        """See `LogPasses.trail`."""
        spans, numbers, hashes, state = _room(most)
        count = self._native.trail(
            text, begin, (int(lost), int(last), LONGEST, self._seed, most), spans, numbers, hashes, state
        )
        behind, broken, ended = state.tolist()
        return Records(text, spans[:count], numbers[:count], hashes[:count], behind, broken, ended)

    def lines(self, text: bytearray, begin: int, *, last: bool, most: int) -> Records:
        """See `LogPasses.lines`."""
        spans, numbers, hashes, state = _room(most)
        count = self._native.lines(text, begin, (int(last), self._seed, most), spans, numbers, hashes, state)
        behind, broken, _ = state.tolist()
        return Records(text, spans[:count], numbers[:count], hashes[:count], behind, broken, 0)

    def numbered(self, keys: npt.NDArray[np.uint64], known: Numbering) -> tuple[npt.NDArray[np.int32], IntArray]:
        """See `LogPasses.numbered`."""
        known.room_for(len(keys))
        out, fresh = np.empty(len(keys), np.int32), np.empty(len(keys), np.int64)
        count = self._native.numbered(keys, known.count, known.held, known.ids, out, fresh)
        known.count += count
        return out, fresh[:count]


def _room(
    most: int,
) -> tuple[npt.NDArray[np.int32], IntArray, npt.NDArray[np.uint64], IntArray]:
    return (
        np.empty((most, len(Field), 2), np.int32),
        np.empty((most, NUMBERS), np.int64),
        np.empty((most, HASHES), np.uint64),
        np.zeros(3, np.int64),
    )


@cache
def log_passes() -> LogPasses:
    """The fastest of them that this installation has."""
    native = None if os.environ.get("PIISCAN_NO_NATIVE") == "1" else native_passes()
    if native is not None:
        return NativeLogs(native)
    from piiscan.passes.logs_plain import PlainLogs

    return PlainLogs()
