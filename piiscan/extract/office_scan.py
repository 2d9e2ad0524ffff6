"""XML of Office parts read by patterns over its text, in chunks: what all such quick readers refuse and share.

A quick reader takes what programs write day by day. At the first thing that is unusual (a comment, CDATA, a document
type, another encoding, a name it does not know, anything not well-formed) it stops, and `Quick.rest` is a document
that holds the same head and all that was not read yet, for the parser.

Source: XML 1.0 (fifth edition), sections 2.2 (characters), 2.4 (markup), 2.11 (line ends) and 4.1 (references).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from piiscan.errors import Malformed
from piiscan.extract.spooled import Pieces

ATTRIBUTES = r'(?: [A-Za-z][\w.]*="[^"<&]*")*'
"""Attributes without a prefix, each after one space."""
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32)])
"""Characters that no document may hold."""
_BAD = _CONTROLS + b"\r"
"""Those, and the carriage return, which a parser makes a line feed of."""
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml [^<>?]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["'](?!utf-8["'])""", re.I)
_HEAD = 1 << 20
"""Bytes within which the elements of interest must begin."""
_SHORT = 64 << 10
"""Bytes of a tail up to which it is read whole."""
_LONGEST = 16 << 20
"""Bytes of one row or item up to which it is read the quick way."""


def unescape(text: str) -> str:
    """A text whose references were found to be sound by `Quick`, with the characters that they stand for.

    >>> unescape("a &amp; b &#233;&#x41;")
    'a & b éA'
    """
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    return _NAMED[name] if name else chr(int(decimal) if decimal else int(hexadecimal, 16))


def _is_character(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def sound(text: str) -> bool:
    """Whether every reference in a text is one that XML knows by itself."""
    if "&" not in text:
        return True
    found = _REFERENCE.findall(text)
    codes = (int(decimal) if decimal else int(hexadecimal, 16) for name, decimal, hexadecimal in found if not name)
    return len(found) == text.count("&") and all(map(_is_character, codes))


def plain_head(head: bytes) -> bool:
    """Whether a document that begins so is in UTF-8 and has neither a document type nor instructions or comments."""
    declared = _DECLARATION.match(head)
    body = head
    if declared:
        body = head[declared.end() :]
        if _ENCODING.search(declared[0]):
            return False
    return b"<!" not in body and b"<?" not in body and body.lstrip().startswith(b"<")


class Quick:
    """The chunks of one part between its head and its tail."""

    def __init__(
        self,
        blocks: Iterator[bytes],
        begin: bytes,
        close: bytes,
        end: bytes,
        *,
        inclusive: bool = True,
        empty: bytes = b"",
    ) -> None:
        """`begin`: the last bytes of the head, or the first behind it where not `inclusive`; `close`: what ends an
        item; `end`: where the tail begins; `empty`: stands in the place of all these where there are no items.
        """
        self._blocks, self._begin, self._close, self._end = blocks, begin.rstrip(b">"), close, end
        self.head = b""
        """All up to the first item; empty where the part is none for the quick way."""
        self._held = b""
        self._broken = False
        while begin not in self._held and len(self._held) < _HEAD:
            block = self._block()
            if not block:
                break
            self._held += block
        at = self._held.find(begin)
        if at < 0 and empty:
            # No items at all.
            begin, self._end = empty, b""
            at = self._held.find(empty)
        if at < 0:
            return
        head = self._held[: at + len(begin) * inclusive]
        if plain_head(head) and head.translate(None, _CONTROLS) == head:
            self.head, self._held = head, self._held[len(head) :]

    def chunks(self) -> Iterator[str]:
        """Texts of whole items; ends at the tail, or before the first chunk that is unusual."""
        while self.head and self._end:
            end = self._held.find(self._end)
            cut = end if end >= 0 else self._held.rfind(self._close) + len(self._close)
            if end < 0 and cut < len(self._close):
                block = self._block() if len(self._held) < _LONGEST else b""
                if not block:
                    return
                self._held += block
                continue
            data = self._held[:cut]
            # Markup that is none of the patterns' stops them by itself.
            if data.translate(None, _BAD) != data or b"]]>" in data:
                return
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                return
            if "\ufffe" in text or "\uffff" in text or not sound(text):
                return
            self._held = self._held[cut:]
            yield text
            if end >= 0:
                return

    def tail(self) -> bytes | None:
        """A document of head and tail, when all between them was read and what is left is short; else None."""
        if not self.head or not self._held.startswith(self._end):
            return None
        while len(self._held) <= _SHORT:
            block = self._block()
            if not block:
                again = self._held.find(self._begin, len(self._end)) >= 0
                return None if self._broken or again else self.head + self._held
            self._held += block
        return None

    def _block(self) -> bytes:
        """The next bytes; none at the end, and where the part is damaged, which `rest` will raise."""
        try:
            return next(self._blocks, b"")
        except Malformed:
            self._broken = True
            return b""

    def give_back(self, text: str) -> None:
        """What of the last chunk was not read, for `rest`."""
        self._held = text.encode() + self._held

    def rest(self) -> BinaryIO:
        """A document of the head and all that was not given out."""
        first, self._held = self.head + self._held, b""

        def all_blocks() -> Iterator[bytes]:
            yield first
            yield from self._blocks

        return cast(BinaryIO, io.BufferedReader(Pieces(all_blocks()), 1 << 16))
