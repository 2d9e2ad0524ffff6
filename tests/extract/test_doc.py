from __future__ import annotations

import struct
import zlib

import pytest

from fixtures.writers.ole import compound, label, older_word, packed, property_set, with_table, word, workbook
from piiscan.errors import Encrypted
from piiscan.model import ColumnSegment
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of
from tests.extract.mutate import withstands
from tests.extract.test_metafile import wmf

DOC = "application/msword"


def sttb(*names: str) -> bytes:
    """A table of strings as Word keeps it."""
    listed = b"".join(struct.pack("<H", len(name)) + name.encode("utf-16-le") for name in names)
    return struct.pack("<HHH", 0xFFFF, len(names), 0) + listed


@pytest.mark.parametrize("wide", [True, False])
def test_paragraphs_are_counted(wide: bool) -> None:
    segments, job = extract(compound(word([f"One\rTwo\x0bhalf\r{SSN}\r"], wide=wide)), DOC)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.paragraph) == ("body", 3)
    assert "Two\nhalf" in text_of(segments)
    assert job.budget.notes == []


def test_parts_around_the_body() -> None:
    # Six empty stories of separators, then even and odd headers, even and odd footers, and the first page's.
    stories = ["", "", "", "", "", "", "", f"top {IBAN}\r", "", f"foot {MAIL}\r", "", ""]
    bounds = [sum(map(len, stories[:n])) for n in range(13)]
    parts = ["body\r", f"note {SSN}\r", "".join(stories), "", "Re Mark\r", "End Note\r", "Box text\r"]
    streams = with_table(word(parts), 11, struct.pack("<13I", *bounds))
    segments, _ = extract(compound(streams), DOC)
    assert [(p.part, p.paragraph) for p in places_of(segments, SSN)] == [("footnote", 1)]
    assert [(p.part, p.paragraph) for p in places_of(segments, IBAN)] == [("header", 1)]
    assert [(p.part, p.paragraph) for p in places_of(segments, MAIL)] == [("footer", 2)]
    for text, part in (("Re Mark", "comment"), ("End Note", "endnote"), ("Box text", "text box")):
        assert [p.part for p in places_of(segments, text)] == [part]


def test_field_instructions_give_their_links() -> None:
    text = 'see \x13 HYPERLINK "mailto:ana.prueba%40example.org" \x14here\x15 now\r\x13 PAGE \x147\x15\r'
    segments, _ = extract(compound(word([text])), DOC)
    assert [(p.part, p.paragraph) for p in places_of(segments, MAIL)] == [("body", 1)]
    assert "see here now" in text_of(segments)
    assert "PAGE" not in text_of(segments)


def test_table_goes_by_columns() -> None:
    rows = [["Name", "SSN", "City"], ["Ana", SSN, "Rome"], ["Ben\rJo", "", "Bonn"]]
    text, marks = "before\r", list[tuple[int, int, bool]]()
    for row in rows:
        pieces = [piece for cell in row for piece in f"{cell}\x07".replace("\r", "\r|").split("|")]
        for piece in [*pieces, "\x07"]:
            marks.append((len(text), len(text) + len(piece), False))
            text += piece
        marks[-1] = (*marks[-1][:2], True)
    segments, _ = extract(compound(word([text + "after\r"], table_rows=marks)), DOC)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.table, place.row, place.column_name) == ("body", "1", 1, "SSN")
    columns = {s.header: list(s.values) for s in segments if isinstance(s, ColumnSegment)}
    assert columns == {"Name": ["Ana", "Ben\nJo"], "SSN": [SSN], "City": ["Rome", "Bonn"]}
    assert [p.paragraph for p in places_of(segments, "before")] == [1]
    assert [p.table for p in places_of(segments, "after")] == [None]


def test_names_of_people_and_paths() -> None:
    streams = with_table(word(["x\r"]), 71, sttb("Sa Ver", "C:\\people\\sa\\letter.doc"))
    streams = with_table(streams, 51, sttb("Unknown", "Re Viser"))
    owner = "Com Menter"
    streams = with_table(streams, 36, struct.pack("<H", len(owner)) + owner.encode("utf-16-le"))
    data = compound({**streams, "\x05SummaryInformation": property_set({2: "Ti Tle", 4: "Au Thor"})})
    segments, _ = extract(data, DOC)
    for text, part in (("Sa Ver", "saved by"), ("people", "saved by"), ("Re Viser", "author"), (owner, "author")):
        assert [p.part for p in places_of(segments, text)] == [part]
    assert [(p.part, p.path) for p in places_of(segments, "Au Thor")] == [("properties", "author")]


def test_embedded_objects_are_read() -> None:
    streams = word(["x\r"]) | {
        "ObjectPool/_1/\x01Ole10Native": packed("list.csv", f"name,mail\nAna,{MAIL}\n".encode()),
        "ObjectPool/_2/Workbook": workbook({"S": label(4, 0, SSN)}),
        "ObjectPool/_3/\x01Ole10Native": b"\x04\0\0\0\x02\0\x01\x01",  # an equation's own data
    }
    segments, job = extract(compound(streams), DOC)
    assert [p.member for p in places_of(segments, MAIL)] == [("list.csv",)]
    assert [(p.member, p.cell) for p in places_of(segments, SSN)] == [(("ObjectPool/_2",), "A5")]
    assert job.budget.notes == []


def test_texts_of_pictures() -> None:
    picture = wmf(SSN)
    packed_ = zlib.compress(picture)
    body = (
        bytes(16) + struct.pack("<I", len(picture)) + bytes(24) + struct.pack("<IBB", len(packed_), 0, 0xFE) + packed_
    )
    data = b"junk" + struct.pack("<HHI", 0x216 << 4, 0xF01B, len(body)) + body
    segments, job = extract(compound(word(["x\r"]) | {"Data": data}), DOC)
    assert {p.member for p in places_of(segments, SSN)} == {("picture 1.wmf",)}
    assert job.budget.notes == []


def test_word_95_in_its_code_page() -> None:
    segments, _ = extract(older_word("Анна\rИван\r".encode("cp1251"), 0x419), DOC)
    assert [(p.part, p.paragraph) for p in places_of(segments, "Иван")] == [("body", 2)]


def test_password_is_said_so() -> None:
    with pytest.raises(Encrypted):
        extract(compound(word([f"{MAIL}\r"], encrypted=True)), DOC)


def test_damaged_document_is_read_as_printable_runs() -> None:
    streams = word([f"mail {MAIL}\r"])
    broken = streams["WordDocument"].replace(b"\xec\xa5", b"\0\0", 1)
    segments, job = extract(compound({**streams, "WordDocument": broken}), DOC)
    assert MAIL in text_of(segments)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_any_damage_costs_one_object() -> None:
    marks = [(0, 5, False), (5, 10, False), (10, 11, True)]
    streams = with_table(word([f"abcd\x07efgh\x07\x07{SSN}\r", "note\r"], table_rows=marks), 71, sttb("A", "B"))
    good = compound({**streams, "\x05DocumentSummaryInformation": property_set({2: "x"}, {2: "y"})})
    withstands(good, DOC, 7)
