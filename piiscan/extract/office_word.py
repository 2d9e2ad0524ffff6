"""The parts of a Word document: paragraphs with the runs joined, tables, notes, comments, field instructions.

The elements of a drawing (text on slides, in charts and diagrams) have the same local names, so they are read here too.

Source: ECMA-376 part 1, sections 17 (WordprocessingML) and 21 (DrawingML); part 3 (markup compatibility).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from piiscan.extract.office import Package, link_text, local
from piiscan.extract.office_runs import END, PARAGRAPH, START, TEXT, attributes_of, events, is_plain
from piiscan.extract.office_zip import Entry
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
    (r"word/(?:diagrams/data|charts/chart(?:ex)?)\d*\.xml", "drawing"),
    (r"word/people\.xml", "author"),
    (r"word/settings\.xml", "settings"),
)
_OTHER = re.compile(
    r"word/(?:styles\w*|fontTable|webSettings|numbering|vbaData|comments\w+|attachedToolbars|customizations|\w*[iI]ds)\.xml",
    re.I,
)
"""Parts that hold no text of people."""
_BREAKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_TEXT = frozenset({"t", "delText", "v"})
_ATTRIBUTES = {
    "docPr": ("descr", "title"),
    "cNvPr": ("descr", "title"),
    "textpath": ("string",),
    "fldSimple": ("instr",),
    "listItem": ("displayText", "value"),
    "listEntry": ("val",),
    "default": ("val",),
    "helpText": ("val",),
    "statusText": ("val",),
    "docVar": ("name", "val"),
    "connectString": ("val",),
    "query": ("val",),
    "person": ("author",),
}
"""Attributes that people wrote: alternative texts, word art, choices and defaults of forms, variables, data sources."""
_SIGNED = frozenset({"ins", "del", "moveFrom", "moveTo", "comment", "rPrChange", "pPrChange"})
_FRAMES = ("p", "tbl", "tr", "tc", "instrText", "gridSpan", "tblHeader", "Fallback")
_TAGS = [f"{{*}}{name}" for group in (_TEXT, _BREAKS, _ATTRIBUTES, _SIGNED, _FRAMES) for name in group]
LINK = re.compile(r'\bHYPERLINK\s+"([^"]+)"|\b((?:mailto|tel):[^\s"\\]+)', re.I)
_SWITCH = frozenset({"0", "1", "true", "false", "on", "off"})
_QUICK = 16 << 20
"""Bytes of a part up to which it is held to be read the quick way."""
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


class PartReader:
    """Reads one part's events into segments that stand at `place`, with their paragraphs and tables."""

    def __init__(self, package: Package, place: Place) -> None:
        self.place = place
        self.make = placer(self.place)
        self.authors: set[str] = set()
        self.package = package
        self.pieces = Pieces(base=place, names=("paragraph", "table"))
        self.paragraphs: list[tuple[int, list[str], list[str]]] = []
        """Open paragraphs (a text box stands inside one): number, text, field instructions."""
        self.tables: list[_Table] = []
        self.count = 0
        self.table_count = 0
        self.fallback = 0

    def read(self, info: Entry) -> Iterator[Segment]:
        """All of the part; by the plain XML reader where lxml gives up."""
        data = self.package.content(info, _QUICK)
        if data is not None and is_plain(data):
            yield from self._quick(data)
        else:
            yield from self._slow(info)
            if info.filename in self.package.broken:
                # What was gathered is dropped: the plain reader starts again from the top.
                yield from self.package.raw_text(info, self.place)
                return
        while self.paragraphs:
            yield from self._end_paragraph()
        while self.tables:
            yield from self._end_table()
        yield from self.pieces.flush()

    def _quick(self, data: bytes) -> Iterator[Segment]:
        for event, name, value in events(data):
            if name == "Fallback":
                self.fallback += 1 if event == START else -1
            if self.fallback:
                continue
            if event == PARAGRAPH:
                self.count += 1
                yield from self._paragraph(self.count, value)
            elif event == TEXT:
                yield from self._text(name, value)
            elif event == END:
                if name == "tc" and self.tables:
                    self._end_cell()
                else:
                    yield from self._end(name)
            elif name in ("p", "tc", "tr", "tbl"):
                self._start(name)
            elif name in _BREAKS:
                if self.paragraphs:
                    self.paragraphs[-1][1].append(_BREAKS[name])
            else:
                values = attributes_of(value)
                if values:
                    yield from self._attributes(name, values)
                self._format(name, values)

    def _slow(self, info: Entry) -> Iterator[Segment]:
        """As `_quick`, by lxml."""
        for event, element in self.package.elements(info, ("start", "end"), _TAGS):
            name = local(element)
            if name == "Fallback":
                self.fallback += 1 if event == "start" else -1
            if self.fallback:
                continue
            if event == "start":
                self._start(name)
                if element.attrib:
                    yield from self._attributes(name, _plain(element))
                continue
            if name in _TEXT or name == "instrText":
                yield from self._text(name, element.text or "")
            elif name in _BREAKS:
                parent = element.getparent()
                # In a drawing a line break stands beside the runs.
                if self.paragraphs and parent is not None and local(parent) in ("r", "p"):
                    self.paragraphs[-1][1].append(_BREAKS[name])
            self._format(name, _plain(element))
            yield from self._end(name)
            if name in ("p", "tbl", "tr", "tc"):
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]

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

    def _attributes(self, name: str, values: Mapping[str, str]) -> Iterator[Segment]:
        """What stands in attributes: texts at their paragraph, each author of changes and comments once."""
        known = _ATTRIBUTES.get(name, ("author", "initials") if name in _SIGNED else ())
        if not known:
            return
        place = self.make(paragraph=self.paragraphs[-1][0]) if self.paragraphs else self.place
        if name == "fldSimple":
            yield from self._links(values.get("instr", ""), place)
            return
        for key in known:
            value = values.get(key, "").strip()
            if name in _SIGNED:
                if value in self.authors:
                    continue
                self.authors.add(value)
            if value and value.lower() not in _SWITCH:
                yield from self.pieces.add(value, place)

    def _links(self, instruction: str, place: Place) -> Iterator[Segment]:
        for quoted, plain in LINK.findall(instruction):
            yield from self.pieces.add(link_text(quoted or plain), place)

    def _text(self, name: str, text: str) -> Iterator[Segment]:
        if self.paragraphs:
            _, parts, fields = self.paragraphs[-1]
            (fields if name == "instrText" else parts).append(text)
        elif name != "instrText" and text.strip():
            yield from self.pieces.add(text, self.place)

    def _format(self, name: str, values: Mapping[str, str]) -> None:
        """What the elements of a table say of their cells."""
        if name == "gridSpan" and self.tables:
            value = next(iter(values.values()), "1")
            self.tables[-1].span = min(int(value), 100) if value.isdigit() and len(value) < 4 else 1
        elif name == "tblHeader" and self.tables:
            self.tables[-1].header = True

    def _end(self, name: str) -> Iterator[Segment]:
        if name == "p" and self.paragraphs:
            yield from self._end_paragraph()
        elif name == "tc" and self.tables:
            self._end_cell()
        elif name == "tr" and self.tables:
            yield from self._end_row()
        elif name == "tbl" and self.tables:
            yield from self._end_table()

    def _end_paragraph(self) -> Iterator[Segment]:
        number, parts, fields = self.paragraphs.pop()
        yield from self._paragraph(number, "".join(parts))
        if fields:
            yield from self._links("".join(fields), self.make(paragraph=number))

    def _paragraph(self, number: int, text: str) -> Iterable[Segment]:
        """One whole paragraph; the result must be iterated over."""
        text = text.replace("\u00ad", "").strip("\n")
        if not text.strip():
            return ()
        table = self.tables[-1] if self.tables else None
        if table is not None and table.cell is not None and not self.paragraphs:
            table.cell.append(text)
            return ()
        return self.pieces.add(text, ((0, (number, None)),))

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


def _plain(element: Any) -> dict[str, str]:
    """The attributes of an element by their names without namespace."""
    return {key.rpartition("}")[2]: value for key, value in element.attrib.items()}


def document_segments(package: Package) -> Iterator[Segment]:
    """All text of a Word package: body first, then what hides around it."""
    done: set[str] = set()
    for pattern, name in _PARTS:
        for info in package.named(pattern):
            done.add(info.filename)
            yield from PartReader(package, package.make(part=name)).read(info)
    for info in package.named(r"word/[^/]+\.xml"):
        # The relationships may give the parts any name.
        if info.filename not in done and not _OTHER.fullmatch(info.filename):
            yield from PartReader(package, package.make(part=info.filename[5:-4])).read(info)
    yield from package.properties()
    yield from package.embedded()
