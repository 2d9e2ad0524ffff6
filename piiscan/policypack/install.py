"""The files of a policy pack on this machine: a folder for each version, and a link to the one in force."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from piiscan import stages
from piiscan.errors import ConfigError
from piiscan.policies import CURRENT, MANIFEST, folder_in_force
from piiscan.policypack.pack import PolicyPack, read_pack

SIGNED = "signed.json"
"""The pack as it was applied, beside its files, so that they can be held against it."""
APPLIED = "applied.json"


@dataclass(frozen=True, slots=True)
class Installed:
    """A pack on this machine."""

    folder: Path
    pack: PolicyPack
    """As it was signed."""
    key: str
    applied: str
    """When, in UTC."""


def write_files(folder: Path, pack: PolicyPack) -> None:
    """Write a pack's files into an empty folder, for their owner alone. Raises: OSError."""
    for name, data in {**{n: t.encode() for n, t in pack.files.items()}, MANIFEST: pack.manifest}.items():
        path = folder / name  # in the folder: `check_name` has seen to it
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, data)


def _write(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def names(base: Path) -> list[str]:
    """The packs that were applied on this machine."""
    there = sorted(base.iterdir()) if base.is_dir() else []
    return [path.name for path in there if os.path.lexists(path / CURRENT)]


def installed(base: Path, name: str) -> Installed | None:
    """A pack on this machine; None when it is not there. Raises: ConfigError when what is there cannot be read."""
    folder = folder_in_force(base, name)
    if folder is None:
        return None
    try:
        told = json.loads((folder / APPLIED).read_bytes())
        pack = read_pack((folder / SIGNED).read_bytes(), str(folder / SIGNED))
        return Installed(folder, pack, str(told["key"]), str(told["applied"]))
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigError(f"{folder}: the record of what was applied cannot be read ({type(err).__name__})") from None


@contextmanager
def one_at_a_time(base: Path) -> Iterator[None]:
    """A block in which nobody else puts packs into this folder. Source: flock(2)."""
    import fcntl

    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(base / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def put(base: Path, pack: PolicyPack, key: str, now: datetime) -> Path:
    """Put a pack in force on this machine: all of it at one moment, by one rename; its folder. Raises: OSError."""
    home = base / pack.name
    home.mkdir(mode=0o700, exist_ok=True)
    for draft in home.glob(".new-*"):  # of a process that died: we are alone
        shutil.rmtree(draft) if draft.is_dir() and not draft.is_symlink() else draft.unlink()
    before = folder_in_force(base, pack.name)
    staged = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    write_files(staged, pack)
    _write(staged / SIGNED, pack.to_bytes())
    _write(staged / APPLIED, json.dumps({"applied": now.isoformat(timespec="seconds"), "key": key}).encode())
    stages.reached("policy")
    number = sum(1 for _ in home.iterdir())
    while (folder := home / f"{pack.version}-{pack.digest[:12]}-{number}").exists():
        number += 1
    os.rename(staged, folder)
    link = home / f".new-{CURRENT}"
    os.symlink(folder.name, link)
    stages.reached("policy")
    os.replace(link, home / CURRENT)
    stages.reached("policy")
    kept = {folder.name, before.name if before else ""}  # a scan that has begun may still read the one before
    for other in home.iterdir():
        if other.is_dir() and not other.is_symlink() and other.name not in kept:
            shutil.rmtree(other)
    return folder
