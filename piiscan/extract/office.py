"""Word documents, Excel workbooks and PowerPoint presentations (OOXML): a zip of XML parts under one budget.

What all share is here: opening the package, reading a part as a stream of parsed elements, properties, relationships
and embedded files. `office_word.py`, `office_sheet.py`, `slides.py` and `xlsb.py` read the main parts.
"""

from __future__ import annotations

import contextlib
import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, BinaryIO
from urllib.parse import unquote

from piiscan.errors import Encrypted, Malformed
from piiscan.extract import Job
from piiscan.extract.office_salvage import Salvaged
from piiscan.extract.office_stream import Joined, PartStream
from piiscan.extract.pieces import Pieces
from piiscan.extract.spooled import seekable
from piiscan.model import ColumnSegment, Place, Segment, TextSegment

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
MEDIA_TYPES = frozenset({_DOCX, _XLSX, _PPTX, _XLSB})

EMBEDDED = re.compile(
    r"^(?:word|xl|ppt)/embeddings/[^/]+$|^(?:word|xl|ppt)/vbaProject\.bin$"
    r"|\.(?:docx|docm|xlsx|xlsm|xlsb|pptx|pdf|zip|rtf|html?|mht|txt|csv)$",
    re.I,
)
"""Names of parts that are files of their own (`word/afchunk.mht`, attachments), and the macros."""
_PICTURE = re.compile(
    r"^(?:(?:word|xl|ppt)/media|Pictures|media)/[^/]+\.(?:jpe?g|png|tiff?|gif|webp|heic|avif|svg|emf|wmf)$", re.I
)
_BODY = frozenset({None, "body", "slide"})
_HEAD = 4096
_SMALL = 4 << 20
"""Bytes of a part up to which it is read in one step."""


class OfficeExtractor:
    """DOCX, XLSX, PPTX and XLSB, with their templates and macro-enabled forms."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text of `stream`, as it comes. Raises: ObjectError."""
        with Package(seekable(stream, job), job) as package:
            yield from package.with_pictures(_reader(job.media_type)(package))


EXTRACTOR = OfficeExtractor()


def _reader(media_type: str) -> Callable[[Package], Iterator[Segment]]:
    """The reader of the main parts; only its module is imported."""
    if media_type == _XLSX:
        from piiscan.extract.office_sheet import workbook_segments

        return workbook_segments
    if media_type == _PPTX:
        from piiscan.extract.slides import presentation_segments

        return presentation_segments
    if media_type == _XLSB:
        from piiscan.extract.xlsb import binary_workbook_segments

        return binary_workbook_segments
    from piiscan.extract.office_word import document_segments

    return document_segments


def _opened(stream: BinaryIO, job: Job) -> zipfile.ZipFile | Salvaged:
    """The zip by its directory, or by its local headers where that is lost. Raises: Malformed."""
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, struct.error) as err:
        try:
            found = Salvaged(stream)
        except (zipfile.BadZipFile, OSError, ValueError):
            raise Malformed("not a readable Office package: its zip directory is damaged") from err
    job.note("MALFORMED_FILE", "the package has no readable directory: its parts were searched for")
    return found


class Package:
    """An open OOXML package."""

    def __init__(self, stream: BinaryIO, job: Job) -> None:
        self.job = job
        self._zip = _opened(stream, job)
        self._whole = isinstance(self._zip, zipfile.ZipFile)
        self.infos = [info for info in self._zip.infolist() if info.filename.rstrip("/") == info.filename != ""]
        if any(info.flag_bits & 1 for info in self.infos):
            raise Encrypted("encrypted Office package: no text read")
        self.broken: set[str] = set()
        self._stream = stream
        self._links: dict[str, list[tuple[str, str, bool]]] = {}
        self._by_name = {info.filename.lower(): info for info in reversed(self.infos)}

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def named(self, pattern: str) -> list[zipfile.ZipInfo]:
        """Parts whose whole name matches, in the order of their numbers."""
        rule = re.compile(pattern, re.I)
        found = [info for info in self.infos if rule.fullmatch(info.filename)]
        if len(found) < 2:
            return found
        return sorted(found, key=lambda info: [int(d) for d in re.findall(r"\d+", info.filename)] or [0])

    def find(self, name: str) -> zipfile.ZipInfo | None:
        """The part of that name, if there is one (names differ in case between writers)."""
        return self._by_name.get(name.lower().lstrip("/"))

    def open(self, info: zipfile.ZipInfo) -> PartStream:
        """A part as a stream of its bytes. Raises: Malformed."""
        try:
            return PartStream(self._zip.open(info), self.job, info.filename)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as err:
            raise Malformed(f"part {info.filename} of the package is damaged") from err

    def content(self, info: zipfile.ZipInfo) -> bytes | None:
        """A small part whole, read in one step; None where the other way (`open`) must be taken."""
        size = info.file_size
        if (
            not self._whole
            or size > min(_SMALL, self.job.limits.part_bytes)
            or info.compress_size > _SMALL
            or info.compress_type not in (0, 8)
        ):
            return None
        try:
            self._stream.seek(info.header_offset)
            head = self._stream.read(30)
            self._stream.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
            data = self._stream.read(info.compress_size)
            if info.compress_type:
                data = zlib.decompressobj(-15).decompress(data, size + 1)
        except (zlib.error, OSError, ValueError):
            return None
        if len(data) != size or zlib.crc32(data) != info.CRC or not head.startswith(b"PK\3\4"):
            # The other way says what is wrong, and gives what can be had before the damage.
            return None
        self.job.budget.spend(size)
        return data

    def elements(
        self, info: zipfile.ZipInfo, events: tuple[str, ...], tag: list[str] | None = None, *, recover: bool = False
    ) -> Iterator[Any]:
        """(event, element) pairs of a part as lxml parses it; what breaks it becomes a note, and ends it.

        The part's name is in `broken` afterwards when it could not be parsed to its end. `recover`: go on behind
        errors, for parts that are seldom well-formed.
        """
        from lxml import etree

        try:
            data = self.content(info)
            part = None if data is not None else self.open(info)
            with contextlib.ExitStack() as stack:
                if part is not None:
                    stack.enter_context(part)
                    head = part.read(_HEAD)
                else:
                    head = data[:_HEAD] if data else b""
                if b"<!DOCTYPE" in head or b"<\0!\0D\0O\0C" in head or b"<!ENTITY" in head:
                    self.note(f"{info.filename} declares a document type; no entity was expanded")
                yield from etree.iterparse(
                    io.BytesIO(data or b"") if part is None else io.BufferedReader(Joined(head, part), 1 << 16),
                    events=events,
                    tag=tag,
                    resolve_entities=False,
                    no_network=True,
                    huge_tree=False,
                    load_dtd=False,
                    recover=recover,
                )
        except etree.XMLSyntaxError:
            self.broken.add(info.filename)
            self.note(f"{info.filename} is not well-formed or nested too deeply")
        except Malformed as err:
            self.broken.add(info.filename)
            self.note(str(err))

    def note(self, sentence: str) -> None:
        """Say once that a part was not read as it should be."""
        self.job.note("MALFORMED_FILE", sentence)

    def raw_text(self, info: zipfile.ZipInfo, place: Place) -> Iterator[Segment]:
        """A part that lxml refused, by the reader of plain XML (which knows no depth)."""
        from piiscan.extract.markup import xml_segments

        try:
            data = self.content(info)
            if data is not None:
                yield from xml_segments(io.BytesIO(data), self.job, place)
                return
            with self.open(info) as part:
                yield from xml_segments(io.BufferedReader(part), self.job, place)
        except Malformed as err:
            self.note(str(err))

    def tree(self, info: zipfile.ZipInfo) -> Any | None:
        """A small, well-formed part as its root element, at a quarter of the cost of its events; else None."""
        from lxml import etree

        data = self.content(info)
        if data is None or b"<!" in data[:_HEAD] or b"\0" in data[:_HEAD]:
            return None
        try:
            return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
        except (etree.XMLSyntaxError, ValueError):
            return None

    def _relationships(self, info: zipfile.ZipInfo) -> list[tuple[str, str, bool]]:
        """(id, target, whether that is outside the package) of each relationship of a part, read once."""
        if info.filename not in self._links:
            root = self.tree(info)
            tag = "{*}Relationship"
            found = (e for _, e in self.elements(info, ("end",), [tag])) if root is None else root.iter(tag)
            self._links[info.filename] = [
                (e.get("Id") or "", e.get("Target") or "", (e.get("TargetMode") or "").lower() == "external")
                for e in found
            ]
        return self._links[info.filename]

    def relations(self, part: str, *, external: bool = False) -> dict[str, str]:
        """Relationship id to the part that it names in lower case, or to the address outside, of one part."""
        folder, name = posixpath.split(part)
        info = self.find(posixpath.join(folder, "_rels", name + ".rels"))
        out = {}
        for identifier, target, outside in self._relationships(info) if info is not None else ():
            if outside != external:
                continue
            if not external:
                target = unquote(target)
                whole = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                target = posixpath.normpath(whole).lower()
            out[identifier] = target
        return out

    def properties(self, owners: Mapping[str, Place | None] | None = None) -> Iterator[Segment]:
        """Document properties, custom XML, and targets of relationships outside the package.

        `owners`: the place of the links of a part, by its name in lower case; None where they were given already.
        """
        owners = owners or {}
        pieces = Pieces(prose=False)
        place = replace(self.job.place, part="properties")
        for info in self.named(r"docProps/[^/]+\.xml"):
            root = self.tree(info)
            if root is None:
                yield from self.raw_text(info, place)
                continue
            for child in root:
                name = child.get("name") or local(child)
                for text in filter(str.strip, child.itertext()):
                    yield from pieces.add(f"{name}: {text.strip()}", replace(place, path=name))
        for info in self.named(r"customXml/(?!.*rels/)[^/]+\.xml"):
            yield from self.raw_text(info, replace(self.job.place, part="customXml"))
        for info in self.named(r"(?:.*/)?_rels/[^/]+\.rels"):
            data = self.content(info) if info.filename not in self._links else None
            if data is not None and b"xternal" not in data and b"\0" not in data:
                continue
            owner = owners.get(info.filename.lower().replace("_rels/", "").removesuffix(".rels"), self.job.place)
            for _, target, outside in self._relationships(info):
                if outside and target and owner is not None:
                    yield from pieces.add(link_text(target), replace(owner, part="hyperlink"))
        yield from pieces.flush()

    def embedded(self) -> Iterator[Segment]:
        """The files inside the package, each by its own extractor."""
        for info in self.infos:
            if EMBEDDED.search(info.filename):
                try:
                    part = self.open(info)
                except Malformed as err:
                    self.note(str(err))
                    continue
                with part:
                    # Buffered so that identification can peek.
                    yield from self.job.nested(info.filename, io.BufferedReader(part, 1 << 16))

    def with_pictures(self, segments: Iterator[Segment]) -> Iterator[Segment]:
        """The segments of the document, then those of its pictures.

        That a picture was not read by OCR is said only where there is little else: a logo leaves nothing unread.
        """
        some = False
        for segment in segments:
            some = some or isinstance(segment, ColumnSegment) or _part_of(segment) in _BODY
            yield segment
        notes = self.job.budget.notes
        for info in self.infos:
            if _PICTURE.search(info.filename):
                before = len(notes)
                with contextlib.suppress(Malformed), self.open(info) as part:
                    yield from self.job.nested(info.filename, io.BufferedReader(part, 1 << 16))
                if some and not self.job.limits.ocr:
                    notes[before:] = [note for note in notes[before:] if not note.startswith("OCR:")]


def _part_of(segment: TextSegment) -> str | None:
    return segment.places[0].part if segment.places else None


def link_text(target: str) -> str:
    """The address that a link names: without `mailto:` or `tel:` and the escapes of a URL.

    >>> link_text("mailto:ana%40example.org"), link_text("https://example.org/a%20b")
    ('ana@example.org', 'https://example.org/a%20b')
    """
    return unquote(target.partition(":")[2]) if target.lower().startswith(("mailto:", "tel:")) else target


def local(element: Any) -> str:
    """An element's name without its namespace; empty for comments and instructions."""
    return _local(element.tag)


@lru_cache(maxsize=1024)
def _local(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
