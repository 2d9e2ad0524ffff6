"""TNEF (`winmail.dat`): what Outlook sends beside a mail, as attributes, of which two hold lists of MAPI properties.

Source: MS-OXTNEF, sections 2.1.3 (attributes) and 2.1.3.4 (encapsulated properties).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from piiscan.errors import LimitReached, Malformed
from piiscan.extract import Job, mapi
from piiscan.extract.names import Names
from piiscan.extract.outlook import BINARY, OBJECT, STRING8, UNICODE, Item, Properties
from piiscan.extract.pieces import Pieces
from piiscan.model import Segment

MEDIA_TYPES = frozenset({"application/ms-tnef"})
SIGNATURE = 0x223E9F78

_FROM, _SUBJECT, _MESSAGE_ID, _BODY, _MESSAGE = 0x8000, 0x8004, 0x8009, 0x800C, 0x9003
_RECIPIENTS, _CODEPAGE = 0x9004, 0x9007
_RENDER, _TITLE, _DATA, _ATTACHMENT = 0x9002, 0x8010, 0x800F, 0x9005
_TEXTS = {_SUBJECT: "Subject", _MESSAGE_ID: "MessageId", 0x8008: "MessageClass", _BODY: "Body"}
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of each fixed-length type, padded. Source: MS-OXTNEF, section 2.1.3.4."""
_PROPERTIES = 100_000


class TnefExtractor:
    """TNEF streams."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Properties by name, body, recipients, then attachments. Raises: ObjectError."""
        data = stream.read(job.limits.part_bytes + 1)
        if len(data) > job.limits.part_bytes:
            raise LimitReached(f"a TNEF stream larger than {job.limits.part_bytes} bytes")
        yield from _Tnef(job).segments(memoryview(data))


EXTRACTOR = TnefExtractor()


@dataclass(slots=True)
class _Attachment:
    title: str = ""
    data: memoryview | bytes = b""
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class _Tnef:
    job: Job
    codec: str = ""
    names: Names = field(default_factory=Names)
    count: int = 0

    def segments(self, data: memoryview) -> Iterator[Segment]:
        """All that the attributes hold, in their order."""
        if len(data) < 6 or struct.unpack("<I", data[:4])[0] != SIGNATURE:
            raise Malformed("not a TNEF stream")
        attachment: _Attachment | None = None
        at = 6
        while at + 9 <= len(data):
            _, tag, _, size = struct.unpack("<BHHI", data[at : at + 9])
            value = data[at + 9 : at + 9 + size]
            if len(value) < size:
                self.job.note("MALFORMED_FILE", "the TNEF stream breaks off: read up to there")
            at += 9 + size + 2
            if tag == _RENDER:
                yield from self._attached(attachment)
                attachment = _Attachment()
            elif tag in (_TITLE, _DATA, _ATTACHMENT):
                attachment = attachment or _Attachment()
                self._add(attachment, tag, value)
            else:
                yield from self._attribute(tag, value)
        yield from self._attached(attachment)

    def _add(self, attachment: _Attachment, tag: int, value: memoryview) -> None:
        if tag == _TITLE:
            attachment.title = mapi.string8(bytes(value), self.codec)
        elif tag == _DATA:
            attachment.data = value
        else:
            attachment.properties = self._list(value)

    def _attribute(self, tag: int, value: memoryview) -> Iterator[Segment]:
        """One attribute of the message."""
        if tag == _CODEPAGE and len(value) >= 4:
            self.codec = mapi.codec_of(struct.unpack("<I", value[:4])[0])
        elif tag == _MESSAGE:
            yield from self._item.message(self._list(value))
        elif tag == _RECIPIENTS:
            yield from self._recipients(value)
        elif tag == _BODY:
            yield from self._item.lines(mapi.string8(bytes(value), self.codec), "body")
        elif tag in _TEXTS or tag == _FROM:
            # A sender is a small structure around its two strings.
            raw = bytes(value[8:] if tag == _FROM else value).replace(b"\0", b"\n" if tag == _FROM else b"")
            text = mapi.string8(raw, self.codec).strip()
            if text:
                name = "From" if tag == _FROM else _TEXTS[tag]
                pieces = Pieces()
                yield from pieces.add(f"{name}\n{text}", replace(self.job.place, part="header", tag=name))
                yield from pieces.flush()

    def _recipients(self, data: memoryview) -> Iterator[Segment]:
        if len(data) < 4:
            return
        count = struct.unpack("<I", data[:4])[0]
        at = 4
        for number in range(1, min(count, _PROPERTIES) + 1):
            if at >= len(data):
                break
            found, at = self._walk(data, at)
            yield from self._item.values(found, "recipient", number)

    def _attached(self, attachment: _Attachment | None) -> Iterator[Segment]:
        if attachment is None:
            return
        self.count += 1
        found = attachment.properties
        name = self.names.unique(self._item.name(found) or attachment.title or f"attachment-{self.count}")
        yield from self._item.values(found, f"attachment {self.count}")
        kind, data = found.get(mapi.ATTACH_DATA, [(BINARY, b"")])[0]
        if kind == OBJECT:
            # Sixteen bytes name the interface of the object; that of a message is a TNEF stream of its own.
            data = data[16:]
        for content in (bytes(attachment.data), data):
            if content:
                yield from self.job.nested(name, io.BytesIO(content))
                break

    @property
    def _item(self) -> Item:
        return Item(self.job, self.job.place, self.codec)

    def _list(self, data: memoryview) -> Properties:
        return self._walk(data, 0)[0]

    def _walk(self, data: memoryview, at: int) -> tuple[Properties, int]:
        """Properties from `at` on, and where they end; a note when they break off."""
        found: Properties = {}
        try:
            count = _long(data, at)
            at += 4
            for _ in range(count):
                kind, tag = struct.unpack("<HH", data[at : at + 4])
                at += 4
                if tag >= 0x8000:
                    at = _named(data, at + 16)
                values, at = _values(data, at, kind)
                found.setdefault(tag, []).extend((kind & 0xFFF, value) for value in values)
        except (struct.error, ValueError):
            self.job.note("MALFORMED_FILE", "a list of TNEF properties is damaged: read up to there")
            at = len(data)
        return found, at


def _long(data: memoryview, at: int) -> int:
    number: int = struct.unpack("<I", data[at : at + 4])[0]
    return number


def _named(data: memoryview, at: int) -> int:
    """Where the value of a named property begins: behind its number, or its padded name."""
    if _long(data, at) == 0:
        return at + 8
    return at + 8 + (_long(data, at + 4) + 3) // 4 * 4


def _values(data: memoryview, at: int, kind: int) -> tuple[list[bytes], int]:
    """The values of a property, and where they end. Raises: ValueError for a type that has no known length."""
    many, kind = kind & 0x1000, kind & 0xFFF
    varied = kind in (STRING8, UNICODE, OBJECT, BINARY)
    if not varied and kind not in _SIZES:
        raise ValueError
    count = 1
    if many or varied:
        count = _long(data, at)
        at += 4
    if count > _PROPERTIES:
        raise ValueError
    values = []
    for _ in range(count):
        size = _SIZES.get(kind, 0)
        if varied:
            size = _long(data, at)
            at += 4
        if at + size > len(data):
            raise ValueError
        values.append(bytes(data[at : at + size]))
        at += (size + 3) // 4 * 4
    return values, at
