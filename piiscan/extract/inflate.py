"""Decompression in bounded memory: every piece that comes out is booked in the budget before it is used."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from piiscan.errors import LimitReached, Malformed, UnsupportedFormat
from piiscan.extract import Budget

OUT = 1 << 20
"""Most bytes that one step gives out."""
MEMORY = 512 << 20
"""Most bytes that an xz or LZMA dictionary may take."""
ERRORS = (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError)


class Decompressor(Protocol):
    """The common face of the three libraries, after `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""

    @property
    def unused_data(self) -> bytes:
        """What was found behind that end."""

    @property
    def needs_input(self) -> bool:
        """Whether more can only come out when more goes in."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Up to `max_length` bytes."""


class Inflate:
    """Deflate with the face of `bz2.BZ2Decompressor`. `wbits`: 31 for gzip, -15 for raw."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._full = False
        self._broken: zlib.error | None = None

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What was found behind that end."""
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        """Whether more can only come out when more goes in."""
        return not self._full and not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Up to `max_length` bytes; of damaged data all that stands before the damage. Raises: zlib.error behind it."""
        if self._broken is not None:
            raise self._broken
        before, data = self._inner.copy(), self._inner.unconsumed_tail + data
        try:
            out = self._inner.decompress(data, max_length)
        except zlib.error as err:
            # zlib keeps what it had of this step to itself: it is asked again, up to the byte that is wrong.
            self._broken = err
            out = _before_damage(before, data, max_length)
            if not out:
                raise
        self._full = len(out) >= max_length
        return out


def _before_damage(machine: Any, data: bytes, most: int) -> bytes:
    """What some data give out before the first of their bytes that is wrong, at most so many bytes."""
    out, left = bytearray(), b""
    for step in (4096, 64, 1):
        while data and (most < 0 or len(out) < most):
            trial = machine.copy()
            try:
                out += trial.decompress(left + data[:step], max(most - len(out), 0))
            except zlib.error:
                break
            machine, left, data = trial, trial.unconsumed_tail, data[step:]
    return bytes(out)


class Stored:
    """No compression at all."""

    eof = False
    unused_data = b""
    needs_input = True

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """The data themselves, whatever their length: they came in one bounded piece."""
        return data


class ZipLzma:
    """LZMA as ZIP stores it: four bytes of version and length, the properties, the raw stream.

    Source: APPNOTE.TXT 6.3.10, section 5.8.8.
    """

    unused_data = b""

    def __init__(self) -> None:
        self._head = b""
        self._inner: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was reached."""
        return self._inner is not None and self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether more can only come out when more goes in."""
        return self._inner is None or self._inner.needs_input

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Up to `max_length` bytes. Raises: LimitReached for a dictionary that is too large."""
        if self._inner is not None:
            return self._inner.decompress(data, max_length)
        self._head += data
        if len(self._head) < 9:
            return b""
        flags, dictionary = self._head[4], int.from_bytes(self._head[5:9], "little")
        if dictionary > MEMORY:
            raise LimitReached("an LZMA member asks for too large a dictionary", reason="MEMORY_LIMIT")
        chosen = {
            "id": lzma.FILTER_LZMA1,
            "dict_size": max(dictionary, 4096),
            "lc": flags % 9,
            "lp": flags // 9 % 5,
            "pb": flags // 45,
        }
        self._inner = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
        return self._inner.decompress(self._head[9:], max_length)


def by_zip_method(method: int) -> Decompressor:
    """The decompressor of a ZIP compression method. Raises: UnsupportedFormat."""
    if method == 0:
        return Stored()
    if method == 8:
        return Inflate(-15)
    if method == 12:
        return bz2.BZ2Decompressor()
    if method == 14:
        return ZipLzma()
    if method in (20, 93):
        from piiscan.extract.compressed import Zstd

        return Zstd()
    if method == 95:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)
    raise UnsupportedFormat(f"ZIP compression method {method} is not known")


def stepwise(pieces: Iterator[bytes], machine: Decompressor, budget: Budget) -> Iterator[bytes]:
    """What one compressed stream holds, in pieces of up to `OUT` bytes.

    Raises: LimitReached; the errors of the libraries, listed in `ERRORS`; EOFError when the input ends too early.
    """
    while not machine.eof:
        data = b""
        if machine.needs_input:
            data = next(pieces, b"")
            if not data:
                if isinstance(machine, Stored):
                    return
                raise EOFError
        out = machine.decompress(data, OUT)
        if out:
            budget.spend(len(out))
            yield out


def chained(
    pieces: Iterator[bytes], new: Callable[[], Decompressor], budget: Budget, cut: Callable[[], None]
) -> Iterator[bytes]:
    """What a row of compressed streams holds (gzip members, bzip2 and xz streams one after the other).

    Zero padding and junk behind a whole stream are left out. A stream that breaks off calls `cut` and ends.

    Raises: Malformed when nothing at all came out of the first stream; LimitReached.
    """
    rest, whole, some = b"", False, False
    while True:
        machine = new()

        def joined(first: bytes) -> Iterator[bytes]:
            if first:
                yield first
            yield from pieces

        begun = False
        try:
            for out in stepwise(joined(rest), machine, budget):
                some = begun = True
                yield out
        except ERRORS as err:
            if begun or (not whole and some):
                cut()
                return
            if whole:
                return
            raise Malformed("the compressed data are damaged") from err
        whole = True
        rest = machine.unused_data.lstrip(b"\0")
        while not rest:
            piece = next(pieces, b"")
            if not piece:
                return
            rest = piece.lstrip(b"\0")
