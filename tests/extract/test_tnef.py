from __future__ import annotations

import base64
import random
import struct

import pytest

from fixtures.writers.outlook import attribute, mapi, rtf_compressed, tnef
from piiscan.errors import Malformed, ObjectError
from tests.extract.make import IBAN, MAIL, SSN, docx, extract, paragraph, places_of, text_of

TNEF = "application/ms-tnef"
STRING8, UNICODE, BINARY, OBJECT = 0x1E, 0x1F, 0x102, 0x0D


def named() -> bytes:
    """A list with a named property, a fixed-length one and a list of strings."""
    out = struct.pack("<I", 3)
    name = "Ausweis".encode("utf-16-le") + b"\0\0"
    out += struct.pack("<HH16xII", STRING8, 0x8001, 1, len(name)) + name + bytes(-len(name) % 4)
    out += struct.pack("<II", 1, 12) + b"078-05-1120\0"
    out += struct.pack("<HHI", 0x0B, 0x0E1F, 1)
    values = ["x@example.org".encode("utf-16-le") + b"\0\0", "y@example.org".encode("utf-16-le") + b"\0\0"]
    out += struct.pack("<HHI", 0x1000 | UNICODE, 0x3003, 2)
    return out + b"".join(struct.pack("<I", len(v)) + v + bytes(-len(v) % 4) for v in values)


def test_message_and_attachments() -> None:
    inner = tnef(attribute(1, 0x9003, 6, mapi((UNICODE, 0x1000, f"deep\n{IBAN}".encode("utf-16-le")))))
    data = tnef(
        attribute(1, 0x9007, 6, struct.pack("<II", 1251, 0)),
        attribute(1, 0x8004, 1, "Привет\0".encode("cp1251")),
        attribute(1, 0x800C, 2, f"one\r\ntwo {MAIL}".encode()),
        attribute(1, 0x9003, 6, named()),
        attribute(1, 0x9004, 6, struct.pack("<I", 2) + named() + mapi((STRING8, 0x3001, b"Ana Prueba\0"))),
        attribute(2, 0x9002, 6, bytes(14)),
        attribute(2, 0x8010, 1, b"short.doc\0"),
        attribute(2, 0x800F, 6, docx(paragraph("in the file"))),
        attribute(2, 0x9005, 6, mapi((UNICODE, 0x3707, "long name.docx\0".encode("utf-16-le")))),
        attribute(2, 0x9002, 6, bytes(14)),
        attribute(2, 0x9005, 6, mapi((STRING8, 0x3001, b"fwd\0"), (OBJECT, 0x3701, bytes(16) + inner))),
    )
    segments, job = extract(data, TNEF)
    assert [(p.part, p.tag) for p in places_of(segments, "Привет")] == [("header", "Subject")]
    assert [(p.part, p.line) for p in places_of(segments, MAIL)] == [("body", 2)]
    assert [(p.part, p.tag, p.row) for p in places_of(segments, SSN)] == [
        ("header", "0x8001", None),
        ("recipient", "0x8001", 1),
    ]
    assert [(p.part, p.row) for p in places_of(segments, "y@example.org")] == [("header", None), ("recipient", 1)]
    assert [(p.part, p.row) for p in places_of(segments, "Ana Prueba")] == [("recipient", 2)]
    assert [p.member for p in places_of(segments, "in the file")] == [("long name.docx",)]
    assert [(p.member, p.part, p.line) for p in places_of(segments, IBAN)] == [(("fwd",), "body", 2)]
    assert job.budget.notes == []


def test_winmail_in_a_mail() -> None:
    data = tnef(
        attribute(1, 0x9003, 6, mapi((BINARY, 0x1009, rtf_compressed(b"{\\rtf1\\fromhtml1 <b>" + SSN.encode()))))
    )
    raw = (
        b"From: a@example.org\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data)
    )
    segments, job = extract(raw, "message/rfc822")
    assert [(p.member, p.part) for p in places_of(segments, SSN)] == [(("winmail.dat",), "body")]
    assert job.budget.notes == []


def test_damage() -> None:
    with pytest.raises(Malformed):
        extract(b"\x78\x9f\x3e", TNEF)
    whole = tnef(
        attribute(1, 0x800C, 2, f"one {MAIL}".encode()),
        attribute(1, 0x9003, 6, named()),
        attribute(2, 0x9002, 6, bytes(14)),
        attribute(2, 0x9005, 6, mapi((STRING8, 0x3001, b"a.txt\0"), (BINARY, 0x3701, b"x" * 50))),
    )
    segments, job = extract(whole[:-60], TNEF)
    assert MAIL in text_of(segments)
    assert job.budget.notes
    rng = random.Random(5)
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(6, len(data))] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        try:
            extract(bytes(data), TNEF)
        except ObjectError:
            continue
