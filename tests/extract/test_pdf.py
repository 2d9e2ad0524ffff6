from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.writers.pdf import pdf_bytes, pdf_objects, pdf_stream
from piiscan.errors import Encrypted, ObjectError
from piiscan.extract import Limits
from piiscan.extract.pdf import draws_itself, page_segment
from piiscan.extract.pdf_salvage import inflates_without_end
from piiscan.model import Place
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of

PDF = "application/pdf"
PAGES = [["first line", f"mail {MAIL}"], ["second page", "x", f"SSN {SSN}"]]


def test_page_and_line() -> None:
    segments, job = extract(pdf_bytes(pdf_objects(PAGES)), PDF)
    assert [(p.page, p.line) for p in places_of(segments, MAIL)] == [(1, 2)]
    assert [(p.page, p.line) for p in places_of(segments, SSN)] == [(2, 3)]
    assert job.budget.notes == []


def test_hyphens_are_joined_and_lines_counted() -> None:
    segment = page_segment("one\r\nexa\ufffemple.org so\u00adft\r\nlast", Place(page=3))
    assert segment is not None
    assert segment.text == "one\nexample.org soft\nlast"
    assert [segment.place_of(segment.text.index(w)).line for w in ("one", "exa", "mple", "last")] == [1, 2, 3, 4]


def test_forms_notes_links_metadata_and_attachments() -> None:
    objects = pdf_objects(
        [["page"]],
        page_extra="/Annots[30 0 R 31 0 R 32 0 R]",
        catalog="/AcroForm<</Fields[30 0 R]>>/Names<</EmbeddedFiles<</Names[(n.txt) 40 0 R]>>>>",
    )
    objects |= {
        30: f"<</Type/Annot/Subtype/Widget/FT/Tx/T(ssn)/V({SSN})/Rect[0 0 99 20]>>",
        31: f"<</Type/Annot/Subtype/Text/Contents({IBAN})/Rect[0 0 9 9]>>",
        32: f"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(mailto:{MAIL})>>>>",
        40: "<</Type/Filespec/F(n.txt)/UF(n.txt)/EF<</F 41 0 R>>>>",
        41: pdf_stream(b"attached words here\n", "/Type/EmbeddedFile"),
        50: "<</Author(Au Thor)>>",
    }
    segments, _ = extract(pdf_bytes(objects, "/Info 50 0 R"), PDF)
    assert [(p.page, p.part) for p in places_of(segments, SSN)] == [(1, "form")]
    assert f"ssn\n{SSN}" in text_of(segments)
    assert [(p.page, p.part) for p in places_of(segments, IBAN)] == [(1, "annotation")]
    assert [(p.page, p.part) for p in places_of(segments, MAIL)] == [(1, "link")]
    assert [p.part for p in places_of(segments, "Au Thor")] == ["metadata"]
    assert [p.member for p in places_of(segments, "attached words")] == [("n.txt",)]


def test_pages_without_cross_references_are_read_whole() -> None:
    data = pdf_bytes(pdf_objects(PAGES))
    segments, job = extract(data[: data.rindex(b"xref\n0")], PDF)
    assert [p.page for p in places_of(segments, SSN)] == [2]
    assert job.budget.notes == []


def test_truncated_file_gives_what_is_left() -> None:
    data = pdf_bytes(pdf_objects(PAGES))
    segments, job = extract(data[: data.index(b"12 0 obj") + 20], PDF)
    assert MAIL in text_of(segments)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_streams_without_any_structure_are_salvaged() -> None:
    body = zlib.compress(b"BT (SSN: ) Tj [(078-)-10(05-1120)] TJ 0 -14 Td <616263> Tj (\\050d\\051) ' ET")
    data = b"%PDF-1.4\n7 0 obj\n" + pdf_stream(body, "/Filter/FlateDecode") + b"\nendobj\n"
    segments, job = extract(data, PDF)
    assert text_of(segments) == f"SSN: {SSN}\nabc\n(d)"
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_form_that_draws_itself_is_left_to_the_second_reader() -> None:
    objects = pdf_objects([[MAIL]])
    objects[10] = (
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 11 0 R"
        "/Resources<</Font<</F1 3 0 R>>/XObject<</X 20 0 R>>>>>>"
    )
    objects[20] = pdf_stream(
        b"/X Do /X Do", "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 20 0 R>>>>"
    )
    data = pdf_bytes(objects)
    assert draws_itself(data)
    segments, job = extract(data, PDF)
    assert [p.page for p in places_of(segments, MAIL)] == [1]
    assert job.budget.notes == []


def test_stream_that_inflates_without_end() -> None:
    objects = pdf_objects([["x"]])
    body = zlib.compress(f"BT ({MAIL}) Tj ET\n".encode() + b" " * (24 << 20), 9)
    objects[11] = pdf_stream(body, "/Filter/FlateDecode")
    data = pdf_bytes(objects)
    assert inflates_without_end(data)
    segments, job = extract(data, PDF)
    assert MAIL in text_of(segments)
    assert job.budget.notes


def test_a_blank_picture_beside_text_is_no_bomb() -> None:
    objects = pdf_objects([[MAIL]])
    objects[20] = pdf_stream(
        zlib.compress(b"\xff" * (24 << 20), 9),
        "/Type/XObject/Subtype/Image/Width 4096/Height 2048/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode",
    )
    data = pdf_bytes(objects)
    assert not inflates_without_end(data)
    segments, job = extract(data, PDF)
    assert [p.page for p in places_of(segments, MAIL)] == [1]
    assert job.budget.notes == []


def test_page_of_pictures_only_asks_for_ocr() -> None:
    objects = pdf_objects([[]])
    objects[10] = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 11 0 R/Resources<</XObject<</I 20 0 R>>>>>>"
    objects[11] = pdf_stream(b"q 9 0 0 9 0 0 cm /I Do Q")
    objects[20] = pdf_stream(
        b"\xff", "/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8"
    )
    _, job = extract(pdf_bytes(objects), PDF)
    assert job.budget.notes == ["OCR: 1 page(s) hold only pictures, whose text is not read"]


def test_user_password_is_said_so() -> None:
    encrypt = (
        "/Encrypt<</Filter/Standard/V 1/R 2/P -4"
        f"/O<{'11' * 32}>/U<{'22' * 32}>>>/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    )
    with pytest.raises(Encrypted):
        extract(pdf_bytes(pdf_objects(PAGES), encrypt), PDF)


def test_page_limit() -> None:
    segments, job = extract(pdf_bytes(pdf_objects(PAGES)), PDF, limits=Limits(pages=1))
    assert SSN not in text_of(segments)
    assert job.budget.notes


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 900), st.integers(0, 60))
def test_no_damage_raises_anything_else(noise: bytes, at: int, cut: int) -> None:
    data = pdf_bytes(pdf_objects(PAGES))
    with contextlib.suppress(ObjectError):
        extract(data[:at] + noise + data[at + cut :], PDF)
