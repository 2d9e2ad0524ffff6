from __future__ import annotations

import base64
import binascii
import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.errors import ObjectError
from piiscan.extract import Limits
from piiscan.identify import identify
from tests.extract.make import DOCX, IBAN, MAIL, SSN, docx, extract, paragraph, places_of, text_of, zipped

EML = "message/rfc822"
HEAD = (
    f"From: Ana <{MAIL}>\r\nSubject: =?utf-8?q?N=C3=BAmero?= =?utf-8?b?{base64.b64encode(IBAN.encode()).decode()}?=\r\n"
)


def multipart(*parts: str, boundary: str = "b") -> bytes:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'{HEAD}Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n{body}--{boundary}--\r\n'.encode()


def test_headers_are_decoded_and_named() -> None:
    segments, job = extract(f"{HEAD}\r\nhello\r\n".encode(), EML)
    assert [(p.part, p.tag) for p in places_of(segments, MAIL)] == [("header", "From")]
    assert f"Subject\nNúmero{IBAN}" in text_of(segments)
    assert job.budget.notes == []


def test_body_lines_and_part_numbers() -> None:
    plain = f"--c\r\nContent-Type: text/plain\r\n\r\none\r\n{SSN}\r\n"
    inner = f"Content-Type: multipart/alternative; boundary=c\r\n\r\n{plain}"
    html = f"--c\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n<p>{IBAN}</p>\r\n--c--\r\n"
    segments, _ = extract(multipart(inner + html, "Content-Type: text/plain\r\n\r\nlast"), EML)
    assert [(p.part, p.line) for p in places_of(segments, SSN)] == [("1.1", 2)]
    assert ("1.2", 2) in [(p.part, p.line) for p in places_of(segments, IBAN)]
    assert [p.part for p in places_of(segments, "last")] == ["2"]


def test_single_part_is_number_one() -> None:
    data = f"{HEAD}Content-Transfer-Encoding: quoted-printable\r\n\r\nx=20\r\n078-05=\r\n-1120\r\n".encode()
    segments, _ = extract(data, EML)
    assert [(p.part, p.line) for p in places_of(segments, SSN)] == [("1", 2)]


def test_message_in_a_message() -> None:
    data = multipart("Content-Type: message/rfc822\r\n\r\nSubject: inner one\r\n\r\nbody\r\n" + SSN)
    segments, _ = extract(data, EML)
    assert [p.tag for p in places_of(segments, "inner one")] == ["Subject"]
    assert [p.part for p in places_of(segments, SSN)] == ["1.1"]


@pytest.mark.parametrize("name", ["a.docx", "=?utf-8?q?a.docx?="])
def test_attachments_are_read(name: str) -> None:
    content = base64.encodebytes(docx(paragraph(SSN))).decode()
    part = (
        f'Content-Type: {DOCX}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{content}"
    )
    segments, _ = extract(multipart(part), EML)
    assert [p.member for p in places_of(segments, SSN)] == [("a.docx",)]


def test_document_in_a_zip_in_a_mail() -> None:
    content = base64.encodebytes(zipped({"x.docx": docx(paragraph(SSN))})).decode()
    part = f"Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{content}"
    segments, _ = extract(multipart(part), EML)
    assert [p.member for p in places_of(segments, SSN)] == [("a.zip", "x.docx")]


def test_bad_base64_and_unknown_charset() -> None:
    content = base64.b64encode(f"mail {IBAN} end".encode()).decode()[:-3] + "!!"
    data = f"{HEAD}Content-Type: text/plain; charset=no-such\r\nContent-Transfer-Encoding: base64\r\n\r\n{content}\r\n"
    segments, _ = extract(data.encode(), EML)
    assert len(places_of(segments, IBAN)) == 2  # subject and body


def test_many_parts() -> None:
    data = multipart(*["Content-Type: text/plain\r\n\r\nx"] * 300, f"\r\n{SSN}")
    segments, job = extract(data, EML, limits=Limits(mime_parts=100))
    assert text_of(segments).count(SSN) == 1
    assert job.budget.notes[0].startswith("MIME_PARTS_OVER_LIMIT")


def test_deep_multiparts() -> None:
    levels = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(2_000))
    data = f"{HEAD}{levels}Content-Type: text/plain\r\n\r\n{SSN}\r\n".encode()
    segments, job = extract(data, EML)
    assert text_of(segments).count(SSN) == 1
    assert job.budget.notes[0].startswith("MIME_PARTS_OVER_LIMIT")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_damage_raises_anything_else(noise: bytes, at: int) -> None:
    data = multipart("Content-Type: text/html\r\n\r\n<p>x", "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nc")
    with contextlib.suppress(ObjectError):
        extract(data[:at] + noise + data[at:], EML)


def test_apple_mail() -> None:
    raw = f"From: {MAIL}\nSubject: x\n\none\n{SSN}\n".encode()
    plist = f'<?xml version="1.0"?><plist><dict><key>note</key><string>{IBAN}</string></dict></plist>'.encode()
    data = f"{len(raw)}      \n".encode() + raw + plist
    assert identify(io.BytesIO(data), "1.emlx").media_type == "message/x-emlx"
    segments, job = extract(data, "message/x-emlx")
    assert [(p.part, p.line) for p in places_of(segments, SSN)] == [("1", 2)]
    assert [p.member for p in places_of(segments, IBAN)] == [("properties.plist",)]
    assert job.budget.notes == []


def test_parts_with_readers_of_their_own_and_repeated_names() -> None:
    part = "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nSUMMARY:x\r\n  " + SSN + "\r\nEND:VCALENDAR"
    twice = f"Content-Type: text/plain; name=a.txt\r\n\r\n{IBAN}"
    segments, _ = extract(multipart(part, twice, twice), EML)
    assert [(p.member, p.tag, p.line) for p in places_of(segments, SSN)] == [(("part-1",), "SUMMARY", 3)]
    members = [p.member for p in places_of(segments, IBAN) if p.member]
    assert members == [("a.txt",), ("3/a.txt",)]


def test_forwarded_messages_in_every_form() -> None:
    inner = f"Subject: inner\r\n\r\nx\r\n{SSN}\r\n"
    coded = base64.encodebytes(inner.encode()).decode()
    plain = f"Content-Type: message/rfc822\r\n\r\n{inner}"
    wrong = f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}"
    other = f"Content-Type: message/global\r\n\r\n{inner}"
    segments, _ = extract(multipart(plain, wrong, other), EML)
    assert [(p.part, p.line, p.member) for p in places_of(segments, SSN)] == [
        ("1.1", 2, None),
        ("1", 2, ("part-2",)),
        ("3.1", 2, None),
    ]
    deep = "Content-Type: message/rfc822\r\n\r\n" * 3000 + f"Subject: x\r\n\r\n{SSN}"
    segments, job = extract((HEAD + deep).encode(), EML)
    assert SSN in text_of(segments)
    assert [note.partition(":")[0] for note in job.budget.notes] == ["MIME_PARTS_OVER_LIMIT"]


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("ks_c_5601-1987", "cp949", "안녕하세요 똠방각하"),
        ("gb2312", "gb18030", "你好世界 镕"),
        ("x-unknown", "utf-8", "Größe"),
        ("us-ascii", "utf-8", "Größe"),
        ("iso-8859-8-i", "iso-8859-8", "שלום"),
        ("koi8-r", "koi8-r", "Привет"),
    ],
)
def test_charsets_of_bodies(charset: str, codec: str, text: str) -> None:
    raw = f"{HEAD}Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
    assert text in text_of(extract(raw + text.encode(codec) + b"\r\n", EML)[0])


def test_one_bad_byte_in_a_body() -> None:
    raw = f"{HEAD}Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n".encode()
    text = "日本語の本文です。" * 20
    found = text_of(extract(raw + text.encode("iso2022_jp") + b"\xff\r\n" + text.encode("iso2022_jp"), EML)[0])
    assert found.count("日本語の本文です") >= 39


def test_uuencoded_files() -> None:
    content = docx(paragraph(SSN))
    lines = "".join(binascii.b2a_uu(content[at : at + 45]).decode() for at in range(0, len(content), 45))
    segments, job = extract(f"{HEAD}\r\nsee below\n\nbegin 644 a.docx\n{lines}`\nend\n{IBAN}\n".encode(), EML)
    assert [p.member for p in places_of(segments, SSN)] == [("a.docx",)]
    assert job.budget.notes == []
    segments, _ = extract(f"{HEAD}\r\nbegin 644 of the text\nend\n{SSN}".encode(), EML)
    assert [p.part for p in places_of(segments, SSN)] == ["1"]
