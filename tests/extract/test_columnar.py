"""Parquet: rows over the file, nested paths, and a file that is not what it says."""

from __future__ import annotations

import base64
import datetime
import io
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from piiscan.cells import Coded
from piiscan.errors import Encrypted, LimitReached, Malformed
from piiscan.extract import Budget, ColumnSegment, Job, TextSegment, segments
from piiscan.extract.giant import BIG
from piiscan.extract.leaves import leaves
from piiscan.extract.spooled import Pieces
from piiscan.model import Segment
from tests.extract.mutate import survives

MAIL = "ana@example.org"


def written(columns: dict[str, Any], metadata: dict[str, str] | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    table = pa.table(columns)
    if metadata:
        table = table.replace_schema_metadata(metadata)
    pq.write_table(table, out, **options)
    return out.getvalue()


def read(data: bytes) -> list[Segment]:
    return list(segments(io.BytesIO(data), Job(name="x", budget=Budget(bytes_in=len(data)))))


def columns(found: list[Segment]) -> dict[str, list[tuple[int, str]]]:
    out: dict[str, list[tuple[int, str]]] = {}
    for s in found:
        if isinstance(s, ColumnSegment):
            out.setdefault(s.path or s.header, []).extend(zip(map(int, s.rows), s.values, strict=True))
    return out


def test_flat_types() -> None:
    data = written(
        {
            "mail": [MAIL, "", None, "b"],
            "n": pa.array([4111111111111111, None, 2, 3]),
            "f": [4111111111111111.0, 1.5, None, 2.0],
            "raw": [b"\xff\0hidden text", b"ok", None, b""],
            "dict": pa.array(["p", "q", "p", None]).dictionary_encode(),
            "day": [datetime.date(2020, 1, 2), None, None, None],
            "flag": [True, False, True, None],
        }
    )
    assert columns(read(data)) == {
        "mail": [(1, MAIL), (4, "b")],
        "n": [(1, "4111111111111111"), (3, "2"), (4, "3")],
        "f": [(1, "4111111111111111"), (2, "1.5"), (4, "2")],
        "raw": [(1, "hidden text"), (2, "ok")],
        "dict": [(1, "p"), (2, "q"), (3, "p")],
        "day": [(1, "2020-01-02")],
    }


REPEATED = {
    "mail": [f"ana{n % 90}@example.org" if n % 11 else None for n in range(2_000)],
    "empty": ["" if n % 3 else f"v{n % 5}" for n in range(2_000)],
    "number": pa.array([4111111111111111 + n % 40 if n % 7 else None for n in range(2_000)]),
    "float": [4111111111111111.0 + n % 40 for n in range(2_000)],
    "part": [n % 8 + 0.5 for n in range(2_000)],
    "day": [datetime.date(2020, 1, 1 + n % 28) for n in range(2_000)],
    "time": pa.array([n % 50 * 10**9 for n in range(2_000)], pa.timestamp("ns", "Europe/Berlin")),
    "none": pa.array([None] * 2_000, pa.string()),
    "long": ["é" * BIG + "x" if n % 500 == 1 else f"w{n % 4}" for n in range(2_000)],
}
"""Columns whose values come again and again."""


@pytest.mark.parametrize("name", REPEATED)
def test_values_that_are_alike_are_the_values_that_they_were(name: str) -> None:
    column = REPEATED[name]
    array = column if isinstance(column, pa.Array) else pa.array(column)
    job = Job(name="x")
    few = [list(leaves(array[n : n + 1], np.array([n + 1]), "h", "", job)) for n in range(len(array))]
    one_by_one = [segment for found in few for segment in found]
    for form in (array, array.dictionary_encode(), pa.concat_arrays([array, array]).dictionary_encode()[: len(array)]):
        found = list(leaves(form, np.arange(1, len(array) + 1), "h", "", job))
        assert columns(found) == columns(one_by_one)
        texts, others = ([s for s in part if isinstance(s, TextSegment)] for part in (found, one_by_one))
        assert [(s.text, s.places) for s in texts] == [(s.text, s.places) for s in others]
        for segment in found:
            if isinstance(segment, ColumnSegment):
                assert isinstance(segment.values, Coded)
                assert len(segment.values.distinct) == len(set(segment.values))


def test_a_dictionary_may_hold_more_than_is_used_and_one_value_twice() -> None:
    array = pa.DictionaryArray.from_arrays(
        pa.array([3, 1, None, 0, 4, 2, 3, 5], pa.uint8()), ["a", "b", None, "b", "", "c", *map(str, range(100))]
    )
    (segment,) = leaves(array, np.arange(1, 9), "h", "", Job(name="x"))
    assert columns([segment]) == {"h": [(1, "b"), (2, "b"), (4, "a"), (7, "b"), (8, "c")]}


def test_a_dictionary_of_what_is_no_text() -> None:
    job = Job(name="x")
    for array in (pa.array([b"plain", b"\xff\0hidden text", b"plain"]), pa.array([True, False, None])):
        rows = np.arange(1, 4)
        assert columns(list(leaves(array.dictionary_encode(), rows, "h", "", job))) == columns(
            list(leaves(array, rows, "h", "", job))
        )


def test_text_that_is_not_utf8_is_read_where_it_repeats_too() -> None:
    raw = pa.array([b"caf\xe9", b"tea"] * 1_000).view(pa.string())
    found = list(leaves(raw, np.arange(2_000), "h", "", Job(name="x")))
    assert columns(found)["h"][:2] == [(0, "caf\ufffd"), (1, "tea")]
    assert columns(list(leaves(raw[:2], np.arange(2), "h", "", Job(name="x")))) == {"h": [(0, "caf\ufffd"), (1, "tea")]}


def test_nested_types_go_by_path() -> None:
    kind = pa.map_(pa.string(), pa.string())
    data = written(
        {
            "l": [["x", "y"], None, ["z"]],
            "s": [{"a": {"b": ["q"]}}, {"a": None}, {"a": {"b": ["r", "t"]}}],
            "m": pa.array([[("k", "v")], None, [("k2", None), ("k3", "w")]], kind),
        }
    )
    found = read(data)
    assert columns(found) == {
        "l.list.element": [(1, "x"), (1, "y"), (3, "z")],
        "s.a.b.list.element": [(1, "q"), (3, "r"), (3, "t")],
        "m.key_value.key": [(1, "k"), (3, "k2"), (3, "k3")],
        "m.key_value.value": [(1, "v"), (3, "w")],
    }
    assert {s.header for s in found if isinstance(s, ColumnSegment)} == {"l", "b", "m"}


def test_rows_count_over_row_groups_and_batches() -> None:
    data = written({"id": list(range(50_000)), "mail": [MAIL] * 50_000}, row_group_size=7_000)
    assert columns(read(data))["id"] == [(n + 1, str(n)) for n in range(50_000)]


def test_the_footer_is_read() -> None:
    found = read(written({"a": ["x"]}, {"owner": MAIL}))
    assert isinstance(found[0], TextSegment)
    assert found[0].text == f"owner: {MAIL}"
    assert found[0].place_of(0).part == "metadata"


def test_a_stream_that_cannot_be_sought_in_is_spooled() -> None:
    data = written({"a": ["x", "y"]})
    stream = cast(BinaryIO, Pieces(iter((data,))))
    assert columns(list(segments(stream, Job(name="x")))) == {"a": [(1, "x"), (2, "y")]}


class _Keys(pe.KmsClient):  # type: ignore[misc]
    """Wraps a key in nothing."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


def encrypted(*, plaintext_footer: bool) -> bytes:
    table = pa.table({"secret": ["s"] * 10, "open": [MAIL] * 10})
    config = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["secret"]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(lambda _: _Keys())
    out = io.BytesIO()
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    with pq.ParquetWriter(out, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table, row_group_size=4)
    return out.getvalue()


def test_an_encrypted_file_is_said_to_be() -> None:
    with pytest.raises(Encrypted):
        read(encrypted(plaintext_footer=False))


def test_columns_that_are_not_encrypted_are_read() -> None:
    job = Job(name="x")
    found = list(segments(io.BytesIO(encrypted(plaintext_footer=True)), job))
    assert columns(found) == {"open": [(n, MAIL) for n in range(1, 11)]}
    assert job.budget.notes == ["INVALID_ENCRYPTION: encrypted columns were not read"]


def test_a_damaged_column_costs_no_other() -> None:
    data = bytearray(
        written({"a": [f"a{n}" for n in range(300)], "b": [f"b{n}" for n in range(300)]}, row_group_size=100,
                compression="none", use_dictionary=False)
    )  # fmt: skip
    begin = data.index(b"a150") - 260
    data[begin : begin + 40] = b"\xff" * 40
    job = Job(name="x")
    got = columns(list(segments(io.BytesIO(bytes(data)), job)))
    assert got["b"] == [(n + 1, f"b{n}") for n in range(300)]
    assert [row for row, _ in got["a"] if row <= 100 or row > 200] == [*range(1, 101), *range(201, 301)]
    assert job.budget.notes[0].startswith("MALFORMED_FILE: 1 damaged column chunk")


@pytest.mark.parametrize("cut", [12, -30])
def test_damage_is_said(cut: int) -> None:
    data = written({"a": ["x"] * 100})
    with pytest.raises(Malformed):
        read(data[:cut])


def test_few_bytes_that_hold_gigabytes_are_stopped() -> None:
    data = written({"a": pa.array(["A" * 1000] * 100_000)}, compression="zstd")
    with pytest.raises(LimitReached) as caught:
        read(data)
    assert caught.value.reason == "ARCHIVE_EXCEEDS_SIZE_LIMIT"


def test_damage_never_escapes() -> None:
    survives(written({"a": [MAIL, "x"] * 20, "b": [[1], [2, 3]] * 20}), "application/vnd.apache.parquet")
