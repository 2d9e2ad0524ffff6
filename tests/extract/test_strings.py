"""Printable runs of unknown formats, with their byte offsets."""

from __future__ import annotations

import io

import pytest

from piiscan.errors import Encrypted
from piiscan.extract import Budget, Job, Limits, TextSegment, segments

MAIL = "ana@example.org"
NOISE = bytes((n * 151 + 7) % 32 for n in range(64)).replace(b"\t", b"\0")


def read(data: bytes, limits: Limits | None = None) -> tuple[list[tuple[int, str]], list[str]]:
    job = Job(name="x.bin", media_type="application/octet-stream", budget=Budget(limits=limits or Limits()))
    runs: list[tuple[int, str]] = []
    for segment in segments(io.BytesIO(data), job):
        assert isinstance(segment, TextSegment)
        assert not segment.prose
        for start, text in zip(segment.starts, segment.text.split("\n"), strict=True):
            runs.append((segment.place_of(start).byte or 0, text))
    return runs, job.budget.notes


@pytest.mark.parametrize(
    "text", [MAIL, "Zoë Müller-Straße", "山田太郎 and others"], ids=["ascii", "two bytes", "three bytes"]
)
def test_narrow_runs(text: str) -> None:
    runs, notes = read(NOISE + text.encode() + NOISE)
    assert (len(NOISE), text) in runs
    assert notes == ["UNSUPPORTED_FILE_TYPE_EXCEPTION: application/octet-stream: only printable text was read"]


@pytest.mark.parametrize("shift", [0, 1])
def test_wide_runs(shift: int) -> None:
    data = b"\1" * (40 + shift) + MAIL.encode("utf-16-le") + b"\1\1"
    assert read(data)[0] == [(40 + shift, MAIL)]


def test_short_runs_are_left_out() -> None:
    assert read(b"\0abcde\0abcdef\0")[0] == [(7, "abcdef")]


@pytest.mark.parametrize("codec", ["ascii", "utf-16-le"])
def test_a_run_over_a_block_is_one(codec: str) -> None:
    data = b"\1" * ((4 << 20) - 8) + MAIL.encode(codec) + b"\1" * 10
    assert read(data)[0] == [((4 << 20) - 8, MAIL)]


def test_the_limit_is_said() -> None:
    runs, notes = read(b"\1" * 1000 + MAIL.encode() + bytes(5 << 20), Limits(strings_bytes=1 << 20))
    assert runs == [(1000, MAIL)]
    assert "first 1 MiB" in notes[0]


def test_zeros_give_nothing() -> None:
    assert read(bytes(1 << 20))[0] == []


def test_an_office_document_under_a_password() -> None:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le") + bytes(1000)
    with pytest.raises(Encrypted):
        list(segments(io.BytesIO(head), Job(name="x.docx")))
