from __future__ import annotations

import io
import random
import zipfile
import zlib
from typing import Any

import pytest

from piiscan.errors import Encrypted, LimitReached, Malformed
from piiscan.extract import Limits
from piiscan.model import ColumnSegment
from tests.extract.make import (
    DOCX,
    IBAN,
    MAIL,
    SSN,
    XLSX,
    cell,
    docx,
    extract,
    paragraph,
    places_of,
    text_of,
    word_table,
    xlsx,
    zipped,
)


def test_runs_are_joined_per_paragraph() -> None:
    segments, job = extract(docx(paragraph("one") + paragraph("078-", "05-", "1120")), DOCX)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.paragraph) == ("body", 2)
    assert job.budget.notes == []


@pytest.mark.parametrize(
    ("name", "root", "part"),
    [
        ("word/header1.xml", "hdr", "header"),
        ("word/footer1.xml", "ftr", "footer"),
        ("word/footnotes.xml", "footnotes", "footnote"),
        ("word/endnotes.xml", "endnotes", "endnote"),
        ("word/comments.xml", "comments", "comment"),
    ],
)
def test_parts_around_the_body(name: str, root: str, part: str) -> None:
    xml = f"<w:{root} {{W}}>{paragraph(MAIL)}</w:{root}>"
    segments, _ = extract(docx(paragraph("x"), {name: xml}), DOCX)
    assert [(p.part, p.paragraph) for p in places_of(segments, MAIL)] == [(part, 1)]


def test_hidden_text_of_a_document() -> None:
    body = (
        f"<w:p><w:del><w:r><w:delText>{SSN}</w:delText></w:r></w:del></w:p>"
        "<w:p><w:r><w:t>see </w:t></w:r>"
        '<w:r><w:instrText> HYPERLINK "mailto:ana.prueba%40example.org" </w:instrText></w:r>'
        "<w:r><w:t>here</w:t></w:r></w:p>"
        f"<w:p><w:r><mc:AlternateContent><mc:Choice>{paragraph(IBAN)}</mc:Choice>"
        f"<mc:Fallback>{paragraph(IBAN)}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    parts = {
        "docProps/core.xml": "<p><creator>Prop One</creator></p>",
        "customXml/item1.xml": "<c><id>Custom Two</id></c>",
        "word/_rels/document.xml.rels": (
            "<Relationships><Relationship TargetMode='External' Target='tel:+15550100'/></Relationships>"
        ),
    }
    segments, _ = extract(docx(body, parts), DOCX)
    for value in (SSN, MAIL, IBAN, "Prop One", "Custom Two", "+15550100", "see here"):
        assert text_of(segments).count(value) == 1


def test_word_table_with_header_goes_by_columns() -> None:
    rows = [["Name", "SSN", "City"], ["Ana", SSN, "Rome"], ["Ben", SSN[:-1] + "1", "Bonn"]]
    segments, _ = extract(docx(paragraph("before") + word_table(rows) + paragraph("after")), DOCX)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.table, place.row, place.column_name) == ("body", "1", 1, "SSN")
    assert "before" in text_of(segments)
    assert "after" in text_of(segments)


def test_word_form_keeps_label_beside_value() -> None:
    segments, _ = extract(docx(word_table([["Name", "Ana"], ["SSN", SSN], ["Mail", MAIL]])), DOCX)
    assert f"SSN\t{SSN}" in text_of(segments)
    assert places_of(segments, SSN)[0].table == "1"


def test_nested_word_table_loses_nothing() -> None:
    inner = word_table([[SSN]])
    body = f"<w:tbl><w:tr><w:tc>{paragraph('outer')}{inner}{paragraph('end')}</w:tc></w:tr></w:tbl>"
    segments, _ = extract(docx(body), DOCX)
    assert [text_of(segments).count(w) for w in ("outer", SSN, "end")] == [1, 1, 1]


def test_embedded_files_are_read() -> None:
    inner = xlsx({"S": f'<row r="1">{cell("B2", IBAN)}</row>'})
    segments, _ = extract(docx(paragraph("x"), {"word/embeddings/sheet.xlsx": inner}), DOCX)
    (place,) = places_of(segments, IBAN)
    assert (place.member, place.cell) == (("word/embeddings/sheet.xlsx",), "B2")


@pytest.mark.parametrize("entity", ['SYSTEM "file:///etc/passwd"', '"' + "q" * 1000 + '"'])
def test_document_type_is_refused(entity: str) -> None:
    data = docx(paragraph(MAIL) + paragraph("&e;" * 50), doctype=f"<!DOCTYPE x [<!ENTITY e {entity}>]>")
    segments, job = extract(data, DOCX)
    assert MAIL in text_of(segments)
    assert "root:" not in text_of(segments)
    assert "q" * 1000 not in text_of(segments)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_tables_nested_too_deeply() -> None:
    depth = 2_000
    body = "<w:tbl><w:tr><w:tc>" * depth + paragraph(SSN) + "</w:tc></w:tr></w:tbl>" * depth
    segments, job = extract(docx(paragraph("first") + body), DOCX)
    assert text_of(segments).count("first") == 1
    assert SSN in text_of(segments)
    assert job.budget.notes


def test_part_that_breaks_off_is_read_to_its_end() -> None:
    data = zipped({"word/document.xml": f"<w:document xmlns:w='w'><w:p><w:t>{MAIL}</w:t></w:p><w:p><w:t>{SSN}"})
    segments, job = extract(data, DOCX)
    assert MAIL in text_of(segments)
    assert SSN in text_of(segments)
    assert job.budget.notes


@pytest.mark.parametrize("descriptors", [False, True])
def test_cut_package_is_read_as_far_as_it_goes(descriptors: bool) -> None:
    dice = random.Random(1)
    body = paragraph(MAIL) + "".join(paragraph(f"{dice.random()}") for _ in range(5_000))
    comments = f"<w:comments {{W}}>{paragraph(SSN)}</w:comments>"
    data = docx(body, {"word/comments.xml": comments})
    if descriptors:
        out = io.BytesIO()
        with zipfile.ZipFile(Unseekable(out), "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("word/comments.xml", comments.replace("{W}", "xmlns:w='w'"))
            file.writestr("word/document.xml", f"<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>")
        data = out.getvalue()
    segments, job = extract(data[: len(data) * 3 // 4], DOCX)
    assert MAIL in text_of(segments)
    assert job.budget.notes[0].startswith("MALFORMED_FILE: the package has no readable directory")
    if descriptors:
        assert [(p.part, p.paragraph) for p in places_of(segments, SSN)] == [("comment", 1)]


class Unseekable(io.RawIOBase):
    """A sink for a zip whose sizes stand behind the data, as streaming writers make it."""

    def __init__(self, out: io.BytesIO) -> None:
        self.out = out

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.out.write(data)


def test_damaged_zip_is_malformed() -> None:
    with pytest.raises(Malformed):
        extract(bytes(500), DOCX)


def test_encrypted_zip_is_said_so() -> None:
    data = bytearray(docx(paragraph(MAIL)))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    with pytest.raises(Encrypted):
        extract(bytes(data), DOCX)


def test_part_limit() -> None:
    with pytest.raises(LimitReached):
        extract(docx(paragraph("z" * 100_000)), DOCX, limits=Limits(part_bytes=50_000))


def test_sheet_with_header_goes_by_columns() -> None:
    rows = (
        f'<row r="2">{cell("A2", "Name")}{cell("B2", "SSN")}{cell("C2", "Mail")}</row>'
        f'<row r="3">{cell("A3", "Ana")}{cell("B3", SSN)}</row><row r="5">{cell("A5", "Ben")}{cell("C5", MAIL)}</row>'
    )
    segments, job = extract(xlsx({"Staff": rows}), XLSX)
    columns = {s.header: list(s.values) for s in segments if isinstance(s, ColumnSegment)}
    assert columns == {"Name": ["Ana", "Ben"], "SSN": [SSN], "Mail": [MAIL]}
    (place,) = places_of(segments, SSN)
    assert (place.sheet, place.cell, place.row, place.column_name) == ("Staff", "B3", 1, "SSN")
    assert [(p.cell, p.row) for p in places_of(segments, MAIL)] == [("C5", 3)]
    assert job.budget.notes == []


def test_title_above_the_header() -> None:
    rows = (
        f'<row r="1">{cell("A1", "Staff list")}</row>'
        f'<row r="3">{cell("A3", "Name")}{cell("B3", "SSN")}{cell("C3", "City")}</row>'
        f'<row r="4">{cell("A4", "Ana")}{cell("B4", SSN)}{cell("C4", "Rome")}</row>'
    )
    segments, _ = extract(xlsx({"S": rows}), XLSX)
    (place,) = places_of(segments, SSN)
    assert (place.cell, place.row, place.column_name) == ("B4", 1, "SSN")
    assert "Staff list" in text_of(segments)


def test_form_sheet_keeps_label_beside_value() -> None:
    rows = "".join(
        f'<row r="{n}">{cell(f"A{n}", label)}{cell(f"B{n}", value)}</row>'
        for n, (label, value) in enumerate([("Name", "Ana"), ("SSN", SSN), ("Mail", MAIL)], 1)
    )
    segments, _ = extract(xlsx({"S": rows}), XLSX)
    assert f"SSN\t{SSN}" in text_of(segments)
    assert [p.cell for p in places_of(segments, SSN)] == ["B2"]


def test_cells_without_references_are_counted() -> None:
    segments, _ = extract(xlsx({"S": f"<row>{cell('', 'x')}{cell('', MAIL)}</row><row>{cell('', SSN)}</row>"}), XLSX)
    assert [p.cell for p in places_of(segments, MAIL)] == ["B1"]
    assert [p.cell for p in places_of(segments, SSN)] == ["A2"]


def test_shared_strings() -> None:
    strings = f"<si><r><t>078-05</t></r><r><t>-1120</t></r><rPh><t>kana</t></rPh></si><si><t>{MAIL}</t></si>"
    segments, _ = extract(xlsx({"S": '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'}, strings=strings), XLSX)
    assert [(p.sheet, p.cell) for p in places_of(segments, SSN)] == [("S", "A1")]
    assert "kana" not in text_of(segments)
    assert [p.part for p in places_of(segments, MAIL)] == ["sharedStrings"]  # no cell shows it any more


def test_numbers_as_their_reader_sees_them() -> None:
    rows = (
        '<row r="1"><c r="A1"><v>4.1111111111111111E+15</v></c><c r="B1"><v>0.5</v></c><c r="C1" s="1"><v>29280</v></c>'
        '<c r="D1" t="b"><v>1</v></c><c r="E1" t="str"><f>A1</f><v>typed</v></c></row>'
    )
    styles = '<styleSheet {S}><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    segments, _ = extract(xlsx({"S": rows}, {"xl/styles.xml": styles}), XLSX)
    assert "4111111111111111\t0.5\t1980-02-29\tTRUE\ttyped" in text_of(segments)


def test_sparse_corner() -> None:
    rows = f'<row r="1">{cell("A1", MAIL)}</row><row r="1048576">{cell("XFD1048576", SSN)}</row>'
    segments, _ = extract(xlsx({"S": rows}), XLSX)
    assert [p.cell for p in places_of(segments, SSN)] == ["XFD1048576"]


def test_parts_around_a_sheet() -> None:
    parts = {
        "xl/comments1.xml": (
            "<comments {S}><authors><author>Au Thor</author></authors><commentList>"
            f'<comment ref="C7"><text><r><t>{SSN}</t></r></text></comment></commentList></comments>'
        ),
        "xl/worksheets/_rels/sheet1.xml.rels": (
            "<Relationships {R}><Relationship Id='a' Target='../comments1.xml'/>"
            "<Relationship Id='b' Target='../drawings/drawing1.xml'/></Relationships>"
        ),
        "xl/drawings/drawing1.xml": (
            f"<d xmlns:a='a'><a:p><a:r><a:t>{IBAN[:8]}</a:t></a:r><a:r><a:t>{IBAN[8:]}</a:t></a:r></a:p></d>"
        ),
        "xl/drawings/_rels/drawing1.xml.rels": "<R {R}><Relationship Id='c' Target='/xl/charts/chart1.xml'/></R>",
        "xl/charts/chart1.xml": "<c:c xmlns:c='c'><c:pt><c:v>Chart Name</c:v></c:pt></c:c>",
        "docProps/app.xml": "<P><Company>Prop</Company></P>",
    }
    rows = f'<row r="1">{cell("A1", "x")}<c r="B1" t="str"><f>HYPERLINK("mailto:{MAIL}")</f><v>write</v></c></row>'
    segments, _ = extract(xlsx({"Hid den": rows}, parts), XLSX)
    assert [(p.sheet, p.part, p.cell) for p in places_of(segments, SSN)] == [("Hid den", "comment", "C7")]
    assert [(p.sheet, p.part) for p in places_of(segments, IBAN)] == [("Hid den", "drawing")]
    assert [(p.sheet, p.part) for p in places_of(segments, "Chart Name")] == [("Hid den", "chart")]
    assert [(p.cell, p.part) for p in places_of(segments, MAIL)] == [("B1", "formula")]
    for word in ("Au Thor", "Prop", "Hid den"):
        assert word in text_of(segments)


def test_long_sheet_comes_in_pieces() -> None:
    head = f'<row r="1">{cell("A1", "Number")}{cell("B1", "Mail")}{cell("C1", "City")}</row>'
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c>{cell(f"B{n}", f"p{n}@example.org")}{cell(f"C{n}", "Rome")}</row>'
        for n in range(2, 25_002)
    )
    segments, _ = extract(xlsx({"S": head + rows}), XLSX)
    mails = [s for s in segments if isinstance(s, ColumnSegment) and s.header == "Mail"]
    assert [len(s.values) for s in mails] == [20_000, 5_000]
    assert [(p.cell, p.row) for p in places_of(mails, "p25001@example.org")] == [("B25001", 25_000)]


def test_cell_limit() -> None:
    rows = "".join(f"<row>{cell('', 'x')}</row>" for _ in range(50))
    with pytest.raises(LimitReached):
        extract(xlsx({"S": rows}), XLSX, limits=Limits(cells=20))


def test_part_without_a_name_is_passed_over() -> None:
    data = zipped({"word/document.xml": f"<w:document xmlns:w='w'>{paragraph(MAIL)}</w:document>", "z": "x"})
    at = data.rindex(b"PK\x01\x02")
    segments, _ = extract(data[: at + 28] + data[at + 28 :].replace(b"z", b"\0", 1), DOCX)
    assert MAIL in text_of(segments)


def test_hidden_attributes_of_a_document() -> None:
    body = (
        "<w:p><w:r><w:drawing><w:docPr id='1' name='Picture 1' descr='badge of Al Ternative'/></w:drawing></w:r></w:p>"
        "<w:p><w:ins w:author='Re Viser'><w:r><w:t>new</w:t></w:r></w:ins>"
        "<w:ins w:author='Re Viser'><w:r><w:t>er</w:t></w:r></w:ins></w:p>"
        f"<w:p><w:fldSimple w:instr=' HYPERLINK \"mailto:{MAIL}\" '><w:r><w:t>x</w:t></w:r></w:fldSimple></w:p>"
        "<w:p><w:sdt><w:sdtPr><w:dropDownList><w:listItem w:displayText='Cho Ice' w:value='1'/></w:dropDownList>"
        "</w:sdtPr></w:sdt></w:p>"
        "<w:p><w:r><w:pict><v:shape xmlns:v='v'><v:textpath string='WORD ART'/></v:shape></w:pict></w:r></w:p>"
    )
    parts = {
        "word/settings.xml": (
            f"<w:settings {{W}}><w:docVars><w:docVar w:name='Patient' w:val='{SSN}'/></w:docVars>"
            "<w:mailMerge><w:connectString w:val='Password=q'/></w:mailMerge></w:settings>"
        ),
        "word/people.xml": "<w:people {W}><w:person w:author='Per Son'/></w:people>",
        "word/afchunk.html": f"<p>{IBAN}</p>",
    }
    segments, _ = extract(docx(body, parts), DOCX)
    for text, part, number in (
        ("Al Ternative", "body", 1),
        ("Re Viser", "body", 2),
        (MAIL, "body", 3),
        ("Cho Ice", "body", 4),
        ("WORD ART", "body", 5),
        (SSN, "settings", None),
        ("Password=q", "settings", None),
        ("Per Son", "author", None),
    ):
        assert [(p.part, p.paragraph) for p in places_of(segments, text)] == [(part, number)], text
    assert [p.member for p in places_of(segments, IBAN)] == [("word/afchunk.html",)]


def test_links_prompts_labels_and_revisions_of_a_workbook() -> None:
    rows = f'<row r="1">{cell("A1", "x")}</row>'
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": (
            f"<Relationships {{R}}><Relationship Id='h1' TargetMode='External' Target='mailto:{MAIL}'/>"
            "<Relationship Id='v' Target='../drawings/vmlDrawing1.vml'/></Relationships>"
        ),
        "xl/drawings/vmlDrawing1.vml": "<xml xmlns:v='v'><v:textbox><div>But <br>Ton</div></v:textbox></xml>",
        "xl/revisions/revisionLog1.xml": f"<revisions><oc><is><t>{IBAN}</t></is></oc></revisions>",
        "xl/worksheets/sheet1.xml": (
            "<worksheet {S}><sheetData>" + rows + "</sheetData>"
            "<dataValidations><dataValidation sqref='C3:C9' prompt='Ask Me'><formula1>\"Ana,Ben\"</formula1>"
            "</dataValidation></dataValidations>"
            "<hyperlinks><hyperlink ref='B2' r:id='h1' tooltip='Tool Tip'/></hyperlinks>"
            f'<headerFooter><oddHeader>&amp;L&amp;"Arial"&amp;12 {SSN}</oddHeader></headerFooter></worksheet>'
        ),
    }
    segments, _ = extract(xlsx({"S": rows}, parts), XLSX)
    for text, cell_, part in (
        (MAIL, "B2", "hyperlink"),
        ("Tool Tip", "B2", "hyperlink"),
        ("Ask Me", "C3", "validation"),
        ("Ana,Ben", "C3", "validation"),
        (SSN, None, "header"),
        ("But Ton", None, "drawing"),
    ):
        assert [(p.sheet, p.cell, p.part) for p in places_of(segments, text)] == [("S", cell_, part)], text
    assert [p.part for p in places_of(segments, IBAN)] == ["revision"]
    assert "Arial" not in text_of(segments)


@pytest.mark.parametrize("text", ["some text", ""])
def test_metadata_of_pictures(text: str) -> None:
    picture = b"\x89PNG\r\n\x1a\n"
    for kind, body in (
        (b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0"),
        (b"tEXt", f"Author\0{MAIL}".encode()),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    ):
        picture += len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
    segments, job = extract(docx(paragraph(text), {"word/media/image1.png": picture}), DOCX)
    assert [p.member for p in places_of(segments, MAIL)] == [("word/media/image1.png",)]
    # Only a document that holds nothing but a picture was not read whole without OCR.
    assert [note.partition(":")[0] for note in job.budget.notes] == ([] if text else ["OCR"])
