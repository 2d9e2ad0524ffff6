"""OLE containers, Outlook messages and TNEF streams made by hand; every planted value is synthetic."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

Tree = Mapping[str, "bytes | Tree"]
_FREE, _END = 0xFFFFFFFF, 0xFFFFFFFE


def _sectors(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size].ljust(size, b"\0") for at in range(0, len(data), size)]


def ole(tree: Tree) -> bytes:
    """An OLE container (MS-CFB, version 3) of streams and storages by name."""
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, b""]]
    """Name, type, right sibling, child, content."""

    def add(content: Tree) -> int:
        first = before = _FREE
        for name, value in content.items():
            index = len(entries)
            entries.append([name, 2 if isinstance(value, bytes) else 1, _FREE, _FREE, b""])
            if before == _FREE:
                first = index
            else:
                entries[before][2] = index
            before = index
            if isinstance(value, bytes):
                entries[index][4] = value
            else:
                entries[index][3] = add(value)
        return first

    entries[0][3] = add(tree)
    sectors: list[bytes] = []
    table: list[int] = []

    def put(data: bytes) -> int:
        parts = _sectors(data, 512)
        first = len(sectors)
        for number, part in enumerate(parts, 1):
            sectors.append(part)
            table.append(_END if number == len(parts) else len(sectors))
        return first if parts else _END

    mini, mini_table, starts = b"", [], []
    for entry in entries:
        data = entry[4]
        assert isinstance(data, bytes)
        if len(data) >= 4096:
            starts.append(put(data))
        elif data:
            count = -(-len(data) // 64)
            first = len(mini) // 64
            starts.append(first)
            mini_table += [*range(first + 1, first + count), _END]
            mini += data.ljust(count * 64, b"\0")
        else:
            starts.append(_END)
    starts[0] = put(mini)
    directory = b""
    for number, ((name, kind, right, child, data), start) in enumerate(zip(entries, starts, strict=True)):
        assert isinstance(name, str)
        assert isinstance(data, bytes)
        raw = name.encode("utf-16-le") + b"\0\0"
        size = len(mini) if number == 0 else len(data)
        directory += raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, _FREE, right, child)
        directory += bytes(16 + 4 + 16) + struct.pack("<IQ", start, size)
    directory_at = put(directory)
    mini_at = put(b"".join(struct.pack("<I", n) for n in mini_table))
    count = 1
    while count * 128 < len(table) + count:
        count += 1
    table += [0xFFFFFFFD] * count
    table_at = len(sectors)
    sectors += _sectors(b"".join(struct.pack("<I", n) for n in table).ljust(count * 512, b"\xff"), 512)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, count, directory_at, 0, 4096, mini_at, -(-len(mini_table) // 128), _END, 0)
    head += b"".join(struct.pack("<I", table_at + n if n < count else _FREE) for n in range(109))
    return head.ljust(512, b"\0") + b"".join(sectors)


def text8(tag: int, value: bytes) -> dict[str, bytes]:
    """A property of 8-bit text."""
    return {f"__substg1.0_{tag:04X}001E": value}


def text(tag: int, value: str) -> dict[str, bytes]:
    """A property of Unicode text."""
    return {f"__substg1.0_{tag:04X}001F": value.encode("utf-16-le")}


def binary(tag: int, value: bytes) -> dict[str, bytes]:
    """A binary property."""
    return {f"__substg1.0_{tag:04X}0102": value}


def fixed(size: int, codepage: int = 0) -> dict[str, bytes]:
    """The fixed-length properties: a head of `size` bytes, and a code page."""
    entry = struct.pack("<HHII4x", 3, 0x3FFD, 6, codepage) if codepage else b""
    return {"__properties_version1.0": bytes(size) + entry}


def msg(
    properties: Tree,
    *,
    recipients: Sequence[Tree] = (),
    attachments: Sequence[Tree] = (),
    codepage: int = 0,
    head: int = 32,
) -> dict[str, bytes | Tree]:
    """The tree of a message, for `ole` or for an attachment."""
    out: dict[str, bytes | Tree] = {**fixed(head, codepage), **properties}
    out |= {f"__recip_version1.0_#{n:08X}": {**fixed(8), **each} for n, each in enumerate(recipients)}
    out |= {f"__attach_version1.0_#{n:08X}": {**fixed(8), **each} for n, each in enumerate(attachments)}
    return out


def rtf_compressed(rtf: bytes) -> bytes:
    """RTF in the compressed form, every byte as a literal, and one reference to the window's first bytes."""
    body = b"".join(b"\0" + rtf[at : at + 8] for at in range(0, len(rtf) // 8 * 8, 8))
    rest = rtf[len(rtf) // 8 * 8 :]
    end = (207 + len(rtf)) % 4096
    body += bytes([1 << len(rest)]) + rest + struct.pack(">H", end << 4)
    return struct.pack("<II4sI", len(body) + 12, len(rtf), b"LZFu", 0) + body


def attribute(level: int, tag: int, kind: int, value: bytes) -> bytes:
    """One attribute of a TNEF stream."""
    return struct.pack("<BHHI", level, tag, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def mapi(*properties: tuple[int, int, bytes]) -> bytes:
    """A list of MAPI properties of variable length: type, number, value."""
    out = struct.pack("<I", len(properties))
    for kind, tag, value in properties:
        out += struct.pack("<HHII", kind, tag, 1, len(value)) + value + bytes(-len(value) % 4)
    return out


def tnef(*attributes: bytes) -> bytes:
    """A TNEF stream."""
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)
