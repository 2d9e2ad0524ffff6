"""A policy pack out of the folder that people write: `pack.toml`, and the files that the pack carries."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError
from piiscan.policypack.pack import (
    MOST_BYTES,
    MOST_FILES,
    PolicyPack,
    check_name,
    checked_name,
    checked_version,
    hash_of,
)

PACK = "pack.toml"
_KEYS: Mapping[str, type] = {
    "name": str, "version": int, "description": str, "expires": date, "made": date, "valid_days": int, "locked": list,
}  # fmt: skip


def read_source(folder: Path) -> PolicyPack:
    """The pack of a folder, unsigned; nothing but its form is checked. Raises: ConfigError naming file and key.

    Names that begin with a dot and `README.md` are left out. Links, and all that has no place in a pack, are refused.
    """
    table = _head(folder / PACK)
    taken: set[str] = set()
    files: dict[str, str] = {}
    size = 0
    for name, path in _walk(folder, ""):
        check_name(name, taken)
        size += path.stat().st_size
        if size > MOST_BYTES or len(files) >= MOST_FILES:
            raise ConfigError(f"{folder}: a policy pack has at most {MOST_BYTES >> 20} MB and {MOST_FILES} files")
        try:
            files[name] = path.read_bytes().decode()
        except UnicodeDecodeError:
            raise ConfigError(f"{name}: not UTF-8") from None
    return PolicyPack(
        checked_name(table["name"]),
        checked_version(table["version"]),
        table.get("description", ""),
        _expires(table),
        tuple(sorted(set(table.get("locked", ())))),
        {name: hash_of(text.encode()) for name, text in files.items()},
        files,
        {},
    )


def _head(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as err:
        raise ConfigError(f"{path}: no readable pack.toml ({type(err).__name__})") from None
    for key, value in table.items():
        want = _KEYS.get(key)
        if want is None:
            raise ConfigError(f"{path}: unknown key {key!r} (known here: {', '.join(_KEYS)})")
        if not isinstance(value, want) or isinstance(value, bool | datetime):
            raise ConfigError(f"{path}: {key}: {want.__name__} is wanted")
    for key in ("name", "version"):
        if key not in table:
            raise ConfigError(f"{path}: {key}: missing")
    if not all(isinstance(item, str) for item in table.get("locked", ())):
        raise ConfigError(f"{path}: locked: a list of keys is wanted")
    return table


def _expires(table: Mapping[str, Any]) -> date:
    """The last day of a pack. No clock is asked: one folder makes one file."""
    if "expires" in table and not {"made", "valid_days"} & set(table):
        found = table["expires"]
    elif "expires" not in table and {"made", "valid_days"} <= set(table) and 1 <= table["valid_days"] <= 36_500:
        found = table["made"] + timedelta(days=table["valid_days"])
    else:
        raise ConfigError(f"{PACK}: expires: a date is wanted, or `made` (a date) and `valid_days`")
    assert isinstance(found, date)
    return found


def _walk(folder: Path, before: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = before + entry.name
        if entry.name.startswith(".") or name in (PACK, "README.md"):
            continue
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise ConfigError(f"{name!r}: a link, or no plain file: a policy pack has files alone")
        if entry.is_dir():
            yield from _walk(Path(entry.path), f"{name}/")
        else:
            yield name, Path(entry.path)
