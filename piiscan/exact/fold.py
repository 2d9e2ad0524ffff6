"""Text in one spelling, so that case, accents, wide letters and typographic signs do not hide a value.

Every character is folded for itself, within the bytes that it has: decomposed by compatibility, combining accents
dropped, case folded, digits of all scripts made ASCII, dashes made `-`, other signs and blanks made a blank; bytes that
are left over become `FILL`. So the folded form of a text is as long as its UTF-8, and each place is where it was.

Source: Unicode Standard, sections 3.11 (NFKD) and 3.13 (case folding); UTF-8, RFC 3629.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
FILL = 0x7F
"""Stands where nothing is: DEL, which no value has."""
_BASIC = 1 << 16


@lru_cache(maxsize=4096)
def fold_char(char: str) -> str:
    """The folded form of one character: mostly one character, none for accents, two for some ligatures.

    >>> [fold_char(c) for c in ("É", "ß", "٣", "–", "ﬁ", "\\u0301")]
    ['e', 'ss', '3', '-', 'fi', '']
    """
    if char.isascii():
        return char.lower()
    if "\uac00" <= char <= "\ud7a3":  # a syllable of Hangul stays whole
        return char
    out = ""
    for part in unicodedata.normalize("NFKD", char).casefold():
        kind = unicodedata.category(part)
        if "\u0300" <= part <= "\u036f" or kind == "Cf":
            continue
        if part.isascii():
            out += part.lower()
        elif kind == "Nd":
            out += str(unicodedata.digit(part))
        elif kind[0] in "LNM":
            out += part
        else:
            out += "-" if kind == "Pd" else " "
    return out


def _within(char: str) -> bytes:
    """The folded form of a character in as many bytes as it has; itself when that is too long."""
    own = char.encode("utf-8", "surrogatepass")
    form = fold_char.__wrapped__(char).encode("utf-8", "surrogatepass")
    return form.ljust(len(own), bytes([FILL])) if len(form) <= len(own) else own


def fold(value: str) -> bytes:
    """The folded form of one value, in UTF-8, with `FILL` in it.

    >>> fold("José–ANNA")
    b'jose\\x7f-\\x7f\\x7fanna'
    """
    if value.isascii():
        return value.lower().encode()
    return folded(value.encode("utf-8", "surrogatepass")).block.lower()


@lru_cache(maxsize=2)
def _table(size: int) -> Bytes:
    """The bytes of the folded form of each code of two bytes of UTF-8, or of three."""
    table = np.zeros((1 << 11 if size == 2 else _BASIC, size), np.uint8)
    for code in range(0x80 if size == 2 else 0x800, len(table)):
        table[code] = np.frombuffer(_within(chr(code)), np.uint8)
    return table


@dataclass(frozen=True, slots=True)
class Folded:
    """A text in its folded form and the way to characters. The case of ASCII stays: who compares folds it."""

    block: bytes
    continuations: IntArray | None
    """Offsets of the bytes that begin no character; None: the block is ASCII."""

    def chars(self, offsets: IntArray) -> IntArray:
        """Characters of the text before some offsets of the block."""
        return offsets if self.continuations is None else offsets - np.searchsorted(self.continuations, offsets)


def folded(block: bytes) -> Folded:
    """A text of UTF-8 folded."""
    if block.isascii():
        return Folded(block, None)
    data = np.frombuffer(block, np.uint8)
    high = np.flatnonzero(data > 127)
    codes = data[high]
    leads = codes >= 0xC0
    continuations = high[~leads]
    out = data.copy()
    first = codes[leads].astype(np.int64)
    at = high[leads]
    for size, low, top in ((2, 0xC0, 0xE0), (3, 0xE0, 0xF0)):
        mine = (first >= low) & (first < top) & (at + size <= len(data))
        where = at[mine]
        code = first[mine] & (0x1F if size == 2 else 0x0F)
        for step in range(1, size):
            code = (code << 6) | (data[where + step] & 63)
        forms = _table(size)[code]
        for step in range(size):
            out[where + step] = forms[:, step]
    for place in at[(first >= 0xF0) & (at + 4 <= len(data))].tolist():
        char = block[place : place + 4].decode("utf-8", "replace")
        if len(char) == 1:
            out[place : place + 4] = np.frombuffer(_within(char), np.uint8)
    return Folded(out.tobytes(), continuations)
