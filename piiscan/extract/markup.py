"""XML and HTML: text, attributes and comments with their source lines.

XML goes through expat, which reads as a stream, has no depth limit and expands nothing from outside. HTML has its own
tokenizer in `html.py`: lexbor needs 99 s CPU for 200,000 nested elements and keeps no line numbers (measured).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

from piiscan.extract import Job
from piiscan.extract.html import html_segments
from piiscan.extract.pieces import Key, Lines, Pieces
from piiscan.model import LINE_BREAK, Place, Segment

MEDIA_TYPES = frozenset({"application/xml", "text/html", "image/svg+xml"})

_CHUNK = 1 << 20
_PATH = 500
"""Characters of an element path; deeper levels are left out of it."""
_ENTITY = 256
"""Longest internal entity that is expanded (drawing programs declare namespaces so)."""
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_CAMEL = re.compile(r"[_.\-]+|(?<=[a-z0-9])(?=[A-Z])")


class MarkupExtractor:
    """XML and HTML."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text of `stream`, as it comes. Raises: ObjectError."""
        if job.media_type == "text/html":
            return html_segments(stream, job)
        return xml_segments(stream, job)


EXTRACTOR = MarkupExtractor()


class _Stop(Exception):
    """Ends expat's work on purpose."""


@lru_cache(maxsize=4096)
def name_words(name: str) -> tuple[str, ...]:
    """An element's name as it stands, and in words where it runs several together.

    >>> name_words("ns:creditCardNumber")
    ('creditCardNumber', 'credit Card Number')
    """
    local = name.rpartition(":")[2]
    words = _CAMEL.sub(" ", local).strip()
    return (local,) if words == local or not words else (local, words)


def xml_charset(head: bytes, hint: str = "") -> str:
    """The codec of an XML document from its first bytes: BOM, zero bytes, declaration, then `hint`, then UTF-8.

    Source: XML 1.0, appendix F.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    if head[:2] == b"<\0":
        return "utf-16-le"
    if head[:2] == b"\0<":
        return "utf-16-be"
    declared = _DECLARED.match(head.lstrip()[:400])
    for name in (declared[1].decode() if declared else "", hint):
        try:
            if name and codecs.lookup(name).name not in ("utf-16", "utf-32") and codecs.lookup(name)._is_text_encoding:
                return name
        except LookupError:
            continue
    return "utf-8"


def _utf8_chunks(stream: BinaryIO, hint: str) -> Iterator[bytes]:
    """The document in UTF-8, whatever it was; bytes that mean nothing become U+FFFD."""
    head = stream.read(_CHUNK)
    decoder = codecs.getincrementaldecoder(xml_charset(head, hint))("replace")
    while head:
        yield decoder.decode(head).encode("utf-8", "replace")
        head = stream.read(_CHUNK)
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


_FIELDS = ("line", "path")
"""What is known of a place in a document."""
_NEW_LINE = re.compile(rb"&#0*(?:10|x0*a);", re.I)
"""A line break in the text that is none in the file."""


@lru_cache(maxsize=4096)
def _heading(name: str) -> str:
    """The lines that stand before a value of this name."""
    return "\n".join(name_words(name)) + "\n"


class _XmlReader:
    """Handlers that turn expat's events into pieces."""

    def __init__(self, job: Job, place: Place) -> None:
        from xml.parsers import expat

        self.job = job
        self.place = place
        self.pieces = Pieces(base=place, names=_FIELDS)
        self.ready: list[Segment] = []
        self.stack: list[tuple[str, str, dict[str, int]]] = []
        """Name, path and children seen so far of each open element."""
        self.text: list[tuple[str, int]] = []
        """What came of the text so far, each with the line that it begins on."""
        self.fresh = False
        """No text of the innermost element was given yet."""
        self.at = 0
        """Byte at which the last event began: what stands before it has been reported."""
        self.reason = ""
        self.unexpanded: set[str] = set()
        """Entities that are declared here and left as they stand."""
        parser = expat.ParserCreate("utf-8")
        # One call for a run of text instead of two for each line: where it ends is known then, and its lines.
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.ordered_attributes = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.chars
        parser.CommentHandler = self.comment
        parser.ProcessingInstructionHandler = self.instruction
        parser.EntityDeclHandler = self.entity
        self.parser = parser

    def start(self, name: str, attributes: list[str]) -> None:
        if self.text:
            self.give()
        stack = self.stack
        self.at = self.parser.CurrentByteIndex
        if len(stack) >= self.job.limits.xml_depth:
            self.reason = "XML_NESTING_LEVEL_OVER_LIMIT"
            raise _Stop
        _, parent, seen = stack[-1] if stack else ("", "", {})
        number = seen[name] = seen.get(name, 0) + 1
        local = name_words(name)[0]
        path = f"{parent}/{local}[{number}]" if number > 1 else f"{parent}/{local}"
        if len(path) > _PATH:
            path = parent
        stack.append((name, path, {}))
        self.fresh = True
        if attributes:
            line = self.parser.CurrentLineNumber
            for i in range(0, len(attributes), 2):
                key, value = attributes[i], attributes[i + 1].strip()
                if value and not key.startswith("xmlns"):
                    # `<birthDate value="...">` (FHIR): what the value is, the element says.
                    label = _heading(name if key == "value" else key)
                    self.ready.extend(self.pieces.add(label + value, ((0, (line, f"{path}/@{key}")),)))

    def end(self, name: str) -> None:
        if self.text:
            self.give()
        self.at = self.parser.CurrentByteIndex
        self.stack.pop()
        self.fresh = False

    def chars(self, data: str) -> None:
        if self.text or not data.isspace():
            line = self.parser.CurrentLineNumber
            # A run from the buffer ends where the parser stands, a single stretch begins there.
            self.text.append((data, line - data.count("\n") if self.parser.buffer_text else line))

    def comment(self, data: str) -> None:
        self.give()
        self.at = self.parser.CurrentByteIndex
        if data.strip():
            line = self.parser.CurrentLineNumber
            path = self.stack[-1][1] if self.stack else None
            lines = [(0, (line, path))]
            for n, found in enumerate(LINE_BREAK.finditer(data), 1):
                lines.append((found.end(), (line + n, path)))
            self.ready.extend(self.pieces.add(data, lines))

    def instruction(self, target: str, data: str) -> None:
        self.comment(data)

    def entity(
        self,
        name: str,
        parameter: int,
        value: str | None,
        base: str | None,
        system: str | None,
        public: str | None,
        notation: str | None,
    ) -> None:
        if value is not None and "\n" in value:
            self.parser.buffer_text = False
        if value is not None and len(value) <= _ENTITY and "&" not in value and "%" not in value:
            return
        self.unexpanded.add(name)
        if value:
            # Its text is in this file, whether it is referred to or not.
            self.ready.extend(self.pieces.add(value, ((0, (self.parser.CurrentLineNumber, None)),)))
        # A default handler makes expat leave internal entities in the text unexpanded.
        self.parser.DefaultHandler = self.other

    def other(self, data: str) -> None:
        # One that is declared nowhere here is a character's name, or stands in a file of its own.
        if data[:1] == "&" and data[1:-1] in self.unexpanded and not self.reason:
            self.reason = "MALFORMED_FILE"

    def give(self) -> None:
        """The text run up to here as one piece, after its element's name."""
        run, self.text = self.text, []
        if not run:
            return
        path = self.stack[-1][1] if self.stack else None
        whole = run[0][0] if len(run) == 1 else "".join([data for data, _ in run])
        text = whole.strip()
        if not text:
            return
        if len(run) == 1 and "\n" not in whole:
            # By far the most common: one stretch on one line.
            self.put(text, ((0, (run[0][1], path)),))
            return
        lines: list[tuple[int, Place | Key]] = []
        at, last = len(whole.lstrip()) - len(whole), -1
        for data, line in run:
            for number, part in enumerate(data.split("\n"), line):
                if part and number != last and at < len(text):
                    if at <= 0:
                        lines = [(0, (number, path))]
                    else:
                        lines.append((at, (number, path)))
                    last = number
                at += len(part) + 1
            at -= 1
        self.put(text, lines)

    def put(self, text: str, lines: Lines) -> None:
        """A text, after the element's name when it is the first of its element."""
        if self.fresh and self.stack:
            # So that a keyword in the name stands right before it.
            heading = _heading(self.stack[-1][0])
            text = heading + text
            if len(lines) > 1:
                lines = [lines[0], *[(at + len(heading), place) for at, place in lines[1:]]]
            self.fresh = False
        self.ready.extend(self.pieces.add(text, lines))


def xml_segments(stream: BinaryIO, job: Job, place: Place | None = None) -> Iterator[Segment]:
    """Text, attributes and comments of an XML document; what follows an error is read as plain text, with a note."""
    from xml.parsers import expat

    reader = _XmlReader(job, place or job.place)
    parser = reader.parser
    chunks = _utf8_chunks(stream, job.charset)
    held, base, broken = b"", 0, False
    for chunk in chunks:
        # All that expat may not have reported yet: at most one token and this chunk.
        keep = max(reader.at - base, 0)
        held, base = held[keep:] + chunk, base + keep
        if parser.buffer_text and _NEW_LINE.search(chunk):
            parser.buffer_text = False
        try:
            parser.Parse(chunk, False)
        except _Stop:
            broken = True
        except expat.ExpatError:
            broken = True
        yield from reader.ready
        reader.ready.clear()
        if broken:
            break
        reader.at = max(reader.at, parser.CurrentByteIndex)
    if not broken:
        try:
            parser.Parse(b"", True)
        except expat.ExpatError:
            broken = True
    reader.give()
    yield from reader.ready
    yield from reader.pieces.flush()
    if reader.reason == "XML_NESTING_LEVEL_OVER_LIMIT":
        job.note(reader.reason, f"deeper than {job.limits.xml_depth} elements; the rest was read as plain text")
    elif reader.reason:
        job.note(reader.reason, "the document type declares entities, which were not expanded")
    elif broken:
        job.note("MALFORMED_FILE", "not well-formed XML; the rest was read as plain text")
    if broken:
        yield from _rest(held, base, reader, chunks)


def _rest(held: bytes, base: int, reader: _XmlReader, chunks: Iterator[bytes]) -> Iterator[Segment]:
    """What expat did not get to, as windows of raw text."""
    from piiscan.extract.text import windows

    stop = max(reader.parser.ErrorByteIndex, reader.at) - base
    begin = max(reader.at - base, 0)
    # The tag that holds the error was not reported: begin with it. Text before the error was.
    tag = held.rfind(b"<", begin + 1, max(stop, begin) + 1)
    if reader.reason == "XML_NESTING_LEVEL_OVER_LIMIT":
        cut = begin
    else:
        cut = tag if tag > begin else max(stop, 0)
    line = reader.parser.ErrorLineNumber - held.count(b"\n", cut, max(stop, cut))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def texts() -> Iterator[str]:
        yield decoder.decode(held[cut:])
        for chunk in chunks:
            yield decoder.decode(chunk)

    yield from windows(texts(), reader.place, flat=False, line=max(line, 1))
