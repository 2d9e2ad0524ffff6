"""Text in pictures, seen by the real tesseract: pictures, TIFF pages, pages of a PDF; and its bounds."""

from __future__ import annotations

import pytest

from fixtures.writers.picture import png
from fixtures.writers.print import picture, picture_pdf, tiff_pages
from piiscan.extract import Limits
from tests.extract.make import extract, places_of, text_of
from tests.support.programs import needs

pytestmark = needs("tesseract")

ON = Limits(ocr=True)
LINES = ("Dear Maria Example", "your invoice number 2291 is ready")


def test_lines_of_a_picture() -> None:
    found, job = extract(picture(*LINES), "image/png", limits=ON)
    assert [(p.part, p.line) for p in places_of(found, LINES[0])] == [("ocr", 1)]
    assert [(p.part, p.line) for p in places_of(found, LINES[1])] == [("ocr", 2)]
    assert not job.budget.notes


def test_pages_of_a_tiff() -> None:
    found, _ = extract(tiff_pages("First page of two", "Second page here"), "image/tiff", limits=ON)
    assert [(p.page, p.line) for p in places_of(found, "Second page here")] == [(2, 1)]
    assert [(p.page, p.line) for p in places_of(found, "First page of two")] == [(1, 1)]


def test_a_page_of_a_pdf_that_is_a_picture() -> None:
    data = picture_pdf(*LINES)
    found, job = extract(data, "application/pdf", limits=ON)
    assert [(p.page, p.part, p.line) for p in places_of(found, LINES[1])] == [(1, "ocr", 2)]
    assert not job.budget.notes
    found, job = extract(data, "application/pdf")
    assert not text_of(found)
    assert job.budget.notes == ["OCR: 1 page(s) hold only pictures, whose text is not read"]


def test_off_unless_switched_on() -> None:
    found, job = extract(picture(*LINES), "image/png")
    assert not found
    assert job.budget.notes[0].startswith("OCR: only the metadata were read")


def test_bounds_are_said() -> None:
    found, job = extract(picture(*LINES), "image/png", limits=Limits(ocr=True, ocr_pixels=1000))
    assert not found
    assert "more than 1000 pixels" in job.budget.notes[0]
    found, job = extract(picture(*LINES), "image/png", limits=Limits(ocr=True, ocr_seconds=0))
    assert not found
    assert "within 0 seconds" in job.budget.notes[0]
    found, job = extract(picture(*LINES), "image/png", limits=Limits(ocr=True, ocr_languages="none"))
    assert not found
    assert "is the language installed" in job.budget.notes[0]


def test_a_picture_that_is_damaged_or_empty() -> None:
    found, job = extract(picture(*LINES)[:900], "image/png", limits=ON)
    assert not found
    assert job.budget.notes
    found, job = extract(png([], (40, 40), b"\0" * 41 * 40), "image/png", limits=ON)
    assert not text_of(found)


def test_without_the_program_the_reason_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    _, job = extract(picture(*LINES), "image/png", limits=ON)
    assert "apt-get install tesseract-ocr" in job.budget.notes[0]
