"""PowerPoint presentations before 2007: slides with their numbers, notes, comments, links and masters.

The records of the latest edit are found by the persist directory; what earlier edits left in the stream is read too,
without a number.

Source: MS-PPT 2.3 (persist directory), 2.4 (document), 2.5 (slides), 2.9 (text), 2.13.24 (record types).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from piiscan.errors import Encrypted, LimitReached, Malformed
from piiscan.extract import Job
from piiscan.extract.inflate import Inflate, stepwise
from piiscan.extract.office import link_text
from piiscan.extract.ole import Compound, compound_segments
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, Segment

_DOCUMENT, _SLIDE, _NOTES, _MASTER, _HANDOUT = 0x03E8, 0x03EE, 0x03F0, 0x03F8, 0x0FC9
_USER_EDIT, _DIRECTORY, _CRYPT = 0x0FF5, 0x1772, 0x2F14
_SLIDE_LIST, _PERSIST_ATOM, _NOTES_ATOM, _SLIDE_ATOM = 0x0FF0, 0x03F3, 0x03F1, 0x03EF
_CHARS, _BYTES, _STRING = 0x0FA0, 0x0FA8, 0x0FBA
_COMMENT, _LINK, _HEADERS, _OLE_OBJECT, _BLOB = 0x2EE0, 0x0FD7, 0x0FD9, 0x1011, 0x138B
_ENCRYPTED_TOKEN = 0xF3D1C4DF
_PARTS = {_SLIDE: "slide", _NOTES: "notes", _MASTER: "master", _HANDOUT: "handout master", _DOCUMENT: "document"}
_INNER = {_COMMENT: "comment", _LINK: "hyperlink", _HEADERS: "footer"}
_DEPTH = 64
_SEEN = 1 << 20
_LATIN = str.maketrans({"\r": "\n", "\x0b": "\n", "\u00ad": None})


class PptExtractor:
    """The extractor of PowerPoint 97 to 2003 presentations."""

    media_types = frozenset({"application/vnd.ms-powerpoint"})

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text by slide and part, then properties, embedded objects and macros. Raises: Encrypted, LimitReached."""
        yield from compound_segments(stream, job, presentation_segments)


EXTRACTOR = PptExtractor()


@dataclass(slots=True)
class _Index:
    """Where the records of the latest edit stand."""

    slides: dict[int, int] = field(default_factory=dict)
    """Slide number by the place of its record."""
    live: set[int] = field(default_factory=set)
    """Places of the records that the latest edit uses."""
    numbers: dict[int, int] = field(default_factory=dict)
    """Slide number by the slide's identifier, for its notes."""


def presentation_segments(compound: Compound) -> Iterator[Segment]:
    """The text of an open presentation. Raises: Encrypted, Malformed, LimitReached."""
    data = compound.read("PowerPoint Document")
    user = compound.read("Current User")
    if len(user) >= 16 and struct.unpack_from("<I", user, 12)[0] == _ENCRYPTED_TOKEN:
        raise Encrypted("a PowerPoint presentation under a password: no text read")
    if len(data) < 8:
        raise Malformed("the PowerPoint stream is empty")
    top = list(_records(data, 0, len(data)))
    if any(kind == _CRYPT for _, kind, _, _ in top):
        raise Encrypted("a PowerPoint presentation under a password: no text read")
    index = _index(data, user)
    reader = _Reader(compound.job, data, index)
    # The latest edit first, its slides in their order, so that what is left of earlier ones is known as such.
    order = sorted(top, key=lambda row: (row[2] not in index.live, index.slides.get(row[2], 0) or len(top), row[2]))
    for _, kind, begin, end in order:
        yield from reader.read(kind, begin, end)
    yield from reader.pieces.flush()


def _records(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(version and instance, type, first byte of the header, end) of each record of a range."""
    while at + 8 <= end:
        head, kind, size = struct.unpack_from("<HHI", data, at)
        stop = min(at + 8 + size, end)
        yield head, kind, at, stop
        at = stop


def _index(data: bytes, user: bytes) -> _Index:
    """The directory of the latest edit and all before it, the latest entry of each object counting."""
    found = _Index()
    places: dict[int, int] = {}
    seen: set[int] = set()
    try:
        at = struct.unpack_from("<I", user, 16)[0] if len(user) >= 20 else 0
        while at and at not in seen and struct.unpack_from("<H", data, at + 2)[0] == _USER_EDIT:
            seen.add(at)
            before, directory = struct.unpack_from("<2I", data, at + 16)
            for number, place in _directory(data, directory):
                places.setdefault(number, place)
            at = before
    except struct.error:
        pass
    found.live = set(places.values())
    for place in found.live:
        if data[place + 2 : place + 4] == _DOCUMENT.to_bytes(2, "little"):
            _number_slides(data, place, places, found)
    return found


def _directory(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """(identifier, place) of each object of one edit."""
    _, kind, size = struct.unpack_from("<HHI", data, at)
    at, end = at + 8, min(at + 8 + size, len(data))
    while kind == _DIRECTORY and at + 4 <= end:
        (entry,) = struct.unpack_from("<I", data, at)
        first, count = entry & 0xFFFFF, entry >> 20
        at += 4
        for n in range(min(count, (end - at) // 4)):
            yield first + n, struct.unpack_from("<I", data, at + 4 * n)[0]
        at += 4 * count


def _number_slides(data: bytes, document: int, places: dict[int, int], found: _Index) -> None:
    (size,) = struct.unpack_from("<I", data, document + 4)
    number = 0
    for head, kind, begin, end in _records(data, document + 8, min(document + 8 + size, len(data))):
        if kind != _SLIDE_LIST or head >> 4 != 0:
            continue
        for _, inner, at, _ in _records(data, begin + 8, end):
            if inner == _PERSIST_ATOM and at + 24 <= len(data):
                number += 1
                reference, _, _, identifier = struct.unpack_from("<4I", data, at + 8)
                found.numbers[identifier] = number
                if reference in places:
                    found.slides[places[reference]] = number


class _Reader:
    """Reads records into segments; a text of an earlier edit only where no later one has it."""

    def __init__(self, job: Job, data: bytes, index: _Index) -> None:
        self.job = job
        self.data = data
        self.index = index
        self.pieces = Pieces()
        self.paragraph = 0
        self.objects = 0
        self.seen: set[int] = set()

    def read(self, kind: int, begin: int, end: int) -> Iterator[Segment]:
        """One record of the top level."""
        live = begin in self.index.live or not self.index.live
        number = self.index.slides.get(begin)
        if kind == _NOTES:
            atom = next((at for _, k, at, _ in _records(self.data, begin + 8, end) if k == _NOTES_ATOM), None)
            if atom is not None and atom + 12 <= len(self.data):
                number = self.index.numbers.get(struct.unpack_from("<I", self.data, atom + 8)[0])
        self.paragraph = 0
        part = _PARTS.get(kind, "document")
        place = replace(self.job.place, slide=number if live else None, part=part if live else "earlier edit")
        if kind == _OLE_OBJECT:
            yield from self._object(begin, end)
        else:
            yield from self._walk(begin, end, place, live, 0)

    def _walk(self, begin: int, end: int, place: Place, live: bool, depth: int) -> Iterator[Segment]:
        head = struct.unpack_from("<H", self.data, begin)[0]
        kind = struct.unpack_from("<H", self.data, begin + 2)[0]
        if kind in (_CHARS, _BYTES, _STRING):
            raw = self.data[begin + 8 : end]
            text = raw.decode("latin-1" if kind == _BYTES else "utf-16-le", "replace").translate(_LATIN).rstrip("\0")
            yield from self._text(text, place, live)
        elif kind == _SLIDE_LIST:
            yield from self._outline(head, begin, end, place, live, depth)
        elif (head & 0xF == 0xF or kind == _BLOB) and depth < _DEPTH:
            inside = place
            if kind in _INNER and live:
                inside = replace(place, part=_INNER[kind])
            for _, _, at, stop in _records(self.data, begin + 8, end):
                yield from self._walk(at, stop, inside, live, depth + 1)

    def _outline(self, head: int, begin: int, end: int, place: Place, live: bool, depth: int) -> Iterator[Segment]:
        """Titles and bodies of the slides, which the document keeps itself."""
        part = {0: "slide", 1: "master", 2: "notes"}.get(head >> 4, "document")
        where, number = place, 0
        for _, kind, at, stop in _records(self.data, begin + 8, end):
            if kind == _PERSIST_ATOM and live:
                number += 1
                self.paragraph = 0
                where = replace(place, part=part, slide=number if part == "slide" else None)
            yield from self._walk(at, stop, where, live, depth + 1)

    def _text(self, text: str, place: Place, live: bool) -> Iterator[Segment]:
        for line in text.split("\n"):
            self.paragraph += 1
            if not line.strip() or line == "*" or line.startswith("___PPT"):
                continue
            mark = hash(line)
            if not live and mark in self.seen:
                continue
            if len(self.seen) < _SEEN:
                self.seen.add(mark)
            shown = link_text(line) if place.part == "hyperlink" else line
            yield from self.pieces.add(shown, replace(place, paragraph=self.paragraph))

    def _object(self, begin: int, end: int) -> Iterator[Segment]:
        """An embedded object: a compound file, compressed when the instance says so. MS-PPT 2.10.34."""
        self.objects += 1
        content = self.data[begin + 8 : end]
        if struct.unpack_from("<H", self.data, begin)[0] >> 4 == 1:
            parts: list[bytes] = []
            room = self.job.limits.part_bytes
            try:
                for piece in stepwise(iter((content[4:],)), Inflate(15), self.job.budget):
                    parts.append(piece)
                    room -= len(piece)
                    if room < 0:
                        raise LimitReached(f"an embedded object is larger than {self.job.limits.part_bytes} bytes")
            except (zlib.error, EOFError, ValueError):
                self.job.note("MALFORMED_FILE", "an embedded object cannot be decompressed")
            content = b"".join(parts)
        if content.startswith(b"\xd0\xcf\x11\xe0"):
            yield from self.job.nested(f"object {self.objects}", io.BytesIO(content))
