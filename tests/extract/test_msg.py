from __future__ import annotations

import io
import random

import pytest

from fixtures.writers.outlook import binary, msg, ole, rtf_compressed, text, text8
from piiscan.errors import Malformed, ObjectError
from piiscan.extract import Limits, mapi
from piiscan.identify import identify
from tests.extract.make import IBAN, MAIL, SSN, docx, extract, paragraph, places_of, text_of

MSG = "application/vnd.ms-outlook"
HTML_IN_RTF = (
    rb"{\rtf1\ansi\ansicpg1251\fromhtml1 {\fonttbl{\f0 Arial;}}{\*\htmltag19 <html>}{\*\htmltag2 \par }"
    rb"{\*\htmltag64 <p>}\htmlrtf {\f0 only rtf \htmlrtf0 tel \'e0\'e1 " + SSN.encode() + rb"{\*\htmltag72 </p>}}"
)


def test_properties_body_and_recipients() -> None:
    data = ole(
        msg(
            {
                **text(0x0037, "Número"),
                **text(0x0C1F, MAIL),
                **text(0x1000, f"one\r\ntwo {SSN}\r\n"),
                **text(0x8012, IBAN),
            },
            recipients=[text(0x3003, "x@example.org"), {**text(0x3001, "Ana"), **text(0x39FE, "ana@example.net")}],
        )
    )
    assert identify(io.BytesIO(data), "x").media_type == MSG
    segments, job = extract(data, MSG)
    assert [(p.part, p.tag) for p in places_of(segments, "Número")] == [("header", "Subject")]
    assert [(p.part, p.tag) for p in places_of(segments, MAIL)] == [("header", "SenderEmailAddress")]
    assert [(p.part, p.line) for p in places_of(segments, SSN)] == [("body", 2)]
    assert [p.tag for p in places_of(segments, IBAN)] == ["0x8012"]
    assert [(p.part, p.row, p.tag) for p in places_of(segments, "ana@example.net")] == [("recipient", 2, "SmtpAddress")]
    assert job.budget.notes == []


def test_text_of_a_code_page() -> None:
    data = ole(
        msg({**text8(0x0037, "Привет".encode("cp1251")), **text8(0x1000, "Тело".encode("cp1251"))}, codepage=1251)
    )
    segments, _ = extract(data, MSG)
    assert "Привет" in text_of(segments)
    assert "Тело" in text_of(segments)


def test_html_bodies() -> None:
    segments, _ = extract(ole(msg(binary(0x1013, f"<p>a</p>\n<p>{SSN}</p>".encode()))), MSG)
    assert [(p.part, p.line) for p in places_of(segments, SSN)] == [("body", 2)]
    segments, _ = extract(ole(msg(binary(0x1009, rtf_compressed(HTML_IN_RTF)))), MSG)
    assert [(p.part, p.line) for p in places_of(segments, SSN)] == [("body", 2)]
    assert f"tel аб {SSN}" in text_of(segments)
    assert "only rtf" not in text_of(segments)
    assert "Arial" not in text_of(segments)


def test_compressed_rtf() -> None:
    # The example of MS-OXRTFCP, section 4.1.1.
    data = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert mapi.rtf_of(data, 1000) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    with pytest.raises(Malformed):
        mapi.rtf_of(b"LZFu", 100)
    assert mapi.rtf_of(rtf_compressed(HTML_IN_RTF), 1 << 20) == HTML_IN_RTF
    assert mapi.rtf_of(rtf_compressed(HTML_IN_RTF), 10) == HTML_IN_RTF[:10]


def test_attachments_and_messages_in_messages() -> None:
    inner = msg({**text(0x0037, "inner"), **text(0x1000, f"x\n{IBAN}")}, head=24)
    data = ole(
        msg(
            text(0x0037, "outer"),
            attachments=[
                {**text(0x3707, "a.docx"), **binary(0x3701, docx(paragraph(SSN)))},
                {**text(0x3704, "a.docx"), **binary(0x3701, docx(paragraph(MAIL)))},
                {**text(0x3001, "fwd"), "__substg1.0_3701000D": inner},
            ],
        )
    )
    segments, job = extract(data, MSG)
    assert [p.member for p in places_of(segments, SSN)] == [("a.docx",)]
    assert [p.member for p in places_of(segments, MAIL)] == [("a.docx#2",)]
    assert [(p.member, p.part, p.line) for p in places_of(segments, IBAN)] == [(("fwd",), "body", 2)]
    assert [(p.part, p.tag) for p in places_of(segments, "fwd")] == [("attachment 3", "DisplayName")]
    assert job.budget.notes == []


def test_an_object_of_another_program() -> None:
    storage = {"CONTENTS": b"%PDF-1.4 no pdf", "Package": docx(paragraph(SSN)), "\x01Ole": b"\1\0\0\2"}
    data = ole(msg({}, attachments=[{**text(0x3001, "sheet"), "__substg1.0_3701000D": storage}]))
    segments, _ = extract(data, MSG)
    assert [p.member for p in places_of(segments, SSN)] == [("sheet", "__substg1.0_3701000D/Package")]


def test_messages_in_messages_end() -> None:
    tree = msg(text(0x0037, "leaf"), head=24)
    for n in range(14):
        tree = msg({}, attachments=[{**text(0x3001, f"m{n}"), "__substg1.0_3701000D": tree}], head=24)
    _, job = extract(ole(tree), MSG, limits=Limits(depth=5))
    assert [note.partition(":")[0] for note in job.budget.notes] == ["ARCHIVE_NESTING_LEVEL_OVER_LIMIT"]


def test_damage_gives_object_errors_only() -> None:
    whole = ole(
        msg(
            {**text(0x0037, "s"), **text(0x1000, SSN * 400), **binary(0x1009, rtf_compressed(HTML_IN_RTF))},
            recipients=[text(0x3003, MAIL)],
            attachments=[{**text(0x3707, "a.txt"), **binary(0x3701, b"text " + IBAN.encode())}],
            codepage=1252,
        )
    )
    rng = random.Random(7)
    with pytest.raises(Malformed):
        extract(whole[:600], MSG)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            extract(bytes(data[: rng.randrange(512, len(data) + 1)] if rng.random() < 0.3 else data), MSG)
        except ObjectError:
            continue
