"""Word documents before 2007: body, headers, notes, comments and text boxes, by the piece table.

Word 97 to 2003 whole; Word 6 and 95 by their simpler header, in the code page of their language.

Source: MS-DOC 2.3 (document parts), 2.5 (Fib), 2.8.35 (Plcfhdd), 2.9.38 (Clx), 2.9.73 (FcCompressed); [MS-DOC] 2.2.5
and 2.4.1 for special characters and paragraphs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from piiscan.errors import Encrypted, Malformed
from piiscan.extract import Job
from piiscan.extract.doc_rows import RowMarks, row_marks
from piiscan.extract.doc_tables import names_segments
from piiscan.extract.office import link_text
from piiscan.extract.office_word import LINK
from piiscan.extract.ole import Compound, compound_segments
from piiscan.extract.pieces import Cell, Pieces, Row, row_texts, table_segments
from piiscan.extract.places import placer
from piiscan.model import Segment

_WORD97, _WORD6, _WORD2 = 0xA5EC, 0xA5DC, 0xA5DB
_ENCRYPTED, _TABLE1 = 0x0100, 0x0200
_PARTS = ("body", "footnote", "header", "macro", "comment", "endnote", "text box", "header text box")
"""In the order of their characters; MS-DOC 2.3."""
_END = re.compile(r"[\r\x07\x0c\x0e]")
"""End of a paragraph, of a cell or row, of a page or section, of a column."""
_FIELD = re.compile("([\x13\x14\x15])")
_DROPPED = {**dict.fromkeys([*range(1, 9), *range(16, 19), 0x1F, 0xAD]), 0x0B: "\n", 0x1E: "-"}
"""Anchors of notes, pictures and drawings, and hyphens that only a line's end shows."""
_PAGES = {
    1: "cp1256", 2: "cp1251", 4: "cp936", 5: "cp1250", 8: "cp1253", 13: "cp1255", 14: "cp1250", 17: "cp932",
    18: "cp949", 21: "cp1250", 24: "cp1250", 25: "cp1251", 26: "cp1250", 27: "cp1250", 30: "cp874", 31: "cp1254",
    34: "cp1251", 35: "cp1251", 36: "cp1250", 37: "cp1257", 38: "cp1257", 39: "cp1257",
}  # fmt: skip
"""Code page by primary language, for documents of 8-bit characters. Source: MS-LCID."""
_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Fib:
    """What the header of a Word document says."""

    word6: bool
    table: bytes
    """The stream that holds the tables: of its own since Word 97, before it the main one."""
    counts: tuple[int, ...]
    """Characters of each of the eight parts."""
    pairs: int
    """Where the pairs of offset and length of the tables begin in the main stream."""
    pieces: tuple[tuple[int, int, int, str], ...]
    """(first character, characters, first byte, charset) of each stretch of text, in order."""


class DocExtractor:
    """The extractor of Word 6 to 2003 documents."""

    media_types = frozenset({"application/msword"})

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text by part and paragraph, tables by row or column, then names, properties and embedded objects.

        Raises: Encrypted, LimitReached.
        """
        yield from compound_segments(stream, job, document_segments)


EXTRACTOR = DocExtractor()


def document_segments(compound: Compound) -> Iterator[Segment]:
    """The text of an open document. Raises: Encrypted, Malformed, LimitReached."""
    main = compound.read("WordDocument")
    try:
        fib = _fib(compound, main)
    except struct.error as err:
        raise Malformed("the header of the Word document breaks off") from err
    reader = _Reader(compound, main, fib)
    begin = 0
    for part, count in zip(_PARTS, fib.counts, strict=True):
        if count:
            yield from reader.read(part, begin, begin + count)
        begin += count
    yield from names_segments(compound, main, fib.table, fib.pairs, word6=fib.word6)


def _fib(compound: Compound, main: bytes) -> Fib:
    magic, _, _, language, _, flags = struct.unpack_from("<6H", main, 0)
    if magic not in (_WORD97, _WORD6, _WORD2):
        raise Malformed("the main stream is no Word document")
    if flags & _ENCRYPTED:
        raise Encrypted("a Word document under a password: no text read")
    word6 = magic != _WORD97
    counts = struct.unpack_from("<8I", main, 0x34 if word6 else 0x4C)
    table = main if word6 else compound.read("1Table" if flags & _TABLE1 else "0Table")
    at, size = struct.unpack_from("<2I", main, 0x160 if word6 else 0x1A2)
    charset = _PAGES.get(language & 0x3FF, "cp1252") if word6 else "cp1252"
    if main[0x14:0x16] == b"\0\x01" and word6:
        charset = "mac_roman"
    pieces = tuple(_pieces(table[at : at + size], charset, word6=word6))
    if not pieces and word6:
        first, last = struct.unpack_from("<2I", main, 0x18)
        pieces = ((0, max(last - first, 0), first, charset),)
    if not pieces:
        raise Malformed("the Word document has no table of its text")
    return Fib(word6, table, counts, 0x58 if word6 else 0x9A, pieces)


def _pieces(clx: bytes, charset: str, *, word6: bool) -> Iterator[tuple[int, int, int, str]]:
    at = 0
    while clx[at : at + 1] == b"\x01":
        at += 3 + int.from_bytes(clx[at + 1 : at + 3], "little")
    if clx[at : at + 1] != b"\x02" or at + 5 > len(clx):
        return
    size = min(struct.unpack_from("<I", clx, at + 1)[0], len(clx) - at - 5)
    count = (size - 4) // 12
    if count < 1:
        return
    bounds = struct.unpack_from(f"<{count + 1}I", clx, at + 5)
    for n in range(count):
        (where,) = struct.unpack_from("<I", clx, at + 5 + 4 * (count + 1) + 8 * n + 2)
        length = bounds[n + 1] - bounds[n]
        if length <= 0:
            continue
        if word6:
            yield bounds[n], length, where, charset
        elif where & 0x40000000:
            yield bounds[n], length, (where & 0x3FFFFFFF) // 2, charset
        else:
            yield bounds[n], length, where, "utf-16-le"


class _Reader:
    """Reads the parts of one document into segments."""

    def __init__(self, compound: Compound, main: bytes, fib: Fib) -> None:
        self.job = compound.job
        self.main = main
        self.fib = fib
        self.pieces = Pieces()
        self.marks: RowMarks = RowMarks([], []) if fib.word6 else row_marks(main, fib.table)
        self.footers = _footers(main, fib)
        self.rows: list[Row] = []
        self.row: Row = []
        self.cell: list[str] = []
        self.tables = 0

    def read(self, part: str, begin: int, end: int) -> Iterator[Segment]:
        """The paragraphs of a part, whose characters are `[begin, end)`."""
        fields: list[bool] = []
        """Of each open field: whether its instruction is still going on."""
        instruction: list[str] = []
        first = 0
        for count, (raw, at, fc, closed) in enumerate(self._paragraphs(begin, end), 1):
            text = _without_fields(raw[:-1] if closed else raw, fields, instruction).translate(_DROPPED)
            name = "footer" if part == "header" and any(a <= at - begin < b for a, b in self.footers) else part
            make = placer(self.job.place)
            links = [link_text(a or b) for a, b in LINK.findall("".join(instruction))] if instruction else []
            if not any(fields):
                instruction.clear()
            in_table, row_end = self.marks.at(fc)
            if in_table or (raw.endswith("\x07") and not self.marks.known):
                self.tables += not (self.rows or self.row or self.cell)
                first = first or count
                if row_end or (not self.marks.known and raw == "\x07" and self.row):
                    self.rows.append(self.row)
                    self.row, self.cell, first = [], [], 0
                    if len(self.rows) > _MOST_ROWS:
                        rows, self.rows = self.rows, []
                        yield from row_texts(rows, self.pieces)
                else:
                    if text.strip():
                        self.cell.append(text)
                    if raw.endswith("\x07"):
                        place = make(part=name, paragraph=first, table=str(self.tables))
                        self.row.append(Cell("\n".join(self.cell), place))
                        self.cell, first = [], 0
            else:
                yield from self._end_table(name)
                first = 0
                if text.strip():
                    yield from self.pieces.add(text, make(part=name, paragraph=count))
            for link in links:
                yield from self.pieces.add(link, make(part=name, paragraph=count))
        yield from self._end_table(part)
        yield from self.pieces.flush()

    def _end_table(self, part: str) -> Iterator[Segment]:
        if self.cell or self.row:
            make = placer(self.job.place)
            if self.cell:
                self.row.append(Cell("\n".join(self.cell), make(part=part, table=str(self.tables))))
            self.rows.append(self.row)
        if self.rows:
            base = placer(self.job.place)(part=part, table=str(self.tables))
            rows, self.rows, self.row, self.cell = self.rows, [], [], []
            yield from table_segments(rows, base, self.pieces)

    def _paragraphs(self, begin: int, end: int) -> Iterator[tuple[str, int, int, bool]]:
        """(text with its mark, first character, byte of the mark, whether a mark ends it) of each paragraph."""
        held: list[str] = []
        at = fc = begin
        for first, length, where, charset in self.fib.pieces:
            low, high = max(first, begin), min(first + length, end)
            if low >= high:
                continue
            wide = 2 if charset == "utf-16-le" else 1
            source = where + (low - first) * wide
            raw = self.main[source : source + (high - low) * wide]
            self.job.budget.spend(len(raw))
            text = raw.decode(charset, "replace")
            done = 0
            for mark in _END.finditer(text):
                held.append(text[done : mark.end()])
                fc = source + mark.start() * wide
                whole = "".join(held)
                yield whole, at, fc, True
                held, done = [], mark.end()
                at += len(whole)
            held.append(text[done:])
        rest = "".join(held)
        if rest:
            yield rest, at, fc, False


def _footers(main: bytes, fib: Fib) -> list[tuple[int, int]]:
    """Ranges of the header part that are footers: six stories of separators, then six a section. MS-DOC 2.8.35."""
    if fib.word6:
        return []
    at, size = struct.unpack_from("<2I", main, fib.pairs + 8 * 11)
    data = fib.table[at : at + size]
    bounds = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
    return [(a, b) for n, (a, b) in enumerate(pairwise(bounds)) if n >= 6 and n % 6 in (2, 3, 5)]


def _without_fields(text: str, fields: list[bool], instruction: list[str]) -> str:
    """The text without field instructions, which go to `instruction`; fields may reach over paragraphs."""
    if not fields and "\x13" not in text:
        return text
    out: list[str] = []
    for piece in _FIELD.split(text):
        if piece == "\x13":
            fields.append(True)
        elif piece == "\x14":
            if fields:
                fields[-1] = False
        elif piece == "\x15":
            if fields:
                fields.pop()
        elif any(fields):
            instruction.append(piece)
        else:
            out.append(piece)
    return "".join(out)
