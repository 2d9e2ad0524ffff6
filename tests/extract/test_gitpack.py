from __future__ import annotations

import random
from pathlib import Path

import pytest

from fixtures.writers.git import Repository
from piiscan.engine.sandbox import ParserChild, available
from piiscan.errors import LimitReached, ObjectError, UnsupportedFormat
from piiscan.extract import Job, Limits
from tests.extract.make import IBAN, MAIL, SSN, docx, extract, paragraph, places_of, text_of
from tests.support.programs import needs

BUNDLE, PACK = "application/x-git-bundle", "application/x-git-pack"
pytestmark = needs("git")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "r").mkdir()
    return Repository(tmp_path / "r")


def test_blobs_with_commit_and_path(repository: Repository) -> None:
    one = repository.commit("first", a=f"x\n{SSN}\n".encode(), d__e__b=docx(paragraph(IBAN)))
    two = repository.commit(f"second by {MAIL}", a=b"changed zoe@example.org\n", d__e__b=None, c=f"x\n{SSN}\n".encode())
    repository.git("tag", "-a", "v1", "-m", "tagged max@example.org")
    for data, media_type in ((repository.bundle("--all"), BUNDLE), (repository.pack(), PACK)):
        segments, job = extract(data, media_type)
        assert [(p.member, p.line) for p in places_of(segments, SSN)] == [((f"{one}:a",), 2)]
        assert [(p.member, p.paragraph) for p in places_of(segments, IBAN)] == [((f"{one}:d/e/b",), 1)]
        assert [p.member for p in places_of(segments, "zoe@example.org")] == [(f"{two}:a",)]
        assert [(p.member, p.part) for p in places_of(segments, MAIL)] == [((two,), "commit")]
        assert [p.part for p in places_of(segments, "max@example.org")] == ["tag"]
        assert job.budget.notes == []
    assert [p.part for p in places_of(extract(repository.bundle("--all"), BUNDLE)[0], "refs/tags/v1")] == ["reference"]


def test_an_incremental_bundle(repository: Repository) -> None:
    base = "".join(f"line {n} {n * 7919 % 1000}\n" for n in range(4000))
    one = repository.commit("first", a=base.encode())
    two = repository.commit("second", a=(base + SSN).encode(), b=MAIL.encode())
    segments, job = extract(repository.bundle(f"{one}..master"), BUNDLE)
    assert [p.member for p in places_of(segments, MAIL)] == [(f"{two}:b",)]
    assert [note.partition(":")[0] for note in job.budget.notes] in (["MALFORMED_FILE"], [])


def test_other_hashes_and_odd_names(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    repository = Repository(tmp_path / "r", "--object-format=sha256")
    one = repository.commit("first", **{"ü \n": SSN.encode()})
    segments, job = extract(repository.bundle("--all"), BUNDLE)
    assert [p.member for p in places_of(segments, SSN)] == [(f"{one}:ü \n",)]
    assert job.budget.notes == []


def test_nothing_is_run_or_left(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit("first", a=SSN.encode(), **{".gitattributes": b"* filter=x\n", ".gitmodules": b"[submodule]\n"})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / ".gitconfig").write_text(f"[core]\nhooksPath={hooks}\nfsmonitor=touch {tmp_path}/ran\n")
    data = repository.bundle("--all")
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    segments, _ = extract(data, BUNDLE)
    assert SSN in text_of(segments)
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(not available(), reason="no descriptors can be passed")
def test_in_the_parser_child(repository: Repository, tmp_path: Path) -> None:
    one = repository.commit("first", a=SSN.encode())
    repository.bundle("--all")
    (tmp_path / "scratch").mkdir()
    path = tmp_path / "x.bundle"
    with ParserChild(str(tmp_path / "scratch")) as child, path.open("rb") as file:
        job = Job("x.bundle", BUNDLE, path.stat().st_size)
        job.budget.bytes_in = path.stat().st_size
        segments = list(child.segments(file.fileno(), job, 60.0))
    assert [p.member for p in places_of(segments, SSN)] == [(f"{one}:a",)]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_budgets(repository: Repository) -> None:
    repository.commit("first", **{f"f{n}": str(n).encode() for n in range(30)})
    with pytest.raises(LimitReached):
        extract(repository.bundle("--all"), BUNDLE, limits=Limits(members=20))
    repository.commit("zeros", big=bytes(70 << 20))
    with pytest.raises(LimitReached) as caught:
        extract(repository.bundle("--all"), BUNDLE)
    assert caught.value.reason == "ARCHIVE_EXCEEDS_SIZE_LIMIT"


def test_a_member_that_is_not_read_whole(repository: Repository) -> None:
    # The chain is too deep already, so that the blob is left on git's pipe.
    repository.commit("first", a=b"x" * 500_000, b=SSN.encode())
    _, job = extract(repository.bundle("--all"), BUNDLE, limits=Limits(depth=0))
    assert {note.partition(":")[0] for note in job.budget.notes} == {"ARCHIVE_NESTING_LEVEL_OVER_LIMIT"}


def test_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UnsupportedFormat, match="apt install git"):
        extract(b"PACK\0\0\0\2", PACK)


def test_damage_gives_object_errors_only(repository: Repository) -> None:
    repository.commit("first", a=SSN.encode() * 50, b=b"two " * 500)
    repository.commit("second", a=SSN.encode() * 60)
    whole, rng = repository.bundle("--all"), random.Random(8)
    cut, job = extract(whole[:-60], BUNDLE)
    assert job.budget.notes
    assert "first" in text_of(cut)
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(20, len(data))] = rng.randrange(256)
        try:
            extract(bytes(data), BUNDLE)
        except ObjectError:
            continue
