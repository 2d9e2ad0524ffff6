"""Archives that Python cannot write, by libarchive's writers or by hand; every planted value is synthetic."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence


def written(format_name: str, *members: tuple[str, bytes], filter_name: str | None = None) -> bytes:
    """An archive as libarchive writes it."""
    import libarchive

    parts: list[bytes] = []

    def take(block: bytes) -> int:
        parts.append(bytes(block))  # the memory is used again
        return len(block)

    with libarchive.custom_writer(take, format_name, filter_name) as archive:
        for name, data in members:
            archive.add_file_from_memory(name, len(data), data)
    return b"".join(parts)


def raw(data: bytes, filter_name: str) -> bytes:
    """A compressed file: a cpio archive's filter around nothing but `data`."""
    import ctypes

    from libarchive import ffi

    out = ctypes.create_string_buffer(len(data) * 2 + (1 << 20))
    used = ctypes.c_size_t()
    archive = ffi.write_new()
    ffi.get_write_filter_function(filter_name)(archive)
    ffi.get_write_format_function("raw")(archive)
    ffi.write_set_bytes_in_last_block(archive, 1)
    ffi.write_open_memory(archive, out, len(out), ctypes.byref(used))
    entry = ffi.entry_new()
    ffi.entry_set_filetype(entry, 0o100000)
    ffi.write_header(archive, entry)
    ffi.write_data(archive, data, len(data))
    ffi.write_close(archive)
    ffi.write_free(archive)
    ffi.entry_free(entry)
    return out.raw[: used.value]


def rar(members: Sequence[tuple[bytes, bytes]], *, locked: bool = False) -> bytes:
    """A RAR 4 archive of stored members; `locked`: they are marked as encrypted."""

    def block(kind: int, flags: int, body: bytes) -> bytes:
        head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head

    out = b"Rar!\x1a\x07\0" + block(0x73, 0, bytes(6))
    for name, data in members:
        body = struct.pack("<IIBIIBBHI", len(data), len(data), 3, zlib.crc32(data), 0, 20, 0x30, len(name), 0o100644)
        out += block(0x74, 0x8000 | (4 if locked else 0), body + name) + data
    return out + block(0x7B, 0x4000, b"")


def cab(name: bytes, data: bytes) -> bytes:
    """A cabinet of one stored file."""
    files = struct.pack("<IIHHHH", len(data), 0, 0, 0x5421, 0, 0x20) + name + b"\0"
    head = 36 + 8
    folder = struct.pack("<IHH", head + len(files), 1, 0)
    block = struct.pack("<IHH", 0, len(data), len(data)) + data
    size = head + len(files) + len(block)
    return b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, size, 0, head, 0, 3, 1, 1, 1, 0, 0, 0) + folder + files + block


def rpm(payload: bytes) -> bytes:
    """A package: the lead, two empty headers, and a payload."""
    empty = b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">II", 0, 0)
    return (b"\xed\xab\xee\xdb\x03\0" + bytes(72) + b"\0\x05").ljust(96, b"\0") + empty + empty + payload
