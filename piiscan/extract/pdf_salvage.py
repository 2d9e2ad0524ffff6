"""Text of a PDF too damaged for its readers: streams are looked for, inflated, and their text operators read.

Source: ISO 32000-1, sections 7.3.4 (strings), 7.3.8 (streams), 9.4 (text objects).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator

_STREAM = re.compile(rb"(<<.{0,2048}?>>)\s*stream\r?\n", re.S)
_FILTER = re.compile(rb"/Filter\s*\[([^\]]*)\]")
_TOKEN = re.compile(
    rb"\((?:[^()\\]|\\.)*\)"  # a string; one pair of inner parentheses at most is seen as text around it
    rb"|<[0-9A-Fa-f\s]*>|[-+.\d]+|[A-Za-z'\"*]+|\[|\]",
    re.S,
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.S)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}
_INFLATED = 64 << 20
"""Bytes that one stream may give."""
_GAP = -200.0
"""A shift in a TJ array, in thousandths of the font size, that reads as a space."""


_OBJECT = re.compile(rb"(?<![0-9])(\d{1,8})\s+(\d{1,5})\s+obj\b")
_PROBE = 64 << 10
_BOMB = 12 << 20
_DICTIONARY = 4096
"""Bytes of an object's dictionary, before its stream."""
_IMAGE = re.compile(rb"/Subtype\s*/Image\b")


def inflates_without_end(data: bytes) -> bool:
    """Whether a stream's first 64 KiB give more than 12 MiB: no reader that inflates it whole may have it.

    Pictures are not asked: a blank page gives as much, and no text is drawn from them.
    """
    at = 0
    while (at := data.find(b"stream", at)) >= 0:
        begin = at + 6
        at = begin
        if data[begin - 9 : begin - 6] == b"end":
            continue
        while data[begin : begin + 1] in (b"\r", b"\n"):
            begin += 1
        body = data[begin : begin + _PROBE]
        # A stream shorter than the probe gives at most a thousand times its size.
        if body[:1] != b"\x78" or data.find(b"endstream", begin, begin + (_PROBE >> 2)) >= 0:
            continue
        opened = data.rfind(b"obj", max(begin - _DICTIONARY, 0), begin)
        if opened >= 0 and _IMAGE.search(data, opened, begin):
            continue
        try:
            if len(zlib.decompressobj().decompress(body, _BOMB + 1)) > _BOMB:
                return True
        except zlib.error:
            continue
    return False


def complete(data: bytes) -> bool:
    """Whether a file ends where an object or the file itself may end."""
    return data.rstrip().endswith((b"endobj", b"%%EOF"))


def repaired(data: bytes) -> bytes | None:
    """The file with a cross-reference table made from the objects found in it; None when there is no catalog."""
    offsets: dict[int, tuple[int, int]] = {}
    for found in _OBJECT.finditer(data):
        offsets[int(found[1])] = (found.start(), int(found[2]))
    root = None
    for number, (offset, _) in offsets.items():
        head = data[offset : offset + 2048].split(b"endobj", 1)[0]
        if re.search(rb"/Type\s*/Catalog\b", head):
            root = number
    if root is None or len(offsets) > 1_000_000:
        return None
    rows = [b"0 1\n0000000000 65535 f \n"]
    for number, (offset, generation) in sorted(offsets.items()):
        rows.append(b"%d 1\n%010d %05d n \n" % (number, offset, generation))
    tail = b"trailer\n<</Size %d/Root %d %d R>>\nstartxref\n%d\n%%%%EOF\n"
    start = len(data) + 1
    return data + b"\nxref\n" + b"".join(rows) + tail % (max(offsets) + 1, root, offsets[root][1], start)


def filter_chain(data: bytes) -> int:
    """The length of the longest chain of filters in a file."""
    return max((found[1].count(b"/") for found in _FILTER.finditer(data)), default=0)


def salvaged(data: bytes, spend: Callable[[int], None]) -> Iterator[str]:
    """The text of each content stream, lines as the text operators make them. `spend` books inflated bytes."""
    at = 0
    while found := _STREAM.search(data, at):
        begin = found.end()
        end = data.find(b"endstream", begin)
        # A truncated file has no end to its last stream.
        body = data[begin : end if end >= 0 else len(data)]
        at = max(end, begin) if end >= 0 else len(data)
        head = found[1][found[1].rfind(b"<<", 0, max(found[1].find(b"/Length"), 2)) :]
        if b"/Image" in head or b"/FontFile" in head or b"/XRef" in head:
            continue
        if b"FlateDecode" in head:
            body = inflate(body)
            spend(len(body))
        if b"BT" in body and (b"Tj" in body or b"TJ" in body or b"'" in body):
            text = operators(body)
            if text.strip():
                yield text


def inflate(data: bytes) -> bytes:
    """What a zlib stream gives before it breaks off or reaches the limit."""
    reader = zlib.decompressobj()
    out = bytearray()
    try:
        while data and len(out) < _INFLATED:
            out += reader.decompress(data[: 1 << 16], 1 << 20)
            data = reader.unconsumed_tail + data[1 << 16 :]
            if reader.eof:
                break
    except zlib.error:
        pass
    return bytes(out)


def operators(body: bytes) -> str:
    """Text of a content stream: strings before a showing operator, a line break at each move to another line.

    >>> operators(b"BT (a\\\\100b) Tj 0 -14 Td [(c) -250 (d)] TJ ET")
    'a@b\\nc d'
    """
    out: list[str] = []
    strings: list[str] = []
    numbers: list[float] = []
    for found in _TOKEN.finditer(body):
        token = found[0]
        first = token[:1]
        if first in b"(<":
            strings.append(_string(token))
            numbers.clear()
        elif first in b"[]":
            continue
        elif first in b"-+.0123456789":
            try:
                number = float(token)
            except ValueError:
                continue
            numbers.append(number)
            if strings and number < _GAP:
                strings.append(" ")
        else:
            if token in (b"'", b'"', b"T*", b"Tm", b"BT") or (token in (b"Td", b"TD") and numbers[-1:] != [0.0]):
                out.append("\n")
            elif token in (b"Td", b"TD"):
                out.append(" ")
            if token in (b"Tj", b"TJ", b"'", b'"'):
                out.append("".join(strings))
            strings.clear()
            numbers.clear()
    return re.sub("\n+", "\n", "".join(out)).strip("\n")


def _string(token: bytes) -> str:
    """A literal or hexadecimal string; two-byte text is told by its mark or its zero bytes."""
    if token[:1] == b"<":
        digits = re.sub(rb"\s", b"", token[1:-1])
        raw = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    else:
        raw = _ESCAPE.sub(_unescape, token[1:-1])
    if raw[:2] == b"\xfe\xff" or (len(raw) >= 2 and len(raw) % 2 == 0 and not any(raw[0::2])):
        return raw.decode("utf-16-be", "replace").lstrip("\ufeff")
    return raw.decode("cp1252", "replace")


def _unescape(found: re.Match[bytes]) -> bytes:
    what = found[1]
    if what[0] in b"01234567":
        return bytes([int(what, 8) & 255])
    return _ESCAPES.get(what, what)
