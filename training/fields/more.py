"""Lists of two more collections under the MIT licence: `mimesis`, and `@faker-js/faker` as `faker_js.mjs` writes it.

They are left out of a model that is to be measured on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.fields.sources import Groups, Sources, cleaned

_FEWEST = 6
_MIMESIS = {
    "city": (("address", "city"),),
    "country": (("address", "country"), ("address", "state")),
    "company": (("finance", "company"), ("finance", "banks")),
    "other": (
        ("person", "occupation"), ("person", "university"), ("person", "nationality"), ("person", "language"),
        ("text", "words"), ("text", "color"), ("food", "dishes"), ("food", "drinks"), ("food", "fruits"),
        ("food", "spices"), ("food", "vegetables"), ("datetime", "month"), ("datetime", "day"),
    ),
}  # fmt: skip
_FAKER_JS = {
    "city": (("location", "city_name"), ("location", "county")),
    "country": (("location", "country"), ("location", "state")),
    "other": (
        ("commerce", "department"), ("commerce", "product_name"), ("animal", ""), ("food", ""), ("music", "genre"),
        ("music", "song_name"), ("vehicle", "manufacturer"), ("vehicle", "model"), ("color", "human"), ("word", ""),
        ("book", "title"), ("book", "publisher"), ("book", "series"), ("team", "name"), ("finance", ""),
        ("science", ""), ("person", "job_type"), ("person", "job_area"), ("person", "western_zodiac_sign"),
    ),
}  # fmt: skip


def add(out: Sources, faker_js: Path) -> None:
    """Put what both know into the lists."""
    import mimesis

    base = Path(mimesis.__file__).parent / "datasets"
    for folder in sorted(path for path in base.iterdir() if path.is_dir()):
        tables = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
        _take(out, f"mimesis {folder.name}", tables, _MIMESIS)
        person = tables.get("person", {})
        _people(out, f"{folder.name} mimesis", person.get("names"), person.get("surnames"))
    for name, tables in json.loads(faker_js.read_text()).items():
        if name in ("base", "en_BORK", "en_AU_ocker", "dv", "eo"):
            continue
        _take(out, f"faker-js {name}", tables, _FAKER_JS)
        person = tables.get("person") or {}
        _people(out, f"{name} faker-js", person.get("first_name"), person.get("last_name"))


def _texts(node: Any) -> Iterator[str]:
    """All strings below a node, but the patterns that others are made of."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in ("pattern", "fmt", "code", "symbol"):
                yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif isinstance(node, str):
        yield node


def _people(out: Sources, name: str, first: Any, last: Any) -> None:
    given, family = cleaned(_texts(first)), cleaned(_texts(last))
    if len(given) >= 20 and len(family) >= _FEWEST:
        out.people[name] = given, family


def _take(out: Sources, name: str, tables: dict[str, Any], wanted: dict[str, tuple[tuple[str, str], ...]]) -> None:
    for kind, keys in wanted.items():
        groups: Groups = getattr(out, kind)
        for table, key in keys:
            node = (tables.get(table) or {}) if not key else (tables.get(table) or {}).get(key)
            values = cleaned(_texts(node))
            if len(values) >= _FEWEST:
                groups[f"{name} {table} {key}"] = values
