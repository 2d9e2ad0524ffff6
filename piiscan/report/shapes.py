"""Places in Macie's four shapes: cells, lines, pages and records.

Source: Amazon Macie API reference, "Occurrences" (GetFindings); AWS Security Hub has the same shapes in other spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

PLACES = 15
"""Places that one finding of Macie lists at the most."""
PATH = 250
"""Characters of a JSON path."""
ELEMENT = 240
"""Characters of one name in it, and here of a column's name."""

_CELL = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_NAME = re.compile(rf"[^.\[\]]{{{ELEMENT + 1},}}")

Shaped = tuple[str, dict[str, Any]]
"""Name of the list, and what stands in it."""


def shape(place: dict[str, Any]) -> Shaped | None:
    """A place in Macie's shape; None when there is none for it, such as for a slide.

    >>> shape({"line": 3, "column": 7})
    ('lineRanges', {'start': 3, 'end': 3, 'startColumn': 7})
    >>> shape({"sheet": "Staff", "cell": "C5", "row": 4})
    ('cells', {'cellReference': 'Staff!C5', 'column': 3, 'row': 5})
    >>> shape({"slide": 2}) is None
    True
    """
    if place.get("page") is not None:
        return "pages", {"pageNumber": place["page"]}
    if place.get("record") is not None or (place.get("path") and place.get("row") is None):
        record = {"jsonPath": json_path(place["path"])} if place.get("path") else {}
        if place.get("record") is not None:
            record["recordIndex"] = place["record"]
        return "records", record
    if cell := _cell(place):
        return "cells", cell
    if place.get("line") is not None:
        lines = {"start": place["line"], "end": place["line"]}
        return "lineRanges", lines | ({"startColumn": place["column"]} if place.get("column") is not None else {})
    return None


def _cell(place: dict[str, Any]) -> dict[str, Any]:
    cell: dict[str, Any] = {}
    found = _CELL.fullmatch(place.get("cell") or "")
    if found:
        number = 0
        for letter in found[1]:
            number = number * 26 + ord(letter) - 64
        sheet = f"{place['sheet'][-ELEMENT:]}!" if place.get("sheet") else ""
        cell = {"cellReference": f"{sheet}{found[1]}{found[2]}", "column": number, "row": int(found[2])}
    elif place.get("row") is not None:
        cell = {"row": place["row"]}
    if (name := place.get("column_name")) and name.strip():
        cell["columnName"] = name[-ELEMENT:]
    return cell


def json_path(path: str) -> str:
    """A JSON path as short as Macie has it: of a long name its end, of a long path its end.

    >>> len(json_path("$." + "a" * 300)), json_path("$.a")
    (242, '$.a')
    """
    short = _NAME.sub(lambda found: found[0][-ELEMENT:], path)
    return short if len(short) <= PATH else short[-PATH:]


def shapes(occurrences: Iterable[dict[str, Any]], most: int = PLACES) -> tuple[list[Shaped], bool]:
    """Of the first places those that have a shape, and whether some are not among them."""
    out: list[Shaped] = []
    for occurrence in occurrences:
        if len(out) == most:
            return out, True
        if (found := shape(occurrence["place"])) is not None:
            out.append(found)
    return out, False


def by_list(shaped: Iterable[Shaped]) -> dict[str, list[dict[str, Any]]]:
    """Shaped places, list by list, in the order of Macie's documentation."""
    out: dict[str, list[dict[str, Any]]] = {}
    for name, place in shaped:
        out.setdefault(name, []).append(place)
    return {name: out[name] for name in ("cells", "lineRanges", "pages", "records") if name in out}


def in_turn(parts: list[list[Shaped]], most: int = PLACES) -> list[list[Shaped]]:
    """Of several lists together at most so many: the first of each, then the second of each, and so on."""
    taken = [0] * len(parts)
    left = most
    while left and any(n < len(part) for n, part in zip(taken, parts, strict=True)):
        for i, part in enumerate(parts):
            if left and taken[i] < len(part):
                taken[i] += 1
                left -= 1
    return [part[:n] for n, part in zip(taken, parts, strict=True)]
