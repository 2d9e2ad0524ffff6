"""What a match is worth by the stages that hold."""

from __future__ import annotations

from piiscan.model import Rule


def worth(rule: Rule, checksum_holds: bool, keyword: bool, column: bool) -> float:
    """The confidence of a match by the stages that hold; 0 when a required one does not.

    A column name is worth `column`, a keyword `context`; with an optional checksum that fails, both count half way
    between the bare match and themselves.
    """
    scale = rule.confidence
    if rule.context.required and not keyword and not column:
        return 0.0
    context = scale.column if column else scale.context if keyword else None
    if rule.checksum is None or checksum_holds:
        base = scale.match if rule.checksum is None else scale.checksum
        return max(base, context) if context is not None else base
    if rule.checksum.required:
        return 0.0
    return (scale.match + context) / 2 if context is not None else scale.match
