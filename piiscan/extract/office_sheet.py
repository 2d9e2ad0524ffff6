"""The sheets of an Excel workbook: columns under their headers, else rows cell by cell, and the parts around them.

Source: ECMA-376 part 1, section 18 (SpreadsheetML); number formats of 18.8.30.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, BinaryIO

from piiscan.errors import LimitReached
from piiscan.extract.office import Package, link_text, local, parsed
from piiscan.extract.office_cells import (
    Block,
    Book,
    Value,
    column_letters,
    column_number,
    date_styles,
    header_text,
    read_cell,
    rich_text,
)
from piiscan.extract.office_columns import ROW_CELLS, SheetRow, sheet_segments
from piiscan.extract.office_rows import LITERAL, RowReader, shared_strings
from piiscan.extract.office_scan import Quick
from piiscan.extract.office_zip import Entry
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, Segment

__all__ = ["SheetRow", "around_sheets", "sheet_segments", "workbook_segments"]

_REF = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_RAW_PARTS = (
    (r"xl/persons/[^/]+\.xml", "person"),
    (r"xl/threadedComments/[^/]+\.xml", "comment"),
    (r"xl/externalLinks/[^/]+\.xml", "externalLink"),
    (r"xl/pivotCache/[^/]+\.xml", "pivotCache"),
    (r"xl/connections\.xml", "connection"),
    (r"xl/queryTables/[^/]+\.xml", "connection"),
    (r"xl/revisions/[^/]+\.xml", "revision"),
)


_AROUND = ["{*}hyperlink", "{*}dataValidation"]
_AROUND += [f"{{*}}{n}{w}" for n in ("odd", "even", "first") for w in ("Header", "Footer")]


class _Sheet:
    """Reads one sheet: its rows, then what stands behind them."""

    def __init__(self, book: Book, info: Entry, sheet: str, extra: Pieces) -> None:
        """`extra`: takes the texts of formulas, links, prompts, headers and footers."""
        self.book, self.info, self.extra = book, info, extra
        self.base = book.package.make(sheet=sheet)
        self.links = book.package.relations(info.filename, external=True)

    def rows(self) -> Iterator[SheetRow | Block | list[Segment]]:
        """The rows; lists of segments of all else in between."""
        package = self.book.package
        with package.blocks(self.info) as blocks:
            quick = Quick(blocks, b"<sheetData>", b"</row>", b"</sheetData>", empty=b"<sheetData/>")
            reader = RowReader(self.book, quick)
            if quick.head:
                for item in reader.rows():
                    if isinstance(item, list):
                        for text, ref in item:
                            yield self._add(text, replace(self.base, cell=ref, part="formula"))
                    else:
                        yield item
            tail = quick.tail()
            root = parsed(tail) if tail else None
            if root is not None:
                for element in root.iter(*_AROUND):
                    yield from self._around(element)
            else:
                yield from self._slow(quick.rest(), reader.last)
        for target in self.links.values():
            yield self._add(link_text(target), replace(self.base, part="hyperlink"))

    def _slow(self, source: BinaryIO, row: int) -> Iterator[SheetRow | list[Segment]]:
        """As `rows`, by lxml, behind the row of that number."""
        column, values = 0, list[Value]()
        limit = self.book.package.job.limits.cells
        begun = False
        for _, element in self.book.package.elements(self.info, ("end",), ["{*}row", "{*}c", *_AROUND], source=source):
            name = local(element)
            if not begun and name in ("c", "row"):
                # Its number stands in the element around the first cell; a row without cells counts too.
                begun = True
                given = (element if name == "row" else element.getparent()).get("r") or ""
                row = int(given) if given.isdigit() and len(given) < 9 else row + 1
                column = 0
            if name == "c":
                found = _REF.fullmatch(element.get("r") or "")
                column = column_number(found[1]) if found else column + 1
                text, is_text, formula = read_cell(self.book, element)
                if text or formula:
                    self.book.cells += 1
                    if self.book.cells > limit:
                        raise LimitReached(f"more than {limit} cells")
                    ref = found[0] if found else f"{column_letters(column)}{row}"
                    if text:
                        values.append(Value(column, ref, text, is_text))
                    for literal in LITERAL.findall(formula):
                        if literal not in text:
                            yield self._add(literal, replace(self.base, cell=ref, part="formula"))
                if column > ROW_CELLS:
                    # Else the whole row goes at its end.
                    element.clear()
                if len(values) >= ROW_CELLS:
                    yield row, values
                    values = []
            elif name == "row":
                begun = False
                if values:
                    yield row, values
                    values = []
                parent = element.getparent()
                element.clear()
                while parent is not None and len(parent) > 1 and parent[0] is not element:
                    del parent[0]
            else:
                yield from self._around(element)
                element.clear()
        if values:
            yield row, values

    def _around(self, element: Any) -> Iterator[list[Segment]]:
        """What stands in an element behind the rows."""
        name = local(element)
        if name == "hyperlink":
            # The target is a relationship: only here is it known which cell it hangs on.
            target = next((self.links.pop(v, "") for k, v in element.attrib.items() if k.endswith("}id")), "")
            place = replace(self.base, cell=(element.get("ref") or "").partition(":")[0] or None, part="hyperlink")
            for text in filter(None, (link_text(target), element.get("tooltip"))):
                yield self._add(text, place)
        elif name == "dataValidation":
            place = replace(self.base, cell=(element.get("sqref") or "").split(" ")[0].partition(":")[0] or None)
            texts = [element.get(key) or "" for key in ("promptTitle", "prompt", "errorTitle", "error")]
            # A list of choices is a formula of one literal.
            texts += [f.text.strip('"') for f in element if f.text and '"' in f.text]
            for text in filter(None, texts):
                yield self._add(text, replace(place, part="validation"))
        elif element.text:
            part = "header" if name.endswith("Header") else "footer"
            yield self._add(header_text(element.text), replace(self.base, part=part))

    def _add(self, text: str, place: Place) -> list[Segment]:
        return list(self.extra.add(text, place))


def _paragraphs(package: Package, info: Any, place: Place) -> Iterator[Segment]:
    """Text of a drawing or chart: runs joined per paragraph, cached values one by one, alternative texts."""
    pieces = Pieces()
    for element in package.items(info, "{*}p", "{*}v", "{*}cNvPr"):
        if local(element) == "cNvPr":
            whole = "\n".join(filter(None, (element.get("title"), element.get("descr"))))
        elif local(element) == "v":
            whole = element.text
        else:
            whole = "".join(t.text or "" for t in element.iter("{*}t"))
        if whole and whole.strip():
            yield from pieces.add(whole, place)
        element.clear()
    yield from pieces.flush()


def _comments(package: Package, info: Any, place: Place) -> Iterator[Segment]:
    """Comments of a sheet with their cells, and their authors."""
    pieces = Pieces()
    for element in package.items(info, "{*}author", "{*}comment"):
        if local(element) == "author":
            text, where = element.text or "", place
        else:
            text = "".join(rich_text(child) for child in element if local(child) == "text")
            where = replace(place, cell=element.get("ref"))
        if text.strip():
            yield from pieces.add(text, where)
        element.clear()
    yield from pieces.flush()


def _labels(package: Package, info: Any, place: Place) -> Iterator[Segment]:
    """Labels of form controls and text boxes in an old drawing (VML), which is seldom well-formed."""
    pieces = Pieces()
    for _, element in package.elements(info, ("end",), ["{*}textbox"], recover=True):
        text = "".join(element.itertext()).strip()
        if text:
            yield from pieces.add(text, place)
        element.clear()
    yield from pieces.flush()


def around_sheets(package: Package, owners: Mapping[str, str]) -> Iterator[Segment]:
    """Comments, drawings and charts, with the sheet that `owners` names by their part; then caches and revisions."""
    owned = dict(owners)
    for name, sheet in owners.items():
        if name.startswith("xl/drawings/") and name.endswith(".xml"):
            # Charts and diagrams hang on the drawing.
            owned.update(dict.fromkeys(package.relations(name).values(), sheet))
    for pattern, part, reader in (
        (r"xl/(?:comments/)?comments?\d*\.xml", "comment", _comments),
        (r"xl/drawings/[^/]+\.xml", "drawing", _paragraphs),
        (r"xl/drawings/[^/]+\.vml", "drawing", _labels),
        (r"xl/charts/chart(?:ex)?\d*\.xml", "chart", _paragraphs),
        (r"xl/diagrams/data\d*\.xml", "diagram", _paragraphs),
    ):
        for info in package.named(pattern):
            where = package.make(part=part, sheet=owned.get(info.filename.lower()))
            yield from reader(package, info, where)
    for pattern, part in _RAW_PARTS:
        for info in package.named(pattern):
            yield from package.raw_text(info, package.make(part=part))


def workbook_segments(package: Package) -> Iterator[Segment]:
    """All text of a workbook: sheets in order (hidden ones too), then what hangs on them and around them."""
    book = Book(package)
    names: list[tuple[str, str]] = []
    pieces = Pieces()
    place = package.make(part="workbook")
    root = package.find("xl/workbook.xml")
    if root is not None:
        for element in package.items(root, "{*}sheet", "{*}definedName", "{*}workbookPr"):
            if local(element) == "sheet":
                reference = next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
                names.append((element.get("name") or "", reference))
                yield from pieces.add(names[-1][0], replace(place, sheet=names[-1][0]))
            elif local(element) == "definedName":
                yield from pieces.add(f"{element.get('name') or ''} {element.text or ''}".strip(), place)
            elif element.get("date1904") in ("1", "true"):
                book.epoch = datetime(1904, 1, 1)
    strings = package.find("xl/sharedStrings.xml")
    if strings is not None:
        book.strings = shared_strings(package, strings)
    book.used = bytearray(len(book.strings))
    book.dates = date_styles(package)
    targets = package.relations("xl/workbook.xml")
    sheets = {targets.get(reference, ""): name for name, reference in names}
    owners: dict[str, str] = {}
    links: dict[str, Place | None] = {}
    for info in package.named(r"xl/(?:work|chart|dialog|macro)sheets/[^/]+\.xml"):
        sheet = sheets.get(info.filename.lower()) or posixpath.basename(info.filename)
        owners.update(dict.fromkeys(package.relations(info.filename).values(), sheet))
        links[info.filename.lower()] = None
        extra = Pieces()
        yield from sheet_segments(package.make(sheet=sheet), _Sheet(book, info, sheet, extra).rows(), extra)
    yield from pieces.flush()
    yield from around_sheets(package, owners)
    left = package.make(part="sharedStrings")
    for index, text in enumerate(book.strings):
        # Text that no cell shows any more is still in the file.
        if not book.used[index] and text.strip():
            yield from pieces.add(text, left)
    yield from pieces.flush()
    yield from package.properties(links)
    yield from package.embedded()
