"""Avro: records by path, every codec, damaged blocks, and schemas that Python's types cannot hold."""

from __future__ import annotations

import datetime
import io
import json
import zlib
from typing import Any

import fastavro
import pyarrow as pa
import pytest
import zstandard

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Limits
from tests.extract.make import MAIL, docx, extract, paragraph, places_of, text_of
from tests.extract.mutate import survives

AVRO = "application/avro"
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Person",
    "fields": [
        {"name": "mail", "type": "string"},
        {"name": "born", "type": {"type": "int", "logicalType": "date"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "more", "type": {"type": "map", "values": ["null", "string"]}},
        {"name": "card", "type": ["null", "long"]},
        {"name": "raw", "type": "bytes"},
    ],
}
ROWS = [
    {
        "mail": MAIL if n == 2 else f"user{n}@example.org",
        "born": datetime.date(1980, 1, 1 + n),
        "tags": ["a", f"tag-{n}"],
        "more": {"full name": f"Ana {n}"},
        "card": 4111111111111111,
        "raw": b"\xff\0hidden text\x01",
    }
    for n in range(6)
]


def written(codec: str = "null", rows: Any = ROWS, schema: Any = SCHEMA, **options: Any) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, schema, rows, codec=codec, **options)
    return out.getvalue()


def packed(codec: str, pack: Any) -> bytes:
    """A file whose one block goes through `pack`, for codecs that fastavro cannot write here."""
    plain = written(sync_interval=1 << 20)
    head = plain.index(b"avro.codec")
    assert plain[head + 10 : head + 15] == b"\x08null"
    name = bytes([len(codec) * 2]) + codec.encode()
    sync = plain[-16:]
    begin = plain.index(sync) + 16
    count, rest = plain[begin : begin + 1], plain[begin + 1 : -16]
    while rest[0] & 0x80:
        rest = rest[1:]
    block: bytes = pack(rest[1:])
    size = len(block) << 1
    number = bytearray()
    while size > 0x7F:
        number.append(size & 0x7F | 0x80)
        size >>= 7
    number.append(size)
    return plain[: head + 10] + name + plain[head + 15 : begin] + count + bytes(number) + block + sync


def test_values_by_path_and_record() -> None:
    found, job = extract(written(sync_interval=100), AVRO)
    (place,) = places_of(found, MAIL)
    assert (place.record, place.path) == (2, "$.mail")
    assert [p.path for p in places_of(found, "tag-4")] == ["$.tags[1]"]
    assert [p.path for p in places_of(found, "Ana 5")] == ["$.more['full name']"]
    assert [p.record for p in places_of(found, "1980-01-04")] == [3]
    assert len(places_of(found, "4111111111111111")) == 6
    assert len(places_of(found, "hidden text")) == 6
    assert not job.budget.notes


def test_the_metadata_are_read() -> None:
    found, _ = extract(written(metadata={"owner": MAIL}), AVRO)
    assert places_of(found[:1], MAIL)[0].part == "metadata"


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_codecs(codec: str) -> None:
    found, _ = extract(written(codec), AVRO)
    assert [p.record for p in places_of(found, MAIL)] == [2]


def snappy(data: bytes) -> bytes:
    return bytes(pa.Codec("snappy").compress(data, asbytes=True)) + zlib.crc32(data).to_bytes(4, "big")


@pytest.mark.parametrize(("codec", "pack"), [("snappy", snappy), ("zstandard", zstandard.ZstdCompressor().compress)])
def test_codecs_without_packages_of_their_own(codec: str, pack: Any) -> None:
    found, job = extract(packed(codec, pack), AVRO)
    assert [p.record for p in places_of(found, MAIL)] == [2]
    assert not job.budget.notes


def test_an_unknown_codec_has_its_reason() -> None:
    with pytest.raises(ObjectError) as caught:
        extract(packed("lzo", lambda data: data), AVRO)
    assert caught.value.reason == "UNSUPPORTED_FILE_TYPE_EXCEPTION"


def test_a_damaged_block_costs_its_records_only() -> None:
    data = bytearray(written("deflate", sync_interval=1))
    sync = bytes(data[-16:])
    second = data.index(sync, data.index(sync) + 16) + 16
    data[second + 3 : second + 9] = b"\xff" * 6
    found, job = extract(bytes(data), AVRO)
    assert [p.record for p in places_of(found, MAIL)] == [2]
    assert len(places_of(found, "@example.org")) == 5
    assert job.budget.notes[0].startswith("MALFORMED_FILE: 1 damaged block")


def test_a_damaged_marker_costs_nothing() -> None:
    data = bytearray(written(sync_interval=1))
    data[data.index(bytes(data[-16:])) + 3] ^= 0xFF
    found, job = extract(bytes(data), AVRO)
    assert [p.record for p in places_of(found, MAIL)] == [2]
    assert not job.budget.notes


def test_a_cut_file_is_read_up_to_there() -> None:
    found, job = extract(written(sync_interval=1)[:-40], AVRO)
    assert places_of(found, MAIL)
    assert job.budget.notes


def test_dates_out_of_range_are_read_as_numbers() -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "day", "type": {"type": "int", "logicalType": "date"}},
            {"name": "mail", "type": "string"},
        ],
    }
    plain = json.loads(json.dumps(schema).replace('"logicalType": "date"', '"x": 1'))
    rows = [{"day": 3, "mail": "a"}, {"day": 2**31 - 1, "mail": MAIL}, {"day": 4, "mail": "b"}]
    found, job = extract(relabelled(written(rows=rows, schema=plain)), AVRO)
    assert [p.record for p in places_of(found, MAIL)] == [1]
    assert "1970-01-04" in text_of(found)
    assert not job.budget.notes


def relabelled(data: bytes) -> bytes:
    """The file with `"x": 1` of its schema turned into a logical type."""
    begin = data.index(b"avro.schema") + 11
    size = shift = used = 0
    for byte in data[begin:]:
        size |= (byte & 0x7F) << shift
        shift, used = shift + 7, used + 1
        if byte < 0x80:
            break
    schema = data[begin + used : begin + used + (size >> 1)]
    new = schema.replace(b'"x": 1', b'"logicalType": "date"')
    number, count = bytearray(), len(new) << 1
    while count > 0x7F:
        number.append(count & 0x7F | 0x80)
        count >>= 7
    number.append(count)
    return data[:begin] + bytes(number) + new + data[begin + used + (size >> 1) :]


def test_a_date_out_of_range_after_a_damaged_block() -> None:
    data = bytearray(written("deflate", sync_interval=1))
    sync = bytes(data[-16:])
    second = data.index(sync, data.index(sync) + 16) + 16
    data[second + 3 : second + 9] = b"\xff" * 6
    assert "1980-01-06" in text_of(extract(bytes(data), AVRO)[0])


def test_documents_in_bytes_are_members() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "file", "type": ["null", "bytes"]}]}
    found, _ = extract(written(rows=[{"file": None}, {"file": docx(paragraph(f"Dear {MAIL}"))}], schema=schema), AVRO)
    (place,) = places_of(found, MAIL)
    assert (place.member, place.paragraph) == (("file[1]",), 1)


def test_a_bomb_stops_at_its_budget() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "bytes"}]}
    data = written("deflate", rows=[{"a": bytes(2 << 20)} for _ in range(60)], schema=schema)
    with pytest.raises(LimitReached):
        extract(data, AVRO, limits=Limits(ratio_from=1 << 20))
    with pytest.raises(LimitReached):
        extract(data, AVRO, limits=Limits(part_bytes=1 << 20))


def test_what_is_no_avro() -> None:
    for data in (b"Obj\x01", b"Obj\x02" + bytes(40), written()[:60]):
        with pytest.raises(Malformed):
            extract(data, AVRO)


def test_damage_never_escapes() -> None:
    assert survives(written("deflate", sync_interval=60), AVRO) > 20
