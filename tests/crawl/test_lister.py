"""A listing in parts is the plain listing: every key once, in order, whatever the keys are and the server does."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.config import AwsConfig
from piiscan.crawl import lister
from piiscan.crawl.lister import Lister
from piiscan.crawl.s3 import S3Source
from tests.support.proxy import fault_proxy
from tests.support.s3 import s3_server


class Bucket:
    """ListObjectsV2 over keys in memory."""

    def __init__(self, keys: Iterator[str] | list[str], page: int, *, obeys: bool = True) -> None:
        self.keys = sorted(set(keys), key=str.encode)
        self.page, self.obeys = page, obeys
        self.asked = self.most = self.now = 0
        self.lock = threading.Lock()

    def ask(
        self, *, Prefix: str, StartAfter: str = "", ContinuationToken: str = "", MaxKeys: int = 1_000
    ) -> dict[str, Any]:
        with self.lock:
            self.asked += 1
        after = ContinuationToken or (StartAfter if self.obeys else "")
        found = [key for key in self.keys if key.startswith(Prefix) and key.encode() > after.encode()]
        count = min(MaxKeys, self.page)
        answer: dict[str, Any] = {"IsTruncated": len(found) > count}
        if found:
            answer["Contents"] = [{"Key": key} for key in found[:count]]
        if len(found) > count:
            answer["NextContinuationToken"] = found[count - 1]
        return answer

    def listed(self, prefix: str = "") -> list[str]:
        return [entry["Key"] for entry in Lister(self.ask).entries(prefix)]

    def below(self, prefix: str = "") -> list[str]:
        return [key for key in self.keys if key.startswith(prefix)]


letters = st.text(st.sampled_from("ab/0ü\U0010ffff😀"), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(letters, max_size=300), st.sampled_from(["", "a", "a/", "ü"]), st.sampled_from([1, 2, 3]))
def test_any_keys(keys: list[str], prefix: str, page: int) -> None:
    bucket = Bucket(keys, page)
    assert bucket.listed(prefix) == bucket.below(prefix)


SHAPES = {
    "numbered": [f"logs/2026/n{n:06d}.txt" for n in range(3_000)],
    "hexadecimal": [f"{n * 2654435761 % 2**32:08x}" for n in range(3_000)],
    "folders": [f"d{n % 40:02d}/x/{n}" for n in range(3_000)],
    "one long beginning": ["a/very/long/beginning/of/all/keys/" + str(n) for n in range(2_000)],
    "many characters": [chr(0x4E00 + n) + "/x" for n in range(600)],
    "each the beginning of the next": ["k" * n for n in range(1, 400)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_buckets(name: str) -> None:
    bucket = Bucket(SHAPES[name], 10)
    assert bucket.listed() == bucket.below()
    pages = len(bucket.keys) / 10
    assert bucket.asked < 2.5 * pages + 200, bucket.asked


def test_a_small_bucket_costs_no_request_more() -> None:
    bucket = Bucket([f"k{n:03d}" for n in range(80)], 10)
    assert len(bucket.listed()) == 80
    assert bucket.asked == 8


def test_a_server_that_does_not_know_where_to_start() -> None:
    bucket = Bucket(SHAPES["numbered"], 10, obeys=False)
    assert bucket.listed() == bucket.below()


def test_no_more_is_held_than_is_listed_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lister, "AT_ONCE", 3)
    bucket = Bucket(SHAPES["hexadecimal"], 10)
    taken = Lister(bucket.ask).entries("")
    for _ in range(100):
        next(taken)
    assert bucket.asked <= 8 + 40 + 3 * lister.ALONE + 20
    assert isinstance(taken, Generator)
    taken.close()


def test_an_error_ends_the_listing() -> None:
    bucket = Bucket(SHAPES["folders"], 10)

    def ask(**wanted: Any) -> dict[str, Any]:
        if bucket.asked > 60:
            raise ConnectionError("gone")
        return bucket.ask(**wanted)

    with pytest.raises(ConnectionError):
        list(Lister(ask).entries(""))


def test_a_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("NO_PROXY", "*")
    keys = [f"d{n % 7}/ä {n:03d}+%.txt" for n in range(260)]
    with s3_server() as server, fault_proxy(server.port) as proxy:
        server.make("parts", dict.fromkeys(keys, b"x"))
        proxy.page = 5
        found = [ref.key for ref in S3Source("s3://parts", "", AwsConfig(endpoint_url=proxy.url)).crawl()]
        assert found == sorted(keys)
        assert any("start-after" in request.query for request in proxy.requests)
