"""Plain text in any encoding, as overlapping windows; also the decoding that the other text formats share."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from piiscan.charset import charset_of
from piiscan.extract import Job
from piiscan.extract.utf8 import CORE, MARGIN, READ, is_hole, is_zero, utf8_windows
from piiscan.model import Place, Segment, TextSegment
from piiscan.sniff import CODE, ending

MEDIA_TYPES = frozenset({"text/plain"})


def windows(
    chunks: Iterable[str],
    place: Place,
    *,
    core: int = CORE,
    margin: int = MARGIN,
    flat: bool = True,
    prose: bool = True,
    line: int | None = 1,
    column: int = 1,
) -> Iterator[TextSegment]:
    """Overlapping windows over a text that comes in chunks; their cores, joined, are the text.

    `place` is what all windows share. `flat`: the text is the object itself, so offsets into it are given; else they
    are None and every window carries `place`. `line`: physical line of the first character, None to count no lines.
    """
    starts: tuple[int, ...] = ()
    places: tuple[Place, ...] = ()
    if not flat or place != Place():
        starts, places = (0,), (place,)
    buffer, left, offset = "", 0, 0
    source = iter(chunks)
    ended = False
    while not ended or left < len(buffer):
        want = left + core + margin
        if not ended and len(buffer) < want:
            parts, length = [buffer], len(buffer)
            while length < want:
                chunk = next(source, None)
                if chunk is None:
                    ended = True
                    break
                parts.append(chunk)
                length += len(chunk)
            buffer = "".join(parts)
        if left >= len(buffer):
            break
        end = min(left + core, len(buffer))
        yield TextSegment(
            text=buffer[: end + margin],
            offset=offset if flat else None,
            starts=starts,
            places=places,
            core=(left, end),
            line=line,
            column=column,
            prose=prose,
        )
        drop = max(end - margin, 0)
        # A line break of two characters stays in one window, or it would be counted twice.
        if drop and buffer[drop - 1] == "\r" and buffer[drop : drop + 1] in ("\n", ""):
            drop -= 1
        if line is not None:
            line, column = advance(buffer, drop, line, column)
        offset += drop
        buffer, left = buffer[drop:], end - drop


def advance(text: str, end: int, line: int, column: int) -> tuple[int, int]:
    """Line and column of `text[end]`, when `text[0]` stands at `line` and `column`.

    >>> advance("a\\r\\nbc\\rd", 6, 1, 1)
    (3, 1)
    """
    count = text.count("\n", 0, end)
    last = text.rfind("\n", 0, end)
    if text.find("\r", 0, end) >= 0:
        count += text.count("\r", 0, end) - text.count("\r\n", 0, end)
        last = max(last, text.rfind("\r", 0, end))
    return line + count, (end - last if last >= 0 else column + end)


def decoded(stream: BinaryIO, job: Job) -> Iterator[str]:
    """The text of a stream in pieces, without its byte order mark; what does not decode becomes U+FFFD.

    The encoding is `job.charset`, or found out when that is empty or unknown.
    """
    first = stream.read(READ)
    try:
        decoder = codecs.getincrementaldecoder(job.charset or charset_of(first[: 64 << 10], False) or "utf-8")(
            "replace"
        )
    except LookupError:
        decoder = codecs.getincrementaldecoder(charset_of(first[: 64 << 10], False) or "utf-8")("replace")
    hole = 0
    block, begun = first, False
    while block:
        hole = hole + len(block) if is_zero(block) else 0
        if is_hole(hole, job):
            break
        text = decoder.decode(block)
        if text:
            yield text if begun else text.removeprefix("\ufeff")
            begun = True
        block = stream.read(READ)
    tail = decoder.decode(b"", True)
    if tail:
        yield tail


def grown(text: str, chunks: Iterator[str], want: int) -> tuple[str, bool]:
    """A text with `want` more characters of what comes behind it, at least, and whether that has ended.

    Who asks for as many as there are doubles the text, so that one of many chunks is not copied once for each.
    """
    parts, length = [text], 0
    while length < max(want, 1):
        chunk = next(chunks, None)
        if chunk is None:
            return "".join(parts), True
        parts.append(chunk)
        length += len(chunk)
    return "".join(parts), False


class Lines:
    """Decoded text cut into blocks of whole physical lines, with the line number of what comes next."""

    def __init__(self, chunks: Iterator[str], *, block: int = 1 << 20, giant: int = 8 << 20) -> None:
        self._chunks = chunks
        self._buffer = ""
        self._block, self._giant = block, giant
        self._ended = False
        self.line = 1
        """Physical line of the first character that was not handed out yet."""

    def block(self) -> str | None:
        """The next whole lines, about a mebibyte; "" when the next line alone is too long to hold; None at the end."""
        while True:
            if not self._ended and len(self._buffer) < self._block:
                self._fill()
                continue
            if not self._buffer:
                return None
            cut = self._cut()
            if cut:
                return self._take(cut)
            if self._ended:
                if len(self._buffer) > self._giant:
                    return ""
                return self._take(len(self._buffer))
            if len(self._buffer) >= self._giant:
                return ""
            self._fill()

    def rest_of_line(self) -> Iterator[str]:
        """The next line in pieces, with its line break; for lines that `block` refused."""
        while True:
            at = self._buffer.find("\n")
            other = self._buffer.find("\r", 0, at if at >= 0 else len(self._buffer))
            if other >= 0:
                at = other
                if at + 1 == len(self._buffer) and not self._ended:
                    if at:
                        yield self._take(at)
                    self._fill()
                    continue
                at += self._buffer[at + 1 : at + 2] == "\n"
            if at >= 0:
                yield self._take(at + 1)
                return
            if self._buffer:
                yield self._take(len(self._buffer))
            if self._ended:
                return
            self._fill()

    def rest(self) -> Iterator[str]:
        """Everything that was not handed out yet."""
        if self._buffer:
            yield self._take(len(self._buffer))
        yield from self._chunks

    def _fill(self) -> None:
        want = max(self._block - len(self._buffer), len(self._buffer))
        self._buffer, self._ended = grown(self._buffer, self._chunks, want)

    def _cut(self) -> int:
        limit = min(len(self._buffer), self._block * 2)
        cut = self._buffer.rfind("\n", 0, limit) + 1
        if not cut:
            # A CR at the very end may be the first half of a CRLF.
            cut = self._buffer.rfind("\r", 0, min(limit, len(self._buffer) - (not self._ended))) + 1
            if cut and self._buffer[cut : cut + 1] == "\n":
                cut += 1
        if not cut and len(self._buffer) > limit:
            cut = self._buffer.find("\n", limit) + 1
        return cut

    def _take(self, count: int) -> str:
        text = self._buffer[:count]
        self._buffer = self._buffer[count:]
        self.line = advance(text, count, self.line, 1)[0]
        return text


def physical_lines(text: str) -> io.StringIO:
    """An iterator over the lines of `text` with their ends: LF, CRLF or CR and nothing else."""
    return io.StringIO(text, newline="")


class PlainText:
    """The extractor of plain text."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Windows over the decoded text; nothing for an empty object."""
        prose = ending(job.name) not in CODE
        if job.charset in ("utf-8", "utf-8-sig"):
            yield from utf8_windows(stream, job)
            return
        # Offsets count in the object; a member has only its line and column.
        yield from windows(decoded(stream, job), job.place, flat=not job.member, prose=prose)


EXTRACTOR = PlainText()
