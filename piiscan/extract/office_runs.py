"""Paragraphs of a Word part by patterns over its bytes: lxml's events cost five times as much.

What is well-formed is for expat to say, which runs without handlers at a tenth of lxml's cost; what the patterns find
is then as a parser would have it. A part with a document type, comments, CDATA or another encoding is left to lxml.

Source: ECMA-376 part 1, section 17; XML 1.0 (fifth edition), sections 2.11 (line ends) and 3.3.3 (attribute values).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from piiscan.extract.office_scan import unescape

PARAGRAPH, TEXT, START, END = range(4)
Event = tuple[int, str, str]
"""What it is; the name of its element; for a whole paragraph and a text what is written, for a start its attributes."""
_ENCODED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml [^>]*encoding\s*=\s*["'](?!utf-8["'])""", re.I)
_VALUE = rb"""\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*')"""
_NAMES = (
    rb"p(?:tab|erson|PrChange)?|t(?:ab|abs|abLst|bl|r|c|blHeader|extpath)|br|cr|noBreakHyphen|ins|gridSpan"
    rb"|d(?:el|ocPr|efault|ocVar)|cNvPr|fldSimple|list(?:Item|Entry)|helpText|statusText|connectString|query"
    rb"|move(?:From|To)|comment|rPrChange|Fallback"
)
_TOKEN = re.compile(
    rb"<(?:(?:\w+:)?(?:(t|delText|v|instrText)(?:" + _VALUE + rb")*\s*>([^<]*)"
    rb"|(" + _NAMES + rb")(?=[\s/>])((?:" + _VALUE + rb")*)\s*(/?)>)"
    rb"|/(?:\w+:)?(p|tbl|tr|tc|Fallback|tabs|tabLst)\s*>)"
)
_INTERESTING = re.compile(
    rb"(?:[\w.-]+:)?(?:delText|v|instrText|t|" + _NAMES + rb")/?|/(?:[\w.-]+:)?(?:p|tbl|tr|tc|Fallback|tabs|tabLst)"
)
_TAG = re.compile(rb"<([^\s>]+)")
_PLAIN = {b"w:p", b"w:t", b"/w:t", b"w:t/"}
"""The tags of a paragraph that is nothing but runs, of those that say anything."""
_RUN = re.compile(rb'<w:t(?: [\w:]+="[^"<>]*")*>([^<]*)</w:t>')
_ATTRIBUTE = re.compile(r"""\s(?!xmlns)(?:[\w.-]+:)?([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_TABLE = re.compile(rb"<(/?)w:tbl>")
_MOST_TAGS = 10_000
_DEEPEST = 40
"""Tables inside tables up to which a part is read the quick way."""


class _Unusual(Exception):
    """Something that is not for the quick way."""


def _refuse(*_: object) -> None:
    raise _Unusual


def is_plain(data: bytes) -> bool:
    """Whether a part is well-formed, in UTF-8, and without all that the patterns do not know."""
    if _ENCODED.match(data[:200]) or b"\0" in data[:4]:
        return False
    parser = expat.ParserCreate()
    parser.CommentHandler = parser.StartCdataSectionHandler = _refuse
    parser.ProcessingInstructionHandler = parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, _Unusual):
        return False
    depth = 0
    for found in _TABLE.finditer(data) if data.count(b"<w:tbl>") > _DEEPEST else ():
        depth += -1 if found[1] else 1
        if depth > _DEEPEST:
            return False
    return True


def events(data: bytes) -> Iterator[Event]:
    """What a Word part holds, in its order; `data` must have passed `is_plain`."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    parts = data.split(b"</w:p>")
    last = len(parts) - 1
    tabs = 0
    plain = set(_PLAIN)
    for index, part in enumerate(parts):
        tags = _TAG.findall(part)
        if index < last and tags.count(b"w:p") == 1 and _are_plain(tags, plain) and not _is_nested(part):
            runs = _RUN.findall(part)
            if len(runs) == tags.count(b"/w:t"):
                yield PARAGRAPH, "p", unescape(b"".join(runs).decode())
                continue
        for text_name, text, name, attributes, closed, end in _TOKEN.findall(part):
            if text_name:
                if text:
                    yield TEXT, text_name.decode(), unescape(text.decode())
            elif end:
                if end.startswith(b"tab"):
                    tabs -= 1
                else:
                    yield END, end.decode(), ""
            elif name in (b"tabs", b"tabLst"):
                tabs += not closed
            elif not (tabs and name == b"tab"):
                yield START, name.decode(), attributes.decode()
                if closed and name in _FRAMES:
                    yield END, name.decode(), ""
        if index < last:
            yield END, "p", ""


def _are_plain(tags: list[bytes], plain: set[bytes]) -> bool:
    """Whether tags are all those of plain runs, or say nothing; `plain` grows by the latter."""
    new = set(tags) - plain
    if any(map(_INTERESTING.fullmatch, new)):
        return False
    if len(plain) < _MOST_TAGS:
        plain |= new
    return True


def _is_nested(part: bytes) -> bool:
    """Whether the paragraph that begins in a part is empty, and what ends behind it another; or text stands before."""
    begin = part.find(b"<w:p")
    end = part.find(b">", begin)
    return part[end - 1 : end] == b"/" or part.find(b"<w:t", 0, begin) >= 0


_FRAMES = frozenset({b"p", b"tbl", b"tr", b"tc", b"Fallback"})


def attributes_of(text: str) -> dict[str, str]:
    """The attributes of a tag by their names without prefix.

    >>> attributes_of(' w:val="a &amp; b" x=\\'1\\'')
    {'val': 'a & b', 'x': '1'}
    """
    return {
        name: unescape((double or single).replace("\n", " ").replace("\t", " "))
        for name, double, single in _ATTRIBUTE.findall(text)
    }
