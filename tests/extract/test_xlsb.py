from __future__ import annotations

import io
import random
import struct

from python_calamine import CalamineWorkbook

from fixtures.writers.xlsb import cell, comments, rec, row, sheet_links, wide, xlsb
from piiscan.errors import ObjectError
from piiscan.model import ColumnSegment
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of

XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"


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
    link = rec(494, at + wide("r9") + wide("") + wide("tip") + wide("shown"))
    foot = rec(479, struct.pack("<HI", 0, 0xFFFFFFFF) + wide(f"&C&12 {IBAN}"))
    parts: dict[str, str | bytes] = {
        "xl/comments1.bin": comments(6, 27, "Au Thor", SSN),
        "xl/worksheets/_rels/sheet1.bin.rels": sheet_links(
            'Id="r1" Target="../comments1.bin"', f'Id="r9" TargetMode="External" Target="mailto:{MAIL}"'
        ),
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
