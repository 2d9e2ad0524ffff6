from __future__ import annotations

import base64
import io
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.crawl import ranged
from piiscan.crawl.ranged import BLOCK, RangedObject
from piiscan.errors import ObjectChanged, ReadFailed
from piiscan.fetch import CHECKSUM_MISMATCH, RESUMES, Answer
from piiscan.sparse import Extents, SparseFile

DATA = Random(5).randbytes(40 * BLOCK + 12_345)


class Shop:
    """A store of one object that counts what it is asked for, and breaks at chosen requests."""

    def __init__(self, data: bytes = DATA, *, knows_ranges: bool = True, breaks: frozenset[int] = frozenset()) -> None:
        self.data, self.knows_ranges, self.breaks = data, knows_ranges, breaks
        self.asked: list[tuple[int, int]] = []
        self.given = 0
        self.sums: Mapping[str, str] = {"CRC32": base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()}
        self.told = 0

    def request(self, begin: int, end: int) -> Answer:
        assert 0 <= begin < end
        self.asked.append((begin, end))
        body = _Body(self, begin, end if self.knows_ranges else len(self.data))
        if len(self.asked) in self.breaks:
            body.end = begin + (end - begin) // 2
        return Answer(body, {}, whole=not self.knows_ranges)

    def stored(self) -> Mapping[str, str]:
        self.told += 1
        return self.sums

    def object(self, scratch: Path) -> RangedObject:
        return RangedObject(self.request, len(self.data), self.stored, str(scratch), pause=lambda seconds: None)


class _Body:
    def __init__(self, shop: Shop, at: int, end: int) -> None:
        self._shop, self._at, self.end = shop, at, end

    def read(self, size: int) -> bytes:
        data = self._shop.data[self._at : min(self._at + size, self.end)]
        self._at += len(data)
        self._shop.given += len(data)
        return data

    def close(self) -> None:
        return


def stream(raw: RangedObject) -> io.BufferedReader:
    return io.BufferedReader(raw, 1 << 16)


def test_read_from_first_to_last_in_a_few_growing_ranges(tmp_path: Path) -> None:
    shop = Shop()
    with stream(shop.object(tmp_path)) as file:
        assert file.read() == DATA
    sizes = [end - begin for begin, end in shop.asked]
    assert sizes[:4] == [BLOCK, 2 * BLOCK, 4 * BLOCK, 8 * BLOCK]
    assert len(sizes) == 6
    assert shop.given == len(DATA)


def test_an_end_costs_a_block(tmp_path: Path) -> None:
    shop = Shop()
    with stream(shop.object(tmp_path)) as file:
        file.seek(-100, os.SEEK_END)
        assert file.read() == DATA[-100:]
        file.seek(-5_000, os.SEEK_END)
        assert file.read(10) == DATA[-5_000:-4_990]
    assert len(shop.asked) == 1
    assert shop.given <= BLOCK


def test_no_byte_comes_twice(tmp_path: Path) -> None:
    shop, random = Shop(), Random(1)
    raw = shop.object(tmp_path)
    with stream(raw) as file:
        for _ in range(300):
            at, size = random.randrange(len(DATA)), random.choice((1, 4_096, 300_000))
            file.seek(at)
            assert file.read(size) == DATA[at : at + size]
        file.seek(0)
        assert file.read() == DATA
        raw.verify()
    assert shop.given == raw.held == len(DATA)
    assert shop.told == 1


def test_a_gap_is_filled_up_to_what_is_there(tmp_path: Path) -> None:
    shop = Shop()
    with stream(shop.object(tmp_path)) as file:
        file.seek(6 * BLOCK)
        file.read(BLOCK)
        file.seek(0)
        assert file.read(9 * BLOCK) == DATA[: 9 * BLOCK]
    assert (3 * BLOCK, 6 * BLOCK) in shop.asked
    assert shop.given < 30 * BLOCK


def test_the_descriptor_is_of_the_whole_object(tmp_path: Path) -> None:
    shop = Shop()
    with shop.object(tmp_path) as raw:
        raw.seek(BLOCK)
        raw.read(10)
        assert os.pread(raw.fileno(), len(DATA), 0) == DATA
        with pytest.raises(OSError, match="descriptor"):
            os.write(raw.handle, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_knows_no_ranges_is_read_once(tmp_path: Path) -> None:
    shop = Shop(knows_ranges=False)
    with stream(shop.object(tmp_path)) as file:
        file.read(10)
        file.seek(-10, os.SEEK_END)
        assert file.read() == DATA[-10:]
        file.seek(20 * BLOCK)
        assert file.read(10) == DATA[20 * BLOCK :][:10]
    assert len(shop.asked) == 1
    assert shop.given == len(DATA)


def test_broken_ranges_go_on_where_they_broke(tmp_path: Path) -> None:
    shop = Shop(breaks=frozenset({1, 2, 4, 5}))
    with stream(shop.object(tmp_path)) as file:
        assert file.read() == DATA
    assert shop.given == len(DATA)


def test_ranges_that_always_break_give_the_object_up(tmp_path: Path) -> None:
    shop = Shop()
    shop.data = b""
    raw = RangedObject(shop.request, 10, shop.stored, str(tmp_path), pause=lambda seconds: None)
    with raw, pytest.raises(ReadFailed, match="broke off at byte 0 of 10"):
        raw.read(1)
    assert len(shop.asked) == RESUMES + 1


def test_what_will_not_get_better_comes_through(tmp_path: Path) -> None:
    def gone(begin: int, end: int) -> Answer:
        raise ObjectChanged("overwritten")

    with RangedObject(gone, 10, dict, str(tmp_path)) as raw, pytest.raises(ObjectChanged):
        raw.read(1)


def test_a_wrong_byte_is_noticed_when_all_were_read(tmp_path: Path) -> None:
    shop = Shop()
    shop.data = DATA[:-1] + b"?"
    with stream(raw := shop.object(tmp_path)) as file:
        file.read(100)
        raw.verify()
        assert shop.told == 0
        with pytest.raises(ReadFailed) as caught:
            raw.verify(complete=True)
    assert caught.value.reason == CHECKSUM_MISMATCH
    assert raw.held == len(DATA)


@pytest.mark.parametrize("sums", [{}, {"CRC32": "AAAAAA==-3"}])
def test_without_a_checksum_of_the_object_nothing_is_compared(tmp_path: Path, sums: dict[str, str]) -> None:
    shop = Shop()
    shop.sums = sums
    with shop.object(tmp_path) as raw:
        raw.verify(complete=True)


def test_no_room_is_a_failure_of_the_object(tmp_path: Path) -> None:
    with pytest.raises(ReadFailed, match="no temporary file"):
        Shop().object(tmp_path / "nowhere")


SMALL = bytes(range(256)) * 30


@pytest.fixture
def fine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BLOCK": 64, "LONGEST": 1_000, "_STEP": 50, "_NEAR": 20}.items():
        monkeypatch.setattr(ranged, name, value)


@pytest.mark.usefixtures("fine")
def test_any_reads_give_the_bytes_and_none_twice(tmp_path: Path) -> None:
    jumps = st.lists(st.tuples(st.integers(0, len(SMALL) + 10), st.integers(0, 700)), max_size=25)

    @settings(max_examples=150, deadline=None)
    @given(jumps=jumps, breaks=st.frozensets(st.integers(1, 40)), knows_ranges=st.booleans())
    def check(jumps: list[tuple[int, int]], breaks: frozenset[int], knows_ranges: bool) -> None:
        shop = Shop(SMALL, knows_ranges=knows_ranges, breaks=frozenset(b for b in breaks if b % 4))
        with io.BufferedReader(raw := shop.object(tmp_path), 16) as file:
            for at, size in jumps:
                file.seek(at)
                assert file.read(size) == SMALL[at : at + size]
        if knows_ranges:
            assert shop.given == raw.held

    check()


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=20), at=st.integers(0, 80))
def test_extents_are_a_set_of_bytes(parts: list[tuple[int, int]], at: int) -> None:
    known, there = Extents(), set[int]()
    for begin, size in parts:
        known.add(begin, begin + size)
        there |= set(range(begin, begin + size))
    assert known.total == len(there)
    begin, end = known.around(at)
    if at in there:
        assert set(range(begin, end)) <= there
        assert not {begin - 1, end} & there
    else:
        assert begin == end == at
        low, high = known.gap(at, 100)
        assert not set(range(low, high)) & there
        assert low == 0 or low - 1 in there
        assert high == 100 or high in there


def test_a_filler_that_fills_nothing_is_an_error(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    with SparseFile(handle, 10, lambda begin, end: (begin, begin)) as file, pytest.raises(OSError, match="nothing"):
        file.read(1)
