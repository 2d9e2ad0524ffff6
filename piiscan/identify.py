"""Room 3, what it is: the media type and charset of a stream, from its content first and its name as a hint."""

from __future__ import annotations

import codecs
import io
import re
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from piiscan.charset import charset_of
from piiscan.sniff import ending, kind_of

STRINGS_ONLY = "application/octet-stream"
"""The media type of content of no known format; only its printable runs are read."""
HEAD = 64 << 10

_OOXML = "application/vnd.openxmlformats-officedocument."
ENCRYPTED_OLE = "application/x-ole-encrypted-package"
"""An Office document under a password: an OLE container around an `EncryptedPackage`."""

MAGICS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"PARE", "application/vnd.apache.parquet"),  # with an encrypted footer
    (0, b"FEA1", "application/x-feather"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\0\0\x01\0", "image/vnd.microsoft.icon"),
    (8, b"WEBP", "image/webp"),
    (40, b" EMF", "image/emf"),
    (0, b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (0, b"\x01\0\x09\0\0\x03", "image/wmf"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftyp", "video/mp4"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"Obj\x01", "application/avro"),
    (0, b"ORC", "application/x-orc"),
    (0, b"ARROW1\0\0", "application/vnd.apache.arrow.file"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"OTTO\0", "font/otf"),
    (0, b"\0\x01\0\0\0", "font/ttf"),
    (4, b"Standard Jet DB", "application/x-msaccess"),
    (4, b"Standard ACE DB", "application/x-msaccess"),
    (0, b"\x04\x22\x4d\x18", "application/x-lz4"),
    (0, b"\x1f\x9d", "application/x-compress"),
    (0, b"xar!\0\x1c", "application/x-xar"),
    (0, b"070707", "application/x-cpio"),
    (0, b"\xc7\x71", "application/x-cpio"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (0, b"# v2 git bundle\n", "application/x-git-bundle"),
    (0, b"# v3 git bundle\n", "application/x-git-bundle"),
    (0, b"LZIP", "application/x-lzip"),
    (0, b"PGDMP", "application/x-pgdump"),
    (8, b"DUCK", "application/x-duckdb"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"!BDN", "application/vnd.ms-outlook-pst"),
    (128, b"DICM", "application/dicom"),
    (0, b"!<arch>\n", "application/x-archive"),
    (0, b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (0, b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (0, b"PACK\0\0\0", "application/x-git-pack"),
    (0, b"DIRC\0\0\0", "application/x-git-index"),
    (0, b"bplist00", "application/x-plist"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "application/x-pcapng"),
    (0, b"070701", "application/x-cpio"),
    (0, b"\xed\xab\xee\xdb", "application/x-rpm"),
    (0x8001, b"CD001", "application/x-iso9660-image"),
)
"""(offset, bytes, media type) of the formats that such bytes tell."""
_WORDS = frozenset({b"ORC", b"PARE", b"FEA1"})
"""Magics that a text may begin with (`ORCID`, `PARENT`): binary content must follow."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_BY_FIRST: dict[int, list[tuple[bytes, str]]] = {}
for _at, _magic, _type in MAGICS:
    if _at == 0:
        _BY_FIRST.setdefault(_magic[0], []).append((_magic, _type))
_LATER = tuple(row for row in MAGICS if row[0])
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_PDF = re.compile(rb"(?:^|[\r\n\x00\x80-\xff])%PDF-\d\.\d")
_ZIP_NAMES = (
    ("word/", _OOXML + "wordprocessingml.document"),
    ("xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
    ("xl/", _OOXML + "spreadsheetml.sheet"),
    ("ppt/", _OOXML + "presentationml.presentation"),
    ("visio/", "application/vnd.ms-visio.drawing"),
)
_OLE_NAMES = (
    ("encryptedpackage", ENCRYPTED_OLE),
    ("worddocument", "application/msword"),
    ("workbook", "application/vnd.ms-excel"),
    ("book", "application/vnd.ms-excel"),
    ("powerpoint document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("visiodocument", "application/vnd.visio"),
)


@dataclass(frozen=True, slots=True)
class Identified:
    """What a stream holds."""

    media_type: str
    charset: str = ""
    """A Python codec name for text, else empty."""


def identify(stream: BinaryIO, name: str) -> Identified:
    """What `stream` holds; its position is kept. Looks at 64 KiB, and at a directory elsewhere where there is one.

    A stream that cannot be sought in must be an `io.BufferedReader`. Raises: OSError of the stream, nothing else.
    """
    if stream.seekable():
        begin = stream.tell()
        head = stream.read(HEAD)
        peek = _Window(head, stream, begin)
        try:
            return _identified(head, name, peek)
        finally:
            stream.seek(begin)
    assert isinstance(stream, io.BufferedReader)
    head = stream.peek(HEAD)
    return _identified(head, name, _Window(head, None, 0))


class _Window:
    """Ranges of the content: out of the head, or from the stream where it can be sought in."""

    def __init__(self, head: bytes, stream: BinaryIO | None, begin: int) -> None:
        self._head, self._stream, self._begin = head, stream, begin
        self.whole = len(head) < HEAD

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes at `offset`; fewer where they cannot be had."""
        if offset < 0 or offset + count <= len(self._head) or self._stream is None or self.whole:
            return self._head[max(offset, 0) : max(offset, 0) + count]
        self._stream.seek(self._begin + offset)
        return self._stream.read(count)

    def tail(self, count: int) -> tuple[bytes, int]:
        """The last bytes and their offset; nothing where the end cannot be seen."""
        if self._stream is None or self.whole:
            begin = max(len(self._head) - count, 0)
            return (self._head[begin:], begin) if self.whole else (b"", 0)
        size = self._stream.seek(0, io.SEEK_END) - self._begin
        begin = max(size - count, 0)
        self._stream.seek(self._begin + begin)
        return self._stream.read(count), begin


def _identified(head: bytes, name: str, window: _Window) -> Identified:
    if not head:
        return Identified("text/plain", "utf-8")
    found = _by_magic(head, window, name)
    if found:
        return Identified(found)
    if len(head) < 4 and name.lower().endswith(".zip") and b"PK\x03\x04".startswith(head):
        return Identified("application/zip")
    charset = charset_of(head, window.whole)
    if not charset:
        return Identified("application/zip" if _has_directory(window) else STRINGS_ONLY)
    text = codecs.getincrementaldecoder(charset)("replace").decode(head[: HEAD if charset[:3] == "utf" else 16 << 10])
    return Identified(kind_of(text, name, window.whole and len(head) <= 16 << 10), charset)


def _by_magic(head: bytes, window: _Window, name: str) -> str:
    for magic, media_type in _BY_FIRST.get(head[0], ()):
        if head.startswith(magic) and (magic not in _WORDS or _CONTROL.search(head, len(magic), 64)):
            return media_type
    if head[0] == 0x50 and head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00"):
        return _zip_type(head, window, name)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_type(head, window)
    if head[2:5] == b"-lh" and head[6:7] == b"-":
        return "application/x-lha"
    # A skippable frame, which lz4 has too: the next frame tells (RFC 8878, section 3.1.2).
    if head[1:4] == b"*M\x18" and head[0] >> 4 == 5 and len(head) >= 8:
        after = window.at(8 + int.from_bytes(head[4:8], "little"), 4)
        if after == b"\x28\xb5\x2f\xfd":
            return "application/zstd"
    if head[0] == 0x78 and len(head) > 2 and (head[0] << 8 | head[1]) % 31 == 0:
        found = _zlib_type(head)
        if found:
            return found
    # LZMA alone: properties, a dictionary of 64 KiB or a power of two above, and a size that is unknown or sane.
    if head[:3] == b"]\0\0" and len(head) > 13 and (head[5:13] == b"\xff" * 8 or head[10:13] == b"\0\0\0"):
        return "application/x-lzma"
    if head[:3] == b"BZh" and _BZIP2.match(head):
        return "application/x-bzip2"
    # The magic changes with each Python; flags and the code object's mark do not (PEP 552).
    if head[2:4] == b"\r\n" and head[5:8] == b"\0\0\0" and head[16:17] == b"\xe3" and head[4] < 4:
        return "application/x-python-code"
    if head[:2] == b"MZ" and b"\0" in head[:256]:
        return "application/zip" if _has_directory(window) else "application/vnd.microsoft.portable-executable"
    if head[257:262] == b"ustar" or _is_old_tar(head):
        return "application/x-tar"
    if found := _by_shape(head):
        return found
    for at, magic, media_type in _LATER:
        if head.startswith(magic, at) and (at != 8 or magic == b"DUCK" or head.startswith(b"RIFF")):
            return media_type
    if b"%PDF-" in head[:1024] and _PDF.search(head[:1024]) and b" obj" in head:
        return "application/pdf"
    return ""


_STILLS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
"""Brands of ISO base media files that hold pictures. Source: ISO/IEC 23008-12, annex B; AVIF 1.1."""
_DICOM = re.compile(
    rb"[\x02\x08]\0[\x00-\x70][\x00-\x01](?:AE|CS|DA|LO|SH|UI|UL|OB)"
    rb"|\x08\0(?:[\x05\x08\x12-\x18]\0[\x02-\x40]\0\0\0|\0\0\x04\0\0\0.{4}\x08\0)"
    rb"|\0[\x02\x08][\x00-\x01][\x00-\x70](?:AE|CS|DA|LO|SH|UI|UL|OB)",
    re.S,
)
"""The first element of a DICOM file without a preamble, in either order of bytes. Source: DICOM PS3.5, section 7.1."""


def _by_shape(head: bytes) -> str:
    """What shows by its structure and no magic of its own."""
    if head[4:8] == b"ftyp" and head[8:12] in _STILLS:
        return "image/avif" if head[8:12] in (b"avif", b"avis") else "image/heic"
    if head.startswith(b"\xff\xff\xff\xff"):
        # A message's length, then the offset of a flat buffer's table (Arrow, "Encapsulated message format").
        size, root = struct.unpack("<ii", head[4:12]) if len(head) >= 12 else (0, 0)
        return "application/vnd.apache.arrow.stream" if 16 <= size < 1 << 24 and 4 <= root < min(size, 64) else ""
    if head[:4] == b"\x0bMSH":  # HL7 as it goes over the wire
        return "application/hl7-v2"
    if _DICOM.match(head) and head[132 - 4 : 132] != b"DICM":
        return "application/dicom"
    return ""


def _zlib_type(head: bytes) -> str:
    """The type of a zlib stream: git keeps each loose object as one (gitformat-loose(5), RFC 1950)."""
    try:
        begin = zlib.decompressobj().decompress(head[:4096], 512)
    except zlib.error:
        return ""
    if re.match(rb"(?:blob|tree|commit|tag) \d{1,15}\0", begin):
        return "application/x-git-object"
    return "application/zlib" if len(begin) >= 64 else ""


def _is_old_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are a tar header of before ustar: a name, and the checksum is right."""
    block = head[:512]
    if len(block) < 512 or not block[0] or not re.fullmatch(rb" *[0-7]{1,7}[\0 ]*", block[148:156]):
        return False
    told = int(block[148:156].strip(b"\0 ") or b"0", 8)
    return told == sum(block[:148]) + sum(block[156:]) + 8 * 32 and told > 256


def _has_directory(window: _Window) -> bool:
    """Whether the content ends in a ZIP directory that is really there (a self-extractor, a stub in front)."""
    tail, begin = window.tail(HEAD + 22)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return False
    size, _, comment = struct.unpack("<IIH", tail[at + 12 : at + 22])
    return bool(at + 22 + comment == len(tail) and size and window.at(begin + at - size, 4) == b"PK\x01\x02")


def _zip_type(head: bytes, window: _Window, name_hint: str) -> str:
    length, extra = struct.unpack("<HH", head[26:30]) if len(head) >= 30 else (0, 0)
    if head[30 : 30 + length] == b"mimetype":
        told = re.match(rb"application/[\w.+-]{3,100}", head[30 + length + extra :][:128])
        # A deflated or unsized `mimetype` is followed by the next local header: cut at its signature.
        if told:
            return told[0].split(b"PK")[0].decode()
    names = _directory_names(window) or _local_names(head)
    if "[Content_Types].xml" in names or "_rels/.rels" in names:
        for start, media_type in _ZIP_NAMES:
            if any(name.startswith(start) for name in names):
                return media_type
    if "META-INF/container.xml" in names or any(name.endswith("/META-INF/container.xml") for name in names):
        return "application/epub+zip"
    if "content.xml" in names and "META-INF/manifest.xml" in names:
        kind = {"ods": "spreadsheet", "odp": "presentation"}.get(ending(name_hint), "text")
        return "application/vnd.oasis.opendocument." + kind
    if "AndroidManifest.xml" in names:
        return "application/vnd.android.package-archive"
    if "META-INF/MANIFEST.MF" in names:
        return "application/java-archive"
    return "application/zip"


def _directory_names(window: _Window) -> list[str]:
    tail, begin = window.tail(4096)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 16:
        return []
    size = struct.unpack("<I", tail[at + 12 : at + 16])[0]
    first = begin + at - size
    entries = tail[first - begin : at] if first >= begin else window.at(first, min(size, HEAD))
    names: list[str] = []
    position = 0
    while entries.startswith(b"PK\x01\x02", position) and len(entries) >= position + 46:
        length, extra, comment = struct.unpack("<HHH", entries[position + 28 : position + 34])
        names.append(entries[position + 46 : position + 46 + length].decode("ascii", "replace"))
        position += 46 + length + extra + comment
    return names


def _local_names(head: bytes) -> list[str]:
    names = []
    for found in re.finditer(rb"PK\x03\x04", head):
        begin = found.start()
        length = int.from_bytes(head[begin + 26 : begin + 28], "little")
        if 0 < length < 256:
            names.append(head[begin + 30 : begin + 30 + length].decode("ascii", "replace"))
    return names


def _ole_type(head: bytes, window: _Window) -> str:
    """The kind of an OLE container by the names in its directory. Source: MS-CFB, sections 2.2 and 2.6."""
    names: set[str] = set()
    if len(head) >= 512:
        size = 1 << min(struct.unpack("<H", head[30:32])[0], 12)
        sector, tables = struct.unpack("<I", head[48:52])[0], struct.unpack("<109I", head[76:512])
        for _ in range(16):
            if size < 128 or sector >= 0xFFFFFFFA:
                break
            block = window.at((sector + 1) * size, size)
            for entry in range(0, len(block) - 127, 128):
                length = min(int.from_bytes(block[entry + 64 : entry + 66], "little"), 64)
                names.add(block[entry : entry + max(length - 2, 0)].decode("utf-16-le", "replace").lower())
            number = sector // (size // 4)
            table = tables[number] if number < len(tables) else _far_table(head, window, size, number)
            nexts = window.at((table + 1) * size + sector % (size // 4) * 4, 4)
            if table >= 0xFFFFFFFA or len(nexts) < 4:
                break
            sector = struct.unpack("<I", nexts)[0]
    if "__nameid_version1.0" in names:
        # The fixed-length properties of a large message may stand far behind.
        names.add("__properties_version1.0")
    for known, media_type in _OLE_NAMES:
        if known in names:
            return media_type
    return "application/x-ole-storage"


def _far_table(head: bytes, window: _Window, size: int, number: int) -> int:
    """The sector of a sector table that the header has no room for. Source: MS-CFB, section 2.5."""
    sector, each = struct.unpack("<I", head[68:72])[0], size // 4 - 1
    for _ in range((number - 109) // each):
        nexts = window.at((sector + 2) * size - 4, 4)
        if sector >= 0xFFFFFFFA or len(nexts) < 4:
            return 0xFFFFFFFF
        sector = struct.unpack("<I", nexts)[0]
    found = window.at((sector + 1) * size + (number - 109) % each * 4, 4) if sector < 0xFFFFFFFA else b""
    return int(struct.unpack("<I", found)[0]) if len(found) == 4 else 0xFFFFFFFF
