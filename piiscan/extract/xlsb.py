"""Excel's binary workbooks in a package (XLSB): cells with their references, comments, links and names.

Source: MS-XLSB 2.1.7 (parts), 2.3 (record types), 2.4 (records), 2.5.113 (RfX).
"""

from __future__ import annotations

import io
import posixpath
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, BinaryIO, cast

from piiscan.errors import LimitReached, Malformed
from piiscan.extract.biff import rk_number, runs, wide_records, wide_text
from piiscan.extract.number_formats import Formats
from piiscan.extract.office import Package, link_text
from piiscan.extract.office_cells import Value, column_letters, header_text
from piiscan.extract.office_sheet import SheetRow, around_sheets, sheet_segments
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, Segment

_ROW, _CELLS = 0, range(1, 12)
_RK, _ERROR, _BOOL, _REAL, _TEXT, _SHARED = 2, 3, 4, 5, 6, 7
_F_TEXT, _F_NUMBER, _F_BOOL, _F_ERROR, _RICH = 8, 9, 10, 11, 62
_SST_ITEM, _NAME, _FORMAT, _XF, _BOOK_PR, _SHEET = 19, 39, 44, 47, 153, 156
_HEADERS, _LINK, _XFS, _XFS_END = 479, 494, 617, 618
_AUTHOR, _COMMENT, _COMMENT_TEXT = 632, 635, 637
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_RUNS = (
    (r"xl/externalLinks/[^/]+\.bin", "externalLink"),
    (r"xl/pivotCache/[^/]+\.bin", "pivotCache"),
    (r"xl/(?:connections|metadata)\.bin", "connection"),
    (r"xl/queryTables/[^/]+\.bin", "connection"),
    (r"xl/revisions/[^/]+\.bin", "revision"),
)
"""Parts of which only the printable runs are read."""
_RECORD = 64 << 20


@dataclass(slots=True)
class _Book:
    """What all sheets share."""

    package: Package
    strings: list[str] = field(default_factory=list)
    used: bytearray = field(default_factory=bytearray)
    formats: Formats = field(default_factory=Formats)
    cells: int = 0


def _part(package: Package, info: Any) -> Iterator[tuple[int, bytes]]:
    """The records of a part; what damages it becomes a note."""
    try:
        with package.open(info) as part:
            yield from wide_records(cast(BinaryIO, io.BufferedReader(part, 1 << 16)), _RECORD)
    except (Malformed, struct.error):
        package.broken.add(info.filename)
        package.note(f"part {info.filename} of the workbook is damaged")


def binary_workbook_segments(package: Package) -> Iterator[Segment]:
    """All text of a binary workbook: sheets in order (hidden ones too), then what hangs on them and around them."""
    book = _Book(package)
    place = replace(package.job.place, part="workbook")
    pieces = Pieces(prose=False)
    sheets: dict[str, str] = {}
    targets = package.relations("xl/workbook.bin")
    root = package.find("xl/workbook.bin")
    for kind, body in _part(package, root) if root is not None else ():
        if kind == _SHEET and len(body) >= 12:
            reference, at = wide_text(body, 8)
            name, _ = wide_text(body, at) if at + 4 <= len(body) else ("", 0)
            sheets[targets.get(reference, "")] = name
            yield from pieces.add(name, replace(place, sheet=name))
        elif kind == _BOOK_PR and body[:1] and body[0] & 1:
            book.formats.epoch = datetime(1904, 1, 1)
        elif kind == _NAME and len(body) >= 13:
            name, at = wide_text(body, 9)
            yield from pieces.add(" ".join([name, *runs(body[at:])]), place)
    _tables(book)
    owners: dict[str, str] = {}
    links: dict[str, Place | None] = {}
    for info in package.named(r"xl/(?:work|chart|dialog|macro)sheets/[^/]+\.bin"):
        sheet = sheets.get(info.filename.lower()) or posixpath.basename(info.filename)
        owners.update(dict.fromkeys(package.relations(info.filename).values(), sheet))
        links[info.filename.lower()] = None
        extra = Pieces()
        where = replace(package.job.place, sheet=sheet)
        yield from sheet_segments(where, _rows(book, info, where, extra), extra)
    yield from pieces.flush()
    for info in package.named(r"xl/(?:comments/)?comments?\d*\.bin"):
        where = replace(package.job.place, part="comment", sheet=owners.get(info.filename.lower()))
        yield from _comments(package, info, where)
    yield from around_sheets(package, owners)
    left = replace(package.job.place, part="sharedStrings")
    for index, text in enumerate(book.strings):
        # Text that no cell shows any more is still in the file.
        if not book.used[index] and text.strip():
            yield from pieces.add(text, left)
    for pattern, part in _RUNS:
        for info in package.named(pattern):
            for _, body in _part(package, info):
                for text in runs(body):
                    yield from pieces.add(text, replace(package.job.place, part=part))
    yield from pieces.flush()
    yield from package.properties(links)
    yield from package.embedded()


def _tables(book: _Book) -> None:
    """Shared strings and cell formats."""
    info = book.package.find("xl/sharedStrings.bin")
    for kind, body in _part(book.package, info) if info is not None else ():
        if kind == _SST_ITEM and len(body) >= 5:
            book.strings.append(wide_text(body, 1)[0])
    book.used = bytearray(len(book.strings))
    info = book.package.find("xl/styles.bin")
    inside = False
    for kind, body in _part(book.package, info) if info is not None else ():
        if kind == _FORMAT and len(body) >= 6:
            book.formats.add(struct.unpack_from("<H", body)[0], wide_text(body, 2)[0])
        elif kind in (_XFS, _XFS_END):
            inside = kind == _XFS
        elif kind == _XF and inside and len(body) >= 4:
            book.formats.styles.append(struct.unpack_from("<H", body, 2)[0])


def _rows(book: _Book, info: Any, base: Place, extra: Pieces) -> Iterator[SheetRow | list[Segment]]:
    """The rows of a sheet; lists of segments of links, headers and footers in between."""
    row, values = 0, list[Value]()
    links = book.package.relations(info.filename, external=True)
    for kind, body in _part(book.package, info):
        if kind == _ROW and len(body) >= 4:
            if values:
                yield row, values
            row, values = struct.unpack_from("<I", body)[0] + 1, []
        elif (kind in _CELLS or kind == _RICH) and len(body) >= 8:
            column, style = struct.unpack_from("<2I", body)
            if column >= 1 << 14:
                continue
            text, is_text = _cell(book, kind, body, style & 0xFFFFFF)
            ref = f"{column_letters(column + 1)}{row}"
            if text:
                book.cells += 1
                if book.cells > book.package.job.limits.cells:
                    raise LimitReached(f"more than {book.package.job.limits.cells} cells")
                values.append(Value(column + 1, ref, text, is_text))
            if kind in (_F_TEXT, _F_NUMBER) and len(body) > 20:
                for literal in _literals(body):
                    if literal not in text:
                        yield list(extra.add(link_text(literal), replace(base, cell=ref, part="formula")))
        elif kind == _LINK and len(body) >= 20:
            yield list(_link(body, links, base, extra))
        elif kind == _HEADERS and len(body) >= 6:
            at = 2
            for n in range(6):
                if at + 4 > len(body):
                    break
                text, at = wide_text(body, at)
                if text:
                    part = "footer" if n % 2 else "header"
                    yield list(extra.add(header_text(text), replace(base, part=part)))
    if values:
        yield row, values
    for target in links.values():
        yield list(extra.add(link_text(target), replace(base, part="hyperlink")))


def _literals(body: bytes) -> Iterator[str]:
    """Strings in a formula, whose characters are always wide here: token, 16 bits of length, characters."""
    at = body.find(b"\x17", 8)
    while 0 <= at < len(body) - 3:
        (length,) = struct.unpack_from("<H", body, at + 1)
        raw = body[at + 3 : at + 3 + 2 * length]
        if 5 <= length < 256 and len(raw) == 2 * length:
            text = raw.decode("utf-16-le", "replace")
            if text.isprintable():
                yield text
        at = body.find(b"\x17", at + 1)


def _cell(book: _Book, kind: int, body: bytes, style: int) -> tuple[str, bool]:
    """Text of a cell, and whether it was typed as text."""
    if kind == _SHARED and len(body) >= 12:
        (index,) = struct.unpack_from("<I", body, 8)
        if index < len(book.strings):
            book.used[index] = 1
            return book.strings[index], True
    elif kind in (_TEXT, _F_TEXT) and len(body) >= 12:
        return wide_text(body, 8)[0], True
    elif kind == _RICH and len(body) >= 13:
        return wide_text(body, 9)[0], True
    elif kind == _RK and len(body) >= 12:
        return book.formats.shown(rk_number(struct.unpack_from("<I", body, 8)[0]), style), False
    elif kind in (_REAL, _F_NUMBER) and len(body) >= 16:
        return book.formats.shown(struct.unpack_from("<d", body, 8)[0], style), False
    elif kind in (_BOOL, _F_BOOL) and len(body) >= 9:
        return "TRUE" if body[8] else "FALSE", True
    elif kind in (_ERROR, _F_ERROR) and len(body) >= 9:
        return _ERRORS.get(body[8], ""), False
    return "", False


def _link(body: bytes, links: dict[str, str], base: Place, extra: Pieces) -> Iterator[Segment]:
    row, _, column, _ = struct.unpack_from("<4I", body)
    place = replace(base, cell=f"{column_letters(min(column, 1 << 14) + 1)}{row + 1}", part="hyperlink")
    reference, at = wide_text(body, 16)
    texts = [link_text(links.pop(reference, ""))]
    for _ in range(3):
        if at + 4 > len(body):
            break
        text, at = wide_text(body, at)
        texts.append(text)
    for text in dict.fromkeys(filter(None, texts)):
        yield from extra.add(text, place)


def _comments(package: Package, info: Any, place: Place) -> Iterator[Segment]:
    """Comments of a sheet with their cells, and their authors."""
    pieces = Pieces()
    where = place
    for kind, body in _part(package, info):
        if kind == _AUTHOR and len(body) >= 4:
            yield from pieces.add(wide_text(body, 0)[0], place)
        elif kind == _COMMENT and len(body) >= 20:
            row, _, column = struct.unpack_from("<3I", body, 4)
            where = replace(place, cell=f"{column_letters(min(column, 1 << 14) + 1)}{row + 1}")
        elif kind == _COMMENT_TEXT and len(body) >= 5:
            yield from pieces.add(wide_text(body, 1)[0], where)
    yield from pieces.flush()
