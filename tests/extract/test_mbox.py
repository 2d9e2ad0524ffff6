from __future__ import annotations

import base64
import random

import pytest

from piiscan.errors import LimitReached, ObjectError
from piiscan.extract import Limits
from tests.extract.make import IBAN, MAIL, SSN, docx, extract, paragraph, places_of, text_of

MBOX = "application/mbox"


def message(sender: str, body: str, head: str = "") -> str:
    return f"From {sender} Mon Jan  1 10:00:00 2024\nFrom: {sender}\nSubject: x\n{head}\n{body}\n\n"


def attached(name: str, content: bytes) -> str:
    return (
        f'--b\nContent-Type: application/octet-stream; name="{name}"\nContent-Transfer-Encoding: base64\n\n'
        f"{base64.encodebytes(content).decode()}\n"
    )


def test_messages_with_number_part_and_line() -> None:
    parts = f"--b\nContent-Type: text/plain\n\nfirst\n{IBAN}\n{attached('a.docx', docx(paragraph(MAIL)))}"
    text = message("one@example.org", "hi") + message("two@example.org", f"a\n>From quoted\n{SSN}")
    text += message("three@example.org", f"{parts}--b--", "Content-Type: multipart/mixed; boundary=b\n")
    segments, job = extract(text.encode(), MBOX)
    assert [(p.record, p.part, p.tag) for p in places_of(segments, "two@example.org")] == [
        (1, "header", "From"),
        (1, "envelope", None),
    ]
    assert [(p.record, p.part, p.line) for p in places_of(segments, SSN)] == [(1, "1", 3)]
    assert [(p.record, p.part, p.line) for p in places_of(segments, IBAN)] == [(2, "1", 2)]
    assert [p.member for p in places_of(segments, MAIL)] == [("message-2/a.docx",)]
    assert job.budget.members == 4
    assert job.budget.notes == []


def test_what_separates_messages() -> None:
    text = "From 123@xxx\nSubject: one\n\nFrom here on it is text\nFrom: this is text too\n\n"
    text += "From day one\nno header\n\nFrom b@example.org Mon Jan  1 10:00:00 2024\nSubject: two\n\nb\n"
    text += "From c@example.org Mon Jan  1 10:00:00 2024\r\nSubject: three\r\n\r\nc\r\n"
    segments, _ = extract(text.encode(), MBOX)
    assert [p.record for name in ("one", "two", "three") for p in places_of(segments, name) if p.tag] == [0, 1, 2]
    assert "From here on it is text" in text_of(segments)


def test_a_broken_message_costs_itself() -> None:
    bad = "Content-Type: multipart/mixed; boundary=b\n"
    deep = "".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(300))
    text = message("a@example.org", deep, bad.replace("=b", "=b0")) + message("b@example.org", SSN)
    segments, job = extract(text.encode(), MBOX)
    assert [p.record for p in places_of(segments, SSN)] == [1]
    assert [note.partition(":")[0] for note in job.budget.notes] == ["MIME_PARTS_OVER_LIMIT"]


def test_budgets() -> None:
    text = (message("a@example.org", "x" * 5000) + message("b@example.org", SSN)).encode()
    segments, job = extract(text, MBOX, limits=Limits(part_bytes=1000))
    assert [p.record for p in places_of(segments, SSN)] == [1]
    assert [note.partition(":")[0] for note in job.budget.notes] == ["FILE_EXCEEDS_SIZE_LIMIT"]
    with pytest.raises(LimitReached):
        extract(text * 10, MBOX, limits=Limits(members=15))


def test_damage_gives_object_errors_only() -> None:
    whole = message(
        "a@example.org", "--b\n\nx\n" + attached("=?utf-8?q?a?=", b"x"), "Content-Type: multipart/x; boundary=b\n"
    )
    whole += message("b@example.org", "=?x?= =C3", "Content-Transfer-Encoding: quoted-printable\nTo: =?utf-8?b?YQ?=\n")
    rng = random.Random(4)
    for _ in range(400):
        data = bytearray(whole.encode())
        for _ in range(rng.randrange(1, 9)):
            data[rng.randrange(len(data))] = rng.choice(b'\r\n\\;:= \xff\0"?')
        try:
            extract(bytes(data), MBOX)
        except ObjectError:
            continue
