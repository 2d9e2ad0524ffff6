from __future__ import annotations

import random

import pytest

from fixtures.writers.opendocument import ODP, ODS, ODT, package, row, sheet, text_cell, typed
from piiscan.errors import Encrypted, LimitReached, Malformed, ObjectError
from piiscan.extract import Limits
from tests.extract.make import IBAN, MAIL, SSN, cell, extract, places_of, text_of, xlsx


def test_paragraphs_are_counted_and_joined() -> None:
    body = (
        "<text:h>Head</text:h><text:p>a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p>"
        "<text:p><text:span>078-</text:span>05-<text:span>11<text:span>20</text:span></text:span></text:p>"
    )
    segments, job = extract(package(ODT, body), ODT)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.paragraph) == ("body", 3)
    assert "a  b\tc\nd" in text_of(segments)
    assert job.budget.notes == []


def test_notes_comments_changes_links_and_boxes() -> None:
    note = f"<text:note><text:note-citation>1</text:note-citation><text:p>{MAIL}</text:p></text:note>"
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><office:change-info><dc:creator>Dee Leter"
        f"</dc:creator></office:change-info><text:p>{SSN}</text:p></text:deletion></text:changed-region>"
        "</text:tracked-changes>"
        f"<text:p>be{note}fore<office:annotation><dc:creator>Com Menter</dc:creator><text:p>{IBAN}</text:p>"
        "</office:annotation> <text:a xlink:href='mailto:x.y%40example.org'>here</text:a></text:p>"
        "<text:p><draw:frame><draw:text-box><text:p>Box text</text:p></draw:text-box><svg:desc>Alt text</svg:desc>"
        "</draw:frame>around</text:p>"
    )
    segments, _ = extract(package(ODT, body), ODT)
    assert [p.part for p in places_of(segments, SSN)] == ["deleted"]
    assert [p.part for p in places_of(segments, MAIL)] == ["note"]
    assert [p.part for p in places_of(segments, IBAN)] == ["comment"]
    assert [p.part for p in places_of(segments, "Com Menter")] == ["comment"]
    assert [(p.part, p.paragraph) for p in places_of(segments, "before here")] == [("body", 1)]
    assert [(p.part, p.paragraph) for p in places_of(segments, "around")] == [("body", 2)]
    for text in ("Dee Leter", "x.y@example.org", "Box text", "Alt text", "before here", "around"):
        assert text_of(segments).count(text) == 1


def test_table_of_a_text_goes_by_columns() -> None:
    rows = [["Name", "SSN", "City"], ["Ana", SSN, "Rome"], ["Ben", "", "Bonn"]]
    xml = "".join(row(*(text_cell(c) for c in line)) for line in rows)
    segments, _ = extract(package(ODT, f"<text:p>x</text:p>{sheet('T', xml)}<text:p>after</text:p>"), ODT)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.table, place.row, place.column_name) == ("body", "1", 1, "SSN")
    assert [p.table for p in places_of(segments, "after")] == [None]


def test_headers_metadata_and_inner_documents() -> None:
    styles = (
        "<office:document-styles {NS}><office:master-styles><style:master-page><style:header>"
        f"<text:p>{SSN}</text:p></style:header><style:footer><text:p>{IBAN}</text:p></style:footer>"
        "</style:master-page></office:master-styles></office:document-styles>"
    )
    chart = "<office:document-content {NS}><text:p>Chart text</text:p></office:document-content>"
    inner = xlsx({"S": f'<row r="1">{cell("B2", MAIL)}</row>'})
    parts: dict[str, str | bytes] = {
        "styles.xml": styles,
        "meta.xml": "<m xmlns:dc='d'><dc:creator>Prop One</dc:creator></m>",
        "Object 1/content.xml": chart,
        "Object 2": inner,
        "Basic/Standard/Module1.xml": "<m>dim password</m>",
    }
    segments, _ = extract(package(ODT, "<text:p>x</text:p>", parts), ODT)
    assert [p.part for p in places_of(segments, SSN)] == ["header"]
    assert [p.part for p in places_of(segments, IBAN)] == ["footer"]
    assert [p.part for p in places_of(segments, "Prop One")] == ["properties"]
    assert [p.part for p in places_of(segments, "Chart text")] == ["object"]
    assert [p.part for p in places_of(segments, "dim password")] == ["macro"]
    assert [(p.member, p.cell) for p in places_of(segments, MAIL)] == [(("Object 2",), "B2")]


def test_sheet_with_repeats_keeps_its_references() -> None:
    empty = '<table:table-cell table:number-columns-repeated="3"/>'
    rows = (
        row(empty, more='table:number-rows-repeated="4"')
        + row(empty, text_cell("Name"), text_cell("SSN"), text_cell("City"))
        + row(empty, text_cell("Ana"), text_cell(SSN), text_cell("Rome"))
        + row(empty, text_cell("Ben"), text_cell("078-05-1121", 'table:number-columns-repeated="2"'))
        + row(empty, text_cell(MAIL), more='table:number-rows-repeated="3"')
        + row(text_cell(IBAN))
        + row('<table:table-cell table:number-columns-repeated="16384"/>', more='table:number-rows-repeated="1048560"')
    )
    segments, job = extract(package(ODS, sheet("Staff", rows)), ODS)
    (place,) = places_of(segments, SSN)
    assert (place.sheet, place.cell, place.row, place.column_name) == ("Staff", "E6", 1, "SSN")
    assert [p.cell for p in places_of(segments, "078-05-1121")] == ["E7", "F7"]
    assert [p.cell for p in places_of(segments, MAIL)] == ["D8", "D9", "D10"]
    assert [p.cell for p in places_of(segments, IBAN)] == ["A11"]
    assert job.budget.notes == []


def test_numbers_dates_and_formulas() -> None:
    cells = (
        typed("float", 'office:value="4111111111111111"', "<text:p>4.11E+15</text:p>")
        + typed("date", 'office:date-value="1980-02-29"', "<text:p>29. Feb 80</text:p>")
        + typed("float", 'office:value="1234.5"', "<text:p>1,234.5</text:p>")
        + typed(
            "string",
            f'table:formula="of:=HYPERLINK(&quot;mailto:{MAIL}&quot;)"',
            f"<text:p>w</text:p><office:annotation><text:p>{SSN}</text:p></office:annotation>",
        )
    )
    segments, _ = extract(package(ODS, sheet("S", row(cells)) + sheet("Hidden", row(text_cell(IBAN)))), ODS)
    assert "4111111111111111\t1980-02-29\t1,234.5\tw" in text_of(segments)
    assert [p.cell for p in places_of(segments, "29. Feb 80")] == ["B1"]
    assert [(p.cell, p.part) for p in places_of(segments, MAIL)] == [("D1", "formula")]
    assert [(p.sheet, p.cell, p.part) for p in places_of(segments, SSN)] == [("S", "D1", "comment")]
    assert [(p.sheet, p.cell, p.part) for p in places_of(segments, IBAN)] == [("Hidden", "A1", None)]


def test_repeats_are_bounded() -> None:
    cells = "".join(text_cell("x", 'table:number-columns-repeated="16384"') for _ in range(50))
    with pytest.raises(LimitReached):
        extract(package(ODS, sheet("S", row(cells, more='table:number-rows-repeated="999999999"'))), ODS,
                limits=Limits(cells=1_000_000))  # fmt: skip


def test_slides_and_their_notes() -> None:
    def page(text: str, notes: str) -> str:
        frame = f"<draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"
        notes = f"<presentation:notes><draw:frame><text:p>{notes}</text:p></draw:frame></presentation:notes>"
        return f"<draw:page draw:name='P'>{frame}{notes}</draw:page>"

    segments, _ = extract(package(ODP, page("one", MAIL) + page(SSN, "two")), ODP)
    assert [(p.slide, p.part) for p in places_of(segments, SSN)] == [(2, "slide")]
    assert [(p.slide, p.part) for p in places_of(segments, MAIL)] == [(1, "notes")]


def test_password_is_said_so() -> None:
    entry = '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
    manifest = f"<manifest:manifest {{NS}}>{entry}</manifest:manifest>"
    with pytest.raises(Encrypted):
        extract(package(ODT, "<text:p>x</text:p>", {"META-INF/manifest.xml": manifest}), ODT)


def test_entities_and_depth_lose_no_text() -> None:
    head = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    segments, job = extract(package(ODT, f"<text:p>{MAIL}&e;</text:p>", head=head), ODT)
    assert MAIL in text_of(segments)
    assert "root:" not in text_of(segments)
    assert job.budget.notes
    deep = "<text:section>" * 2_000 + f"<text:p>{SSN}</text:p>" + "</text:section>" * 2_000
    segments, job = extract(package(ODT, deep), ODT)
    assert SSN in text_of(segments)
    assert job.budget.notes


def test_cut_package_is_read_as_far_as_it_goes() -> None:
    data = package(ODT, f"<text:p>{MAIL}</text:p>")
    segments, job = extract(data[: data.index(b"PK\x01\x02")], ODT)
    assert [(p.part, p.paragraph) for p in places_of(segments, MAIL)] == [("body", 1)]
    assert job.budget.notes[0].startswith("MALFORMED_FILE")
    with pytest.raises(Malformed):
        extract(data[:20], ODT)


def test_any_damage_costs_one_object() -> None:
    good = package(ODS, sheet("S", row(text_cell(MAIL), text_cell(SSN))), {"meta.xml": "<m>x</m>"})
    dice = random.Random(13)
    for _ in range(200):
        data = bytearray(good)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            extract(bytes(data), ODS)
        except ObjectError:
            continue
