from __future__ import annotations

import io
import time

import pytest

from piiscan.extract import Job, Limits, segments
from piiscan.model import ColumnSegment, TextSegment
from tests.extract.make import MAIL, SSN, extract, places_of, text_of

XML, HTML = "application/xml", "text/html"


def test_xml_text_has_line_and_path() -> None:
    data = f"<a>\n <b>one</b>\n <b>two\n {SSN}</b>\n <c d='{MAIL}'/>\n</a>".encode()
    segments, job = extract(data, XML)
    (place,) = places_of(segments, SSN)
    assert (place.line, place.path) == (4, "/a/b[2]")
    (place,) = places_of(segments, MAIL)
    assert (place.line, place.path) == (5, "/a/c/@d")
    assert job.budget.notes == []


def test_xml_element_name_stands_right_before_its_text() -> None:
    segments, _ = extract(f"<r><socialSecurity>{SSN}</socialSecurity></r>".encode(), XML)
    assert f"social Security\n{SSN}" in text_of(segments)


def test_xml_attribute_name_is_near() -> None:
    segments, _ = extract(f'<f name="ssn">{SSN}</f>'.encode(), XML)
    assert f"ssn\nf\n{SSN}" in text_of(segments)


def test_xml_no_value_spans_two_elements() -> None:
    segments, _ = extract(b"<r><a>078-05-</a><a>1120</a></r>", XML)
    assert SSN not in text_of(segments)


def test_xml_entities_and_sections_are_one_text() -> None:
    segments, _ = extract(b"<r><m>ana.prueba&#64;<![CDATA[example.org]]></m><!-- remark --></r>", XML)
    assert MAIL in text_of(segments)
    assert "remark" in text_of(segments)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "iso-8859-1", "windows-1252", "shift_jis"])
def test_xml_is_decoded_as_declared(charset: str) -> None:
    word = "住所" if charset == "shift_jis" else "Zoë"
    data = f'<?xml version="1.0" encoding="{charset}"?><r>{word} {MAIL}</r>'.encode(charset)
    segments, job = extract(data, XML)
    assert f"{word} {MAIL}" in text_of(segments)
    assert job.budget.notes == []


def test_malformed_xml_goes_on_as_text_with_lines() -> None:
    segments, job = extract(f"<r>\n<a>first</a>\n<b x='1'>oops</c>\n<d>{SSN}</d></r>".encode(), XML)
    assert text_of(segments).count("first") == 1
    (place,) = places_of(segments, SSN)
    assert place.line == 4
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_deep_xml_goes_on_as_text() -> None:
    data = b"<a>" * 3000 + SSN.encode() + b"</a>" * 3000
    segments, job = extract(data, XML, limits=Limits(xml_depth=100))
    assert SSN in text_of(segments)
    assert job.budget.notes[0].startswith("XML_NESTING_LEVEL_OVER_LIMIT")


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11))
    begin = time.process_time()
    segments, job = extract(f"{bomb}]><x><m>{MAIL}</m>&a10;</x>".encode(), XML)
    assert time.process_time() - begin < 2
    assert MAIL in text_of(segments)
    assert len(text_of(segments)) < 1000
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_external_entities_are_not_read() -> None:
    data = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>{MAIL}&e;</x>'.encode()
    segments, job = extract(data, XML)
    assert MAIL in text_of(segments)
    assert "root:" not in text_of(segments)
    assert job.budget.notes


def test_small_internal_entities_are_harmless() -> None:
    segments, job = extract(b'<!DOCTYPE x [<!ENTITY who "ana.prueba">]><x>&who;@example.org</x>', XML)
    assert MAIL in text_of(segments)
    assert job.budget.notes == []


def test_long_xml_keeps_places_over_segments() -> None:
    rows = "\n".join(f"<r><n>{n}</n><m>person{n:06}@example.org</m></r>" for n in range(20_000))
    segments, _ = extract(f"<x>\n{rows}\n</x>".encode(), XML)
    assert len(segments) > 2
    for n in (0, 7_777, 19_999):
        (place,) = places_of(segments, f"person{n:06}@example.org")
        assert place.line == n + 2
    assert text_of(segments).count("@example.org") == 20_000


def test_html_blocks_and_lines() -> None:
    data = f"<html>\n<p>call <b>078-</b>05-1120</p>\n<p>a</p><div>b\n  {MAIL}</div>\n</html>".encode()
    segments, job = extract(data, HTML)
    assert [p.line for p in places_of(segments, "call")] == [2]
    assert SSN in text_of(segments)
    assert [p.line for p in places_of(segments, MAIL)] == [4]
    assert "a\nb" in text_of(segments)
    assert job.budget.notes == []


def test_html_attributes_comments_scripts() -> None:
    data = (
        f'<a href="mailto:{MAIL}">x</a>\n<input name="ssn" value="{SSN}">\n<!-- token one -->\n'
        '<script>\nvar key = "two";\n</script>\n<meta name="author" content="three">\n<img alt="four"><textarea>five'
    ).encode()
    segments, _ = extract(data, HTML)
    assert [p.line for p in places_of(segments, MAIL)] == [1]
    assert f"ssn\n{SSN}" in text_of(segments)
    for word, line in (("one", 3), ("two", 5), ("three", 7), ("four", 8), ("five", 8)):
        assert [p.line for p in places_of(segments, word)] == [line]
    assert [s.prose for s in segments if isinstance(s, TextSegment) and "var key" in s.text] == [False]


def test_html_table_with_header_goes_by_columns() -> None:
    data = f"<table><tr><th>Name</th><th>SSN</th></tr>\n<tr><td>Ana<td>{SSN}\n<tr><td>Ben</table><p>after".encode()
    segments, _ = extract(data, HTML)
    columns = {s.header: list(s.values) for s in segments if isinstance(s, ColumnSegment)}
    assert columns == {"Name": ["Ana", "Ben"], "SSN": [SSN]}
    (place,) = places_of(segments, SSN)
    assert (place.row, place.column_name, place.table, place.line) == (1, "SSN", "1", 2)
    assert "after" in text_of(segments)


def test_html_spans_keep_columns_apart() -> None:
    rows = (
        "<tr><th>A</th><th>B</th><th>C</th></tr><tr><td rowspan=2>a</td><td>b1</td><td>c1</td></tr>"
        "<tr><td>b2</td><td>c2</td></tr><tr><td colspan=2>a3</td><td>c3</td></tr>"
    )
    segments, _ = extract(f"<table>{rows}</table>".encode(), HTML)
    columns = {s.header: list(s.values) for s in segments if isinstance(s, ColumnSegment)}
    assert columns == {"A": ["a", "a3"], "B": ["b1", "b2"], "C": ["c1", "c2", "c3"]}


def test_html_form_table_keeps_label_beside_value() -> None:
    rows = f"<tr><td>Name</td><td>Ana</td></tr><tr><td>SSN</td><td>{SSN}</td></tr><tr><td>Mail</td><td>{MAIL}</td></tr>"
    segments, _ = extract(f"<table>{rows}</table>".encode(), HTML)
    assert f"SSN\t{SSN}" in text_of(segments)


def test_html_nested_tables_lose_nothing() -> None:
    data = f"<table><tr><td>left</td><td><table><tr><td>{SSN}</td></tr></table>right</td></tr></table>".encode()
    segments, _ = extract(data, HTML)
    assert [text_of(segments).count(w) for w in ("left", SSN, "right")] == [1, 1, 1]


def test_deep_html() -> None:
    begin = time.process_time()
    segments, _ = extract(b"<div>" * 200_000 + MAIL.encode() + b"</div>" * 200_000, HTML)
    assert MAIL in text_of(segments)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("tail", ['<a b="', "<a b='x", "<!--", "<script>", "<", "</", "<table><tr><td>", "<a b=c"])
def test_html_that_breaks_off(tail: str) -> None:
    segments, _ = extract(f"<p>{MAIL}</p>{tail}".encode() * 1000, HTML)
    assert MAIL in text_of(segments)


def test_html_charset_from_meta() -> None:
    data = b'<meta charset="iso-8859-2"><p>' + "Łódź".encode("iso-8859-2")
    segments, _ = extract(data, HTML)
    assert "Łódź" in text_of(segments)


def test_trailing_blank_lines_of_a_pre_block_keep_places_in_order() -> None:
    """Found on a real manual: the cut-off lines of a `pre` began behind its text, and the segment was refused."""
    page = b"<html><body><pre>one\ntwo 219-09-9998\n\n\n</pre><table><tr><td>after</td></tr></table></body></html>"
    for segment in segments(io.BytesIO(page), Job("x.html", media_type="text/html")):
        if isinstance(segment, TextSegment):
            assert list(segment.starts) == sorted(segment.starts)
            assert all(start <= len(segment.text) for start in segment.starts)


def test_xml_line_breaks_by_reference_are_no_lines_of_the_file() -> None:
    data = f"<r><a>one&#10;two&#xA;three</a>\n<b>\n  {SSN}\n  {MAIL} </b></r>".encode()
    segments, _ = extract(data, XML)
    assert [place.line for value in (SSN, MAIL) for place in places_of(segments, value)] == [3, 4]
    assert [place.line for place in places_of(segments, "three")] == [1]


def test_xml_lines_of_a_text_longer_than_expats_buffer() -> None:
    body = "".join(f"line number {n}\n" for n in range(2, 30_000))
    segments, _ = extract(f"<r>one\n{body}<b>{SSN}</b></r>".encode(), XML)
    for number in (2, 4_000, 17_777, 29_000):
        (place,) = places_of(segments, f"line number {number}\n")
        assert place.line == number
    assert places_of(segments, SSN)[0].line == 30_000


@pytest.mark.parametrize(
    ("doctype", "body", "partial"),
    [
        ('<!ENTITY % defs SYSTEM "defs.ent"> %defs;', "&later;", False),
        ('<!ENTITY chapter SYSTEM "chapter.xml">', "no reference", False),
        ('<!ENTITY chapter SYSTEM "chapter.xml">', "&chapter;", True),
        (f'<!ENTITY long "{MAIL}{" and so on" * 50}">', "no reference", False),
        (f'<!ENTITY long "{MAIL}{" and so on" * 50}">', "&long;", True),
    ],
)
def test_well_formed_xml_with_entities_is_not_called_broken(doctype: str, body: str, partial: bool) -> None:
    data = f"<!DOCTYPE r [{doctype}]>\n<r><a>{SSN}</a>{body}</r>".encode()
    segments, job = extract(data, XML)
    assert SSN in text_of(segments)
    assert (MAIL in text_of(segments)) == ("long" in doctype)
    assert bool(job.budget.notes) == partial


def test_html_lines_inside_one_cell_of_a_layout_table() -> None:
    page = f"<table><tr><td><table><tr><td>menu</td></tr></table>\n<p>one\n<p>{SSN}\n<p>{MAIL}</td></tr></table>"
    segments, _ = extract(page.encode(), HTML)
    assert [place.line for value in (SSN, MAIL) for place in places_of(segments, value)] == [3, 4]


def test_html_labels_are_words_of_their_own() -> None:
    segments, _ = extract(f"<p><label>SSN</label><b>{SSN}</b>".encode(), HTML)
    assert f"SSN {SSN}" in text_of(segments)


def test_html_no_break_spaces_stay() -> None:
    segments, _ = extract(b"<p>1<i>&nbsp;</i>2", HTML)
    assert "1\xa02" in text_of(segments)


@pytest.mark.parametrize(
    "tag",
    [
        f'<a title="{MAIL}">',
        f"<a class=x title='{MAIL}'>",
        f"<a class=x title={MAIL}>",
        f'<a\nclass = "x"\n  title = "{MAIL}" />',
        f'<a class="x"title="{MAIL}">',
        f'<input hidden value="{MAIL}"/>',
        f'<a href="mailto:{MAIL}">',
        f'<span class="x">a</span><span class="x">b</span><span class="x" title="{MAIL}">',
    ],
)
def test_html_attributes_in_all_their_forms(tag: str) -> None:
    segments, _ = extract(f"<p>before{tag}after".encode(), HTML)
    assert MAIL in text_of(segments)
    assert "after" in text_of(segments)


def test_what_came_together_goes_out_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<p>a short paragraph\n" * 1_000
    monkeypatch.setattr("piiscan.extract.pieces._PATIENCE", -1.0)
    found, _ = extract(page, HTML)
    assert len(found) >= 1_000 // 64
    assert text_of(found).count("a short paragraph") == 1_000
