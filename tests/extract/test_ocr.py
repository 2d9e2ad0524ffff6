"""Text in pictures, seen by the real tesseract: pictures, TIFF pages, pages of a PDF; and its bounds."""

from __future__ import annotations

import struct
import zlib

import pypdfium2 as pdfium
import pytest

from piiscan.extract import Limits
from tests.extract.make import extract, pdf_bytes, pdf_objects, pdf_stream, places_of, text_of
from tests.extract.make_picture import directory, png
from tests.support.programs import needs

pytestmark = needs("tesseract")

ON = Limits(ocr=True)
LINES = ("Dear Maria Example", "your invoice number 2291 is ready")


def drawn(*lines: str) -> tuple[int, int, bytes]:
    """A page with these lines in large print: width, height, grey pixels."""
    objects = pdf_objects([[line] for line in ("",)])
    text = "".join(f"1 0 0 1 40 {200 - 40 * n} Tm ({line}) Tj\n" for n, line in enumerate(lines))
    objects[11] = pdf_stream(f"BT /F1 22 Tf\n{text}ET".encode())
    objects[10] = str(objects[10]).replace("0 0 612 792", "0 0 480 260")
    page = pdfium.PdfDocument(pdf_bytes(objects))[0]
    bitmap = page.render(scale=2, grayscale=True)
    rows = memoryview(bitmap.buffer).cast("B")
    grey = b"".join(bytes(rows[n * bitmap.stride : n * bitmap.stride + bitmap.width]) for n in range(bitmap.height))
    return bitmap.width, bitmap.height, grey


def picture(*lines: str) -> bytes:
    width, height, grey = drawn(*lines)
    rows = b"".join(b"\0" + grey[n * width : (n + 1) * width] for n in range(height))
    return png([], (width, height), rows)


def scanned(*lines: str, filter_: str = "/FlateDecode") -> bytes:
    """A PDF whose page is only a picture of these lines."""
    width, height, grey = drawn(*lines)
    objects = pdf_objects([[]])
    objects[10] = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 480 260]/Contents 11 0 R/Resources<</XObject<</I 20 0 R>>>>>>"
    objects[11] = pdf_stream(b"480 0 0 260 0 0 cm /I Do")
    entries = (
        f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceGray/BitsPerComponent 8"
        f"/Filter{filter_}"
    )
    objects[20] = pdf_stream(zlib.compress(grey), entries)
    return pdf_bytes(objects)


def tiff_pages(*pages: str) -> bytes:
    """An uncompressed grey TIFF, one line of text a page."""
    drawings = [drawn(page) for page in pages]
    out = bytearray(b"II*\0" + bytes(4))
    link = 4
    for width, height, grey in drawings:
        strip = len(out)
        out += grey + b"\0" * (len(grey) % 2)
        out[link : link + 4] = struct.pack("<I", len(out))
        entries = [
            (0x0100, 4, struct.pack("<I", width)),
            (0x0101, 4, struct.pack("<I", height)),
            (0x0102, 3, struct.pack("<H", 8)),
            (0x0103, 3, struct.pack("<H", 1)),
            (0x0106, 3, struct.pack("<H", 1)),
            (0x0111, 4, struct.pack("<I", strip)),
            (0x0115, 3, struct.pack("<H", 1)),
            (0x0116, 4, struct.pack("<I", height)),
            (0x0117, 4, struct.pack("<I", len(grey))),
        ]
        link = len(out) + 2 + 12 * len(entries)
        out += directory("<", len(out), entries)
    return bytes(out)


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
    data = scanned(*LINES)
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
