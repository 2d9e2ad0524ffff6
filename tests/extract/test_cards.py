from __future__ import annotations

import base64
import io
import random

import pytest

from piiscan.errors import ObjectError
from piiscan.extract import cards
from piiscan.identify import identify
from piiscan.model import TextSegment
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of

VCARD, CALENDAR, LDIF = cards.VCARD, cards.CALENDAR, cards.LDIF
KEY = base64.b64encode(b"text in a file: " + IBAN.encode()).decode()
CARDS = (
    f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana\r\nitem1.EMAIL;TYPE=work:ana.pru\r\n eba@exam\r\n\tple.org\r\n"
    f"NOTE:one\\, two\\nthree {SSN[:5]}\r\n {SSN[5:]}\r\nEND:VCARD\r\n"
    f"BEGIN:VCARD\r\nVERSION:4.0\r\nTEL:555-0100\r\nPHOTO:data:text/plain;base64,{KEY}\r\nEND:VCARD\r\n"
)
OLD = (
    "BEGIN:VCARD\nVERSION:2.1\nLABEL;HOME;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Calle Pe=F1a=0D=0A=\n"
    f"two {SSN}=\n, end\nKEY;X509;BASE64:\n  {KEY[:20]}\n  {KEY[20:]}\n\nTEL;CELL:555-0199\nEND:VCARD\n"
)


def place(text: str, media_type: str, value: str) -> list[tuple[int | None, str | None, int | None]]:
    segments, job = extract(text.encode(), media_type)
    assert job.budget.notes == []
    return [(p.line, p.tag, p.record) for p in places_of(segments, value)]


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        (CARDS, VCARD),
        ("\ufeffbegin:vcard\nVERSION:3.0\nEND:VCARD\n", VCARD),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\n", CALENDAR),
        ("version: 1\n\ndn: cn=Ana,dc=example\ncn: Ana\n", LDIF),
        ("# a comment\ndn:: Y249QW5h\n", LDIF),
        ("dn is short\n", "text/plain"),
    ],
)
def test_identified_by_content(text: str, media_type: str) -> None:
    assert identify(io.BytesIO(text.encode()), "x").media_type == media_type


def test_folded_lines_and_escapes() -> None:
    assert place(CARDS, VCARD, MAIL) == [(4, "EMAIL", 0)]
    assert place(CARDS, VCARD, SSN) == [(7, "NOTE", 0)]
    assert place(CARDS, VCARD, "555-0100") == [(12, "TEL", 1)]
    assert "one, two\nthree" in text_of(extract(CARDS.encode(), VCARD)[0])


def test_line_of_what_is_in_a_fold() -> None:
    text = f"BEGIN:VCARD\nNOTE:a\\n\\nb\n {MAIL}\n {IBAN}\nEND:VCARD\n"
    assert place(text, VCARD, MAIL) == [(3, "NOTE", 0)]
    assert place(text, VCARD, IBAN) == [(4, "NOTE", 0)]


def test_quoted_printable_and_base64_of_old_cards() -> None:
    assert place(OLD, VCARD, "Calle Peña") == [(3, "LABEL", 0)]
    assert place(OLD, VCARD, SSN) == [(4, "LABEL", 0)]
    assert place(OLD, VCARD, "555-0199") == [(10, "TEL", 0)]
    segments, _ = extract(OLD.encode(), VCARD)
    assert [p.member for p in places_of(segments, IBAN)] == [("KEY-1",)]


def test_data_addresses() -> None:
    segments, _ = extract(CARDS.encode(), VCARD)
    assert [p.member for p in places_of(segments, IBAN)] == [("PHOTO-1",)]


def test_calendar_entries() -> None:
    text = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n"
        f'ATTENDEE;CN="Ana: P";ROLE=CHAIR:mailto:{MAIL}\r\nDESCRIPTION:at\r\n  {SSN}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
    )
    assert place(text, CALENDAR, MAIL) == [(6, "ATTENDEE", 1)]
    assert place(text, CALENDAR, SSN) == [(8, "DESCRIPTION", 1)]


def test_ldif() -> None:
    coded = base64.b64encode(f"Zoë {IBAN}".encode()).decode()
    binary = base64.b64encode(b"\x89\x00\x01\xfftext " + MAIL.encode() + b" end").decode()
    text = (
        f"version: 1\n\ndn: cn=a\ncn: a\n\n# comment {SSN}\ndn: cn=b,dc=example,\n dc=org\n"
        f"description;lang-es:: {coded[:10]}\n {coded[10:]}\njpegPhoto:: {binary}\nmail: b@example\n .org\n"
    )
    segments, job = extract(text.encode(), LDIF)
    assert [(p.line, p.tag, p.record) for p in places_of(segments, IBAN)] == [(9, "description", 1)]
    assert [(p.line, p.tag, p.record) for p in places_of(segments, "b@example.org")] == [(12, "mail", 1)]
    assert [(p.line, p.record) for p in places_of(segments, SSN)] == [(6, 0)]
    assert "cn=b,dc=example,dc=org" in text_of(segments)
    assert [p.member for p in places_of(segments, MAIL)] == [("jpegPhoto-1",)]
    assert all(note.startswith("UNSUPPORTED") for note in job.budget.notes)


def test_lines_are_counted_over_chunks_and_memory_is_bounded() -> None:
    card = f"BEGIN:VCARD\r\nFN:{'x' * 200}\r\nEMAIL:{MAIL}\r\nEND:VCARD\r\n"
    segments, _ = extract((card * 20_000).encode(), VCARD)
    lines = [p.line for p in places_of(segments, MAIL)]
    assert lines == [4 * n + 3 for n in range(20_000)]
    huge = f"BEGIN:VCARD\nNOTE:{'y' * (20 << 20)}\nEMAIL:{MAIL}\n"
    segments, _ = extract(huge.encode(), VCARD)
    assert [p.line for p in places_of(segments, MAIL)] == [3]
    assert max(len(s.text) for s in segments if isinstance(s, TextSegment)) < 1 << 20


def test_damage_gives_object_errors_only() -> None:
    rng = random.Random(2)
    for media_type in (VCARD, CALENDAR, LDIF):
        for _ in range(300):
            data = bytearray((OLD + CARDS + f"dn:: {KEY}\na: b\n").encode())
            for _ in range(rng.randrange(1, 9)):
                data[rng.randrange(len(data))] = rng.choice(b'\r\n\\;:= \xff\0"')
            try:
                extract(bytes(data), media_type)
            except ObjectError:
                continue
