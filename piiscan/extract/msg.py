"""Outlook messages (MSG): properties, recipients and attachments out of the streams of an OLE container.

Source: MS-OXMSG, section 2 (names of the streams and storages); MS-OXCDATA, section 2.11 (types).
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Job, mapi
from piiscan.extract.names import Names
from piiscan.extract.ole import Compound, Path, embedded
from piiscan.extract.outlook import MANY, OBJECT, STRING8, UNICODE, Item, Properties
from piiscan.extract.spooled import seekable
from piiscan.model import Segment

MEDIA_TYPES = frozenset({"application/vnd.ms-outlook"})

_STREAM = re.compile(r"__substg1\.0_([0-9a-f]{4})([0-9a-f]{4})(?:-([0-9a-f]{8}))?", re.I)
_FIXED = "__properties_version1.0"
_HEAD = {"": 32, "embedded": 24, "recipient": 8, "attachment": 8}
"""Bytes before the fixed-length properties of each kind of storage. Source: MS-OXMSG, section 2.4.1."""


class MsgExtractor:
    """Outlook messages."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Properties by name, body, recipients, then attachments. Raises: ObjectError."""
        yield from _Message(_Storages(seekable(stream, job), job), (), job, "").segments()


EXTRACTOR = MsgExtractor()


class _Storages(Compound):
    """An OLE container with its streams and storages by the storage that holds them."""

    def __init__(self, stream: BinaryIO, job: Job) -> None:
        super().__init__(stream, job)
        self._kids: dict[Path, set[str]] = {}
        for path in self.streams:
            for end in range(len(path)):
                self._kids.setdefault(path[:end], set()).add(path[end])

    def kids(self, path: Path, begin: str = "") -> list[str]:
        """Names of the storages and streams in `path` that begin so, in order."""
        return sorted(name for name in self._kids.get(path, ()) if name.lower().startswith(begin))

    def content(self, path: Path) -> bytes:
        """A whole stream, booked; empty when there is none. Raises: Malformed, LimitReached."""
        entry = self.streams.get(path)
        if entry is None:
            return b""
        if entry.size > self.job.limits.part_bytes:
            raise LimitReached(f"a part larger than {self.job.limits.part_bytes} bytes")
        self.job.budget.spend(entry.size)
        try:
            data: bytes = self._ole.openstream(list(path)).read()
        except Exception:  # the library lets struct, index and value errors of damaged tables through
            raise Malformed("a stream of the message is damaged") from None
        return data[: entry.size]


@dataclass(slots=True)
class _Message:
    storages: _Storages
    path: Path
    job: Job
    kind: str

    def segments(self) -> Iterator[Segment]:
        """All of one message."""
        item = self._item()
        yield from item.message(self._properties(self.path))
        for number, name in enumerate(self.storages.kids(self.path, "__recip_version1.0"), 1):
            yield from item.values(self._properties((*self.path, name)), "recipient", number)
        names = Names()
        for number, name in enumerate(self.storages.kids(self.path, "__attach_version1.0"), 1):
            try:
                yield from self._attachment(item, (*self.path, name), number, names)
            except LimitReached as err:
                if err.reason.startswith("ARCHIVE_"):
                    raise
                self.job.note(err.reason, f"attachment {number}: {err}")
            except ObjectError as err:
                self.job.note(err.reason, f"attachment {number}: {err}")

    def _item(self) -> Item:
        """With the code pages that the message names in its fixed-length properties."""
        codec = internet = ""
        try:
            data = self.storages.content((*self.path, _FIXED))
        except Malformed:
            data = b""
        for at in range(_HEAD[self.kind], len(data) - 15, 16):
            _, tag, value = struct.unpack("<HH4xI", data[at : at + 12])
            if tag == mapi.MESSAGE_CODEPAGE:
                codec = mapi.codec_of(value)
            elif tag == mapi.INTERNET_CODEPAGE:
                internet = mapi.codec_of(value)
        return Item(self.job, self.job.place, codec, internet)

    def _properties(self, path: Path) -> Properties:
        """The variable-length properties that hold text, and the bodies."""
        found: Properties = {}
        broken = 0
        for name in self.storages.kids(path, "__substg1.0_"):
            match = _STREAM.fullmatch(name)
            if match is None:
                continue
            tag, kind = int(match[1], 16), int(match[2], 16)
            if kind & ~MANY not in (STRING8, UNICODE) and tag not in (mapi.HTML, mapi.RTF):
                continue
            # A property of many values has one stream of their lengths, and one for each.
            if (kind & MANY and match[3] is None) or kind == OBJECT:
                continue
            try:
                data = self.storages.content((*path, name))
            except Malformed:
                broken += 1
                continue
            found.setdefault(tag, []).append((kind & ~MANY, data))
        if broken:
            self.job.note("MALFORMED_FILE", f"{broken} properties of the message are damaged")
        return found

    def _attachment(self, item: Item, path: Path, number: int, names: Names) -> Iterator[Segment]:
        properties = self._properties(path)
        name = names.unique(item.name(properties) or f"attachment-{number}")
        yield from item.values(properties, f"attachment {number}")
        for stream in self.storages.kids(path, f"__substg1.0_{mapi.ATTACH_DATA:04x}"):
            inner = (*path, stream)
            if stream.lower().endswith("000d"):
                yield from self._embedded(inner, name)
            else:
                yield from self.job.nested(name, io.BytesIO(self.storages.content(inner)))

    def _embedded(self, path: Path, name: str) -> Iterator[Segment]:
        """A message in a message, or an object of another program."""
        self.job.budget.member()
        inner = replace(self.job, name=name, member=(*self.job.member, name))
        if len(inner.member) > self.job.limits.depth:
            inner.note("ARCHIVE_NESTING_LEVEL_OVER_LIMIT", f"deeper than {self.job.limits.depth} containers")
        elif self.storages.kids(path, _FIXED):
            yield from _Message(self.storages, path, inner, "embedded").segments()
        else:
            yield from embedded(self.storages.inside(path[:-1], inner))
