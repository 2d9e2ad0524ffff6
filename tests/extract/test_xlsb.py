from __future__ import annotations

import io
import random
import struct

from python_calamine import CalamineWorkbook

from piiscan.errors import ObjectError
from piiscan.model import ColumnSegment
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of, zipped

XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
_R = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def rec(kind: int, body: bytes = b"") -> bytes:
    """A BIFF12 record."""
    head = bytes((kind,)) if kind < 128 else bytes((kind & 0x7F | 0x80, kind >> 7))
    size, out = len(body), b""
    while True:
        out += bytes((size & 0x7F | (0x80 if size > 0x7F else 0),))
        size >>= 7
        if not size:
            return head + out + body


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def row(number: int) -> bytes:
    return rec(0, struct.pack("<IIHB", number, 0, 300, 0) + bytes(6))


def cell(column: int, kind: int, value: bytes, style: int = 0) -> bytes:
    return rec(kind, struct.pack("<II", column, style) + value)


def xlsb(sheet: bytes, *, strings: tuple[str, ...] = (), parts: dict[str, str | bytes] | None = None) -> bytes:
    """A binary workbook of one sheet, given as the records of its cells."""
    made: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.bin": rec(131) + rec(143) + rec(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Staff"))
        + rec(144) + rec(39, struct.pack("<IBI", 0, 0, 0xFFFFFFFF) + wide("Payroll") + bytes(8)) + rec(132),
        "xl/_rels/workbook.bin.rels": f'<Relationships {_R}><Relationship Id="rId1" Type="{_OFFICE}/worksheet" '
        'Target="worksheets/sheet1.bin"/></Relationships>',
        "xl/worksheets/sheet1.bin": rec(129) + rec(148, bytes(16)) + rec(145) + sheet + rec(146) + rec(130),
    }  # fmt: skip
    if strings:
        items = b"".join(rec(19, b"\0" + wide(text)) for text in strings)
        made["xl/sharedStrings.bin"] = rec(159, struct.pack("<II", len(strings), len(strings))) + items + rec(160)
    return zipped({**made, **(parts or {})})


def test_sheet_with_header_goes_by_columns() -> None:
    sheet = (
        row(2) + cell(1, 6, wide("Name")) + cell(2, 6, wide("SSN")) + cell(3, 6, wide("City"))
        + row(3) + cell(1, 6, wide("Ana")) + cell(2, 7, struct.pack("<I", 0)) + cell(3, 6, wide("Rome"))
        + row(4) + cell(1, 6, wide("Ben")) + cell(3, 6, wide("Bonn"))
    )  # fmt: skip
    data = xlsb(sheet, strings=(SSN, MAIL))
    segments, job = extract(data, XLSB)
    (place,) = places_of(segments, SSN)
    assert (place.sheet, place.cell, place.row, place.column_name) == ("Staff", "C4", 1, "SSN")
    assert sum(isinstance(s, ColumnSegment) for s in segments) == 3
    assert [p.part for p in places_of(segments, MAIL)] == ["sharedStrings"]
    assert [p.part for p in places_of(segments, "Payroll")] == ["workbook"]
    assert job.budget.notes == []
    # Another reader sees the same sheet in what was made here.
    other = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("Staff")
    assert (other.start, other.to_python()[1]) == ((2, 1), ["Ana", SSN, "Rome"])


def test_numbers_formulas_and_far_corner() -> None:
    styles = rec(617) + rec(47, struct.pack("<HH", 0, 0)) + rec(47, struct.pack("<HH", 0, 14)) + rec(618)
    sheet = (
        row(0) + cell(0, 5, struct.pack("<d", 4111111111111111)) + cell(1, 5, struct.pack("<d", 29280), 1)
        + cell(2, 2, struct.pack("<I", 150 << 2 | 3)) + cell(3, 8, wide(SSN) + bytes(10)) + cell(4, 4, b"\1")
        + row(1048575) + cell(16383, 6, wide(IBAN))
    )  # fmt: skip
    segments, _ = extract(xlsb(sheet, parts={"xl/styles.bin": styles}), XLSB)
    assert f"4111111111111111\t1980-02-29\t1.5\t{SSN}\tTRUE" in text_of(segments)
    assert [p.cell for p in places_of(segments, IBAN)] == ["XFD1048576"]


def test_comments_links_and_headers() -> None:
    at = struct.pack("<IIII", 6, 6, 27, 27)
    comments = rec(632, wide("Au Thor")) + rec(635, struct.pack("<I", 0) + at + bytes(16)) + rec(637, b"\0" + wide(SSN))
    link = rec(494, at + wide("r9") + wide("") + wide("tip") + wide("shown"))
    foot = rec(479, struct.pack("<HI", 0, 0xFFFFFFFF) + wide(f"&C&12 {IBAN}"))
    parts: dict[str, str | bytes] = {
        "xl/comments1.bin": comments,
        "xl/worksheets/_rels/sheet1.bin.rels": f'<Relationships {_R}><Relationship Id="r1" Target="../comments1.bin"/>'
        f'<Relationship Id="r9" TargetMode="External" Target="mailto:{MAIL}"/></Relationships>',
    }
    segments, _ = extract(xlsb(row(0) + cell(0, 6, wide("x")) + link + foot, parts=parts), XLSB)
    assert [(p.sheet, p.cell, p.part) for p in places_of(segments, SSN)] == [("Staff", "AB7", "comment")]
    assert [(p.sheet, p.cell, p.part) for p in places_of(segments, MAIL)] == [("Staff", "AB7", "hyperlink")]
    assert [(p.sheet, p.part) for p in places_of(segments, IBAN)] == [("Staff", "footer")]
    assert "Au Thor" in text_of(segments)


def test_any_damage_costs_one_object() -> None:
    sheet = row(0) + cell(0, 6, wide(MAIL)) + cell(1, 7, struct.pack("<I", 0)) + cell(2, 5, struct.pack("<d", 5))
    dice = random.Random(19)
    for _ in range(300):
        records = bytearray(sheet)
        for _ in range(dice.randint(1, 6)):
            records[dice.randrange(len(records))] = dice.randrange(256)
        try:
            extract(xlsb(bytes(records), strings=(SSN,)), XLSB)
        except ObjectError:
            continue
