"""Plain text in UTF-8, cut into windows as the bytes that it is: nothing is decoded to find out where to cut."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from piiscan.extract import Job
from piiscan.model import Place, TextSegment
from piiscan.sniff import CODE, ending

CORE = 2 << 20
"""Characters of one window that matches may start in."""
MARGIN = 8192
"""Characters of context on each side of the core."""
READ = 1 << 20
"""Bytes that are read at a time."""
_HOLE = 256 << 20
"""Bytes of nothing but NUL after which the rest is taken for a hole (a preallocated log, a sparse file)."""


@dataclass(slots=True)
class Stretch:
    """A stretch of an object whose windows are wanted; the stream begins before it, and goes on behind it."""

    lead: int
    """Bytes of the stream before it, which are context."""
    size: int
    """Its bytes."""
    characters: int = 0
    lines: int = 0
    records: int = 0
    """How long it was found to be, once it was read: characters, line breaks, and records where it has such."""


def utf8_windows(
    stream: BinaryIO, job: Job, *, core: int = CORE, margin: int = MARGIN, stretch: Stretch | None = None
) -> Iterator[TextSegment]:
    """The windows of an object in UTF-8 that is the plain text itself, cut as bytes: so `core` and `margin` count here.

    Equal to `windows(decoded(...))` but for where the cores end; what does not decode becomes U+FFFD. Those of a
    `stretch`, which begins and ends at line ends, count characters and lines from its beginning.
    """
    core = max(core, 4)  # a character has four bytes at most: each window has one
    starts: tuple[int, ...] = ()
    places: tuple[Place, ...] = ()
    if job.member or job.place != Place():
        starts, places = (0,), (job.place,)
    buffer, left, offset, line, column, hole = b"", 0, 0, 1, 1, 0
    ended, begun = False, False
    ahead = -1  # bytes of the stretch that are not yet in a core
    if stretch is not None:
        left, ahead = stretch.lead, stretch.size
    while not ended or left < len(buffer):
        if not ended and len(buffer) < left + core + margin:
            # Just as many bytes as are wanted, so that the window is the buffer itself and not a copy.
            parts, length = [buffer], len(buffer)
            while length < left + core + margin:
                block = stream.read(min(READ, left + core + margin - length))
                hole = hole + len(block) if is_zero(block) else 0
                if not block or is_hole(hole, job):
                    ended = True
                    break
                parts.append(block)
                length += len(block)
            buffer = b"".join(parts)
            if not begun:
                begun = True
                if left:  # the lines and characters of the lead count down
                    line, offset = 1 - _advance(buffer, left, 0, 1)[0], -_characters(buffer[:left])
                else:
                    buffer, ahead = _without_mark(buffer, ahead)
        if left >= len(buffer) or ahead == 0:
            break
        end = _boundary(buffer, left + (core if ahead < 0 else min(core, ahead)))
        stop = _boundary(buffer, end + margin)
        if stop == len(buffer) and not ended:
            stop = _complete(buffer)
            end = min(end, stop)
        whole = buffer[:stop]
        utf8: bytes | None = whole
        try:
            text = whole.decode()
        except UnicodeDecodeError:
            text, utf8 = whole.decode("utf-8", "replace"), None
        drop = _boundary(buffer, max(end - margin, 0))
        if drop and buffer[drop - 1 : drop + 1] in (b"\r\n", b"\r"):
            drop -= 1  # a line break of two characters stays in one window, or it would be counted twice
        first, last, gone = left, end, drop
        if len(text) != stop:
            first, last = _characters(whole[:left]), len(text) - _characters(whole[end:])
            gone = last - _characters(whole[drop:end])
        yield TextSegment(
            text=text,
            offset=offset if not job.member else None,
            starts=starts,
            places=places,
            core=(first, last),
            line=line,
            column=column,
            prose=ending(job.name) not in CODE,
            utf8=utf8,
        )
        if stretch is not None:
            ahead -= end - left
            stretch.characters, stretch.lines = offset + last, _advance(whole, end, line, column)[0] - 1
        line, column = _advance(whole, drop, line, column)
        offset += gone
        buffer, left = buffer[drop:], end - drop


def _without_mark(data: bytes, ahead: int) -> tuple[bytes, int]:
    """The first bytes of a text without its byte order mark, and how many bytes of its stretch are left."""
    bare = data.removeprefix(codecs.BOM_UTF8)
    return bare, ahead - (len(data) - len(bare)) if ahead > 0 else ahead


def _boundary(data: bytes, at: int) -> int:
    """The last place up to `at` at which no character is cut.

    >>> _boundary("a€b".encode(), 3), _boundary("a€b".encode(), 4), _boundary(b"a\\n\\x82b", 2)
    (1, 4, 2)
    """
    if at >= len(data):
        return len(data)
    for place in range(at, max(at - 4, -1), -1):
        first = data[place]
        if first & 0xC0 != 0x80:
            length = 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)
            return place if place + length > at else at  # a stray byte behind a character belongs to none
    return at


def _complete(data: bytes) -> int:
    """The end of the last character that has all of its bytes, where it is told by its first.

    >>> _complete(b"a\\xe2\\x82"), _complete(b"a\\xe2\\x82\\xac"), _complete(b"\\x82\\x82\\x82\\x82\\x82")
    (1, 4, 5)
    """
    for back in range(1, min(4, len(data) + 1)):
        first = data[-back]
        if first & 0xC0 != 0x80:
            wanted = 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)
            return len(data) if wanted <= back else len(data) - back
    return len(data)


def _characters(data: bytes) -> int:
    """Characters of some bytes that end where one does."""
    return len(data.decode("utf-8", "replace"))


def _advance(data: bytes, end: int, line: int, column: int) -> tuple[int, int]:
    """As `advance`, over the first bytes of some text in UTF-8."""
    codes = np.frombuffer(data, np.uint8, end)
    feeds = codes == 10
    count, last = int(np.count_nonzero(feeds)), data.rfind(b"\n", 0, end)
    if data.find(b"\r", 0, end) >= 0:
        returns = codes == 13
        count += int(np.count_nonzero(returns)) - int(np.count_nonzero(returns[:-1] & feeds[1:]))
        last = max(last, data.rfind(b"\r", 0, end))
    tail = _characters(data[last + 1 : end])
    return line + count, tail + (1 if count else column)


def is_zero(block: bytes) -> bool:
    """Whether some bytes are all NUL."""
    return block[:1] == b"\0" and not block.strip(b"\0")


def is_hole(zeros: int, job: Job) -> bool:
    """Whether so many NUL bytes in a row end the reading, which is noted."""
    if zeros <= _HOLE:
        return False
    job.note("FILE_EXCEEDS_SIZE_LIMIT", f"nothing but zero bytes for {_HOLE >> 20} MiB: the rest was not read")
    return True
