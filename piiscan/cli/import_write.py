"""Files of an import: written anew as long as nobody changed them by hand, which `imported.json` beside them tells."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from piiscan.cli.rules_import import try_out
from piiscan.errors import ConfigError, PiiscanError
from piiscan.importing.regex import Refused
from piiscan.importing.rule import Imported, as_toml

MANIFEST = "imported.json"


class Folder:
    """A folder of imported files. `dry`: nothing is written; `replace`: what was changed by hand is written anew."""

    def __init__(self, root: Path, *, dry: bool = False, replace: bool = False) -> None:
        """Raises: ConfigError when the folder's record of what was written cannot be read."""
        self.root = root
        self._dry, self._replace = dry, replace
        self._written: dict[str, str] = {}
        path = root / MANIFEST
        try:
            told = json.loads(path.read_text("utf-8")) if path.exists() else {}
            self._written = {str(name): str(digest) for name, digest in told.get("files", {}).items()}
        except (OSError, ValueError, AttributeError):
            raise ConfigError(f"{path}: cannot be read; move it away to write all files anew with --replace") from None

    def path(self, name: str) -> Path:
        """Where a file of the folder is, whole."""
        return (self.root / name).absolute()

    def same(self, name: str, data: bytes) -> bool:
        """Whether a file is there with this content."""
        path = self.root / name
        return path.is_file() and path.read_bytes() == data

    def put(self, name: str, data: bytes, *, private: bool = False) -> str:
        """Write a file; `new`, `updated` or `unchanged`. Raises: Refused when it is not for an import to change."""
        path, digest = self.root / name, hashlib.blake2b(data, digest_size=16).hexdigest()
        there = path.read_bytes() if path.is_file() else None
        before = self._written.get(name)
        state = "new" if there is None else "unchanged" if there == data else "updated"
        if not self._replace and state != "unchanged":
            if there is None and before is not None:
                raise Refused(f"{name} was removed by hand (--replace brings it back)")
            if there is not None and before != hashlib.blake2b(there, digest_size=16).hexdigest():
                how = "was there already" if before is None else "was changed by hand"
                raise Refused(f"{name} {how} (--replace overwrites it)")
        if not self._dry:
            if state != "unchanged":
                _write(path, data, private)
            self._written[name] = digest
        return state

    def close(self) -> None:
        """Write down what was written."""
        if not self._dry and self._written:
            text = json.dumps({"by": "piiscan import macie", "files": dict(sorted(self._written.items()))}, indent=1)
            _write(self.root / MANIFEST, text.encode() + b"\n", private=False)


def _write(path: Path, data: bytes, private: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600 if private else 0o666)) as stream:
        stream.write(data)
    os.replace(draft, path)


def put_rule(folder: Folder, rule: Imported) -> tuple[str, str]:
    """The file of a rule that the catalogue and the engine take: its name, and its state. Raises: Refused."""
    from piiscan.catalogue import load_rule
    from piiscan.classify.stack import Stack

    group, _, stem = rule.table["id"].partition(".")
    name = f"rules/{group}/{stem}.toml"
    data = as_toml(rule.table, ["Written by `piiscan import macie`.", *rule.notes]).encode()
    if not folder.same(name, data):
        with tempfile.TemporaryDirectory(prefix="piiscan-import-") as draft:
            made = Path(draft) / group / f"{stem}.toml"
            made.parent.mkdir()
            made.write_bytes(data)
            try:
                try_out(Stack([load_rule(made)], cache=False))
            except PiiscanError as err:
                raise Refused(str(err).removeprefix(f"{made}: ")) from None
    return name, folder.put(name, data)


def put_list(folder: Folder, stem: str, toml: str, words: bytes | None) -> tuple[tuple[str, ...], str]:
    """The file of an allow list, and that of its words, which stands first; their state. Raises: Refused."""
    from piiscan.allow import load_allow

    files = {f"allow/{stem}.txt": words} if words is not None else {}
    files[f"allow/{stem}.toml"] = f"# Written by `piiscan import macie`.\n\n{toml}".encode()
    with tempfile.TemporaryDirectory(prefix="piiscan-import-") as draft:
        for name, data in files.items():
            (Path(draft) / Path(name).name).write_bytes(data or b"")
        try:
            load_allow([str(Path(draft) / f"{stem}.toml")])
        except ConfigError as err:
            raise Refused(str(err).replace(f"{draft}{os.sep}", "")) from None
    states = [folder.put(name, data or b"", private=True) for name, data in files.items()]
    return tuple(files), worst(states)


def put_pack(folder: Folder, stem: str, summary: str, rules: Sequence[str]) -> str:
    """The file of a pack; its state. Raises: Refused."""
    lines = ["# Written by `piiscan import macie`.", "", f'name    = "{stem}"', f"summary = {_text(summary)}"]
    lines += ["rules   = [", *(f'    "{rule}",' for rule in rules), "]"]
    return folder.put(f"packs/{stem}.toml", ("\n".join(lines) + "\n").encode())


def worst(states: Sequence[str]) -> str:
    """The state of several things: the one that tells most."""
    return next((state for state in ("updated", "new") if state in states), "unchanged")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")
