"""gitleaks' rules: the `[[rules]]` of its configuration, one rule of ours for each form of a pattern.

Source: gitleaks, README, "Configuration" (github.com/gitleaks/gitleaks): a finding's secret is the group `secretGroup`,
else the first that captures, else the match; `keywords` must stand somewhere in the text, in any case; `entropy` is of
the secret; an allow list's `stopwords` stand in the secret in any case, its `regexes` in what `regexTarget` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from piiscan.importing.parts import WINDOW, Parts, take_apart
from piiscan.importing.regex import Refused, parse
from piiscan.importing.rule import Imported, match_of, slug
from piiscan.pattern import check_search

FAMILY = "gitleaks"
_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "id": str,
    "description": str,
    "regex": str,
    "path": str,
    "secretGroup": int,
    "entropy": (int, float),
    "keywords": list,
    "tags": list,
    "allowlist": dict,
    "allowlists": list,
    "required": list,
    "skipReport": bool,
}
_ALLOW_KEYS = frozenset(
    {"description", "condition", "commits", "paths", "regexTarget", "regexes", "stopwords", "targetRules"}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one rule of the file."""

    name: str
    rules: tuple[Imported, ...] = ()
    reason: str = ""
    """Why it was refused; empty when it was not."""


@dataclass(slots=True)
class _Screen:
    """What a value must not be, from the rule and its allow lists."""

    bits: float = 0.0
    fillers: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_gitleaks(data: Mapping[str, Any]) -> bool:
    """Whether a TOML file looks like a configuration of gitleaks."""
    rules = data.get("rules")
    return "extend" in data or (isinstance(rules, list) and all(isinstance(rule, Mapping) for rule in rules))


def outcomes(data: Mapping[str, Any]) -> Iterator[Outcome]:
    """What becomes of each rule, in the order of the file."""
    shared = [_table(entry) for entry in _lists(data, "allowlist", "allowlists")]
    for number, rule in enumerate(data.get("rules", ()), 1):
        name = str(rule.get("id") or f"rule {number}")
        try:
            yield Outcome(name, tuple(_rules(rule, shared)))
        except Refused as err:
            yield Outcome(name, reason=str(err))


def remarks(data: Mapping[str, Any]) -> list[str]:
    """What of the file as a whole is not taken over."""
    out = []
    if "extend" in data:
        out.append("[extend] is not followed: import the file that it extends, too")
    paths = sum(len(_table(entry).get("paths", ())) for entry in _lists(data, "allowlist", "allowlists"))
    if paths:
        out.append(f"{paths} paths of the allow list for all rules are dropped: use --exclude")
    return out


def _rules(rule: Mapping[str, Any], shared: Sequence[Mapping[str, Any]]) -> Iterator[Imported]:
    _check(rule)
    if not rule.get("regex"):
        raise Refused("it finds files by their path, and no value in them" if rule.get("path") else "regex: missing")
    name = slug(rule["id"])
    found = take_apart(parse(rule["regex"]), rule.get("secretGroup", 0))
    screen = _screen(rule, shared)
    if rule.get("path"):
        screen.notes.append("path is dropped: it is looked for in all objects")
    if rule.get("required"):
        screen.notes.append("required is dropped: no other rule has to match beside it")
    for number, parts in enumerate(found, 1):
        yield _rule(rule, name if len(found) == 1 else f"{name}_{number}", parts, screen)


def _check(rule: Mapping[str, Any]) -> None:
    for key, value in rule.items():
        want = _KEYS.get(key)
        if want is None:
            raise Refused(f"{key}: unknown key (known here: {', '.join(_KEYS)})")
        if not isinstance(value, want) or (isinstance(value, bool) and want is not bool):
            raise Refused(f"{key}: wrong type")
    if not slug(rule.get("id", "")):
        raise Refused("id: missing, or without a letter or digit of ASCII")
    for key in ("keywords", "tags"):
        if not all(isinstance(word, str) and word.strip() for word in rule.get(key, ())):
            raise Refused(f"{key}: must be a list of texts, none of them empty")


def _lists(table: Mapping[str, Any], *names: str) -> list[Any]:
    found: list[Any] = []
    for name in names:
        value = table.get(name, [])
        found += value if isinstance(value, list) else [value]
    return found


def _table(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping) or set(entry) - _ALLOW_KEYS:
        raise Refused("allowlists: unknown keys")
    return entry


def _screen(rule: Mapping[str, Any], shared: Sequence[Mapping[str, Any]]) -> _Screen:
    """Entropy, stop words and patterns that the value must not hold."""
    screen = _Screen(bits=float(rule.get("entropy", 0.0)))
    own = [_table(entry) for entry in _lists(rule, "allowlist", "allowlists")]
    for entry in (*own, *(e for e in shared if rule["id"] in e.get("targetRules", [rule["id"]]))):
        if entry.get("condition", "OR").upper() in ("AND", "&&"):
            screen.notes.append("an allow list whose conditions must all hold is dropped")
            continue
        mine = entry in own
        if mine:
            screen.notes += [f"{key} of its allow list are dropped" for key in ("paths", "commits") if entry.get(key)]
        screen.fillers += entry.get("stopwords", ())
        if not entry.get("regexes"):
            continue
        if entry.get("regexTarget", "secret") not in ("", "secret"):
            screen.notes.append(f"patterns of an allow list for the {entry['regexTarget']} are dropped")
            continue
        screen.patterns += entry["regexes"]
    screen.fillers = list(dict.fromkeys(screen.fillers))
    screen.patterns = list(dict.fromkeys(screen.patterns))
    try:
        check_search(screen.patterns)
    except ValueError as err:
        raise Refused(f"allowlists.regexes: {err}") from None
    return screen


def _rule(rule: Mapping[str, Any], name: str, parts: Parts, screen: _Screen) -> Imported:
    notes = [*parts.notes, *screen.notes]
    context = _context(rule, parts, notes)
    description = " ".join(str(rule.get("description", "")).split())
    table: dict[str, Any] = {
        "id": f"{FAMILY}.{name}",
        "name": description[:80] if description else rule["id"],
        "category": "credentials",
        "tags": list(dict.fromkeys([FAMILY, *rule.get("tags", ())])),
        "summary": description,
        "origin": FAMILY,
        "severity": {"steps": {"1": "high"}},
        "match": match_of(parts, led=bool(context)),
        "confidence": {"match": 0.7, "checksum": 0.8, "context": 0.85, "column": 0.9},
    }
    limits = {"bits": screen.bits, "fillers": screen.fillers, "patterns": screen.patterns}
    if any(limits.values()):
        table["checksum"] = {"kind": "screened", **{key: value for key, value in limits.items() if value}}
    if context:
        table["context"] = context
    elif parts.anywhere:
        notes.append("no literal stands in every match, so it is looked for everywhere, which is slow")
    return Imported(table, tuple(notes))


def _context(rule: Mapping[str, Any], parts: Parts, notes: list[str]) -> dict[str, Any]:
    if parts.keywords:
        table: dict[str, Any] = {"window": parts.window, "keywords": list(parts.keywords), "required": True}
        return {**table, "gap": parts.gap} if parts.gap else table
    keywords = [word.lower() for word in rule.get("keywords", ())]
    held = parts.anchors and all(any(word in anchor.lower() for word in keywords) for anchor in parts.anchors)
    if not keywords or held or any(parts.holds(word) for word in keywords):
        return {}  # they are a part of the value itself
    notes.append(f"its keywords are looked for within {WINDOW} characters, as whole words, not anywhere in the object")
    return {"window": WINDOW, "keywords": list(dict.fromkeys(keywords)), "required": True}
