from __future__ import annotations

import io
import random
import zipfile

import pytest

from piiscan.errors import Malformed, ObjectError
from piiscan.identify import identify
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of

EPUB = "application/epub+zip"
CONTAINER = '<container><rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>'
PACKAGE = f"""<package><metadata><dc:creator>{MAIL}</dc:creator></metadata><manifest>
<item id="b" href="two%20b.xhtml" media-type="application/xhtml+xml"/>
<item media-type="application/xhtml+xml" href="../one.xhtml" id="a"/>
<item id="c" href="style.css" media-type="text/css"/></manifest>
<spine><itemref idref="b"/><itemref idref="a"/><itemref idref="none"/></spine></package>"""


def book(**more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("one.xhtml", f"<html><body><p>first</p>\n<p>{SSN}</p></body></html>")
        archive.writestr("OEBPS/two b.xhtml", "<html><body><p>second page</p></body></html>")
        archive.writestr("OEBPS/loose.html", f"<p>{IBAN}</p>")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/content.opf", PACKAGE)
        for name, data in more.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_pages_in_reading_order() -> None:
    data = book(notes=b"note zoe@example.org")
    assert identify(io.BytesIO(data), "x").media_type == EPUB
    segments, job = extract(data, EPUB)
    assert [(p.part, p.member, p.line) for p in places_of(segments, SSN)] == [("one.xhtml", ("one.xhtml",), 2)]
    assert [p.part for p in places_of(segments, IBAN)] == ["OEBPS/loose.html"]
    assert [p.member for p in places_of(segments, MAIL)] == [("OEBPS/content.opf",)]
    assert [p.member for p in places_of(segments, "zoe@example.org")] == [("notes",)]
    text = text_of(segments)
    assert text.index("second page") < text.index("first") < text.index(IBAN)
    assert job.budget.notes == []


def test_a_broken_page_and_a_broken_directory() -> None:
    data = book()
    at = data.index(b"one.xhtml") + len(b"one.xhtml") + 10
    segments, job = extract(data[:at] + b"\xff\xff\xff" + data[at + 3 :], EPUB)
    assert "second page" in text_of(segments)
    assert [note.partition(":")[0] for note in job.budget.notes] == ["MALFORMED_FILE"]
    segments, _ = extract(data[: data.rindex(b"PK\1\2")], EPUB)
    assert SSN in text_of(segments)
    with pytest.raises(Malformed):
        extract(data[:20], EPUB)


def test_damage_gives_object_errors_only() -> None:
    whole, rng = book(), random.Random(6)
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            extract(bytes(data), EPUB)
        except ObjectError:
            continue
