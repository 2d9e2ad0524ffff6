"""What a value is compared by: its kind, and the bytes that all its spellings share.

An address of mail is itself. A number is its digits. Anything else is its letters and digits without what stands
between them, so that `12 Main St.`, `12-main-st` and `12 MAIN ST` are one value.
"""

from __future__ import annotations

import re
from enum import IntEnum

from piiscan.exact.fold import FILL, fold


class Kind(IntEnum):
    """How a value is looked for."""

    EMAIL = 1
    NUMBER = 2
    WORDS = 3


LEAST = 5
"""Letters and digits of the shortest value that is evidence alone."""
MOST = 120
"""Letters and digits of the longest value that is kept."""
MOST_DIGITS = 40
MOST_LOCAL, MOST_DOMAIN = 64, 190

LOCAL = bytes(b for b in range(256) if b >= FILL or chr(b).isalnum() or chr(b) in "._+%'-")
DOMAIN = bytes(b for b in range(256) if b >= FILL or chr(b).isalnum() or chr(b) in ".-")
WORD = bytes(b for b in range(256) if b > 127 or chr(b).isalnum())
"""Letters and digits; bytes above 127 are parts of letters, as a folded text has no other signs there."""
NOT_WORD = bytes(b for b in range(256) if b not in WORD)
NOT_DIGIT = bytes(b for b in range(256) if b not in b"0123456789")

_EMAIL = re.compile(rb"[\w.+%'\x7f-\xff-]{1,64}@[a-z0-9\x7f-\xff][a-z0-9.\x7f-\xff-]{0,180}[a-z0-9\x7f-\xff]")
_NUMBER = re.compile(rb"[+(]{0,2}\d(?:[\d./-]|[ )(-]{1,2}(?=[\d(]))*")


def normal(value: str) -> tuple[Kind, bytes]:
    """The kind of a value and the form that is hashed; the form is empty when nothing of it can be compared.

    >>> normal(" Ann.Lee@Example.ORG ")
    (<Kind.EMAIL: 1>, b'ann.lee@example.org')
    >>> normal("+1 (555) 010-9999")
    (<Kind.NUMBER: 2>, b'15550109999')
    >>> normal("12 Main St.")
    (<Kind.WORDS: 3>, b'12mainst')
    """
    whole = fold(value).strip(b" \t\r\n\x7f")
    if b"@" in whole and _EMAIL.fullmatch(whole):
        return Kind.EMAIL, whole
    if _NUMBER.fullmatch(whole.replace(b"\x7f", b"")):
        return Kind.NUMBER, whole.translate(None, NOT_DIGIT)
    return Kind.WORDS, words(whole)


def words(spelt: bytes) -> bytes:
    """The letters and digits of a spelling; a value of digits with odd signs between them is no number, but this."""
    return spelt.translate(None, NOT_WORD).lower()


def too_weak(kind: Kind, form: bytes, evidence: bool) -> str:
    """Why a value is not kept: "empty", "short", "uniform" or "long"; empty when it is."""
    if not form:
        return "empty"
    size = len(form)
    if size < (2 if evidence else LEAST):
        return "short"
    if size > (MOST_DIGITS if kind is Kind.NUMBER else MOST) and kind is not Kind.EMAIL:
        return "long"
    if not evidence and form.count(form[:1]) == size:
        return "uniform"
    return ""
