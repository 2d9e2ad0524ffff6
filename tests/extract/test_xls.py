from __future__ import annotations

import io
import struct

import pytest
from python_calamine import CalamineWorkbook

from fixtures.writers.ole import (
    biff_string,
    compound,
    drawn,
    label,
    note,
    number,
    older_workbook,
    packed,
    property_set,
    record,
    shared,
    workbook,
)
from piiscan.errors import Encrypted, LimitReached
from piiscan.extract import Limits
from piiscan.model import ColumnSegment
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of
from tests.extract.mutate import withstands

XLS = "application/vnd.ms-excel"


def xls(stream: bytes, **more: bytes) -> bytes:
    return compound({"Workbook": stream, **more})


def test_sheet_with_header_goes_by_columns() -> None:
    rows = [
        label(2, 1, "Name"), label(2, 2, "SSN"), label(2, 3, "City"),
        label(3, 1, "Ana"), shared(3, 2, 0), label(3, 3, "Rome"),
        label(4, 1, "Ben"), label(4, 3, "Bonn"),
    ]  # fmt: skip
    data = xls(workbook({"Staff": b"".join(rows)}, strings=[SSN]))
    segments, job = extract(data, XLS)
    (place,) = places_of(segments, SSN)
    assert (place.sheet, place.cell, place.row, place.column_name) == ("Staff", "C4", 1, "SSN")
    assert [(s.header, list(s.values)) for s in segments if isinstance(s, ColumnSegment)] == [
        ("Name", ["Ana", "Ben"]),
        ("SSN", [SSN]),
        ("City", ["Rome", "Bonn"]),
    ]
    assert job.budget.notes == []
    # Another reader sees the same sheet in what was made here.
    other = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("Staff")
    assert (other.start, other.to_python()[0][-2:]) == ((2, 1), ["SSN", "City"])


def test_hidden_sheet_and_far_corner() -> None:
    sheets = {"Front": label(0, 0, "x"), "Back": label(0, 0, MAIL) + label(65535, 255, IBAN)}
    segments, _ = extract(xls(workbook(sheets, hidden=["Back"])), XLS)
    assert [(p.sheet, p.cell) for p in places_of(segments, MAIL)] == [("Back", "A1")]
    assert [(p.sheet, p.cell) for p in places_of(segments, IBAN)] == [("Back", "IV65536")]


def test_numbers_as_their_reader_sees_them() -> None:
    rk = struct.pack("<HHHIHIH", 1, 0, 0, 150 << 2 | 3, 0, 0x40000000, 1)
    cells = number(0, 0, 4111111111111111.0) + number(0, 1, 29280, 1) + record(0x00BD, rk)
    formats = record(0x00E0, struct.pack("<HH", 0, 0)) + record(0x00E0, struct.pack("<HH", 0, 164))
    formats = record(0x041E, struct.pack("<H", 164) + biff_string("dd/mm/yyyy")) + formats
    segments, _ = extract(xls(workbook({"S": cells}, globals_=formats)), XLS)
    assert "4111111111111111\t1980-02-29" in text_of(segments)
    assert "1.5\t2" in text_of(segments)


def test_formula_with_a_text_and_a_literal() -> None:
    formula = b"\x17" + biff_string("mailto:" + MAIL, count=1, wide=False)
    head = struct.pack("<HHHB", 4, 2, 0, 0) + bytes(5) + b"\xff\xff" + bytes(6) + struct.pack("<H", len(formula))
    cells = record(0x0006, head + formula) + record(0x0207, biff_string(SSN))
    segments, _ = extract(xls(workbook({"S": cells})), XLS)
    assert [p.cell for p in places_of(segments, SSN)] == ["C5"]
    assert [(p.cell, p.part) for p in places_of(segments, MAIL)] == [("C5", "formula")]


def test_strings_that_go_on_in_other_records() -> None:
    # The characters of one string lie in two records, narrow in the second one.
    text = "k" * 20 + SSN
    table = struct.pack("<II", 3, 3) + biff_string("first") + struct.pack("<HB", len(text), 1)
    table = record(0x00FC, table + text[:20].encode("utf-16-le")) + record(0x003C, b"\0" + text[20:].encode())
    table += record(0x003C, biff_string(MAIL, wide=False))
    stream = workbook({"S": shared(0, 0, 1)}, globals_=table)
    segments, job = extract(xls(stream), XLS)
    assert [p.cell for p in places_of(segments, text)] == ["A1"]
    assert [p.part for p in places_of(segments, MAIL)] == ["sharedStrings"]  # no cell shows it any more
    assert job.budget.notes == []


def test_notes_text_boxes_links_and_headers() -> None:
    link = struct.pack("<HHHH", 1, 1, 3, 3) + bytes(24) + f"mailto:{MAIL}".encode("utf-16-le")
    footer = record(0x0015, biff_string(f'&L&"Arial,Bold"&12 Desk &C{IBAN}'))
    body = (
        label(0, 0, "x")
        + drawn(9, SSN)
        + drawn(10, "Box text")
        + note(6, 27, 9, "Au Thor")
        + record(0x01B8, link)
        + footer
    )
    segments, _ = extract(xls(workbook({"S": body})), XLS)
    assert [(p.cell, p.part) for p in places_of(segments, SSN)] == [("AB7", "comment")]
    assert [(p.cell, p.part) for p in places_of(segments, "Au Thor")] == [("AB7", "comment")]
    assert [(p.sheet, p.part) for p in places_of(segments, "Box text")] == [("S", "drawing")]
    assert [(p.cell, p.part) for p in places_of(segments, MAIL)] == [("D2", "hyperlink")]
    assert [(p.sheet, p.part) for p in places_of(segments, IBAN)] == [("S", "footer")]


def test_names_caches_and_properties() -> None:
    name = struct.pack("<HBBHHHBBBB", 0, 0, 7, 0, 0, 0, 0, 0, 0, 0) + b"\0" + b"Payroll"
    cached = struct.pack("<BBH", 0, 0, 0) + b"\2" + biff_string(SSN)
    user = record(0x005C, biff_string("U Ser".ljust(20), wide=False))
    stream = workbook({"S": label(0, 0, "x")}, globals_=record(0x0018, name) + record(0x005A, cached) + user)
    cache = record(0x00CD, biff_string(IBAN))
    data = compound(
        {
            "Workbook": stream,
            "_SX_DB_CUR/0001": cache,
            "\x05SummaryInformation": property_set({4: "Prop Author"}),
            "\x05DocumentSummaryInformation": property_set({2: MAIL}, {2: "Owner"}),
        }
    )
    segments, _ = extract(data, XLS)
    assert [p.part for p in places_of(segments, "Payroll")] == ["workbook"]
    assert [p.part for p in places_of(segments, SSN)] == ["externalLink"]
    assert [p.part for p in places_of(segments, "U Ser")] == ["author"]
    assert [p.part for p in places_of(segments, IBAN)] == ["pivotCache"]
    assert [(p.part, p.path) for p in places_of(segments, "Prop Author")] == [("properties", "author")]
    assert [(p.part, p.path) for p in places_of(segments, MAIL)] == [("properties", "Owner")]


def test_embedded_files_and_documents() -> None:
    inner = workbook({"Inner": label(1, 1, IBAN)})
    data = compound(
        {
            "Workbook": workbook({"S": label(0, 0, "x")}),
            "MBD0001/\x01Ole10Native": packed("note.txt", f"mail {MAIL}".encode()),
            "MBD0002/Workbook": inner,
        }
    )
    segments, job = extract(data, XLS)
    assert [p.member for p in places_of(segments, MAIL)] == [("note.txt",)]
    assert [(p.member, p.sheet, p.cell) for p in places_of(segments, IBAN)] == [(("MBD0002",), "Inner", "B2")]
    assert "C:\\Temp\\note.txt" in text_of(segments)
    assert job.budget.notes == []


def test_older_workbook_in_its_code_page() -> None:
    segments, _ = extract(older_workbook({(1, 2): "Иван Тест"}, "cp1251"), XLS)
    assert [(p.sheet, p.cell) for p in places_of(segments, "Иван Тест")] == [("S", "C2")]


def test_password_is_said_so() -> None:
    with pytest.raises(Encrypted):
        extract(xls(workbook({"S": label(0, 0, MAIL)}, globals_=record(0x002F, bytes(6)))), XLS)


def test_cell_limit() -> None:
    rows = b"".join(label(n, 0, "x") for n in range(50))
    with pytest.raises(LimitReached):
        extract(xls(workbook({"S": rows})), XLS, limits=Limits(cells=20))


def test_cut_file_is_read_as_printable_runs() -> None:
    data = xls(workbook({"S": label(0, 0, MAIL) + b"".join(label(n, 0, "pad" * 50) for n in range(1, 99))}))
    segments, job = extract(data[:4096], XLS)
    assert MAIL in text_of(segments)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_any_damage_costs_one_object() -> None:
    rows = label(0, 0, "Name") + label(0, 1, "SSN") + shared(1, 0, 0) + number(1, 1, 5) + label(2, 0, MAIL)
    good = xls(workbook({"S": rows}, strings=[SSN, IBAN]), **{"\x05SummaryInformation": property_set({4: "A"})})
    withstands(good, XLS, 5)
