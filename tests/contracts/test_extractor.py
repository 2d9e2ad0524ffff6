"""What every extractor promises: any bytes raise `ObjectError` or nothing, and every segment can tell its places."""

from __future__ import annotations

import contextlib
import io
from typing import BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piiscan.errors import ObjectError
from piiscan.extract import _HOME, ColumnSegment, Job, extractor_for, segments
from piiscan.extract.spooled import Pieces

HEADS = {
    "application/pdf": b"%PDF-1.7\n",
    "application/gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
    "application/x-bzip2": b"BZh91AY&SY",
    "application/x-xz": b"\xfd7zXZ\0",
    "application/zip": b"PK\x03\x04\x14\0\0\0\x08\0",
    "application/vnd.apache.parquet": b"PAR1",
    "application/json": b'{"a": [',
    "application/x-ndjson": b'{"a": 1}\n',
    "application/xml": b"<?xml version='1.0'?><a>",
    "text/html": b"<html><p>",
    "message/rfc822": b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n",
}
TYPES = [*_HOME, "application/octet-stream"]


def walk(stream: BinaryIO, job: Job) -> None:
    with contextlib.suppress(ObjectError):
        for segment in segments(stream, job):
            if isinstance(segment, ColumnSegment):
                assert len(segment.values) == len(segment.rows) > 0
                assert all(segment.values)
                for index in range(len(segment.values)):
                    segment.place_of(index)
            else:
                assert len(segment.starts) == len(segment.places)
                assert list(segment.starts) == sorted(segment.starts)
                for offset in range(0, len(segment.text), 7):
                    segment.place_of(offset)


@pytest.mark.parametrize("media_type", TYPES)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=400), headed=st.booleans())
def test_any_bytes(media_type: str, data: bytes, headed: bool) -> None:
    data = HEADS.get(media_type, b"") + data if headed else data
    walk(io.BytesIO(data), Job(name="x", media_type=media_type))
    walk(cast(BinaryIO, Pieces(iter((data,)))), Job(name="x", media_type=media_type))


@pytest.mark.parametrize("media_type", TYPES)
def test_an_extractor_is_at_home_where_it_is_sent(media_type: str) -> None:
    assert media_type in extractor_for(media_type).media_types
