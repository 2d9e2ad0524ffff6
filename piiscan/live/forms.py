"""How a secret is written elsewhere: as it is, escaped, in hexadecimal, and inside of Base64.

Source: RFC 3986 section 2.1; RFC 8259 section 7; RFC 4648 sections 4, 5 and 8; XML 1.0 section 4.6.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from enum import IntEnum
from urllib.parse import quote, quote_plus


class Form(IntEnum):
    """How a needle is written, which says what may stand beside it."""

    TEXT = 0
    """In characters: plainly, or with escapes for some of them."""
    HEX = 1
    BASE64 = 2
    """The characters in the middle of Base64 that depend on the secret alone; with its first byte 0, 1 or 2 bytes
    behind a group of three."""
    WIDE = 3
    """The same of its UTF-16, as PowerShell encodes commands."""


Written = tuple[Form, int, bytes, bytes]


def written(value: bytes) -> Iterator[Written]:
    """(form, bytes before it in its group of Base64, needle, what the needle stands for) of all ways to write a secret.

    Each needle once.
    """
    seen: set[bytes] = set()
    for one in _all(value):
        if len(one[2]) >= 8 and one[2] not in seen:
            seen.add(one[2])
            yield one


def _all(value: bytes) -> Iterator[Written]:
    yield Form.TEXT, 0, value, value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    for escaped in (one.encode() for one in _escaped(text)):
        yield Form.TEXT, 0, escaped, escaped
    for needle in (binascii.hexlify(value), binascii.hexlify(value).upper()):
        yield Form.HEX, 0, needle, needle
    encoded = [(Form.BASE64, value)]
    if text:
        encoded += [(Form.BASE64, one.encode()) for one in (json.dumps(text)[1:-1], quote(text, safe=""))]
        encoded.append((Form.WIDE, text.encode("utf-16-le")))
    for form, whole in encoded:
        for shift in range(3):
            yield from ((form, shift, inner, whole) for inner in inside(whole, shift))


def _escaped(text: str) -> Iterator[str]:
    yield quote(text, safe="")
    yield quote(text)
    yield quote_plus(text)
    yield _low_escapes(quote(text, safe=""))
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield json.dumps(text)[1:-1].replace("/", "\\/")
    marked = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield marked
    for double, single in (("&quot;", "&apos;"), ("&quot;", "&#39;"), ("&#34;", "&#39;")):
        yield marked.replace('"', double).replace("'", single)
    yield text.replace("'", "''")
    yield text.replace("'", "'\\''")
    yield text.replace("$", "\\$")
    yield text.replace("$", "$$")


def _low_escapes(text: str) -> str:
    """Percent escapes with small hexadecimal digits."""
    out, at = [], 0
    while (found := text.find("%", at)) >= 0:
        out.append(text[at:found] + text[found : found + 3].lower())
        at = found + 3
    return "".join(out) + text[at:]


def inside(value: bytes, shift: int) -> Iterator[bytes]:
    """The characters of Base64, in both alphabets, that `value` fills alone behind `shift` bytes of a group of three.

    >>> list(inside(b"secret-value", 1))
    [b'NlY3JldC12YWx1Z']
    """
    encoded = base64.b64encode(bytes(shift) + value)
    first, last = -(-shift * 8 // 6), (shift + len(value)) * 8 // 6
    inner = encoded[first:last]
    yield inner
    if b"+" in inner or b"/" in inner:
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def first_of(shift: int) -> int:
    """How many characters of its group stand before the first that `inside` gives."""
    return -(-shift * 8 // 6)
