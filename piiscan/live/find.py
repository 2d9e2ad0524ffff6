"""Where live secrets stand in a block of bytes: places by a hash of eight bytes, certainty by a hash of all."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from piiscan.live.forms import Form, first_of
from piiscan.live.needles import BITS, WINDOW, Live, Needle, digest_of, multiplier

_COARSE, _FINE = np.uint64(64 - 20), np.uint64(64 - BITS)
"""Twenty bits are looked up in a table that fits the cache, the places that it lets through by all bits."""
CHUNK = 1 << 18
"""Bytes that are hashed at a time, so that the sums stay in the processor's cache."""
_BESIDE = 8
"""Bytes on either side that decide whether a value is one, or a part of another."""

_ESCAPE = re.compile(
    r"""(?:\\[nrtbfv0'"/\\]|%(?:0[09AaDd]|2[\dA-Fa-f]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[B-Eb-e])"""
    r"""|\\(?:u00|x)(?:0[09AaDd]|2[\dA-Fa-f]|3[A-Fa-f]|40)|(?:^|\s)-p)\Z"""
)
"""What ends in a letter or digit and is no part of a value: escapes of signs, and the `-p` of MySQL's programs."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret, by number, in the bytes `[start, end)`; `encoded`: as Base64, of which this is the middle."""

    secret: int
    start: int
    end: int
    encoded: bool


class Finder:
    """The needles of a run, ready to be looked for."""

    def __init__(self, live: Live) -> None:
        self._key = live.key
        self._times = np.uint64(multiplier(live.key))
        self._slots: dict[int, list[Needle]] = defaultdict(list)
        self._marked: npt.NDArray[np.bool_] = np.zeros(1 << 20, np.bool_)
        for needle in live.needles:
            self._slots[needle.slot].append(needle)
        self._known_slots = np.array(sorted(self._slots), np.uint64)
        self._marked[(self._known_slots >> np.uint64(BITS - 20)).astype(np.int64)] = True

    def hits(self, block: bytes) -> list[Hit]:
        """The secrets of a block, by start; of one secret none inside another."""
        found: set[Hit] = set()
        if not self._slots:
            return []
        for low in range(0, len(block) - WINDOW + 1, CHUNK):
            for at, slot in self._places(block[low : low + CHUNK + WINDOW - 1]):
                for needle in self._slots[slot]:
                    hit = self._known(block, low + at - needle.at, needle)
                    if hit is not None:
                        found.add(hit)
        return _outermost(found) if found else []

    def _places(self, chunk: bytes) -> list[tuple[int, int]]:
        """(place, slot) of windows whose hash is that of a needle."""
        windows: npt.NDArray[np.uint64] = np.ndarray((len(chunk) - WINDOW + 1,), "<u8", chunk, 0, (1,))
        products = windows * self._times
        at = np.flatnonzero(self._marked.take((products >> _COARSE).view(np.int64)))
        if not len(at):
            return []
        slots = products[at] >> _FINE
        known = self._known_slots[np.searchsorted(self._known_slots[:-1], slots)] == slots
        return list(zip(at[known].tolist(), slots[known].tolist(), strict=True))

    def _known(self, block: bytes, start: int, needle: Needle) -> Hit | None:
        end = start + needle.size
        if start < 0 or end > len(block):
            return None
        if needle.form in (Form.BASE64, Form.WIDE):
            before, value, after = _decoded(block, start, needle)
            if digest_of(self._key, value) != needle.digest or _goes_on(before, after, needle.more):
                return None
            return Hit(needle.secret, start, end, True)
        if digest_of(self._key, block[start:end]) != needle.digest:
            return None
        before, after = block[max(start - _BESIDE, 0) : start], block[end : end + _BESIDE]
        if needle.form == Form.HEX:
            before, after = _from_hex(before[-2:]), _from_hex(after[:2])
        return None if _goes_on(before, after, needle.more) else Hit(needle.secret, start, end, False)


def _goes_on(before: bytes, after: bytes, more: str) -> bool:
    """Whether what stands around a value is a part of it, so that it is another value."""
    left, right = before.decode("utf-8", "ignore"), after.decode("utf-8", "ignore")
    if left and (left[-1] in more or (_in_word(left[-1]) and _ESCAPE.search(left) is None)):
        return True
    return bool(right) and (right[0] in more or _in_word(right[0]))


def _in_word(character: str) -> bool:
    """Whether words go on with a character; scripts that write no blanks between words do not count."""
    return character == "_" or (character.isalnum() and unicodedata.east_asian_width(character) not in "WF")


def _from_hex(pair: bytes) -> bytes:
    """The byte that two hexadecimal digits stand for; nothing when they are none."""
    return binascii.unhexlify(pair) if _HEX_PAIR.fullmatch(pair) else b""


_HEX_PAIR = re.compile(rb"[0-9A-Fa-f]{2}")


def _decoded(block: bytes, start: int, needle: Needle) -> tuple[bytes, bytes, bytes]:
    """What stands before it, the bytes that may be the value, and what stands behind it, decoded from Base64.

    The characters at `start` are those that depend on the value alone: a few bits of it stand in those around them.
    """
    group = start - first_of(needle.shift)  # where the group begins in which the value does
    low = group
    while low - 4 >= 0 and group - low < 12 and _BASE64.fullmatch(block, low - 4, low):
        low -= 4
    size = _size(needle)
    last = high = group + -(-(needle.shift + size) * 4 // 3)
    if group < 0 or last > len(block) or _BASE64.fullmatch(block, group, last) is None:
        return b"", b"", b""
    while high < len(block) and high - last < 12 and _BASE64.match(block, high, high + 1):
        high += 1
    text = block[low:high].translate(_STANDARD)
    text = text[: len(text) - (len(text) % 4 == 1)]
    data = base64.b64decode(text + b"=" * (-len(text) % 4))
    at = (group - low) // 4 * 3 + needle.shift
    before, after = data[max(at - _BESIDE, 0) : at], data[at + size : at + size + _BESIDE]
    if needle.form == Form.WIDE:
        before, after = before[len(before) % 2 :: 2], after[::2]
    return before, data[at : at + size], after


_STANDARD = bytes.maketrans(b"-_", b"+/")


def _size(needle: Needle) -> int:
    """Bytes of the value of a needle of Base64: of n bytes in all, `floor(4 n / 3)` characters depend on them alone."""
    characters = first_of(needle.shift) + needle.size
    return -(-characters * 3 // 4) - needle.shift


def _outermost(found: set[Hit]) -> list[Hit]:
    out: list[Hit] = []
    reach: dict[int, int] = {}
    for hit in sorted(found, key=lambda h: (h.start, -h.end)):
        if hit.end > reach.get(hit.secret, -1):
            reach[hit.secret] = hit.end
            out.append(hit)
    return out
