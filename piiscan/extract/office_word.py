"""The parts of a Word document: paragraphs with the runs joined, tables, notes, comments, field instructions.

Source: ECMA-376 part 1, section 17 (WordprocessingML); part 3 (markup compatibility).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from piiscan.extract.office import Package, local
from piiscan.extract.pieces import Cell, Pieces, Row, row_texts, table_segments
from piiscan.extract.places import placer
from piiscan.model import Place, Segment

_PARTS = (
    (r"word/document\d*\.xml", "body"),
    (r"word/header\d*\.xml", "header"),
    (r"word/footer\d*\.xml", "footer"),
    (r"word/footnotes\d*\.xml", "footnote"),
    (r"word/endnotes\d*\.xml", "endnote"),
    (r"word/comments\d*\.xml", "comment"),
    (r"word/glossary/document\d*\.xml", "glossary"),
    (r"word/(?:diagrams/data|charts/chart)\d*\.xml", "drawing"),
)
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_TEXT = frozenset({"t", "delText", "v"})
_TAGS = [
    f"{{*}}{name}"
    for name in (*_TEXT, *_BREAKS, "p", "tbl", "tr", "tc", "instrText", "gridSpan", "tblHeader", "Fallback")
]
_LINK = re.compile(r"(?:mailto|tel):([^\s\"\\]+)", re.I)
_MOST_ROWS = 20_000
"""Rows of a table after which it is given out, so that memory stays bounded."""


@dataclass(slots=True)
class _Table:
    number: int
    rows: list[Row] = field(default_factory=list)
    cell: list[str] | None = None
    """Paragraphs of the open cell."""
    paragraph: int = 0
    span: int = 1
    header: bool = False


class _Part:
    """Reads one part's events into segments."""

    def __init__(self, package: Package, part: str) -> None:
        self.place = replace(package.job.place, part=part)
        self.make = placer(self.place)
        self.package = package
        self.pieces = Pieces()
        self.paragraphs: list[tuple[int, list[str], list[str]]] = []
        """Open paragraphs (a text box stands inside one): number, text, field instructions."""
        self.tables: list[_Table] = []
        self.count = 0
        self.table_count = 0
        self.fallback = 0

    def read(self, info: zipfile.ZipInfo) -> Iterator[Segment]:
        """All of the part; by the plain XML reader where lxml gives up."""
        for event, element in self.package.elements(info, ("start", "end"), _TAGS):
            name = local(element)
            if name == "Fallback":
                self.fallback += 1 if event == "start" else -1
            if self.fallback:
                continue
            if event == "start":
                self._start(name)
            else:
                yield from self._end(name, element)
        if info.filename in self.package.broken:
            # What was gathered is dropped: the plain reader starts again from the top.
            yield from self.package.raw_text(info, self.place)
            return
        while self.paragraphs:
            yield from self._end_paragraph()
        while self.tables:
            yield from self._end_table()
        yield from self.pieces.flush()

    def _start(self, name: str) -> None:
        if name == "p":
            self.count += 1
            self.paragraphs.append((self.count, [], []))
        elif name == "tbl":
            self.table_count += 1
            self.tables.append(_Table(self.table_count))
        elif name == "tr" and self.tables:
            self.tables[-1].rows.append([])
            self.tables[-1].header = False
        elif name == "tc" and self.tables:
            self.tables[-1].cell = []
            self.tables[-1].span = 1
            self.tables[-1].paragraph = self.count + 1

    def _end(self, name: str, element: Any) -> Iterator[Segment]:
        if name in _TEXT:
            if element.text and self.paragraphs:
                self.paragraphs[-1][1].append(element.text)
            elif element.text and element.text.strip():
                yield from self.pieces.add(element.text, self.place)
        elif name in _BREAKS:
            parent = element.getparent()
            if self.paragraphs and parent is not None and local(parent) == "r":
                self.paragraphs[-1][1].append(_BREAKS[name])
        elif name == "instrText" and self.paragraphs:
            self.paragraphs[-1][2].append(element.text or "")
        elif name == "p" and self.paragraphs:
            yield from self._end_paragraph()
        elif name == "gridSpan" and self.tables:
            value = next(iter(element.attrib.values()), "1")
            self.tables[-1].span = min(int(value), 100) if value.isdigit() and len(value) < 4 else 1
        elif name == "tblHeader" and self.tables:
            self.tables[-1].header = True
        elif name == "tc" and self.tables:
            self._end_cell()
        elif name == "tr" and self.tables:
            yield from self._end_row()
        elif name == "tbl" and self.tables:
            yield from self._end_table()
        if name in ("p", "tbl", "tr", "tc"):
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]

    def _end_paragraph(self) -> Iterator[Segment]:
        number, parts, fields = self.paragraphs.pop()
        text = "".join(parts).replace("\u00ad", "").strip("\n")
        place = self.make(paragraph=number)
        table = self.tables[-1] if self.tables else None
        if text.strip():
            if table is not None and table.cell is not None and not self.paragraphs:
                table.cell.append(text)
            else:
                yield from self.pieces.add(text, place)
        for link in _LINK.findall("".join(fields)):
            yield from self.pieces.add(unquote(link), place)

    def _end_cell(self) -> None:
        table = self.tables[-1]
        if table.cell is None:
            return
        if not table.rows:
            table.rows.append([])
        place = self.make(paragraph=table.paragraph, table=str(table.number))
        table.rows[-1].append(Cell("\n".join(table.cell), place, table.header))
        table.rows[-1].extend(Cell("", place, table.header) for _ in range(table.span - 1))
        table.cell = None

    def _end_row(self) -> Iterator[Segment]:
        table = self.tables[-1]
        if table.header and table.rows:
            table.rows[-1] = [replace(cell, header=True) for cell in table.rows[-1]]
        if len(table.rows) > _MOST_ROWS:
            rows, table.rows = table.rows, []
            yield from row_texts(rows, self.pieces)

    def _end_table(self) -> Iterator[Segment]:
        table = self.tables.pop()
        base: Place = self.make(table=str(table.number))
        yield from table_segments(table.rows, base, self.pieces, certain=True)


def document_segments(package: Package) -> Iterator[Segment]:
    """All text of a Word package: body first, then what hides around it."""
    for pattern, name in _PARTS:
        for info in package.named(pattern):
            yield from _Part(package, name).read(info)
    yield from package.properties()
    yield from package.embedded()
