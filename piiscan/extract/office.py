"""Word documents, Excel workbooks and PowerPoint presentations (OOXML): a zip of XML parts under one budget.

What all share is here: properties, links and embedded files; `office_package.py` has the parts themselves.
`office_word.py`, `office_sheet.py`, `slides.py` and `xlsb.py` read the main ones.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, BinaryIO
from urllib.parse import unquote

from piiscan.errors import Malformed
from piiscan.extract import Job
from piiscan.extract.office_package import SMALL, Parts
from piiscan.extract.office_parts import holds, part_name, plain_relationships
from piiscan.extract.office_zip import Entry
from piiscan.extract.pieces import Pieces
from piiscan.extract.spooled import seekable
from piiscan.model import ColumnSegment, Place, Segment, TextSegment

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
MEDIA_TYPES = frozenset({_DOCX, _XLSX, _PPTX, _XLSB})

EMBEDDED = (
    r"^(?:word|xl|ppt)/embeddings/[^/]+$|^(?:word|xl|ppt)/vbaProject\.bin$"
    r"|\.(?:docx|docm|xlsx|xlsm|xlsb|pptx|pdf|zip|rtf|html?|mht|txt|csv)$"
)
"""Names of parts that are files of their own (`word/afchunk.mht`, attachments), and the macros."""
_PICTURE = r"^(?:(?:word|xl|ppt)/media|Pictures|media)/[^/]+\.(?:jpe?g|png|tiff?|gif|webp|heic|avif|svg|emf|wmf)$"
_BODY = frozenset({None, "body", "slide"})
_HEAD = 4096
_TREE = 256 << 10
"""Bytes of a part up to which its elements may all be held."""


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


class Package(Parts):
    """An open OOXML package."""

    def elements(
        self,
        info: Entry,
        events: tuple[str, ...],
        tag: list[str] | None = None,
        *,
        recover: bool = False,
        source: BinaryIO | None = None,
    ) -> Iterator[Any]:
        """(event, element) pairs of a part as lxml parses it; what breaks it becomes a note, and ends it.

        The part's name is in `broken` afterwards when it could not be parsed to its end. `recover`: go on behind
        errors, for parts that are seldom well-formed. `source`: what is read in place of the part.
        """
        from lxml import etree

        try:
            with contextlib.ExitStack() as stack:
                if source is None:
                    data = self.content(info)
                    if data is None:
                        source = io.BufferedReader(stack.enter_context(self.open(info)), 1 << 16)
                    else:
                        source = io.BytesIO(data)
                        head = data[:_HEAD]
                if isinstance(source, io.BufferedReader):
                    head = source.peek(_HEAD)[:_HEAD]
                if b"<!DOCTYPE" in head or b"<\0!\0D\0O\0C" in head or b"<!ENTITY" in head:
                    self.note(f"{info.filename} declares a document type; no entity was expanded")
                yield from etree.iterparse(
                    source,
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

    def tree(self, info: Entry, most: int = SMALL) -> Any | None:
        """A small, well-formed part as its root element, at a quarter of the cost of its events; else None.

        `most`: bytes up to which it is small.
        """
        data = self.content(info) if info.file_size <= most else None
        if data is None or b"<!" in data[:_HEAD] or b"\0" in data[:_HEAD]:
            return None
        return parsed(data)

    def items(self, info: Entry, *tags: str) -> Iterator[Any]:
        """The elements of these names, none of which stands in another; by `tree` where the part is small."""
        root = self.tree(info, _TREE)
        if root is not None:
            yield from root.iter(*tags)
            return
        for _, element in self.elements(info, ("end",), list(tags)):
            yield element

    def relationships(self, info: Entry) -> list[tuple[str, str, bool]]:
        """(id, target, whether that is outside the package) of each relationship of a part, read once."""
        found = self.links.get(info.filename)
        if found is None:
            data = self.content(info)
            found = plain_relationships(data) if data is not None else None
            if found is None:
                found = [
                    (e.get("Id") or "", e.get("Target") or "", (e.get("TargetMode") or "").lower() == "external")
                    for e in self.items(info, "{*}Relationship")
                ]
            self.links[info.filename] = found
        return found

    def relations(self, part: str, *, external: bool = False) -> dict[str, str]:
        """Relationship id to the part that it names in lower case, or to the address outside, of one part."""
        folder, _, name = part.rpartition("/")
        info = self._by_name.get(f"{folder}/_rels/{name}.rels".lstrip("/").lower())
        if info is None:
            return {}
        return {
            identifier: target if external else part_name(folder, target)
            for identifier, target, outside in self.relationships(info)
            if outside == external
        }

    def properties(self, owners: Mapping[str, Place | None] | None = None) -> Iterator[Segment]:
        """Document properties, custom XML, and targets of relationships outside the package.

        `owners`: the place of the links of a part, by its name in lower case; None where they were given already.
        """
        owners = owners or {}
        # The fields that tell the owner of a link from others are among these.
        pieces = Pieces(prose=False, base=self.job.place, names=("part", "path", "slide", "sheet"))
        for info in self.named(r"docProps/[^/]+\.xml"):
            root = self.tree(info)
            if root is None:
                yield from self.raw_text(info, self.make(part="properties"))
                continue
            for child in root:
                name = child.get("name") or local(child)
                texts = child.itertext() if len(child) else (child.text or "",)
                for text in filter(None, map(str.strip, texts)):
                    yield from pieces.add(f"{name}: {text}", ((0, ("properties", name, None, None)),))
        for info in self.named(r"customXml/(?!.*rels/)[^/]+\.xml"):
            yield from self.raw_text(info, self.make(part="customXml"))
        for info in self.linking():
            owner = owners.get(info.filename.lower().replace("_rels/", "").removesuffix(".rels"), self.job.place)
            for _, target, outside in self.relationships(info):
                if outside and target and owner is not None:
                    yield from pieces.add(link_text(target), replace(owner, part="hyperlink"))
        yield from pieces.flush()

    def embedded(self) -> Iterator[Segment]:
        """The files inside the package, each by its own extractor."""
        for info in self.infos:
            if holds(EMBEDDED, info.filename):
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
            if holds(_PICTURE, info.filename):
                before = len(notes)
                with contextlib.suppress(Malformed), self.open(info) as part:
                    yield from self.job.nested(info.filename, io.BufferedReader(part, 1 << 16))
                if some and not self.job.limits.ocr:
                    notes[before:] = [note for note in notes[before:] if not note.startswith("OCR:")]


@cache
def _parse() -> Callable[[bytes], Any]:
    """lxml's parser, imported when it is needed and made once: to make one costs more than to read a small part."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)

    def parse(data: bytes) -> Any | None:
        try:
            return etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError):
            return None

    return parse


def parsed(data: bytes) -> Any | None:
    """The root element of a well-formed document without a document type; None of any other."""
    return _parse()(data)


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
