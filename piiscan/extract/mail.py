"""Mail messages: headers, bodies by part number, attachments by their own extractors.

The standard library's parser in its compat32 form takes any damage, but its time grows with the square of the parts,
so the raw message is looked through first and only as much of it as the limits allow is parsed.

Source: RFC 2045 to 2047, RFC 5322; part numbers as in RFC 3501, section 6.4.5.
"""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from typing import Any, BinaryIO

from piiscan.errors import LimitReached
from piiscan.extract import Job
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, Segment

MEDIA_TYPES = frozenset({"message/rfc822"})

_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.I)
_DELIMITER = re.compile(rb"(?:^|\n)--([^\r\n]{1,200})")
_PEOPLE = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "comments", "resent-from", "resent-to"}
)
"""Headers that people write or that name them; the others are for machines."""


class MailExtractor:
    """RFC 822 messages."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Headers, bodies and attachments, in order. Raises: ObjectError."""
        raw = stream.read(job.limits.part_bytes + 1)
        if len(raw) > job.limits.part_bytes:
            raise LimitReached(f"a message larger than {job.limits.part_bytes} bytes")
        cut, why = _cut(raw, job)
        message = BytesParser(policy=policy.compat32).parsebytes(raw[:cut])
        yield from _message(message, "", job)
        if why:
            from piiscan.extract.text import windows

            job.note("MIME_PARTS_OVER_LIMIT", f"{why}; the rest was read as plain text")
            line = raw.count(b"\n", 0, cut) + 1
            yield from windows([raw[cut:].decode("utf-8", "replace")], job.place, flat=False, line=line)


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
    if not known:
        return len(raw), ""
    parts = 0
    for found in _DELIMITER.finditer(raw, 0, cut):
        if found[1].rstrip() in known:
            parts += 1
            if parts > most_parts:
                return found.start(), f"more than {most_parts} parts"
    return cut, why


def _message(message: Message, number: str, job: Job) -> Iterator[Segment]:
    """One message: its headers, then its body as part `number` ("" for the outermost)."""
    yield from _headers(message, job)
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        yield from _multipart(message, number, job)
    else:
        yield from _part(message, f"{number}.1" if number else "1", job)


def _multipart(message: Message, number: str, job: Job) -> Iterator[Segment]:
    payload: Any = message.get_payload()
    for text in (message.preamble, message.epilogue):
        if text and text.strip():
            yield from _text(text, replace(job.place, part="preamble"))
    for index, part in enumerate(payload if isinstance(payload, list) else [], 1):
        yield from _part(part, f"{number}.{index}" if number else str(index), job)


def _part(part: Message, number: str, job: Job) -> Iterator[Segment]:
    """A body part of any kind."""
    kind = part.get_content_type()
    if part.is_multipart():
        if part.get_content_maintype() == "multipart":
            yield from _multipart(part, number, job)
            return
        payload: Any = part.get_payload()
        for inner in payload:
            # A message in a message, or the blocks of a delivery status.
            if kind == "message/rfc822":
                yield from _message(inner, number, job)
            else:
                yield from _headers(inner, job)
        return
    data = _decoded(part)
    job.budget.spend(len(data))
    name = decode(part.get_filename() or "") or decode(str(part.get_param("name", "") or ""))
    place = replace(job.place, part=number)
    charset = str(part.get_content_charset("") or "")
    if name:
        yield from job.nested(name, io.BytesIO(data), charset=_known(charset))
    elif kind == "text/html":
        from piiscan.extract.html import html_segments

        yield from html_segments(io.BytesIO(data), replace(job, charset=_known(charset)), place)
    elif part.get_content_maintype() in ("text", "message"):
        yield from _text(_characters(data, charset), place)
    elif data.strip():
        yield from job.nested(f"part-{number}", io.BytesIO(data))


def _text(text: str, place: Place) -> Iterator[Segment]:
    """A body with its lines counted."""
    from piiscan.extract.text import windows

    if text.strip():
        yield from windows([text], place, flat=False)


def _headers(message: Message, job: Job) -> Iterator[Segment]:
    """The headers, each as its name and its decoded value."""
    people, machine = Pieces(), Pieces(prose=False)
    for name, value in message.raw_items():
        text = decode(str(value))
        if text:
            pieces = people if name.lower() in _PEOPLE else machine
            place = replace(job.place, part="header", tag=name)
            yield from pieces.add(name, place)
            yield from pieces.add(text, place)
    yield from people.flush()
    yield from machine.flush()


def _decoded(part: Message) -> bytes:
    """The bytes of a part behind its transfer encoding; as they stand when that is unknown."""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64":
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
    out = []
    for group in re.sub(r"[^A-Za-z0-9+/=]", "", text).split("="):
        # A lone last character holds six bits only: no byte.
        whole = group[:-1] if len(group) % 4 == 1 else group
        out.append(binascii.a2b_base64(whole + "=" * (-len(whole) % 4)))
    return b"".join(out)


def _known(charset: str) -> str:
    """The charset when Python can decode it, else ""."""
    try:
        b"".decode(charset or "utf-8")
    except (LookupError, ValueError):
        return ""
    return charset


def _characters(data: bytes, charset: str) -> str:
    """Text of a body: by its charset, else UTF-8, else Windows-1252."""
    name = _known(charset)
    for codec in (name if name.lower() not in ("", "us-ascii", "ascii") else "utf-8", "utf-8", "cp1252"):
        try:
            return data.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


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
