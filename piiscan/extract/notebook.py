"""Jupyter notebooks: the source and the outputs of each cell, with the cell's number and the line in it.

Read as JSON each line would stand alone, so that a key of several lines would be in pieces.
Source: nbformat 4.5, "The Notebook file format".
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, BinaryIO

from piiscan.extract import Job
from piiscan.extract.pieces import Key, Pieces
from piiscan.extract.text import decoded
from piiscan.model import LINE_BREAK, Place, Segment

MEDIA_TYPES = frozenset({"application/x-ipynb+json"})

_WHOLE = 64 << 20
"""Characters of a notebook that are held whole; a larger one is read as JSON."""
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_TEXTS = ("text/plain", "text/markdown", "text/latex", "application/json", "text/html", "image/svg+xml")
"""Forms of one output, the first that is there being read: all say the same."""
_PICTURES = ("image/png", "image/jpeg", "image/gif", "application/pdf")


class Notebook:
    """The extractor of notebooks."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Cells count from 1; the part is `source`, `output` or `metadata`. What is no notebook is read as JSON."""
        chunks = decoded(stream, job)
        parts: list[str] = []
        size = 0
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size > _WHOLE:
                break
        text = "".join(parts)
        try:
            notebook = json.loads(text) if size <= _WHOLE else None
        except (ValueError, RecursionError):
            notebook = None
        cells = _cells(notebook)
        if cells is None:
            yield from _as_json(chain((text,), chunks), job)
            return
        code, prose = Pieces(prose=False), Pieces()
        for number, cell in enumerate(cells, 1):
            if not isinstance(cell, dict):
                continue
            place = replace(job.place, cell=str(number), part="source")
            pieces = prose if cell.get("cell_type") in ("markdown", "heading") else code
            yield from _lines(_joined(cell.get("source", cell.get("input"))), place, pieces)
            outputs = cell.get("outputs")
            for output in outputs if isinstance(outputs, list) else ():
                yield from _output(output, replace(place, part="output"), prose, job)
            if cell.get("metadata"):
                yield from _lines(_dumped(cell["metadata"]), replace(place, part="metadata"), code)
            attachments = cell.get("attachments")
            for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
                yield from _pictures(bundle, f"cell {number} {name}", job)
        if isinstance(notebook, dict) and notebook.get("metadata"):
            yield from _lines(_dumped(notebook["metadata"]), replace(job.place, part="metadata"), code)
        yield from code.flush()
        yield from prose.flush()


def _cells(notebook: Any) -> list[Any] | None:
    """The cells of a notebook of version 4, or 3, where they are in worksheets."""
    if not isinstance(notebook, dict):
        return None
    if isinstance(notebook.get("cells"), list):
        return list(notebook["cells"])
    sheets = notebook.get("worksheets")
    if not isinstance(sheets, list) or "nbformat" not in notebook:
        return None
    found: list[Any] = []
    for sheet in sheets:
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list):
            found.extend(sheet["cells"])
    return found


def _as_json(chunks: Iterator[str], job: Job) -> Iterator[Segment]:
    from piiscan.extract.records import document

    yield from document(chunks, job)


def _joined(source: Any) -> str:
    """A text that is one string, or a list of lines with their ends."""
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _lines(text: str, place: Place, pieces: Pieces) -> Iterator[Segment]:
    """A text as one piece, with a place for each line."""
    if not text.strip():
        return
    starts: list[tuple[int, Place | Key]] = [(0, replace(place, line=1))]
    for number, found in enumerate(LINE_BREAK.finditer(text), 2):
        starts.append((found.end(), replace(place, line=number)))
    yield from pieces.add(text, starts)


def _output(output: Any, place: Place, pieces: Pieces, job: Job) -> Iterator[Segment]:
    if not isinstance(output, dict):
        return
    text = _joined(output.get("text"))
    if "traceback" in output:
        trace = output["traceback"]
        text = "\n".join(line for line in trace if isinstance(line, str)) if isinstance(trace, list) else ""
        text = f"{output.get('ename', '')}: {output.get('evalue', '')}\n{_ANSI.sub('', text)}"
    yield from _lines(text, place, pieces)
    bundle = output.get("data")
    if isinstance(bundle, dict):
        for kind in _TEXTS:
            value = bundle.get(kind)
            shown = _joined(value) if isinstance(value, str | list) else _dumped(value) if value else ""
            if shown.strip():
                yield from _lines(shown, place, pieces)
                break
        yield from _pictures(bundle, f"cell {place.cell} output", job)


def _pictures(bundle: Any, name: str, job: Job) -> Iterator[Segment]:
    """Pictures and documents of an output; plots are worth a look only where their text can be read."""
    for kind in _PICTURES if isinstance(bundle, dict) else ():
        if kind not in bundle or (kind.startswith("image/") and not job.limits.ocr):
            continue
        try:
            data = base64.b64decode(_joined(bundle[kind]))
        except (binascii.Error, ValueError):
            continue
        yield from job.nested(f"{name} ({kind})", io.BytesIO(data))


EXTRACTOR = Notebook()
