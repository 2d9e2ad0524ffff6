"""What of a vault's entry is worth looking for: passwords and tokens, not the names and hosts beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from piiscan.vaults.names import RANDOM_BITS, bits, is_location, says_secret, stands_beside

SHORTEST = 8
"""Bytes of a value that is looked for; shorter ones stand anywhere by chance."""
LONGEST = 4_096
"""Bytes of a line that is looked for."""
PLAIN = 12
"""Characters that a value of small letters only, or of digits only, must have: shorter ones are words and numbers."""
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://[^:/@\s]*:([^/\s]+)@", re.IGNORECASE)
_PAIR = re.compile(r"(?:^|;)\s*(?:pwd|password|accountkey|sharedaccesskey|secret\w*)\s*=\s*([^;]+)", re.IGNORECASE)


def telling(value: str | bytes) -> tuple[tuple[bytes, ...], str]:
    """The values of an entry that are looked for, in bytes; and why nothing is, or of what there is nothing.

    >>> telling('{"username": "app", "password": "7f-Gh2!kLq"}')
    ((b'7f-Gh2!kLq',), '')
    >>> telling("postgres")
    ((), 'too plain: a word or number as others write it')
    """
    found: list[bytes] = []
    why = ""
    for one in _values(value):
        reason = _weak(one)
        why = why or reason
        if not reason and one not in found:
            found.append(one)
    return tuple(found), "" if found else why or "empty"


def _values(value: str | bytes) -> Iterator[bytes]:
    if isinstance(value, bytes):
        try:
            text = value.decode().strip()
        except UnicodeDecodeError:
            yield value
            return
    else:
        text = value.strip()
    if text[:1] in ("{", "["):
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if isinstance(document, dict | list):
            leaves = list(_leaves(document))
            alone = len(leaves) == 1
            for name, leaf in leaves:
                if alone or _is_secret(name, leaf):
                    yield from _parts(leaf)
            return
    yield from _parts(text)


def _leaves(node: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of a document's texts and numbers, and of documents in its texts."""
    pending = [(name, node)]
    while pending:
        name, node = pending.pop()
        if isinstance(node, dict):
            pending += [(str(key), inner) for key, inner in node.items()]
        elif isinstance(node, list):
            pending += [(name, inner) for inner in node]
        elif isinstance(node, str):
            yield name, node
        elif isinstance(node, int | float) and not isinstance(node, bool):
            yield name, str(node)


def _is_secret(name: str, value: str) -> bool:
    """Whether a member of a document is a secret: by its name, or else by how it looks."""
    if stands_beside(name):
        return _USERINFO.match(value) is not None
    if says_secret(name) or _USERINFO.match(value) or _PAIR.search(value):
        return True
    return len(value) >= PLAIN and " " not in value and not is_location(value) and bits(value) >= RANDOM_BITS


def _parts(text: str) -> Iterator[bytes]:
    """A value; of a connection string its password, too; of one of several lines its most telling line alone."""
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > 1:
        told = [line for line in lines if len(line) >= 20 and not line.startswith("-----")]
        if told:
            yield max(told, key=lambda line: (len(set(line)), len(line))).encode("utf-8", "surrogatepass")
        return
    yield text.encode("utf-8", "surrogatepass")
    for inner in (*_USERINFO.findall(text), *_PAIR.findall(text)):
        yield inner.strip().encode("utf-8", "surrogatepass")


def _weak(value: bytes) -> str:
    """Why a value is not looked for; empty when it is."""
    if len(value) < SHORTEST:
        return f"too short: less than {SHORTEST} bytes"
    if len(value) > LONGEST:
        return f"too long: more than {LONGEST} bytes in a line"
    if len(value) < PLAIN and (value.isdigit() or (value.isalpha() and (value.islower() or value[1:].islower()))):
        return "too plain: a word or number as others write it"
    if len(set(value)) < 4:
        return "too plain: the same characters again and again"
    return ""
