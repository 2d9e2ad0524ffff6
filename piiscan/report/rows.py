"""What every format shows: findings with their occurrences, streamed out of the store in a stable order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

SEVERITY = ("", "low", "medium", "high", "critical")

_FINDINGS = """
SELECT lower(hex(f.finding)), o.key, o.source, o.media_type, f.rule, coalesce(r.name, f.rule), r.macie, f.category,
       f.severity, f.confidence, f.count, f.distinct_values, f.test_data, f.distinct_exact{more}
FROM findings f JOIN objects o ON o.oid = f.oid AND o.run = f.run LEFT JOIN rules r ON r.rule = f.rule{joined}
WHERE {which} AND f.oid IN (SELECT unnest($oids::BIGINT[])) ORDER BY o.source, o.key, f.rule
"""
_MORE = (
    "run", "size", "etag", "version", "modified", "outcome", "reason", "bytes_examined", "region", "first_seen",
    "last_seen", "tags", "state", "counted",
)  # fmt: skip
_MORE_COLUMNS = """, f.run, o.size, o.etag, o.version, o.modified, o.outcome, o.reason, o.bytes_examined, b.region,
       f.first_seen, greatest(n.started, coalesce(b.last_listed, n.started)), r.tags, {state}, {counted}"""
_MORE_TABLES = " JOIN runs n ON n.run = f.run LEFT JOIN buckets b ON b.source = o.source{triage}"
_NO_MORE = {"more": "", "joined": ""}
_TRIAGE = {
    "state": "coalesce(t.state, 'open')",
    "counted": "NOT f.test_data AND x.number IS NULL AND coalesce(t.state, '') NOT IN ('false_positive', 'accepted')",
    "triage": """
LEFT JOIN finding_states t ON t.finding = f.finding LEFT JOIN suppressed_now x ON x.finding = f.finding""",
}
_NO_TRIAGE = {"state": "'open'", "counted": "NOT f.test_data", "triage": ""}
_OCCURRENCES = """
SELECT lower(hex(c.finding)), c.char_start, c.char_length, c.place, c.masked, c.confidence
FROM occurrences c JOIN objects o ON o.oid = c.oid AND o.run = c.run
WHERE {which} AND c.oid IN (SELECT unnest($oids::BIGINT[])) ORDER BY o.source, o.key, c.rule, c.seq
"""
_OBJECTS = """
SELECT o.oid, f.places FROM objects o
JOIN (SELECT f.oid, f.run, sum(least(f.count, 1000)) AS places FROM findings f WHERE {which} GROUP BY f.oid, f.run) f
  ON f.oid = o.oid AND f.run = o.run
ORDER BY o.source, o.key
"""
BATCH = 2_000
PLACES = 300_000
"""Places of the objects that are read together, about."""


def findings(con: Any, run: int | None = None, *, more: bool = False) -> Iterator[dict[str, Any]]:
    """Findings of the newest state, or of what one run examined, as the JSON lines of CONTRACT (key order included).

    `more`: each has a further key of that name, with what is known of its object, its run and its rule: `run`, `size`,
    `etag`, `version`, `modified`, `outcome`, `reason`, `bytes_examined`, `region`, `first_seen`, `last_seen` (UTC,
    without a zone), the list `tags`, `state` and `counted`, as in v_findings: false for published samples and what
    people said is no matter.
    """
    newest, one = ("f.superseded IS NULL", "o.superseded IS NULL"), ("f.run = $run", "o.run = $run")
    which = newest if run is None else one
    parameters = {} if run is None else {"run": run}
    said = triage(con) if more else {}
    wanted = {"more": _MORE_COLUMNS.format(**said), "joined": _MORE_TABLES.format(**said)} if more else _NO_MORE
    sql = _FINDINGS.format(which=which[0], **wanted), _OCCURRENCES.format(which=which[1])
    # All places in one order would be a sort of everything, which memory limits: only objects are sorted all together.
    objects = stream(con.cursor(), _OBJECTS.format(which=which[0]), parameters)
    for oids in _together(objects):
        given = {**parameters, "oids": oids}
        # Two cursors: an open result owns its connection.
        yield from _found(stream(con.cursor(), sql[0], given), stream(con.cursor(), sql[1], given), more)


def triage(con: Any) -> dict[str, str]:
    """SQL for what people said of findings `f`: `state`, `counted`, and the tables of `triage`, if there are such."""
    there = "SELECT count(*) FROM duckdb_views() WHERE view_name IN ('finding_states', 'suppressed_now')"
    return _TRIAGE if con.cursor().execute(there).fetchall()[0][0] == 2 else _NO_TRIAGE


def _together(objects: Iterable[tuple[Any, ...]]) -> Iterator[list[int]]:
    """Objects, as many as are read at once."""
    oids: list[int] = []
    places = 0
    for oid, count in objects:
        oids.append(oid)
        places += int(count)
        if places >= PLACES or len(oids) >= PLACES // 20:
            yield oids
            oids, places = [], 0
    if oids:
        yield oids


def _found(heads: Iterator[tuple[Any, ...]], places: Iterator[tuple[Any, ...]], more: bool) -> Iterator[dict[str, Any]]:
    """Findings with their places, which come in the same order."""
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
        if more:
            found["more"] = dict(zip(_MORE, row[14:], strict=True))
            found["more"]["tags"] = json.loads(found["more"]["tags"] or "[]")
        yield found


def stream(cursor: Any, sql: str, parameters: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, `BATCH` of them at a time."""
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
