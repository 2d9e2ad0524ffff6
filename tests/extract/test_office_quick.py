"""The quick readers of Office parts give what lxml gives: every document here is read by both.

A comment in front of a part's root sends it to lxml and changes nothing else.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from typing import Any

import pytest

from piiscan.extract import Job, Limits
from piiscan.extract.office import Package
from piiscan.extract.office_cells import Block, Book
from piiscan.extract.office_rows import RowReader, shared_strings
from piiscan.extract.office_runs import is_plain
from piiscan.extract.office_scan import Quick
from piiscan.model import Segment, TextSegment
from tests.extract.make import DOCX, MAIL, SSN, XLSX, docx, extract, paragraph, text_of, word_table, xlsx, zipped

_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:x14ac="urn:x14ac"'
_STYLES = (
    '<styleSheet {S}><numFmts><numFmt numFmtId="170" formatCode="dd/mm/yyyy"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>'
)
_STRINGS = [
    "<si><t>Ana</t></si>",
    '<si><t xml:space="preserve"> Ben &amp; Bo </t></si>',
    '<si><r><rPr><b/><sz val="11"/></rPr><t>Ri</t></r><r><t>ch</t></r></si>',
    "<si><t></t></si>",
    "<si><t>&#233;t&#xe9;</t></si>",
    "<si><t/></si>",
    "<si><t>Jun</t><rPh sb='0' eb='1'><t>hidden</t></rPh></si>",
    "<si><t>last</t></si>",
]


_DAYS = ["40000", "40000.5", "x", "1E99"]


def _slowly(data: bytes) -> bytes:
    """The same package with a comment in each part that a quick reader would take."""
    out = {}
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for info in package.infolist():
            body = package.read(info)
            if re.search(r"sheet\d|sharedStrings|word/", info.filename) and not info.filename.endswith(".rels"):
                declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>", body)
                at = declared.end() if declared else 0
                body = body[:at] + b"<!-- -->" + body[at:]
            out[info.filename] = body
    return zipped(out)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text is cut off because time has passed: on a busy machine the two ways would be cut at different places."""
    monkeypatch.setattr("piiscan.extract.pieces._PATIENCE", float("inf"))


def _told(segments: list[Segment]) -> list[Any]:
    out: list[Any] = []
    for segment in segments:
        if isinstance(segment, TextSegment):
            out.append((segment.text, segment.starts, tuple(segment.places), segment.core, segment.prose))
        else:
            places = [segment.place_of(index) for index in range(len(segment.values))]
            out.append((segment.header, list(segment.values), places))
    return out


def _same(data: bytes, media_type: str) -> list[Segment]:
    """The segments of a document, which both ways give."""
    quick, first = extract(data, media_type)
    slow, second = extract(_slowly(data), media_type)
    assert _told(quick) == _told(slow)
    assert first.budget.notes == second.budget.notes
    return quick


def _cell(random_: random.Random, ref: str, row: int) -> str:
    """A cell of any kind."""
    kinds = {
        "shared": f'<c r="{ref}" t="s"><v>{random_.randrange(10)}</v></c>',
        "styled": f'<c r="{ref}" s="1" t="s"><v>{random_.randrange(8)}</v></c>',
        "inline": f'<c r="{ref}" t="inlineStr"><is><t>word {random_.randrange(9)} &lt;{row}&gt;</t></is></c>',
        "number": f'<c r="{ref}"><v>{random_.choice(["7", "4.1111111111111111E+15", "0.5", "1E-3"])}</v></c>',
        "date": f'<c r="{ref}" s="{random_.choice("12")}"><v>{random_.choice(_DAYS)}</v></c>',
        "bool": f'<c r="{ref}" t="b"><v>{random_.choice("01")}</v></c>',
        "error": f'<c r="{ref}" t="e"><v>#N/A</v></c>',
        "formula": f'<c r="{ref}"><f>A1+B1</f><v>{row}</v></c>',
        "shared formula": f'<c r="{ref}" t="str"><f t="shared" si="0"/><v>sum &amp; {row}</v></c>',
        "literal": f'<c r="{ref}" t="str"><f>IF(A1,"{SSN}","no")</f><v>no</v></c>',
        "quoted": f'<c r="{ref}"><f>IF(A1,&quot;{MAIL}&quot;)</f></c>',
        "empty": f'<c r="{ref}" s="1"/>',
        "closed": f'<c r="{ref}" s="1"></c>',
        "no value": f'<c r="{ref}"><v></v></c>',
        "far string": f'<c r="{ref}" t="s"><v>99999</v></c>',
        "marked": f'<c r="{ref}" cm="1" t="str"><v>x</v></c>',
    }
    return kinds[random_.choice(list(kinds))]


_ODD = [
    '<row r="{n}"><c r="A{n}" t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r></is></c></row>',
    '<row r="{n}"><!-- note --><c r="A{n}"><v>1</v></c></row>',
    '<row r="{n}"><c r="A{n}" t="str"><v><![CDATA[cdata <]]></v></c></row>',
    '<row r="{n}">\n  <c r="A{n}"><v>2</v></c>\n</row>',
    '<row r="{n}"><c><v>3</v></c><c><v>4</v></c></row>',
    "<row><c><v>5</v></c></row>",
    '<row r="{n}"><c r="A{n}" zz="1"><v>6</v></c></row>',
    "<row r='{n}'><c r='A{n}'><v>7</v></c></row>",
    '<row r="{n}"/>',
    '<row r="{n}"></row>',
    '<row r="{n}"><c r="A9{n}"><v>8</v></c></row>',
    '<row r="{n}"><c r="A{n}"><v>a\r\nb</v></c></row>',
    '<row r="{n}"><c r="B{n}"><v>9</v></c><c r="A{n}"><v>10</v></c></row>',
    '<row r="{n}"><c r="A{n}"><v>&bad;</v></c></row>',
    '<row r="{n}"><c r="A{n}"><v>&#0;</v></c></row>',
    '<row r="{n}"><c r="A{n}"><v>a ]]> b</v></c></row>',
    '<row r="{n}"><c r="A{n}"><v>\x01</v></c></row>',
    '<row r="{n}" zz:a="1"><c r="A{n}"><v>11</v></c></row>',
    '<row r="{n}"><c r="A{n}"><v>12</v></row>',
]


@pytest.mark.parametrize("seed", range(60))
def test_any_sheet(seed: int) -> None:
    random_ = random.Random(seed)
    letters = "ABCDEFG"[: random_.randrange(1, 8)]
    fixed = [random_.randrange(1 << 30) for _ in letters] if seed % 3 else []
    rows = []
    if seed % 2:
        header = "".join(f'<c r="{x}1" t="inlineStr"><is><t>Name {x}</t></is></c>' for x in letters)
        rows.append(f'<row r="1" spans="1:9" x14ac:dyDescent="0.25">{header}</row>')
    for n in range(2, random_.choice([5, 150, 1400])):
        if random_.random() < 0.0008 * (seed % 5):
            rows.append(random_.choice(_ODD).format(n=n))
            continue
        # A table has cells of one kind in a column, a few of another, and some holes.
        cells = [
            _cell(random.Random(fixed[i]) if fixed and random_.random() < 0.99 else random_, f"{x}{n}", n)
            for i, x in enumerate(letters)
            if random_.random() < 0.95
        ]
        rows.append(f'<row r="{n}" spans="1:9" x14ac:dyDescent="0.25">{"".join(cells)}</row>')
    tail = '<hyperlinks><hyperlink ref="A2" tooltip="tip"/></hyperlinks>'
    tail += "<headerFooter><oddHeader>&amp;LHead</oddHeader></headerFooter>"
    sheet = f"<worksheet {_S}><sheetData>{''.join(rows)}</sheetData>{tail}</worksheet>"
    parts = {"xl/worksheets/sheet1.xml": sheet, "xl/styles.xml": _STYLES}
    _same(xlsx({"One": ""}, parts, strings="".join(random_.sample(_STRINGS, 7))), XLSX)


@pytest.mark.parametrize("odd", _ODD)
def test_what_is_unusual_goes_to_lxml_from_there_on(odd: str) -> None:
    plain = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}00</v></c></row>' for n in range(1, 300))
    after = '<row r="301"><c r="A301" t="inlineStr"><is><t>behind</t></is></c></row>'
    segments = _same(xlsx({"One": plain + odd.format(n=300) + after}), XLSX)
    assert "29900" in text_of(segments)


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n', ""),
        ("\ufeff<?xml version='1.0'?>", ""),
        ('<?xml version="1.0" encoding="iso-8859-1"?>', ""),
        ('<?xml version="1.0"?><?pi x?>', ""),
        ("", "<oops>"),
        ("", "<sheetData><row r='9'><c r='A9'><v>77</v></c></row></sheetData>"),
    ],
)
def test_heads_and_tails_of_a_sheet(head: str, tail: str) -> None:
    row = '<row r="2"><c r="A2" t="str"><v>\u00e9t\u00e9</v></c></row>'
    for data in (f"<sheetData>{row}</sheetData>", "<sheetData/>", f"<sheetData >{row}</sheetData>", ""):
        sheet = f"{head}<worksheet {_S}>{data}{tail}</worksheet>"
        _same(xlsx({"One": ""}, {"xl/worksheets/sheet1.xml": sheet}), XLSX)


def test_plain_table_is_read_by_blocks() -> None:
    row = '<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}" s="1"><v>40000</v></c>'
    row += '<c r="C{n}"><f>A1</f><v>{n}</v></c></row>'
    body = "".join(row.format(n=n) for n in range(1, 5001)).encode()
    data = b"<worksheet><sheetData>" + body + b"</sheetData></worksheet>"
    with Package(io.BytesIO(zipped({"a": "b"})), Job("x")) as package:
        book = Book(package, strings=["Ana"], used=bytearray(1), dates=frozenset({1}))
        blocks = (data[at : at + 70_000] for at in range(0, len(data), 70_000))
        quick = Quick(iter(blocks), b"<sheetData>", b"</row>", b"</sheetData>")
        items = list(RowReader(book, quick).rows())
        assert quick.tail() == b"<worksheet><sheetData></sheetData></worksheet>"
    found = [item for item in items if isinstance(item, Block)]
    assert sum(len(block.numbers) for block in found) > 4800
    assert list(found[-1].rows())[-1] == (5000, ["A5000", "B5000", "C5000"], ["Ana", "2009-07-06", "5000"])
    assert book.cells == 15_000


def test_cell_limit_in_blocks() -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 3000))
    _, job = extract(xlsx({"One": rows}), XLSX, limits=Limits(cells=2999))
    assert job.budget.notes == []
    with pytest.raises(Exception, match="more than 2998 cells"):
        extract(xlsx({"One": rows}), XLSX, limits=Limits(cells=2998))


def test_shared_strings_in_chunks() -> None:
    items = "".join(f"<si><t>number {n}</t></si>" + (_STRINGS[2] if n % 999 == 0 else "") for n in range(50_000))
    data = xlsx({"One": ""}, {"xl/sharedStrings.xml": f"<sst {_S}>{items}</sst>"})
    with Package(io.BytesIO(data), Job("x")) as package:
        info = package.find("xl/sharedStrings.xml")
        assert info is not None
        found = shared_strings(package, info)
    assert len(found) == 50_051
    assert found[:3] == ["number 0", "Rich", "number 1"]
    with Package(io.BytesIO(_slowly(data)), Job("x")) as package:
        info = package.find("xl/sharedStrings.xml")
        assert info is not None
        assert shared_strings(package, info) == found


_BODIES = {
    "runs": paragraph("one ", "two &amp; &#233;") + "<w:p/>" + '<w:p w:rsidR="00A1"/>' + paragraph("three"),
    "table": paragraph("before") + word_table([["Name", "SSN"], ["Ana", SSN], ["Ben", SSN]]) + paragraph("after"),
    "breaks": "<w:p><w:pPr><w:tabs><w:tab w:val='left'/></w:tabs></w:pPr><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/>"
    "<w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r></w:p>",
    "box": "<w:p><w:r><w:t>out</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>"
    + paragraph("in one")
    + "<w:p w:rsidR='1'/></w:txbxContent></mc:Choice><mc:Fallback>"
    + paragraph("not me")
    + "</mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>side</w:t></w:r></w:p>"
    + paragraph("next"),
    "fields": '<w:p><w:r><w:instrText> HYPERLINK "mailto:a%40example.org" </w:instrText></w:r>'
    "<w:r><w:t>x</w:t></w:r></w:p><w:p>"
    "<w:fldSimple w:instr='HYPERLINK \"https://example.org/?a=1&amp;b=2\"'><w:r><w:t>y</w:t></w:r></w:fldSimple></w:p>",
    "changes": "<w:p><w:ins w:author='Au Thor'><w:r><w:t>new</w:t></w:r></w:ins>"
    "<w:del w:author='Au &quot;B&quot;\nThor'>"
    "<w:r><w:delText>old</w:delText></w:r></w:del></w:p>",
    "attributes": "<w:p><w:r><w:drawing><docPr descr='a &gt; b > c' title='T'/></w:drawing>"
    "<w:t a='x>y'>t</w:t></w:r></w:p>",
    "spans": "<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>"
    + paragraph("Wide")
    + f"</w:tc></w:tr><w:tr><w:tc>{paragraph('l')}</w:tc><w:tc>{paragraph('r')}{word_table([['deep']])}"
    + f"{paragraph('')}</w:tc></w:tr></w:tbl>",
    "lines": "<w:p>\r\n<w:r>\r\n<w:t>a\r\nb\rc</w:t></w:r></w:p>",
    "other prefix": '<q:p xmlns:q="urn:q"><q:r><q:t>q1</q:t></q:r></q:p><q:p xmlns:q="urn:q"><q:t>q2</q:t></q:p>'
    + paragraph("w"),
    "loose": "<w:t>outside</w:t>" + paragraph("inside") + "<w:t> </w:t>",
    "entity": paragraph("a &bad; b"),
    "open": "<w:p><w:r><w:t>never closed</w:r></w:p>" + paragraph("x"),
    "tables": "<w:tbl><w:tr><w:tc>" * 60 + paragraph("deep") + "</w:tc></w:tr></w:tbl>" * 60,
}


@pytest.mark.parametrize("name", _BODIES)
def test_any_document(name: str) -> None:
    _same(docx(_BODIES[name]), DOCX)
    _same(docx(paragraph("first") + _BODIES[name] * 2 + "<w:p><w:r><w:t>last \u00ad\u4e2d</w:t></w:r></w:p>"), DOCX)


@pytest.mark.parametrize("seed", range(30))
def test_bodies_in_any_order(seed: int) -> None:
    random_ = random.Random(seed)
    sound = [body for name, body in _BODIES.items() if name not in ("entity", "open", "tables")]
    body = "".join(random_.choice(sound) for _ in range(random_.randrange(2, 40)))
    parts = {"word/header1.xml": "<w:hdr {W}>" + random_.choice(sound) + "</w:hdr>"}
    segments = _same(docx(body, parts), DOCX)
    assert segments


def test_what_is_not_plain() -> None:
    good = b"<a><b>x &amp; \xc3\xa9</b></a>"
    assert is_plain(good)
    assert is_plain(b'<?xml version="1.0" encoding="utf-8"?>' + good)
    for bad in (
        b"<a><b></a>",
        b"<a><!-- --></a>",
        b"<a><![CDATA[x]]></a>",
        b"<?pi x?><a/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>',
        "<a>x</a>".encode("utf-16"),
        b"<a>\xff</a>",
        b"<a>\x01</a>",
        b"",
    ):
        assert not is_plain(bad)
