"""The directory of a Feather file of version 1: sound ones pass, and any changed byte costs an object error at most."""

from __future__ import annotations

import io
import random
import struct
import warnings
from contextlib import suppress

import pyarrow as pa
import pytest
from pyarrow import feather

from piiscan.errors import Malformed
from piiscan.extract.feather import check

TABLES = [
    pa.table({"a": [1, None, 3], "b": ["x", None, "zz"], "c": [True, False, None], "d": [1.5, 2, None]}),
    pa.table({"t": pa.array([1, 2], pa.timestamp("us", tz="UTC")), "k": pa.array(["a", "b"]).dictionary_encode()}),
    pa.table({"a": pa.array([], pa.int32()), "day": pa.array([], pa.date32())}),
    pa.table({"s": ["é" * 100, ""], "bin": [b"1", b"22"]}),
]


def written(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        feather.write_feather(table, out, version=1)
    return out.getvalue()


@pytest.mark.parametrize("table", TABLES, ids=range(len(TABLES)))
def test_sound_files_pass(table: pa.Table) -> None:
    check(written(table))


@pytest.mark.parametrize(
    ("find", "change"),
    [
        (struct.pack("<q", 3), struct.pack("<q", 1 << 40)),  # rows, and the length of each column
        (struct.pack("<q", 3), struct.pack("<q", -3)),
    ],
    ids=["huge", "negative"],
)
def test_more_values_than_there_are_bytes_are_refused(find: bytes, change: bytes) -> None:
    data = written(TABLES[0])
    size = int.from_bytes(data[-8:-4], "little")
    head, directory = data[: -8 - size], data[-8 - size :]
    assert find in directory
    with pytest.raises(Malformed):
        check(head + directory.replace(find, change))


@pytest.mark.parametrize("data", [b"", b"FEA1", b"FEA1" + bytes(8) + b"FEA1", b"FEA1" + b"\xff" * 20 + b"FEA1"])
def test_what_is_no_feather_file_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        check(data)


def test_any_changed_byte_is_an_object_error_at_most() -> None:
    rng = random.Random(20_261_130)
    for table in TABLES:
        good = written(table)
        for _ in range(500):
            spoilt = bytearray(good)
            for _ in range(rng.choice((1, 1, 4))):
                spoilt[rng.randrange(len(spoilt))] = rng.choice((0, 255, rng.randrange(256)))
            with suppress(Malformed):
                check(bytes(spoilt))
