"""OpenDocument: texts, spreadsheets, presentations, drawings, their templates, and the older OpenOffice.org forms.

Source: ODF 1.3 part 2 (packages: section 3, encryption 3.4.1 and 4.8) and part 3 (content: 5 paragraphs and tracked
changes, 6.3 notes, 9 tables, 10.2 pages, 14.1 annotations, 19.605 and 19.675 repeated rows and cells).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from piiscan.errors import Encrypted, LimitReached, Malformed
from piiscan.extract import Job
from piiscan.extract.odf_text import FIELDS, PARTS, SHAPES, SIMPLE, attributes, cell_text, count, texts
from piiscan.extract.office import Package, link_text, local
from piiscan.extract.office_cells import Value, column_letters
from piiscan.extract.office_sheet import SheetRow, sheet_segments
from piiscan.extract.pieces import Cell, Pieces, Row, table_segments
from piiscan.extract.places import placer
from piiscan.extract.spooled import seekable
from piiscan.model import Place, Segment

_ODF = "application/vnd.oasis.opendocument."
_SXW = "application/vnd.sun.xml."
MEDIA_TYPES = frozenset(
    [_ODF + kind for kind in ("text", "spreadsheet", "presentation", "graphics", "chart", "formula", "base")]
    + [_ODF + kind + "-template" for kind in ("text", "spreadsheet", "presentation", "graphics")]
    + [_ODF + "text-master", _ODF + "text-web"]
    + [_SXW + kind for kind in ("writer", "calc", "impress", "draw")]
)

_MOST_COPIES = 1_000
"""Copies of a repeated cell or row that are given out: the rest hold the same again."""
_ROW_CELLS = 1 << 16
_MOST_ROWS = 20_000
"""Rows of a table in a text after which it is given out."""


class OpenDocument:
    """The extractor of OpenDocument packages."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Content, then headers, footers and masters, then metadata, inner documents and embedded files.

        Places: part, paragraph and table in texts; sheet and cell in spreadsheets; slide and part in presentations.
        Raises: Encrypted, Malformed, LimitReached.
        """
        with Package(seekable(stream, job), job) as package:
            locked = _encrypted(package)
            if any(name in ("content.xml", "encrypted-package") for name in locked):
                raise Encrypted("an OpenDocument file under a password: no text read")
            yield from package.with_pictures(_segments(package))
            if locked:
                job.note("INVALID_ENCRYPTION", f"{len(locked)} parts of the package are under a password")


EXTRACTOR = OpenDocument()


def _segments(package: Package) -> Iterator[Segment]:
    for info in package.named(r"content\.xml"):
        yield from _Reader(package, "body").read(info)
    for info in package.named(r"styles\.xml"):
        yield from _Reader(package, "style").read(info)
    for info in package.named(r"meta\.xml"):
        yield from package.raw_text(info, replace(package.job.place, part="properties"))
    for info in package.named(r"(?:Basic|Dialogs)/.+/[^/]+\.x[a-z]+"):
        yield from package.raw_text(info, replace(package.job.place, part="macro"))
    for info in package.named(r"[^/]+/(?:content|styles)\.xml"):
        # An inner document: a chart, a formula, a sheet in a text.
        yield from _Reader(package, "object").read(info)
    yield from _objects(package)


def _encrypted(package: Package) -> list[str]:
    """Paths of the manifest's entries that have `encryption-data`."""
    info = package.find("META-INF/manifest.xml")
    out: list[str] = []
    if info is None:
        return out
    for _, element in package.elements(info, ("end",), ["{*}file-entry"]):
        if any(local(child) == "encryption-data" for child in element):
            out.append(next((v for k, v in element.attrib.items() if k.endswith("full-path")), "").lower())
        element.clear()
    return out


def _objects(package: Package) -> Iterator[Segment]:
    """Embedded files: OLE objects have no ending, others one of their own."""
    for info in package.infos:
        name = info.filename
        plain = re.fullmatch(r"(?:[^/]+/)?(?:Object \d+|ObjectOLE/[^/]+)", name)
        if plain or re.search(r"\.(?:od[tspg]|docx?|xlsx?|pptx?|pdf|zip|bin|rtf)$", name, re.I):
            try:
                part = package.open(info)
            except Malformed as err:
                package.note(str(err))
                continue
            with part:
                yield from package.job.nested(name, io.BufferedReader(part, 1 << 16))


class _Table:
    """A table of a text that is being read."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.rows: list[Row] = []
        self.row: Row = []
        self.cell: list[str] | None = None
        self.paragraph = 0
        self.head = False


class _Sheet:
    """A sheet that is being read; rows and columns count from 1."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.row = 0
        self.column = 0
        self.values: list[Value] = []
        self.texts: list[str] | None = None
        """Paragraphs of the open cell."""


class _Reader:
    """Reads one part's events into segments."""

    def __init__(self, package: Package, part: str) -> None:
        self.package = package
        self.job = package.job
        self.place = replace(package.job.place, part=part)
        self.make = placer(package.job.place)
        self.pieces = Pieces()
        self.extra = Pieces()
        """What stands beside the cells of a sheet."""
        self.parts: list[str] = []
        self.tables: list[_Table] = []
        self.sheet: _Sheet | None = None
        self.sheets = package.job.media_type.startswith(_SXW + "calc")
        """Within the body of a spreadsheet: its tables are sheets."""
        self.slide = 0
        self.counts: dict[str, int] = {}
        """Paragraphs so far, by part; those of a slide are counted on it."""
        self.open: list[tuple[str, int]] = []
        """Part and number of the open paragraphs: a note stands inside of one."""
        self.table_count = 0
        self.cells = 0
        self.depth = 0
        """Open paragraphs."""

    def read(self, info: Any) -> Iterator[Segment]:
        """All of the part; by the plain XML reader where lxml gives up."""
        events = self._events(info)
        for name, element, started in events:
            if name == "table" and started and self.sheets and self.sheet is None:
                self.sheet = _Sheet(attributes(element).get("name", ""))
                base = replace(self.job.place, sheet=self.sheet.name)
                if self.sheet.name:
                    yield from self.pieces.add(self.sheet.name, replace(base, part="workbook"))
                yield from self.pieces.flush()
                yield from sheet_segments(base, self._rows(events), self.extra)
                self.sheet = None
            else:
                yield from self._one(name, element, started)
        if info.filename in self.package.broken:
            yield from self.package.raw_text(info, self.place)
            return
        while self.tables:
            yield from self._end_table()
        yield from self.pieces.flush()

    def _events(self, info: Any) -> Iterator[tuple[str, Any, bool]]:
        names: dict[Any, str] = {}
        for event, element in self.package.elements(info, ("start", "end")):
            tag = element.tag
            name = names.get(tag)
            if name is None:
                # The tags of comments and instructions are no strings.
                name = names[tag] = local(element)
            if name:
                yield name, element, event == "start"
                if event == "end" and not self.depth:
                    # What is done is let go, with all before it.
                    element.clear(keep_tail=True)
                    while element.getprevious() is not None:
                        del element.getparent()[0]

    def _one(self, name: str, element: Any, started: bool) -> Iterator[Segment]:
        if started:
            yield from self._start(name, element)
        else:
            yield from self._end(name, element)

    def _where(self) -> Place:
        """The place of a paragraph here."""
        part = self.parts[-1] if self.parts else "slide" if self.slide else self.place.part
        cell = None
        if self.sheet is not None:
            cell = f"{column_letters(self.sheet.column or 1)}{self.sheet.row or 1}"
            part = self.parts[-1] if self.parts else "drawing"
        return self.make(
            part=part,
            slide=self.slide or None,
            sheet=self.sheet.name if self.sheet is not None else None,
            cell=cell if part == "comment" else None,
            paragraph=None if self.sheet is not None else self._number() or None,
        )

    def _number(self) -> int:
        """The paragraph of this part that is open, or the last one that was."""
        part = self.parts[-1] if self.parts else ""
        return self.open[-1][1] if self.open and self.open[-1][0] == part else self.counts.get(part, 0)

    def _part_of(self, name: str) -> str:
        """The part that an element opens; a shape on a sheet is none of its cell's text."""
        return PARTS.get(name) or ("drawing" if self.sheet is not None and name in SHAPES else "")

    def _add(self, text: str, place: Place) -> Iterator[Segment]:
        yield from (self.extra if self.sheet is not None else self.pieces).add(text, place)

    def _start(self, name: str, element: Any) -> Iterator[Segment]:
        if part := self._part_of(name):
            self.parts.append(part)
        if name in ("p", "h"):
            self.depth += 1
            within = self.parts[-1] if self.parts else ""
            self.counts[within] = self.counts.get(within, 0) + 1
            self.open.append((within, self.counts[within]))
        elif name == "spreadsheet":
            self.sheets = True
        elif name == "page" and "drawing" in element.tag:
            self.slide += 1
            self.counts.clear()
        elif name == "table":
            self.table_count += 1
            self.tables.append(_Table(self.table_count))
        elif name == "table-header-rows" and self.tables:
            self.tables[-1].head = True
        elif name in ("table-cell", "covered-table-cell") and self.tables:
            self.tables[-1].cell = []
            self.tables[-1].paragraph = self._number() + 1
        if name in FIELDS or name == "a":
            for key in FIELDS.get(name, ("href",)):
                value = attributes(element).get(key, "")
                if name == "a" and value.startswith("#"):
                    continue
                if value.strip():
                    yield from self._add(link_text(value) if key == "href" else value, self._where())

    def _end(self, name: str, element: Any) -> Iterator[Segment]:
        if name in ("p", "h"):
            self.depth -= 1
            yield from self._paragraph(element)
            self.open.pop()
        elif name in SIMPLE and ":text:" not in element.tag and element.text and element.text.strip():
            yield from self._add(element.text.strip(), self._where())
        elif name in ("table-cell", "covered-table-cell") and self.tables:
            self._end_cell(element)
        elif name == "table-row" and self.tables:
            table = self.tables[-1]
            table.rows.append(table.row)
            table.row = []
            if len(table.rows) > _MOST_ROWS:
                yield from self._give(table)
        elif name == "table-header-rows" and self.tables:
            self.tables[-1].head = False
        elif name == "table" and self.tables:
            yield from self._end_table()
        if self.parts and self._part_of(name):
            self.parts.pop()

    def _paragraph(self, element: Any) -> Iterator[Segment]:
        text = "".join(texts(element)).replace("\u00ad", "").strip("\n")
        if not text.strip():
            return
        if self.sheet is not None and self.sheet.texts is not None and not self.parts:
            self.sheet.texts.append(text)
        elif self.tables and self.tables[-1].cell is not None and not self.depth and not self.parts:
            self.tables[-1].cell.append(text)
        else:
            yield from self._add(text, self._where())

    def _end_cell(self, element: Any) -> None:
        table = self.tables[-1]
        if table.cell is None:
            return
        place = replace(self._where(), paragraph=table.paragraph, table=str(table.number))
        cell = Cell("\n".join(table.cell), place, table.head)
        # Columns that only repeat keep the ones behind them in step.
        copies = min(count(attributes(element), "number-columns-repeated"), 100)
        table.row.extend([cell] + [replace(cell, text="")] * (copies - 1))
        table.cell = None

    def _give(self, table: _Table) -> Iterator[Segment]:
        rows, table.rows = table.rows, []
        base = replace(self._where(), paragraph=None, table=str(table.number))
        yield from table_segments(rows, base, self.pieces, certain=True)

    def _end_table(self) -> Iterator[Segment]:
        yield from self._give(self.tables.pop())

    def _rows(self, events: Iterator[tuple[str, Any, bool]]) -> Iterator[SheetRow | list[Segment]]:
        """The rows of the sheet whose element has just begun, up to its end."""
        sheet = self.sheet
        assert sheet is not None
        inner = 0
        for name, element, started in events:
            if name == "table":
                inner += 1 if started else -1
                if inner < 0:
                    return
            if inner or name not in ("table-row", "table-cell", "covered-table-cell"):
                found = list(self._one(name, element, started))
                if found:
                    yield found
            elif name == "table-row":
                if started:
                    sheet.row += 1
                    sheet.column = 0
                    sheet.values = []
                    continue
                copies = count(attributes(element), "number-rows-repeated")
                if sheet.values:
                    yield sheet.row, sheet.values
                for copy in range(1, min(copies, _MOST_COPIES) if sheet.values else 1):
                    self._count_cells(len(sheet.values))
                    number = sheet.row + copy
                    yield number, [replace(v, ref=f"{column_letters(v.column)}{number}") for v in sheet.values]
                sheet.row += copies - 1
            elif started:
                sheet.column += 1
                sheet.texts = []
            else:
                values = attributes(element)
                copies = count(values, "number-columns-repeated") if values else 1
                text, is_text, shown = cell_text(values, sheet.texts or [])
                sheet.texts = None
                if text:
                    self._count_cells(min(copies, _MOST_COPIES))
                    for column in range(sheet.column, sheet.column + min(copies, _MOST_COPIES)):
                        sheet.values.append(Value(column, f"{column_letters(column)}{sheet.row}", text, is_text))
                if shown or "formula" in values:
                    found = list(self._shown(shown, text, values.get("formula", "")))
                    if found:
                        yield found
                sheet.column += copies - 1
                if len(sheet.values) >= _ROW_CELLS:
                    yield sheet.row, sheet.values
                    sheet.values = []

    def _count_cells(self, count: int) -> None:
        self.cells += count
        if self.cells > self.job.limits.cells:
            raise LimitReached(f"more than {self.job.limits.cells} cells")

    def _shown(self, shown: str, text: str, formula: str) -> Iterator[Segment]:
        """How a cell looks when that is not what it stores, and the long literals of its formula."""
        sheet = self.sheet
        assert sheet is not None
        place = replace(self.job.place, sheet=sheet.name, cell=f"{column_letters(sheet.column)}{sheet.row}")
        if shown:
            yield from self.extra.add(shown, place)
        for literal in re.findall(r'"([^"]{5,})"', formula):
            if literal not in text:
                yield from self.extra.add(literal, replace(place, part="formula"))
