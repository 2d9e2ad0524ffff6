"""Encrypted documents are read with the passwords that the user gave, and said to be encrypted without."""

from __future__ import annotations

import hashlib
import io

import pytest

from piiscan.errors import Encrypted
from piiscan.extract import Budget, Job, extractor_for
from tests.extract.make import SSN, pdf_bytes, pdf_objects, pdf_stream, text_of

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
