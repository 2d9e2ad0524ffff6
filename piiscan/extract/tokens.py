"""A JSON document read in bounded memory: large containers are opened level by level, small ones decoded whole.

A container is handed to the C decoder when it lies in the buffer to its end; else its own members are read one by
one. So a file of records runs at the decoder's speed wherever in the document the records are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from piiscan.extract.paths import Collector, Node, Pairs
from piiscan.extract.text import advance, grown, windows
from piiscan.model import Segment

WHOLE = 1 << 20
"""Characters that must be in the buffer before a container that does not end there is opened level by level."""
_UNITS = re.compile(r'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+', re.S)
_HALF_PAIR = re.compile(r"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})\Z")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_SPACE = re.compile(r"[ \t\r\n\0\ufeff]*")


class NotJson(Exception):
    """The document breaks the grammar here, or lies too deep."""


class _Level:
    """An open container."""

    __slots__ = ("count", "indexes", "is_array", "node")

    def __init__(self, node: Node, is_array: bool, indexes: tuple[int, ...]) -> None:
        self.node, self.is_array, self.indexes = node, is_array, indexes
        self.count = 0


class Document:
    """The values of a text that comes in chunks."""

    def __init__(self, chunks: Iterator[str], collector: Collector, decoder: json.JSONDecoder) -> None:
        self._chunks, self._collector, self._decoder = chunks, collector, decoder
        self._buffer, self._at = "", 0
        self._ended = False
        self._stack: list[_Level] = []
        self._record = 0
        self._documents = 0
        self.deep = False
        """Whether `NotJson` came of the depth and not of a fault."""
        self.position = (1, 1)
        """Line and column of the buffer's first character."""

    def read(self) -> Iterator[Segment]:
        """The segments, as they fill. Raises: NotJson; `rest` then gives the text from there on."""
        while self._peek():
            if self._stack:
                yield from self._member()
            else:
                self._record = self._documents
                self._documents += 1
                if self._peek() == "[":
                    # Always opened, for its elements are records.
                    self._at += 1
                    self._stack.append(_Level(self._collector.root, True, ()))
                    continue
                yield from self._value(self._collector.root, ())
            if self._collector.full:
                yield from self._collector.take()
                if not self._stack:
                    self._collector.forget()
        if self._stack:
            raise NotJson("the JSON document ends too early")

    def rest(self) -> Iterator[str]:
        """The text from where reading stopped."""
        yield self._buffer[self._at :]
        yield from self._chunks

    def _fill(self) -> bool:
        """Bring in more text; what was read is dropped. False at the end."""
        if self._at:
            self.position = advance(self._buffer, self._at, *self.position)
            self._buffer = self._buffer[self._at :]
            self._at = 0
        before = len(self._buffer)
        if not self._ended:
            self._buffer, self._ended = grown(self._buffer, self._chunks, before)
        return len(self._buffer) > before

    def _peek(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fill():
                return ""

    def _fail(self, sentence: str) -> NotJson:
        self.position = advance(self._buffer, self._at, *self.position)
        self._buffer, self._at = self._buffer[self._at :], 0
        return NotJson(sentence)

    def _member(self) -> Iterator[Segment]:
        """One step inside the innermost open container: an element, a pair, a comma or its end."""
        level = self._stack[-1]
        char = self._peek()
        if char == ",":
            self._at += 1
        elif char == ("]" if level.is_array else "}"):
            self._at += 1
            self._stack.pop()
        elif level.is_array:
            if self._elements(level):
                return
            if len(self._stack) == 1:
                self._record = level.count
            indexes = (*level.indexes, level.count)
            level.count += 1
            yield from self._value(level.node.element(), indexes)
        else:
            key = self._key()
            known = key in level.node.children
            child = level.node.child(key)
            if not known:
                self._collector.key(child, self._record, 0, level.indexes)
            yield from self._value(child, level.indexes)

    def _elements(self, level: _Level) -> int:
        """Take in elements as long as they lie whole in the buffer; how many there were."""
        buffer, at, count, outer = self._buffer, self._at, level.count, len(self._stack)
        collector, node, scan = self._collector, level.node.element(), self._decoder.scan_once  # type: ignore[attr-defined]
        try:
            while not collector.full:
                value, end = scan(buffer, at)
                separator = _COMMA.match(buffer, end)
                if separator is None or separator.end() == len(buffer):
                    break
                at = separator.end()
                record = count if outer == 1 else self._record
                collector.add(node, value, record, 0, (*level.indexes, count), outer)
                count += 1
        except (StopIteration, ValueError, RecursionError):
            pass
        taken = count - level.count
        self._at, level.count = at, count
        return taken

    def _key(self) -> str:
        if self._peek() != '"':
            raise self._fail("the JSON document is broken")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                break
            except ValueError as err:
                if len(self._buffer) - self._at > WHOLE or not self._fill():
                    raise self._fail("the JSON document is broken") from err
        if not isinstance(value, str):
            raise self._fail("the JSON document is broken")
        self._at = end
        if self._peek() != ":":
            raise self._fail("the JSON document is broken")
        self._at += 1
        return value

    def _value(self, node: Node, indexes: tuple[int, ...]) -> Iterator[Segment]:
        """Take in the value that comes next, or open it when it is a container that does not fit."""
        char = self._peek()
        if not char:
            return
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except ValueError:
                if len(self._buffer) - self._at < WHOLE and self._fill():
                    continue
                break
            except RecursionError:
                break
            if end >= len(self._buffer) and not isinstance(value, Pairs | list) and char != '"' and self._fill():
                # A number at the buffer's end may go on.
                continue
            self._at = end
            self._collector.add(node, value, self._record, 0, indexes, len(self._stack))
            return
        if char in "[{":
            if len(self._stack) >= self._collector.depth:
                self.deep = True
                raise self._fail("too deep")
            self._at += 1
            self._stack.append(_Level(node, char == "[", indexes))
        elif char == '"' and len(self._buffer) - self._at >= WHOLE:
            self._at += 1
            place = self._collector.place(node, self._record, 0, indexes)
            yield from windows(self._long_string(), place, flat=False, line=None)
        else:
            raise self._fail("the JSON document is broken")

    def _long_string(self) -> Iterator[str]:
        """A string too long to be held, in pieces, its escapes resolved."""
        while True:
            # The reserve keeps an escape, or a pair of them, from being cut in two.
            reserve = 0 if self._ended else 12
            found = _UNITS.match(self._buffer, self._at, max(len(self._buffer) - reserve, self._at))
            end = found.end() if found else self._at
            if not self._ended:
                end -= self._half_pair(end)
            if end > self._at:
                yield self._unescaped(self._buffer[self._at : end])
                self._at = end
                continue
            char = self._buffer[end : end + 1]
            if char == '"':
                self._at += 1
                return
            if not self._fill():
                if not self._buffer:
                    return
                if _UNITS.match(self._buffer).end() == 0 and self._buffer[0] != '"':  # type: ignore[union-attr]
                    yield self._buffer[0]
                    self._at = 1

    def _half_pair(self, end: int) -> int:
        """Characters before `end` that are the first half of a surrogate pair whose second half comes after it."""
        begin = max(end - 8, self._at)
        while begin > self._at and self._buffer[begin - 1] == "\\":
            begin -= 1
        found = _HALF_PAIR.search(self._buffer[begin:end])
        return end - begin - found.start(1) if found else 0

    def _unescaped(self, piece: str) -> str:
        if "\\" not in piece:
            return piece
        try:
            return str(self._decoder.decode(f'"{piece}"'))
        except ValueError:
            return piece
