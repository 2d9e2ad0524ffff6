"""`piiscan rules show ID`: what a rule finds, where that is described, and how well it does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from piiscan.cli.options import Rules

if TYPE_CHECKING:
    from piiscan.model import Rule

_WAYS = {
    "bare": "alone",
    "prose": "in a sentence",
    "ctx": "after a keyword",
    "doc": "in a letter",
    "csv": "in a column",
}
"""The variants of the generated corpus (`tools/accuracy.py`), in words."""


def show(rule_id: Annotated[str, typer.Argument(metavar="ID")], rules: Rules = None) -> int:
    """Show what one rule looks for, its sources, and its measured precision and recall."""
    from piiscan.catalogue import default_folder, load_rules, own_rules
    from piiscan.errors import CatalogueError

    folders = [Path(r) for r in rules or ()]
    own = {rule.id for rule in own_rules(folders)}
    for rule in load_rules(None, folders):
        if rule.id == rule_id:
            known = {} if rule.id in own else measured(default_folder())
            print("\n".join([*described(rule), *accuracy(rule.id, known)]))
            return 0
    raise CatalogueError(f"no rule {rule_id!r} (see `piiscan rules list --pack all`)")


def described(rule: Rule) -> list[str]:
    """What the rule's file says, as lines."""
    steps = ", ".join(f"{s.label} from {n}" for n, s in rule.severity)
    out = [
        f"{rule.id}: {rule.name}",
        " ".join(rule.summary.split()),
        "",
        f"category    {rule.category.value}{f'   macie {rule.macie}' if rule.macie else ''}",
        f"severity    {steps}",
        f"pattern     {rule.match.pattern}",
        f"guards      before {rule.match.before or 'anything'}   after {rule.match.after or 'anything'}",
    ]
    if rule.match.anchors:
        out.append(f"anchors     {', '.join(rule.match.anchors)}")
    if rule.checksum is not None:
        out.append(f"checksum    {rule.checksum.kind}{'' if rule.checksum.required else ' (raises confidence)'}")
    if rule.context.keywords:
        need = "required" if rule.context.required else "raise confidence"
        out.append(f"keywords    {', '.join(rule.context.keywords)} ({need}, within {rule.context.window})")
    if rule.context.columns:
        out.append(f"columns     {', '.join(rule.context.columns)}")
    c = rule.confidence
    out.append(f"confidence  match {c.match}, checksum {c.checksum}, context {c.context}, column {c.column}")
    out.append(f"tags        {', '.join(rule.tags) or 'none'}")
    return out + [f"source      {r}" for r in rule.references]


def measured(folder: Path) -> Mapping[str, Any]:
    """The figures that came with a catalogue; empty when there are none or they cannot be read."""
    try:
        found = json.loads((folder / "measured.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def accuracy(rule: str, known: Mapping[str, Any]) -> list[str]:
    """Recall by the way in which a value stands, precision, and on what both were measured, as lines."""
    row = known.get("rules", {}).get(rule)
    if not row:
        return ["measured    not measured"]
    ways = [name for name in (*_WAYS, *sorted(set(row["recall"]) - set(_WAYS))) if name in row["recall"]]
    shares = [f"{_WAYS.get(name, name)} {row['recall'][name][0]} of {row['recall'][name][1]}" for name in ways]
    precision = "not measured" if row["precision"] is None else f"{row['precision']:.1%}"
    return [
        f"recall      {', '.join(shares) or 'not measured'}",
        f"precision   {precision}",
        f"measured    on {known['cases']:,} generated cases of all rules, see docs/accuracy.md",
    ]
