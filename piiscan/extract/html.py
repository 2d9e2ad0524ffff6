"""HTML by an own tokenizer: text of each block, attributes, comments and scripts, every piece with its source line.

No tree is built, so depth costs nothing; tags are read as the HTML standard's tokenizer reads them, and the little
nesting that matters (tables, text that must not be looked into) is kept on a stack.

Source: WHATWG HTML, section 13.2.5 (tokenization).
"""

from __future__ import annotations

import codecs
import html
import re
from bisect import bisect_right
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO
from urllib.parse import unquote

from piiscan.extract import Job
from piiscan.extract.pieces import Cell, Pieces, Row, placer, row_texts, table_segments
from piiscan.model import LINE_BREAK, Place, Segment

_HOLD = 128 << 20
"""Bytes of a page that are held as text; the rest goes through as plain windows."""
_OPEN = re.compile(r"<(?=[a-zA-Z/!?])")
_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_ATTRIBUTE = re.compile(r"[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:([\"'])|([^\s>]*)))?")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)

_RAW = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes", "textarea", "title"})
"""Elements whose content holds no tags."""
_PLAIN = frozenset({"textarea", "title"})
"""Of those, the ones that are text to a reader."""
_INLINE_NAMES = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub "
    "sup time tt u var wbr nobr label img o:p"
)
_INLINE = frozenset(_INLINE_NAMES.split())
_VALUES = frozenset({"value", "content", "alt", "title", "placeholder", "label", "summary", "aria-label", "cite"})
_LINKS = frozenset({"href", "src", "action", "formaction", "data"})
_KEYS = ("name", "property", "id", "http-equiv", "itemprop")
"""Attributes that say what the value beside them is."""


@dataclass(slots=True)
class _Table:
    """A table that is being read."""

    number: int
    rows: list[Row] = field(default_factory=list)
    spans: dict[int, tuple[int, Cell]] = field(default_factory=dict)
    """Column to (rows still covered, cell) of cells that reach into rows below."""
    layout: bool = False
    """Holds another table, so it arranges a page and has no columns of data."""
    in_row: bool = False


class _Block:
    """The text of one block, gathered from inline pieces."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.lines: list[tuple[int, int]] = []
        self.length = 0
        self.space = True
        """The text so far ends in white space, or is empty."""

    def add(self, text: str, line: int) -> None:
        """Running text; white space is folded as a browser does."""
        for n, part in enumerate(LINE_BREAK.split(text)):
            if n and not self.space:
                self._put(" ")
            folded = _SPACES.sub(" ", part)
            if self.space:
                folded = folded.lstrip(" ")
            if folded:
                if not self.lines or self.lines[-1][1] != line + n:
                    self.lines.append((self.length, line + n))
                self._put(folded)

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)
        self.space = text[-1] in " \n\t"

    def line_break(self) -> None:
        """What `<br>` does."""
        if self.length:
            self._put("\n")

    def take(self) -> tuple[str, list[tuple[int, int]]]:
        """The text and its (offset, line) pairs; the block is empty afterwards."""
        text, lines = "".join(self.parts).rstrip(), self.lines
        self.__init__()  # type: ignore[misc]
        return text, lines


class _Page:
    """Turns the source of a page into segments."""

    def __init__(self, source: str, place: Place) -> None:
        self.source = source
        self.place = place
        self.make = placer(place)
        self.breaks = [found.end() for found in LINE_BREAK.finditer(source)]
        self.pieces = Pieces()
        self.code = Pieces(prose=False)
        self.block = _Block()
        self.cell: _Block | None = None
        self.cell_tag = ("", 1, 1)
        self.tables: list[_Table] = []
        self.count = 0
        self.no_quote: set[str] = set()
        """Quotation marks that do not occur any more, so that none is searched twice."""

    def line(self, at: int) -> int:
        """The physical line of a character."""
        return bisect_right(self.breaks, at) + 1

    def segments(self) -> Iterator[Segment]:
        """All of the page, in order."""
        source, at, size = self.source, 0, len(self.source)
        while at < size:
            found = _OPEN.search(source, at)
            end = found.start() if found else size
            if end > at:
                (self.cell or self.block).add(html.unescape(source[at:end]), self.line(at))
            if found is None:
                break
            at = yield from self._markup(end)
        while self.tables:
            yield from self._end_table()
        yield from self._end_block()
        yield from self.pieces.flush()
        yield from self.code.flush()

    def _markup(self, at: int) -> Generator[Segment, None, int]:
        """Reads the markup that begins at `at`; returns where it ends."""
        source = self.source
        if source.startswith("<!--", at):
            end = source.find("-->", at + 4)
            body = source[at + 4 : end if end >= 0 else len(source)]
            yield from self._lines(self.code, body, at + 4)
            return end + 3 if end >= 0 else len(source)
        follows = source[at + 1 : at + 2]
        if follows in "!?":
            end = source.find(">", at)
            if source.startswith("<![CDATA[", at):
                (self.cell or self.block).add(source[at + 9 : end if end >= 0 else len(source)], self.line(at))
            return end + 1 if end >= 0 else len(source)
        closing = follows == "/"
        found = _NAME.match(source, at + 1 + closing)
        if found is None:
            end = source.find(">", at)
            return end + 1 if end >= 0 else len(source)
        name = found[0].lower()
        end, attributes = self._attributes(found.end())
        if closing:
            yield from self._end(name)
            return end
        yield from self._start(name, attributes)
        if attributes:
            yield from self._values(name, attributes)
        if name in _RAW:
            close = re.compile(rf"</{name}(?=[\s/>])", re.I).search(source, end)
            stop = close.start() if close else len(source)
            if name in _PLAIN:
                (self.cell or self.block).add(html.unescape(source[end:stop]), self.line(end))
            else:
                yield from self._lines(self.code, source[end:stop], end)
            return stop
        return end

    def _attributes(self, at: int) -> tuple[int, list[tuple[str, str, int]]]:
        """End of a tag and its attributes as (name, value, offset of the value)."""
        source, size = self.source, len(self.source)
        out: list[tuple[str, str, int]] = []
        while at < size:
            found = _ATTRIBUTE.match(source, at)
            if found is None:
                end = source.find(">", at)
                return (end + 1 if end >= 0 else size), out
            at = found.end()
            quote = found[2]
            if quote:
                end = -1 if quote in self.no_quote else source.find(quote, at)
                if end < 0:
                    self.no_quote.add(quote)
                    end = source.find(">", at)
                    end = end if end >= 0 else size
                    out.append((found[1].lower(), html.unescape(source[at:end]), at))
                    at = end
                else:
                    out.append((found[1].lower(), html.unescape(source[at:end]), at))
                    at = end + 1
            elif found[3]:
                out.append((found[1].lower(), html.unescape(found[3]), found.start(3)))
        return size, out

    def _values(self, name: str, attributes: list[tuple[str, str, int]]) -> Iterator[Segment]:
        """Attributes that hold text a reader or a program sees, after the name that says what they are."""
        known = {key: value for key, value, _ in attributes}
        label = next((known[key] for key in _KEYS if known.get(key)), "")
        for key, value, offset in attributes:
            if key in _LINKS:
                scheme, _, rest = value.partition(":")
                if scheme.lower() in ("mailto", "tel", "sms"):
                    value = unquote(rest)
                elif "@" not in value and "?" not in value:
                    continue
            elif key not in _VALUES and not key.startswith("data-"):
                continue
            value = value.strip()
            if not value:
                continue
            place = self.make(line=self.line(offset), tag=name)
            if label and key in ("value", "content"):
                yield from self.pieces.add(label, place)
            elif key.startswith("data-"):
                yield from self.pieces.add(key[5:], place)
            yield from self.pieces.add(value, place)

    def _start(self, name: str, attributes: list[tuple[str, str, int]]) -> Iterator[Segment]:
        if name in _INLINE:
            return
        block = self.cell or self.block
        if name == "br":
            block.line_break()
        elif name == "table":
            if self.tables:
                self.tables[-1].layout = True
                yield from self._end_cell()
                yield from self._dump(self.tables[-1])
            yield from self._end_block()
            self.count += 1
            self.tables.append(_Table(self.count))
        elif name == "tr" and self.tables:
            yield from self._end_cell()
            self._new_row(self.tables[-1])
        elif name in ("td", "th") and self.tables:
            yield from self._end_cell()
            if not self.tables[-1].in_row:
                self._new_row(self.tables[-1])
            known = {key: value for key, value, _ in attributes}
            self.cell = _Block()
            self.cell_tag = (name, _span(known.get("colspan", "")), _span(known.get("rowspan", "")))
        elif self.cell is not None:
            block.line_break()
        else:
            yield from self._end_block()

    def _end(self, name: str) -> Iterator[Segment]:
        if name in _INLINE:
            return
        if name == "table" and self.tables:
            yield from self._end_table()
        elif name in ("td", "th", "tr", "thead", "tbody", "tfoot") and self.tables:
            yield from self._end_cell()
            if name not in ("td", "th"):
                self.tables[-1].in_row = False
        elif self.cell is not None:
            self.cell.line_break()
        else:
            yield from self._end_block()

    def _new_row(self, table: _Table) -> None:
        table.rows.append([])
        table.in_row = True

    def _covered(self, table: _Table) -> None:
        """Repeats cells from rows above that reach into the current row at its next columns."""
        row = table.rows[-1]
        while len(row) in table.spans:
            left, cell = table.spans.pop(len(row))
            if left > 1:
                table.spans[len(row)] = (left - 1, cell)
            row.append(replace(cell, text=""))

    def _end_cell(self) -> Iterator[Segment]:
        cell, self.cell = self.cell, None
        if cell is None or not self.tables or not self.tables[-1].rows:
            return
        table = self.tables[-1]
        text, lines = cell.take()
        tag, columns, rows = self.cell_tag
        self._covered(table)
        row = table.rows[-1]
        base = self.make(table=str(table.number), line=lines[0][1] if lines else None)
        made = Cell(text, base, tag == "th")
        for n in range(columns):
            if rows > 1:
                table.spans[len(row)] = (rows - 1, made)
            row.append(made if n == 0 else replace(made, text=""))
        if table.layout:
            yield from self._dump(table)

    def _dump(self, table: _Table) -> Iterator[Segment]:
        """What a layout table holds so far, as text."""
        rows, table.rows = table.rows, [[]] if table.in_row else []
        yield from row_texts(rows, self.pieces)

    def _end_table(self) -> Iterator[Segment]:
        yield from self._end_cell()
        table = self.tables.pop()
        if table.layout:
            yield from self._dump(table)
        else:
            yield from table_segments(table.rows, self.make(table=str(table.number)), self.pieces, certain=True)

    def _end_block(self) -> Iterator[Segment]:
        if self.block.length:
            text, lines = self.block.take()
            if text:
                places = [(at, self.make(line=line)) for at, line in lines]
                yield from self.pieces.add(text, places)

    def _lines(self, pieces: Pieces, text: str, offset: int) -> Iterator[Segment]:
        """A stretch of source (script, style, comment) as it stands, with a place for each line."""
        if not text.strip():
            return
        line = self.line(offset)
        places = [(0, self.make(line=line))]
        for n, found in enumerate(LINE_BREAK.finditer(text), 1):
            places.append((found.end(), self.make(line=line + n)))
        yield from pieces.add(text, places)


def _span(text: str) -> int:
    """A colspan or rowspan, held to a sensible size."""
    return min(max(int(text), 1), 100) if text.isascii() and text.isdigit() and len(text) < 5 else 1


def html_charset(head: bytes, hint: str = "") -> str:
    """The codec of a page: BOM, then `hint` (mail or HTTP header), then its meta element, then UTF-8."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    declared = _META.search(head[:4096])
    for name in (hint, declared[1].decode() if declared else ""):
        try:
            if name and codecs.lookup(name)._is_text_encoding and codecs.lookup(name).name not in ("utf-16", "utf-32"):
                # Pages that say Latin-1 mean Windows-1252 (WHATWG Encoding, section 4.2).
                return "cp1252" if codecs.lookup(name).name in ("iso8859-1", "ascii") else name
        except LookupError:
            continue
    return hint or "utf-8"


def html_segments(stream: BinaryIO, job: Job, place: Place | None = None) -> Iterator[Segment]:
    """Text, attributes, comments and scripts of a page; tables with a header row go by columns."""
    from piiscan.extract.text import windows

    hold = min(_HOLD, job.limits.part_bytes)
    data = stream.read(hold)
    charset = html_charset(data[:4096], job.charset)
    try:
        source = data.decode(charset)
    except (UnicodeDecodeError, LookupError):
        # Undeclared legacy pages are Windows-1252 far more often than broken UTF-8.
        charset = "utf-8" if _mostly_utf8(data) else "cp1252"
        source = data.decode(charset, "replace")
    del data
    page = _Page(source, place or job.place)
    yield from page.segments()
    rest = stream.read(1 << 20)
    if rest:
        job.note("FILE_EXCEEDS_SIZE_LIMIT", f"after {hold} bytes the page was read as plain text")
        decoder = codecs.getincrementaldecoder(charset)("replace")

        def texts() -> Iterator[str]:
            chunk = rest
            while chunk:
                yield decoder.decode(chunk)
                chunk = stream.read(1 << 20)

        yield from windows(texts(), place or job.place, flat=False, line=page.line(len(source)))


def _mostly_utf8(data: bytes) -> bool:
    """Whether broken UTF-8 is still UTF-8: at most one bad stretch in a hundred characters beyond ASCII."""
    sample = data[: 1 << 20].decode("utf-8", "replace")
    bad = sample.count("\ufffd")
    return bad * 10 <= sum(c > "\x7f" for c in sample)
