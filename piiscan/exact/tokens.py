"""Where in a block values of a set may stand: a few array operations over all of it, then the sieves.

Numbers are runs of digits, alone or joined as people write them; addresses stand around an `@`; everything else begins
with a word that begins a value. What is given back has passed a sieve; about one stranger in three hundred does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from piiscan.exact.fold import FILL
from piiscan.exact.keyed import Keyed
from piiscan.exact.normal import DOMAIN, LOCAL, MOST_DOMAIN, MOST_LOCAL, NOT_DIGIT, NOT_WORD, WORD, Kind
from piiscan.exact.setfile import Arrays, Header
from piiscan.exact.sieve import passing
from piiscan.exact.signature import PAD, Buffer, IntArray, addresses, ends, prefixes

GAP = 3
"""Bytes between two words of one value, at most."""
MOST_WORDS = 16
MOST_RUNS, MOST_WIDE = 8, 24
"""Pieces that a value may be spelt in: an accent ends one, and so does a digit that is not of ASCII."""

Spans = tuple[IntArray, IntArray]
_NONE: Spans = (np.empty(0, np.int64), np.empty(0, np.int64))
_WORD = bytes(b in WORD for b in range(256))
_SOLID = WORD + bytes([FILL])
_LETTER = np.array([b < 128 and chr(b).isalpha() for b in range(256)], np.bool_)
_DIGIT = np.array([chr(b) in "0123456789" for b in range(256)], np.bool_)
_JOINS = np.array([chr(b) in " -./" for b in range(256)], np.bool_)
_LOOSE = np.array([chr(b) in " -()" for b in range(256)], np.bool_)
_BRACKET = np.array([chr(b) in "()" for b in range(256)], np.bool_)


@dataclass(frozen=True, slots=True)
class Found:
    """A place of a block where a value may stand, in bytes, with the form that it would be hashed in."""

    kind: Kind
    start: int
    end: int
    form: bytes
    pieces: int = 1
    """2 when it is spelt in several words."""

    def __repr__(self) -> str:
        return f"Found({self.kind.name}, {self.start}, {self.end})"


class Tokens:
    """Looks for the places of one set."""

    def __init__(self, header: Header, arrays: Arrays, keyed: Keyed) -> None:
        self._keyed, self._sieve, self._prefixes = keyed, arrays.sieve, arrays.prefixes
        self._emails = header.emails > 0
        self._digits = _flags(int(size) for size in header.digits)
        self._fewest = int(np.argmax(self._digits))
        self._lengths = _flags(header.lengths)
        self._prefix = header.prefix

    def find(self, block: bytes) -> list[Found]:
        """The places of a block, by kind and start."""
        buffer = Buffer(block)
        out: list[Found] = []
        if self._emails:
            out += self._find_addresses(block, buffer)
        if self._digits.any():
            starts, stops = self._numbers(buffer)
            out += [
                Found(Kind.NUMBER, s, e, block[s:e].translate(None, NOT_DIGIT))
                for s, e in zip(starts.tolist(), stops.tolist(), strict=True)
            ]
        if self._lengths.any():
            out += self._find_words(block)
        return out

    def _find_addresses(self, block: bytes, buffer: Buffer) -> list[Found]:
        at = np.flatnonzero(buffer.data[: buffer.size] == 64)
        if not len(at):
            return []
        at = at[passing(self._sieve, addresses(self._keyed, buffer, at))]
        out = []
        for middle in at.tolist():
            before = block[max(middle - MOST_LOCAL, 0) : middle]
            local = before[len(before.rstrip(LOCAL)) :]
            after = block[middle + 1 : middle + 1 + MOST_DOMAIN]
            domain = after[: len(after) - len(after.lstrip(DOMAIN))].rstrip(b".-").lower()
            bare = local[local.rfind(b"'") + 1 :]
            for part in dict.fromkeys((local, bare, bare.lstrip(b".+%-\x7f"))):
                if part and domain:
                    form = part.lower() + b"@" + domain
                    out.append(Found(Kind.EMAIL, middle - len(part), middle + 1 + len(domain), form))
        return out

    def _numbers(self, buffer: Buffer) -> Spans:
        """The runs of digits, and runs joined, that passed the sieve."""
        data = buffer.data[: buffer.size + 2]  # ends in line feeds
        digit = (data - np.uint8(48)) < 10  # unsigned wrap-around: one comparison for both bounds
        edges = np.flatnonzero(digit[1:] != digit[:-1]) + 1
        if digit[0]:
            edges = np.concatenate(([0], edges))
        starts, stops = edges[::2], edges[1::2]
        if not len(starts):
            return _NONE
        sizes = stops - starts
        found = [self._single(buffer, starts, sizes)]
        joined, wide = _joints(buffer, starts, stops)
        # Two runs for all of them at once; those that go on are fewer, and are looked at one by one.
        pairs, most = sizes[:-1] + sizes[1:], len(self._digits) - 1
        near = joined[:-1] & (pairs <= most)
        here = np.flatnonzero(near & (pairs >= self._fewest))
        here = here[self._digits[pairs[here]]]
        found.append(self._joined(buffer, starts[here], stops[here + 1]))
        at, total = np.flatnonzero(near[:-1] & near[1:]), np.concatenate(([0], np.cumsum(sizes)))
        for more in range(2, MOST_WIDE if wide else MOST_RUNS):
            if not len(at):
                break
            digits = total[at + more + 1] - total[at]
            at, digits = at[digits <= most], digits[digits <= most]
            here = at[self._digits[digits]]
            found.append(self._joined(buffer, starts[here], stops[here + more]))
            at = at[joined[at + more]]
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

    def _single(self, buffer: Buffer, starts: IntArray, sizes: IntArray) -> Spans:
        """Runs that are a number by themselves, unless they are a fraction."""
        fits = np.flatnonzero((sizes >= self._fewest) & (sizes < len(self._digits)))
        fits = fits[self._digits[sizes[fits]]]
        starts, sizes = starts[fits], sizes[fits]
        starts, stops = _apart(buffer, starts, starts + sizes)
        fraction = (buffer.whole[starts + PAD - 1] == 46) & _DIGIT[buffer.whole[starts + PAD - 2]]
        starts, stops = starts[~fraction], stops[~fraction]
        keep = passing(self._sieve, ends(self._keyed, Kind.NUMBER, buffer, starts, stops - starts))
        return starts[keep], stops[keep]

    def _joined(self, buffer: Buffer, starts: IntArray, stops: IntArray) -> Spans:
        """Joined runs, by their digits written into a buffer of their own."""
        starts, stops = _apart(buffer, starts, stops)
        if not len(starts):
            return _NONE
        width = int((stops - starts).max())
        at = starts[:, None] + np.arange(width)
        matrix = buffer.data[np.minimum(at, buffer.size)]
        mine = _DIGIT[matrix] & (at < stops[:, None])
        sizes = mine.sum(axis=1)
        compact = Buffer(matrix[mine].tobytes())
        keep = passing(self._sieve, ends(self._keyed, Kind.NUMBER, compact, np.cumsum(sizes) - sizes, sizes))
        return starts[keep], stops[keep]

    def _find_words(self, block: bytes) -> list[Found]:
        flags = np.frombuffer((block + b"\n\n").translate(_WORD), np.bool_)
        edges = np.flatnonzero(flags[1:] != flags[:-1]) + 1
        if flags[0]:
            edges = np.concatenate(([0], edges))
        starts, stops = edges[::2], edges[1::2]
        compact = Buffer(block.translate(None, NOT_WORD))
        total = np.concatenate(([0], np.cumsum(stops - starts)))
        at = np.flatnonzero(passing(self._prefixes, prefixes(self._keyed, compact, total[:-1], self._prefix)))
        joined = np.zeros(len(starts), np.bool_)
        joined[:-1] = starts[1:] - stops[:-1] <= GAP
        out: list[Found] = []
        for more in range(MOST_WORDS):
            sizes = total[at + more + 1] - total[at]
            at, sizes = at[sizes < len(self._lengths)], sizes[sizes < len(self._lengths)]
            if not len(at):
                break
            fits = self._lengths[sizes]
            here, size = at[fits], sizes[fits]
            here = here[passing(self._sieve, ends(self._keyed, Kind.WORDS, compact, total[here], size))]
            for begin, end in zip(starts[here].tolist(), stops[here + more].tolist(), strict=True):
                spelt = block[begin:end]
                form = spelt.translate(None, NOT_WORD).lower()
                out.append(Found(Kind.WORDS, begin, end, form, 2 if spelt.translate(None, _SOLID) else 1))
            at = at[joined[at + more]]
        return out


def _joints(buffer: Buffer, starts: IntArray, stops: IntArray) -> tuple[npt.NDArray[np.bool_], bool]:
    """Which runs of digits are joined to the next one, and whether digits that are not of ASCII are among them."""
    gaps = starts[1:] - stops[:-1]
    joined = np.zeros(len(starts), np.bool_)
    at = np.flatnonzero(gaps == 1)
    joined[at] = _JOINS[buffer.data[stops[at]]]
    at = np.flatnonzero((gaps == 2) | (gaps == 3))
    one, two, three = (buffer.data[stops[at] + step] for step in range(3))
    short = gaps[at] == 2
    filled = (two == FILL) & (short | (three == FILL))
    joined[at] = short & _LOOSE[one] & _LOOSE[two] & (_BRACKET[one] | _BRACKET[two])
    joined[at] |= filled & (_JOINS[one] | (one == FILL))
    return joined, bool((filled & (one == FILL)).any())


def _flags(sizes: object) -> npt.NDArray[np.bool_]:
    """A table of which sizes there are, up to the largest."""
    chosen = sorted(sizes)  # type: ignore[call-overload]
    flags = np.zeros(chosen[-1] + 1 if chosen else 1, np.bool_)
    flags[chosen] = True
    return flags


def _apart(buffer: Buffer, starts: IntArray, stops: IntArray) -> Spans:
    """Those spans that no letter or digit of ASCII touches: the middle of a hexadecimal number is no number."""
    keep = ~_LETTER[buffer.data[stops]] & ~_LETTER[buffer.whole[starts + PAD - 1]]
    return starts[keep], stops[keep]
