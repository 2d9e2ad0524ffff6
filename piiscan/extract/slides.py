"""The parts of a PowerPoint presentation: slides in order, each with its notes, comments and drawings.

Source: ECMA-376 part 1, section 19 (PresentationML); MS-PPTX 2.1 (threaded comments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

from piiscan.extract.office import Package, local
from piiscan.extract.office_word import PartReader
from piiscan.extract.pieces import Pieces
from piiscan.extract.places import placer
from piiscan.model import Place, Segment

_SLIDE = r"ppt/slides/[^/]+\.xml"
_KINDS = (
    (r"ppt/notesSlides/[^/]+\.xml", "notes"),
    (r"ppt/comments/[^/]+\.xml", "comment"),
    (r"ppt/threadedComments/[^/]+\.xml", "comment"),
    (r"ppt/charts/chart(?:ex)?\d*\.xml", "chart"),
    (r"ppt/diagrams/data\d*\.xml", "diagram"),  # the drawing beside it holds the same text
    (r"ppt/drawings/[^/]+\.xml", "drawing"),
    (r"ppt/slideLayouts/[^/]+\.xml", "layout"),
    (r"ppt/slideMasters/[^/]+\.xml", "master"),
    (r"ppt/notesMasters/[^/]+\.xml", "notes master"),
    (r"ppt/handoutMasters/[^/]+\.xml", "handout master"),
)
_RUN = re.compile(rb"<a:t>([^<]*)</a:t>|</a:p>|<a:p/>")
_CLOSED = re.compile(rb"</p:(?:sld|notes|sldLayout|sldMaster|notesMaster|handoutMaster)>\s*\Z")
_NOT_QUICK = (b"<!", b"<a:br", b"<a:tbl", b"<a:t ", b"<m:", b"<p:text>", b"descr=", b"title=", b"Fallback")
_PLAIN = frozenset({"slide", "notes", "layout", "master", "notes master", "handout master"})
_DRAWING = b'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_SHARED = ("ppt/slidelayouts/", "ppt/slidemasters/", "ppt/notesmasters/", "ppt/handoutmasters/", "ppt/slides/")


def presentation_segments(package: Package) -> Iterator[Segment]:
    """All text of a presentation: each slide with what hangs on it, then masters, properties, embedded files.

    Slides count from 1 in the order of the presentation (hidden ones too); paragraphs from 1 in their part.
    """
    parts = {info.filename.lower(): info for info in package.infos}
    order = _slide_order(package)
    known = set(order)
    # A slide that the presentation no longer shows is still in the file: it is read, without a number.
    slides = [*order, *(n for n in (i.filename.lower() for i in package.named(_SLIDE)) if n not in known)]
    done: set[str] = set()
    links: dict[str, Place | None] = {}
    pieces = Pieces()
    for number, name in enumerate(slides, 1):
        info = parts.get(name)
        if info is None:
            continue
        place = replace(package.job.place, slide=number if name in known else None)
        links[name] = place
        yield from _part(package, info, replace(place, part="slide"), pieces)
        for target in _owned(package, name):
            if target in done or target not in parts:
                continue
            kind = _kind_of(target)
            if kind:
                done.add(target)
                links[target] = place
                yield from _part(package, parts[target], replace(place, part=kind), pieces)
    for pattern, kind in _KINDS:
        for info in package.named(pattern):
            if info.filename.lower() not in done:
                yield from _part(package, info, replace(package.job.place, part=kind), pieces)
    yield from pieces.flush()
    yield from _authors(package)
    yield from package.properties(links)
    yield from package.embedded()


def _slide_order(package: Package) -> list[str]:
    """Names of the slides' parts in lower case, as the presentation orders them."""
    root = package.find("ppt/presentation.xml")
    if root is None:
        return []
    targets = package.relations("ppt/presentation.xml")
    order = []
    for _, element in package.elements(root, ("end",), ["{*}sldId"]):
        # Its own number is `id`; the relationship is the one in a namespace.
        reference = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
        if reference in targets:
            order.append(targets[reference])
    return list(dict.fromkeys(order))


def _owned(package: Package, name: str) -> Iterator[str]:
    """Parts that hang on a slide; not what many slides share."""
    for target in package.relations(name).values():
        if not target.startswith(_SHARED):
            yield target


def _kind_of(name: str) -> str:
    return next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, name, re.I)), "")


def _part(package: Package, info: Any, place: Place, pieces: Pieces) -> Iterator[Segment]:
    """One part: comments by their own elements, plain paragraphs into `pieces`, all others as a drawing."""
    quick = _quick(package, info) if place.part in _PLAIN else None
    if quick is not None:
        make = placer(place)
        for number, text in quick:
            yield from pieces.add(text, make(paragraph=number))
        return
    # What came before goes first, so that segments keep the order of the slides.
    yield from pieces.flush()
    if place.part == "comment":
        for _, element in package.elements(info, ("end",), ["{*}text", "{*}txBody"]):
            if local(element) == "text":
                text = element.text or ""
            else:
                paragraphs = (p for p in element if local(p) == "p")
                text = "\n".join("".join(t.text or "" for t in p.iter("{*}t")) for p in paragraphs)
            if text.strip():
                yield from pieces.add(text, place)
        yield from pieces.flush()
    else:
        yield from PartReader(package, place).read(info)
    if info.filename in package.broken and place.part == "comment":
        yield from package.raw_text(info, place)


def _quick(package: Package, info: Any) -> list[tuple[int, str]] | None:
    """(number, text) of the paragraphs of a slide, its notes, a layout or a master.

    Without a parser, at a tenth of the cost; None for a part in which there is more than paragraphs of plain runs.
    """
    data = package.content(info)
    if data is None or _DRAWING not in data or any(mark in data for mark in _NOT_QUICK):
        return None
    if not data.startswith(b"<?xml") or b"utf-8" not in data[:100].lower() or not _CLOSED.search(data, len(data) - 40):
        return None
    out, parts = [], list[str]()
    number = 1
    for found in _RUN.finditer(data):
        if found[1] is not None:
            parts.append(unescape(found[1].decode("utf-8", "replace")))
        else:
            if parts:
                out.append((number, "".join(parts)))
                parts = []
            number += 1
    return out


def _authors(package: Package) -> Iterator[Segment]:
    """Who wrote comments, and the tags and names that programs left."""
    pieces = Pieces(prose=False)
    for pattern, part, tag, keys in (
        (r"ppt/commentAuthors\.xml", "author", "{*}cmAuthor", ("name", "initials")),
        (r"ppt/authors\.xml", "author", "{*}author", ("name", "initials", "userId")),
        (r"ppt/tags/[^/]+\.xml", "tag", "{*}tag", ("name", "val")),
        (r"ppt/presentation\.xml", "section", "{*}section", ("name",)),
    ):
        place = replace(package.job.place, part=part)
        for info in package.named(pattern):
            for _, element in package.elements(info, ("end",), [tag]):
                text = " ".join(value for key in keys if (value := (element.get(key) or "").strip()))
                if text:
                    yield from pieces.add(text, place)
    yield from pieces.flush()
