"""Encrypted documents are read with the passwords that the user gave, and said to be encrypted without."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest

from fixtures.writers.ole import compound, label, record, workbook
from fixtures.writers.pdf import pdf_bytes, pdf_objects, pdf_stream
from piiscan.errors import Encrypted, ObjectError
from piiscan.extract import Budget, Job, extractor_for, segments
from piiscan.identify import ENCRYPTED_OLE, identify
from tests.extract.make import SSN, docx, paragraph, text_of
from tests.support.programs import needs

PDF = "application/pdf"
WORDS = ("wrong", "open sesame")
_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def rc4(key: bytes, data: bytes) -> bytes:
    """Source: draft-kaukonen-cipher-arcfour-03."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) & 255
        j = (j + state[i]) & 255
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) & 255])
    return bytes(out)


def locked_pdf(text: str, word: str) -> bytes:
    """A page under a user password, 40 bits. Source: ISO 32000-1, 7.6.3, algorithms 1 to 4."""
    padded = (word.encode() + _PAD)[:32]
    owner = rc4(hashlib.md5(padded).digest()[:5], padded)
    identity = b"0123456789abcdef"
    key = hashlib.md5(padded + owner + (0xFFFFFFFC).to_bytes(4, "little") + identity).digest()[:5]
    objects = pdf_objects([[text]])
    content = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()
    mine = hashlib.md5(key + (11).to_bytes(3, "little") + b"\0\0").digest()[:10]
    objects[11] = pdf_stream(rc4(mine, content))
    encrypt = (
        f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{owner.hex()}>/U<{rc4(key, _PAD).hex()}>>>"
        f"/ID[<{identity.hex()}><{identity.hex()}>]"
    )
    return pdf_bytes(objects, encrypt)


def read(data: bytes, media_type: str, *words: str) -> str:
    job = Job("x", media_type, budget=Budget(bytes_in=len(data)), passwords=words)
    return text_of(list(extractor_for(media_type).extract(io.BytesIO(data), job)))


def test_a_pdf_under_a_password() -> None:
    data = locked_pdf(f"SSN {SSN}", WORDS[1])
    assert SSN in read(data, PDF, *WORDS)
    for words in ((), WORDS[:1]):
        with pytest.raises(Encrypted) as caught:
            read(data, PDF, *words)
        assert not any(word in str(caught.value) for word in WORDS)


def locked_docx(text: str, word: str) -> bytes:
    """A Word document under a password, as Office 2010 and later encrypt one."""
    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    # What makes these here gets packages of less than 4 kB wrong.
    noise = random.Random(3).randbytes(9_000)
    plain = docx(paragraph(text), {"[Content_Types].xml": types, "word/media/noise.bin": noise})
    OOXMLFile(io.BytesIO(plain)).encrypt(word, out)
    return out.getvalue()


def test_a_word_document_under_a_password() -> None:
    data = locked_docx(f"SSN {SSN}", WORDS[1])
    found = identify(io.BytesIO(data), "x.docx").media_type
    assert found == ENCRYPTED_OLE
    assert SSN in read(data, found, *WORDS)
    for words in ((), WORDS[:1]):
        with pytest.raises(Encrypted):
            read(data, found, *words)


def test_damage_to_a_locked_document_is_an_object_error() -> None:
    rng = random.Random(20_261_130)
    data = locked_docx(f"SSN {SSN}", WORDS[1])
    for _ in range(30):
        spoilt = bytearray(data)
        for _ in range(rng.choice((1, 20))):
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        job = Job("x", "", budget=Budget(bytes_in=len(data)), passwords=WORDS[1:2])
        with suppress(ObjectError):
            list(segments(io.BytesIO(bytes(spoilt)), job))


def locked_xls(text: str, word: str) -> bytes:
    """A workbook whose records are under RC4. Source: MS-XLS 2.2.10, MS-OFFCRYPTO 2.3.6."""
    salt, verifier = bytes(range(16)), bytes(range(16, 32))
    short = hashlib.md5(word.encode("utf-16-le")).digest()[:5]
    base = hashlib.md5((short + salt) * 16).digest()[:5]

    def stream(size: int) -> bytes:
        blocks = range(size // 1024 + 1)
        return b"".join(rc4(hashlib.md5(base + struct.pack("<I", n)).digest(), bytes(1024)) for n in blocks)

    proof = bytes(a ^ b for a, b in zip(verifier + hashlib.md5(verifier).digest(), stream(32), strict=False))
    data = bytearray(
        workbook({"S": label(0, 0, text)}, globals_=record(0x2F, struct.pack("<3H", 1, 1, 1) + salt + proof))
    )
    keys, at = stream(len(data)), 0
    while at < len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        # Left as they are: how a stream begins, the key's own record, and where a sheet begins.
        clear = size if kind in (0x0809, 0x002F) else 4 if kind == 0x0085 else 0
        for i in range(at + 4 + clear, at + 4 + size):
            data[i] ^= keys[i]
        at += 4 + size
    return compound({"Workbook": bytes(data)})


@pytest.mark.parametrize(("word", "words"), [("VelvetSweatshop", ()), (WORDS[1], WORDS)], ids=["own", "given"])
def test_an_old_workbook_under_a_password(word: str, words: tuple[str, ...]) -> None:
    data = locked_xls(f"SSN {SSN}", word)
    assert SSN.encode() not in data
    assert SSN in read(data, "application/vnd.ms-excel", *words)


def test_an_old_workbook_under_another_password_is_said_so() -> None:
    for words in ((), WORDS[:1]):
        with pytest.raises(Encrypted, match="an Excel workbook under a password"):
            read(locked_xls(f"SSN {SSN}", WORDS[1]), "application/vnd.ms-excel", *words)


def test_a_document_that_excel_protects_and_leaves_open() -> None:
    data = locked_docx(f"SSN {SSN}", "VelvetSweatshop")
    assert SSN in read(data, ENCRYPTED_OLE)


def zip_crypto(data: bytes, word: bytes) -> bytes:
    """A stored ZIP member under the traditional encryption. Source: APPNOTE.TXT 6.3.10, section 6.1."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(old: int, byte: int) -> int:
        return zlib.crc32(bytes([byte]), old ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    for byte in word:
        update(byte)
    out = bytearray()
    for byte in bytes(11) + bytes([zlib.crc32(data) >> 24]) + data:
        mask = (keys[2] | 2) & 0xFFFF
        out.append(byte ^ (mask * (mask ^ 1) >> 8 & 255))
        update(byte)
    return bytes(out)


def locked_zip(text: str, word: str) -> bytes:
    """An archive with an open member and one under a password."""
    data = text.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("open.txt", "nothing here")
        made.writestr("locked.txt", zip_crypto(data, word.encode()))
    whole = bytearray(out.getvalue())
    for sign, flags, sizes in ((b"PK\3\4", 6, 14), (b"PK\1\2", 8, 16)):
        at = whole.rindex(sign)
        whole[at + flags] |= 1
        whole[at + sizes : at + sizes + 12] = struct.pack("<III", zlib.crc32(data), len(data) + 12, len(data))
    return bytes(whole)


@needs("libarchive")
def test_a_zip_member_under_a_password() -> None:
    data = locked_zip(f"SSN {SSN}", WORDS[1])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("locked.txt", pwd=WORDS[1].encode()) == f"SSN {SSN}".encode()
    for words, found in (((), False), (WORDS[:1], False), (WORDS, True)):
        job = Job("x.zip", "", budget=Budget(bytes_in=len(data)), passwords=words)
        text = text_of(list(segments(io.BytesIO(data), job)))
        assert "nothing here" in text
        assert (SSN in text) is found
        assert bool(job.budget.notes) is not found
