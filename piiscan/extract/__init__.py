"""Room 4, its text: from a stream of bytes to the segments that the classifiers see.

`segments` identifies the content, picks the extractor, and lets containers come back for their members through
`Job.nested`, all under one `Budget`. Every extractor yields segments as they come and raises `ObjectError` only; what
it could not read whole but survived, it says with `Job.note`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import BinaryIO

from piiscan.errors import LimitReached, Malformed, ObjectError, UnsupportedFormat
from piiscan.identify import STRINGS_ONLY, identify
from piiscan.limits import Limits
from piiscan.model import ColumnSegment, Place, Segment, TextSegment
from piiscan.ports import Extractor


@dataclass(slots=True)
class Budget:
    """What one object has used up so far; shared by all its members."""

    limits: Limits = field(default_factory=Limits)
    bytes_in: int = 0
    """Stored size of the outermost object."""
    bytes_out: int = 0
    members: int = 0
    notes: list[str] = field(default_factory=list)

    def spend(self, count: int) -> None:
        """Book `count` bytes that came out of a decompressor. Raises: LimitReached."""
        self.bytes_out += count
        if self.bytes_out > self.limits.bytes_out:
            raise LimitReached(
                f"more than {self.limits.bytes_out} bytes came out of this archive",
                reason="ARCHIVE_TOTAL_BYTES_EXTRACTED_OVER_LIMIT",
            )
        if self.bytes_out > self.limits.ratio_from and self.bytes_out > self.limits.ratio * max(self.bytes_in, 1):
            raise LimitReached(
                f"the content is more than {self.limits.ratio} times its stored size",
                reason="ARCHIVE_EXCEEDS_SIZE_LIMIT",
            )

    def member(self) -> None:
        """Count one container member. Raises: LimitReached."""
        self.members += 1
        if self.members > self.limits.members:
            raise LimitReached(
                f"more than {self.limits.members} members", reason="ARCHIVE_TOTAL_DOCUMENTS_PROCESSED_OVER_LIMIT"
            )


@dataclass(frozen=True, slots=True)
class Job:
    """What an extractor is told besides the bytes."""

    name: str
    """Key or member name: a hint for the media type, never trusted."""
    media_type: str = ""
    size: int | None = None
    budget: Budget = field(default_factory=Budget)
    member: tuple[str, ...] = ()
    """Chain of containers around this stream, outermost first."""
    charset: str = ""
    """What identify or the container said; empty: to be found."""
    passwords: tuple[str, ...] = field(default=(), repr=False)
    """What the user gave to try on encrypted documents and archives, in this order."""
    again: bool = False
    """The first try ended the parser process: where a format has a second reader it is the one to take."""

    @property
    def limits(self) -> Limits:
        """The budgets in force."""
        return self.budget.limits

    @property
    def place(self) -> Place:
        """The place that every segment of this job shares: the member chain."""
        return Place(member=self.member or None)

    def note(self, code: str, sentence: str) -> None:
        """Say that something was left out; the object ends `partial` with the first note as its reason."""
        where = "!/".join(self.member)
        self.budget.notes.append(f"{code}: {where + ': ' if where else ''}{sentence}")

    def nested(self, name: str, stream: BinaryIO, *, media_type: str = "", charset: str = "") -> Iterator[Segment]:
        """Segments of one member; its errors become notes, so that the next member is still read.

        Raises: LimitReached when a budget of the whole object is used up.
        """
        self.budget.member()
        inner = replace(self, name=name, media_type=media_type, size=None, member=(*self.member, name), charset=charset)
        if len(inner.member) > self.limits.depth:
            inner.note("ARCHIVE_NESTING_LEVEL_OVER_LIMIT", f"deeper than {self.limits.depth} containers")
            return
        try:
            yield from segments(stream, inner)
        except LimitReached as err:
            if err.reason.startswith("ARCHIVE_"):
                raise
            inner.note(err.reason, str(err))
        except ObjectError as err:
            inner.note(err.reason, str(err))


_HOME = {
    "text/plain": "text",
    "text/csv": "delimited",
    "text/tab-separated-values": "delimited",
    "application/json": "records",
    "application/x-ndjson": "records",
    "application/vnd.apache.parquet": "columnar",
    "application/avro": "avro",
    "application/dicom": "dicom",
    "application/hl7-v2": "hl7",
    "application/x-ipynb+json": "notebook",
    "image/jpeg": "image",
    "image/png": "image",
    "image/tiff": "image",
    "image/webp": "image",
    "image/gif": "image",
    "image/heic": "image",
    "image/avif": "image",
    "image/vnd.adobe.photoshop": "image",
    "image/emf": "metafile",
    "image/wmf": "metafile",
    "application/sql": "dump",
    "application/x-pgdump": "dump",
    "application/x-duckdb": "duckfile",
    "application/vnd.sqlite3": "sqlite",
    "application/x-orc": "arrow",
    "application/x-feather": "arrow",
    "application/vnd.apache.arrow.file": "arrow",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/xml": "markup",
    "text/html": "markup",
    "image/svg+xml": "markup",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "office",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "office",
    "application/msword": "doc",
    "application/rtf": "rtf",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "office",
    "application/x-ole-storage": "ole",
    "application/x-ole-encrypted-package": "locked",
    "message/rfc822": "mail",
    "message/x-emlx": "mail",
    "application/mbox": "mbox",
    "application/vnd.ms-outlook": "msg",
    "application/ms-tnef": "tnef",
    "text/vcard": "cards",
    "text/calendar": "cards",
    "text/x-ldif": "cards",
    "application/gzip": "archive",
    "application/x-bzip2": "archive",
    "application/x-xz": "archive",
    "application/zstd": "archive",
    "application/x-lzma": "archive",
    "application/x-lzip": "archive",
    "application/zlib": "archive",
    "application/x-git-object": "archive",
    "application/x-7z-compressed": "libreader",
    "application/vnd.rar": "libreader",
    "application/vnd.ms-cab-compressed": "libreader",
    "application/x-iso9660-image": "libreader",
    "application/x-lha": "libreader",
    "application/x-xar": "libreader",
    "application/x-cpio": "libreader",
    "application/x-archive": "libreader",
    "application/x-rpm": "libreader",
    "application/x-lz4": "libreader",
    "application/x-compress": "libreader",
    "application/zip": "archive",
    "application/java-archive": "archive",
    "application/vnd.android.package-archive": "archive",
    "application/epub+zip": "epub",
    "application/vnd.ms-outlook-pst": "pst",
    "application/x-git-pack": "gitpack",
    "application/x-git-bundle": "gitpack",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "office",
    "application/vnd.oasis.opendocument.text": "opendocument",
    "application/vnd.oasis.opendocument.text-template": "opendocument",
    "application/vnd.oasis.opendocument.text-master": "opendocument",
    "application/vnd.oasis.opendocument.text-web": "opendocument",
    "application/vnd.oasis.opendocument.spreadsheet": "opendocument",
    "application/vnd.oasis.opendocument.spreadsheet-template": "opendocument",
    "application/vnd.oasis.opendocument.presentation": "opendocument",
    "application/vnd.oasis.opendocument.presentation-template": "opendocument",
    "application/vnd.oasis.opendocument.graphics": "opendocument",
    "application/vnd.oasis.opendocument.graphics-template": "opendocument",
    "application/vnd.oasis.opendocument.chart": "opendocument",
    "application/vnd.oasis.opendocument.formula": "opendocument",
    "application/vnd.oasis.opendocument.base": "opendocument",
    "application/vnd.sun.xml.writer": "opendocument",
    "application/vnd.sun.xml.calc": "opendocument",
    "application/vnd.sun.xml.impress": "opendocument",
    "application/vnd.sun.xml.draw": "opendocument",
    "application/x-tar": "archive",
}

IN_PROCESS = frozenset({"text/plain", "text/csv", "text/tab-separated-values", "application/x-ndjson"})
"""Types whose readers are plain Python with budgets in the loop: they run in the worker, all others in its child."""


def extractor_for(media_type: str) -> Extractor:
    """The extractor of a media type; the printable-runs pass where none is at home. Imports only the one room."""
    module = import_module(f"piiscan.extract.{_HOME.get(media_type, 'strings')}")
    found: Extractor = module.EXTRACTOR
    return found


def segments(stream: BinaryIO, job: Job) -> Iterator[Segment]:
    """All segments of a stream. Raises: ObjectError (an own bug in a parser becomes `Malformed`)."""
    if not stream.seekable():
        stream = io.BufferedReader(stream, 1 << 20)  # type: ignore[type-var]
    if not job.media_type:
        found = identify(stream, job.name)
        job = replace(job, media_type=found.media_type, charset=job.charset or found.charset)
    try:
        yield from extractor_for(job.media_type).extract(stream, job)
    except (ObjectError, GeneratorExit):
        raise
    except MemoryError as err:
        raise LimitReached("the parser ran out of memory", reason="MEMORY_LIMIT") from err
    except RecursionError as err:
        raise Malformed("nested too deeply for its parser") from err
    except Exception as err:
        # The type only: a parser's message may quote the content.
        raise Malformed(f"the {job.media_type} parser gave up ({type(err).__name__})") from None


__all__ = [
    "IN_PROCESS",
    "STRINGS_ONLY",
    "Budget",
    "ColumnSegment",
    "Job",
    "Limits",
    "TextSegment",
    "UnsupportedFormat",
    "extractor_for",
    "segments",
]
