"""Avro object container files: the values of the records by path.

The container is read here, block by block, and only the records of a block by fastavro: so every codec works without
more packages, a bomb stops at its budget, and after a damaged block reading goes on behind the next sync marker.
"""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, cast

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.avro_codecs import CODECS
from piiscan.extract.blobs import document_of, nested, text_of
from piiscan.extract.paths import Collector, Pairs
from piiscan.extract.text import windows
from piiscan.model import Segment

MEDIA_TYPES = frozenset({"application/avro"})

MAGIC = b"Obj\x01"
Documents = list[tuple[str, bytes, str]]
"""Member name, content and media type of each."""
_HEADER = 16 << 20
"""Bytes of metadata that a file may begin with."""
_SYNC = 16
_READ = 1 << 20


class Avro:
    """The extractor of Avro files."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The file's metadata, then columns of values by path, a record being a record (counted from 0).

        Raises: Malformed, LimitReached, ObjectError for a codec that is not known. Source: Avro 1.12 specification,
        "Object Container Files".
        """
        source = _Source(stream)
        metadata, sync = _header(source)
        yield from _metadata(metadata, job)
        codec = metadata.get("avro.codec", b"null").decode("ascii", "replace") or "null"
        inflate = CODECS.get(codec)
        if inflate is None:
            raise ObjectError("the records are in a codec that is not known", reason="UNSUPPORTED_FILE_TYPE_EXCEPTION")
        try:
            schema = json.loads(metadata["avro.schema"])
        except (KeyError, ValueError, RecursionError):
            raise Malformed("an Avro file without a schema that can be read") from None
        collector = Collector(job.place, job.limits.json_depth)
        records = _Records(schema, collector)
        lost = 0
        for count, block in _blocks(source, sync, job):
            whole = block is not None and count > 0
            records.begun = False
            if whole:
                try:
                    data = inflate(cast(bytes, block), job)
                except LimitReached:
                    yield from collector.take()
                    raise
                except Exception:
                    # Each codec has errors of its own.
                    whole = False
                else:
                    for documents in records.read(data, count):
                        for name, document, kind in documents:
                            yield from nested(document, kind, name, job)
                        if collector.full:
                            yield from collector.take()
                            collector.forget()
                    whole = records.whole
                if not whole and not records.begun:
                    records.skip(count)
            elif block is None:
                records.skip(count)
            if not whole and (count or block is None):
                lost += 1
            if collector.full:
                yield from collector.take()
        yield from collector.take()
        if lost:
            job.note("MALFORMED_FILE", f"{lost} damaged block(s) of records could not be read whole")
        if collector.too_deep:
            job.note("JSON_NESTING_LEVEL_OVER_LIMIT", f"deeper than {job.limits.json_depth} levels: read without paths")


class _Source:
    """Bytes of a stream with a look ahead."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._rest = b""

    def read(self, count: int) -> bytes:
        """The next bytes, fewer only at the end; never more memory than there is data."""
        parts, have = [self._rest[:count]], min(len(self._rest), count)
        self._rest = self._rest[count:]
        while have < count and (part := self._stream.read(min(count - have, _READ))):
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def back(self, data: bytes) -> None:
        """Put bytes back in front."""
        self._rest = data + self._rest

    def long(self) -> int:
        """A zigzag number of up to ten bytes. Raises: EOFError, Malformed."""
        value = shift = 0
        while True:
            byte = self.read(1)
            if not byte:
                raise EOFError
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift > 63:
                raise Malformed("a number of an Avro file is too long")

    def skip_past(self, mark: bytes) -> bool:
        """Go on behind the next occurrence of `mark`; False at the end."""
        held = self.read(_READ)
        while True:
            at = held.find(mark)
            if at >= 0:
                self.back(held[at + len(mark) :])
                return True
            more = self.read(_READ)
            if not more:
                return False
            held = held[-len(mark) + 1 :] + more


def _header(source: _Source) -> tuple[dict[str, bytes], bytes]:
    """The file's metadata and its sync marker."""
    try:
        if source.read(4) != MAGIC:
            raise Malformed("not an Avro file")
        metadata: dict[str, bytes] = {}
        total = 0
        while count := source.long():
            if count < 0:
                count = -count
                source.long()
            for _ in range(count):
                key, value = _chunk(source), _chunk(source)
                total += len(key) + len(value) + 1
                if total > _HEADER:
                    raise LimitReached(f"more than {_HEADER} bytes of metadata before the first record")
                metadata[key.decode("utf-8", "replace")] = value
        sync = source.read(_SYNC)
    except EOFError:
        raise Malformed("an Avro file that ends in its header") from None
    if len(sync) < _SYNC:
        raise Malformed("an Avro file that ends in its header")
    return metadata, sync


def _chunk(source: _Source) -> bytes:
    length = source.long()
    if not 0 <= length <= _HEADER:
        raise Malformed("the header of an Avro file is damaged")
    return source.read(length)


def _metadata(metadata: dict[str, bytes], job: Job) -> Iterator[Segment]:
    text = "\n".join(f"{key}: {text_of(value)}" for key, value in metadata.items() if value)
    yield from windows((text,), replace(job.place, part="metadata"), flat=False, line=None, prose=False)


def _blocks(source: _Source, sync: bytes, job: Job) -> Iterator[tuple[int, bytes | None]]:
    """(records, stored bytes) of each block; None for one that is damaged, after which the next is looked for."""
    good = 0
    while True:
        try:
            count, size = source.long(), source.long()
        except EOFError:
            return
        except Malformed:
            count, size = -1, -1
        if count >= 0 and 0 <= size <= job.limits.part_bytes:
            data = source.read(size)
            mark = source.read(_SYNC)
            if mark == sync or (len(mark) == _SYNC and sync not in data + mark):
                # A marker that is damaged itself costs nothing, be it here or in the header.
                sync = mark if not good and mark != sync else sync
                good += 1
                yield count, data
                continue
            source.back(data + mark)
        elif size > job.limits.part_bytes:
            job.note("FILE_EXCEEDS_SIZE_LIMIT", "a block of records is too large to be held")
        # What the damaged numbers say is believed where it is possible.
        yield count if 0 < count <= size else 0, None
        if not source.skip_past(sync):
            return


class _Records:
    """Reads the records of blocks that are no longer compressed."""

    def __init__(self, schema: Any, collector: Collector) -> None:
        self._schema, self._plain = schema, False
        self._collector = collector
        self._binary = any(kind in json.dumps(schema) for kind in ('"bytes"', '"fixed"'))
        self._number = 0
        self.whole = True
        """Whether all records of the last block could be read."""
        self.begun = False
        """Whether the last block was counted by `read`."""

    def skip(self, count: int) -> None:
        """Pass over records that cannot be read."""
        self._number += count

    def read(self, data: bytes, count: int) -> Iterator[Documents]:
        """Take in the records of a block; gives the documents in each."""
        self.begun = True
        done = yield from self._some(data, count, 0)
        if not self.whole and not self._plain:
            # A date or decimal out of Python's range ends fastavro's work: once more with the numbers as stored.
            typed, self._schema = self._schema, without_logical(self._schema)
            done += yield from self._some(data, count, done)
            self._plain = self.whole
            if not self.whole:
                self._schema = typed
        self._number += count - done

    def _some(self, data: bytes, count: int, skip: int) -> Generator[Documents, None, int]:
        """Records from number `skip` of the block on; how many there were."""
        from fastavro import reader

        mark = bytes(_SYNC)
        head = MAGIC + _map({"avro.schema": json.dumps(self._schema).encode(), "avro.codec": b"null"}) + mark
        file = io.BytesIO(head + _long(count) + _long(len(data)) + data + mark)
        done = 0
        self.whole = False
        try:
            for value in reader(file):
                if done >= skip:
                    self._collector.add(self._collector.root, plain(value), self._number, 0, (), 0)
                    found = list(documents_in(value, "", self._number)) if self._binary else []
                    self._number += 1
                    yield found
                done += 1
            self.whole = done >= count
        except (GeneratorExit, ObjectError, MemoryError):
            raise
        except Exception:
            # Whatever fastavro meets in a damaged block; its messages may quote it.
            self.whole = False
        return max(done - skip, 0)


def _long(value: int) -> bytes:
    value <<= 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _map(entries: dict[str, bytes]) -> bytes:
    pairs = b"".join(_long(len(k)) + k.encode() + _long(len(v)) + v for k, v in entries.items())
    return _long(len(entries)) + pairs + b"\0"


def plain(value: object) -> object:
    """A record as the collector takes it: strings, `Pairs` and lists; None for what is no text."""
    # By exact types, the most common first: this is half of the time of a file.
    kind = type(value)
    if kind is str:
        return value
    if kind is int:
        return str(value)
    if value is None or kind is bool:
        return None
    if isinstance(value, dict):
        return Pairs([(key, inner if type(inner) is str else plain(inner)) for key, inner in value.items()])
    if isinstance(value, list | tuple):
        return [inner if type(inner) is str else plain(inner) for inner in value]
    if isinstance(value, bytes):
        return None if document_of(value) else text_of(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**62:
        return str(int(value))
    return str(value)


def documents_in(value: object, path: str, record: int) -> Iterator[tuple[str, bytes, str]]:
    """(member name, bytes, media type) of the binary values of a record that are documents of their own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from documents_in(inner, f"{path}.{key}" if path else str(key), record)
    elif isinstance(value, list):
        for inner in value:
            yield from documents_in(inner, path, record)
    elif isinstance(value, bytes) and (kind := document_of(value)):
        yield f"{path}[{record}]", value, kind


def without_logical(schema: Any) -> Any:
    """A schema whose values are read as they are stored.

    >>> without_logical({"type": "int", "logicalType": "date"})
    {'type': 'int'}
    """
    if isinstance(schema, dict):
        return {key: without_logical(inner) for key, inner in schema.items() if key != "logicalType"}
    return [without_logical(inner) for inner in schema] if isinstance(schema, list) else schema


EXTRACTOR = Avro()
