"""HL7 v2: fields with their labels, components with their paths, batches, escapes, and documents inside."""

from __future__ import annotations

import base64
import io

import pytest

from piiscan.extract import Job, segments
from piiscan.identify import identify
from tests.extract.make import MAIL, SSN, docx, extract, paragraph, places_of, text_of
from tests.extract.mutate import survives

HL7 = "application/hl7-v2"
FIRST = (
    "MSH|^~\\&|APP|FAC|||20200101||ADT^A01|1|P|2.5\r"
    f"PID|1||12345^^^HOSP^MR~999||Prueba^Ana^M||19800102|F|||1 High St^^Leeds||5550100~{MAIL}||||||{SSN}\r"
    "OBX|1|TX|a^b||x\\T\\y\\.br\\z \\X4142\\ R\\T\\D\r"
    "OBX|2|TX|c||second\r"
)
SECOND = "MSH|^~\\&|APP\rPID|1||77\r"


def test_paths_of_fields_components_and_repeats() -> None:
    found, job = extract((FIRST + SECOND).encode(), HL7)
    where = {
        value: [(p.record, p.line, p.path) for p in places_of(found, value)]
        for value in ("Prueba", "Leeds", MAIL, SSN, "12345", "999", "second", "77", "ADT")
    }
    assert where == {
        "Prueba": [(0, 2, "PID-5.1")],
        "Leeds": [(0, 2, "PID-11.3")],
        MAIL: [(0, 2, "PID-13[2]")],
        SSN: [(0, 2, "PID-19")],
        "12345": [(0, 2, "PID-3[1].1")],
        "999": [(0, 2, "PID-3[2]")],
        "second": [(0, 4, "OBX[2]-5")],
        "77": [(1, 6, "PID-3")],
        "ADT": [(0, 1, "MSH-9.1")],
    }
    assert not job.budget.notes


def test_a_label_stands_before_its_value() -> None:
    text = text_of(extract(FIRST.encode(), HL7)[0])
    for line in ("Patient name: Ana M Prueba", f"SSN: {SSN}", "Date of birth: 19800102", "x&y\nz AB R&D"):
        assert line in text


def test_other_delimiters_and_line_ends() -> None:
    data = f"MSH#$*!%#APP\nPID#1##12345$$$HOSP##Prueba$Ana######{MAIL}\n".encode()
    stream = io.BytesIO(data)
    assert identify(stream, "x").media_type == HL7
    found, _ = extract(data, HL7)
    assert [p.path for p in places_of(found, "Ana")] == ["PID-5.2"]
    assert [(p.line, p.path) for p in places_of(found, MAIL)] == [(2, "PID-11")]


@pytest.mark.parametrize(
    "data",
    [
        FIRST.encode(),
        b"\x0b" + FIRST.encode() + b"\x1c\r",
        ("FHS|^~\\&|A\rBHS|^~\\&|A\r" + FIRST + "BTS|1\rFTS|1\r").encode(),
    ],
)
def test_messages_from_the_wire_and_batches(data: bytes) -> None:
    found = list(segments(io.BytesIO(data), Job(name="x")))
    assert [(p.record, p.path) for p in places_of(found, SSN)] == [(0, "PID-19")]


def test_documents_inside_are_members() -> None:
    letter = base64.b64encode(docx(paragraph(f"Dear {MAIL}"))).decode()
    found, _ = extract(f"MSH|^~\\&|A\rOBX|1|ED|doc||^application^docx^Base64^{letter}\r".encode(), HL7)
    (place,) = places_of(found, MAIL)
    assert (place.member, place.paragraph) == (("OBX-5 of message 0",), 1)


def test_damage_never_escapes() -> None:
    assert survives(FIRST.encode(), HL7) > 50
