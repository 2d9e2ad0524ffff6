from __future__ import annotations

import random

import pytest
from striprtf.striprtf import rtf_to_text

from fixtures.writers.ole import compound, label, packed, workbook
from fixtures.writers.rtf import rtf
from piiscan.errors import LimitReached, ObjectError
from piiscan.extract import Limits
from piiscan.model import ColumnSegment
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of

RTF = "application/rtf"


def test_paragraphs_are_counted() -> None:
    data = rtf("\\pard one\\par two\\line half\\par {\\b 078-}05-1120\\par")
    segments, job = extract(data, RTF)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.paragraph) == ("body", 3)
    assert "two\nhalf" in text_of(segments)
    assert job.budget.notes == []
    # Another reader sees the same text.
    other: str = rtf_to_text(data.decode("latin-1"))  # type: ignore[no-untyped-call]
    assert other.split() == text_of(segments).split()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"M\'fcller", "Müller"),
        (r"M\u252 ?ller", "Müller"),
        (r"M\u252\'fcller", "Müller"),
        (r"{\uc2 M\u252 ??ller}", "Müller"),
        (r"\u-10179?\u-8693?", "\U0001f60b"),
        (r"{\f1 \'c8\'e2\'e0\'ed}", "Иван"),
        (r"{\f2 \'8e\'52\'93\'63}", "山田"),
        (r"a\~b\_c\-d\{e\}", "a\u00a0b-cd{e}"),
        (r"\ldblquote x\rdblquote\emdash y", "\u201cx\u201d\u2014y"),
        ("split\r\nline", "splitline"),
    ],
)
def test_characters(written: str, read: str) -> None:
    data = rtf(f"{written}\\par", "{\\f1\\fcharset204 Arial;}{\\f2\\fcharset128 Gothic;}")
    segments, _ = extract(data, RTF)
    assert text_of(segments) == read


@pytest.mark.parametrize(
    ("group", "part"),
    [
        ("{\\header %s\\par}", "header"),
        ("{\\footerf %s}", "footer"),
        ("{\\footnote note %s}", "footnote"),
        ("{\\*\\annotation{\\*\\atndate 123} %s}", "comment"),
        ("{\\*\\atnauthor %s}", "author"),
        ("{\\shp{\\*\\shpinst{\\shptxt\\pard %s\\par}}}", "text box"),
        ("{\\*\\docvar {name}{%s}}", "variable"),
    ],
)
def test_parts_around_the_body(group: str, part: str) -> None:
    segments, _ = extract(rtf(f"\\pard before {group % MAIL} after\\par end\\par"), RTF)
    assert [p.part for p in places_of(segments, MAIL)] == [part]
    assert "before  after" in text_of(segments)
    assert [p.paragraph for p in places_of(segments, "end")] == [2]


def test_properties_and_links() -> None:
    info = "{\\info{\\title Ti Tle}{\\author Au Thor}{\\creatim\\yr2020\\mo1}}"
    info += "{\\*\\userprops{\\propname Owner}\\proptype30{\\staticval Per Son}}"
    field = '{\\field{\\*\\fldinst HYPERLINK "mailto:ana.prueba%40example.org"}{\\fldrslt here}}'
    segments, _ = extract(rtf(info + f"\\pard see {field} now\\par"), RTF)
    assert [(p.part, p.path) for p in places_of(segments, "Au Thor")] == [("properties", "author")]
    assert [(p.part, p.path) for p in places_of(segments, "Per Son")] == [("properties", "value")]
    assert [(p.part, p.paragraph) for p in places_of(segments, MAIL)] == [("body", 1)]
    assert "see here now" in text_of(segments)
    assert "HYPERLINK" not in text_of(segments)


def test_table_goes_by_columns() -> None:
    rows = [["Name", "SSN", "City"], ["Ana", SSN, "Rome"], ["Ben\\par Jo", "", "Bonn"]]
    cells = "".join("\\trowd\\pard\\intbl " + "".join(f"{c}\\cell " for c in row) + "\\row " for row in rows)
    segments, _ = extract(rtf(f"\\pard before\\par {cells}\\pard after\\par"), RTF)
    (place,) = places_of(segments, SSN)
    assert (place.part, place.table, place.row, place.column_name) == ("body", "1", 1, "SSN")
    columns = {s.header: list(s.values) for s in segments if isinstance(s, ColumnSegment)}
    assert columns == {"Name": ["Ana", "Ben\nJo"], "SSN": [SSN], "City": ["Rome", "Bonn"]}
    assert [p.table for p in places_of(segments, "after")] == [None]


def test_pictures_and_binary_data_are_passed_over() -> None:
    data = rtf("{\\pict\\pngblip " + "4d41494c" * 1000 + "}\\pard {\\pict\\bin9 }{}\\par x} " + MAIL + "\\par")
    segments, job = extract(data, RTF)
    assert text_of(segments).strip() == MAIL
    assert job.budget.notes == []


def _object(kind: str, native: bytes) -> str:
    name = kind.encode() + b"\0"
    head = (0x501).to_bytes(4, "little") + (2).to_bytes(4, "little") + len(name).to_bytes(4, "little") + name + bytes(8)
    return "{\\object\\objemb{\\*\\objdata " + (head + len(native).to_bytes(4, "little") + native).hex() + "}}"


def test_embedded_objects_are_read() -> None:
    inner = compound({"Workbook": workbook({"S": label(1, 1, IBAN)})})
    body = _object("Excel.Sheet.8", inner) + _object("Package", packed("note.txt", MAIL.encode())[4:])
    segments, job = extract(rtf(f"\\pard x {body}\\par"), RTF)
    assert [(p.member, p.cell) for p in places_of(segments, IBAN)] == [(("object 1",), "B2")]
    assert [p.member for p in places_of(segments, MAIL)] == [("note.txt",)]
    assert job.budget.notes == []


def test_words_over_the_edge_of_a_block() -> None:
    body = "".join(f"\\pard\\plain\\f0 line {n}\\'e9\\par\n" for n in range(30_000))
    segments, _ = extract(rtf(body + f"{MAIL}\\par"), RTF)
    (place,) = places_of(segments, MAIL)
    assert place.paragraph == 30_001
    assert text_of(segments).count("line ") == 30_000
    assert text_of(segments).count("é\n") == 30_000


def test_deep_groups_and_a_cut_end() -> None:
    segments, job = extract(rtf("{" * 50_000 + MAIL + "}" * 50_000), RTF)
    assert MAIL in text_of(segments)
    assert job.budget.notes == []
    segments, job = extract(rtf(f"\\pard {MAIL}\\par {{\\b {SSN}")[:-1], RTF)
    assert SSN in text_of(segments)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_object_limit() -> None:
    with pytest.raises(LimitReached):
        extract(rtf(_object("x", bytes(200_000))), RTF, limits=Limits(part_bytes=50_000))


def test_any_damage_costs_one_object() -> None:
    body = f"{{\\info{{\\author A}}}}\\trowd\\intbl a\\cell b\\cell\\row\\pard {{\\footnote {SSN}}}\\u252 ?\\par "
    good = rtf(body + _object("Package", packed("n.txt", MAIL.encode())[4:]), "{\\f1\\fcharset204 x;}")
    dice = random.Random(3)
    for _ in range(500):
        data = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.choice((*b"{}\\u'-0", dice.randrange(256)))
        if dice.random() < 0.3:
            del data[dice.randrange(len(data)) :]
        try:
            extract(bytes(data), RTF, limits=Limits(bytes_out=1 << 26))
        except ObjectError:
            continue
