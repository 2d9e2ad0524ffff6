"""The file of a policy pack: one JSON document in one canonical form, its files as lists of lines.

No archive: nothing is unpacked before it is verified, there are no links, times, modes or compressed sizes to mind, and
a pack that is kept in git shows its changes line by line. One content has one form, so a file that is not what its own
content would be written as is refused. The signatures cover the manifest, which names the digest of each file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NoReturn

from piiscan.errors import ConfigError

FORMAT = 1
MOST_BYTES = 64 << 20
"""Of a pack."""
MOST_FILES = 5_000
MOST_VERSION = 2**31 - 1
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
"""Of a pack; also the name of a folder."""
TOP = ("settings.toml", "jobs.toml", "alerts.toml", "weights.toml")
_PART = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_FILE = re.compile(
    rf"rules/(?:{_PART}/){{1,3}}{_PART}\.(?:toml|json)|packs/{_PART}\.toml|allow/(?:words/)?[A-Za-z0-9][\w.-]{{0,99}}\.txt"
    rf"|allow/[A-Za-z0-9][\w.-]{{0,99}}\.toml|{'|'.join(map(re.escape, TOP))}",
    re.ASCII,
)
_SIGNATURE = {"key": re.compile(r"[0-9a-f]{16}"), "signature": re.compile(r"[0-9a-f]{128}")}
_MANIFEST = {
    "description": str, "expires": str, "files": dict, "format": int, "locked": list, "name": str, "version": int,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PolicyPack:
    """A pack as a file holds it; nothing in it is trusted yet."""

    name: str
    version: int
    description: str
    expires: date
    """The last day on which it can be applied, UTC."""
    locked: tuple[str, ...]
    digests: Mapping[str, str]
    """What the manifest says of each file: BLAKE2b-256 in hexadecimal."""
    files: Mapping[str, str] = field(repr=False)
    """The text of each file; values of allow lists are among it."""
    signatures: Mapping[str, str]
    """Signatures by id of their key, in hexadecimal."""

    @property
    def manifest(self) -> bytes:
        """What is signed, in the one form that it has."""
        manifest = {
            "description": self.description,
            "expires": self.expires.isoformat(),
            "files": dict(self.digests),
            "format": FORMAT,
            "locked": list(self.locked),
            "name": self.name,
            "version": self.version,
        }
        return json.dumps(manifest, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """What names the content of the pack, without its signatures: 64 hexadecimal digits."""
        return hash_of(self.manifest)

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.name} version {self.version}"

    def expired(self, now: datetime) -> bool:
        """Whether its last day is over."""
        return now >= datetime.combine(self.expires, time(), UTC) + timedelta(days=1)

    def check_files(self) -> None:
        """See that the files are those of the manifest. Raises: ConfigError naming the file."""
        for name in sorted(set(self.digests) | set(self.files)):
            if name not in self.files:
                raise ConfigError(f"{self.label}: tampered: {name} is missing")
            if name not in self.digests:
                raise ConfigError(f"{self.label}: tampered: {name} was added")
            if hash_of(self.files[name].encode()) != self.digests[name]:
                raise ConfigError(f"{self.label}: tampered: {name} is not what was signed")

    def to_bytes(self) -> bytes:
        """The file: the same bytes for the same content."""
        document = {
            "files": {name: text.split("\n") for name, text in self.files.items()},
            "manifest": json.loads(self.manifest),
            "signatures": [{"key": key, "signature": self.signatures[key]} for key in sorted(self.signatures)],
        }
        return (json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def hash_of(data: bytes) -> str:
    """64 hexadecimal digits. Source: BLAKE2b, RFC 7693."""
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def check_name(name: str, taken: set[str]) -> None:
    """See that a file has a place in a pack, and is not there under a name that some disks hold for the same.

    Raises: ConfigError.
    """
    if not _FILE.fullmatch(name):
        raise ConfigError(f"{name[:200]!r}: no file of a policy pack has this name (docs/policy-packs.md lists them)")
    if name.casefold() in taken:
        raise ConfigError(f"{name!r}: there twice, but for capitals")
    taken.add(name.casefold())


def read_pack(data: bytes, where: str) -> PolicyPack:
    """The pack of a file's bytes. Raises: ConfigError naming what is wrong with it."""
    try:
        return _read(data)
    except ConfigError as err:
        raise ConfigError(f"{where}: {err}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(f"{where}: no policy pack, or a damaged one") from None


def _read(data: bytes) -> PolicyPack:
    if len(data) > MOST_BYTES:
        raise ConfigError(f"a policy pack has at most {MOST_BYTES >> 20} MB")
    document = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_none, parse_float=_none)
    manifest = document["manifest"]
    if isinstance(manifest["format"], int) and manifest["format"] != FORMAT:
        raise ConfigError(f"it is of format {manifest['format']}, and this piiscan reads format {FORMAT}")
    texts = [*manifest["locked"], *manifest["files"].values()]
    if {key: type(value) for key, value in manifest.items()} != _MANIFEST or {type(text) for text in texts} - {str}:
        raise ValueError
    signatures = {}
    for entry in document["signatures"]:
        if set(entry) != set(_SIGNATURE) or not all(_SIGNATURE[key].fullmatch(entry[key]) for key in entry):
            raise ValueError
        signatures[entry["key"]] = entry["signature"]
    pack = PolicyPack(
        checked_name(manifest["name"]),
        checked_version(manifest["version"]),
        manifest["description"],
        date.fromisoformat(manifest["expires"]),
        tuple(manifest["locked"]),
        manifest["files"],
        {name: "\n".join(lines) for name, lines in document["files"].items()},
        signatures,
    )
    taken: set[str] = set()
    if len(pack.files) > MOST_FILES:
        raise ConfigError(f"a policy pack has at most {MOST_FILES} files")
    for name in pack.files:
        check_name(name, taken)
    if pack.to_bytes() != data:  # also another key, another order, a space
        raise ConfigError("tampered: it is not in the form in which `piiscan policy pack build` writes")
    return pack


def checked_name(name: str) -> str:
    """A pack's name. Raises: ConfigError."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name[:80]!r} is no name: lower-case letters, digits and `-`, 63 at most")
    return name


def checked_version(version: int) -> int:
    """A pack's version. Raises: ConfigError."""
    if not 1 <= version <= MOST_VERSION:
        raise ConfigError(f"{version} is no version: a whole number from 1 that grows")
    return version


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ConfigError("tampered: a name stands in it twice")
    return found


def _none(text: str) -> NoReturn:
    raise ValueError
