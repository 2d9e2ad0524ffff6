"""RTF as tokens: words, characters, groups and text, from a stream of which one block is held at a time.

Source: Rich Text Format Specification 1.9.1, "RTF Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,32})(-?\d{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z'])|([{}])|[\r\n\0]+|([^\\{}\r\n\0]+)|(.)", re.S
)
_BLOCK = 256 << 10

WORD, HEX, SYMBOL, BRACE, TEXT = range(5)
Token = tuple[int, bytes, int | None]


def tokens(stream: BinaryIO) -> Iterator[Token]:
    """(kind, bytes, number of a control word) of each token; the bytes of `\\bin` are passed over."""
    held, ended = b"", False
    while not ended or held:
        block = b"" if ended else stream.read(_BLOCK)
        ended = ended or not block
        held += block
        # A control word may go on in the next block.
        stop = len(held) if ended else max(held.rfind(b"\\", len(held) - 64), 0) or max(len(held) - 1, 0)
        at = 0
        match = _TOKEN.match
        while at < stop:
            found = match(held, at, stop)
            if found is None:
                break
            at = found.end()
            group = found.lastindex
            if group == 6:
                yield TEXT, found[6], None
            elif group == 5:
                yield BRACE, found[5], None
            elif group == 3:
                yield HEX, found[3], None
            elif group == 4:
                yield SYMBOL, found[4], None
            elif group in (1, 2):
                number = int(found[2]) if found[2] else None
                if found[1] == b"bin" and number:
                    gone = number - (len(held) - at)
                    at = min(at + number, len(held))
                    while gone > 0:
                        skipped = stream.read(min(gone, _BLOCK))
                        if not skipped:
                            break
                        gone -= len(skipped)
                    stop = max(stop, at)
                else:
                    yield WORD, found[1], number
        held = held[at:] if at else (b"" if ended else held)
