"""The pass over printable runs, for formats that no extractor knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from piiscan.errors import Encrypted
from piiscan.extract import Job
from piiscan.identify import ENCRYPTED_OLE, STRINGS_ONLY
from piiscan.model import Place, Segment, TextSegment

MEDIA_TYPES = frozenset({STRINGS_ONLY})

LEAST = 6
"""Characters of the shortest run that is kept."""
_READ = 4 << 20
_CARRY = 64 << 10
"""Bytes of a run at a block's end that are read again with the next block."""
_BATCH = 256 << 10
"""Characters of one segment."""
_ASCII = np.zeros(256, dtype=bool)
_ASCII[[9, *range(32, 127)]] = True
_LATIN = _ASCII.copy()
_LATIN[160:] = True
_CONTINUES = np.zeros(256, dtype=bool)
_CONTINUES[128:192] = True
_PACKAGE = "EncryptedPackage".encode("utf-16-le")


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
        cut = False
        while True:
            # One block more than the limit is asked for: only so is it known that something was left out.
            block = stream.read(_READ)
            if not block:
                break
            if done >= limit:
                cut = True
                break
            block = block[: limit - done]
            if not done and block.startswith(b"\xd0\xcf\x11\xe0") and _PACKAGE in block:
                raise Encrypted("an Office document under a password: no text read")
            data, base = carry + block, done - len(carry)
            done += len(block)
            keep = _open_run(data)
            for at, text in _runs(data[: len(data) - keep] if keep else data):
                if batch.add(base + at, text):
                    yield batch.take()
            carry = data[len(data) - keep :] if keep else b""
        for at, text in _runs(carry):
            batch.add(done - len(carry) + at, text)
        if batch.size:
            yield batch.take()
        left = f" of its first {limit >> 20} MiB" if cut else ""
        job.note("UNSUPPORTED_FILE_TYPE_EXCEPTION", f"{job.media_type}: only printable text{left} was read")


class _Batch:
    """Runs on their way into one segment."""

    def __init__(self, member: tuple[str, ...] | None) -> None:
        self._member = member
        self._texts: list[str] = []
        self._starts: list[int] = []
        self._places: list[Place] = []
        self.size = 0

    def add(self, at: int, text: str) -> bool:
        """Take a run in; true when the segment is full."""
        self._starts.append(self.size)
        self._places.append(Place(byte=at, member=self._member))
        self._texts.append(text)
        self.size += len(text) + 1
        return self.size >= _BATCH

    def take(self) -> TextSegment:
        """The segment so far; the batch is empty after it."""
        segment = TextSegment(
            text="\n".join(self._texts), starts=tuple(self._starts), places=tuple(self._places), prose=False
        )
        self._texts, self._starts, self._places, self.size = [], [], [], 0
        return segment


def _runs(data: bytes) -> Iterator[tuple[int, str]]:
    """Offset and text of each run, narrow ones and then wide ones."""
    if data.count(0) == len(data):
        return
    codes = np.frombuffer(data, dtype=np.uint8)
    good = _ASCII[codes]
    if not data.isascii():
        _mark_utf8(codes, good)
    for begin, end in _spans(good):
        yield begin, data[begin:end].decode("utf-8", "replace")
    if b"\0" not in data:
        return
    for parity in (0, 1):
        count = (len(codes) - parity) // 2
        wide = _LATIN[codes[parity : parity + 2 * count : 2]] & (codes[parity + 1 : parity + 2 * count : 2] == 0)
        for begin, end in _spans(wide):
            yield parity + 2 * begin, data[parity + 2 * begin : parity + 2 * end].decode("utf-16-le")


def _spans(good: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where at least `LEAST` marks stand in a row."""
    edges = np.flatnonzero(np.diff(good.view(np.int8), prepend=0, append=0))
    begins, ends = edges[0::2], edges[1::2]
    long = ends - begins >= LEAST
    return list(zip(begins[long].tolist(), ends[long].tolist(), strict=True))


def _mark_utf8(codes: npt.NDArray[np.uint8], good: npt.NDArray[np.bool_]) -> None:
    """Mark the characters of two to four bytes too (regular expressions read 10 MB/s here, this 100)."""
    follows = _CONTINUES[codes]
    for low, high, length in ((0xC2, 0xDF, 2), (0xE1, 0xEF, 3), (0xF0, 0xF4, 4)):
        if len(codes) < length:
            break
        heads = np.flatnonzero((codes[: len(codes) - length + 1] >= low) & (codes[: len(codes) - length + 1] <= high))
        for step in range(1, length):
            heads = heads[follows[heads + step]]
        for step in range(length):
            good[heads + step] = True


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
