"""An imported rule as the table of a rule file, and that table as TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from piiscan.importing.parts import Parts

_ORDER = ("severity", "match", "checksum", "context", "confidence")


@dataclass(frozen=True, slots=True)
class Imported:
    """One rule, and what could not be said in it."""

    table: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())


def slug(name: str) -> str:
    """A name as the second part of a rule's id.

    >>> slug("Acme: badge (2024)"), slug("1password-key")
    ('acme_badge_2024', 'n1password_key')
    """
    text = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60].strip("_")
    return "n" + text if text[:1].isdigit() else text


def match_of(parts: Parts, *, led: bool) -> dict[str, Any]:
    """The `[match]` table of a pattern's parts; `led` when a word must stand beside the value."""
    table: dict[str, Any] = {"before": parts.before, "pattern": parts.pattern, "after": parts.after}
    if parts.anchors:
        table["anchors"] = list(parts.anchors)
        if parts.anchor_at != (0, 0):
            table["anchor_at"] = list(parts.anchor_at)
    if parts.ignore_case:
        table["ignore_case"] = True
    if parts.anywhere and not led:
        table["shape"] = "anywhere"
    return {key: value for key, value in table.items() if value != ""}


def as_toml(table: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """The text of a rule file; `comments` stand at its head."""
    lines = [f"# {' '.join(comment.split())}" for comment in comments]
    lines += [f"{key} = {_value(value)}" for key, value in table.items() if key not in _ORDER]
    for name in _ORDER:
        if table.get(name):
            lines += ["", f"[{name}]"]
            lines += [f"{key} = {_value(value)}" for key, value in table[name].items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        shown = [_value(inner) for inner in value]
        short = "[" + ", ".join(shown) + "]"
        return short if len(short) <= 100 else "[\n" + "".join(f"  {inner},\n" for inner in shown) + "]"
    if isinstance(value, str):
        return _string(value)
    return json.dumps(value)


def _string(text: str) -> str:
    """A literal string where TOML can hold the text so, as patterns read best, else one with escapes."""
    if "\\" in text and text.isprintable():
        if "'" not in text:
            return f"'{text}'"
        if "'''" not in text and not text.endswith("'"):
            return f"'''{text}'''"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")
