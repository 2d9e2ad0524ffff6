"""Binary values of databases and records: documents as members of their own, the rest by its printable runs."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from piiscan.extract import Job
from piiscan.identify import STRINGS_ONLY, identify
from piiscan.model import Segment

LEAST = 32
"""Bytes from which a binary value may be a document."""
_RUNS = re.compile(rb"[\t\x20-\x7e]{6,}")


def text_of(data: bytes) -> str:
    """A binary value as text: all of it when it is UTF-8, else its printable runs, one a line.

    >>> text_of("Jos\u00e9".encode()), text_of(b"\\x00\\xffana@example.org\\x01"), text_of(b"\\xff\\x00\\x01")
    ('José', 'ana@example.org', '')
    """
    if b"\0" not in data:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    elif _is_utf16(data):
        return data.decode("utf-16-le", "replace")
    return b"\n".join(_RUNS.findall(data)).decode("ascii")


def _is_utf16(data: bytes) -> bool:
    """Whether every second byte is zero and the others print: UTF-16 of ASCII."""
    return len(data) > 3 and len(data) % 2 == 0 and not any(data[1::2]) and bool(_RUNS.fullmatch(data[::2]))


def document_of(data: bytes) -> str:
    """The media type of a binary value that is a document of its own, "" when it is plain text or unknown."""
    if len(data) < LEAST:
        return ""
    found = identify(io.BytesIO(data), "").media_type
    return "" if found in (STRINGS_ONLY, "text/plain") else found


def printable(stream: BinaryIO, job: Job, reason: str, sentence: str) -> Iterator[Segment]:
    """The printable runs of an object whose own reader gave up, and why, as a note."""
    from piiscan.extract.strings import EXTRACTOR as STRINGS

    yield from STRINGS.extract(stream, replace(job, budget=replace(job.budget, notes=[])))
    job.note(reason, f"{sentence}: only printable text was read")


def nested(data: bytes, media_type: str, name: str, job: Job) -> Iterator[Segment]:
    """The segments of a value that is a document, as a member with this name."""
    yield from job.nested(name, io.BytesIO(data), media_type=media_type)
