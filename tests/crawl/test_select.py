from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from piiscan.config import Config
from piiscan.crawl.select import Tally, glob, sampled, select
from piiscan.model import ObjectRef

REFS = [ObjectRef("s3://b", f"d{n % 3}/f{n}.{'csv' if n % 2 else 'txt'}", 10 * n) for n in range(10)]


def chosen(**settings: Any) -> tuple[list[str], Tally]:
    tally = Tally()
    return [ref.key for ref, wanted in select(REFS, Config(**settings), tally) if wanted], tally


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"),
    [
        ("*.csv", ["a.csv", "x/y/a.csv"], ["a.csv.gz", "csv"]),
        ("a/*.csv", ["a/b.csv"], ["a/b/c.csv", "x/a/b.csv"]),
        ("**/b.csv", ["b.csv", "x/y/b.csv"], ["xb.csv"]),
        ("a/**", ["a/b", "a/b/c"], ["b/a/c"]),
        ("a/", ["a/b", "a/b/c"], ["b/a/c", "a"]),
        ("f?.txt", ["f1.txt", "x/f1.txt"], ["f12.txt", "f/.txt"]),
        ("[ab].txt", ["a.txt"], ["c.txt"]),
        ("[!ab].txt", ["c.txt"], ["a.txt"]),
        ("a[.txt", ["a[.txt"], ["a.txt"]),
        ("*", ["a", "x/a\nb"], []),
        ("a+b(c).txt", ["a+b(c).txt"], ["aab(c).txt"]),
    ],
)
def test_globs(pattern: str, hits: list[str], misses: list[str]) -> None:
    assert [key for key in hits if not glob(pattern).fullmatch(key)] == []
    assert [key for key in misses if glob(pattern).fullmatch(key)] == []


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"include": ("*.csv",), "exclude": ("d1/**",)}, ["d0/f3.csv", "d2/f5.csv", "d0/f9.csv"]),
        ({"max_object_bytes": 10}, ["d0/f0.txt", "d1/f1.csv"]),
    ],
)
def test_what_is_left_out_is_counted(settings: Mapping[str, Any], keys: list[str]) -> None:
    found, tally = chosen(**settings)
    assert found == keys
    assert (tally.listed, tally.selected, tally.left_out) == (10, len(keys), 10 - len(keys))
    assert not tally.capped


def test_a_cap_ends_the_listing() -> None:
    found, tally = chosen(max_objects=4)
    assert len(found) == 4
    assert (tally.listed, tally.capped) == (4, True)
    found, tally = chosen(max_bytes=60)
    assert tally.bytes <= 60
    assert tally.capped


def test_one_object_larger_than_the_byte_cap_is_still_read() -> None:
    tally = Tally()
    wanted = [w for _, w in select([ObjectRef("s", "k", 1_000)], Config(max_bytes=10), tally)]
    assert wanted == [True]


def test_a_sample_is_the_same_each_time_and_grows_with_its_size() -> None:
    keys = [f"k{n}" for n in range(5_000)]
    small = {k for k in keys if sampled("s3://b", k, 10)}
    large = {k for k in keys if sampled("s3://b", k, 30)}
    assert small < large
    assert 400 < len(small) < 600
    assert all(sampled("s3://b", k, 100) for k in keys)
