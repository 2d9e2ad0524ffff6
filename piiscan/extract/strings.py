"""The pass over printable runs, for formats that no extractor knows.

Whole blocks go through numpy, with no step of Python for a run: a third of the bytes of a real tree are libraries and
compiled modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from piiscan.errors import Encrypted
from piiscan.extract import Job
from piiscan.extract.places import lazy
from piiscan.identify import ENCRYPTED_OLE, STRINGS_ONLY
from piiscan.model import Place, Segment, TextSegment

MEDIA_TYPES = frozenset({STRINGS_ONLY})

LEAST = 6
"""Characters of the shortest run that is kept."""
_READ = 4 << 20
_CARRY = 64 << 10
"""Bytes of a run at a block's end that are read again with the next block."""
_BATCH = 512 << 10
"""Characters of one segment."""
_ASCII = bytes(n == 9 or 32 <= n < 127 for n in range(256))
"""Tables for `bytes.translate`: 1 where the byte is a printable character, here of ASCII."""
_LATIN = bytes(n == 9 or 32 <= n < 127 or n >= 160 for n in range(256))
_CONTINUES = bytes(128 <= n < 192 for n in range(256))
_LEADS = bytes(0xC2 <= n <= 0xF4 for n in range(256))
_PACKAGE = "EncryptedPackage".encode("utf-16-le")

Flags = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


class Strings:
    """The extractor of everything else."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The printable runs of the first `limits.strings_bytes`, one a line, with their byte offsets.

        Raises: Encrypted for an Office document under a password.
        """
        if job.media_type == ENCRYPTED_OLE:
            raise Encrypted("an Office document under a password: no text read")
        batch = _Batch(job.member or None)
        done, carry, limit = 0, b"", job.limits.strings_bytes
        block = stream.read(_READ)
        if block.startswith(b"\xd0\xcf\x11\xe0") and _PACKAGE in block:
            raise Encrypted("an Office document under a password: no text read")
        while block and done < limit:
            data, base = carry + block[: limit - done], done - len(carry)
            done = base + len(data)
            # One block more than the limit is asked for: only so is it known that something was left out.
            block = stream.read(_READ)
            keep = _open_run(data) if block and done < limit else 0
            carry = data[len(data) - keep :] if keep else b""
            for runs in _runs(data[: len(data) - keep] if keep else data):
                yield from batch.add(base, runs)
        yield from batch.flush()
        left = f" of its first {limit >> 20} MiB" if block else ""
        job.note("UNSUPPORTED_FILE_TYPE_EXCEPTION", f"{job.media_type}: only printable text{left} was read")


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of one block, one a line."""

    text: str
    """Every run with a line feed behind it."""
    starts: Numbers
    """Where each run begins in `text`."""
    offsets: Numbers
    """Where it begins in the block."""


class _Batch:
    """Runs on their way into segments."""

    def __init__(self, member: tuple[str, ...] | None) -> None:
        self._place = Place(member=member)
        self._texts: list[str] = []
        self._starts: list[Numbers] = []
        self._offsets: list[Numbers] = []
        self._size = 0

    def add(self, base: int, runs: _Runs) -> Iterator[TextSegment]:
        """Take runs in, of a block that begins at `base`; gives a segment whenever enough came together."""
        begin, count = 0, len(runs.starts)
        while begin < count:
            first = int(runs.starts[begin])
            # The run that reaches the limit still belongs to this segment.
            end = int(np.searchsorted(runs.starts, first + _BATCH - self._size))
            low, high = first, int(runs.starts[end]) if end < count else len(runs.text)
            self._starts.append(runs.starts[begin:end] + (self._size - low))
            self._offsets.append(runs.offsets[begin:end] + base)
            self._texts.append(runs.text[low:high])
            self._size += high - low
            begin = end
            if self._size >= _BATCH:
                yield from self.flush()

    def flush(self) -> Iterator[TextSegment]:
        """The segment so far, if there is anything."""
        if not self._size:
            return
        starts, offsets = np.concatenate(self._starts).tolist(), np.concatenate(self._offsets).tolist()
        text = "".join(self._texts)[:-1]
        self._texts, self._starts, self._offsets, self._size = [], [], [], 0
        yield TextSegment(
            text, starts=tuple(starts), places=lazy(self._place, {"byte": offsets}, len(starts)), prose=False
        )


def _runs(data: bytes) -> Iterator[_Runs]:
    """Narrow runs, then wide ones on even and on odd bytes."""
    if len(data) < LEAST or data.count(0) == len(data):
        return
    codes = np.frombuffer(data, dtype=np.uint8)
    good = _table(data, _ASCII)
    if not data.isascii():
        good = good.copy()
        _mark_utf8(data, codes, good)
    found = _long(good, 1)
    if found.any():
        yield _gathered(codes, found, "utf-8")
    if b"\0\0" not in data and data.count(0) < LEAST:
        return
    wide = _table(data, _LATIN)[:-1] & (codes[1:] == 0)
    long = _long(wide, 2)
    for parity in (0, 1) if long.any() else ():
        found = long[parity::2]
        if found.any():
            runs = _gathered(codes[parity::2], found, "latin-1")
            yield _Runs(runs.text, runs.starts, parity + 2 * runs.offsets)


def _table(data: bytes, table: bytes) -> Flags:
    """1 where `table` says so (a lookup by numpy takes five times as long)."""
    return np.frombuffer(data.translate(table), dtype=np.uint8)


def _long(good: Flags, step: int) -> Flags:
    """1 where `LEAST` marks follow each other at `step`, from there on."""
    if len(good) <= (LEAST - 1) * step:
        return good[:0]
    two = good[:-step] & good[step:]
    four = two[: -2 * step] & two[2 * step :]
    six: Flags = four[: -2 * step] & two[4 * step :]
    return six


def _gathered(codes: Flags, found: Flags, charset: str) -> _Runs:
    """The runs whose first `LEAST` characters begin where `found` is 1, up to their ends."""
    padded = np.zeros(len(found) + 2, dtype=np.uint8)
    padded[1:-1] = found
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    offsets, ends = edges[0::2], edges[1::2] + (LEAST - 1)
    count = len(found) + LEAST
    kept = np.zeros(count, dtype=np.uint8)
    two = np.zeros(count, dtype=np.uint8)
    two[: len(found)] = found
    two[1 : len(found) + 1] |= found
    kept |= two
    kept[2:] |= two[:-2]
    kept[4:] |= two[:-4]
    # A run is followed by a byte that is none of it: that becomes the line feed.
    kept[ends] = 1
    chars = np.zeros(count, dtype=np.uint8)
    chars[: min(count, len(codes))] = codes[:count]
    chars[ends] = 10
    out = chars[kept.view(bool)]
    sizes = ends - offsets + 1
    if charset == "utf-8" and (out & 0x80).any():
        counts = np.cumsum((out & 0xC0) != 0x80)
        starts = np.concatenate(([0], counts[np.cumsum(sizes)[:-1] - 1]))
    else:
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return _Runs(out.tobytes().decode(charset, "replace"), starts.astype(np.int64), offsets.astype(np.int64))


def _mark_utf8(data: bytes, codes: Flags, good: Flags) -> None:
    """Mark the characters of two to four bytes too, well-formed ones only. Source: Unicode 15.0, table 3-7."""
    follows = _table(data, _CONTINUES)
    heads = np.flatnonzero(_table(data, _LEADS)[:-1] & follows[1:])
    first, second = codes[heads], codes[heads + 1]
    wrong = ((first == 0xE0) & (second < 0xA0)) | ((first == 0xED) & (second > 0x9F))
    wrong |= ((first == 0xF0) & (second < 0x90)) | ((first == 0xF4) & (second > 0x8F))
    heads, first = heads[~wrong], first[~wrong]
    for low, high, length in ((0xC2, 0xDF, 2), (0xE0, 0xEF, 3), (0xF0, 0xF4, 4)):
        these = heads[(first >= low) & (first <= high) & (heads + length <= len(codes))]
        for step in range(2, length):
            these = these[follows[these + step] == 1]
        for step in range(length):
            good[these + step] = 1


def _open_run(data: bytes) -> int:
    """Bytes at the end that may belong to a run which goes on in the next block."""
    tail = data[-_CARRY:]
    at = len(tail)
    while at > 0 and ((tail[at - 1] >= 0x20 and tail[at - 1] != 0x7F) or tail[at - 1] == 9):
        at -= 1
    if at == len(tail) or (at > 0 and tail[at - 1] == 0):
        # Perhaps wide: a printable byte and a zero in turn.
        while at > 1 and tail[at - 1] == 0 and tail[at - 2] >= 0x20:
            at -= 2
        # A narrow run with a zero behind it looks like the end of a wide one.
        while at > 0 and 0x20 <= tail[at - 1] < 0x7F:
            at -= 1
    return len(tail) - at


EXTRACTOR = Strings()
