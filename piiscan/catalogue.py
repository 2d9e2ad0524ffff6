"""The rules from their files: where the catalogue is, which of them are chosen, packs, and the digest of a selection.

What one file may say is in `rulefile.py`; the checked files are kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import NewType

from piiscan import countries, pattern, rulefile
from piiscan.errors import CatalogueError
from piiscan.importing import macie
from piiscan.model import Rule, RuleId
from piiscan.rulefile import Table, build, checked, failure, known, read, strings

PackName = NewType("PackName", str)

_SCHEMA = 2
"""Part of the cache's key: raise it when the builder below reads a file differently."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A named list of rules."""

    name: PackName
    summary: str
    rules: tuple[str, ...]
    """Ids or globs over ids."""
    exclude: tuple[str, ...] = ()
    """Ids or globs that `rules` does not reach."""


def default_folder() -> Path:
    """The catalogue that came with the program: inside the package, or beside it in a source tree.

    Raises: CatalogueError when there is neither.
    """
    package = Path(str(resources.files("piiscan")))
    for folder in (package / "_catalogue", package.parent / "classifiers"):
        if folder.is_dir():
            return folder
    raise CatalogueError(f"no rules: neither {package / '_catalogue'} nor classifiers/ beside it (reinstall piiscan)")


def load_rules(folder: Path | None = None, extra: Sequence[Path] = ()) -> tuple[Rule, ...]:
    """All rules below `folder`/rules and of the `extra` files and folders, sorted by id; a later id replaces.

    The anchors of the rules that came with the program are not proven again: `rules check` does that before they ship.
    Raises: CatalogueError naming the file and the key.
    """
    root = folder if folder is not None else default_folder()
    found = _load_cached(sorted((root / "rules").glob("*/*.toml")), proven=folder is None)
    found += own_rules(extra)
    return tuple(sorted({rule.id: rule for rule in found}.values(), key=lambda rule: rule.id))


def own_files(folder: Path) -> list[Path]:
    """The rule files anywhere below a folder of one's own: TOML, and Macie's custom data identifiers as JSON."""
    return sorted([*folder.rglob("*.toml"), *folder.rglob("*.json")])


def own_rules(extra: Sequence[Path]) -> tuple[Rule, ...]:
    """The rules of one's own files and folders alone; that of a later one replaces.

    Raises: CatalogueError naming the file and the key, also for one id twice in a folder.
    """
    rules: dict[RuleId, Rule] = {}
    for path in extra:
        if not path.exists():
            raise CatalogueError(f"{path}: no such rule file or folder")
        found: dict[RuleId, Path] = {}
        files = [path] if path.is_file() else own_files(path)
        for file, rule in zip(files, _load_cached(files), strict=True):
            if rule.id in found:
                raise CatalogueError(f"{file}: id: {rule.id} is the id of {found[rule.id]}, too")
            found[rule.id], rules[rule.id] = file, rule
    return tuple(rules.values())


def load_rule(path: Path) -> Rule:
    """The rule in one file.

    Raises: CatalogueError naming the file and the key.
    """
    return build(checked(path))


def load_pack(name: str, folder: Path | None = None) -> Pack:
    """The pack of that name (a country's two letters too, see `countries.py`), or in that file: `name` ends in `.toml`.

    Raises: CatalogueError when there is none or it is wrong.
    """
    root = folder if folder is not None else default_folder()
    folder_ = root / "packs"
    path = Path(name) if name.endswith(".toml") else folder_ / f"{name}.toml"
    if not path.is_file():
        if own := countries.globs(name, root):
            common = load_pack(countries.COMMON, root)
            return Pack(PackName(name), f"The rules of {name}, and the pack {common.name}.", common.rules + own)
        there = ", ".join(sorted(p.stem for p in folder_.glob("*.toml")))
        of = f"; by country: {' '.join(countries.names(root))}" if countries.names(root) else ""
        raise CatalogueError(f"no pack {name!r} (there are {there}{of})")
    table = read(path)
    fail = failure(path)
    known(table, "pack", fail)
    for key in ("name", "rules"):
        if key not in table:
            raise fail(key, "missing")
    if table["name"] != path.stem:
        raise fail("name", f"must be the file's name, {path.stem!r}")
    return Pack(
        name=PackName(table["name"]),
        summary=table.get("summary", ""),
        rules=strings(table, "rules", fail),
        exclude=strings(table, "exclude", fail),
    )


def select(
    rules: Iterable[Rule], packs: Iterable[Pack], include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[Rule, ...]:
    """The rules that a pack or a name of `include` chooses and none of `exclude` does, sorted by id.

    A name is an id, a glob over ids, `category:NAME` or `tag:NAME`.
    Raises: CatalogueError for a name in a pack or `include` that no rule answers to.
    """
    by_id = {rule.id: rule for rule in rules}

    def answers(rule: RuleId, name: str) -> bool:
        kind, _, wanted = name.partition(":")
        if kind == "category":
            return by_id[rule].category.value == wanted
        return wanted in by_id[rule].tags if kind == "tag" else fnmatchcase(rule, name)

    chosen: set[RuleId] = set()
    for names, without in [(pack.rules, pack.exclude) for pack in packs] + [(tuple(include), ())]:
        for name in names:
            hits = {rule for rule in by_id if answers(rule, name)}
            if not hits:
                raise CatalogueError(f"no rule {name!r} (see `piiscan rules list`)")
            chosen |= {rule for rule in hits if not any(answers(rule, other) for other in without)}
    kept = [rule for rule in chosen if not any(answers(rule, name) for name in exclude)]
    return tuple(by_id[rule] for rule in sorted(kept))


def digest(rules: Iterable[Rule]) -> str:
    """BLAKE2b in hexadecimal over all that decides what the rules find and how it is shown, in any order of rules."""
    whole = hashlib.blake2b(digest_size=16)
    for rule in sorted(rules, key=lambda rule: rule.id):
        parts = (
            rule.id, rule.name, rule.category, rule.severity, rule.match, rule.checksum, rule.context,
            rule.confidence, rule.mask, rule.macie, sorted(rule.test_values), rule.least,
        )  # fmt: skip
        whole.update(repr(parts).encode("utf-8", "backslashreplace") + b"\n")
    return whole.hexdigest()


def _load_cached(paths: Sequence[Path], proven: bool = False) -> list[Rule]:
    """The rules of `paths`; the checked tables come from the user's cache when no file changed since."""
    cache = _cache_file(paths, proven)
    try:
        tables = json.loads(cache.read_bytes())
        return [build(table) for table in tables]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        tables = [checked(path, proven) for path in paths]
    _write_cache(cache, tables)
    return [build(table) for table in tables]


def _cache_file(paths: Sequence[Path], proven: bool) -> Path:
    key = hashlib.blake2b(f"schema {_SCHEMA} {proven}".encode(), digest_size=16)
    readers = sorted(Path(macie.__file__).parent.glob("*.py"))
    for path in (Path(__file__), Path(rulefile.__file__), Path(pattern.__file__), *readers, *paths):
        try:
            found = path.stat()
        except OSError as err:
            raise CatalogueError(f"{path}: {err.strerror}") from err
        key.update(f"\n{path.absolute()}\t{found.st_mtime_ns}\t{found.st_size}".encode("utf-8", "surrogateescape"))
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "piiscan" / f"rules-{key.hexdigest()}.json"


def _write_cache(cache: Path, tables: Sequence[Table]) -> None:
    """Writes the cache by an atomic rename; a cache that cannot be written costs time, not the scan."""
    try:
        cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in sorted(cache.parent.glob("rules-*.json"), key=lambda path: path.stat().st_mtime)[:-8]:
            old.unlink()
        with tempfile.NamedTemporaryFile(
            "w", dir=cache.parent, suffix=".tmp", delete=False, encoding="utf-8"
        ) as stream:
            stream.write(json.dumps(tables))  # at once: `json.dump` takes the slow way
        os.replace(stream.name, cache)
    except (OSError, TypeError):
        return
