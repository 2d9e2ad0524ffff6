"""Outlook data files (PST, OST): the messages of every folder, through libpff where it is installed.

libpff is LGPL and so no dependency of ours: `pip install libpff-python` brings it.

Source: MS-PST for what such a file holds; libpff's Python interface.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO, cast

from piiscan.errors import LimitReached, Malformed, ObjectError, UnsupportedFormat
from piiscan.extract import Job, mapi
from piiscan.extract.names import Names
from piiscan.extract.outlook import MANY, STRING8, UNICODE, Item, Properties
from piiscan.extract.spooled import Pieces, seekable
from piiscan.model import Place, Segment

MEDIA_TYPES = frozenset({"application/vnd.ms-outlook-pst"})
MISSING = "an Outlook data file: no text read without libpff (pip install libpff-python)"

_READ = 256 << 10
_DEEP = 100
"""Folders inside folders."""
_DAMAGED = 1_000
"""Damaged items in a row after which their list is given up: its count is then damage too."""


class PstExtractor:
    """Outlook data files."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Messages with their number (`record`, from 0) and folder (`path`), then attachments.

        Raises: UnsupportedFormat without libpff; Malformed, LimitReached.
        """
        try:
            library = import_module("pypff")
        except ImportError:
            raise UnsupportedFormat(MISSING) from None
        stream = seekable(stream, job)
        file = library.file()
        try:
            file.open_file_object(stream)
            root = file.get_root_folder()
        except (OSError, MemoryError, ValueError):
            root = None
        if root is None:
            raise Malformed("the Outlook data file is damaged")
        reader = _File(job, Item(job, job.place, _codec(_asked(lambda: file.ascii_codepage))))
        yield from reader.folders(root)
        yield from reader.orphans(file)
        if reader.broken:
            job.note("MALFORMED_FILE", f"{reader.broken} items of the Outlook data file are damaged")


EXTRACTOR = PstExtractor()


def _codec(told: Any) -> str:
    """The codec of a code page as libpff names it (`windows-1252`)."""
    digits = str(told or "").rpartition("-")[2]
    return mapi.codec_of(int(digits)) if digits.isdigit() else ""


def _asked(ask: Callable[[], Any]) -> Any:
    """What libpff answers, None where the item is damaged."""
    try:
        return ask()
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, MemoryError):  # what libpff says of damage
        return None


def _each(thing: Any, kind: str) -> Iterator[Any]:
    """The items that a thing has of a kind, None for those that are damaged; a damaged thing may have none."""
    many = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    failed = 0
    for index in range(_asked(lambda: getattr(thing, f"get_number_of_{many}")()) or 0):
        item = _asked(partial(getattr(thing, f"get_{kind}"), index))
        failed = failed + 1 if item is None else 0
        if failed > _DAMAGED:
            return
        yield item


@dataclass(slots=True)
class _File:
    job: Job
    item: Item
    number: int = 0
    broken: int = 0
    names: Names = field(default_factory=Names)

    def folders(self, root: Any) -> Iterator[Segment]:
        """The messages of a folder and of those inside it."""
        todo = [(root, "", 0)]
        while todo:
            folder, path, depth = todo.pop()
            for message in _each(folder, "sub_message"):
                yield from self._counted(message, path)
            inner = []
            for sub in _each(folder, "sub_folder"):
                if sub is None or depth > _DEEP:
                    self.broken += 1
                else:
                    name = str(_asked(lambda sub=sub: sub.name) or "")  # type: ignore[misc]
                    inner.append((sub, f"{path}/{name}" if path else name, depth + 1))
            todo += inner[::-1]

    def orphans(self, file: Any) -> Iterator[Segment]:
        """Messages that no folder holds any more."""
        for message in _each(file, "orphan_item"):
            if hasattr(message, "get_plain_text_body"):
                yield from self._counted(message, "orphans")

    def _counted(self, message: Any, path: str) -> Iterator[Segment]:
        """One message; damage costs this message only."""
        number, self.number = self.number, self.number + 1
        self.job.budget.member()
        if message is None:
            self.broken += 1
            return
        place = replace(self.job.place, record=number, path=path or None)
        try:
            yield from self._message(message, self.job, place, f"message-{number}/")
        except LimitReached as err:
            if err.reason.startswith("ARCHIVE_"):
                raise
            self.job.note(err.reason, f"message {number}: {err}")
        except ObjectError as err:
            self.job.note(err.reason, f"message {number}: {err}")

    def _message(self, message: Any, job: Job, place: Place, prefix: str) -> Iterator[Segment]:
        item = replace(self.item, job=job, place=place, prefix=prefix)
        yield from item.message(self._properties(message))
        people = _asked(lambda: message.recipients)
        if people is not None:
            for number, properties in enumerate(self._sets(people), 1):
                yield from item.values(properties, "recipient", number)
        attachments = _each(message, "attachment")
        for number, attachment in enumerate(attachments, 1):
            if attachment is None:
                self.broken += 1
                continue
            properties = self._properties(attachment)
            name = self.names.unique(prefix + (item.name(properties) or f"attachment-{number}"))
            yield from item.values(properties, f"attachment {number}")
            inner = _asked(partial(attachment.get_sub_item, 0))
            if hasattr(inner, "get_plain_text_body"):
                yield from self._embedded(inner, job, name)
            else:
                yield from job.nested(name, cast(BinaryIO, Pieces(_content(attachment, job))))

    def _embedded(self, message: Any, job: Job, name: str) -> Iterator[Segment]:
        job.budget.member()
        inner = replace(job, name=name, member=(*job.member, name))
        if len(inner.member) > job.limits.depth:
            inner.note("ARCHIVE_NESTING_LEVEL_OVER_LIMIT", f"deeper than {job.limits.depth} containers")
            return
        yield from self._message(message, inner, inner.place, "")

    def _properties(self, thing: Any) -> Properties:
        """All properties of an item that hold text."""
        out: Properties = {}
        for properties in self._sets(thing):
            for tag, values in properties.items():
                out.setdefault(tag, []).extend(values)
        return out

    def _sets(self, thing: Any) -> Iterator[Properties]:
        """The properties of each record set: one for a message, one for each recipient."""
        for rows in _each(thing, "record_set"):
            if rows is None:
                self.broken += 1
                continue
            found: Properties = {}
            for entry in _each(rows, "entry"):
                tag, kind = _asked(lambda e=entry: e.entry_type), _asked(lambda e=entry: e.value_type)  # type: ignore[misc]
                if tag is None or kind is None:
                    continue
                if kind & ~MANY not in (STRING8, UNICODE) and tag not in (mapi.HTML, mapi.RTF):
                    continue
                data = _asked(lambda e=entry: e.data)  # type: ignore[misc]
                if data:
                    self.job.budget.spend(len(data))
                    parts = _parts(data) if kind & MANY else [data]
                    found.setdefault(tag, []).extend((kind & ~MANY, part) for part in parts)
            yield found


def _parts(data: bytes) -> list[bytes]:
    """The values of a property that has many: count, offsets, then the values. Source: MS-PST, section 2.3.3.4.2."""
    count = int.from_bytes(data[:4], "little")
    if not count or 4 + 4 * count > len(data):
        return []
    starts = struct.unpack(f"<{count}I", data[4 : 4 + 4 * count])
    return [data[begin:end] for begin, end in zip(starts, (*starts[1:], len(data)), strict=True)]


def _content(attachment: Any, job: Job) -> Iterator[bytes]:
    """The bytes of an attachment, booked as they come. Raises: Malformed, LimitReached."""
    left = _asked(attachment.get_size) or 0
    while left > 0:
        data = _asked(partial(attachment.read_buffer, min(left, _READ)))
        if not data:
            raise Malformed("the attachment breaks off")
        left -= len(data)
        job.budget.spend(len(data))
        yield data
