from __future__ import annotations

import io
import lzma
import random
import struct
from collections.abc import Callable

import pytest
import zstandard

from fixtures.writers.archive import lzip
from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract.compressed import Zstd
from piiscan.identify import identify
from tests.extract.test_archive import BODY, read, tarred

NOISE = random.Random(1).randbytes(300_000).hex().encode()


def alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


def zstd(data: bytes) -> bytes:
    return zstandard.compress(data)


PACKERS = [(zstd, "a.txt.zst", "application/zstd"), (lzip, "a.txt.lz", "application/x-lzip")]
PACKERS += [(alone, "a.txt.lzma", "application/x-lzma")]


@pytest.mark.parametrize(("pack", "name", "media_type"), PACKERS)
def test_streams(pack: Callable[[bytes], bytes], name: str, media_type: str) -> None:
    assert identify(io.BytesIO(pack(BODY)), "x").media_type == media_type
    assert read(pack(BODY), name) == ({"a.txt": BODY.decode()}, [])
    assert read(pack(NOISE), name) == ({"a.txt": NOISE.decode()}, [])
    if pack is not alone:
        assert read(pack(b"one\n") + pack(BODY), name) == ({"a.txt": "one\n" + BODY.decode()}, [])
    tar = tarred(("d/b.txt", BODY))
    assert read(pack(tar), "x.tzst" if pack is zstd else "x")[0] == {
        ("x.tar" if pack is zstd else "x") + "!/d/b.txt": BODY.decode()
    }


@pytest.mark.parametrize(("pack", "name", "media_type"), PACKERS)
def test_cut_streams_and_bombs(pack: Callable[[bytes], bytes], name: str, media_type: str) -> None:
    found, notes = read(pack(BODY + NOISE)[:250_000], name)
    assert BODY.decode() in found["a.txt"]
    assert notes == ["MALFORMED_FILE"]
    with pytest.raises(LimitReached) as caught:
        read(pack(bytes(70 << 20)), name)
    assert caught.value.reason == "ARCHIVE_EXCEEDS_SIZE_LIMIT"
    assert media_type


def test_zstd_frames_of_all_kinds() -> None:
    unsized = zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compressobj()
    streamed = unsized.compress(BODY) + unsized.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) + unsized.compress(BODY)
    streamed += unsized.flush()
    skipped = struct.pack("<II", 0x184D2A53, 5) + b"hello"
    for size in (1, 7, 1 << 20):
        machine, out = Zstd(), b""
        for at in range(0, len(streamed), size):
            out += machine.decompress(streamed[at : at + size], 1 << 20)
        assert (out, machine.eof) == (BODY * 2, True)
    assert read(skipped + streamed + skipped + zstd(b"end\n"), "a.zst") == ({"a": BODY.decode() * 2 + "end\n"}, [])


def test_a_block_gives_a_bounded_piece() -> None:
    machine = Zstd()
    frame = zstd(bytes(50 << 20))
    first = machine.decompress(frame, 1 << 20)
    assert (1 << 20) <= len(first) <= (1 << 20) + (128 << 10)
    assert not machine.needs_input


def test_too_wide_a_window() -> None:
    wide = struct.pack("<IBB", 0xFD2FB528, 0, (31 - 10) << 3) + b"\x01\0\0" + bytes(8)
    with pytest.raises(LimitReached):
        read(wide, "a.zst")
    with pytest.raises(LimitReached):
        read(b"LZIP\1\x1e" + bytes(40), "a.lz")


@pytest.mark.parametrize("pack", [zstd, lzip, alone])
def test_damage_gives_object_errors_only(pack: Callable[[bytes], bytes]) -> None:
    whole, rng = pack(BODY * 200 + NOISE[:4000]), random.Random(9)
    with pytest.raises(Malformed):
        read(whole[:9] + bytes([255]) * 40, "a.zst")
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(4, len(data))] = rng.randrange(256)
        try:
            read(bytes(data), "a")
        except ObjectError:
            continue
