from __future__ import annotations

import io
import struct

import pytest

from fixtures.writers.ole import compound, compressed, macros, packed, property_set
from piiscan.errors import Encrypted, Malformed
from piiscan.extract import Job
from piiscan.extract.ole import Compound
from piiscan.extract.vba import decompressed
from tests.extract.make import IBAN, MAIL, SSN, cell, extract, places_of, text_of, xlsx

OLE = "application/x-ole-storage"


def test_compression_with_copies() -> None:
    # The sample of MS-OVBA 3.2.2.
    sample = bytes.fromhex(
        "012fb00023616161626364658266007061676869 6a013808616b6c00306d6e6f7006710270041072737475761077 78797a003c"
    )
    clear = b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"
    assert decompressed(sample, 1 << 20) == clear
    assert decompressed(compressed(b"x" * 7000), 1 << 20) == b"x" * 7000


def test_macros_are_read_by_module() -> None:
    source = f'Sub Go()\r\n  mail = "{MAIL}"\r\nEnd Sub\r\n'.encode()
    data = compound(macros("Module1", source))
    segments, job = extract(data, OLE)
    (place,) = places_of(segments, MAIL)
    assert (place.part, place.path, place.line) == ("macro", "Module1", 2)
    assert job.budget.notes == []


def test_object_with_a_package_and_a_packed_file() -> None:
    inner = xlsx({"S": f'<row r="1">{cell("B2", IBAN)}</row>'})
    data = compound({"\x01Ole10Native": packed("note.txt", SSN.encode()), "Package": inner})
    segments, _ = extract(data, OLE)
    assert [p.member for p in places_of(segments, SSN)] == [("note.txt",)]
    assert [(p.member, p.cell) for p in places_of(segments, IBAN)] == [(("Package",), "B2")]


def test_unknown_storage_is_read_as_printable_runs() -> None:
    segments, job = extract(compound({"Stuff": f"mail {MAIL}".encode()}), OLE)
    assert MAIL in text_of(segments)
    assert job.budget.notes[0].startswith("UNSUPPORTED_FILE_TYPE_EXCEPTION")


def test_equation_leaves_nothing_unread() -> None:
    data = compound({"Equation Native": b"MTEF data " + bytes(200), "\x01CompObj": bytes(80), "\x03ObjInfo": bytes(6)})
    _, job = extract(data, OLE)
    assert job.budget.notes == []


def test_properties_in_other_charsets() -> None:
    raw = property_set({4: "Au Thor"})
    wide = raw.replace(struct.pack("<IHH", 2, 1252, 0), struct.pack("<IHH", 2, 1251, 0))
    segments, _ = extract(
        compound({"\x05SummaryInformation": wide.replace(b"Au Thor", "Иван".encode("cp1251") + b"\0\0\0")}), OLE
    )
    assert [(p.part, p.path) for p in places_of(segments, "Иван")] == [("properties", "author")]


def test_encrypted_package_is_said_so() -> None:
    data = compound({"EncryptedPackage": bytes(64), "EncryptionInfo": bytes(64)})
    with pytest.raises(Encrypted):
        extract(data, "application/x-ole-encrypted-package")


def test_counts_that_lie_are_refused() -> None:
    data = bytearray(compound({"Stuff": b"x" * 5000}))
    data[44:48] = b"\xff\xff\xff\x7f"
    with pytest.raises(Malformed):
        Compound(io.BytesIO(data), Job("x"))
