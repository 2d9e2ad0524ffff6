"""Text inside text: what a block holds as Base64, hexadecimal digits or percent escapes, decoded and read like any.

A Kubernetes secret, a basic-auth header or a query string hides nothing from whoever holds it, so it must hide nothing
from a scan. What does not decode to printable text is left as it is; chance almost never does.

Source: RFC 4648 sections 4, 5 and 8; RFC 3986 section 2.1.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import unquote_to_bytes

import numpy as np

from piiscan.classify.keywords import ToChars
from piiscan.classify.numbers import Windows
from piiscan.model import MatchBatch, Segment, TextSegment
from piiscan.passes import IntArray, passes
from piiscan.ports import Session

SHORTEST = 15
"""Bytes of decoded text that are worth a look: the shortest password rule with its name before it."""
LONGEST = 1_000_000
"""Encoded bytes of one stretch that are decoded."""
TOTAL = 4_000_000
"""Encoded bytes of one segment that are decoded."""
DEPTH = 2
"""A Base64 text inside a Base64 text is read, a third one inside that is not."""
_WORD = 200
"""Bytes between two percent escapes, and before the first, that still make one word."""
_TRIED = 64
"""Encoded bytes that must look like text before all of them are decoded: images and archives end here."""

_HEX = re.compile(rb"(?:[2-7][0-9A-Fa-f]|0[9aAdD])+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{4,}")
_LINES = re.compile(rb"(?:\r?\n[ \t]{0,12}[A-Za-z0-9+/]{4,76}={0,2}(?![A-Za-z0-9+/=]))+")
_END = re.compile(rb"[\s\"'<>]")
_USERINFO = re.compile(rb"://[^/?#]*@")
_HEXADECIMAL = np.array([chr(b) in "0123456789abcdefABCDEF" for b in range(256)], np.bool_)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")


@dataclass(frozen=True, slots=True)
class Hidden:
    """One encoded stretch `[start, end)` of a block, in bytes, and the text that it stands for."""

    start: int
    end: int
    encoding: str
    text: str


def hidden_in(block: bytes, strings: Windows) -> Iterator[Hidden]:
    """The encoded texts of a block, whose long strings (see `Numbers.opaque`) are known."""
    left, done = TOTAL, 0
    for start, end in _likely(block, *strings):
        if start < done:
            continue
        found = _hex(block, start, end) or _base64(block, start, end)
        if found is not None and (left := left - (found.end - found.start)) >= 0:
            done = found.end
            yield found
    for found in _escaped(block):
        if (left := left - (found.end - found.start)) >= 0:
            yield found


def _likely(block: bytes, starts: IntArray, ends: IntArray) -> list[tuple[int, int]]:
    """The strings whose first characters can stand for text: one in thirty of those that are made up."""
    long = ends - starts >= 4 * SHORTEST // 3
    starts, ends = starts[long], ends[long]
    if not len(starts):
        return []
    data = np.frombuffer(block, np.uint8)
    base64, digits = np.ones(len(starts), np.bool_), np.ones(len(starts), np.bool_)
    for step in range(0, 16, 4):
        base64 &= _OPENS[data[starts + step]]
    for step in range(0, 12, 2):
        digits &= _HIGH[data[starts + step]]
    chosen = np.flatnonzero(base64 | digits)
    return list(zip(starts[chosen].tolist(), ends[chosen].tolist(), strict=True))


_OPENS = np.array([chr(b) in "ACDIJKLMNOPQRSTUVWXYZabcdef" for b in range(256)], np.bool_)
"""First of four characters of Base64 that stand for printable ASCII (or for the zero bytes of UTF-16)."""
_HIGH = np.array([chr(b) in "02345670" for b in range(256)], np.bool_)
"""First of two hexadecimal digits of printable ASCII."""


def _escaped(block: bytes) -> Iterator[Hidden]:
    """Words with two percent escapes or more, each with what stands around them up to a blank or a quote."""
    if b"%" not in block:
        return
    data = np.frombuffer(block, np.uint8)
    at = passes().byte(block, 37)
    at = at[at < len(data) - 2]
    at = at[_HEXADECIMAL[data[at + 1]] & _HEXADECIMAL[data[at + 2]]]
    if len(at) < 2:
        return
    done = 0
    for first, second in pairwise(at.tolist()):
        if first < done or second - first > _WORD or _END.search(block, first, second) is not None:
            continue
        head = block[max(first - _WORD, done) : first]
        start = first - len(head) + max((m.end() for m in _END.finditer(head)), default=0)
        stop = _END.search(block, first, min(first + LONGEST, len(block)))
        done = stop.start() if stop is not None else min(first + LONGEST, len(block))
        if _USERINFO.search(block, start, done):
            continue  # a decoded password could hold the signs that end it
        text = _text(unquote_to_bytes(block[start:done]))
        if text is not None:
            yield Hidden(start, done, "percent", text)


def _hex(block: bytes, start: int, end: int) -> Hidden | None:
    if (end - start) % 2 or end - start < 2 * SHORTEST or _HEX.fullmatch(block, start, end) is None:
        return None
    text = _text(binascii.unhexlify(block[start : min(end, start + LONGEST)]))
    return None if text is None else Hidden(start, end, "hex", text)


def _base64(block: bytes, start: int, end: int) -> Hidden | None:
    """The text of a Base64 string, with the lines below it where it is broken as MIME and PEM do."""
    while end < len(block) and block[end] == 61 and end - start < LONGEST:  # padding
        end += 1
    if _decoded(block[start : min(end, start + _TRIED)]) is None:
        return None
    if end - start >= 60 and (more := _LINES.match(block, end, min(start + LONGEST, len(block)))):
        whole = _decoded(b"".join(_BASE64.findall(block, start, more.end())))
        if whole is not None:
            return Hidden(start, more.end(), "base64", whole)
    text = _decoded(block[start : min(end, start + LONGEST)])
    return None if text is None else Hidden(start, end, "base64", text)


def _decoded(encoded: bytes) -> str | None:
    data = encoded.rstrip(b"=").translate(_TO_STANDARD)
    data = data[: len(data) - (len(data) % 4 == 1)]
    try:
        return _text(binascii.a2b_base64(data + b"=" * (-len(data) % 4)))
    except binascii.Error:
        return None


_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def _text(data: bytes) -> str | None:
    """Bytes as printable text, or None: UTF-8, cut off in a character at most, or UTF-16 as Windows writes it."""
    if len(data) < SHORTEST:
        return None
    if len(data) % 2 == 0 and data[1::2].count(0) * 2 > len(data) // 2:
        text = data.decode("utf-16-le", "replace")
    else:
        try:
            text = data.decode()
        except UnicodeDecodeError as err:
            if err.start < len(data) - 3:
                return None
            text = data[: err.start].decode()
    if _CONTROLS.search(text) or (len(text) < 2 * SHORTEST and not text.isascii()):
        return None
    return text


def readings(session: Session, segment: Segment) -> Iterator[tuple[Segment, MatchBatch]]:
    """Segments with their matches: the one that is given, then each text that it holds in encoded form.

    A decoded segment has the place of its encoding, whose name is added to `Place.part`.
    """
    yield segment, session.feed(segment)
    yield from _inside(session)


def _inside(session: Session) -> Iterator[tuple[Segment, MatchBatch]]:
    """What the segments that were fed last hold in encoded form, with its matches."""
    for _ in range(DEPTH):
        inner = session.hidden()
        if not inner:
            return
        yield from zip(inner, session.feed_all(inner), strict=True)


SMALL = 8_192
"""Characters of a text that is read together with its neighbours: each alone costs as much as one of this length."""
TOGETHER = 500_000
"""Characters, and a thousandth of it texts, that are read in one go."""


def gathered(session: Session, found: Iterable[Segment]) -> Iterator[tuple[Segment, MatchBatch]]:
    """As `readings` of one segment after the other, small texts many at a time: members of archives, mails, records.

    What came before an error is read before the error goes on. Raises: what `found` raises.
    """
    pending: list[TextSegment] = []
    size = 0
    source = iter(found)
    while True:
        failure: Exception | None = None
        segment: Segment | None = None
        try:
            segment = next(source, None)
        except Exception as err:
            failure = err
        small = isinstance(segment, TextSegment) and len(segment.text) <= SMALL and _owns_all(segment)
        if pending and (not small or size > TOGETHER or len(pending) * 1_000 > TOGETHER):
            yield from _together(session, pending)
            pending, size = [], 0
        if failure is not None:
            raise failure
        if segment is None:
            return
        if small:
            assert isinstance(segment, TextSegment)
            pending.append(segment)
            size += len(segment.text)
        else:
            yield from readings(session, segment)


def _owns_all(segment: TextSegment) -> bool:
    """Whether a text is a whole one inside an object: its matches are all its own, and it is not the object itself."""
    return segment.offset is None and segment.core in (None, (0, len(segment.text)))


def _together(session: Session, texts: Sequence[TextSegment]) -> Iterator[tuple[Segment, MatchBatch]]:
    """The readings of some texts that are read in one block."""
    if len(texts) == 1:
        yield from readings(session, texts[0])
        return
    yield from zip(texts, session.feed_all(texts), strict=True)
    yield from _inside(session)


@dataclass(frozen=True, slots=True)
class Fed:
    """Text segments as they were read together: one block, and where each begins in it, in bytes."""

    segments: Sequence[TextSegment]
    block: bytes
    bounds: IntArray
    strings: Windows
    chars: ToChars | None


def decoded_segments(fed: Fed) -> list[TextSegment]:
    """The encoded texts of some segments that these own, as segments."""
    out = []
    for found in hidden_in(fed.block, fed.strings):
        item = int(np.searchsorted(fed.bounds, found.start, side="right")) - 1
        segment, ends = fed.segments[item], np.array([fed.bounds[item], found.start, found.end])
        base, start, end = (ends if fed.chars is None else fed.chars(ends)).tolist()
        start, end = start - base, end - base
        if segment.core is not None and not segment.core[0] <= start < segment.core[1]:
            continue
        place = segment.place_of(start)
        part = f"{place.part}/{found.encoding}" if place.part else found.encoding
        span = segment.encoded or (start, end)
        out.append(TextSegment(found.text, None, (0,), (replace(place, part=part),), prose=False, encoded=span))
    return out
