"""Containers: members come out with their chain, bombs and damage do not get through."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import pytest
import zstandard

from piiscan.errors import Encrypted, LimitReached, Malformed, ObjectError
from piiscan.extract import Budget, ColumnSegment, Job, Limits, segments
from piiscan.extract.inflate import Inflate

MAIL = "ana@example.org"
BODY = f"contact {MAIL}\n".encode()


def read(data: bytes, name: str = "x.zip", limits: Limits | None = None) -> tuple[dict[str, str], list[str]]:
    """Text by chain of members, and the codes of the notes."""
    job = Job(name=name, budget=Budget(limits=limits or Limits(), bytes_in=len(data)))
    out: dict[str, str] = {}
    for segment in segments(io.BytesIO(data), job):
        text = "\n".join(segment.values) if isinstance(segment, ColumnSegment) else segment.text
        chain = "!/".join(segment.place_of(0).member or ())
        out[chain] = out.get(chain, "") + text
    return out, [note.partition(":")[0] for note in job.budget.notes]


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(*members: tuple[str, bytes | None]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            if data is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data or b""))
    return out.getvalue()


@pytest.mark.parametrize(
    ("pack", "name"), [(gzip.compress, "a.txt.gz"), (bz2.compress, "a.txt.bz2"), (lzma.compress, "a.txt.xz")]
)
def test_compressed_streams(pack: Callable[[bytes], bytes], name: str) -> None:
    assert read(pack(BODY), name) == ({"a.txt": BODY.decode()}, [])
    assert read(pack(b"one\n") + pack(BODY), name) == ({"a.txt": "one\n" + BODY.decode()}, [])
    assert read(pack(BODY) + bytes(700) + b"junk", name) == ({"a.txt": BODY.decode()}, [])


def test_a_cut_gzip_gives_what_came() -> None:
    noise = b"".join(struct.pack("<Q", n * 0x9E3779B97F4A7C15 % 2**64).hex().encode() for n in range(9000))
    found, notes = read(gzip.compress(BODY + noise)[:40_000], "a.txt.gz")
    assert MAIL in found["a.txt"]
    assert notes == ["MALFORMED_FILE"]


def test_a_gzip_header_alone_is_malformed() -> None:
    with pytest.raises(Malformed):
        read(b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xff\xff", "a.gz")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_bombs_are_stopped(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(LimitReached) as caught:
        read(pack(bytes(70 << 20)), "zeros")
    assert caught.value.reason == "ARCHIVE_EXCEEDS_SIZE_LIMIT"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_methods_and_names(method: int) -> None:
    data = zipped(("a.txt", BODY), ("../b.txt", BODY), ("d/é\n.txt", BODY), ("d/", b""), ("none", b""), method=method)
    text = BODY.decode()
    assert read(data) == ({"a.txt": text, "../b.txt": text, "d/é\n.txt": text}, [])


def test_chains_and_their_depth() -> None:
    data = zipped(("a.tar", tarred(("b.txt.gz", gzip.compress(BODY)))))
    assert read(data) == ({"a.tar!/b.txt.gz!/b.txt": BODY.decode()}, [])
    for _ in range(12):
        data = zipped(("n.zip", data))
    assert read(data) == ({}, ["ARCHIVE_NESTING_LEVEL_OVER_LIMIT"])


def test_a_zip_behind_a_stub() -> None:
    assert read(b"MZ" + bytes(5000) + zipped(("a.txt", BODY)), "x.exe")[0] == {"a.txt": BODY.decode()}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_without_its_directory(method: int) -> None:
    data = zipped(("a.txt", BODY), ("b.txt", BODY * 3000), ("c.txt", BODY), method=method)
    found, notes = read(data[: data.index(b"PK\x01\x02")])
    assert found["a.txt"] == BODY.decode()
    assert len(found["b.txt"]) == len(BODY) * 3000
    assert notes == ["MALFORMED_FILE"]


def test_a_streamed_zip_without_its_directory() -> None:
    class Forward(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(data)  # type: ignore[arg-type]

    out = Forward()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", BODY, zipfile.ZIP_STORED)
        archive.writestr("b.txt", BODY, zipfile.ZIP_DEFLATED)
    found, _ = read(out.data[: out.data.index(b"PK\x01\x02")])
    assert found == {"a.txt": BODY.decode(), "b.txt": BODY.decode()}


def locked(data: bytes) -> bytes:
    """The archive with the encryption bit of its first member set."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[changed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def test_members_under_a_password() -> None:
    with pytest.raises(Encrypted):
        read(locked(zipped(("a.txt", BODY))))
    found, notes = read(locked(zipped(("a.txt", BODY), ("b.txt", BODY))))
    assert list(found) == ["b.txt"]
    assert notes == ["INVALID_ENCRYPTION"]


def test_overlapping_entries_are_refused() -> None:
    data = zipped(("a.txt", BODY))
    at, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    entry = data[at:end]
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 2, 2, 2 * len(entry), at, 0)
    with pytest.raises(Malformed):
        read(data[:at] + entry * 2 + tail)


def test_a_damaged_member_does_not_cost_the_next() -> None:
    data = bytearray(zipped(("a.txt", BODY), ("b.txt", BODY), method=zipfile.ZIP_STORED))
    data[data.index(BODY)] ^= 1
    found, notes = read(bytes(data))
    assert list(found) == ["b.txt"] or list(found) == ["a.txt", "b.txt"]
    assert notes == ["MALFORMED_FILE"]


def test_tar_links_are_not_followed() -> None:
    data = tarred(("../a.txt", BODY), ("link", None), ("new\nline.txt", BODY))
    assert read(data, "x.tar") == ({"../a.txt": BODY.decode(), "new\nline.txt": BODY.decode()}, [])


def test_tar_names_that_are_not_utf8() -> None:
    assert list(read(tarred(("a\udcff.txt", BODY)), "x.tar")[0]) == ["a\\xff.txt"]


@pytest.mark.parametrize("cut", [700, 1500])
def test_a_cut_tar_gives_what_came(cut: int) -> None:
    found, notes = read(tarred(("a.txt", BODY), ("b.txt", BODY * 9))[:cut], "x.tar")
    assert found.get("a.txt", BODY.decode()) == BODY.decode()
    assert "MALFORMED_FILE" in notes


def test_a_terabyte_of_holes_is_stopped() -> None:
    entry = tarfile.TarInfo("sparse")
    entry.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "huge.txt",
        "GNU.sparse.realsize": str(1 << 40),
    }
    body = b"1\n1099511627000\n100\n".ljust(512, b"\0") + BODY.ljust(100)
    entry.size = len(body)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(body))
    with pytest.raises(LimitReached):
        read(out.getvalue(), "x.tar")


def test_the_number_of_members_is_bounded() -> None:
    data = zipped(*((f"{n}.txt", b"") for n in range(30)))
    with pytest.raises(LimitReached) as caught:
        read(data, limits=Limits(members=20))
    assert caught.value.reason.startswith("ARCHIVE_")


def test_a_member_too_large_to_spool_is_said() -> None:
    inner = zipped(("a.txt", BODY * 100), method=zipfile.ZIP_STORED)
    found, notes = read(zipped(("in.zip", inner), ("b.txt", BODY)), limits=Limits(part_bytes=1000))
    assert list(found) == ["b.txt"]
    assert notes == ["FILE_EXCEEDS_SIZE_LIMIT"]


def test_unknown_methods_are_said() -> None:
    data = bytearray(zipped(("a.txt", BODY)))
    at = data.index(b"PK\x01\x02")
    data[8] = data[at + 10] = 97
    assert read(bytes(data))[1] == ["UNSUPPORTED_FILE_TYPE_EXCEPTION"]
    assert issubclass(Encrypted, ObjectError)


@pytest.mark.parametrize("at", [-6, -2, 5_000])
def test_what_stands_before_the_damage_of_a_gzip_is_read(at: int) -> None:
    lines = b"".join(b"line %d of the text\n" % n for n in range(20_000))
    packed = bytearray(gzip.compress(lines, mtime=0))
    packed[at] ^= 0xFF
    machine, out = Inflate(31), bytearray()

    def read() -> None:
        for begin in range(0, len(packed) + 3_000, 3_000):
            out.extend(machine.decompress(bytes(packed[begin : begin + 3_000]), 1 << 20))

    with pytest.raises(zlib.error):
        read()
    same = next((i for i, (a, b) in enumerate(zip(out, lines, strict=False)) if a != b), len(out))
    assert same == len(lines) if at < 0 else same > 5_000


def stored(raw_name: bytes, data: bytes, method: int = 0, flags: int = 0, extra: bytes = b"") -> bytes:
    """A ZIP of one member by hand, its name as bytes; `data` is as it is stored."""
    plain = BODY if method else data
    sizes = struct.pack("<III", zlib.crc32(plain), len(data), len(plain))
    common = struct.pack("<HHHI", 20, flags, method, 0) + sizes + struct.pack("<HH", len(raw_name), len(extra))
    local = b"PK\3\4" + common + raw_name + extra + data
    entry = b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + raw_name + extra
    return local + entry + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)


def test_names_are_bytes() -> None:
    utf8 = "ü.txt".encode()
    path = b"\1" + struct.pack("<I", zlib.crc32(b"\x81.txt")) + "ж.txt".encode()
    extra = struct.pack("<HH", 0x7075, len(path)) + path
    assert list(read(stored(utf8, BODY, flags=0x800))[0]) == ["ü.txt"]
    assert list(read(stored(utf8, BODY))[0]) == ["ü.txt"]
    assert list(read(stored(b"\x81.txt", BODY))[0]) == ["ü.txt"]
    assert list(read(stored(b"\x81.txt", BODY, extra=extra))[0]) == ["ж.txt"]


def test_names_that_repeat() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("a.txt", b"one\n"), ("a.txt", b"two\n"), ("b.txt", b"three\n"))
    assert read(data) == ({"a.txt": "one\n", "a.txt#2": "two\n", "b.txt": "three\n"}, [])
    data = tarred(("a.txt", b"one\n"), ("a.txt", b"two\n"))
    assert read(data, "x.tar") == ({"a.txt": "one\n", "a.txt#2": "two\n"}, [])


@pytest.mark.parametrize(("method", "pack"), [(93, zstandard.compress), (95, lzma.compress)])
def test_newer_zip_methods(method: int, pack: Callable[[bytes], bytes]) -> None:
    assert read(stored(b"a.txt", pack(BODY), method)) == ({"a.txt": BODY.decode()}, [])


def test_zlib_and_loose_git_objects() -> None:
    assert read(zlib.compress(BODY * 9), "a.txt.zlib") == ({"a.txt": BODY.decode() * 9}, [])
    assert read(zlib.compress(b"blob %d\0" % len(BODY) + BODY), "objects/ab/cd") == ({"cd": BODY.decode()}, [])
    assert read(zlib.compress(b"tree 3\0abc"), "objects/ab/ce") == ({}, [])
    assert read(zlib.compress(b"commit 0\0"), "objects/ab/cf") == ({}, [])
    assert read(b"x^2 + y^2 is text", "a.txt") == ({"": "x^2 + y^2 is text"}, [])
