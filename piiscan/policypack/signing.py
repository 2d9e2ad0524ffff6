"""Ed25519 keys and signatures of policy packs.

Source: RFC 8032, Ed25519 without a context; what is signed begins with a text of ours, so that no signature made for
anything else is one of a pack.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from piiscan.errors import ConfigError
from piiscan.policypack.pack import PolicyPack
from piiscan.references import at_once, is_reference

if TYPE_CHECKING:
    from piiscan.config import AwsConfig

DOMAIN = b"piiscan policy pack, format 1\0"
PUBLIC = "ed25519:"
PRIVATE = "ed25519-private:"
KEY_BYTES = 32


def key_id(public: bytes) -> str:
    """Sixteen hexadecimal digits that name a public key. Source: BLAKE2b, RFC 7693."""
    return hashlib.blake2b(public, digest_size=KEY_BYTES).hexdigest()[:16]


def make_key(path: Path) -> str:
    """Write a new private key, for its owner alone, and its public key to `PATH.pub`; the public key as text.

    Raises: ConfigError when one of the files is there already.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    public = PUBLIC + private.public_key().public_bytes_raw().hex()
    secret = PRIVATE + private.private_bytes_raw().hex()
    texts = {path: (secret, 0o600), path.with_name(path.name + ".pub"): (public, 0o644)}
    for file in texts:
        if file.exists():
            raise ConfigError(f"{file}: is there already; a key is not written over")
    for file, (text, mode) in texts.items():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as stream:
            stream.write(text + "\n")
    return public


def read_public(text: str) -> bytes:
    """The public key of a setting: `ed25519:` and 64 hexadecimal digits, or a file of that. Raises: ConfigError."""
    if text.startswith(PUBLIC):
        return _key(text, PUBLIC, f"{text[:24]}...")
    try:
        return _key(Path(text).read_text("utf-8"), PUBLIC, text)
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{text}: no readable public key ({type(err).__name__})") from None


def read_private(setting: str, aws: AwsConfig | None = None) -> bytes:
    """The private key in a file of its owner's, or behind a reference. Raises: ConfigError; it never tells the key."""
    if is_reference(setting):
        return _key(at_once(setting, "--key", aws), PRIVATE, setting)
    path = Path(setting)
    try:
        status, text = path.stat(), path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path}: no readable private key ({type(err).__name__})") from None
    if os.name == "posix" and status.st_mode & 0o077:
        raise ConfigError(f"{path}: readable by others; run chmod 600 on it")
    return _key(text, PRIVATE, setting)


def _key(text: str, kind: str, where: str) -> bytes:
    digits = text.strip().removeprefix(kind)
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        key = b""
    if not text.strip().startswith(kind) or len(key) != KEY_BYTES:
        raise ConfigError(f"{where}: no key: `{kind}` and {2 * KEY_BYTES} hexadecimal digits are wanted")
    return key


def trusted_keys(settings: Iterable[str]) -> dict[str, bytes]:
    """Public keys by their id. Raises: ConfigError."""
    keys = [read_public(setting) for setting in settings]
    return {key_id(key): key for key in keys}


def sign(pack: PolicyPack, private: bytes) -> PolicyPack:
    """The pack with a signature by this key beside those that it has. Raises: ConfigError when its files are others."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pack.check_files()
    key = Ed25519PrivateKey.from_private_bytes(private)
    signature = key.sign(DOMAIN + pack.manifest).hex()
    return replace(pack, signatures={**pack.signatures, key_id(key.public_key().public_bytes_raw()): signature})


def verify(pack: PolicyPack, trusted: Mapping[str, bytes]) -> str:
    """The id of the trusted key that signed the pack, whose files are then those that were signed.

    Raises: ConfigError: not signed, signed by nobody who is trusted, or tampered with.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not pack.signatures:
        raise ConfigError(f"{pack.label}: it is not signed (piiscan policy pack sign)")
    known = [key for key in pack.signatures if key in trusted]
    if not known:
        signers = ", ".join(sorted(pack.signatures))
        raise ConfigError(f"{pack.label}: its key {signers} is not trusted here (--trust, or `trust` in [policy])")
    for key in known:
        try:
            Ed25519PublicKey.from_public_bytes(trusted[key]).verify(
                bytes.fromhex(pack.signatures[key]), DOMAIN + pack.manifest
            )
        except (InvalidSignature, ValueError):
            raise ConfigError(
                f"{pack.label}: tampered: the signature of key {key} does not hold for its manifest"
            ) from None
    pack.check_files()
    return known[0]
