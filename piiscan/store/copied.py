"""Rows of objects whose content was read in another object: what is known of that one under their names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from piiscan.model import ObjectRef
from piiscan.store.ingest import DuckStore
from piiscan.store.risk import rescored


@dataclass(frozen=True, slots=True)
class Copy:
    """An object with the content of another one."""

    ref: ObjectRef
    oid: int
    origin: int
    """The id of the other one."""


@dataclass(frozen=True, slots=True)
class Origin:
    """An object that was read whole, and whose ETag is the MD5 of its content."""

    ref: ObjectRef
    media_type: str


def origins(store: DuckStore, oids: Collection[int], catalogue: str) -> dict[int, Origin]:
    """Those of some objects of the newest state that can vouch for their copies, by id."""
    if not oids:
        return {}
    with store.lent("asked", {"oid": list(oids)}):
        rows = store.query(
            "SELECT oid, source, key, size, etag, version, media_type FROM objects WHERE superseded IS NULL "
            "AND verified AND outcome IN ('scanned', 'partial') AND catalogue = ? AND oid IN (SELECT oid FROM asked)",
            [catalogue],
        )
    return {
        oid: Origin(ObjectRef(source, key, size, etag, version=version), media_type)
        for oid, source, key, size, etag, version, media_type in rows
    }


def rules_found(store: DuckStore, oids: Collection[int]) -> dict[int, list[str]]:
    """The rules that have findings in some objects of the newest state, by object."""
    found: dict[int, list[str]] = {}
    if oids:
        with store.lent("asked", {"oid": list(oids)}):
            rows = store.query(
                "SELECT oid, rule FROM findings WHERE superseded IS NULL AND oid IN (SELECT oid FROM asked)"
            )
        for oid, rule in rows:
            found.setdefault(oid, []).append(rule)
    return found


_BESIDE = (
    ("value_index", "v.fingerprint, c.oid, $run, v.rule, v.count, v.head"),
    ("unread", "c.oid, $run, v.seq, v.reason"),
    ("evidence", "c.oid, $run, v.rule, v.seq, v.said"),
    ("sketches", "c.oid, $run, v.words, v.digits, v.signs, v.contested"),
    ("table_columns", "c.oid, $run, v.member, v.table_name, v.column_name, v.rule, v.cells, v.matched"),
    ("combinations", "c.oid, $run, v.combination, v.units, v.exact"),
)
"""Tables whose rows are those of the origin but for the object."""


def copy_rows(store: DuckStore, run: int, copies: Sequence[Copy], findings: Sequence[tuple[int, str, bytes]]) -> None:
    """Give copies all rows of their origins, in one transaction; `findings` are (object, rule, finding id).

    What was known of them before is of the past.
    """
    import pyarrow as pa

    if not copies:
        return
    columns = {
        "oid": [copy.oid for copy in copies],
        "origin": [copy.origin for copy in copies],
        "source": [copy.ref.source for copy in copies],
        "key": [copy.ref.key for copy in copies],
        "modified": pa.array([copy.ref.modified for copy in copies], pa.timestamp("us", tz="UTC")),
        "version": [copy.ref.version for copy in copies],
    }
    named = {
        "oid": pa.array([oid for oid, _, _ in findings], pa.int64()),
        "rule": pa.array([rule for _, rule, _ in findings], pa.string()),
        "finding": pa.array([finding for _, _, finding in findings], pa.binary()),
    }
    given = {"run": run}
    with store.transaction(), store.lent("copies", columns), store.lent("named", named):
        store.query(
            "CREATE OR REPLACE TEMP TABLE earlier AS SELECT finding, min(first_seen) AS first_seen FROM findings "
            "WHERE superseded IS NULL AND oid IN (SELECT oid FROM copies) GROUP BY finding"
        )
        for table in ("objects", "findings"):
            store.query(
                f"UPDATE {table} SET superseded = $run WHERE superseded IS NULL "  # noqa: S608 - names of ours
                "AND oid IN (SELECT oid FROM copies)",
                given,
            )
        store.query(
            "INSERT INTO objects SELECT c.oid, $run, c.source, c.key, o.media_type, o.size, o.etag, "
            "(c.modified AT TIME ZONE 'UTC')::TIMESTAMP, c.version, o.catalogue, o.outcome, o.reason, "
            "o.bytes_examined, o.names_examined, o.risk, o.reasons, NULL, true, o.sensitivity, o.people FROM copies c "
            "JOIN objects o ON o.oid = c.origin WHERE o.superseded IS NULL ORDER BY c.oid",
            given,
        )
        store.query(
            "INSERT INTO findings SELECT n.finding, c.oid, $run, f.rule, f.category, f.severity, f.confidence, "
            "f.count, f.distinct_values, f.distinct_exact, f.test_data, coalesce(e.first_seen, r.started), NULL "
            "FROM copies c JOIN findings f ON f.oid = c.origin JOIN named n ON n.oid = c.oid AND n.rule = f.rule "
            "JOIN runs r ON r.run = $run LEFT JOIN earlier e ON e.finding = n.finding "
            "WHERE f.superseded IS NULL ORDER BY c.oid",
            given,
        )
        store.query(
            "INSERT INTO occurrences SELECT n.finding, c.oid, $run, v.rule, v.seq, v.char_start, v.char_length, "
            "v.place, v.masked, v.confidence, v.fingerprint FROM copies c JOIN objects o ON o.oid = c.origin "
            "JOIN occurrences v ON v.oid = o.oid AND v.run = o.run JOIN named n ON n.oid = c.oid AND n.rule = v.rule "
            "WHERE o.superseded IS NULL ORDER BY c.oid",
            given,
        )
        for table, rows in _BESIDE:
            store.query(
                f"INSERT INTO {table} SELECT {rows} FROM copies c JOIN objects o ON o.oid = c.origin "  # noqa: S608
                f"JOIN {table} v ON v.oid = o.oid AND v.run = o.run WHERE o.superseded IS NULL ORDER BY c.oid",
                given,
            )
        store.query(rescored("copies"))
