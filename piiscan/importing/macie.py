"""Amazon Macie's custom data identifiers, as `aws macie2 create-custom-data-identifier` takes them in JSON.

Source: Amazon Macie REST API, CustomDataIdentifiers; Amazon Macie User Guide, "Configuration options for custom data
identifiers": keywords any case and before the match, ignore words in their case and anywhere in it, distance from the
end of a keyword to the end of the match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from piiscan.importing.parts import Parts, take_apart
from piiscan.importing.regex import Refused, parse
from piiscan.importing.rule import Imported, match_of, slug

KEYS: Mapping[str, type] = {
    "name": str,
    "description": str,
    "regex": str,
    "keywords": list,
    "ignoreWords": list,
    "maximumMatchDistance": int,
    "severityLevels": list,
}
IGNORED = frozenset({"id", "arn", "createdAt", "deleted", "tags", "clientToken"})
"""What `get-custom-data-identifier` says besides."""
DISTANCE = 50
"""Macie's, where none is given."""

_SEVERITIES = ("low", "medium", "high")


def is_macie(data: object) -> bool:
    """Whether JSON looks like an identifier."""
    return isinstance(data, Mapping) and "regex" in data and "name" in data


def table_of(data: object) -> Imported:
    """The rule that an identifier amounts to, `custom.<name>`. Raises: Refused, naming the key."""
    if not isinstance(data, Mapping):
        raise Refused("a custom data identifier is one JSON object")
    _check(data)
    parts = _parts(data["regex"])
    keywords = list(dict.fromkeys(word.strip().lower() for word in data.get("keywords") or ()))
    table: dict[str, Any] = {
        "id": f"custom.{slug(data['name'])}",
        "name": data["name"],
        "category": "custom",
        "tags": ["macie"],
        "summary": data.get("description") or "",
        "origin": "macie",
        "severity": _severity(data.get("severityLevels") or ()),
        "match": match_of(parts, led=bool(keywords)),
        "confidence": {"match": 0.9, "checksum": 0.9, "context": 0.9, "column": 0.95},
    }
    notes = list(parts.notes)
    if data.get("ignoreWords"):
        table["checksum"] = {"kind": "screened", "words": list(dict.fromkeys(data["ignoreWords"]))}
    if keywords:
        distance = data.get("maximumMatchDistance") or DISTANCE
        table["context"] = {
            "window": distance,
            "distance": distance,
            "keywords": keywords,
            "required": True,
        }
        notes.append("keywords count as whole words")
    return Imported(table, tuple(notes))


def _check(data: Mapping[str, Any]) -> None:
    for key in ("name", "regex"):
        if not data.get(key):
            raise Refused(f"{key}: missing or empty")
    for key, value in data.items():
        if key in IGNORED or value is None:
            continue
        want = KEYS.get(key)
        if want is None:
            raise Refused(f"{key}: unknown key (known here: {', '.join(KEYS)})")
        if not isinstance(value, want) or isinstance(value, bool):
            raise Refused(f"{key}: must be {want.__name__}")
    for key in ("keywords", "ignoreWords"):
        for word in data.get(key) or ():
            if not isinstance(word, str) or not word.strip():
                raise Refused(f"{key}: must be a list of texts, none of them empty")
    if not slug(data["name"]):
        raise Refused("name: has no letter or digit of ASCII to make an id of")
    if data.get("maximumMatchDistance") is not None and not 1 <= data["maximumMatchDistance"] <= 300:
        raise Refused("maximumMatchDistance: must be 1 to 300 characters")


def _parts(regex: str) -> Parts:
    try:
        found = take_apart(parse(regex), whole=True)
    except Refused as err:
        raise Refused(f"regex: {err}") from None
    return found[0]


def _severity(levels: Any) -> dict[str, Any]:
    if not levels:
        return {"steps": {"1": "medium"}}
    steps: dict[str, str] = {}
    for level in levels:
        count = level.get("occurrencesThreshold") if isinstance(level, Mapping) else None
        name = str(level.get("severity", "")).lower() if isinstance(level, Mapping) else ""
        if not isinstance(count, int) or isinstance(count, bool) or count < 1 or name not in _SEVERITIES:
            raise Refused("severityLevels: occurrencesThreshold from 1, and severity LOW, MEDIUM or HIGH are wanted")
        if str(count) in steps:
            raise Refused("severityLevels: names a threshold twice")
        steps[str(count)] = name
    ordered = dict(sorted(steps.items(), key=lambda step: int(step[0])))
    least = int(next(iter(ordered)))
    return {"steps": ordered, **({"least": least} if least > 1 else {})}
