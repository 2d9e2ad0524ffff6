"""DICOM headers: tags, sequences, private elements, character sets, documents inside, and damage."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fixtures.writers.dicom import written
from piiscan.identify import identify
from tests.extract.make import MAIL, docx, extract, paragraph, places_of, text_of
from tests.extract.mutate import survives

DICOM = "application/dicom"


def patient(**more: Any) -> Dataset:
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.PatientName = "Prueba^Jos\u00e9"
    data.PatientID = "MRN-00417"
    data.PatientBirthDate = "19800102"
    data.OtherPatientNames = ["Prueba^Ana", "Prueba^Eva"]
    item = Dataset()
    item.ScheduledProcedureStepDescription = f"call {MAIL}"
    data.RequestAttributesSequence = Sequence([Dataset(), item])
    block = data.private_block(0x0011, "EXAMPLE ORG", create=True)
    block.add_new(0x01, "LO", "a private note")
    block.add_new(0x02, "UN", b"\0hidden text\0")
    for name, value in more.items():
        setattr(data, name, value)
    return data


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_elements_have_their_tags(syntax: str) -> None:
    found, job = extract(written(patient(), syntax), DICOM)
    assert [p.tag for p in places_of(found, "Patient's Name: Jos\u00e9 Prueba")] == ["(0010,0010) PN"]
    assert [p.tag for p in places_of(found, "Prueba^Jos\u00e9")] == ["(0010,0010) PN"]
    assert [p.tag for p in places_of(found, "MRN-00417")] == ["(0010,0020) LO"]
    assert [p.tag for p in places_of(found, "Patient's Birth Date: 19800102")] == ["(0010,0030) DA"]
    assert [p.tag for p in places_of(found, "Prueba^Eva")] == ["(0010,1001) PN"]
    assert [p.tag for p in places_of(found, MAIL)] == ["(0040,0275)[2].(0040,0007) LO"]
    assert [(p.tag or "")[:11] for p in places_of(found, "a private note")] == ["(0011,1001)"]
    assert [(p.tag or "")[:11] for p in places_of(found, "hidden text")] == ["(0011,1002)"]
    assert not job.budget.notes


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_files_without_a_preamble_are_known(syntax: str) -> None:
    data = written(patient(), syntax, bare=True)
    assert identify(io.BytesIO(data), "x").media_type == DICOM
    found, _ = extract(data, DICOM)
    assert [p.tag for p in places_of(found, "MRN-00417")] == ["(0010,0020) LO"]


def test_the_picture_is_left_out_and_said_to_be() -> None:
    data = patient(Rows=2, Columns=2, BitsAllocated=8, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")
    data.PixelData = b"PIXL"
    found, job = extract(written(data), DICOM)
    assert places_of(found, MAIL)
    assert "PIXL" not in text_of(found)
    assert job.budget.notes == ["OCR: only the header was read; text in the picture is not looked for"]


def test_documents_inside_are_members() -> None:
    letter = docx(paragraph("Dear reader-9"))
    found, _ = extract(written(patient(EncapsulatedDocument=letter + b"\0" * (len(letter) % 2))), DICOM)
    (place,) = places_of(found, "reader-9")
    assert place.member == ("(0042,0011) OB",)


def test_without_pydicom_the_reason_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(patient())
    monkeypatch.setitem(sys.modules, "pydicom", None)
    found, job = extract(data, DICOM)
    assert "MRN-00417" in text_of(found)
    assert "piiscan-oss[health]" in job.budget.notes[0]


def test_damage_never_escapes() -> None:
    assert survives(written(patient()), DICOM) > 30
