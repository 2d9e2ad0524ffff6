"""Words of the OpenDocument format: which elements hold text and where it belongs, paragraphs and cells as texts.

Source: ODF 1.3 part 3, sections 5 (paragraphs), 6 (fields and notes), 9 (tables), 13 (forms), 19.389 (value types).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from piiscan.extract.office import local
from piiscan.extract.office_cells import fixed_point

_APART = frozenset(
    {"note", "annotation", "frame", "custom-shape", "text-box", "rect", "ellipse", "line", "path", "tracked-changes",
     "polygon", "polyline", "circle", "connector", "caption", "g", "control", "ruby-text", "table"}
)  # fmt: skip
"""Elements in a paragraph whose own paragraphs stand apart."""
PARTS = {
    "note": "note",
    "annotation": "comment",
    "header": "header",
    "header-left": "header",
    "header-first": "header",
    "footer": "footer",
    "footer-left": "footer",
    "footer-first": "footer",
    "tracked-changes": "change",
    "deletion": "deleted",
    "previous": "deleted",
    "notes": "notes",
    "master-page": "master",
}
SHAPES = frozenset({"shapes", "frame", "custom-shape", "text-box", "rect", "ellipse", "line", "path", "control"})
SIMPLE = frozenset({"creator", "sender-initials", "title", "desc"})
"""Elements that hold text of their own, outside of paragraphs: signatures of notes and changes, alternative texts."""
FIELDS = {
    "user-field-decl": ("name", "string-value", "value"),
    "variable-decl": ("name",),
    "user-defined": ("name",),
    "option": ("label", "value"),
    "item": ("label",),
    "page": ("name",),
    "listbox": ("current-value",),
    "text": ("current-value", "value"),
    "textarea": ("current-value", "value"),
    "combobox": ("current-value", "value"),
    "named-expression": ("name", "expression"),
    "connection-resource": ("href",),
    "content-validation": ("condition",),
    "help-message": ("title",),
}
"""Attributes that people wrote, by element."""


def attributes(element: Any) -> dict[str, str]:
    """The attributes by their local names."""
    return {key.rpartition("}")[2]: value for key, value in element.items()}


def count(values: Mapping[str, str], name: str) -> int:
    """A repetition; 1 when it is absent or no number."""
    text = values.get(name, "")
    return max(int(text), 1) if text.isdigit() and len(text) < 10 else 1


def cell_text(values: Mapping[str, str], paragraphs: list[str]) -> tuple[str, bool, str]:
    """Text of a cell, whether it was typed as text, and what it shows where that is something else.

    Numbers are those that are stored, as their display may be rounded; dates are ISO.
    """
    kind = values.get("value-type", "")
    shown = "\n".join(paragraphs)
    if kind in ("float", "currency", "percentage"):
        stored = fixed_point(values.get("value", ""))
        digits = re.sub(r"\D", "", stored).strip("0")
        if digits and digits in re.sub(r"\D", "", shown) and kind == "float" and not shown.isdigit():
            # The display has every digit, with the separators that its reader sees.
            return shown, False, ""
        return stored or shown, False, "" if shown in ("", stored) else shown
    if kind == "date":
        stored = values.get("date-value", "").removesuffix("T00:00:00").replace("T", " ")
        return stored or shown, False, "" if shown in ("", stored) else shown
    return shown or values.get("string-value", ""), kind in ("string", ""), ""


def texts(element: Any) -> Iterator[str]:
    """The text of a paragraph, spaces and tabs written out, without what stands apart from it."""
    if element.text:
        yield element.text
    for child in element:
        name = local(child)
        if name == "s":
            yield " " * min(count(attributes(child), "c"), 1000)
        elif name == "tab":
            yield "\t"
        elif name == "line-break":
            yield "\n"
        elif name and name not in _APART:
            yield from texts(child)
        if child.tail:
            yield child.tail
