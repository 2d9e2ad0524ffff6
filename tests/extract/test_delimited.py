"""Tables in text: values exact, rows and lines right, whatever the quotes do."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.extract import ColumnSegment, Job, TextSegment, segments
from piiscan.extract.delimited import _rectangle, is_header
from piiscan.model import Segment

MAIL = "ana@example.org"


def read(text: str, name: str = "a.csv", media_type: str = "text/csv") -> list[Segment]:
    return list(segments(io.BytesIO(text.encode()), Job(name=name, media_type=media_type, charset="utf-8")))


def cells(found: list[Segment]) -> list[tuple[str, int, int, str]]:
    """(header, row, line, value) of every value, columns one after the other."""
    out = []
    for segment in found:
        if isinstance(segment, ColumnSegment):
            assert segment.lines is not None
            for i, value in enumerate(segment.values):
                out.append((segment.header, int(segment.rows[i]), int(segment.lines[i]), value))
    return out


def test_a_plain_table() -> None:
    assert cells(read(f"id,mail\n1,{MAIL}\n2,\n3,x\n")) == [
        ("id", 1, 2, "1"),
        ("id", 2, 3, "2"),
        ("id", 3, 4, "3"),
        ("mail", 1, 2, MAIL),
        ("mail", 3, 4, "x"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_line_ends_and_delimiters(end: str, delimiter: str) -> None:
    text = end.join(["id,mail", "1,a", "2,b", ""]).replace(",", delimiter)
    assert [value for *_, value in cells(read(text))] == ["1", "2", "a", "b"]


def test_rows_are_not_lines_once_a_field_holds_a_line_break() -> None:
    found = cells(read(f'id,note,mail\n1,"a\nb ""c""\r\nd",x\n2,y,{MAIL}\n'))
    assert found == [
        ("id", 1, 2, "1"),
        ("id", 2, 5, "2"),
        ("note", 1, 2, 'a\nb "c"\r\nd'),
        ("note", 2, 5, "y"),
        ("mail", 1, 2, "x"),
        ("mail", 2, 5, MAIL),
    ]


def test_ragged_rows_and_zeros() -> None:
    found = cells(read(f'a,b\n1\n2,3,4,{MAIL}\n\n"q""q",\r\n5,\0,\n'))
    assert found == [
        ("a", 1, 2, "1"),
        ("a", 2, 3, "2"),
        ("a", 3, 5, 'q"q'),
        ("a", 4, 6, "5"),
        ("b", 2, 3, "3"),
        ("b", 4, 6, "\0"),
        ("", 2, 3, "4"),
        ("", 2, 3, MAIL),
    ]


def test_without_a_header_the_first_row_is_data() -> None:
    found = cells(read(f"1,{MAIL}\n2,b@example.org\n"))
    assert found[0] == ("", 1, 1, "1")
    assert found[2] == ("", 1, 1, MAIL)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["id", "mail"], ["1", "x"]], True),
        ([["Ana", "Leeds"], ["Bo", "Leeds"]], False),
        ([["first_x", "Zq"], ["a", "b"]], True),
        ([["1", "2"], ["3", "4"]], False),
        ([[MAIL]], False),
        ([["ORT", "WERT"], ["Leeds", "12"]], True),
    ],
)
def test_header_or_not(rows: list[list[str]], expected: bool) -> None:
    assert is_header(rows) is expected


def test_a_quote_that_is_never_closed_loses_no_row() -> None:
    text = 'id,mail\n1,"never closed\n' + "".join(f"{n},{MAIL}\n" for n in range(60_000))
    found = [cell for cell in cells(read(text)) if cell[3] == MAIL]
    assert len(found) == 60_000
    assert found[0] == ("mail", 2, 3, MAIL)
    assert found[-1] == ("mail", 60_001, 60_002, MAIL)


def test_a_short_open_quote_too() -> None:
    found = cells(read(f'id,mail\n1,"open\n2,{MAIL}\n3,x\n'))
    assert ("mail", 2, 3, MAIL) in found


def test_a_long_quoted_text_is_kept_whole() -> None:
    note = "a line of a long letter\n" * 60_000
    found = read(f'id,note,mail\n1,"{note}",{MAIL}\n')
    windows = [s for s in found if isinstance(s, TextSegment)]
    assert "".join(w.text[slice(*(w.core or (0, 0)))] for w in windows) == note
    assert windows[0].place_of(5).column_name == "note"
    assert ("mail", 1, 2, MAIL) in cells(found)


def test_a_giant_field_is_cut_into_windows() -> None:
    field = "x" * (20 << 20) + MAIL
    found = read(f'id,note,mail\n1,"{field}",{MAIL}\n2,ok,y\n')
    windows = [s for s in found if isinstance(s, TextSegment)]
    assert len(windows) == 11
    assert sum(len(w.text[slice(*(w.core or (0, 0)))]) for w in windows) == len(field)
    place = windows[-1].place_of(3)
    assert (place.row, place.column_name, place.line) == (1, "note", 2)
    assert [c for c in cells(found) if c[0] == "mail"] == [("mail", 1, 2, MAIL), ("mail", 2, 3, "y")]


def test_very_wide_rows_have_a_place_a_cell() -> None:
    width = 30_000
    header = ",".join(f"c{n}" for n in range(width))
    found = read(header + "\n" + "x," * (width - 1) + MAIL + "\n")
    last = found[-1]
    assert isinstance(last, TextSegment)
    place = last.place_of(last.text.index(MAIL))
    assert (place.row, place.column_name, place.line) == (1, f"c{width - 1}", 2)
    assert len(found) == width // 2_000


def test_more_than_a_block_of_rows_keeps_counting() -> None:
    rows = "".join(f"{n},name {n},{MAIL}\n" for n in range(60_000))
    mixed = rows[:1_000_000] + rows[1_000_000:].replace("name 40000", '"name 40000"')
    found = cells(read("id,name,mail\n" + mixed))
    assert [(row, line) for header, row, line, _ in found if header == "id"] == [(n, n + 1) for n in range(1, 60_001)]


CELL = st.text(alphabet='ab1"\n\r,; é', max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_what_the_csv_module_wrote_comes_back(rows: list[list[str]], end: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator=end)
    writer.writerow(["id", "name_x"])
    writer.writerows(rows)
    expected: dict[tuple[int, int], str] = {}
    for number, row in enumerate(rows, 1):
        expected.update({(number, at): cell for at, cell in enumerate(row) if cell})
    found = sorted((row, value) for _, row, _, value in cells(read(out.getvalue())))
    assert found == sorted((row, value) for (row, _), value in expected.items())


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='ab",\n\r\0', max_size=80))
def test_no_character_of_a_value_is_invented(text: str) -> None:
    for _, row, line, value in cells(read(text)):
        assert row >= 1
        assert line >= 1
        assert all(c in text for c in value)


FIELDS = st.sampled_from(["", "a", "é", "x,y", 'say "yes"', "two\nlines", '"', " b ", "1", '""', "日本"])


@settings(max_examples=300, deadline=None)
@given(
    st.data(), st.integers(1, 4), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"])
)
def test_cut_by_marks_as_the_csv_module_reads_it(data: st.DataObject, width: int, quoting: int, end: str) -> None:
    row = st.lists(FIELDS, min_size=width, max_size=width)
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    rectangle = _rectangle(out.getvalue(), ",")
    if rectangle is None:
        assert end == "\r\n" or width == 1
        return
    columns, lines = rectangle
    assert [list(cells) for cells in zip(*columns, strict=True)] == rows
    begins = [1]
    for cells in rows:
        begins.append(begins[-1] + 1 + sum(cell.count("\n") for cell in cells))
    assert (lines + 1).tolist() == begins[:-1]


@pytest.mark.parametrize("text", ['a,"b\n', 'a,b"c"\n', 'a,"b"c\n', "a\n\nb\n", "a,b\nc\n", "a\rb,c\n", "a,\udc80\n"])
def test_what_is_not_plain_is_left_to_the_csv_module(text: str) -> None:
    assert _rectangle(text, ",") is None
