"""Address cards, calendars and directory entries: folded lines of `name;parameters: value`.

A folded line is joined, with a map back to the physical lines; quoted-printable and base64 values are decoded, those
that are files (photos, certificates, attachments) go to their own extractors.

Source: RFC 6350 (vCard 4.0), RFC 2426 (3.0), the vCard 2.1 specification of 1996, RFC 5545 (iCalendar), RFC 2849
(LDIF).
"""

from __future__ import annotations

import codecs
import io
import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from piiscan.extract import Job
from piiscan.extract.pieces import Pieces
from piiscan.extract.places import placer
from piiscan.extract.text import decoded
from piiscan.model import Place, Segment

VCARD, CALENDAR, LDIF = "text/vcard", "text/calendar", "text/x-ldif"
MEDIA_TYPES = frozenset({VCARD, CALENDAR, LDIF})

_LONGEST = 16 << 20
"""Characters of a folded line that are joined; what comes behind is a line of its own."""
_ESCAPE = re.compile(r"\\([nN,;\\:])")
_HEAD = re.compile(r"(?:[\w-]+\.)?([A-Za-z][\w-]*)((?:;(?:[^\":]|\"[^\"]*\")*)?):")
_LDIF_HEAD = re.compile(r"([A-Za-z0-9][\w.-]*)((?:;[\w.-]+)*)(::?|:<)[ \t]*")
_QUOTED = re.compile(r"ENCODING=QUOTED-PRINTABLE|;QUOTED-PRINTABLE", re.I)
_BASE64 = re.compile(r"ENCODING=(?:B|BASE64)(?![\w-])|;BASE64(?![\w-])", re.I)
_CHARSET = re.compile(r"CHARSET=\"?([\w.:-]{1,40})", re.I)
_DATA = re.compile(r"data:([\w.+/-]*)(?:;[\w.=+-]+)*?(;base64)?,", re.I)
_ENTRIES = {"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"}

Lines = list[tuple[int, int]]
"""Offsets in a joined line, and the physical line that begins there."""


class CardsExtractor:
    """vCard, iCalendar and LDIF."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Each property with its value as one piece: line, property (`tag`), card, event or entry (`record`).

        Raises: LimitReached.
        """
        reader = _Reader(job, Pieces(), placer(job.place))
        each = reader.entry if job.media_type == LDIF else reader.card
        for text, lines in _joined(_physical(decoded(stream, job)), job.media_type):
            yield from each(text, lines)
        yield from reader.pieces.flush()


EXTRACTOR = CardsExtractor()


def _physical(chunks: Iterable[str]) -> Iterator[tuple[list[str], bool]]:
    """Physical lines without their ends, many at a time; False beside one that goes on after `_LONGEST` characters."""
    rest = ""
    for chunk in chunks:
        rest += chunk
        held = "\r" if rest.endswith("\r") else ""
        if "\r" in rest:
            rest = rest[: len(rest) - len(held)].replace("\r\n", "\n").replace("\r", "\n")
        lines = rest.split("\n")
        rest = lines.pop() + held
        if lines:
            yield lines, True
        if len(rest) > _LONGEST:
            yield [rest], False
            rest = ""
    if rest:
        yield [rest.rstrip("\r")], True


def _joined(physical: Iterable[tuple[list[str], bool]], media_type: str) -> Iterator[tuple[str, Lines]]:
    """Lines with their folds undone."""
    text, length = "", 0
    more: list[str] = []
    lines: Lines = []
    number, fresh, quoted = 0, True, False
    for some, ended in physical:
        for line in some:
            number += fresh
            begun, fresh = fresh, True
            if lines and begun and (quoted or (line and line[0] in " \t")) and length < _LONGEST:
                lines.append((length, number))
                part = line if quoted else line[1:]
                if quoted:
                    quoted = line.endswith("=")
                    # The break stays, so that the decoder sees a soft one.
                    part += "\n" * quoted
                more.append(part)
                length += len(part)
                continue
            if lines:
                yield text + "".join(more) if more else text, lines
            text, more, lines, length = line, [], [(0, number)], len(line)
            quoted = line.endswith("=") and media_type == VCARD and _QUOTED.search(line.partition(":")[0]) is not None
            if quoted:
                text += "\n"
                length += 1
        fresh = ended
    if lines:
        yield text + "".join(more) if more else text, lines


@dataclass(slots=True)
class _Reader:
    job: Job
    pieces: Pieces
    place: Callable[..., Place]
    record: int = -1
    names: dict[str, int] = field(default_factory=dict)
    """How many files came from each property."""

    def card(self, text: str, lines: Lines) -> Iterator[Segment]:
        """One line of a vCard or a calendar."""
        head = _HEAD.match(text)
        if head is None:
            yield from self._add(text, lines, None, 0, text)
            return
        name, parameters, value = head[1].upper(), head[2], text[head.end() :]
        if name == "BEGIN":
            kind = value.strip().upper()
            self.record += kind == "VCARD" or kind in _ENTRIES
        if parameters and _QUOTED.search(parameters):
            charset = _CHARSET.search(parameters)
            value, lines = _unquoted(value, lines, head.end(), charset[1] if charset else "")
            yield from self._add(text[: head.end()], lines, name, head.end(), value)
            return
        elif parameters and _BASE64.search(parameters):
            yield from self._file(name, _unbase64(value))
            value = ""
        elif value[:5].lower() == "data:" and (found := _DATA.match(value)):
            data = value[found.end() :]
            yield from self._file(name, _unbase64(data) if found[2] else unquote_to_bytes(data))
            value = ""
        else:
            yield from self._add(text[: head.end()], lines, name, head.end(), value)
            return
        yield from self._add(text[: head.end()], lines[:1], name, head.end(), value)

    def entry(self, text: str, lines: Lines) -> Iterator[Segment]:
        """One line of an LDIF file."""
        if not text or text.startswith("#"):
            yield from self._add(text, lines, None, 0, text)
            return
        head = _LDIF_HEAD.match(text)
        if head is None:
            yield from self._add(text, lines, None, 0, text)
            return
        name, value = head[1], text[head.end() :]
        self.record += name.lower() == "dn"
        if head[3] != "::":
            yield from self._add(text[: head.end()], lines, name, head.end(), value)
            return
        data = _unbase64(value)
        try:
            value = data.decode()
        except UnicodeDecodeError:
            yield from self._file(name, data)
            value = ""
        yield from self._add(text[: head.end()], lines[:1], name, head.end(), value)

    def _add(self, head: str, lines: Lines, name: str | None, at: int, value: str) -> Iterator[Segment]:
        """A line as a piece: its head as it stands, then its value without escapes, each with its line."""
        record = self.record if self.record >= 0 else None
        if name is None or not at:
            head = ""
            if not value.strip():
                return
        elif "\\" in value and self.job.media_type != LDIF:
            value, lines = _unescaped(value, lines, at)
        if len(lines) == 1:
            yield from self.pieces.add(head + value, self.place(line=lines[0][1], tag=name, record=record))
        else:
            places = [(begin, self.place(line=line, tag=name, record=record)) for begin, line in lines]
            yield from self.pieces.add(head + value, places)

    def _file(self, name: str, data: bytes) -> Iterator[Segment]:
        """A value that is a file; its place names the property and the card."""
        if not data:
            return
        yield from self.pieces.flush()
        self.job.budget.spend(len(data))
        count = self.names[name] = self.names.get(name, 0) + 1
        yield from self.job.nested(f"{name}-{count}", io.BytesIO(data))


def _unescaped(value: str, lines: Lines, at: int) -> tuple[str, Lines]:
    """A value with its backslashes undone, and where its lines begin then; `at`: where it begins in its line."""
    out: list[str] = []
    marks: list[tuple[int, int]] = []
    """Offsets in the value behind each escape, and how many characters fell out up to there."""
    last = 0
    for gone, found in enumerate(_ESCAPE.finditer(value), 1):
        out.append(value[last : found.start()])
        out.append("\n" if found[1] in "nN" else found[1])
        last = found.end()
        marks.append((last + at, gone))
    out.append(value[last:])
    moved: Lines = []
    index = shift = 0
    for begin, line in lines:
        while index < len(marks) and marks[index][0] <= begin:
            shift = marks[index][1]
            index += 1
        moved.append((begin - shift, line))
    return "".join(out), moved


def _unquoted(value: str, lines: Lines, at: int, charset: str) -> tuple[str, Lines]:
    """A quoted-printable value decoded physical line by physical line, and where each begins then."""
    parts = [a2b_qp(part.encode("utf-8", "surrogateescape")) for part in re.findall(r"[^\n]*\n|[^\n]+", value)]
    whole = b"".join(parts)
    decoder = codecs.getincrementaldecoder("cp1252")("replace")
    for name in (charset or "utf-8", "utf-8"):
        try:
            whole.decode(name)
            decoder = codecs.getincrementaldecoder(name)("replace")
        except (LookupError, ValueError):
            continue
        break
    texts = [decoder.decode(part) for part in parts]
    moved = lines[:1]
    length = at
    for text, (_, line) in zip(texts, lines[1:], strict=False):
        length += len(text)
        moved.append((length, line))
    return "".join(texts), moved


def _unbase64(text: str) -> bytes:
    """What the base64 gives, as far as it goes."""
    clean = re.sub(r"[^A-Za-z0-9+/]", "", text)
    clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
    try:
        return a2b_base64(clean + "=" * (-len(clean) % 4))
    except (Base64Error, ValueError):
        return b""
