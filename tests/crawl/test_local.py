from __future__ import annotations

import os
from pathlib import Path

import pytest

from piiscan.crawl import Target, parse_target
from piiscan.crawl.local import LocalSource
from piiscan.errors import SourceError
from piiscan.scan import covers
from tests.support.trees import plain, write


def test_targets(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("x")
    (tmp_path / "link").symlink_to("f.txt")
    source = f"file://{os.path.realpath(tmp_path)}"
    assert parse_target(str(tmp_path)) == Target(source)
    assert parse_target(f"{tmp_path}/./f.txt") == Target(source, "f.txt", True)
    assert parse_target(str(tmp_path / "link")) == Target(source, "f.txt", True)
    assert parse_target(f"file://{tmp_path}") == Target(source)
    assert parse_target("s3://b/x/y") == Target("s3://b", "x/y")
    assert parse_target("-") == Target("stdin:", "-", True)


@pytest.mark.parametrize("text", ["", "file://", "s3://", "s3:///x", "ftp://host/x", "nowhere", "a\0b", "n" * 5_000])
def test_targets_that_are_none(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        parse_target(text)


def test_a_target_within_another_is_not_read_twice() -> None:
    tree, bucket = Target("file:///t"), Target("s3://b", "logs/")
    assert covers(tree, Target("file:///t", "a.txt", True))
    assert covers(bucket, Target("s3://b", "logs/2024"))
    assert not covers(bucket, Target("s3://b", "other"))
    assert not covers(bucket, Target("s3://c", "logs/2024"))
    assert not covers(Target("file:///t", "a", True), Target("file:///t", "ab", True))
    assert not covers(tree, tree)


def test_the_order_is_that_of_the_bytes_of_the_names(tmp_path: Path) -> None:
    for name in ("b", "a", "B", "é", "z"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(b"")
    assert [r.key for r in LocalSource(f"file://{tmp_path}").crawl()] == ["B", "a", "b", "z", "é", "d/x"]


def test_a_folder_removed_during_the_walk_is_recorded(tmp_path: Path) -> None:
    write(tmp_path, plain(20))
    walk = LocalSource(f"file://{tmp_path}").crawl()
    first = next(walk)
    for path in (tmp_path / "d3").iterdir():
        path.unlink()
    (tmp_path / "d3").rmdir()
    rest = list(walk)
    assert first.key.startswith("d0/")
    assert [r.denied.partition(":")[0] for r in rest if r.key == "d3"] == ["SOURCE_OBJECT_NO_LONGER_AVAILABLE"]


def test_times_before_the_epoch_do_not_stop_a_scan(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"")
    os.utime(tmp_path / "old", (-10_000, -10_000))
    (ref,) = LocalSource(f"file://{tmp_path}").crawl()
    assert ref.modified is not None
