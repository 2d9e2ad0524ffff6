"""EPUB books: the package's metadata, the chapters in the order of the spine, then everything else in the zip.

Source: EPUB 3.3, section 4 (OCF: `META-INF/container.xml`) and section 5 (package document).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast
from urllib.parse import unquote

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.html import html_segments
from piiscan.extract.names import Names
from piiscan.extract.spooled import Pieces, seekable
from piiscan.extract.unzip import content, entry_name, members, refuse_overlap
from piiscan.model import Place, Segment

MEDIA_TYPES = frozenset({"application/epub+zip"})

_CONTAINER = "META-INF/container.xml"
_ROOT = re.compile(rb"<(?:\w+:)?rootfile\b[^>]*?\bfull-path\s*=\s*[\"']([^\"']{1,1000})[\"']", re.I)
_ITEM = re.compile(rb"<(?:\w+:)?(item|itemref)\b([^>]{0,4000})>", re.I)
_ATTRIBUTE = re.compile(rb"([\w:-]+)\s*=\s*[\"']([^\"']*)[\"']")
_PAGES = (".xhtml", ".html", ".htm", ".xht")
_PACKAGE = 16 << 20
"""Bytes of a package document that is still looked through."""


class EpubExtractor:
    """EPUB books."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The pages in reading order (`part` and `member`: the item), then the other files. Raises: ObjectError."""
        stream = seekable(stream, job)
        begin = stream.tell()
        try:
            with zipfile.ZipFile(stream) as archive:
                entries = archive.infolist()
        except Exception:  # zipfile lets struct, unicode, value and OS errors of a damaged directory through
            entries = []
        if not entries or any(entry.flag_bits & 1 for entry in entries):
            stream.seek(begin)
            yield from members(stream, job)
            return
        refuse_overlap(entries)
        yield from _Book(stream, job, {entry_name(entry): entry for entry in entries}).segments(entries)


EXTRACTOR = EpubExtractor()


@dataclass(slots=True)
class _Book:
    stream: BinaryIO
    job: Job
    by_name: dict[str, zipfile.ZipInfo]
    names: Names = field(default_factory=Names)

    def segments(self, entries: list[zipfile.ZipInfo]) -> Iterator[Segment]:
        """Pages by the spine, then what is left."""
        done: set[int] = set()
        for name in self._spine():
            entry = self.by_name.get(name)
            if entry is not None and entry.header_offset not in done:
                done.add(entry.header_offset)
                yield from self._page(name, entry)
        for entry in entries:
            if entry.is_dir() or not entry.file_size:
                self.job.budget.member()
            elif entry.header_offset not in done:
                done.add(entry.header_offset)
                name = entry_name(entry)
                if name.lower().endswith(_PAGES):
                    yield from self._page(name, entry)
                elif name != "mimetype":
                    stream = cast(BinaryIO, Pieces(content(self.stream, entry, self.job)))
                    yield from self.job.nested(self.names.unique(name), stream)

    def _page(self, name: str, entry: zipfile.ZipInfo) -> Iterator[Segment]:
        """One page, by the HTML way; damage costs this page only."""
        self.job.budget.member()
        stream = io.BufferedReader(Pieces(content(self.stream, entry, self.job)), 1 << 16)
        try:
            yield from html_segments(stream, self.job, Place(member=(*self.job.member, name), part=name))
        except ObjectError as err:
            if isinstance(err, LimitReached) and err.reason.startswith("ARCHIVE_"):
                raise
            self.job.note(err.reason, f"{name}: {err}")

    def _read(self, name: str) -> bytes:
        entry = self.by_name.get(name)
        if entry is None or entry.file_size > _PACKAGE:
            return b""
        out = bytearray()
        try:
            for piece in content(self.stream, entry, self.job):
                out += piece
                if len(out) > _PACKAGE:
                    break
        except Malformed:
            pass
        return bytes(out)

    def _spine(self) -> list[str]:
        """Names of the pages in reading order; empty when the package does not tell."""
        out: list[str] = []
        for found in _ROOT.findall(self._read(_CONTAINER)):
            root = unquote(found.decode("utf-8", "replace"))
            items: dict[bytes, str] = {}
            order: list[bytes] = []
            for kind, body in _ITEM.findall(self._read(root)):
                values = dict(_ATTRIBUTE.findall(body))
                if kind.lower() == b"itemref":
                    order.append(values.get(b"idref", b""))
                elif b"html" in values.get(b"media-type", b""):
                    href = unquote(values.get(b"href", b"").decode("utf-8", "replace"))
                    items[values.get(b"id", b"")] = posixpath.normpath(posixpath.join(posixpath.dirname(root), href))
            out += [items[name] for name in order if name in items]
        return out
