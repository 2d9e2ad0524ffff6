"""The sheets of an Excel workbook: columns under their headers, else rows cell by cell, and the parts around them.

Source: ECMA-376 part 1, section 18 (SpreadsheetML); number formats of 18.8.30.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from piiscan.errors import LimitReached
from piiscan.extract.office import Package, link_text, local
from piiscan.extract.office_cells import (
    Book,
    Value,
    column_letters,
    column_number,
    date_styles,
    header_text,
    read_cell,
    rich_text,
)
from piiscan.extract.pieces import Cell, Pieces, has_header, row_texts
from piiscan.extract.places import placer
from piiscan.model import ColumnSegment, Place, Segment

_CHUNK_ROWS = 20_000
_CHUNK_CELLS = 400_000
"""Rows and cells of a table after which its columns are given out."""
_ROW_CELLS = 1 << 16
_SAMPLE = 50
"""Rows that are looked at to tell whether a sheet has a header."""
_REF = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_LITERAL = re.compile(r'"([^"]{5,})"')
_RAW_PARTS = (
    (r"xl/persons/[^/]+\.xml", "person"),
    (r"xl/threadedComments/[^/]+\.xml", "comment"),
    (r"xl/externalLinks/[^/]+\.xml", "externalLink"),
    (r"xl/pivotCache/[^/]+\.xml", "pivotCache"),
    (r"xl/connections\.xml", "connection"),
    (r"xl/queryTables/[^/]+\.xml", "connection"),
    (r"xl/revisions/[^/]+\.xml", "revision"),
)


SheetRow = tuple[int, list[Value]]
"""A row's number and its filled cells."""


def _rows(book: Book, info: Any, sheet: str, extra: Pieces) -> Iterator[SheetRow | list[Segment]]:
    """The rows of a sheet; lists of segments of formulas, headers and footers in between."""
    row, column, values = 0, 0, list[Value]()
    base = replace(book.package.job.place, sheet=sheet)
    links = book.package.relations(info.filename, external=True)
    tags = ["{*}row", "{*}c", "{*}hyperlink", "{*}dataValidation"]
    tags += [f"{{*}}{n}{w}" for n in ("odd", "even", "first") for w in ("Header", "Footer")]
    limit = book.package.job.limits.cells
    begun = False
    for _, element in book.package.elements(info, ("end",), tags):
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
            text, is_text, formula = read_cell(book, element)
            if text or formula:
                book.cells += 1
                if book.cells > limit:
                    raise LimitReached(f"more than {limit} cells")
                ref = found[0] if found else f"{column_letters(column)}{row}"
                if text:
                    values.append(Value(column, ref, text, is_text))
                for literal in _LITERAL.findall(formula):
                    if literal not in text:
                        yield list(extra.add(literal, replace(base, cell=ref, part="formula")))
            if column > _ROW_CELLS:
                # Else the whole row goes at its end.
                element.clear()
            if len(values) >= _ROW_CELLS:
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
        elif name == "hyperlink":
            # The target is a relationship: only here is it known which cell it hangs on.
            target = next((links.pop(v, "") for k, v in element.attrib.items() if k.endswith("}id")), "")
            place = replace(base, cell=(element.get("ref") or "").partition(":")[0] or None, part="hyperlink")
            for text in (link_text(target), element.get("tooltip") or ""):
                if text:
                    yield list(extra.add(text, place))
            element.clear()
        elif name == "dataValidation":
            place = replace(base, cell=(element.get("sqref") or "").split(" ")[0].partition(":")[0] or None)
            texts = [element.get(key) or "" for key in ("promptTitle", "prompt", "errorTitle", "error")]
            # A list of choices is a formula of one literal.
            texts += [f.text.strip('"') for f in element if f.text and '"' in f.text]
            for text in filter(None, texts):
                yield list(extra.add(text, replace(place, part="validation")))
            element.clear()
        elif element.text:
            part = "header" if name.endswith("Header") else "footer"
            yield list(extra.add(header_text(element.text), replace(base, part=part)))
    if values:
        yield row, values
    for target in links.values():
        yield list(extra.add(link_text(target), replace(base, part="hyperlink")))


def _header_at(sample: list[tuple[int, list[Value]]]) -> int | None:
    """Index in the sample of the row that names the columns; title rows may stand above it."""
    width = max((len(values) for _, values in sample), default=0)
    first = next((i for i, (_, values) in enumerate(sample[:10]) if 2 * len(values) >= width), None)
    if first is None or not all(value.is_text for value in sample[first][1]):
        return None
    rest = sample[first:]
    columns = sorted({value.column for _, values in rest for value in values})[:1000]
    dense = []
    for _, values in rest:
        texts = {value.column: value.text.strip() for value in values}
        dense.append([texts.get(column, "") for column in columns])
    return first if has_header(dense) else None


class _Columns:
    """Collects the cells of a table by column."""

    def __init__(self, names: dict[int, str], base: Place) -> None:
        self.names = names
        self.base = base
        self.held: dict[int, tuple[list[str], list[int], list[str]]] = {}
        self.cells = 0
        self.rows = 0

    def add(self, number: int, values: list[Value]) -> Iterator[Segment]:
        """Take one row in."""
        for value in values:
            texts, rows, refs = self.held.setdefault(value.column, ([], [], []))
            texts.append(value.text)
            rows.append(number)
            refs.append(value.ref)
        self.cells += len(values)
        self.rows += 1
        if self.rows >= _CHUNK_ROWS or self.cells >= _CHUNK_CELLS:
            yield from self.flush()

    def flush(self) -> Iterator[Segment]:
        """The columns of what was taken in since the last time."""
        for column in sorted(self.held):
            texts, rows, refs = self.held[column]
            yield ColumnSegment(
                header=self.names.get(column, ""),
                path="",
                values=texts,
                rows=np.array(rows, dtype=np.int64),
                base=self.base,
                cells=refs,
            )
        self.held, self.cells, self.rows = {}, 0, 0


def sheet_segments(
    base: Place, rows: Iterable[SheetRow | list[Segment]], extra: Pieces | None = None
) -> Iterator[Segment]:
    """One sheet whose rows come in order: by columns when it has a header row, else by rows.

    `base` has the sheet's name. Lists of segments among the rows go through; `extra` is flushed at the end.
    """
    make = placer(base)
    pieces = Pieces()
    sample: list[tuple[int, list[Value]]] = []
    columns: _Columns | None = None
    above = 0
    decided = False

    def texts(values: list[Value]) -> Iterator[Segment]:
        yield from row_texts([[Cell(v.text, make(cell=v.ref)) for v in values]], pieces)

    def decide() -> Iterator[Segment]:
        nonlocal columns, above
        at = _header_at(sample)
        if at is not None:
            columns = _Columns({v.column: v.text.strip() for v in sample[at][1]}, base)
            above = sample[at][0]
        for i, (number, values) in enumerate(sample):
            if columns is None or at is None or i <= at:
                yield from texts(values)
            else:
                yield from columns.add(number - above, values)
        sample.clear()

    for item in rows:
        if isinstance(item, list):
            yield from item
            continue
        if not decided:
            sample.append(item)
            if len(sample) >= _SAMPLE or len(item[1]) >= _ROW_CELLS:
                decided = True
                yield from decide()
        elif columns is not None:
            yield from columns.add(item[0] - above, item[1])
        else:
            yield from texts(item[1])
    if not decided:
        yield from decide()
    yield from pieces.flush()
    if columns is not None:
        yield from columns.flush()
    if extra is not None:
        yield from extra.flush()


def _paragraphs(package: Package, info: Any, place: Place) -> Iterator[Segment]:
    """Text of a drawing or chart: runs joined per paragraph, cached values one by one, alternative texts."""
    pieces = Pieces()
    for _, element in package.elements(info, ("end",), ["{*}p", "{*}v", "{*}cNvPr"]):
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
    for _, element in package.elements(info, ("end",), ["{*}author", "{*}comment"]):
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
            where = replace(package.job.place, part=part, sheet=owned.get(info.filename.lower()))
            yield from reader(package, info, where)
    for pattern, part in _RAW_PARTS:
        for info in package.named(pattern):
            yield from package.raw_text(info, replace(package.job.place, part=part))


def workbook_segments(package: Package) -> Iterator[Segment]:
    """All text of a workbook: sheets in order (hidden ones too), then what hangs on them and around them."""
    book = Book(package)
    names: list[tuple[str, str]] = []
    pieces = Pieces()
    place = replace(package.job.place, part="workbook")
    root = package.find("xl/workbook.xml")
    if root is not None:
        for _, element in package.elements(root, ("end",), ["{*}sheet", "{*}definedName", "{*}workbookPr"]):
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
        for _, element in package.elements(strings, ("end",), ["{*}si"]):
            book.strings.append(rich_text(element))
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
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
        yield from sheet_segments(replace(package.job.place, sheet=sheet), _rows(book, info, sheet, extra), extra)
    yield from pieces.flush()
    yield from around_sheets(package, owners)
    left = replace(package.job.place, part="sharedStrings")
    for index, text in enumerate(book.strings):
        # Text that no cell shows any more is still in the file.
        if not book.used[index] and text.strip():
            yield from pieces.add(text, left)
    yield from pieces.flush()
    yield from package.properties(links)
    yield from package.embedded()
