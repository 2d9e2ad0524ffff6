"""Excel workbooks before 2007 (BIFF5 and BIFF8): cells with their references, notes, text boxes, names and caches.

Read record by record with the sheet's true rows and columns, so that a cell in a far corner costs no more than its
neighbour (a library that fills the used range aborts there).

Source: MS-XLS 2.1.7 (streams), 2.4 (records), 2.5.198 (formulas); the OpenOffice.org documentation of Excel's file
format, for BIFF5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from piiscan.errors import Encrypted, LimitReached, Malformed
from piiscan.extract import Job
from piiscan.extract.biff import CONTINUE, Strings, counted_text, literals, records, rk_number, runs, short_text
from piiscan.extract.number_formats import Formats
from piiscan.extract.office import link_text
from piiscan.extract.office_cells import Value, column_letters, header_text
from piiscan.extract.office_sheet import SheetRow, sheet_segments
from piiscan.extract.ole import Compound, compound_segments
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, Segment

_BOF, _EOF, _FILEPASS, _CODEPAGE, _DATE1904 = 0x0809, 0x000A, 0x002F, 0x0042, 0x0022
_BOUNDSHEET, _SST, _FORMAT, _XF, _NAME, _USER = 0x0085, 0x00FC, 0x041E, 0x00E0, 0x0018, 0x005C
_SUPBOOK, _EXTERN, _CRN = 0x01AE, 0x0023, 0x005A
_LABELSST, _LABEL, _RSTRING, _NUMBER, _RK, _MULRK = 0x00FD, 0x0204, 0x00D6, 0x0203, 0x027E, 0x00BD
_FORMULA, _STRING, _BOOLERR, _RK5 = 0x0006, 0x0207, 0x0205, 0x007E
_NOTE, _OBJ, _TXO, _HLINK, _TOOLTIP, _VALIDATION = 0x001C, 0x005D, 0x01B6, 0x01B8, 0x0800, 0x01BE
_HEADER, _FOOTER, _SERIES_TEXT, _SCENARIO = 0x0014, 0x0015, 0x100D, 0x00AF
_CACHE_STRING = 0x00CD
_BIFF8 = 0x0600
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


class XlsExtractor:
    """The extractor of Excel 5 to 2003 workbooks."""

    media_types = frozenset({"application/vnd.ms-excel"})

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The sheets by column or row, each cell with its reference, then what hangs on them and around them.

        Raises: Encrypted, LimitReached.
        """
        yield from compound_segments(stream, job, workbook_segments)


EXTRACTOR = XlsExtractor()


@dataclass(slots=True)
class _Book:
    """What all sheets share."""

    job: Job
    data: bytes
    wide: bool = True
    """BIFF8: strings of Unicode characters; else of the code page."""
    charset: str = "cp1252"
    strings: list[str] = field(default_factory=list)
    used: bytearray = field(default_factory=bytearray)
    formats: Formats = field(default_factory=Formats)
    sheets: list[tuple[int, str]] = field(default_factory=list)
    """(offset, name) of each sheet."""
    cells: int = 0

    def text(self, body: bytes, at: int, *, count: int = 2) -> str:
        """A string within a record, with a length of `count` bytes."""
        if self.wide:
            return short_text(body, at, count=count)
        length = int.from_bytes(body[at : at + count], "little")
        return body[at + count : at + count + length].decode(self.charset, "replace")


def workbook_segments(compound: Compound) -> Iterator[Segment]:
    """The text of an open workbook, hidden sheets included. Raises: Encrypted, Malformed, LimitReached."""
    name = "Workbook" if compound.find("Workbook") else "Book"
    data = compound.read(name)
    if len(data) < 4 or struct.unpack_from("<H", data)[0] != _BOF:
        raise Malformed("the workbook stream does not begin as one")
    book = _Book(compound.job, data)
    yield from _globals(book)
    for begin, sheet in book.sheets:
        place = replace(compound.job.place, sheet=sheet)
        reader = _Sheet(book, place)
        yield from sheet_segments(place, reader.rows(begin), reader.extra)
        yield from reader.left_over()
    pieces = Pieces()
    place = replace(compound.job.place, part="sharedStrings")
    for index, text in enumerate(book.strings):
        # Text that no cell shows any more is still in the file.
        if not book.used[index] and text.strip():
            yield from pieces.add(text, place)
    yield from pieces.flush()
    yield from _around(compound)


def _globals(book: _Book) -> Iterator[Segment]:
    """Reads what comes before the sheets; gives their names, the names of ranges and the caches of other files."""
    place = replace(book.job.place, part="workbook")
    pieces = Pieces(prose=False)
    depth = 0
    walk = records(book.data)
    waiting: tuple[int, bytes, int] | None = None
    while (row := waiting or next(walk, None)) is not None:
        waiting = None
        kind, body, _ = row
        if kind == _BOF:
            if not depth and len(body) >= 2:
                book.wide = struct.unpack_from("<H", body)[0] >= _BIFF8
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if not depth:
                break
        elif kind == _FILEPASS:
            raise Encrypted("an Excel workbook under a password: no text read")
        elif kind == _SST:
            blocks = [body[8:]]
            for follow in walk:
                if follow[0] != CONTINUE:
                    waiting = follow
                    break
                blocks.append(follow[1])
            _shared_strings(book, body, blocks)
        else:
            yield from _global(book, kind, body, place, pieces)
    book.used = bytearray(len(book.strings))
    yield from pieces.flush()


def _global(book: _Book, kind: int, body: bytes, place: Place, pieces: Pieces) -> Iterator[Segment]:
    if kind == _CODEPAGE and len(body) >= 2:
        page = struct.unpack_from("<H", body)[0]
        name = {1200: "utf-16-le", 0x8000: "mac_roman", 10000: "mac_roman", 0x8001: "cp1252"}.get(page, f"cp{page}")
        try:
            "".encode(name)
            book.charset = name
        except LookupError:
            pass
    elif kind == _DATE1904 and body[:1] == b"\1":
        book.formats.epoch = datetime(1904, 1, 1)
    elif kind == _BOUNDSHEET and len(body) >= 7:
        sheet = book.text(body, 6, count=1)
        book.sheets.append((struct.unpack_from("<I", body)[0], sheet))
        yield from pieces.add(sheet, replace(place, sheet=sheet))
    elif kind == _FORMAT and len(body) >= 3:
        text = book.text(body, 2) if book.wide else book.text(body, 2, count=1)
        book.formats.add(struct.unpack_from("<H", body)[0], text)
    elif kind == _XF and len(body) >= 4:
        book.formats.styles.append(struct.unpack_from("<H", body, 2)[0])
    elif kind == _NAME and len(body) >= 15:
        length, formula = body[3], struct.unpack_from("<H", body, 4)[0]
        name = counted_text(body, 14, length) if book.wide else body[14 : 14 + length].decode(book.charset, "replace")
        if len(name) > 1 or name.isprintable():
            yield from pieces.add(" ".join([name, *literals(body[len(body) - formula :])]), place)
    elif kind == _USER:
        name = (book.text(body, 0) if book.wide else book.text(body, 0, count=1)).strip("\0 ")
        if name:
            yield from pieces.add(name, replace(place, part="author"))
    elif kind in (_SUPBOOK, _EXTERN, _CRN):
        for text in _external(kind, body):
            yield from pieces.add(text, replace(place, part="externalLink"))


def _shared_strings(book: _Book, body: bytes, blocks: list[bytes]) -> None:
    reader = Strings(blocks)
    count = struct.unpack_from("<I", body, 4)[0] if len(body) >= 8 else 0
    try:
        for _ in range(count):
            book.strings.append(reader.text())
    except (EOFError, struct.error):
        book.job.note("MALFORMED_FILE", "the table of strings breaks off")


def _external(kind: int, body: bytes) -> Iterator[str]:
    """Names of other files and sheets, and the values of their cells that this one keeps."""
    if kind != _CRN:
        yield from runs(body)
        return
    at = 4
    while at < len(body):
        if body[at] == 2 and at + 4 <= len(body):
            length, flags = struct.unpack_from("<HB", body, at + 1)
            yield short_text(body, at + 1)
            at += 4 + length * (1 + (flags & 1))
        else:
            if body[at] == 1 and at + 9 <= len(body):
                yield f"{struct.unpack_from('<d', body, at + 1)[0]:.15g}"
            at += 9


class _Sheet:
    """Reads one sheet's records into rows; notes and text boxes, whose texts come apart from cells, at its end."""

    def __init__(self, book: _Book, place: Place) -> None:
        self.book = book
        self.place = place
        self.extra = Pieces()
        self.texts: dict[int, str] = {}
        """Texts of drawn objects by their number, notes among them."""
        self.notes: list[tuple[str, int, str]] = []
        """(cell, object, author) of each note."""
        self.object = 0

    def rows(self, begin: int) -> Iterator[SheetRow | list[Segment]]:
        """The rows of the sheet that begins at an offset, and segments of what stands beside its cells."""
        row, values = -1, list[Value]()
        waiting = ("", 0, 0, 0)
        """A formula whose text comes in the next record."""
        depth = 0
        walk = records(self.book.data, begin)
        for kind, body, _ in walk:
            if kind == _BOF:
                depth += 1
                if depth == 1 and len(body) < 4:
                    return
            elif not depth:
                return
            elif kind == _EOF:
                depth -= 1
                if not depth:
                    break
            elif depth == 1 and kind in _CELLS and len(body) >= 6:
                number, column, style = struct.unpack_from("<3H", body)
                if number != row:
                    if values:
                        yield row + 1, values
                    row, values = number, []
                if kind == _FORMULA and body[12:14] == b"\xff\xff" and body[6:7] == b"\0":
                    waiting = ("formula", number, column, style)
                for offset, text, is_text in self._cell(kind, body, style):
                    values.append(self._value(number, column + offset, text, is_text))
                if kind == _FORMULA:
                    found = list(self._literals(body, number, column))
                    if found:
                        yield found
            elif kind == _STRING and waiting[0]:
                _, number, column, _ = waiting
                waiting = ("", 0, 0, 0)
                text = self.book.text(body, 0)
                if text and number == row:
                    values.append(self._value(number, column, text, True))
            else:
                found = list(self._beside(kind, body, walk))
                if found:
                    yield found
        if values:
            yield row + 1, values

    def _value(self, row: int, column: int, text: str, is_text: bool) -> Value:
        self.book.cells += 1
        if self.book.cells > self.book.job.limits.cells:
            raise LimitReached(f"more than {self.book.job.limits.cells} cells")
        return Value(column + 1, f"{column_letters(column + 1)}{row + 1}", text, is_text)

    def _cell(self, kind: int, body: bytes, style: int) -> Iterator[tuple[int, str, bool]]:
        """(columns to the right, text, whether it was typed as text) of each value of a cell record."""
        book = self.book
        if kind == _LABELSST and len(body) >= 10:
            (index,) = struct.unpack_from("<I", body, 6)
            if index < len(book.strings):
                book.used[index] = 1
                if book.strings[index]:
                    yield 0, book.strings[index], True
        elif kind in (_LABEL, _RSTRING):
            text = book.text(body, 6)
            if text:
                yield 0, text, True
        elif kind == _NUMBER and len(body) >= 14:
            yield 0, book.formats.shown(struct.unpack_from("<d", body, 6)[0], style), False
        elif kind in (_RK, _RK5) and len(body) >= 10:
            yield 0, book.formats.shown(rk_number(struct.unpack_from("<I", body, 6)[0]), style), False
        elif kind == _MULRK:
            for n in range((len(body) - 6) // 6):
                one, packed = struct.unpack_from("<HI", body, 4 + 6 * n)
                yield n, book.formats.shown(rk_number(packed), one), False
        elif kind == _BOOLERR and len(body) >= 8:
            yield 0, _ERRORS.get(body[6], "") if body[7] else ("TRUE" if body[6] else "FALSE"), True
        elif kind == _FORMULA and len(body) >= 14:
            if body[12:14] != b"\xff\xff":
                yield 0, book.formats.shown(struct.unpack_from("<d", body, 6)[0], style), False
            elif body[6] == 1:
                yield 0, "TRUE" if body[8] else "FALSE", True

    def _literals(self, body: bytes, row: int, column: int) -> Iterator[Segment]:
        place = replace(self.place, cell=f"{column_letters(column + 1)}{row + 1}", part="formula")
        for text in literals(body[22:]) if self.book.wide else ():
            yield from self.extra.add(link_text(text), place)

    def _beside(self, kind: int, body: bytes, walk: Iterator[tuple[int, bytes, int]]) -> Iterator[Segment]:
        """Notes, objects, links, headers and the texts of charts."""
        book, extra = self.book, self.extra
        if kind == _OBJ and len(body) >= 8:
            self.object = struct.unpack_from("<H", body, 6)[0]
        elif kind == _TXO and len(body) >= 12:
            length = struct.unpack_from("<H", body, 10)[0]
            follow = next(walk, None) if length else None
            blocks: list[bytes] = []
            while follow is not None and follow[0] == CONTINUE:
                blocks.append(follow[1])
                if sum(len(block) - 1 for block in blocks) >= length * (1 + (blocks[0][:1] == b"\1")):
                    break
                follow = next(walk, None)
            if blocks and blocks[0]:
                try:
                    reader = Strings([blocks[0][1:], *blocks[1:]])
                    self.texts[self.object] = reader.characters(length, blocks[0][0] & 1).strip()
                except EOFError:
                    self.texts[self.object] = blocks[0][1:].decode("latin-1")
        elif kind == _NOTE and len(body) >= 6:
            row, column = struct.unpack_from("<2H", body)
            cell = f"{column_letters(column + 1)}{row + 1}"
            if book.wide and len(body) >= 8:
                self.notes.append((cell, struct.unpack_from("<H", body, 6)[0], book.text(body, 8)))
            elif not book.wide:
                place = replace(self.place, cell=cell if row != 0xFFFF else None, part="comment")
                yield from extra.add(body[6:].decode(book.charset, "replace"), place)
        elif kind in (_HLINK, _TOOLTIP) and len(body) >= 8:
            at = 0 if kind == _HLINK else 2
            row, _, column = struct.unpack_from("<3H", body, at)
            place = replace(self.place, cell=f"{column_letters(column + 1)}{row + 1}", part="hyperlink")
            for text in dict.fromkeys(runs(body[at + 8 :])):
                yield from extra.add(link_text(text), place)
        elif kind in (_HEADER, _FOOTER) and body:
            text = book.text(body, 0) if book.wide else book.text(body, 0, count=1)
            yield from extra.add(header_text(text), replace(self.place, part=_AT[kind]))
        elif kind == _SERIES_TEXT and len(body) >= 4:
            yield from extra.add(book.text(body, 2, count=1), replace(self.place, part="chart"))
        elif kind in (_VALIDATION, _SCENARIO):
            part = "validation" if kind == _VALIDATION else "scenario"
            for text in dict.fromkeys(runs(body)):
                yield from extra.add(text, replace(self.place, part=part))
        elif kind in (_LABEL, _LABELSST) and len(body) >= 8:
            # Within a chart: the cells that it keeps.
            for _, text, _ in self._cell(kind, body, 0):
                yield from extra.add(text, replace(self.place, part="chart"))

    def left_over(self) -> Iterator[Segment]:
        """Notes at their cells, then the texts of other objects."""
        for cell, number, author in self.notes:
            place = replace(self.place, cell=cell, part="comment")
            for text in (self.texts.pop(number, ""), author):
                if text.strip("\0 "):
                    yield from self.extra.add(text.strip("\0 "), place)
        for text in self.texts.values():
            if text:
                yield from self.extra.add(text, replace(self.place, part="drawing"))
        yield from self.extra.flush()


_AT = {_HEADER: "header", _FOOTER: "footer"}
_CELLS = frozenset({_LABELSST, _LABEL, _RSTRING, _NUMBER, _RK, _RK5, _MULRK, _FORMULA, _BOOLERR})


def _around(compound: Compound) -> Iterator[Segment]:
    """Caches of pivot tables, and the log of a shared workbook's changes."""
    pieces = Pieces(prose=False)
    for path in sorted(compound.streams):
        name = path[0].lower()
        if name == "_sx_db_cur" and len(path) == 2:
            place = replace(compound.job.place, part="pivotCache")
            for kind, body, _ in records(compound.read(*path)):
                if kind == _CACHE_STRING:
                    yield from pieces.add(short_text(body, 0), place)
        elif name in ("revision log", "user names"):
            place = replace(compound.job.place, part="revision")
            for _, body, _ in records(compound.read(*path)):
                for text in runs(body):
                    yield from pieces.add(text, place)
    yield from pieces.flush()
