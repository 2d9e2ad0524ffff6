"""What people say of findings, as rows: states, suppressions, the baseline of a day, and who did what.

A finding keeps its id from run to run, so that what was said of it lasts. Which findings a suppression means is worked
out at the end of each run and after each change; when it ends, it ends in the views at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from piiscan.errors import ConfigError
from piiscan.store.ingest import DuckStore
from piiscan.store.risk import rescored
from piiscan.store.rotation import carry, key_of_print

STATES = ("open", "confirmed", "false_positive", "accepted", "fixed")
_NEWEST = "f.superseded IS NULL"
_HOLDS = "s.removed IS NULL AND (s.expires IS NULL OR s.expires > (now() AT TIME ZONE 'UTC'))"


@dataclass(frozen=True, slots=True)
class Said:
    """Who says something, why, and until when (UTC, naive; None: for good)."""

    owner: str
    reason: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Meant:
    """What a suppression means; all that is given must hold."""

    rule: str | None = None
    """Glob over rules."""
    source: str | None = None
    object: str | None = None
    """Glob over keys, as `--include` takes it."""
    column: str | None = None
    fingerprint: bytes | None = None
    """Of one value: a finding is suppressed when all of its values are."""
    predicate: str | None = None
    """SQL over v_findings."""


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def set_state(store: DuckStore, finding: bytes, state: str, said: Said) -> None:
    """Say what a finding is. Raises: ConfigError for an unknown state, StoreError."""
    if state not in STATES:
        raise ConfigError(f"{state!r} is none of {', '.join(STATES)}")
    now = _now()
    with store.transaction():
        store.query(
            "INSERT INTO triage VALUES (?, ?, ?, ?, ?, ?)",
            [finding, state, said.owner, said.reason, said.expires, now],
        )
        _note(store, now, said, f"state {state}", finding=finding)
        store.query("CREATE OR REPLACE TEMP TABLE touched AS SELECT oid FROM findings WHERE finding = ?", [finding])
        store.query(rescored("touched"))


def suppress(store: DuckStore, meant: Meant, said: Said) -> int:
    """Add a suppression; its number. `apply` works out which findings it means. Raises: StoreError."""
    now, number = _now(), _next(store)
    with store.transaction():
        store.query(
            "INSERT INTO suppressions VALUES (?, ?, ?, ?, ?, ?, ?, false, ?, ?, ?, ?, NULL, ?)",
            [
                number, meant.rule, meant.source, meant.object, meant.column, meant.fingerprint, meant.predicate,
                said.owner, said.reason, said.expires, now,
                key_of_print(store.connection, meant.fingerprint) if meant.fingerprint else None,
            ],
        )  # fmt: skip
        told = {"rule": meant.rule, "source": meant.source, "object": meant.object, "column": meant.column}
        told |= {"fingerprint": meant.fingerprint.hex() if meant.fingerprint else None, "where": meant.predicate}
        _note(store, now, said, "suppress", number=number, meant={k: v for k, v in told.items() if v})
    return number


def baseline(store: DuckStore, said: Said) -> tuple[int, int]:
    """Take all values that are known now for known: its number, and how many values. Raises: StoreError."""
    now, number = _now(), _next(store)
    with store.transaction():
        store.query(
            "INSERT INTO suppressions VALUES (?, NULL, NULL, NULL, NULL, NULL, NULL, true, ?, ?, ?, ?, NULL, NULL)",
            [number, said.owner, said.reason, said.expires, now],
        )
        store.query(
            "INSERT INTO baseline_values SELECT ?, v.oid, v.rule, v.fingerprint FROM value_index v "
            "JOIN objects o ON o.oid = v.oid AND o.run = v.run WHERE o.superseded IS NULL ORDER BY v.oid",
            [number],
        )
        count = int(store.query("SELECT count(*) FROM baseline_values WHERE number = ?", [number])[0][0])
        _note(store, now, said, "baseline", number=number, values=count)
    return number, count


def remove(store: DuckStore, number: int, said: Said) -> None:
    """End a suppression. Raises: ConfigError when there is none of that number, StoreError."""
    if not store.query("SELECT 1 FROM suppressions WHERE number = ? AND removed IS NULL", [number]):
        raise ConfigError(f"there is no suppression {number} (see `piiscan triage ls`)")
    now = _now()
    with store.transaction():
        store.query("UPDATE suppressions SET removed = ? WHERE number = ?", [now, number])
        store.query("DELETE FROM baseline_values WHERE number = ?", [number])
        _note(store, now, said, "remove", number=number)


def predicates(store: DuckStore) -> list[tuple[int, str]]:
    """Number and SQL of the suppressions in force that have a predicate; it is for a locked-down reader to answer."""
    rows = store.query(f"SELECT number, predicate FROM suppressions s WHERE predicate IS NOT NULL AND {_HOLDS}")  # noqa: S608
    return [(int(number), str(sql)) for number, sql in rows]


def apply(
    store: DuckStore, patterns: Sequence[tuple[str, re.Pattern[str]]], answers: Iterable[tuple[int, bytes]]
) -> int:
    """Work out anew which findings of the newest state are suppressed, and score their objects; how many.

    `patterns`: the pattern of each glob over keys; `answers`: the findings that predicates mean, by number.
    Raises: StoreError.
    """
    import pyarrow as pa

    pairs = list(answers)
    globs = {"glob": [glob for glob, _ in patterns], "pattern": [f"(?s:{p.pattern})" for _, p in patterns]}
    said = {
        "number": pa.array([number for number, _ in pairs], pa.int32()),
        "finding": pa.array([finding for _, finding in pairs], pa.binary()),
    }
    typed = {name: pa.array(values, pa.string()) for name, values in globs.items()}
    with store.transaction(), store.lent("globs", typed), store.lent("answers", said):
        carry(store.connection)
        store.query("CREATE OR REPLACE TEMP TABLE before AS SELECT DISTINCT finding FROM suppressed")
        store.query("DELETE FROM suppressed")
        for statement in (_WHOLE, _VALUES):
            store.query(statement)
        store.query(
            "CREATE OR REPLACE TEMP TABLE touched AS SELECT oid FROM findings WHERE superseded IS NULL AND finding IN "
            "(SELECT finding FROM suppressed UNION SELECT finding FROM before)"
        )
        store.query(rescored("touched"))
    return int(store.query("SELECT count(DISTINCT finding) FROM suppressed")[0][0])


_SCOPE = """
    (s.rule IS NULL OR f.rule GLOB s.rule) AND (s.source IS NULL OR o.source = s.source)
    AND (s.object IS NULL OR regexp_full_match(o.key, g.pattern))
    AND (s.column_name IS NULL OR (SELECT coalesce(sum(c.matched), 0) FROM table_columns c WHERE c.oid = f.oid
         AND c.run = f.run AND c.rule = f.rule AND lower(c.column_name) = lower(s.column_name)) >= f.count)
"""
_WHOLE = f"""
INSERT INTO suppressed
SELECT s.number, f.finding
FROM findings f JOIN objects o ON o.oid = f.oid AND o.run = f.run
JOIN suppressions s ON {_HOLDS} AND NOT s.baseline AND s.fingerprint IS NULL
LEFT JOIN globs g ON g.glob = s.object
WHERE {_NEWEST} AND {_SCOPE}
  AND (s.predicate IS NULL OR (s.number, f.finding) IN (SELECT (number, finding) FROM answers))
"""  # noqa: S608 - constants of ours
_VALUES = f"""
INSERT INTO suppressed
WITH wanted AS (
    SELECT s.number, s.rule, s.source, s.object, s.column_name, p.fingerprint FROM suppressions s
    JOIN (SELECT number, fingerprint FROM suppressions UNION SELECT number, fingerprint FROM former_prints) p
         ON p.number = s.number
    WHERE {_HOLDS} AND s.fingerprint IS NOT NULL
),
known AS (
    SELECT v.oid, v.run, v.rule, v.fingerprint, s.number
    FROM value_index v JOIN wanted s ON s.fingerprint = v.fingerprint
    JOIN findings f ON f.oid = v.oid AND f.run = v.run AND f.rule = v.rule AND {_NEWEST}
    JOIN objects o ON o.oid = f.oid AND o.run = f.run LEFT JOIN globs g ON g.glob = s.object
    WHERE {_SCOPE}
    UNION
    SELECT v.oid, v.run, v.rule, v.fingerprint, b.number
    FROM baseline_values b JOIN suppressions s ON s.number = b.number AND {_HOLDS}
    JOIN value_index v ON v.oid = b.oid AND v.rule = b.rule AND v.fingerprint = b.fingerprint
),
sums AS (SELECT oid, run, rule, count(DISTINCT fingerprint) AS known, min(number) AS number FROM known GROUP BY ALL)
SELECT k.number, f.finding
FROM sums k JOIN findings f ON f.oid = k.oid AND f.run = k.run AND f.rule = k.rule
WHERE {_NEWEST} AND f.distinct_exact AND k.known >= f.distinct_values
"""  # noqa: S608 - constants of ours


def proposals(store: DuckStore, least: int) -> list[dict[str, Any]]:
    """Values whose findings were called false positives at least so often: what a suppression could be made of."""
    rows = store.query(
        "SELECT v.rule, lower(hex(v.fingerprint)), count(DISTINCT f.finding), any_value(c.masked) "
        "FROM findings f JOIN v_findings t ON t.finding = lower(hex(f.finding)) AND t.state = 'false_positive' "
        "JOIN value_index v ON v.oid = f.oid AND v.run = f.run AND v.rule = f.rule "
        "LEFT JOIN occurrences c ON c.oid = v.oid AND c.run = v.run AND c.fingerprint = v.fingerprint "
        "WHERE f.superseded IS NULL GROUP BY v.rule, v.fingerprint HAVING count(DISTINCT f.finding) >= ? "
        "ORDER BY 3 DESC, 1, 2",
        [least],
    )
    names = ("rule", "fingerprint", "findings", "masked")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _next(store: DuckStore) -> int:
    return int(store.query("SELECT coalesce(max(number), 0) + 1 FROM suppressions")[0][0])


def _note(
    store: DuckStore, now: datetime, said: Said, action: str, *, finding: bytes | None = None,
    number: int | None = None, **detail: Any,
) -> None:  # fmt: skip
    told = {"reason": said.reason, **({"expires": said.expires.isoformat()} if said.expires else {}), **detail}
    row = [now, said.owner, action, finding, number, json.dumps(told, ensure_ascii=False)]
    store.query("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", row)
