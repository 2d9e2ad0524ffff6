"""Allow lists from their files. No message quotes what a list holds: entries go by file name and number."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from piiscan import pattern
from piiscan.allow.sieve import NO_LISTS, AllowLists, Entry, matching
from piiscan.errors import ConfigError

MOST_BYTES = 256 << 20
"""Larger files are no lists of values; Macie takes 35 MB."""

_LISTS = ("text", "patterns", "rule", "category", "path", "column", "source")
_KEYS: Mapping[str, Any] = {
    **dict.fromkeys(_LISTS, list),
    "text_file": str,
    "ignore_case": bool,
    "reason": str,
    "expires": date,
}


def load_allow(paths: Sequence[str], today: date | None = None) -> AllowLists:
    """The entries of some lists, as they hold today (UTC).

    Raises: ConfigError naming file, entry and key, for a list that cannot be read or has a mistake.
    """
    if not paths:
        return NO_LISTS
    today = today if today is not None else datetime.now(UTC).date()
    entries: list[Entry] = []
    seen: dict[str, str] = {}
    for path in map(Path, paths):
        if path.name in seen:
            raise ConfigError(f"{path}: the counters go by file name, and {seen[path.name]} has the same; rename one")
        seen[path.name] = str(path)
        entries += _read_toml(path) if path.suffix == ".toml" else [_plain(path)]
    held = tuple(entry for entry in entries if entry.expires is None or entry.expires >= today)
    whole = hashlib.blake2b(digest_size=16)
    for entry in held:
        parts = (
            entry.name, sorted(entry.text), entry.fold, entry.patterns, entry.ignore_case, entry.rules,
            entry.categories, entry.paths, entry.columns, entry.sources,
        )  # fmt: skip
        whole.update(repr(parts).encode("utf-8", "backslashreplace") + b"\n")
    expired = tuple(entry for entry in entries if entry not in held)
    return AllowLists(held, expired, whole.hexdigest())


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path}: an allow list has at most {MOST_BYTES >> 20} MB")
        return path.read_bytes()
    except OSError as err:
        raise ConfigError(f"{path}: the allow list cannot be read ({err.strerror or type(err).__name__})") from None


def _lines(path: Path) -> frozenset[str]:
    """The values of a plain text file, one a line."""
    try:
        text = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the allow list is not UTF-8") from None
    if "\0" in text:
        raise ConfigError(f"{path}: the allow list is no text file")
    values = frozenset(line.strip() for line in text.splitlines()) - {""}
    if not values:
        raise ConfigError(f"{path}: the allow list is empty")
    return values


def _plain(path: Path) -> Entry:
    return Entry(f"{path.name}#1", _folded(_lines(path), True))


def _folded(values: Iterable[str], fold: bool) -> frozenset[str]:
    return frozenset(value.casefold() for value in values) if fold else frozenset(values)


def _read_toml(path: Path) -> list[Entry]:
    try:
        data = tomllib.loads(_bytes(path).decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the allow list is not UTF-8") from None
    except tomllib.TOMLDecodeError as err:
        # The message names line and column, and may quote a character of a value.
        raise ConfigError(f"{path}: the allow list is not valid TOML {_where(err)}") from None
    tables = data.pop("allow", [])
    if data:
        raise ConfigError(f"{path}: unknown key {sorted(data)[0]!r} (a list has [[allow]] entries only)")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{path}: the allow list is empty: [[allow]] entries are wanted")
    return [_entry(path, number, table) for number, table in enumerate(tables, 1)]


def _where(err: tomllib.TOMLDecodeError) -> str:
    text = str(err)
    return text[text.rindex("(at ") :] if "(at " in text else ""


def _entry(path: Path, number: int, table: Mapping[str, Any]) -> Entry:
    def fail(key: str, problem: str) -> ConfigError:
        return ConfigError(f"{path}: allow[{number}].{key}: {problem}")

    for key, value in table.items():
        want = _KEYS.get(key)
        if want is None:
            raise fail(key, f"unknown key (known here: {', '.join(_KEYS)})")
        if not isinstance(value, want) or isinstance(value, datetime):
            raise fail(key, "must be a date, such as 2030-01-31" if want is date else f"must be {want.__name__}")
        if want is list and not (value and all(isinstance(item, str) and item.strip() for item in list(value))):
            raise fail(key, "must be a list of texts, none of them empty")
    if not {"text", "text_file", "patterns"} & set(table):
        raise fail("text", "missing: text, text_file or patterns is wanted")
    texts = frozenset(table.get("text", ()))
    if "text_file" in table:
        texts |= _lines(path.parent / table["text_file"])
    fold = table.get("ignore_case", True)
    ignore_case = table.get("ignore_case", False)
    _check_patterns(table.get("patterns", ()), ignore_case, fail)
    return Entry(
        f"{path.name}#{number}",
        _folded(texts, fold),
        fold,
        tuple(table.get("patterns", ())),
        ignore_case,
        rules=tuple(table.get("rule", ())),
        categories=tuple(table.get("category", ())),
        paths=tuple(table.get("path", ())),
        columns=tuple(table.get("column", ())),
        sources=tuple(table.get("source", ())),
        reason=table.get("reason", ""),
        expires=table.get("expires"),
    )


def _check_patterns(patterns: Sequence[str], ignore_case: bool, fail: Any) -> None:
    """Refuses what the gate for rules refuses. The gate's reasons do not quote a pattern, parser's errors might."""
    for i, text in enumerate(patterns, 1):
        try:
            pattern.check(text)
        except ValueError as err:
            reason = str(err).split(":", 1)[0]
            raise fail("patterns", f"number {i} {reason}") from None
    try:
        if patterns:
            matching(patterns, ignore_case, ["x"])
    except ValueError:  # pyarrow's errors are such
        raise fail("patterns", "too large together") from None
