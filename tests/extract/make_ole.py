"""Compound files made by hand, and the old Office documents in them; every planted value is synthetic."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of version 3; `/` in a name stands for a storage. Source: MS-CFB 2.2 to 2.6."""
    mini, minifat = b"", list[int]()
    big: list[bytes] = []
    entries: list[tuple[str, int, int, int]] = [("Root Entry", 5, 0, 0)]  # name, type, start, size
    parents = [-1]
    storages = {"": 0}
    for path, data in streams.items():
        *above, name = path.split("/")
        for depth in range(len(above)):
            key = "/".join(above[: depth + 1])
            if key not in storages:
                parents.append(storages["/".join(above[:depth])])
                storages[key] = len(entries)
                entries.append((above[depth], 1, 0, 0))
        parents.append(storages["/".join(above)])
        if 0 < len(data) < 4096:
            count = -(-len(data) // 64)
            start = len(minifat)
            minifat += [*range(start + 1, start + count), _END]
            mini += data.ljust(64 * count, b"\0")
            entries.append((name, 2, start, len(data)))
        else:
            entries.append((name, 2, -1 - len(big) if data else _END, len(data)))
            big.append(data)
    chains = [*big, mini, b"".join(struct.pack("<I", n) for n in minifat)]
    starts, fat, body = [], list[int](), b""
    for data in chains:
        count = -(-len(data) // 512)
        starts.append(len(fat) if count else _END)
        fat += [*range(len(fat) + 1, len(fat) + count), _END] if count else []
        body += data.ljust(512 * count, b"\0")
    kids: dict[int, list[int]] = {}
    for n, parent in enumerate(parents):
        kids.setdefault(parent, []).append(n)
    directory = b""
    for n, (name, kind, start, size) in enumerate(entries):
        if n == 0:
            start, size = (starts[-2], len(mini)) if mini else (_END, 0)
        elif kind == 2 and start < 0:
            start = starts[-1 - start]
        among = kids[parents[n]]
        place = among.index(n)
        after = among[place + 1] if place + 1 < len(among) else _FREE
        raw = (name + "\0").encode("utf-16-le")
        child = kids.get(n, [_FREE])[0]
        directory += raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw), kind, 1, _FREE, after, child)
        directory += bytes(16 + 4 + 16) + struct.pack("<IQ", start & 0xFFFFFFFF, size)
    directory = directory.ljust(-(-len(directory) // 512) * 512, b"\0")
    first_directory = len(fat)
    count = len(directory) // 512
    fat += [*range(len(fat) + 1, len(fat) + count), _END]
    tables = 1
    while tables * 128 < len(fat) + tables:
        tables += 1
    places = [*range(len(fat), len(fat) + tables)]
    fat += [_FAT] * tables
    table = b"".join(struct.pack("<I", n) for n in fat).ljust(512 * tables, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIII", 0, tables, first_directory, 0, 4096)
    head += struct.pack("<IIII", starts[-1], -(-len(chains[-1]) // 512), _END, 0)
    head += b"".join(struct.pack("<I", n) for n in places).ljust(436, b"\xff")
    return head + body + directory + table


def record(kind: int, body: bytes = b"") -> bytes:
    """A BIFF record."""
    return struct.pack("<HH", kind, len(body)) + body


def biff_string(text: str, *, count: int = 2, wide: bool = True) -> bytes:
    """A BIFF8 string."""
    raw = text.encode("utf-16-le" if wide else "latin-1")
    return len(text).to_bytes(count, "little") + bytes((wide,)) + raw


_BOF = struct.pack("<HHHHII", 0x0600, 5, 0x2000, 1997, 0, 0)
_BOF_SHEET = struct.pack("<HHHHII", 0x0600, 0x10, 0x2000, 1997, 0, 0)


def workbook(
    sheets: Mapping[str, bytes], *, globals_: bytes = b"", hidden: Sequence[str] = (), strings: Sequence[str] = ()
) -> bytes:
    """A BIFF8 workbook stream; sheets are given as their records."""
    table = b""
    if strings:
        table = struct.pack("<II", len(strings), len(strings)) + b"".join(biff_string(s) for s in strings)
        table = record(0x00FC, table)
    tail = globals_ + table + record(0x000A)
    sizes = sum(4 + 6 + len(biff_string(name, count=1)) for name in sheets)
    begin = 4 + len(_BOF) + sizes + len(tail)
    bodies = [record(0x0809, _BOF_SHEET) + body + record(0x000A) for body in sheets.values()]
    offsets = [begin + size for size in accumulate((len(body) for body in bodies), initial=0)]
    names = b"".join(
        record(0x0085, struct.pack("<IBB", at, name in hidden, 0) + biff_string(name, count=1))
        for at, name in zip(offsets, sheets, strict=False)
    )
    return record(0x0809, _BOF) + names + tail + b"".join(bodies)


def label(row: int, column: int, text: str) -> bytes:
    """A text cell; rows and columns from 0."""
    return record(0x0204, struct.pack("<HHH", row, column, 0) + biff_string(text))


def shared(row: int, column: int, index: int) -> bytes:
    """A cell of a shared string."""
    return record(0x00FD, struct.pack("<HHHI", row, column, 0, index))


def number(row: int, column: int, value: float, style: int = 0) -> bytes:
    """A number cell."""
    return record(0x0203, struct.pack("<HHHd", row, column, style, value))


def word(
    parts: Sequence[str],
    *,
    encrypted: bool = False,
    table_rows: Sequence[tuple[int, int, bool]] = (),
    wide: bool = True,
) -> dict[str, bytes]:
    """The streams of a Word 97 document; `parts` in the order of MS-DOC 2.3, the text behind the header.

    `table_rows`: (first character, end, whether it ends a row) of each paragraph in a table, all others between them.
    """
    text = "".join(parts)
    raw = text.encode("utf-16-le" if wide else "cp1252")
    begin = 0x800
    counts = [len(part) for part in parts] + [0] * (8 - len(parts))
    fib = bytearray(begin)
    struct.pack_into("<6H", fib, 0, 0xA5EC, 0xC1, 0, 0x409, 0, 0x0200 | 0x0100 * encrypted)
    struct.pack_into("<8I", fib, 0x4C, *counts)
    struct.pack_into("<H", fib, 0x98, 0x5D)
    piece = struct.pack("<HIH", 0, begin if wide else 0x40000000 | begin * 2, 0)
    clx = b"\x02" + struct.pack("<I", 16) + struct.pack("<II", 0, len(text)) + piece
    table = clx
    struct.pack_into("<II", fib, 0x1A2, 0, len(clx))
    main = bytes(fib) + raw
    if table_rows:
        main = main.ljust(-(-len(main) // 512) * 512, b"\0")
        size = 2 if wide else 1
        bounds = [begin + table_rows[0][0] * size] + [begin + end * size for _, end, _ in table_rows]
        page = bytearray(512)
        struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
        at = 500
        for n, (_, _, ends) in enumerate(table_rows):
            marks = struct.pack("<HHB", 0, 0x2416, 1) + (struct.pack("<HB", 0x2417, 1) if ends else b"")
            marks += b"\0" * (1 - len(marks) % 2)
            at -= len(marks) + 1
            at -= at % 2
            page[at] = (len(marks) + 1) // 2
            page[at + 1 : at + 1 + len(marks)] = marks
            page[4 * len(bounds) + 13 * n] = at // 2
        page[511] = len(table_rows)
        struct.pack_into("<II", fib, 0x9A + 8 * 13, len(table), 12)
        table += struct.pack("<III", bounds[0], bounds[-1], len(main) // 512)
        main = bytes(fib) + main[len(fib) :] + bytes(page)
    return {"WordDocument": main, "1Table": table}


def with_table(streams: dict[str, bytes], pair: int, data: bytes) -> dict[str, bytes]:
    """The streams of a Word document with one more of its tables."""
    main, table = bytearray(streams["WordDocument"]), streams["1Table"]
    struct.pack_into("<II", main, 0x9A + 8 * pair, len(table), len(data))
    return {**streams, "WordDocument": bytes(main), "1Table": table + data}


def atom(kind: int, body: bytes = b"", *, instance: int = 0) -> bytes:
    """A PowerPoint record without records in it."""
    return struct.pack("<HHI", instance << 4, kind, len(body)) + body


def container(kind: int, *inner: bytes, instance: int = 0) -> bytes:
    """A PowerPoint record of records."""
    body = b"".join(inner)
    return struct.pack("<HHI", instance << 4 | 0xF, kind, len(body)) + body


def text_box(text: str) -> bytes:
    """A text box of a slide, in a drawing."""
    return container(0x040C, container(0xF002, container(0xF00D, atom(0x0FA0, text.encode("utf-16-le")))))


def powerpoint(
    objects: Mapping[int, bytes], *, before: bytes = b"", token: int = 0xE391C05F, after: bytes = b""
) -> dict[str, bytes]:
    """The streams of a presentation: objects by persist identifier, `before` is what an earlier edit left."""
    data, places = before, []
    for body in objects.values():
        places.append(len(data))
        data += body
    directory = len(data)
    first = min(objects)
    data += atom(0x1772, struct.pack(f"<I{len(places)}I", len(places) << 20 | first, *places))
    edit = len(data)
    data += atom(0x0FF5, struct.pack("<IHBBIIII", 256, 0, 0, 3, 0, directory, 1, 10) + bytes(4)) + after
    user = atom(0x0FF6, struct.pack("<IIIHHBBH", 0x14, token, edit, 4, 0x3F4, 3, 0, 0))
    return {"PowerPoint Document": data, "Current User": user}


def slide_list(slides: Sequence[tuple[int, int, Sequence[str]]], instance: int = 0) -> bytes:
    """The outline of the document: (persist identifier, slide identifier, texts) of each slide."""
    inner = b""
    for reference, identifier, texts in slides:
        inner += atom(0x03F3, struct.pack("<IIiII", reference, 0, len(texts), identifier, 0))
        for text in texts:
            inner += atom(0x0F9F, struct.pack("<I", 1)) + atom(0x0FA8, text.encode("latin-1"))
    return container(0x0FF0, inner, instance=instance)


def property_set(properties: Mapping[int, str], names: Mapping[int, str] | None = None) -> bytes:
    """A property set stream of texts; with `names` a second section of a user's own ones (identifiers from 2)."""

    def section(values: Mapping[int, bytes]) -> bytes:
        at = 8 + 8 * len(values)
        heads, bodies = b"", b""
        for key, value in values.items():
            heads += struct.pack("<II", key, at + len(bodies))
            bodies += value.ljust(-(-len(value) // 4) * 4, b"\0")
        return struct.pack("<II", at + len(bodies), len(values)) + heads + bodies

    def lpstr(text: str) -> bytes:
        raw = text.encode("cp1252") + b"\0"
        return struct.pack("<II", 0x1E, len(raw)) + raw

    page = struct.pack("<IHH", 2, 1252, 0)
    sections = [section({1: page, **{key: lpstr(text) for key, text in properties.items()}})]
    if names:
        listed = struct.pack("<I", len(names))
        for key, name in names.items():
            raw = name.encode("cp1252") + b"\0"
            listed += struct.pack("<II", key, len(raw)) + raw
        sections = [section({1: page}), section({0: listed, 1: page, **{k: lpstr(v) for k, v in properties.items()}})]
    begin = 28 + 20 * len(sections)
    out = struct.pack("<HHI", 0xFFFE, 0, 0) + bytes(16) + struct.pack("<I", len(sections))
    for n in range(len(sections)):
        out += bytes(16) + struct.pack("<I", begin + sum(len(s) for s in sections[:n]))
    return out + b"".join(sections)


def packed(name: str, content: bytes) -> bytes:
    """The stream of a file that the Packager wrapped."""
    path = b"C:\\Temp\\" + name.encode() + b"\0"
    body = struct.pack("<H", 2) + name.encode() + b"\0" + path + struct.pack("<HH", 0, 3)
    body += struct.pack("<I", len(path)) + path + struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(body)) + body
