"""Notebooks: cells, outputs and metadata with cell and line; and what is no notebook."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from fixtures.writers.pdf import pdf_bytes, pdf_objects
from piiscan.extract import Job, segments
from piiscan.model import Segment, TextSegment
from tests.extract.make import MAIL, SSN, extract, places_of, text_of
from tests.extract.mutate import survives

NOTEBOOK = "application/x-ipynb+json"


def notebook(*cells: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}).encode()


def read(data: bytes) -> list[Segment]:
    return list(segments(io.BytesIO(data), Job(name="work/a.ipynb")))


CELLS = (
    {"cell_type": "markdown", "source": f"# Notes\nwrite to {MAIL}"},
    {
        "cell_type": "code",
        "metadata": {"tags": ["a-tag"]},
        "source": ["key = '''-----BEGIN\n", "abc\n", f"{SSN}'''"],
        "outputs": [
            {"output_type": "stream", "text": ["first\n", "second 5550100\n"]},
            {"output_type": "display_data", "data": {"text/plain": ["shown-1"], "text/html": "<b>shown-1</b>"}},
            {"output_type": "error", "ename": "KeyError", "evalue": "'k'", "traceback": ["\x1b[0;31mline-9\x1b[0m"]},
        ],
    },
)


def test_cells_and_lines() -> None:
    found = read(notebook(*CELLS, metadata={"authors": [{"name": "Ana Prueba"}]}))
    assert [(p.cell, p.line, p.part) for p in places_of(found, MAIL)] == [("1", 2, "source")]
    assert [(p.cell, p.line, p.part) for p in places_of(found, SSN)] == [("2", 3, "source")]
    assert [(p.cell, p.line, p.part) for p in places_of(found, "5550100")] == [("2", 2, "output")]
    assert [(p.cell, p.part) for p in places_of(found, "shown-1")] == [("2", "output")]
    assert [(p.cell, p.line) for p in places_of(found, "line-9")] == [("2", 2)]
    assert [p.part for p in places_of(found, "Ana Prueba")] == ["metadata"]
    assert [(p.cell, p.part) for p in places_of(found, "a-tag")] == [("2", "metadata")]


def test_lines_of_a_cell_stay_together() -> None:
    assert f"-----BEGIN\nabc\n{SSN}" in text_of(read(notebook(*CELLS)))
    prose = {s.prose for s in read(notebook(*CELLS)) if isinstance(s, TextSegment) and MAIL in s.text}
    assert prose == {True}


def test_version_3() -> None:
    cells = [{"cell_type": "code", "input": f"x = '{MAIL}'", "outputs": []}]
    data = json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3, "metadata": {}}).encode()
    assert [p.cell for p in places_of(read(data), MAIL)] == ["1"]


def test_documents_in_outputs_are_members() -> None:
    page = base64.b64encode(pdf_bytes(pdf_objects([[f"Dear {MAIL}"]]))).decode()
    cell = {"cell_type": "code", "source": "", "outputs": [{"data": {"application/pdf": page}}]}
    (place,) = places_of(read(notebook(cell)), MAIL)
    assert (place.member, place.page) == (("cell 1 output (application/pdf)",), 1)


def test_what_is_no_notebook_is_json_or_text() -> None:
    found, _ = extract(json.dumps({"a": [MAIL]}).encode(), NOTEBOOK)
    assert [p.path for p in places_of(found, MAIL)] == ["$.a[0]"]
    found, job = extract(f'{{"cells": [{{"source": "{MAIL}"'.encode(), NOTEBOOK)
    assert places_of(found, MAIL)
    assert job.budget.notes


def test_damage_never_escapes() -> None:
    assert survives(notebook(*CELLS), NOTEBOOK) > 50
