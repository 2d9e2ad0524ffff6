"""The names of a package's parts and the relationships between them, by short ways that are taken many times a file.

Source: ECMA-376 part 2, sections 6 (part names) and 9 (relationships).
"""

from __future__ import annotations

import posixpath
import re
from functools import cache, lru_cache
from urllib.parse import unquote

_LONG = 200
"""Characters of a name from which on nothing is remembered of it."""
_ATTRIBUTES = rb'(?:[ \n\t]+[\w:]+="[^"<>&]*")*'
_RELATIONSHIP = re.compile(rb"<Relationship(" + _ATTRIBUTES + rb")[ \n\t]*(?:/>|></Relationship>)")
_RELATIONSHIPS = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>]*\?>\s*)?<Relationships"
    + _ATTRIBUTES
    + rb"[ \n\t]*>(?:\s*"
    + _RELATIONSHIP.pattern
    + rb")*\s*</Relationships>\s*"
)
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.I)


def fits(pattern: str, name: str) -> bool:
    """Whether the whole of a name matches, case ignored."""
    return _fits(pattern, name) if len(name) < _LONG else _compiled(pattern).fullmatch(name) is not None


def holds(pattern: str, name: str) -> bool:
    """Whether some of a name matches, case ignored."""
    return _holds(pattern, name) if len(name) < _LONG else _compiled(pattern).search(name) is not None


def numbers(name: str) -> list[int]:
    """The numbers in a part's name, by which parts are put in order."""
    return _numbers(name) if len(name) < _LONG else [0]


@lru_cache(maxsize=4096)
def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)] or [0]


@lru_cache(maxsize=16384)
def _fits(pattern: str, name: str) -> bool:
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _holds(pattern: str, name: str) -> bool:
    return _compiled(pattern).search(name) is not None


@cache
def folder_of(pattern: str) -> str | None:
    r"""The folder in lower case in which all names lie that match a pattern; None where that is not plain.

    >>> folder_of(r"word/header\d*\.xml"), folder_of(r"xl/(?:work|chart)sheets/[^/]+\.xml"), folder_of(r"meta\.xml")
    ('word', None, '')
    """
    folder, _, name = pattern.replace("[^/]", "").rpartition("/")
    return folder.lower() if re.fullmatch(r"[\w/]*", folder) and not re.search(r"(?<!\\)\.", name) else None


def plain_relationships(data: bytes) -> list[tuple[str, str, bool]] | None:
    """(id, target, whether that is outside) of a part of relationships as nearly all programs write it; else None."""
    if not _RELATIONSHIPS.fullmatch(data):
        return None
    out = []
    for found in _RELATIONSHIP.findall(data):
        try:
            values = dict(_ATTRIBUTE.findall(found.decode("utf-8")))
        except UnicodeDecodeError:
            return None
        outside = values.get("TargetMode", "").lower() == "external"
        out.append((values.get("Id", ""), values.get("Target", ""), outside))
    return out


def part_name(folder: str, target: str) -> str:
    """The part in lower case that a relationship's target names, from a folder of the package.

    >>> part_name("ppt/slides", "../media/Image%201.png"), part_name("word", "/xl/a.xml")
    ('ppt/media/image 1.png', 'xl/a.xml')
    """
    return _part_name(folder, target) if len(folder) + len(target) < _LONG else _joined(folder, target)


def _joined(folder: str, target: str) -> str:
    target = unquote(target)
    whole = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
    return posixpath.normpath(whole).lower()


_part_name = lru_cache(maxsize=8192)(_joined)
