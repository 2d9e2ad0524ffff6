"""Another key for the fingerprints, and what was said of values carried over to their new ones.

A fingerprint cannot be turned into that of another key, so every object counts as not read: before the digest in its
`catalogue` stand the id of the earlier key and a colon. Once it is read again with the same content, the same place
holds the same value, and so tells which new fingerprint belongs to which old one. Until then a suppression is
unverified: it holds for what it held for, and for nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError, StoreError
from piiscan.keys import key_id
from piiscan.references import store_key
from piiscan.store.duck import explain, open_for_writing, unbroken

FORMER = "contains({0}catalogue, ':')"
"""SQL: an object was read under an earlier key."""
KEY_OF = "split_part({0}catalogue, ':', 1)"
_DIGEST = "split_part({0}catalogue, ':', 2)"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a change of the key means."""

    old: str
    """Id of the key until now."""
    new: str
    objects: int
    """To be read again, under whichever earlier key."""
    unverified: int
    """Suppressions, a baseline among them, whose values are still those of an earlier key."""


@unbroken()
def rotate(path: Path, key_file: Path | None, owner: str) -> Rotated:
    """Give a database another key: that of the file, which is made when it is missing, or a fresh one.

    Nobody needs the key until now, which may be lost. Raises: ConfigError, StoreError; nothing is changed then.
    """
    import duckdb

    if not path.exists():
        raise StoreError(f"{path}: no such database; run a scan first")
    con = open_for_writing(path)
    try:
        old = _one(con, "SELECT max(value) FROM meta WHERE name = 'key_id'")
        if old is None:
            raise ConfigError(f"{path}: the database has no key yet; its first scan makes one")
        new = key_id(store_key("", key_file))
        earlier = {old, *(row[0] for row in con.execute("SELECT key_id FROM key_changes").fetchall())}
        if new in earlier:
            raise ConfigError(f"{key_file}: this is a key that the database has, or had; name a new file")
        con.execute("BEGIN")
        try:
            found = _change(con, old, new, owner)
            con.execute("COMMIT")
        except duckdb.Error:
            con.execute("ROLLBACK")
            raise
    except duckdb.Error as err:
        raise explain(err, path) from None
    finally:
        con.close()
    return found


def _change(con: Any, old: str, new: str, owner: str) -> Rotated:
    carry(con)
    con.execute(
        f"UPDATE objects SET catalogue = ? || ':' || catalogue WHERE superseded IS NULL AND NOT {FORMER.format('')}",  # noqa: S608 - ours
        [old],
    )
    con.execute("UPDATE suppressions SET key_id = ? WHERE fingerprint IS NOT NULL AND key_id IS NULL", [old])
    # A run that was broken off is not gone on with: what it read is to be read again, too.
    con.execute(
        "UPDATE runs SET status = CASE status WHEN 'running' THEN 'failed' ELSE status END, identity = identity || ? "
        "WHERE status IN ('running', 'cancelled', 'failed')",
        [f":{old}"],
    )
    con.execute("UPDATE meta SET value = ? WHERE name = 'key_id'", [new])
    objects = int(_one(con, f"SELECT count(*) FROM objects WHERE superseded IS NULL AND {FORMER.format('')}"))  # noqa: S608
    unverified = int(_one(con, "SELECT count(*) FROM v_suppressions WHERE unverified"))
    now = datetime.now(UTC).replace(tzinfo=None)
    con.execute("INSERT INTO key_changes VALUES (?, ?, ?)", [now, old, objects])
    told = json.dumps({"reason": "", "old": old, "new": new, "objects": objects})
    con.execute("INSERT INTO audit VALUES (?, ?, 'rotate key', NULL, NULL, ?)", [now, owner, told])
    return Rotated(old, new, objects, unverified)


_READ_AGAIN = f"""
CREATE OR REPLACE TEMP TABLE read_again AS
SELECT p.oid, p.run AS before, n.run AS after, {_DIGEST.format("p.")} = n.catalogue AS same_rules,
       p.size = n.size AND p.etag = n.etag AND p.version = n.version AS same_content
FROM objects p JOIN objects n ON n.oid = p.oid AND n.run = p.superseded
WHERE p.superseded IS NOT NULL AND {FORMER.format("p.")}
"""  # noqa: S608 - constants of ours
_WANTED = (
    """
    CREATE OR REPLACE TEMP TABLE wanted_prints AS
    SELECT fingerprint FROM suppressions WHERE key_id IS NOT NULL
    UNION SELECT f.fingerprint FROM former_prints f JOIN suppressions s ON s.number = f.number AND s.key_id IS NOT NULL
    UNION SELECT fingerprint FROM baseline_values
    """,
    """
    CREATE OR REPLACE TEMP TABLE wanted_findings AS
    SELECT DISTINCT v.oid, v.rule, r.before, r.after, r.same_rules
    FROM read_again r JOIN value_index v ON v.oid = r.oid AND v.run = r.before
    JOIN wanted_prints w ON w.fingerprint = v.fingerprint
    WHERE r.same_content
    """,
)
# A cell may hold two values, so that a place is not always that of one: with the same rules their order tells them
# apart, with others nothing does, and what is not clear is left out.
_PRINTS = """
CREATE OR REPLACE TEMP TABLE carried_prints AS
SELECT oid, rule, old, any_value(new) AS new
FROM (
    SELECT DISTINCT r.oid, a.rule, a.fingerprint AS old, b.fingerprint AS new
    FROM wanted_findings r JOIN occurrences a ON a.oid = r.oid AND a.run = r.before AND a.rule = r.rule
    JOIN occurrences b ON b.oid = r.oid AND b.run = r.after AND b.rule = a.rule AND b.place = a.place
         AND b.masked = a.masked AND b.char_start IS NOT DISTINCT FROM a.char_start
         AND b.char_length IS NOT DISTINCT FROM a.char_length AND (b.seq = a.seq OR NOT r.same_rules)
)
GROUP BY oid, rule, old HAVING count(*) = 1
QUALIFY count(*) OVER (PARTITION BY oid, rule, any_value(new)) = 1
"""
_SUPPRESSIONS = (
    """
    CREATE OR REPLACE TEMP TABLE moved AS
    SELECT w.number, any_value(w.newest) AS old, any_value(p.new) AS new
    FROM (
        SELECT number, fingerprint, fingerprint AS newest FROM suppressions WHERE key_id IS NOT NULL
        UNION ALL SELECT f.number, f.fingerprint, s.fingerprint FROM former_prints f
        JOIN suppressions s ON s.number = f.number AND s.key_id IS NOT NULL
    ) w JOIN carried_prints p ON p.old = w.fingerprint
    GROUP BY w.number HAVING count(DISTINCT p.new) = 1
    """,
    "INSERT INTO former_prints SELECT number, old FROM moved",
    "UPDATE suppressions s SET fingerprint = m.new, key_id = NULL FROM moved m WHERE m.number = s.number",
)
# Of many values only some have a place that is kept. When the baseline had all of a finding, and the same rules found
# as many in the same content, it has all of them now.
_BASELINE = (
    """
    CREATE OR REPLACE TEMP TABLE whole AS
    SELECT b.number, r.oid, f.rule, r.after
    FROM wanted_findings r JOIN findings f ON f.oid = r.oid AND f.run = r.before AND f.rule = r.rule
    JOIN findings g ON g.oid = r.oid AND g.run = r.after AND g.finding = f.finding
    JOIN value_index v ON v.oid = r.oid AND v.run = r.before AND v.rule = f.rule
    JOIN baseline_values b ON b.oid = v.oid AND b.rule = v.rule AND b.fingerprint = v.fingerprint
    WHERE r.same_rules AND f.distinct_exact AND g.distinct_exact
      AND f.distinct_values = g.distinct_values AND f.count = g.count
    GROUP BY b.number, r.oid, f.rule, r.after, f.distinct_values
    HAVING count(DISTINCT v.fingerprint) = f.distinct_values
    """,
    """
    CREATE OR REPLACE TEMP TABLE fresh AS
    SELECT b.number, b.oid, b.rule, p.new AS fingerprint FROM baseline_values b
    JOIN carried_prints p ON p.oid = b.oid AND p.rule = b.rule AND p.old = b.fingerprint
    UNION
    SELECT w.number, w.oid, w.rule, v.fingerprint FROM whole w
    JOIN value_index v ON v.oid = w.oid AND v.run = w.after AND v.rule = w.rule
    """,
    """
    DELETE FROM baseline_values WHERE (oid, rule, fingerprint) IN (
        SELECT (v.oid, v.rule, v.fingerprint) FROM value_index v JOIN read_again r ON r.oid = v.oid AND r.before = v.run
    )
    """,
    "INSERT INTO baseline_values SELECT number, oid, rule, fingerprint FROM fresh ORDER BY oid",
)
_DONE = (
    f"UPDATE objects SET catalogue = {_DIGEST.format('')} "  # noqa: S608 - constants of ours
    "WHERE (oid, run) IN (SELECT (oid, before) FROM read_again)",
    "DELETE FROM former_prints WHERE NOT EXISTS "  # noqa: S608
    f"(SELECT 1 FROM objects WHERE superseded IS NULL AND {FORMER.format('')})",
)


def carry(con: Any) -> int:
    """Carry what was said of values over to the objects that were read again since the key changed; how many these are.

    Within a transaction of the caller's.
    """
    if not _one(con, "SELECT count(*) FROM key_changes"):
        return 0
    con.execute(_READ_AGAIN)
    count = int(_one(con, "SELECT count(*) FROM read_again"))
    if count:
        for statement in (*_WANTED, _PRINTS, *_SUPPRESSIONS, *_BASELINE):
            con.execute(statement)
    for statement in _DONE:
        con.execute(statement)
    return count


def former_keys(con: Any) -> dict[str, int]:
    """The earlier keys that objects of the newest state were read under, and how many each."""
    rows = con.execute(
        f"SELECT {KEY_OF.format('')}, count(*) FROM objects WHERE superseded IS NULL AND {FORMER.format('')} "  # noqa: S608
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return {key: int(count) for key, count in rows}


def key_of_print(con: Any, fingerprint: bytes) -> str | None:
    """The earlier key that a fingerprint is of, as far as the objects tell; None: of the store's, or of none known."""
    rows = con.execute(
        f"SELECT {KEY_OF.format('o.')} FROM value_index v JOIN objects o ON o.oid = v.oid AND o.run = v.run "  # noqa: S608
        f"WHERE v.head = ? AND v.fingerprint = ? AND o.superseded IS NULL AND {FORMER.format('o.')} LIMIT 1",
        [int.from_bytes(fingerprint[:8], "big"), fingerprint],
    ).fetchall()
    return str(rows[0][0]) if rows else None


def not_looked_in(con: Any, keys: Iterable[str]) -> int:
    """Objects that were read under an earlier key, and under none of these."""
    return sum(count for key, count in former_keys(con).items() if key not in set(keys))


def _one(con: Any, sql: str) -> Any:
    return con.execute(sql).fetchall()[0][0]
