"""The file of a set: a header that says what it is, two encrypted sieves, and the keyed hashes with their rows.

    magic (16 bytes), size of the header (4), header (JSON), its keyed checksum (16), then little-endian arrays, each at
    a multiple of 64: sieve, sieve of prefixes (64-bit words, encrypted), hashes (64-bit, ascending), row tags (32-bit,
    ascending within one hash), columns (8-bit)

The arrays of hashes are mapped, so that all workers share their pages. What the header tells in clear: the names of the
set and its columns, how many values of which length each kind has. No value, and nothing that a value can be tried on.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.errors import ConfigError
from piiscan.exact.keyed import MAC_BYTES, U64, Keyed
from piiscan.keys import key_id

MAGIC = b"piiscan exact 1\n"
_ALIGN = 64
_MOST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table that a set was made of."""

    name: str
    stem: str
    """The last part of its rule's id."""
    evidence: bool = False
    """It counts beside another field of its row only."""
    email: bool = False
    """Most of its values are addresses of mail."""
    values: int = 0
    """Different values kept."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a set without its key."""

    name: str
    salt: str
    key: str
    """The id of the key; see `piiscan.keys`."""
    severity: str
    columns: tuple[Column, ...]
    entries: int
    sieve: int
    prefixes: int
    """Words of the two sieves."""
    rows: int
    emails: int = 0
    """Addresses of mail to look for."""
    digits: dict[str, int] = field(default_factory=dict)
    """Numbers to look for, by their count of digits."""
    lengths: tuple[int, ...] = ()
    """Letters and digits of the other values."""
    prefix: int = 0
    """Characters by which a word is known as one that may begin such a value."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """The content of a set."""

    sieve: U64
    prefixes: U64
    hashes: U64
    rows: npt.NDArray[np.uint32]
    columns: npt.NDArray[np.uint8]


def write_set(path: Path, header: Header, arrays: Arrays, keyed: Keyed) -> None:
    """Write a set, mode 0600, whole or not at all. Raises: ConfigError."""
    text = json.dumps(asdict(header), ensure_ascii=True).encode()
    head = MAGIC + len(text).to_bytes(4, "little") + text + keyed.mac(text)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(head)
                sieves = (_enciphered(arrays.sieve, keyed, "sieve"), _enciphered(arrays.prefixes, keyed, "prefixes"))
                for array in (*sieves, arrays.hashes, arrays.rows, arrays.columns):
                    out.write(bytes(-out.tell() % _ALIGN))
                    out.write(np.ascontiguousarray(array).data)
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as err:
        raise ConfigError(f"{path}: the set could not be written ({err.strerror})") from None


def _enciphered(words: U64, keyed: Keyed, purpose: str) -> U64:
    """Words with the key's stream laid over them, or taken off."""
    found: U64 = words ^ np.frombuffer(keyed.stream(purpose, 8 * len(words)), "<u8")
    return found


def read_header(path: Path) -> Header:
    """What a set says of itself; that it says the truth is known when it is opened. Raises: ConfigError."""
    return _header(path)[0]


def _header(path: Path) -> tuple[Header, bytes, bytes]:
    """Header, its bytes, its checksum. Raises: ConfigError."""
    try:
        with path.open("rb") as stream:
            if os.name == "posix" and os.fstat(stream.fileno()).st_mode & 0o077:
                raise ConfigError(f"{path}: readable by others; run chmod 600 on it")
            if stream.read(len(MAGIC)) != MAGIC:
                raise ConfigError(f"{path}: not a set of exact values; make one with: piiscan rules exact")
            size = int.from_bytes(stream.read(4), "little")
            text = stream.read(min(size, _MOST_HEADER))
            mac = stream.read(MAC_BYTES)
    except OSError as err:
        raise ConfigError(f"{path}: the set cannot be read ({err.strerror})") from None
    try:
        return _parsed(json.loads(text)), text, mac
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConfigError(f"{path}: the set is damaged or of a newer version; make it again") from None


def _parsed(data: dict[str, Any]) -> Header:
    columns = tuple(Column(**column) for column in data["columns"])
    header = Header(**{**data, "columns": columns, "lengths": tuple(data["lengths"])})
    whole = [f.name for f in fields(Header) if f.type == "int"]
    if not columns or any(not isinstance(getattr(header, name), int) or getattr(header, name) < 0 for name in whole):
        raise ValueError
    bytes.fromhex(header.salt)
    return header


def open_set(path: Path, key: bytes) -> tuple[Header, Arrays, Keyed]:
    """A set, with its sieves in clear and its hashes mapped. Raises: ConfigError for a wrong key or a damaged file."""
    header, text, mac = _header(path)
    if key_id(key) != header.key:
        raise ConfigError(f"{path}: this is not the key that the set was made with (it wants {header.key})")
    keyed = Keyed(key, bytes.fromhex(header.salt))
    if keyed.mac(text) != mac:
        raise ConfigError(f"{path}: the header was changed or is damaged; make the set again")
    n = header.entries
    kinds = (("<u8", header.sieve), ("<u8", header.prefixes), ("<u8", n), ("<u4", n), ("u1", n))
    found: list[npt.NDArray[Any]] = []
    at = len(MAGIC) + 4 + len(text) + MAC_BYTES
    size = path.stat().st_size
    for kind, count in kinds:
        at += -at % _ALIGN
        if at + np.dtype(kind).itemsize * count > size:
            raise ConfigError(f"{path}: the set is cut short; make it again")
        found.append(np.memmap(path, kind, "r", at, (count,)) if count else np.empty(0, kind))
        at += np.dtype(kind).itemsize * count
    sieve, prefixes, hashes, rows, columns = found
    return (
        header,
        Arrays(
            _enciphered(np.asarray(sieve), keyed, "sieve"),
            _enciphered(np.asarray(prefixes), keyed, "prefixes"),
            np.asarray(hashes),
            np.asarray(rows),
            np.asarray(columns),
        ),
        keyed,
    )
