from __future__ import annotations

import io
import random
import struct

import pytest

from piiscan.errors import LimitReached
from piiscan.extract import Limits
from piiscan.identify import identify
from tests.extract.make import IBAN, MAIL, SSN, docx, extract, paragraph, places_of, text_of

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def emf(*records: tuple[int, bytes]) -> bytes:
    title = "Draw\0Ti Tle\0\0".encode("utf-16-le")
    head = (
        bytes(32) + b" EMF" + struct.pack("<IIIHHIIIII", 0x10000, 0, 0, 1, 0, len(title) // 2, 88, 0, 0, 0) + bytes(8)
    )
    head = head[:80].ljust(80, b"\0") + title
    return b"".join(
        struct.pack("<II", kind, len(body) + 8) + body for kind, body in ((1, head), *records, (14, bytes(12)))
    )


def text_record(text: str) -> tuple[int, bytes]:
    raw = text.encode("utf-16-le")
    return 84, bytes(28) + struct.pack("<IIIII", 0, 0, len(text), 76, 0) + bytes(20) + raw.ljust(
        -(-len(raw) // 4) * 4, b"\0"
    )


def wmf(text: str) -> bytes:
    raw = text.encode("cp1252")
    raw = raw.ljust(len(raw) + len(raw) % 2, b"\0")
    plain = struct.pack("<IHH", 4 + len(raw) // 2 + 2, 0x0521, len(text)) + raw + bytes(4)
    other = struct.pack("<IHhhHH", 7 + len(raw) // 2, 0x0A32, 0, 0, len(text), 0) + raw
    return b"\xd7\xcd\xc6\x9a" + bytes(18) + struct.pack("<HHHIHIH", 1, 9, 0x300, 0, 0, 0, 0) + plain + other


def test_texts_of_an_enhanced_metafile() -> None:
    string = struct.pack("<HHIIIII", 0x401C, 0, 40 + 2 * len(IBAN), 0, 0, 0, len(IBAN)) + bytes(16)
    comment = struct.pack("<I", 0) + b"EMF+" + string + IBAN.encode("utf-16-le")
    data = emf(text_record(SSN), text_record(MAIL), (70, comment))
    assert identify(io.BytesIO(data), "x").media_type == "image/emf"
    segments, job = extract(data, "image/emf")
    assert text_of(segments).split("\n") == ["Draw", "Ti Tle", SSN, MAIL, IBAN]
    assert [p.part for p in places_of(segments, SSN)] == ["picture"]
    assert job.budget.notes == []


def test_texts_of_a_plain_metafile() -> None:
    data = wmf(MAIL)
    assert identify(io.BytesIO(data), "x").media_type == "image/wmf"
    segments, _ = extract(data, "image/wmf")
    assert text_of(segments).split("\n") == [MAIL, MAIL]


def test_metafile_in_a_document() -> None:
    segments, job = extract(docx(paragraph("x"), {"word/media/image1.emf": emf(text_record(SSN))}), DOCX)
    assert [p.member for p in places_of(segments, SSN)] == [("word/media/image1.emf",)]
    assert job.budget.notes == []


def test_size_limit() -> None:
    with pytest.raises(LimitReached):
        extract(emf(text_record("x" * 1000)), "image/emf", limits=Limits(part_bytes=500))


def test_any_damage_is_survived() -> None:
    dice = random.Random(23)
    for media_type, good in (("image/emf", emf(text_record(SSN), text_record(MAIL))), ("image/wmf", wmf(MAIL))):
        for _ in range(300):
            data = bytearray(good)
            for _ in range(dice.randint(1, 6)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            extract(bytes(data[: dice.randrange(len(data))]), media_type)
