from __future__ import annotations

import struct
import sys

import pytest

from fixtures.writers.pst import pst as written
from piiscan.errors import Malformed, UnsupportedFormat
from piiscan.extract import pst
from piiscan.model import Place
from tests.extract.make import IBAN, MAIL, SSN, docx, extract, paragraph, places_of
from tests.extract.mutate import survives

PST = "application/vnd.ms-outlook-pst"


def test_the_reason_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypff", None)  # an import of it fails, as where the extra is not installed
    with pytest.raises(UnsupportedFormat, match="pip install libpff-python"):
        extract(b"!BDN" + bytes(600), PST)


WHOLE = written(
    "Inbox",
    {0x0037: "Número", 0x0C1F: MAIL, 0x1000: f"one\r\ntwo {SSN}\r\n", 0x8012: IBAN},
    [{0x3001: "Ana", 0x3003: "x@example.org"}, {0x3001: "Ben", 0x3003: "y@example.org"}],
    {0x3707: "a.docx", 0x3701: docx(paragraph("Dear reader-9"))},
)


def test_a_message_with_its_folder_recipients_and_attachment() -> None:
    pytest.importorskip("pypff")
    found, job = extract(WHOLE, PST)
    for value, place in (
        ("Número", Place(record=0, path="Inbox", part="header", tag="Subject")),
        (MAIL, Place(record=0, path="Inbox", part="header", tag="SenderEmailAddress")),
        (IBAN, Place(record=0, path="Inbox", part="header", tag="0x8012")),
        (SSN, Place(record=0, path="Inbox", part="body", line=2, column=5)),
        ("y@example.org", Place(record=0, path="Inbox", part="recipient", row=2, tag="EmailAddress")),
        ("reader-9", Place(member=("message-0/a.docx",), part="body", paragraph=1)),
    ):
        assert places_of(found, value) == [place], value
    assert job.budget.notes == []


def test_damage() -> None:
    with pytest.raises(Malformed):
        extract(b"!BDN" + bytes(600), PST)
    assert survives(WHOLE, PST) > 10


def test_values_of_a_property_that_has_many() -> None:
    data = struct.pack("<III", 2, 12, 16) + b"ab\0\0" + b"cd"
    assert pst._parts(data) == [b"ab\0\0", b"cd"]
    assert pst._parts(b"\xff\xff\xff\xff") == []
