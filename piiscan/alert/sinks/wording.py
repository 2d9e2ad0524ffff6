"""An alert in words and within a size, for people and for services with a limit. Names in it are made printable."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from piiscan.config import SinkConfig
from piiscan.report.escape import encodable
from piiscan.report.names import cut, shown

LEVELS = ("low", "medium", "high", "critical")
NAME, CELL = 150, 200
"""Characters of a name of an alert, and of a value of a row, that are shown."""


def level(alert: dict[str, Any]) -> str:
    """The severity; `high` for one that is none of ours."""
    given = str(alert["severity"]).lower()
    return given if given in LEVELS else "high"


def heading(alert: dict[str, Any], config: SinkConfig) -> str:
    """One line: who speaks, which alert, how bad."""
    return f"{shown(config.title or 'piiscan', NAME)}: {shown(str(alert['alert']), NAME)} ({level(alert)})"


def amount(alert: dict[str, Any]) -> str:
    """One sentence: how many rows of which run."""
    rows = "1 row" if alert["count"] == 1 else f"{alert['count']:,} rows"
    return f"{rows} in run {alert['run']}, {shown(str(alert['at']), 40)}"


def tallies(alert: dict[str, Any], most: int = 10) -> list[tuple[str, int]]:
    """Rows by rule, the most frequent first, for alerts whose SQL selects the column `rule`; else empty."""
    found = Counter(shown(str(row["rule"]), NAME) for row in alert["rows"] if row.get("rule") is not None)
    return found.most_common(most)


def by_rule(alert: dict[str, Any]) -> str:
    """`us.ssn 3, us.itin 1`, and of how many rows that is, when not of all; empty without rules."""
    found = tallies(alert)
    part = f" (of the first {len(alert['rows'])})" if len(alert["rows"]) < alert["count"] else ""
    return ", ".join(f"{rule} {count:,}" for rule, count in found) + part if found else ""


def cells(row: dict[str, Any], most: int = CELL) -> list[tuple[str, str]]:
    """Column and value of a row as they are shown, the first twelve."""
    return [(shown(str(name), 60), shown(_said(value), most)) for name, value in list(row.items())[:12]]


def line(row: dict[str, Any], most: int = 600) -> str:
    """A row on one line: `object: hr/staff.csv, rule: us.ssn`."""
    return cut(", ".join(f"{name}: {value}" for name, value in cells(row)), most)


def rest(alert: dict[str, Any], told: int) -> str:
    """`and 12 more` when not all rows were told; empty otherwise."""
    return f"and {alert['count'] - told:,} more" if alert["count"] > told else ""


def plain_text(alert: dict[str, Any], most: int = 20) -> str:
    """The whole alert as lines of text."""
    rows = alert["rows"][:most]
    told = [f"- {line(row)}" for row in rows]
    rules = by_rule(alert)
    parts = [amount(alert), *([f"By rule: {rules}"] if rules else []), "", *told, rest(alert, len(rows))]
    return "\n".join(parts).rstrip() + "\n"


def document(alert: dict[str, Any]) -> str:
    """The whole alert as one JSON document on one line."""
    return json.dumps(strict(alert), ensure_ascii=False)


def strict(value: Any) -> Any:
    """Plain data that every reader of JSON takes: text is UTF-8, and of numbers that are none `null` is left.

    >>> strict({"a": [float("nan"), 1.5, "x"]})
    {'a': [None, 1.5, 'x']}
    """
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {encodable(str(name)): strict(inner) for name, inner in value.items()}
    return [strict(inner) for inner in value] if isinstance(value, list | tuple) else value


def fitted(alert: dict[str, Any], most: int, *, shape: Any = lambda alert: alert, ascii_only: bool = True) -> str:
    """JSON of at most so many bytes: rows are left out from the end, and `rows_left_out` says how many.

    `shape` makes the document out of the alert. Rows that the message never had are counted by `count` alone.
    """

    def made(rows: int) -> str:
        less = {**alert, "rows": alert["rows"][:rows]}
        if rows < len(alert["rows"]):
            less["rows_left_out"] = len(alert["rows"]) - rows
        return json.dumps(strict(shape(less)), ensure_ascii=ascii_only, separators=(",", ":"))

    fits, short = 0, len(alert["rows"]) + 1
    if len(made(short - 1).encode()) <= most:
        return made(short - 1)
    while short - fits > 1:
        middle = (fits + short) // 2
        if len(made(middle).encode()) <= most:
            fits = middle
        else:
            short = middle
    return made(fits)


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, default=str)
