"""Pictures: their EXIF, IPTC, XMP and comments, each under its tag; their text through OCR where that is switched on.

Own readers of the containers, which look at metadata only and never decode a picture.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

from piiscan.extract import Job
from piiscan.extract.exif import IPTC, PHOTOSHOP, XMP, Reader, Structure, decoded
from piiscan.extract.iptc import fields, resources
from piiscan.extract.pieces import Pieces
from piiscan.extract.spooled import seekable
from piiscan.model import Segment

MEDIA_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "image/gif",
        "image/heic",
        "image/avif",
        "image/vnd.adobe.photoshop",
    }
)

_PART = 16 << 20
"""Bytes of one piece of metadata; what is longer is cut."""
_PARTS = 100_000
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PACKET = re.compile(rb"<(?:\?xpacket begin|x:xmpmeta|rdf:RDF)")

Part = tuple[str, bytes | str]
"""("exif", "xmp", "iptc" or "photoshop", bytes), or (tag, text)."""


class Image:
    """The extractor of pictures."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The metadata with their tags, then the text that OCR sees. Raises: LimitReached."""
        from piiscan.extract import ocr

        source = seekable(stream, job)
        size = _Size()
        yield from _metadata(source, job, size)
        if job.limits.ocr:
            source.seek(0)
            yield from ocr.picture(source, size.pixels, job)
        else:
            job.note("OCR", "only the metadata were read; text in the picture is not looked for without OCR")


class _Size:
    """What the readers learn of the picture."""

    def __init__(self) -> None:
        self.pixels = 0
        self.cut = False
        """Whether the structure breaks off."""

    def of(self, width: int, height: int) -> None:
        """Take in the size of one picture."""
        self.pixels = max(self.pixels, width * height)


def _metadata(source: BinaryIO, job: Job, size: _Size) -> Iterator[Segment]:
    reader = _READERS[job.media_type]
    pieces = Pieces()
    packets: list[bytes] = []
    seen: set[Part] = set()
    try:
        for part in reader(source, size):
            for name, content in _opened(part, size):
                if name == "xmp" and isinstance(content, bytes):
                    job.budget.spend(len(content))
                    packets.append(content)
                elif isinstance(content, str) and content.strip() and (name, content) not in seen:
                    job.budget.spend(len(content))
                    if len(seen) < _PARTS:
                        seen.add((name, content))
                    # In one line, as a label before its value.
                    yield from pieces.add(f"{_CAMEL.sub(' ', name)}: {content.strip()}", replace(job.place, tag=name))
    except (struct.error, IndexError, ValueError):
        size.cut = True
    yield from pieces.flush()
    for packet in packets:
        yield from _xmp(packet, job)
    if size.cut:
        job.note("MALFORMED_FILE", "the picture's structure is damaged or breaks off; metadata were read up to there")


def _opened(part: Part, size: _Size) -> Iterator[Part]:
    """The texts and packets in one part."""
    kind, content = part
    if isinstance(content, str) or kind == "xmp":
        yield part
    elif kind == "exif":
        body = content.removeprefix(b"Exif\0\0")
        yield from _structure(lambda at, count: body[at : at + count], size, main=False)
    elif kind == "iptc":
        yield from fields(content)
    elif kind == "photoshop":
        for inner in resources(content.removeprefix(b"Photoshop 3.0\0")):
            yield from _opened(inner, size)


def _structure(read: Reader, size: _Size, *, main: bool) -> Iterator[Part]:
    """The parts of a TIFF structure; `main`: it is the picture itself."""
    structure = Structure(read)
    kinds = {XMP: "xmp", IPTC: "iptc", PHOTOSHOP: "photoshop"}
    for tag in structure.tags():
        if tag.number:
            yield from _opened((kinds[tag.number], tag.data), size)
        else:
            yield tag.name, tag.text
    if main:
        size.of(structure.pixels, 1)
    size.cut = size.cut or structure.damaged


def _xmp(packet: bytes, job: Job) -> Iterator[Segment]:
    from piiscan.extract.markup import xml_segments

    found = _PACKET.search(packet)
    end = packet.rfind(b">") + 1
    if found and end > found.start():
        inner = replace(job, charset="")
        yield from xml_segments(io.BytesIO(packet[found.start() : end]), inner, replace(job.place, tag="XMP"))


def _jpeg(source: BinaryIO, size: _Size) -> Iterator[Part]:
    """Source: ITU-T T.81, annex B; XMP Specification, part 3, section 1.1.3."""
    source.seek(2)
    extended: dict[bytes, list[tuple[int, bytes]]] = {}
    for _ in range(_PARTS):
        mark = source.read(2)
        while mark[:1] == b"\xff" and mark[1:] == b"\xff":
            mark = mark[1:] + source.read(1)
        if len(mark) < 2 or mark[0] != 0xFF:
            size.cut = True
            break
        if mark[1] in (0xD9, 0xDA):
            break
        if mark[1] == 1 or 0xD0 <= mark[1] <= 0xD8:
            continue
        length = int.from_bytes(source.read(2), "big")
        body = source.read(max(length - 2, 0))
        if length < 2 or len(body) < length - 2:
            size.cut = True
        if mark[1] == 0xE1 and body.startswith(b"Exif\0"):
            yield "exif", body[6:]
        elif mark[1] == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            yield "xmp", body[29:]
        elif mark[1] == 0xE1 and body.startswith(b"http://ns.adobe.com/xmp/extension/\0"):
            offset = int.from_bytes(body[71:75], "big")
            extended.setdefault(body[35:67], []).append((offset, body[75:]))
        elif mark[1] == 0xED and body.startswith(b"Photoshop 3.0\0"):
            yield "photoshop", body
        elif mark[1] == 0xFE:
            yield "Comment", decoded(body)
        elif 0xC0 <= mark[1] <= 0xCF and mark[1] not in (0xC4, 0xC8, 0xCC) and len(body) >= 5:
            size.of(int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
    for chunks in extended.values():
        yield "xmp", b"".join(body for _, body in sorted(chunks))[:_PART]


def _png(source: BinaryIO, size: _Size) -> Iterator[Part]:
    """Source: PNG (Third Edition), sections 11.3.3 and 11.3.6."""
    source.seek(8)
    for _ in range(_PARTS):
        head = source.read(8)
        if len(head) < 8:
            size.cut = True
            return
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            return
        if kind in (b"IHDR", b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            body = source.read(min(length, _PART))
            source.seek(max(length - _PART, 0) + 4, io.SEEK_CUR)
            if kind == b"IHDR":
                size.of(*struct.unpack(">II", body[:8]))
            elif kind == b"eXIf":
                yield "exif", body
            else:
                yield from _png_text(kind, body)
        else:
            source.seek(length + 4, io.SEEK_CUR)


def _png_text(kind: bytes, body: bytes) -> Iterator[Part]:
    keyword, _, rest = body.partition(b"\0")
    name, text = keyword.decode("latin-1")[:79] or "Text", b""
    if kind == b"tEXt":
        text = rest
    elif kind == b"zTXt":
        text = _inflated(rest[1:])
    elif len(rest) > 2:
        packed, rest = rest[0], rest[2:]
        text = rest.split(b"\0", 2)[2] if rest.count(b"\0") >= 2 else b""
        text = _inflated(text) if packed else text
    if name == "XML:com.adobe.xmp":
        yield "xmp", text
    elif name.startswith("Raw profile type "):
        # ImageMagick: a name, a length, and then hexadecimal digits.
        digits = re.sub(rb"\s", b"", b"\n".join(text.strip().split(b"\n")[2:]))
        raw = bytes.fromhex(digits.decode("ascii", "replace")) if re.fullmatch(rb"(?:[0-9a-fA-F]{2})+", digits) else b""
        what = name[17:].lower()
        if what in ("exif", "app1") and raw.startswith(b"Exif"):
            yield "exif", raw
        elif what in ("xmp", "app1"):
            yield "xmp", raw
        elif what in ("iptc", "8bim", "app13"):
            yield ("photoshop" if b"8BIM" in raw[:32] else "iptc"), raw
    else:
        yield name, text.decode("utf-8", "replace") if kind == b"iTXt" else decoded(text)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _PART)
    except zlib.error:
        return b""


def _webp(source: BinaryIO, size: _Size) -> Iterator[Part]:
    """Source: RFC 9649, section 2."""
    source.seek(12)
    for _ in range(_PARTS):
        head = source.read(8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], "little")
        if head[:4] in (b"EXIF", b"XMP "):
            yield head[:4].strip().lower().decode(), source.read(min(length, _PART))
            source.seek(max(length - _PART, 0) + length % 2, io.SEEK_CUR)
            continue
        body = source.read(min(length, 10))
        if head[:4] == b"VP8X" and len(body) == 10:
            size.of(int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1)
        elif head[:4] == b"VP8 " and len(body) == 10:
            size.of(*(n & 0x3FFF for n in struct.unpack("<HH", body[6:10])))
        elif head[:4] == b"VP8L" and len(body) >= 5:
            bits = int.from_bytes(body[1:5], "little")
            size.of((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        source.seek(length - len(body) + length % 2, io.SEEK_CUR)


def _gif(source: BinaryIO, size: _Size) -> Iterator[Part]:
    """Source: GIF89a, sections 18 to 26; XMP Specification, part 3, section 1.1.2."""
    head = source.read(13)
    size.of(*struct.unpack("<HH", head[6:10]))
    if head[10] & 0x80:
        source.seek(3 << (head[10] & 7) + 1, io.SEEK_CUR)
    for _ in range(_PARTS):
        mark = source.read(1)
        if mark == b"\x21":
            kind = source.read(1)[0]
            blocks = _sub_blocks(source)
            if kind == 0xFE:
                yield "Comment", decoded(b"".join(blocks))
            elif kind == 1:
                yield "PlainText", decoded(b"".join(blocks[1:]))
            elif kind == 0xFF and blocks[:1] == [b"XMP DataXMP"]:
                # The packet is not in blocks: its bytes read as lengths, which are part of it.
                yield "xmp", b"".join(bytes((len(block),)) + block for block in blocks[1:])
        elif mark == b"\x2c":
            flags = source.read(9)[8]
            if flags & 0x80:
                source.seek(3 << (flags & 7) + 1, io.SEEK_CUR)
            source.seek(1, io.SEEK_CUR)
            _sub_blocks(source, keep=False)
        else:
            size.cut = mark != b";"
            return


def _sub_blocks(source: BinaryIO, *, keep: bool = True) -> list[bytes]:
    blocks: list[bytes] = []
    total = 0
    while count := source.read(1):
        if count == b"\0":
            break
        block = source.read(count[0])
        total += len(block)
        if keep and total < _PART:
            blocks.append(block)
    return blocks


def _tiff(source: BinaryIO, size: _Size) -> Iterator[Part]:
    def read(at: int, count: int) -> bytes:
        if at > 1 << 62:
            return b""
        source.seek(at)
        return source.read(count)

    yield from _structure(read, size, main=True)


def _photoshop(source: BinaryIO, size: _Size) -> Iterator[Part]:
    """Source: Adobe Photoshop File Formats Specification, "File Header Section"."""
    head = source.read(26)
    size.of(*struct.unpack(">II", head[14:22]))
    source.seek(int.from_bytes(source.read(4), "big"), io.SEEK_CUR)
    length = int.from_bytes(source.read(4), "big")
    yield "photoshop", source.read(min(length, _PART))


def _heif(source: BinaryIO, size: _Size) -> Iterator[Part]:
    from piiscan.extract.heif import items

    for kind, content in items(source):
        if kind == "size":
            size.of(*struct.unpack(">II", content[:8]))
        else:
            yield kind, content


_READERS: dict[str, Callable[[BinaryIO, _Size], Iterator[Part]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/tiff": _tiff,
    "image/webp": _webp,
    "image/gif": _gif,
    "image/heic": _heif,
    "image/avif": _heif,
    "image/vnd.adobe.photoshop": _photoshop,
}

EXTRACTOR = Image()
