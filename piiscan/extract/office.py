"""Word documents and Excel workbooks (OOXML): a zip of XML parts, read part by part under one budget.

What both share is here: opening the package, reading a part as a stream of parsed elements, properties, relationships
and embedded files. `office_word.py` and `office_sheet.py` read the main parts.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO
from urllib.parse import unquote

from piiscan.errors import Encrypted, LimitReached, Malformed
from piiscan.extract import Job
from piiscan.extract.pieces import Pieces
from piiscan.extract.spooled import seekable
from piiscan.model import Place, Segment

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = frozenset({_DOCX, _XLSX})

EMBEDDED = re.compile(r"^(?:word|xl|ppt)/embeddings/[^/]+$|\.(?:docx|docm|xlsx|xlsm|pptx|pdf|zip)$", re.I)
"""Names of parts that are files of their own."""
_HEAD = 4096


class OfficeExtractor:
    """DOCX and XLSX."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text of `stream`, as it comes. Raises: ObjectError."""
        with Package(seekable(stream, job), job) as package:
            if job.media_type == _XLSX:
                from piiscan.extract.office_sheet import workbook_segments

                yield from workbook_segments(package)
            else:
                from piiscan.extract.office_word import document_segments

                yield from document_segments(package)


EXTRACTOR = OfficeExtractor()


class PartStream(io.RawIOBase):
    """One part of a package; every byte read is booked, and a part may not pass `limits.part_bytes`."""

    def __init__(self, raw: zipfile.ZipExtFile | Any, job: Job, name: str) -> None:
        self._raw = raw
        self._job = job
        self._name = name
        self._total = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes. Raises: LimitReached, Malformed."""
        try:
            data: bytes = self._raw.read(min(size, 1 << 20) if size >= 0 else self._job.limits.part_bytes + 1)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError) as err:
            raise Malformed(f"part {self._name} of the package is damaged") from err
        except Exception as err:
            if type(err).__name__ != "error":  # zlib.error, without importing zlib's name for it
                raise
            raise Malformed(f"part {self._name} of the package is damaged") from err
        self._total += len(data)
        self._job.budget.spend(len(data))
        if self._total > self._job.limits.part_bytes:
            raise LimitReached(f"part {self._name} is larger than {self._job.limits.part_bytes} bytes")
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Fills `buffer`; for a BufferedReader around this stream."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Closes the part."""
        self._raw.close()
        super().close()


class Package:
    """An open OOXML package."""

    def __init__(self, stream: BinaryIO, job: Job) -> None:
        self.job = job
        try:
            self._zip = zipfile.ZipFile(stream)
            self.infos = [info for info in self._zip.infolist() if info.filename.rstrip("/") == info.filename != ""]
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as err:
            raise Malformed("not a readable Office package: its zip directory is damaged") from err
        if any(info.flag_bits & 1 for info in self.infos):
            raise Encrypted("encrypted Office package: no text read")
        self.broken: set[str] = set()

    def __enter__(self) -> Package:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def named(self, pattern: str) -> list[zipfile.ZipInfo]:
        """Parts whose whole name matches, in the order of their numbers."""
        rule = re.compile(pattern, re.I)
        found = [info for info in self.infos if rule.fullmatch(info.filename)]
        return sorted(found, key=lambda info: [int(d) for d in re.findall(r"\d+", info.filename)] or [0])

    def find(self, name: str) -> zipfile.ZipInfo | None:
        """The part of that name, if there is one (names differ in case between writers)."""
        low = name.lower().lstrip("/")
        return next((info for info in self.infos if info.filename.lower() == low), None)

    def open(self, info: zipfile.ZipInfo) -> PartStream:
        """A part as a stream of its bytes. Raises: Malformed."""
        try:
            return PartStream(self._zip.open(info), self.job, info.filename)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as err:
            raise Malformed(f"part {info.filename} of the package is damaged") from err

    def elements(self, info: zipfile.ZipInfo, events: tuple[str, ...], tag: list[str] | None = None) -> Iterator[Any]:
        """(event, element) pairs of a part as lxml parses it; what breaks it becomes a note, and ends it.

        The part's name is in `broken` afterwards when it could not be parsed to its end.
        """
        from lxml import etree

        try:
            with self.open(info) as part:
                head = part.read(_HEAD)
                if b"<!DOCTYPE" in head or b"<\0!\0D\0O\0C" in head or b"<!ENTITY" in head:
                    self.note(f"{info.filename} declares a document type; no entity was expanded")
                source = io.BufferedReader(_Joined(head, part), 1 << 16)
                yield from etree.iterparse(
                    source,
                    events=events,
                    tag=tag,
                    resolve_entities=False,
                    no_network=True,
                    huge_tree=False,
                    load_dtd=False,
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
            with self.open(info) as part:
                yield from xml_segments(io.BufferedReader(part), self.job, place)
        except Malformed as err:
            self.note(str(err))

    def properties(self) -> Iterator[Segment]:
        """Document properties, custom XML, and targets of relationships outside the package."""
        place = replace(self.job.place, part="properties")
        for info in self.named(r"docProps/[^/]+\.xml"):
            yield from self.raw_text(info, place)
        for info in self.named(r"customXml/(?!.*rels/)[^/]+\.xml"):
            yield from self.raw_text(info, replace(self.job.place, part="customXml"))
        pieces = Pieces(prose=False)
        for info in self.named(r"(?:.*/)?_rels/[^/]+\.rels"):
            for _, element in self.elements(info, ("end",), ["{*}Relationship"]):
                target = element.get("Target") or ""
                if (element.get("TargetMode") or "").lower() == "external" and target:
                    if target.lower().startswith(("mailto:", "tel:")):
                        target = unquote(target.partition(":")[2])
                    yield from pieces.add(target, replace(self.job.place, part="hyperlink"))
                element.clear()
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
                    if info.filename.lower().endswith(".bin"):
                        yield from self._wrapped(info.filename, part)
                    else:
                        # Buffered so that identification can peek.
                        yield from self.job.nested(info.filename, io.BufferedReader(part, 1 << 16))

    def _wrapped(self, name: str, part: PartStream) -> Iterator[Segment]:
        """A file inside an OLE object; a PDF or zip mostly lies there in one stretch, found by its first bytes."""
        data = part.read()
        for mark, end in ((b"%PDF-", b"%%EOF"), (b"PK\3\4", b"")):
            begin = data.find(mark)
            if begin >= 0:
                stop = data.rfind(end) + len(end) if end else len(data)
                yield from self.job.nested(name, io.BytesIO(data[begin : stop if stop > begin else len(data)]))
                return
        yield from self.job.nested(name, io.BytesIO(data))


class _Joined(io.RawIOBase):
    """A stream again after its head was looked at."""

    def __init__(self, head: bytes, rest: PartStream) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Head first, then the rest."""
        if self._head:
            count = min(len(buffer), len(self._head))
            buffer[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        return self._rest.readinto(buffer)


def local(element: Any) -> str:
    """An element's name without its namespace; empty for comments and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
