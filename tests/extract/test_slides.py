from __future__ import annotations

import random

import pytest

from fixtures.writers.slides import par, pptx, rels, shape
from piiscan.errors import Encrypted, Malformed, ObjectError
from piiscan.model import ColumnSegment
from tests.extract.make import IBAN, MAIL, SSN, cell, extract, places_of, text_of, xlsx

PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


def test_slides_are_numbered_as_they_are_shown() -> None:
    data = pptx({"slide7": shape(par("first")), "slide2": shape(par("x"), par("078-", "05-", "1120"))})
    segments, job = extract(data, PPTX)
    (place,) = places_of(segments, SSN)
    assert (place.slide, place.part, place.paragraph) == (2, "slide", 2)
    assert [p.slide for p in places_of(segments, "first")] == [1]
    assert job.budget.notes == []


def test_plain_slides_read_the_quick_way_are_the_same() -> None:
    body = shape(par("one &amp; ", "two &#233;"), "<a:p/>", par(SSN)) + shape(
        "<a:p><a:fld><a:t>Field</a:t></a:fld></a:p>"
    )
    slow = pptx({"slide1": body})
    parts = {"ppt/slides/slide1.xml": f"<p:sld {{NS}}><p:spTree>{body}</p:spTree></p:sld>"}
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    quick = pptx({"slide1": body}, {name: head + xml for name, xml in parts.items()})
    first, _ = extract(slow, PPTX)
    second, _ = extract(quick, PPTX)
    assert text_of(first) == text_of(second) == f"one & two é\n{SSN}\nField"
    for text, number in (("one", 1), (SSN, 3), ("Field", 4)):
        assert places_of(first, text)[0] == places_of(second, text)[0]
        assert places_of(second, text)[0].paragraph == number


def test_what_hangs_on_a_slide() -> None:
    parts = {
        "ppt/slides/_rels/slide2.xml.rels": rels(
            "../notesSlides/notesSlide1.xml", "../comments/comment1.xml", "../charts/chart1.xml",
            "../diagrams/data1.xml", "../slideLayouts/slideLayout1.xml", f"mailto:{MAIL}",
        ),
        "ppt/notesSlides/notesSlide1.xml": f"<p:notes {{NS}}>{shape(par('say ' + SSN))}</p:notes>",
        "ppt/comments/comment1.xml": f"<p:cmLst {{NS}}><p:cm><p:text>see {IBAN}</p:text></p:cm></p:cmLst>",
        "ppt/charts/chart1.xml": "<c:c {NS}><c:pt><c:v>Chart Name</c:v></c:pt></c:c>",
        "ppt/diagrams/data1.xml": f"<dgm:m {{NS}}><dgm:pt><dgm:t>{par('Smart Art')}</dgm:t></dgm:pt></dgm:m>",
        "ppt/slideLayouts/slideLayout1.xml": f"<p:l {{NS}}>{shape(par('Lay Out'))}</p:l>",
        "ppt/commentAuthors.xml": "<p:l {NS}><p:cmAuthor name='Au Thor' initials='AT'/></p:l>",
        "docProps/core.xml": "<p><creator>Prop One</creator></p>",
    }  # fmt: skip
    segments, _ = extract(pptx({"slide1": shape(par("one")), "slide2": shape(par("two"))}, parts), PPTX)
    for text, slide, part in (
        (SSN, 2, "notes"),
        (IBAN, 2, "comment"),
        (MAIL, 2, "hyperlink"),
        ("Chart Name", 2, "chart"),
        ("Smart Art", 2, "diagram"),
        ("Lay Out", None, "layout"),
        ("Au Thor", None, "author"),
        ("Prop One", None, "properties"),
    ):
        assert [(p.slide, p.part) for p in places_of(segments, text)] == [(slide, part)], text


def test_table_alternative_text_and_line_break() -> None:
    rows = [["Name", "SSN", "City"], ["Ana", SSN, "Rome"], ["Ben", "x", "Bonn"]]
    table = "".join(
        "<a:tr>" + "".join(f"<a:tc><a:txBody>{par(c)}</a:txBody></a:tc>" for c in row) + "</a:tr>" for row in rows
    )
    body = shape(
        "<a:p><a:r><a:t>up</a:t></a:r><a:br/><a:r><a:t>down</a:t></a:r></a:p>", more=f"descr='photo of {MAIL}'"
    )
    segments, _ = extract(pptx({"slide1": body + f"<a:tbl>{table}</a:tbl>"}), PPTX)
    (place,) = places_of(segments, SSN)
    assert (place.slide, place.table, place.row, place.column_name) == (1, "1", 1, "SSN")
    assert any(isinstance(s, ColumnSegment) for s in segments)
    assert [p.slide for p in places_of(segments, MAIL)] == [1]
    assert "up\ndown" in text_of(segments)


def test_slide_that_is_no_longer_shown_and_embedded_file() -> None:
    parts: dict[str, str | bytes] = {
        "ppt/slides/slide9.xml": f"<p:sld {{NS}}>{shape(par(SSN))}</p:sld>",
        "ppt/embeddings/book.xlsx": xlsx({"S": f'<row r="1">{cell("B2", IBAN)}</row>'}),
    }
    segments, _ = extract(pptx({"slide1": shape(par("x"))}, parts), PPTX)
    assert [(p.slide, p.part) for p in places_of(segments, SSN)] == [(None, "slide")]
    assert [(p.member, p.cell) for p in places_of(segments, IBAN)] == [(("ppt/embeddings/book.xlsx",), "B2")]


def test_broken_slide_costs_that_slide() -> None:
    data = pptx({"slide1": shape(par(MAIL)) + "<broken", "slide2": shape(par(SSN))})
    segments, job = extract(data, PPTX)
    assert MAIL in text_of(segments)
    assert [p.slide for p in places_of(segments, SSN)] == [2]
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_cut_and_encrypted_packages() -> None:
    data = pptx({"slide1": shape(par(MAIL))})
    segments, job = extract(data[: data.index(b"PK\x01\x02")], PPTX)
    assert [p.slide for p in places_of(segments, MAIL)] == [1]
    assert job.budget.notes[0].startswith("MALFORMED_FILE")
    with pytest.raises(Malformed):
        extract(data[:20], PPTX)
    locked = bytearray(data)
    locked[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Encrypted):
        extract(bytes(locked), PPTX)


def test_any_damage_costs_one_object() -> None:
    good = pptx({"slide1": shape(par(MAIL))}, {"ppt/slides/_rels/slide1.xml.rels": rels("../charts/chart1.xml")})
    dice = random.Random(17)
    for _ in range(200):
        data = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            extract(bytes(data), PPTX)
        except ObjectError:
            continue
