"""Mailboxes: messages one after the other, each behind a line that begins with `From `.

Source: RFC 4155; the `From ` lines of real mailboxes vary, so that a line counts as one when a header follows it and
it has a time and a year, or an address and an empty line before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.mail import Mail
from piiscan.model import Segment

MEDIA_TYPES = frozenset({"application/mbox"})

_LINE = 1 << 20
_FULL = re.compile(rb"From \S.{0,200}?\d\d:\d\d.{0,40}\d{4}")
_HEADER = re.compile(rb"(?:[!-9;-~]{1,100}:|>From )")


class MboxExtractor:
    """Mailbox files."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The messages, each as the mail reader gives it, with its number (`record`, from 0).

        Raises: LimitReached when a budget of the whole object is used up.
        """
        for number, raw in enumerate(_messages(stream, job)):
            job.budget.member()
            mail = Mail(job, replace(job.place, record=number), f"message-{number}/")
            try:
                yield from mail.read(raw)
            except ObjectError as err:
                if err.reason.startswith("ARCHIVE_"):
                    raise
                job.note(err.reason, f"message {number}: {err}")
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
                # What the standard library's parser lets through costs this message only.
                bad = Malformed(f"message {number}: the mail parser gave up ({type(err).__name__})")
                job.note(bad.reason, str(bad))


EXTRACTOR = MboxExtractor()


def _messages(stream: BinaryIO, job: Job) -> Iterator[bytes]:
    """The raw messages, each with its `From ` line, which has no colon and is taken for an envelope by the parser."""
    parts: list[bytes] = []
    size, most = 0, job.limits.part_bytes
    blank, whole = True, True
    line = stream.readline(_LINE)
    while line:
        after = stream.readline(_LINE)
        if (
            whole
            and line.startswith(b"From ")
            and ((blank and b"@" in line) or _FULL.match(line))
            and _HEADER.match(after)
        ):
            if parts:
                yield b"".join(parts)
            parts, size = [], 0
        size += len(line)
        if size <= most:
            parts.append(line)
        elif size - len(line) <= most:
            late = LimitReached(f"a message larger than {most} bytes was read up to there")
            job.note(late.reason, str(late))
        blank = whole and not line.strip()
        whole = line.endswith(b"\n")
        line = after
    if parts:
        yield b"".join(parts)
