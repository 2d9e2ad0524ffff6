"""The store's fingerprint key: made once, kept outside the database, never silently replaced.

The key lies in `$XDG_STATE_HOME/piiscan/keys/<id>.key` (or where `--key-file` says), mode 0600. The database knows its
id, a keyed hash of a fixed text, so that a wrong key is noticed before a row is written.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

from piiscan.errors import ConfigError

KEY_BYTES = 32


def key_id(key: bytes) -> str:
    """Sixteen hexadecimal digits that name a key without telling it.

    Source: keyed BLAKE2b, RFC 7693.
    """
    return hashlib.blake2b(b"piiscan key id", key=key, digest_size=8).hexdigest()


def state_dir() -> Path:
    """`$XDG_STATE_HOME/piiscan`, or `~/.local/state/piiscan`."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "piiscan"


def read_key(path: Path) -> bytes:
    """The key in a file of 64 hexadecimal digits. Raises: ConfigError."""
    try:
        status = path.stat()
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such key file; restore it from your backup") from None
    except (OSError, ValueError) as err:
        raise ConfigError(f"{path}: not a readable key file ({type(err).__name__})") from None
    key = parse_key(text, str(path))
    if os.name == "posix" and status.st_mode & 0o077:
        raise ConfigError(f"{path}: readable by others; run chmod 600 on it")
    return key


def parse_key(text: str, where: str) -> bytes:
    """The key of 64 hexadecimal digits that was read at `where`. Raises: ConfigError."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise ConfigError(f"{where}: not a readable key file (ValueError)") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{where}: a key has {KEY_BYTES} bytes as {2 * KEY_BYTES} hexadecimal digits")
    return key


def read_customer_key(path: Path) -> bytes:
    """The key of objects that are encrypted with one of the customer: a file of its 32 bytes, or of their base64.

    Raises: ConfigError. Source: Amazon S3 User Guide, "Using server-side encryption with customer-provided keys".
    """
    try:
        status = path.stat()
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such key file") from None
    except OSError as err:
        raise ConfigError(f"{path}: not a readable key file ({type(err).__name__})") from None
    key = parse_customer_key(data, str(path))
    if os.name == "posix" and status.st_mode & 0o077:
        raise ConfigError(f"{path}: readable by others; run chmod 600 on it")
    return key


def parse_customer_key(data: bytes, where: str) -> bytes:
    """The customer's key out of its 32 bytes, or their base64, that were read at `where`. Raises: ConfigError."""
    try:
        key = data if len(data) == KEY_BYTES else base64.b64decode(data.strip(), validate=True)
    except ValueError:
        raise ConfigError(f"{where}: not a readable key file (ValueError)") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{where}: a key has {KEY_BYTES} bytes, as they are or in base64")
    return key


def make_key(path: Path) -> bytes:
    """A new random key, written to `path` with mode 0600; the folder is made with 0700. Raises: ConfigError."""
    key = secrets.token_bytes(KEY_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(key.hex() + "\n")
            out.flush()
            os.fsync(out.fileno())
    except FileExistsError:
        return read_key(path)
    except OSError as err:
        raise ConfigError(f"{path}: the key file could not be written ({err.strerror})") from None
    return key


def key_for_new_store(key_file: Path | None) -> bytes:
    """The key for a database that is being made: the named file's (made when missing), else a fresh one by its id."""
    if key_file is not None:
        return read_key(key_file) if key_file.exists() else make_key(key_file)
    folder = state_dir() / "keys"
    draft = folder / f".new-{os.getpid()}.key"
    draft.unlink(missing_ok=True)
    key = make_key(draft)
    os.replace(draft, folder / f"{key_id(key)}.key")
    return key


def key_of_store(expected: str, key_file: Path | None) -> bytes:
    """The key of an existing database. Raises: ConfigError when it is lost or another one."""
    path = key_file if key_file is not None else state_dir() / "keys" / f"{expected}.key"
    key = read_key(path)
    if key_id(key) != expected:
        raise ConfigError(f"{path}: this is not the key of the database (it wants {expected})")
    return key
