"""Small pictures made by hand, with metadata in every place that a container has for them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

XMP_PACKET = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
Entry = tuple[int, int, bytes]
"""Tag, type, data."""
_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}


def ascii_entry(tag: int, text: str) -> Entry:
    """A tag of type ASCII."""
    return tag, 2, text.encode() + b"\0"


def degrees(order: str, degrees: int, minutes: int, seconds: int) -> bytes:
    """Three rationals, the seconds in hundredths."""
    return struct.pack(order + "6I", degrees, 1, minutes, 1, seconds, 100)


def directory(order: str, offset: int, entries: Sequence[Entry], following: int = 0) -> bytes:
    """An image file directory that stands at `offset`, its data behind it."""
    data_at = offset + 2 + 12 * len(entries) + 4
    head, data = struct.pack(order + "H", len(entries)), b""
    for tag, kind, body in sorted(entries):
        head += struct.pack(order + "HHI", tag, kind, len(body) // _UNITS[kind])
        if len(body) <= 4:
            head += body.ljust(4, b"\0")
        else:
            head += struct.pack(order + "I", data_at + len(data))
            data += body + b"\0" * (len(body) % 2)
    return head + struct.pack(order + "I", following) + data


def tiff(
    main: Sequence[Entry],
    *,
    exif: Sequence[Entry] = (),
    gps: Sequence[Entry] = (),
    order: str = "<",
    next_: bool = False,
) -> bytes:
    """A TIFF structure with its directories one behind the other; `next_`: the last one leads back to the first."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    entries = list(main)
    extra = 12 * (bool(exif) + bool(gps))
    size = len(directory(order, 8, entries)) + extra
    exif_at = 8 + size
    exif_part = directory(order, exif_at, exif) if exif else b""
    gps_at = exif_at + len(exif_part)
    if exif:
        entries.append((0x8769, 4, struct.pack(order + "I", exif_at)))
    if gps:
        entries.append((0x8825, 4, struct.pack(order + "I", gps_at)))
    out = head + directory(order, 8, entries, 8 if next_ else 0) + exif_part
    return out + (directory(order, gps_at, gps) if gps else b"")


def iptc(number: int, text: str) -> bytes:
    """One dataset of record 2, in UTF-8."""
    body = text.encode()
    return b"\x1c\x01\x5a\0\x03\x1b%G" + bytes((0x1C, 2, number)) + len(body).to_bytes(2, "big") + body


def photoshop(number: int, body: bytes) -> bytes:
    """An image resource without a name."""
    return b"8BIM" + number.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(4, "big") + body + b"\0" * (len(body) % 2)


def jpeg(segments: Sequence[tuple[int, bytes]], size: tuple[int, int] = (4, 3)) -> bytes:
    """A JPEG of these marker segments and no picture."""
    frame = b"\x08" + struct.pack(">HH", size[1], size[0]) + b"\x01\x01\x11\x00"
    out = b"\xff\xd8"
    for mark, body in (*segments, (0xC0, frame)):
        out += bytes((0xFF, mark)) + (len(body) + 2).to_bytes(2, "big") + body
    return out + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + b"\x12\x34" + b"\xff\xd9"


def png(chunks: Sequence[tuple[bytes, bytes]], size: tuple[int, int] = (1, 1), pixels: bytes = b"\0\0") -> bytes:
    """A grey PNG with these chunks before its picture; `pixels` are its rows, each behind a filter byte."""
    every = [
        (b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ]
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in every:
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


def webp(chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A WebP of these chunks."""
    body = b"WEBP"
    for kind, data in chunks:
        body += kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(*, comment: bytes = b"", packet: bytes = b"") -> bytes:
    """A GIF of one pixel with a comment and an XMP packet."""
    out = b"GIF89a" + struct.pack("<HH", 1, 1) + b"\x80\0\0" + bytes(6)
    if comment:
        out += b"\x21\xfe" + bytes((len(comment),)) + comment + b"\0"
    if packet:
        out += b"\x21\xff\x0bXMP DataXMP" + packet + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return out + b"\x2c" + bytes(4) + struct.pack("<HH", 1, 1) + b"\0\x02\x02\x44\x01\0;"


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of an ISO base media file."""
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def heic(exif: bytes, packet: bytes) -> bytes:
    """A HEIF file with two items of metadata and no picture."""
    kind = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    payload = (6).to_bytes(4, "big") + b"Exif\0\0" + exif

    def entry(number: int, name: bytes, more: bytes = b"") -> bytes:
        return box(b"infe", b"\x02\0\0\0", struct.pack(">HH", number, 0), name, b"\0", more)

    info = box(b"iinf", bytes(4), struct.pack(">H", 2), entry(1, b"Exif"), entry(2, b"mime", b"application/rdf+xml\0"))

    def meta(base: int) -> bytes:
        location = struct.pack(">HHHII", 1, 0, 1, base, len(payload))
        location += struct.pack(">HHHII", 2, 0, 1, base + len(payload), len(packet))
        where = box(b"iloc", bytes(4), b"\x44\x00", struct.pack(">H", 2), location)
        extent = box(b"ispe", bytes(4), struct.pack(">II", 640, 480))
        return box(b"meta", bytes(4), info, where, box(b"iprp", box(b"ipco", extent)))

    base = len(kind) + len(meta(0)) + 8
    return kind + meta(base) + box(b"mdat", payload, packet)
