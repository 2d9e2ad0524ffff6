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
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO
from urllib.parse import unquote

from piiscan.extract import Job
from piiscan.extract.pieces import Cell, Pieces, Row, row_texts, table_segments
from piiscan.extract.places import placer
from piiscan.model import LINE_BREAK, Place, Segment

_HOLD = 128 << 20
"""Bytes of a page that are held as text; the rest goes through as plain windows."""
_OPENS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/!?")
"""What makes a tag or other markup of a `<` before it."""
_NAME = re.compile(r"[a-zA-Z][^\s/>]*")
_ATTRIBUTE = re.compile(r"[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:([\"'])|([^\s>]*)))?")
_TAG = re.compile(
    r"([^<]*+)<(/?)([a-zA-Z][^\s/>]*+)"
    r"((?:\s++(?:[^\s\"'>/=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'>/]++))?+)?+)*+)/?>"
)
"""Text and a tag as nearly all are; any other goes by `_ATTRIBUTE`, step by step."""
_PAIR = re.compile(r"([^\s=]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|(\S++))|\S++")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_META = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)

_RAW = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes", "textarea", "title"})
"""Elements whose content holds no tags."""
_PLAIN = frozenset({"textarea", "title"})
"""Of those, the ones that are text to a reader."""
_INLINE_NAMES = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub "
    "sup time tt u var wbr nobr img o:p"
)
_INLINE = frozenset(_INLINE_NAMES.split())
_VALUES = frozenset({"value", "content", "alt", "title", "placeholder", "label", "summary", "aria-label", "cite"})
_LINKS = frozenset({"href", "src", "action", "formaction", "data"})
_KEYS = ("name", "property", "id", "http-equiv", "itemprop")
"""Attributes that say what the value beside them is."""


_FIELDS = ("line", "tag", "table")
"""What is known of a place on a page."""


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
        if not text.strip(" \t\r\n\f"):
            if not self.space:
                self._put(" ")
            return
        if "\n" not in text and "\r" not in text:
            self._add_line(text, line)
            return
        for n, part in enumerate(LINE_BREAK.split(text)):
            if n and not self.space:
                self._put(" ")
            if part:
                self._add_line(part, line + n)

    def _add_line(self, text: str, line: int) -> None:
        if "  " in text or "\t" in text or "\f" in text:
            text = _SPACES.sub(" ", text)
        if self.space:
            text = text.lstrip(" ")
        if text:
            if not self.lines or self.lines[-1][1] != line:
                self.lines.append((self.length, line))
            self._put(text)

    def _put(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)
        self.space = text[-1] in " \n\t"

    def line_break(self) -> None:
        """What `<br>` does."""
        if self.length:
            self._put("\n")

    def part(self) -> None:
        """What stands around a label: `<label>SSN</label><b>078` is not one word."""
        if not self.space:
            self._put(" ")

    def take(self) -> tuple[str, list[tuple[int, int]]]:
        """The text and its (offset, line) pairs; the block is empty afterwards."""
        text, lines = "".join(self.parts).rstrip(), self.lines
        self.parts, self.lines, self.length, self.space = [], [], 0, True
        return text, lines


class _Page:
    """Turns the source of a page into segments."""

    def __init__(self, source: str, place: Place) -> None:
        self.source = source
        self.place = place
        self.make = placer(place)
        self.breaks = [found.end() for found in LINE_BREAK.finditer(source)]
        self.pieces = Pieces(base=place, names=_FIELDS)
        self.code = Pieces(prose=False, base=place, names=_FIELDS)
        self.ready: list[Segment] = []
        """Segments that are whole but not handed out yet."""
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
        match, ready, inline, breaks = _TAG.match, self.ready, _INLINE, self.breaks
        dull: set[str] = set()
        """Attributes that hold nothing for us: a page has few classes and thousands of elements of each."""
        while at < size:
            found = match(source, at)
            if found is None:
                at = self._step(at)
            else:
                text, closing, name, inside = found.groups()
                if text:
                    (self.cell or self.block).add(
                        html.unescape(text) if "&" in text else text, bisect_right(breaks, at) + 1
                    )
                at = found.end()
                name = name.lower()
                if closing:
                    if name not in inline:
                        self._end(name)
                elif inside:
                    if name not in inline:
                        at = self._opened(name, self._pairs(inside, found.start(4)), at)
                    elif inside not in dull and not self._values(name, self._pairs(inside, found.start(4))):
                        dull.add(inside)
                elif name not in inline:
                    at = self._opened(name, [], at)
            if ready:
                yield from ready
                ready.clear()
        while self.tables:
            self._end_table()
        self._end_block()
        yield from ready
        yield from self.pieces.flush()
        yield from self.code.flush()

    def _step(self, at: int) -> int:
        """Takes in text up to the next markup, and that; returns where to go on."""
        source, size = self.source, len(self.source)
        end = source.find("<", at)
        while end >= 0 and source[end + 1 : end + 2] not in _OPENS:
            end = source.find("<", end + 1)
        end = end if end >= 0 else size
        if end > at:
            (self.cell or self.block).add(html.unescape(source[at:end]), self.line(at))
        return self._markup(end) if end < size else size

    def _pairs(self, inside: str, offset: int) -> list[tuple[str, str, int]]:
        """The attributes in the inside of a whole tag as (name, value, offset of the value)."""
        out = []
        for found in _PAIR.finditer(inside):
            which = found.lastindex
            if which and which > 1 and found[which]:
                value = found[which]
                value = html.unescape(value) if "&" in value else value
                out.append((found[1].lower(), value, offset + found.start(which)))
        return out

    def _markup(self, at: int) -> int:
        """Reads the markup that begins at `at`, which may be a broken tag; returns where it ends."""
        source = self.source
        if source.startswith("<!--", at):
            end = source.find("-->", at + 4)
            body = source[at + 4 : end if end >= 0 else len(source)]
            self._lines(self.code, body, at + 4)
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
            self._end(name)
            return end
        return self._opened(name, attributes, end)

    def _opened(self, name: str, attributes: list[tuple[str, str, int]], end: int) -> int:
        """Takes in a start tag that ends at `end`, with its content where that holds no tags; where to go on."""
        source = self.source
        if name not in _INLINE:
            self._start(name, attributes)
        if attributes:
            self._values(name, attributes)
        if name not in _RAW:
            return end
        close = re.compile(rf"</{name}(?=[\s/>])", re.I).search(source, end)
        stop = close.start() if close else len(source)
        if name in _PLAIN:
            (self.cell or self.block).add(html.unescape(source[end:stop]), self.line(end))
        else:
            self._lines(self.code, source[end:stop], end)
        return stop

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

    def _values(self, name: str, attributes: list[tuple[str, str, int]]) -> bool:
        """Takes in attributes that hold text to a reader or a program, after their labels; whether there are any."""
        some = False
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
            where = ((0, (self.line(offset), name, None)),)
            if key in ("value", "content"):
                known = {other: text for other, text, _ in attributes}
                label = next((known[other] for other in _KEYS if known.get(other)), "")
                if label:
                    self.ready.extend(self.pieces.add(label, where))
            elif key.startswith("data-"):
                self.ready.extend(self.pieces.add(key[5:], where))
            self.ready.extend(self.pieces.add(value, where))
            some = True
        return some

    def _start(self, name: str, attributes: list[tuple[str, str, int]]) -> None:
        block = self.cell or self.block
        if name == "br":
            block.line_break()
        elif name == "label":
            block.part()
        elif name == "table":
            if self.tables:
                self.tables[-1].layout = True
                self._end_cell()
                self._dump(self.tables[-1])
            self._end_block()
            self.count += 1
            self.tables.append(_Table(self.count))
        elif name == "tr" and self.tables:
            self._end_cell()
            self._new_row(self.tables[-1])
        elif name in ("td", "th") and self.tables:
            self._end_cell()
            if not self.tables[-1].in_row:
                self._new_row(self.tables[-1])
            known = {key: value for key, value, _ in attributes}
            self.cell = _Block()
            self.cell_tag = (name, _span(known.get("colspan", "")), _span(known.get("rowspan", "")))
        elif self.cell is not None:
            block.line_break()
        else:
            self._end_block()

    def _end(self, name: str) -> None:
        if name in _INLINE:
            return
        if name == "label":
            (self.cell or self.block).part()
        elif name == "table" and self.tables:
            self._end_table()
        elif name in ("td", "th", "tr", "thead", "tbody", "tfoot") and self.tables:
            self._end_cell()
            if name not in ("td", "th"):
                self.tables[-1].in_row = False
        elif self.cell is not None:
            self.cell.line_break()
        else:
            self._end_block()

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
            row.append(replace(cell, text="", rest=()))

    def _end_cell(self) -> None:
        cell, self.cell = self.cell, None
        if cell is None or not self.tables or not self.tables[-1].rows:
            return
        table = self.tables[-1]
        text, lines = cell.take()
        tag, columns, rows = self.cell_tag
        self._covered(table)
        row = table.rows[-1]
        base = self.make(table=str(table.number), line=lines[0][1] if lines else None)
        rest = [(at, (line, None, base.table)) for at, line in lines[1:]]
        made = Cell(text, base, tag == "th", rest)
        for n in range(columns):
            if rows > 1:
                table.spans[len(row)] = (rows - 1, made)
            row.append(made if n == 0 else replace(made, text="", rest=()))
        if table.layout:
            self._dump(table)

    def _dump(self, table: _Table) -> None:
        """What a layout table holds so far, as text."""
        rows, table.rows = table.rows, [[]] if table.in_row else []
        self.ready.extend(row_texts(rows, self.pieces))

    def _end_table(self) -> None:
        self._end_cell()
        table = self.tables.pop()
        if table.layout:
            self._dump(table)
        else:
            base = self.make(table=str(table.number))
            self.ready.extend(table_segments(table.rows, base, self.pieces, certain=True))

    def _end_block(self) -> None:
        if self.block.length:
            text, lines = self.block.take()
            if text:
                self.ready.extend(self.pieces.add(text, [(at, (line, None, None)) for at, line in lines]))

    def _lines(self, pieces: Pieces, text: str, offset: int) -> None:
        """A stretch of source (script, style, comment) as it stands, with a place for each line."""
        if not text or text.isspace():
            return
        line = self.line(offset)
        places = [(0, (line, None, None))]
        for n, found in enumerate(LINE_BREAK.finditer(text), 1):
            places.append((found.end(), (line + n, None, None)))
        self.ready.extend(pieces.add(text, places))


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
