"""docs/operations.md tells of every metric, as the exposition does."""

from __future__ import annotations

import re
from pathlib import Path

from piiscan.metrics.families import FAMILIES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
_ROW = re.compile(r"^\| `(piiscan_\w+)(?:\{([\w, ]+)\})?` \| ([^|]+) \| (.+) \|$", re.MULTILINE)
UNITS = {
    "_timestamp_seconds": "seconds since 1970",
    "_seconds": "seconds",
    "_bytes": "bytes",
    "_ratio": "0 to 1",
    "_total": "count",
}


def test_the_page_and_the_exposition_are_equal() -> None:
    rows = _ROW.findall(PAGE.read_text("utf-8"))
    assert [(name, labels, text) for name, labels, _, text in rows] == [
        (family.name, ", ".join(family.labels), family.help) for family in FAMILIES
    ]


def test_units_are_those_of_the_names() -> None:
    for name, _, unit, _ in _ROW.findall(PAGE.read_text("utf-8")):
        ending = next((end for end in UNITS if name.endswith(end)), "")
        assert unit == UNITS[ending] if ending else unit in ("count", "code", "0 or 1"), name
