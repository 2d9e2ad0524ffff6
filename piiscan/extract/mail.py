"""Mail messages: headers, bodies by part number, attachments by their own extractors; EMLX with its envelope.

The standard library's parser in its compat32 form takes any damage, but its time grows with the square of the parts,
so the raw message is looked through first and only as much of it as the limits allow is parsed.

Source: RFC 2045 to 2047, RFC 5322; part numbers as in RFC 3501, section 6.4.5.
"""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from typing import Any, BinaryIO

from piiscan.charset import charset_of
from piiscan.errors import LimitReached
from piiscan.extract import Job
from piiscan.extract.names import Names
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, Segment

EMLX = "message/x-emlx"
MEDIA_TYPES = frozenset({"message/rfc822", EMLX})

_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.I)
_FORWARDED = re.compile(rb"(?:^|\n)content-type[ \t]*:\s*message/(?!delivery-status)", re.I)
_DELIMITER = re.compile(rb"(?:^|\n)--([^\r\n]{1,200})")
_PEOPLE = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "comments", "resent-from", "resent-to"}
)
"""Headers that people write or that name them; the others are for machines."""


_UUENCODED = re.compile(rb"(?:^|\n)begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n((?:[ -`]{2,62}\r?\n)+)`? *\r?\n?end\b")
"""A file in the text of a mail, as it was done before MIME."""
_READERS = frozenset(
    {"calendar", "x-vcalendar", "vcard", "x-vcard", "directory", "csv", "tab-separated-values", "xml", "rtf", "json"}
)
"""Kinds of text with a reader of their own, also where the part has no name."""
_ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "iso-8859-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "unicode-1-1-utf-7": "utf-7",
}
"""Charsets whose mails are mostly written in a superset, and names that Python does not know."""


class MailExtractor:
    """RFC 822 messages."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Headers, bodies and attachments, in order. Raises: ObjectError."""
        size, rest = job.limits.part_bytes, b""
        if job.media_type == EMLX:
            told = stream.readline(64).strip()
            size = min(size, int(told)) if told.isdigit() else size
        raw = stream.read(size + (job.media_type != EMLX))
        if job.media_type == EMLX:
            rest = stream.read(job.limits.part_bytes)
        elif len(raw) > job.limits.part_bytes:
            raise LimitReached(f"a message larger than {job.limits.part_bytes} bytes")
        yield from Mail(job, job.place).read(raw)
        if rest.strip():
            yield from job.nested("properties.plist", io.BytesIO(rest))


EXTRACTOR = MailExtractor()


def _cut(raw: bytes, job: Job) -> tuple[int, str]:
    """How many bytes may be parsed, and why not all of them ("" when they may)."""
    most_levels, most_parts = job.limits.depth * 10, job.limits.mime_parts
    known: set[bytes] = set()
    cut, why = len(raw), ""
    for found in _BOUNDARY.finditer(raw):
        known.add((found[1] or found[2]).rstrip())
        # Multiparts stand one inside the other at worst, so their number bounds the depth.
        if len(known) > most_levels:
            cut, why = max(raw.rfind(b"\n", 0, found.start()), 0), f"more than {most_levels} multiparts"
            break
    for levels, found in enumerate(_FORWARDED.finditer(raw, 0, cut), 1):
        if levels > most_levels:
            cut, why = found.start(), f"more than {most_levels} messages in each other"
            break
    if not known:
        return cut, why
    parts = 0
    for found in _DELIMITER.finditer(raw, 0, cut):
        if found[1].rstrip() in known:
            parts += 1
            if parts > most_parts:
                return found.start(), f"more than {most_parts} parts"
    return cut, why


@dataclass(frozen=True, slots=True)
class Mail:
    """The reader of one message."""

    job: Job
    place: Place
    """What all places in the message share."""
    prefix: str = ""
    """What stands before the names of attachments, to tell those of several messages apart."""
    names: Names = field(default_factory=Names)

    def read(self, raw: bytes) -> Iterator[Segment]:
        """The segments of a message. Raises: LimitReached when a budget of the whole object is used up."""
        cut, why = _cut(raw, self.job)
        rest, line = raw[cut:], raw.count(b"\n", 0, cut) + 1 if why else 0
        # As a stream: the parser makes four bytes of each character that it is given at once.
        message = BytesParser(policy=policy.compat32).parse(io.BytesIO(raw[:cut] if why else raw))
        del raw
        yield from self._message(message, "")
        if why:
            from piiscan.extract.text import windows

            self.job.note("MIME_PARTS_OVER_LIMIT", f"{why}; the rest was read as plain text")
            yield from windows([rest.decode("utf-8", "replace")], self.place, flat=False, line=line)

    def _message(self, message: Message, number: str) -> Iterator[Segment]:
        """One message: its headers, then its body as part `number` ("" for the outermost)."""
        yield from _headers(message, self.place)
        if message.is_multipart() and message.get_content_maintype() == "multipart":
            yield from self._multipart(message, number)
        else:
            yield from self._part(message, f"{number}.1" if number else "1")

    def _multipart(self, message: Message, number: str) -> Iterator[Segment]:
        payload: Any = message.get_payload()
        for text in (message.preamble, message.epilogue):
            if text and text.strip():
                yield from _text(text, replace(self.place, part="preamble"))
        for index, part in enumerate(payload if isinstance(payload, list) else [], 1):
            yield from self._part(part, f"{number}.{index}" if number else str(index))

    def _part(self, part: Message, number: str) -> Iterator[Segment]:
        """A body part of any kind."""
        kind = part.get_content_type()
        if part.is_multipart():
            if part.get_content_maintype() == "multipart":
                yield from self._multipart(part, number)
                return
            payload: Any = part.get_payload()
            for inner in payload:
                if _encoding(part) == "base64" and not inner.keys():
                    # Not allowed, and written all the same: the library took the base64 for the message.
                    data = unbase64(str(inner.get_payload()))
                    yield from self.job.nested(
                        f"{self.prefix}part-{number}", io.BytesIO(data), media_type="message/rfc822"
                    )
                else:
                    # A message in a message, or the blocks of a delivery status.
                    yield from self._message(inner, number)
            return
        data = _decoded(part)
        self.job.budget.spend(len(data))
        name = _name(part)
        place = replace(self.place, part=number)
        charset = _known(str(part.get_content_charset("") or ""))
        if name:
            yield from self._nested(name, data, number, charset)
        elif kind == "text/html":
            from piiscan.extract.html import html_segments

            yield from html_segments(io.BytesIO(data), replace(self.job, charset=charset), place)
        elif part.get_content_maintype() in ("text", "message") and part.get_content_subtype() not in _READERS:
            yield from _text(_characters(data, charset), place)
            for found in _UUENCODED.finditer(data):
                yield from self._nested(decode(found[1].decode("latin-1").strip()), unuu(found[2]), number, "")
        elif data.strip():
            yield from self._nested(f"part-{number}", data, number, charset)

    def _nested(self, name: str, data: bytes, number: str, charset: str) -> Iterator[Segment]:
        """An attachment; a second one of the same name has its part number before it."""
        told = self.names.unique(name)
        name = name if told == name else f"{number}/{name}"
        yield from self.job.nested(self.prefix + name, io.BytesIO(data), charset=charset)


def _name(part: Message) -> str:
    """The file name of a part, decoded; "" when it has none."""
    try:
        return decode(part.get_filename() or "") or decode(str(part.get_param("name", "") or ""))
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""


def _encoding(part: Message) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _text(text: str, place: Place) -> Iterator[Segment]:
    """A body with its lines counted."""
    from piiscan.extract.text import windows

    if text.strip():
        yield from windows([text], place, flat=False)


_IDENTIFIED = frozenset({"message-id", "in-reply-to", "references", "content-id", "resent-message-id"})
"""Headers of identifiers of messages, which have the form of an address and are none. Source: RFC 5322, 3.6.4."""
_MESSAGE_ID = re.compile(r"<([^<>@\s]*)@([^<>@\s]*)>")


def _headers(message: Message, base: Place) -> Iterator[Segment]:
    """The headers, each as its name and its decoded value."""
    people, machine = Pieces(), Pieces(prose=False)
    envelope = message.get_unixfrom()
    if envelope:
        yield from machine.add(decode(envelope), replace(base, part="envelope"))
    for name, value in message.raw_items():
        text = decode(str(value))
        if text:
            pieces = people if name.lower() in _PEOPLE else machine
            if name.lower() in _IDENTIFIED:
                text = _MESSAGE_ID.sub(r"<\1 \2>", text)
            place = replace(base, part="header", tag=name)
            yield from pieces.add(name, place)
            yield from pieces.add(text, place)
    yield from people.flush()
    yield from machine.flush()


def _decoded(part: Message) -> bytes:
    """The bytes of a part behind its transfer encoding; as they stand when that is unknown."""
    if _encoding(part) == "base64":
        text: Any = part.get_payload()
        return unbase64(text) if isinstance(text, str) else b""
    try:
        data: Any = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    raw: Any = part.get_payload()
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def unbase64(text: str) -> bytes:
    """What base64 gives when everything outside its alphabet is passed over; the standard library gives up instead.

    >>> unbase64("YW5h!!LnBydWVi")
    b'ana.prueb'
    """
    pad = text.find("=")
    if text.isascii() and (pad < 0 or not text[pad:].strip("=\r\n\t ")):
        with suppress(binascii.Error):
            return binascii.a2b_base64(text)
    out = []
    for group in re.sub(r"[^A-Za-z0-9+/=]", "", text).split("="):
        # A lone last character holds six bits only: no byte.
        whole = group[:-1] if len(group) % 4 == 1 else group
        out.append(binascii.a2b_base64(whole + "=" * (-len(whole) % 4)))
    return b"".join(out)


def unuu(lines: bytes) -> bytes:
    """What uuencoded lines give; those that are damaged give nothing.

    >>> unuu(b"#86YA\\n")
    b'ana'
    """
    out = []
    for line in lines.splitlines():
        with suppress(binascii.Error):
            out.append(binascii.a2b_uu(line))
    return b"".join(out)


def _known(charset: str) -> str:
    """A codec that reads this charset, else ""."""
    name = _ALIASES.get(charset.lower(), charset)
    try:
        b"x".decode(name or "utf-8")
    except (LookupError, ValueError):
        return ""
    return name


def _characters(data: bytes, charset: str) -> str:
    """Text of a body: by its charset, else UTF-8, else by the charset with what is damaged replaced, else guessed."""
    name = _known(charset)
    for codec in (name if name.lower() not in ("", "us-ascii", "ascii") else "utf-8", "utf-8"):
        try:
            return data.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
    if name:
        text = data.decode(name, "replace")
        if text.count("\ufffd") * 50 <= len(text):
            return text
    return data.decode(charset_of(data[:4096], False) or "cp1252", "replace")


def decode(value: str) -> str:
    """A header's value with its encoded words decoded and its folds undone.

    >>> decode("=?utf-8?q?Zo=C3=AB?= <zoe@example.org>")
    'Zoë <zoe@example.org>'
    """
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", value).strip()
    if "=?" not in unfolded:
        return _characters(unfolded.encode("utf-8", "surrogateescape"), "")
    try:
        pieces: list[tuple[Any, str | None]] = decode_header(unfolded)
    except (HeaderParseError, ValueError):
        return unfolded.encode("utf-8", "replace").decode()
    out = []
    for piece, charset in pieces:
        data = piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogateescape")
        out.append(_characters(data, charset or ""))
    return "".join(out)
