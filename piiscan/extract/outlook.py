"""The properties of an Outlook item as segments: what messages, TNEF streams and data files have in common.

Source: MS-OXCDATA, section 2.11 (property types); MS-OXCMSG, section 2.2.1.56 (bodies).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

from piiscan.errors import Malformed
from piiscan.extract import Job, mapi
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, Segment

STRING8, UNICODE, OBJECT, BINARY = 0x001E, 0x001F, 0x000D, 0x0102
MANY = 0x1000
_PEOPLE = frozenset({0x0037, 0x0C1A, 0x0042, 0x0E02, 0x0E03, 0x0E04, 0x3001, 0x3A20, 0x0070, 0x0E1D, 0x3004})
"""Properties that people write or that name them; the others are for machines."""

Value = tuple[int, bytes]
"""Type, without the bit that says that there are many, and bytes."""
Properties = dict[int, list[Value]]


@dataclass(frozen=True, slots=True)
class Item:
    """Where the properties of one item go."""

    job: Job
    place: Place
    """What all places of the item share."""
    codec: str = ""
    """Of its 8-bit text; empty: to be guessed."""
    internet: str = ""
    """Of its HTML body."""
    prefix: str = ""
    """What stands before the names of its members, to tell those of several items apart."""

    def text(self, values: list[Value]) -> str:
        """The text of a property; several values stand on lines of their own."""
        return "\n".join(
            mapi.unicode(data) if kind == UNICODE else mapi.string8(data, self.codec)
            for kind, data in values
            if kind in (STRING8, UNICODE)
        )

    def message(self, properties: Properties) -> Iterator[Segment]:
        """All of a message but its recipients and attachments: properties, mail headers, bodies."""
        left = dict(properties)
        body, html, rtf, headers = (left.pop(tag, []) for tag in (mapi.BODY, mapi.HTML, mapi.RTF, mapi.HEADERS))
        yield from self.values(left, "header")
        yield from self.lines(self.text(headers), part="header", tag=mapi.name_of(mapi.HEADERS))
        yield from self.lines(self.text(body), part="body")
        if html:
            kind, page = html[0]
            if kind == UNICODE:
                page = mapi.unicode(page).encode("utf-8", "replace")
            yield from self.page(page, "utf-8" if kind == UNICODE else self.internet or self.codec)
        elif rtf:
            try:
                data = mapi.rtf_of(rtf[0][1], self.job.limits.part_bytes)
            except Malformed as err:
                self.job.note(err.reason, str(err))
                return
            self.job.budget.spend(len(data))
            yield from self.rtf(data, bool(body))

    def values(self, properties: Properties, part: str, row: int | None = None) -> Iterator[Segment]:
        """Properties, each as its name and its value."""
        people, machine = Pieces(), Pieces(prose=False)
        for tag, values in properties.items():
            text = self.text(values)
            if tag == mapi.SUBJECT and text.startswith("\x01"):
                # Two characters tell how long the prefix ("Re: ") is.
                text = text[2:]
            if text.strip():
                pieces = people if tag in _PEOPLE or 0x3A00 <= tag < 0x3B00 else machine
                name = mapi.name_of(tag)
                yield from pieces.add(f"{name}\n{text}", replace(self.place, part=part, row=row, tag=name))
        yield from people.flush()
        yield from machine.flush()

    def lines(self, text: str, part: str, tag: str | None = None) -> Iterator[Segment]:
        """A text with its lines counted from 1."""
        from piiscan.extract.text import windows

        if text.strip():
            yield from windows([text], replace(self.place, part=part, tag=tag), flat=False)

    def page(self, page: bytes, codec: str) -> Iterator[Segment]:
        """A body that is HTML, with the lines of its source."""
        from piiscan.extract.html import html_segments

        yield from html_segments(io.BytesIO(page), replace(self.job, charset=codec), replace(self.place, part="body"))

    def rtf(self, rtf: bytes, has_plain: bool) -> Iterator[Segment]:
        """A body that is RTF: the HTML it was made from, else its own text unless there is a plain body beside it."""
        page = mapi.html_in(rtf)
        if page is not None:
            yield from self.page(page, mapi.codepage_of(rtf) or self.codec)
        elif not has_plain:
            yield from self.job.nested(self.prefix + "body.rtf", io.BytesIO(rtf), media_type="application/rtf")

    def name(self, properties: Properties) -> str:
        """The file name of an attachment; "" when it has none."""
        for tag in (mapi.ATTACH_LONG_NAME, mapi.ATTACH_NAME, mapi.DISPLAY_NAME):
            name = self.text(properties.get(tag, [])).strip()
            if name:
                return name
        return ""
