"""Printable runs of unknown formats, with their byte offsets."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.text(st.characters(max_codepoint=255), max_size=12).map(lambda text: text.encode("utf-16-le")),
            st.sampled_from(
                [b"printable run", b"\xed\xa0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80"]
            ),
        ),
        max_size=12,
    )
)
def test_every_run_stands_where_its_place_says(parts: list[bytes]) -> None:
    data = b"".join(parts)
    for at, text in read(data)[0]:
        narrow = data[at:].startswith(text.encode())
        assert narrow or data[at:].startswith(text.encode("utf-16-le"))
        assert len(text.encode()) >= 6
        assert "\ufffd" not in text or "\ufffd".encode() in data or "\ufffd".encode("utf-16-le") in data


def test_many_runs_go_out_in_few_segments() -> None:
    data = b"".join(b"run number %d of many\0\1" % n for n in range(100_000))
    job = Job(name="x.bin", media_type="application/octet-stream")
    found = list(segments(io.BytesIO(data), job))
    assert len(found) <= 5
    assert sum(len(s.starts) for s in found if isinstance(s, TextSegment)) == 100_000
    last = found[-1]
    assert isinstance(last, TextSegment)
    assert last.place_of(len(last.text) - 1).byte == data.index(b"run number 99999 ")
