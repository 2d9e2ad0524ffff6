"""Custom data identifiers: the rule of each, under an id that stays its own from import to import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from piiscan.importing.macie import table_of
from piiscan.importing.macie_config.entries import Entry
from piiscan.importing.regex import Refused
from piiscan.importing.rule import Imported, slug

_EDGE = re.compile(r"\\.|\[\^|\[[^\]]*\]|([\^$])", re.DOTALL)


def stems(entries: Sequence[Entry]) -> dict[int, str]:
    """A name for the file of each entry, by its position.

    Macie lets several have one name, since identifiers cannot be changed once made: the oldest keeps the name alone,
    the others have the beginning of Macie's id behind it.
    """
    out: dict[int, str] = {}
    taken: set[str] = set()
    ages = [(str(entry.data.get("createdAt", "")), entry.id, i) for i, entry in enumerate(entries)]
    for _, number, i in sorted(ages):
        name = slug(entries[i].name) or slug(number)[:9] or f"number_{i + 1}"
        if name in taken:
            name = f"{name[:50]}_{slug(number)[:8] or i + 1}"
        taken.add(name)
        out[i] = name
    return out


def rule(entry: Entry, stem: str) -> Imported:
    """The rule `custom.<stem>` that an identifier amounts to. Raises: Refused, naming the key."""
    if entry.data.get("deleted") is True:
        raise Refused("it was deleted in Macie; only jobs of that time use it")
    name = entry.data.get("name")
    # A name without a letter of ASCII makes no id, and need not.
    made = table_of({**entry.data, "name": stem} if isinstance(name, str) and name.strip() else entry.data)
    notes = list(made.notes)
    if any(found[1] for found in _EDGE.finditer(str(entry.data["regex"]))):
        notes.append("^ and $ mean begin and end of a line or cell, not of the file")
    table: dict[str, Any] = {**made.table, "id": f"custom.{stem}", "name": name}
    return replace(made, table=table, notes=tuple(dict.fromkeys(notes)))
