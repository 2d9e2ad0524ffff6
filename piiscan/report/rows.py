"""What every format shows: findings with their occurrences, streamed out of the store in a stable order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

SEVERITY = ("", "low", "medium", "high", "critical")

_FINDINGS = """
SELECT lower(hex(f.finding)), o.key, o.source, o.media_type, f.rule, coalesce(r.name, f.rule), r.macie, f.category,
       f.severity, f.confidence, f.count, f.distinct_values, f.test_data, f.distinct_exact, f.oid, f.run
FROM findings f JOIN objects o ON o.oid = f.oid AND o.run = f.run LEFT JOIN rules r ON r.rule = f.rule
WHERE {which} ORDER BY o.source, o.key, f.rule
"""
_OCCURRENCES = """
SELECT lower(hex(c.finding)), c.char_start, c.char_length, c.place, c.masked, c.confidence
FROM occurrences c JOIN objects o ON o.oid = c.oid AND o.run = c.run
WHERE {which} ORDER BY o.source, o.key, c.rule, c.seq
"""
BATCH = 2_000


def findings(con: Any, run: int | None = None) -> Iterator[dict[str, Any]]:
    """Findings of the newest state, or of what one run examined, as the JSON lines of CONTRACT (key order included)."""
    newest, one = ("f.superseded IS NULL", "o.superseded IS NULL"), ("f.run = $run", "o.run = $run")
    which = newest if run is None else one
    parameters = {} if run is None else {"run": run}
    # Two cursors: an open result owns its connection.
    heads = _rows(con.cursor(), _FINDINGS.format(which=which[0]), parameters)
    places = _rows(con.cursor(), _OCCURRENCES.format(which=which[1]), parameters)
    waiting = next(places, None)
    for row in heads:
        occurrences = []
        while waiting is not None and waiting[0] == row[0]:
            occurrences.append(_occurrence(waiting))
            waiting = next(places, None)
        found = {
            "finding": row[0],
            "object": row[1],
            "source": row[2],
            "media_type": row[3],
            "rule": row[4],
            "name": row[5],
            "macie": row[6],
            "category": row[7],
            "severity": SEVERITY[row[8]],
            "confidence": round(row[9], 4),
            "count": row[10],
            "distinct": row[11],
            "test_data": row[12],
            "occurrences": occurrences,
        }
        if not row[13]:
            found["distinct_exact"] = False
        yield found


def _rows(cursor: Any, sql: str, parameters: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    cursor.execute(sql, parameters) if parameters else cursor.execute(sql)
    while rows := cursor.fetchmany(BATCH):
        yield from rows


def _occurrence(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "offset": row[1],
        "length": row[2],
        "place": json.loads(row[3]),
        "masked": row[4],
        "confidence": round(row[5], 4),
    }


def describe(place: dict[str, Any]) -> str:
    """A place in a few words: `line 3, column 7`, `sheet Staff, cell B4`.

    >>> describe({"line": 3, "column": 7, "member": ["a.zip", "b.txt"]})
    'a.zip!/b.txt, line 3, column 7'
    """
    parts: list[str] = []
    for key, value in place.items():
        if key == "member":
            parts.insert(0, "!/".join(value))
        else:
            parts.append(f"{key.replace('_', ' ')} {value}")
    return ", ".join(parts)
