"""The parts of a PowerPoint presentation: slides in order, each with its notes, comments and drawings.

Source: ECMA-376 part 1, section 19 (PresentationML); MS-PPTX 2.1 (threaded comments).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from piiscan.extract.office import Package, local
from piiscan.extract.office_parts import fits
from piiscan.extract.office_word import PartReader
from piiscan.extract.office_zip import Entry
from piiscan.extract.pieces import Pieces
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
_RUN = re.compile(rb"<(?:a:t>([^<]*)(</a:t>)|/a:p>|a:p/>|(!|a:br|a:tbl|a:t |m:|p:text>))")
"""A run's text and its end; the end of a paragraph; or what is not for the quick way."""
_CLOSED = re.compile(rb"</p:(?:sld|notes|sldLayout|sldMaster|notesMaster|handoutMaster)>\s*\Z")
_PLAIN = frozenset({"slide", "notes", "layout", "master", "notes master", "handout master"})
_DRAWING = b'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_SHARED = ("ppt/slidelayouts/", "ppt/slidemasters/", "ppt/notesmasters/", "ppt/handoutmasters/", "ppt/slides/")


def presentation_segments(package: Package) -> Iterator[Segment]:
    """All text of a presentation: each slide with what hangs on it, then masters, properties, embedded files.

    Slides count from 1 in the order of the presentation (hidden ones too); paragraphs from 1 in their part.
    """
    order, sections = _outline(package)
    known = set(order)
    # A slide that the presentation no longer shows is still in the file: it is read, without a number.
    slides = [*order, *(n for n in (i.filename.lower() for i in package.named(_SLIDE)) if n not in known)]
    done: set[str] = set()
    links: dict[str, Place | None] = {}
    pieces = Pieces(base=package.job.place, names=("slide", "part", "paragraph"))
    for count, name in enumerate(slides, 1):
        info = package.find(name)
        if info is None:
            continue
        number = count if name in known else None
        place = links[name] = package.make(slide=number)
        yield from _part(package, info, number, "slide", pieces)
        for target in _owned(package, name):
            part = package.find(target)
            if target in done or part is None:
                continue
            kind = _kind_of(target)
            if kind:
                done.add(target)
                links[target] = place
                yield from _part(package, part, number, kind, pieces)
    for pattern, kind in _KINDS:
        for info in package.named(pattern):
            if info.filename.lower() not in done:
                yield from _part(package, info, None, kind, pieces)
    yield from pieces.flush()
    yield from _authors(package, sections)
    yield from package.properties(links)
    yield from package.embedded()


def _outline(package: Package) -> tuple[list[str], list[str]]:
    """Names of the slides' parts in lower case, as the presentation orders them, and the names of its sections."""
    root = package.find("ppt/presentation.xml")
    if root is None:
        return [], []
    targets = package.relations("ppt/presentation.xml")
    order, sections = [], []
    for element in package.items(root, "{*}sldId", "{*}section"):
        if local(element) == "section":
            sections.append((element.get("name") or "").strip())
            continue
        # Its own number is `id`; the relationship is the one in a namespace.
        reference = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
        if reference in targets:
            order.append(targets[reference])
    return list(dict.fromkeys(order)), sections


def _owned(package: Package, name: str) -> Iterator[str]:
    """Parts that hang on a slide; not what many slides share."""
    for target in package.relations(name).values():
        if not target.startswith(_SHARED):
            yield target


def _kind_of(name: str) -> str:
    return next((kind for pattern, kind in _KINDS if fits(pattern, name)), "")


def _part(package: Package, info: Entry, number: int | None, kind: str, pieces: Pieces) -> Iterator[Segment]:
    """One part: comments by their own elements, plain paragraphs into `pieces`, all others as a drawing.

    `number`: the slide that it hangs on.
    """
    quick = _quick(package, info) if kind in _PLAIN else None
    if quick is not None:
        for paragraph, text in quick:
            yield from pieces.add(text, ((0, (number, kind, paragraph)),))
        return
    place = package.make(slide=number, part=kind)
    # What came before goes first, so that segments keep the order of the slides.
    yield from pieces.flush()
    if kind == "comment":
        for element in package.items(info, "{*}text", "{*}txBody"):
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
    if info.filename in package.broken and kind == "comment":
        yield from package.raw_text(info, place)


def _quick(package: Package, info: Entry) -> list[tuple[int, str]] | None:
    """(number, text) of the paragraphs of a slide, its notes, a layout or a master.

    Without a parser, at a tenth of the cost; None for a part in which there is more than paragraphs of plain runs.
    """
    data = package.content(info)
    if data is None or _DRAWING not in data or b"descr=" in data or b"title=" in data or b"Fallback" in data:
        return None
    if not data.startswith(b"<?xml") or b"utf-8" not in data[:100].lower() or not _CLOSED.search(data, len(data) - 40):
        return None
    out, parts = [], list[bytes]()
    number = 1
    for text, ended, other in _RUN.findall(data):
        if ended:
            parts.append(text)
        elif other:
            return None
        else:
            if parts:
                out.append((number, unescape(b"".join(parts).decode("utf-8", "replace"))))
                parts = []
            number += 1
    return out


def _authors(package: Package, sections: list[str]) -> Iterator[Segment]:
    """Who wrote comments, and the tags and names that programs left."""
    pieces = Pieces(prose=False)
    for pattern, part, tag, keys in (
        (r"ppt/commentAuthors\.xml", "author", "{*}cmAuthor", ("name", "initials")),
        (r"ppt/authors\.xml", "author", "{*}author", ("name", "initials", "userId")),
        (r"ppt/tags/[^/]+\.xml", "tag", "{*}tag", ("name", "val")),
    ):
        for info in package.named(pattern):
            for element in package.items(info, tag):
                text = " ".join(value for key in keys if (value := (element.get(key) or "").strip()))
                if text:
                    yield from pieces.add(text, package.make(part=part))
    for name in filter(None, sections):
        yield from pieces.add(name, package.make(part="section"))
    yield from pieces.flush()
