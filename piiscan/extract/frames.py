"""Frames between processes: one kind byte, a length, JSON and long values behind it; never pickle.

Text and long columns travel as they are (UTF-8, eight bytes a number): JSON would escape a NUL to six characters, and
its numbers cost more than everything else of a page. What does not fit the form raises `Malformed`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from piiscan.cells import Cells
from piiscan.errors import LimitReached, Malformed

MAX_FRAME = 256 << 20
"""Bytes of one frame's payload."""
HELLO, REQUEST, TEXT, COLUMN, NOTE, ERROR, DONE, NEED = b"H", b"Q", b"T", b"C", b"N", b"E", b"D", b"R"
KINDS = frozenset({HELLO, REQUEST, TEXT, COLUMN, NOTE, ERROR, DONE, NEED})
EXTENT = struct.Struct(">QQ")
"""What answers a NEED: begin and end of the bytes that are there now."""
_HEAD = struct.Struct(">cI")
_SIZE = struct.Struct(">I")
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
LONG = 64
"""Entries from which a list travels behind the JSON."""
MOST = 1 << 62
"""Numbers from which on an integer stays in the JSON."""
_SEPARATORS = ("\n", "\0", "\x1f", "\ue000")
"""What may stand between the texts of a list: the first that none of them holds."""


class Writable(Protocol):
    """Takes bytes, all of them."""

    def write(self, data: bytes, /) -> object:
        """Write `data`."""
        ...


class Readable(Protocol):
    """Gives bytes: exactly as many as asked for, fewer only at the end."""

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes."""
        ...


def write(out: Writable, kind: bytes, payload: Mapping[str, Any]) -> None:
    """One frame. Raises: LimitReached when it would be larger than a reader takes."""
    small: dict[str, Any] = {}
    tails: list[bytes] = []
    told: list[tuple[str, str, int]] = []
    for key, value in payload.items():
        packed = _packed(value)
        if packed is None:
            small[key] = value
        else:
            tails.append(packed[1])
            told.append((key, packed[0], len(packed[1])))
    if told:
        small["tails"] = told
    head = _ENCODER.encode(small).encode("utf-8", "surrogatepass")
    size = _SIZE.size + len(head) + sum(map(len, tails))
    if size > MAX_FRAME:
        raise LimitReached("one value is larger than a frame between processes")
    out.write(b"".join((_HEAD.pack(kind, size), _SIZE.pack(len(head)), head, *tails)))


def _packed(value: object) -> tuple[str, bytes] | None:
    """How a long value travels behind the JSON; None when it goes inside."""
    if isinstance(value, Cells):
        return "c", _SIZE.pack(len(value)) + value.sizes.astype("<i4").tobytes() + value.data.tobytes()
    if isinstance(value, str):
        return ("s", value.encode("utf-8", "surrogatepass")) if len(value) >= LONG else None
    if not isinstance(value, list | tuple | np.ndarray) or len(value) < LONG:
        return None
    if isinstance(value, np.ndarray):
        return "q", value.astype("<i8").tobytes()
    kinds = set(map(type, value))
    if kinds == {int} and max(value) < MOST and min(value) > -MOST:
        return "q", np.array(value, dtype="<i8").tobytes()
    if kinds == {str}:
        for mark in _SEPARATORS:
            joined = mark.join(value)
            if joined.count(mark) == len(value) - 1:
                return "l", (mark + joined).encode("utf-8", "surrogatepass")
    return None


def read(source: Readable) -> tuple[bytes, dict[str, Any]] | None:
    """The next frame as (kind, payload); None at a clean end. Raises: Malformed."""
    head = source.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise Malformed("a frame breaks off in its head")
    kind, size = _HEAD.unpack(head)
    if kind not in KINDS or not _SIZE.size <= size <= MAX_FRAME:
        raise Malformed("not a frame")
    data = source.read(size)
    if len(data) < size:
        raise Malformed("a frame breaks off")
    end = _SIZE.size + _SIZE.unpack_from(data)[0]
    try:
        payload = json.loads(data[_SIZE.size : end].decode("utf-8", "surrogatepass"))
        if not isinstance(payload, dict):
            raise Malformed("a frame holds no object")
        for key, form, count in payload.pop("tails", ()):
            if not isinstance(key, str) or not is_count(count) or end + count > size:
                raise Malformed("a long value that is none")
            payload[key] = _unpacked(form, data[end : end + count])
            end += count
    except (ValueError, TypeError, RecursionError):
        raise Malformed("a frame is not JSON") from None
    if end != size:
        raise Malformed("a frame of the wrong length")
    return kind, payload


def _unpacked(form: object, data: bytes) -> object:
    """The value that `_packed` gave. Raises: ValueError, Malformed."""
    if form == "q":
        return np.frombuffer(data, dtype="<i8")
    if form == "c":
        return _cells(data)
    text = data.decode("utf-8", "surrogatepass")
    if form == "s":
        return text
    if form != "l" or not text:
        raise Malformed("a long value of no known form")
    return text[1:].split(text[0])


def _cells(data: bytes) -> Cells:
    """Cells: their number, the bytes of each, and their UTF-8. Raises: ValueError."""
    import pyarrow as pa

    count = _SIZE.unpack_from(data)[0] if len(data) >= _SIZE.size else -1
    begin = _SIZE.size + 4 * count
    if not 0 <= count <= len(data) or begin > len(data):
        raise Malformed("cells that are none")
    sizes = np.frombuffer(data, "<i4", count, _SIZE.size)
    offsets = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    if (count and sizes.min() < 0) or offsets[-1] != len(data) - begin:
        raise Malformed("cells of other sizes")
    text = pa.py_buffer(memoryview(data)[begin:])
    array = pa.StringArray.from_buffers(count, pa.py_buffer(offsets.astype(np.int32)), text)
    array.validate(full=True)  # ArrowInvalid is a ValueError
    return Cells(array)


def is_count(value: object) -> bool:
    """Whether a value of a payload is a number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST
