"""Rich Text Format: text by part and paragraph, properties, and the objects inside.

The words of the format are followed as a writer of them would: groups, destinations, code pages by font, Unicode with
its fallbacks. Pictures are passed over byte by byte; embedded objects go to their own readers.

Source: Rich Text Format Specification 1.9.1; MS-OLEDS 2.2.5 (embedded objects of OLE 1).
"""

from __future__ import annotations

import codecs
import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from piiscan.errors import LimitReached
from piiscan.extract import Job
from piiscan.extract.office import link_text
from piiscan.extract.office_word import LINK
from piiscan.extract.pieces import Cell, Pieces, Row, row_texts, table_segments
from piiscan.extract.places import placer
from piiscan.extract.rtf_tokens import BRACE, HEX, TEXT, WORD, tokens
from piiscan.extract.rtf_words import CHARACTERS, CHARSETS, DROPPED, ENCODINGS, FORMATTING, OPEN, PARTS, PROPERTIES
from piiscan.model import Segment

_DEPTH = 2_000
"""Groups inside groups; what lies deeper is read as if it stood there."""
_LONG = 1 << 20
"""Characters of one paragraph after which it is given out."""
_MOST_ROWS = 20_000


@dataclass(slots=True)
class _Sink:
    """Where text goes: the body, or a note or header with paragraphs of its own."""

    part: str
    path: str | None = None
    texts: list[str] = field(default_factory=list)
    size: int = 0
    cell: list[str] = field(default_factory=list)
    row: Row = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class _State:
    """What a group inherits and gives back at its end."""

    sink: _Sink
    mode: str = ""
    """Empty for text; "drop", "fonts", "instruction" or "data" for the destinations that hold something else."""
    charset: str = ""
    """Of the current font; empty: the document's."""
    skip: int = 1
    """Fallback characters behind a Unicode character."""
    in_table: bool = False
    font: int = 0
    """Within the font table: the font that is being described."""


class RtfExtractor:
    """The extractor of RTF documents."""

    media_types = frozenset({"application/rtf"})

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text by part and paragraph, tables by row or column, properties, embedded objects. Raises: LimitReached.

        Paragraphs count from 1 in their part.
        """
        reader = _Reader(job)
        for kind, value, number in tokens(stream):
            if kind == TEXT and reader.state.sink.size < _LONG:
                reader.text(value)
            elif kind != WORD or value not in FORMATTING or reader.starred:
                # How characters and paragraphs look is nine tenths of the words.
                yield from reader.take(kind, value, number)
                if reader.ended:
                    break
        yield from reader.finish()


EXTRACTOR = RtfExtractor()


class _Reader:
    """Turns tokens into segments."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.make = placer(job.place)
        self.pieces = Pieces()
        self.state = _State(_Sink("body"))
        self.stack: list[_State] = []
        self.too_deep = 0
        self.ended = False
        """The group of the document was closed: what follows is none of it."""
        self.encoding = "cp1252"
        self.fonts: dict[int, str] = {}
        self.bytes: list[bytes] = []
        """Characters of one charset that were not decoded yet."""
        self.held = 0
        self.surrogate = 0
        self.to_skip = 0
        self.starred = False
        self.counts: dict[str, int] = {}
        self.tables = 0
        self.instruction: list[str] = []
        self.data: list[bytes] = []
        self.data_size = 0
        self.objects = 0

    def take(self, kind: int, value: bytes, number: int | None) -> Iterator[Segment]:
        """One token."""
        if kind == TEXT:
            self.text(value)
        elif kind == HEX:
            if self.to_skip:
                self.to_skip -= 1
            elif self.state.mode != "data":
                self.bytes.append(bytes((int(value, 16),)))
        elif kind == WORD:
            yield from self._word(value, number)
        elif kind == BRACE:
            self._decode()
            self.to_skip = 0
            self.starred = False
            if value == b"}":
                yield from self._close()
            elif len(self.stack) >= _DEPTH:
                self.too_deep += 1
            else:
                self.stack.append(self.state)
                self.state = replace(self.state)
        elif value == b"*":
            self.starred = True
        elif value in b"\r\n":
            yield from self._end_paragraph()
        elif value in b"~_-\\{}":
            self._add({b"~": "\u00a0", b"_": "-", b"-": ""}.get(value, value.decode("ascii")))
        if self.state.sink.size > _LONG:
            self._decode()
            yield from self._end_paragraph()

    def finish(self) -> Iterator[Segment]:
        """What is open when the file ends, which is noted when groups are."""
        if self.stack or self.too_deep:
            self.job.note("MALFORMED_FILE", "the RTF document breaks off: a group is not closed")
        self._decode()
        while self.stack:
            yield from self._close()
        yield from self._end_sink(self.state.sink)
        yield from self.pieces.flush()

    def text(self, raw: bytes) -> None:
        """Characters as they stand, in the charset of the font."""
        if self.state.mode == "data":
            self.data_size += len(raw)
            if self.data_size > 2 * self.job.limits.part_bytes:
                raise LimitReached(f"an embedded object is larger than {self.job.limits.part_bytes} bytes")
            self.data.append(raw)
            return
        if self.to_skip:
            count = min(self.to_skip, len(raw))
            self.to_skip -= count
            raw = raw[count:]
        if raw and self.state.mode not in ("drop", "fonts"):
            self.bytes.append(raw)
            self.held += len(raw)
            if self.held > _LONG:
                self._decode()

    def _decode(self) -> None:
        if self.bytes:
            raw = b"".join(self.bytes)
            self.bytes.clear()
            self.held = 0
            self._add(raw.decode(self.state.charset or self.encoding, "replace"))

    def _add(self, text: str) -> None:
        if self.bytes:
            self._decode()
        mode = self.state.mode
        if mode == "instruction":
            self.instruction.append(text)
        elif not mode:
            self.state.sink.texts.append(text)
            self.state.sink.size += len(text)

    def _word(self, word: bytes, number: int | None) -> Iterator[Segment]:
        state = self.state
        if word == b"u" and number is not None:
            self._unicode(number & 0xFFFF)
            return
        starred, self.starred = self.starred, False
        self.to_skip = 0
        if word in CHARACTERS:
            self._add(CHARACTERS[word])
            return
        self._decode()
        if word in (b"par", b"sect", b"page", b"column"):
            yield from self._end_paragraph()
        elif word == b"cell":
            self._end_cell()
        elif word == b"row":
            yield from self._end_row()
        elif word == b"pard":
            state.in_table = False
        elif word in (b"intbl", b"itap"):
            state.in_table = number is None or number > 0
        elif word == b"uc":
            state.skip = min(max(number or 0, 0), 8)
        elif word in (b"f", b"af") and number is not None:
            if state.mode == "fonts":
                state.font = number
            elif word == b"f":
                state.charset = self.fonts.get(number, "")
        elif word == b"fcharset" and state.mode == "fonts":
            self.fonts[state.font] = CHARSETS.get(number or 0, "")
        elif word == b"cpg" and state.mode == "fonts":
            self.fonts[state.font] = _codec(number, "")
        elif word == b"plain":
            state.charset = ""
        elif word == b"ansicpg":
            self.encoding = _codec(number, self.encoding)
        elif word in ENCODINGS and state.sink.part == "body":
            self.encoding = ENCODINGS[word]
        elif not state.mode or state.mode == "instruction":
            self._destination(word.lower(), starred)

    def _destination(self, word: bytes, starred: bool) -> None:
        state = self.state
        if word == b"fonttbl":
            state.mode = "fonts"
        elif word == b"fldinst":
            state.mode = "instruction"
        elif word == b"objdata":
            state.mode = "data"
        elif word in DROPPED or (starred and word not in OPEN):
            state.mode = "drop"
        elif word in PROPERTIES and self.stack:
            state.sink = _Sink("properties", PROPERTIES[word])
        elif word in PARTS and self.stack:
            state.sink = _Sink(PARTS[word])

    def _unicode(self, code: int) -> None:
        self._decode()
        if 0xD800 <= code < 0xDC00:
            self.surrogate = code
        else:
            if 0xDC00 <= code < 0xE000:
                code = 0x10000 + ((self.surrogate - 0xD800) << 10) + code - 0xDC00 if self.surrogate else 0xFFFD
            elif 0xF000 <= code < 0xF100:
                # Symbol fonts put their characters there.
                code -= 0xF000
            self.surrogate = 0
            self._add(chr(code) if code else "")
        self.to_skip = self.state.skip

    def _close(self) -> Iterator[Segment]:
        if self.too_deep:
            self.too_deep -= 1
            return
        if not self.stack:
            return
        inner, self.state = self.state, self.stack.pop()
        self.ended = not self.stack
        if inner.sink is not self.state.sink:
            yield from self._end_sink(inner.sink)
        if inner.mode == "instruction" and self.state.mode != "instruction":
            instruction = "".join(self.instruction)
            self.instruction.clear()
            for quoted, plain in LINK.findall(instruction):
                sink = self.state.sink
                place = self.make(part=sink.part, paragraph=self.counts.get(sink.part, 0) + 1)
                yield from self.pieces.add(link_text(quoted or plain), place)
        if inner.mode == "data" and self.state.mode != "data":
            yield from self._object()

    def _end_paragraph(self) -> Iterator[Segment]:
        sink = self.state.sink
        self._decode()
        text = "".join(sink.texts).replace("\u00ad", "")
        sink.texts.clear()
        sink.size = 0
        self.counts[sink.part] = number = self.counts.get(sink.part, 0) + 1
        if self.state.in_table and not self.state.mode:
            if text.strip():
                sink.cell.append(text)
            return
        yield from self._end_table(sink)
        if text.strip():
            if sink.path is not None:
                yield from self.pieces.add(text.strip(), self.make(part=sink.part, path=sink.path))
            else:
                yield from self.pieces.add(text, self.make(part=sink.part, paragraph=number))

    def _end_cell(self) -> None:
        sink = self.state.sink
        self.counts[sink.part] = number = self.counts.get(sink.part, 0) + 1
        if not sink.row and not sink.rows:
            self.tables += 1
        text = "".join(sink.texts).replace("\u00ad", "")
        sink.texts.clear()
        sink.size = 0
        place = self.make(part=sink.part, paragraph=number - len(sink.cell), table=str(self.tables))
        sink.row.append(Cell("\n".join([*sink.cell, text] if text.strip() else sink.cell), place))
        sink.cell = []

    def _end_row(self) -> Iterator[Segment]:
        sink = self.state.sink
        if sink.row:
            sink.rows.append(sink.row)
            sink.row = []
        if len(sink.rows) > _MOST_ROWS:
            rows, sink.rows = sink.rows, []
            yield from row_texts(rows, self.pieces)

    def _end_table(self, sink: _Sink) -> Iterator[Segment]:
        yield from self._end_row() if sink is self.state.sink else ()
        if sink.cell:
            place = self.make(part=sink.part, paragraph=self.counts.get(sink.part, 0))
            yield from self.pieces.add("\n".join(sink.cell), place)
            sink.cell = []
        if sink.rows:
            rows, sink.rows = sink.rows, []
            yield from table_segments(rows, self.make(part=sink.part, table=str(self.tables)), self.pieces)

    def _end_sink(self, sink: _Sink) -> Iterator[Segment]:
        """The rest of a part at the end of its group."""
        kept, self.state = self.state, _State(sink)
        if sink.texts:
            yield from self._end_paragraph()
        yield from self._end_table(sink)
        self.state = kept

    def _object(self) -> Iterator[Segment]:
        """An embedded object, in hexadecimal digits: a header of OLE 1 with the class, then the native data."""
        data = bytes.fromhex(_even(re.sub(rb"[^0-9A-Fa-f]", b"", b"".join(self.data))).decode("ascii"))
        self.data.clear()
        self.data_size = 0
        self.objects += 1
        name, content = f"object {self.objects}", data
        try:
            at = 8
            for _ in range(3):
                at += 4 + struct.unpack_from("<I", data, at)[0]
            (size,) = struct.unpack_from("<I", data, at)
            content = data[at + 4 : at + 4 + size] or data
            program = data[12 : 12 + struct.unpack_from("<I", data, 8)[0]].rstrip(b"\0").lower()
        except struct.error:
            program = b""
        if program == b"package":
            from piiscan.extract.ole import packed_segments

            yield from packed_segments(len(content).to_bytes(4, "little") + content, self.job, name)
            return
        begin = content.find(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, 4096)
        if begin >= 0:
            yield from self.job.nested(name, io.BytesIO(content[begin:]))


def _even(digits: bytes) -> bytes:
    return digits[: len(digits) // 2 * 2]


def _codec(page: int | None, default: str) -> str:
    """The codec of a code page, `default` for one that there is not."""
    name = {65001: "utf-8", 10000: "mac_roman"}.get(page or 0, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return default
    return name
