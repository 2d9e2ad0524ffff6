"""Where a match stands: line and column in plain text, row and column in a table, counted once for a segment."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from piiscan.model import LINE_BREAK, NOWHERE, Place, Segment, TextSegment
from piiscan.passes import CHUNK, passes


class Locator:
    """Places within one segment. Lines of plain text are counted forward from one call to the next."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._plain = isinstance(segment, TextSegment) and segment.line is not None
        self._lines: list[int] | None = None
        """Where each line but the first begins, in a text with carriage returns."""
        self._utf8: _Utf8Lines | None = None
        self._at = 0
        self._breaks = 0
        if self._plain and isinstance(segment, TextSegment):
            if segment.utf8 is not None:
                self._utf8 = _Utf8Lines(segment.utf8)
            elif "\r" in segment.text:
                self._lines = [m.end() for m in LINE_BREAK.finditer(segment.text)]

    def __call__(self, offset: int) -> Place:
        """The place of the character at `offset` of a text segment, or of the value at that index of a column."""
        segment = self._segment
        if not self._plain or not isinstance(segment, TextSegment) or segment.line is None:
            return segment.place_of(offset)
        number, begin = self._line(segment.text, offset)
        base = segment.places[max(bisect_right(segment.starts, offset) - 1, 0)] if segment.starts else NOWHERE
        if number:
            return replace(base, line=segment.line + number, column=offset - begin + 1)
        return replace(base, line=segment.line, column=offset + segment.column)

    def _line(self, text: str, offset: int) -> tuple[int, int]:
        """Line breaks before `offset`, and where its line begins."""
        if self._lines is not None:
            number = bisect_right(self._lines, offset)
            return number, self._lines[number - 1] if number else 0
        if self._utf8 is not None:
            return self._utf8(offset)
        if offset < self._at:
            self._at = self._breaks = 0
        self._breaks += text.count("\n", self._at, offset)
        self._at = offset
        return self._breaks, text.rfind("\n", 0, offset) + 1


class _Utf8Lines:
    """Lines counted in the bytes of a text, which is many times faster than in its characters."""

    def __init__(self, utf8: bytes) -> None:
        self._utf8 = utf8
        self._data = np.frombuffer(utf8, np.uint8)
        self._returns = b"\r" in utf8
        self._characters: npt.NDArray[np.int64] | None = None
        """The characters before each chunk of bytes."""
        if not utf8.isascii():
            marks = passes().marks(utf8)
            self._characters = np.arange(len(marks)) * CHUNK - marks
        self._at = 0
        self._breaks = 0

    def _byte(self, offset: int) -> int:
        """Where a character begins, in bytes; the end of the text for the one behind the last."""
        assert self._characters is not None
        chunk = int(np.searchsorted(self._characters, offset, side="right")) - 1
        piece = np.frombuffer(self._utf8[chunk * CHUNK : (chunk + 1) * CHUNK], np.int8)
        firsts = np.flatnonzero(piece >= -64)  # 0x80 to 0xBF, as signed numbers, go on with a character
        number = offset - int(self._characters[chunk])
        return chunk * CHUNK + int(firsts[number]) if number < len(firsts) else len(self._utf8)

    def __call__(self, offset: int) -> tuple[int, int]:
        """Line breaks before the character at `offset`, and where its line begins."""
        at = offset if self._characters is None else self._byte(offset)
        if at < self._at:
            self._at = self._breaks = 0
        self._breaks += int(np.count_nonzero(self._data[self._at : at] == 10))
        if self._returns:
            self._breaks += self._utf8.count(b"\r", self._at, at) - self._utf8.count(b"\r\n", self._at, at + 1)
        self._at = at
        limit = at - (self._utf8[max(at - 1, 0) : at + 1] == b"\r\n")
        begin = self._utf8.rfind(b"\n", 0, limit) + 1
        if self._returns:
            begin = max(begin, self._utf8.rfind(b"\r", begin, limit) + 1)
        return self._breaks, offset - len(self._utf8[begin:at].decode())
