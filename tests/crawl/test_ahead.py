"""What is fetched ahead: the right bytes for each object, never too many at once, and fewer when the store is busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from piiscan.crawl import ahead
from piiscan.crawl.ahead import FIRST, MOST, Ahead
from piiscan.errors import ObjectGone
from piiscan.model import ObjectRef


def ref(number: int, size: int = 10) -> ObjectRef:
    return ObjectRef("s3://b", f"k{number:04d}", size, f"e{number}")


class Store:
    """Answers from threads, and counts how many ask at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.asked: list[str] = []
        self.busy = False
        self.gone: set[str] = set()
        self.whole = True

    def fetch(self, found: ObjectRef) -> tuple[bytes | None, bool]:
        with self.lock:
            self.asked.append(found.key)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.002)
        with self.lock:
            self.now -= 1
        if found.key in self.gone:
            raise ObjectGone("gone since it was listed")
        return (found.key.encode() if self.whole else None), self.busy


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def made(store: Store) -> Iterator[Ahead]:
    made = Ahead(store.fetch)
    yield made
    made.close()


def test_each_object_once_and_in_order(store: Store, made: Ahead) -> None:
    refs = [ref(n) for n in range(200)]
    made.expect(refs)
    assert [made.take(found) for found in refs] == [found.key.encode() for found in refs]
    assert sorted(store.asked) == [found.key for found in refs]
    assert 4 < store.most <= MOST


def test_the_window_shrinks_while_the_store_is_busy_and_grows_again(store: Store, made: Ahead) -> None:
    store.busy = True
    refs = [ref(n) for n in range(200)]
    made.expect(refs)
    for found in refs[:20]:
        made.take(found)
    store.most = 0
    for found in refs[20:60]:
        made.take(found)
    assert store.most == 1
    store.busy = False
    for found in refs[60:]:
        made.take(found)
    assert store.most > 4


def test_an_error_is_that_of_its_object_alone(store: Store, made: Ahead) -> None:
    refs = [ref(n) for n in range(30)]
    store.gone = {"k0003", "k0004"}
    made.expect(refs)
    told = []
    for found in refs:
        try:
            told.append(made.take(found))
        except ObjectGone:
            told.append(b"gone")
    assert told.count(b"gone") == 2
    assert told[5:] == [found.key.encode() for found in refs[5:]]


def test_what_is_passed_over_or_was_never_expected(store: Store, made: Ahead) -> None:
    refs = [ref(n) for n in range(40)]
    made.expect(refs)
    assert made.take(ref(99)) is None
    assert made.take(ObjectRef("s3://b", "k0000", 10, "another")) is None
    for found in refs[2::3]:  # the others were skipped
        assert made.take(found) == found.key.encode()
    made.expect([ref(500), ref(501)])
    assert made.take(refs[-1]) is None
    assert made.take(ref(500)) == b"k0500"
    store.whole = False
    made.expect([ref(600), ref(601)])
    assert made.take(ref(600)) is None


def test_no_more_bytes_than_there_is_room_for(store: Store, made: Ahead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "ROOM", 100)
    refs = [ref(n, 45) for n in range(50)]
    made.expect(refs)
    for found in refs:
        assert made.take(found) == found.key.encode()
    assert store.most <= 2 < FIRST
    large = [ref(n, 1_000) for n in range(5)]
    made.expect(large)
    assert [made.take(found) for found in large] == [found.key.encode() for found in large]
