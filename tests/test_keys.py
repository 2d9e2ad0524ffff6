"""The fingerprint key: private, found again, and never replaced in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from piiscan.errors import ConfigError
from piiscan.keys import key_for_new_store, key_id, key_of_store, make_key, read_key
from piiscan.store.ingest import DuckStore
from tests.support.cli import Cli


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "piiscan" / "keys"


def made(db: Path, key_file: Path | None = None) -> str:
    """The id of the key of a database that is opened for writing."""
    store = DuckStore(db, key_file=key_file)
    store.close()
    return key_id(store.key)


def test_a_key_is_private_and_named_by_its_id(state: Path, tmp_path: Path) -> None:
    made_id = made(tmp_path / "a.duckdb")
    assert [p.name for p in state.iterdir()] == [f"{made_id}.key"]
    path = state / f"{made_id}.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o077 == 0
    key = read_key(path)
    assert len(key) == 32
    assert key.hex() not in path.name
    assert made(tmp_path / "a.duckdb") == made_id


def test_the_umask_does_not_open_a_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_key(tmp_path / "keys" / "k")
    finally:
        os.umask(before)
    assert (tmp_path / "keys" / "k").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


def test_every_database_has_a_key_of_its_own(state: Path, tmp_path: Path) -> None:
    assert made(tmp_path / "a.duckdb") != made(tmp_path / "b.duckdb")
    assert len(list(state.iterdir())) == 2


def test_a_named_key_file_is_made_once_and_then_used(state: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    first = made(tmp_path / "a.duckdb", path)
    content = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert made(tmp_path / "b.duckdb", path) == first
    assert path.read_bytes() == content
    assert not state.exists()


@pytest.mark.parametrize("named", [False, True], ids=["in-the-state-folder", "by-key-file"])
def test_a_lost_key_is_an_error(state: Path, tmp_path: Path, named: bool) -> None:
    chosen = tmp_path / "mine.key" if named else None
    known = made(tmp_path / "a.duckdb", chosen)
    path = chosen or state / f"{known}.key"
    path.unlink()
    with pytest.raises(ConfigError, match="no such key file; restore it from your backup") as caught:
        made(tmp_path / "a.duckdb", chosen)
    assert str(path) in str(caught.value)
    assert not path.exists(), "a lost key was replaced"


def test_a_wrong_key_is_an_error(state: Path, tmp_path: Path) -> None:
    known = made(tmp_path / "a.duckdb")
    other = tmp_path / "other.key"
    make_key(other)
    with pytest.raises(ConfigError, match=f"not the key of the database \\(it wants {known}\\)"):
        key_of_store(known, other)
    (state / f"{known}.key").write_bytes(other.read_bytes())
    with pytest.raises(ConfigError, match="not the key of the database"):
        made(tmp_path / "a.duckdb")
    assert made(tmp_path / "b.duckdb", other) == key_id(read_key(other))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660], ids=oct)
def test_a_key_that_others_can_read_is_an_error(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "k"
    make_key(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="readable by others; run chmod 600 on it"):
        read_key(path)
    with pytest.raises(ConfigError, match="readable by others"):
        key_for_new_store(path)


@pytest.mark.parametrize(
    "content", [b"", b"00", b"zz" * 32, b"\xff" * 64, b"00" * 33], ids=["empty", "short", "no-hex", "no-ascii", "long"]
)
def test_a_damaged_key_is_an_error_and_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        key_for_new_store(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "k"
    key = make_key(path)
    assert make_key(path) == key
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError):
        key_for_new_store(tmp_path / "link")
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file/k: "):
        make_key(tmp_path / "file" / "k")


def test_the_key_is_in_no_database(state: Path, tmp_path: Path) -> None:
    known = made(tmp_path / "a.duckdb")
    key = read_key(state / f"{known}.key")
    data = (tmp_path / "a.duckdb").read_bytes()
    assert key not in data
    assert key.hex().encode() not in data
    assert known.encode() in data


def test_a_command_without_its_key_ends_with_2(tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path / "work", cache)
    tree = cli.root / "tree"
    tree.mkdir()
    cli.scan(tree)
    (key,) = (cli.root / "state/piiscan/keys").iterdir()
    key.unlink()
    done = cli.run("scan", tree, "--no-ner", "--quiet")
    assert (done.code, len(done.said.splitlines())) == (2, 1)
    assert key.name in done.said
    assert not key.exists()
