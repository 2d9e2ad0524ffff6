"""Risk in the store: one statement scores the objects of the newest state, from the weights that are in a table.

The formula stands in `docs/risk.md` and, for objects that are not stored, in `piiscan/score.py`; a test keeps both
equal.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from piiscan.errors import ConfigError
from piiscan.score import REASONS

if TYPE_CHECKING:
    from piiscan.store.ingest import DuckStore


def rescored(among: str = "") -> str:
    """The statement that scores all objects of the newest state, or those whose `oid` a table has."""
    only = f" AND oid IN (SELECT oid FROM {among})" if among else ""  # noqa: S608 - a table of ours
    return f"""
UPDATE objects SET sensitivity = s.sensitivity, risk = s.risk, reasons = s.reasons
FROM (
    SELECT o.oid,
           CASE WHEN t.oid IS NULL THEN 0 ELSE greatest(floor(100 * (1 - left_over) + 0.5), 1) END::SMALLINT
               AS sensitivity,
           CASE WHEN t.oid IS NULL THEN 0
                ELSE greatest(floor(100 * (1 - left_over ** (1 + w.weight * coalesce(e.exposure, 0))) + 0.5), 1)
           END::SMALLINT AS risk,
           coalesce(t.reasons, '[]') AS reasons
    FROM (SELECT oid, source FROM objects WHERE superseded IS NULL{only}) o
    LEFT JOIN (
        SELECT oid, exp(sum(ln(1 - points / 100))) AS left_over,
               to_json(list(sentence ORDER BY points DESC, term)[:{REASONS}])::VARCHAR AS reasons
        FROM risk_terms WHERE points > 0{only} GROUP BY oid
    ) t USING (oid)
    LEFT JOIN (SELECT source, max(exposure) AS exposure FROM exposures GROUP BY source) e USING (source)
    CROSS JOIN (SELECT max(weight) AS weight FROM risk_weights WHERE term = 'exposure') w
) s
WHERE objects.oid = s.oid AND objects.superseded IS NULL
"""  # noqa: S608 - constants of ours


def rescore(store: DuckStore) -> int:
    """Score all objects anew, after weights or exposures changed. How many there are. Raises: StoreError."""
    with store.transaction():
        store.query(rescored())
    return int(store.query("SELECT count(*) FROM objects WHERE superseded IS NULL")[0][0])


def set_weight(store: DuckStore, term: str, weight: float) -> None:
    """Change one weight of the formula. Raises: ConfigError for a term that there is not."""
    known = [row[0] for row in store.query("SELECT term FROM risk_weights ORDER BY rowid")]
    if term not in known:
        raise ConfigError(f"{term!r} is none of {', '.join(known)}")
    store.query("UPDATE risk_weights SET weight = ? WHERE term = ?", [weight, term])


def set_sensitivity(store: DuckStore, source: str, sensitivity: int | None, reason: str) -> None:
    """A source's sensitivity by hand; None: by the formula again. Raises: ConfigError for an unknown source."""
    if not store.query("SELECT source FROM v_buckets WHERE source = ?", [source]):
        raise ConfigError(f"{source}: no such source in this database")
    with store.transaction():
        store.query("DELETE FROM sensitivities WHERE source = ?", [source])
        if sensitivity is not None:
            made = datetime.now(UTC).replace(tzinfo=None)
            store.query("INSERT INTO sensitivities VALUES (?, ?, ?, ?)", [source, sensitivity, reason, made])
