"""Room 3: content first, the name as a hint, and the position kept."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.extract.spooled import Pieces
from piiscan.identify import STRINGS_ONLY, Identified, identify

OOXML = "application/vnd.openxmlformats-officedocument."


def zipped(*names: str, mimetype: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype:
            archive.writestr(zipfile.ZipInfo("mimetype"), mimetype)
        for name in names:
            archive.writestr(name, "x" * 50)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"abc"))
    return out.getvalue()


ROWS = "".join(f"{n},Ana {n},leeds\n" for n in range(8))
CASES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "a.pdf", "text/plain"),
    "prose": (b"Dear John, hello.\nIt rains, again, and so on.\nYours, Ana\n", "a.txt", "text/plain"),
    "source": (b"import os, sys\nprint(a, b)\nx = 1, 2\n", "a.py", "text/plain"),
    "log": (b"2024-01-01 12:00:00,123 INFO up\n2024-01-01 12:00:01,124 INFO on\n" * 4, "a.log", "text/plain"),
    "log-named-txt": (b"2024-01-01 12:00:00,123 INFO up\n" * 9, "a.txt", "text/plain"),
    "csv": (b"id,name,city\n" + ROWS.encode(), "x", "text/csv"),
    "csv-headless": (ROWS.encode(), "x.csv", "text/csv"),
    "csv-one-column": (b"mail\na\nb\n", "x.csv", "text/csv"),
    "csv-semicolons": (ROWS.replace(",", ";").encode(), "x.csv", "text/csv"),
    "csv-named-pdf": (b"id,mail\n1,a\n", "x.pdf", "text/csv"),
    "tsv": (("id,name,city\n" + ROWS).replace(",", "\t").encode(), "x", "text/tab-separated-values"),
    "json": (b'{"a": 1}', "x", "application/json"),
    "json-array": (b'[1, 2, {"a": null}]', "x", "application/json"),
    "json-cut": (b"[" + b'{"a": "b", "c": [1, 2]},\n' * 9000, "x", "application/json"),
    "json-deep": (b"[" * 100_000, "x.json", "application/json"),
    "ini": (b"[section]\nkey = value\n", "x", "text/plain"),
    "bracket-log": (b"[2024-01-01 10:00] started\n[2024-01-01 10:01] done\n", "x", "text/plain"),
    "ndjson": (b'{"a": 1}\n{"a": 2}\n', "x", "application/x-ndjson"),
    "ndjson-named": (b'{"a": 1}\n', "x.jsonl", "application/x-ndjson"),
    "xml": (b"<?xml version='1.0'?><root><a>1</a></root>", "x", "application/xml"),
    "xml-bare": (b"<root><a>1</a></root>", "x", "application/xml"),
    "html": (b"<!DOCTYPE html><html><body>x</body></html>", "x", "text/html"),
    "xhtml": (b"<?xml version='1.0'?>\n<html xmlns='x'><body/></html>", "x", "text/html"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "x", "image/svg+xml"),
    "mail": (b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nhi\r\n", "x", "message/rfc822"),
    "mbox": (b"From a@example.org Mon Jan  1 10:00:00 2024\nFrom: a\n\nhi\n", "x", "application/mbox"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", "x.csv", "application/pdf"),
    "pdf-late": (b"junk\n" * 9 + b"%PDF-1.7\n1 0 obj\n", "x", "application/pdf"),
    "gzip": (gzip.compress(b"abc"), "x.txt", "application/gzip"),
    "bzip2": (bz2.compress(b"abc"), "x", "application/x-bzip2"),
    "xz": (lzma.compress(b"abc"), "x", "application/x-xz"),
    "zip": (zipped("a.txt"), "x", "application/zip"),
    "zip-behind-stub": (b"MZ" + bytes(5000) + zipped("a.txt"), "x.exe", "application/zip"),
    "zip-cut-short": (b"P", "x.zip", "application/zip"),
    "docx": (zipped("[Content_Types].xml", "word/document.xml"), "x.zip", OOXML + "wordprocessingml.document"),
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "x", OOXML + "spreadsheetml.sheet"),
    "pptx": (zipped("[Content_Types].xml", "ppt/slides/slide1.xml"), "x", OOXML + "presentationml.presentation"),
    "odt": (
        zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text"),
        "x",
        "application/vnd.oasis.opendocument.text",
    ),
    "jar": (zipped("META-INF/MANIFEST.MF", "A.class"), "x", "application/java-archive"),
    "tar": (tarred(), "x", "application/x-tar"),
    "parquet-named-txt": (b"PAR1" + bytes(40) + b"PAR1", "x.txt", "application/vnd.apache.parquet"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(20), "x", "image/png"),
    "sqlite": (b"SQLite format 3\0" + bytes(100), "x.db", "application/vnd.sqlite3"),
    "zeros": (bytes(1000), "x.txt", STRINGS_ONLY),
    "noise": (bytes(range(256)) * 8, "x.txt", STRINGS_ONLY),
}


def unseekable(data: bytes) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(Pieces(iter((data[:7], data[7:]))), 1 << 20))


@pytest.mark.parametrize("case", CASES)
def test_media_type(case: str) -> None:
    data, name, expected = CASES[case]
    stream = io.BytesIO(b"skipped" + data)
    stream.seek(7)
    assert identify(stream, name).media_type == expected
    assert stream.tell() == 7


@pytest.mark.parametrize("case", [case for case in CASES if case != "zip-behind-stub"])
def test_a_stream_that_cannot_be_sought_in_gives_the_same(case: str) -> None:
    data, name, expected = CASES[case]
    stream = unseekable(data)
    assert identify(stream, name).media_type == expected
    assert stream.read() == data


WORDS = "Zoë Müller, Straße 5\nund noch eine Zeile mit Text\n"
JAPANESE = "氏名: 山田太郎\n電話 03-1234-5678\n" * 20


@pytest.mark.parametrize(
    ("codec", "text", "expected"),
    [
        ("ascii", "plain\n", "utf-8"),
        ("utf-8", WORDS, "utf-8"),
        ("utf-8-sig", WORDS, "utf-8-sig"),
        ("utf-16", WORDS, "utf-16"),
        ("utf-16-le", WORDS, "utf-16-le"),
        ("utf-16-be", WORDS, "utf-16-be"),
        ("utf-16-le", JAPANESE, "utf-16-le"),
        ("utf-32", WORDS, "utf-32"),
        ("utf-32-le", WORDS, "utf-32-le"),
        ("shift_jis", JAPANESE, "shift_jis"),
        ("gb18030", "姓名: 王小明\n身份证\n" * 20, "gb18030"),
        ("cp037", "Name: Ana Hostile, contact by mail please\n" * 3, "cp037"),
        ("iso2022_jp", JAPANESE, "iso2022_jp"),
    ],
)
def test_charset(codec: str, text: str, expected: str) -> None:
    found = identify(io.BytesIO(text.encode(codec)), "x.txt")
    assert found == Identified("text/plain", expected)


@pytest.mark.parametrize(
    ("codec", "text"),
    [("cp1252", WORDS * 5), ("euc_jp", "これは日本語の文章です。\n" * 9), ("koi8_r", "Привет, мир. " * 20)],
)
def test_legacy_charsets_decode_to_the_text(codec: str, text: str) -> None:
    assert text.encode(codec).decode(identify(io.BytesIO(text.encode(codec)), "x.txt").charset) == text


def test_text_among_zeros_is_text() -> None:
    found = identify(io.BytesIO(bytes(4096) + b"a line of a log\n" + bytes(4096)), "x.log")
    assert found == Identified("text/plain", "utf-8")


def test_one_zero_does_not_make_a_table_utf16() -> None:
    assert identify(io.BytesIO(b"a,b\n1\n2,3,4\n\nx,\0,\n"), "x.csv") == Identified("text/csv", "utf-8")


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=600), st.sampled_from(["", "PK\x03\x04", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "[", "<", "MZ\0"])
)
def test_any_bytes_are_identified(data: bytes, start: str) -> None:
    data = start.encode("latin-1") + data
    assert identify(io.BytesIO(data), "x").media_type
    assert identify(unseekable(data), "x.csv").media_type


@pytest.mark.parametrize("name", ["README.md", "README.rst", "a/README.md"])
def test_markdown_that_begins_with_an_element_is_no_xml(name: str) -> None:
    text = b'<p align="center"><img src="logo.png" alt="x"></p>\n\n__x__ & y is <b>fast</b>, a < b\n'
    assert identify(io.BytesIO(text), name).media_type == "text/plain"


def test_compiled_python_is_known_without_a_guess_at_its_charset() -> None:
    data = b"\xa7\r\r\n\0\0\0\0abcdefgh\xe3" + bytes(100)
    assert identify(io.BytesIO(data), "x.pyc").media_type == "application/x-python-code"
