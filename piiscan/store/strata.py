"""Strata, their hits and the coverage of buckets: what a run knows before it chooses, and keeps after it has read.

All functions take a connection; those that only ask may be given one that reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from piiscan.sampling.strata import FOLDERS
from piiscan.spool import object_id
from piiscan.store.duck import unbroken
from piiscan.store.known import PASSING

if TYPE_CHECKING:
    from array import array

    from piiscan.model import ObjectRef
    from piiscan.sampling.draw import Drawn

FIRST_SCHEMA = 7
"""The schema that brought the tables of strata."""
_BEFORE = "run < $run AND (superseded IS NULL OR superseded >= $run)"
"""Rows of `objects` as they were when a run began."""
_READ = "outcome IN ('scanned', 'partial')"


def unchanged(con: Any, refs: Sequence[ObjectRef], catalogue: str, run: int) -> set[int]:
    """Indexes of the objects that an earlier run read as they are now, with the same rules."""
    import pyarrow as pa

    if not refs:
        return set()
    columns = {
        "i": pa.array(range(len(refs)), pa.int32()),
        "oid": pa.array([object_id(ref.source, ref.key) for ref in refs], pa.int64()),
        "size": pa.array([ref.size for ref in refs], pa.int64()),
        "etag": pa.array([ref.etag for ref in refs], pa.string()),
        "version": pa.array([ref.version for ref in refs], pa.string()),
    }
    with unbroken():
        con.register("asked_now", pa.table(columns))
        rows = con.execute(
            f"SELECT l.i FROM asked_now l JOIN objects o ON o.oid = l.oid WHERE {_BEFORE} AND "  # noqa: S608
            "o.catalogue = $catalogue AND o.size = l.size AND o.etag = l.etag AND o.version = l.version AND "
            "o.outcome <> 'failed' AND split_part(o.reason, ':', 1) NOT IN (SELECT unnest($passing))",
            {"run": run, "catalogue": catalogue, "passing": list(PASSING)},
        ).fetchall()
        con.unregister("asked_now")
    return {int(row[0]) for row in rows}


def past(con: Any, source: str, base: str, run: int, most: int = 100_000) -> list[tuple[Any, ...]]:
    """What was read of a source before a run, by folder and suffix: rows of `sampling.history`, the largest first."""
    with unbroken():
        return list(
            con.execute(
                f"""
                WITH known AS (
                    SELECT string_split(substr(key, CASE WHEN $base = '' THEN 1 ELSE length($base) + 2 END), '/')
                               AS parts, risk, run
                    FROM objects
                    WHERE source = $source AND {_BEFORE} AND {_READ}
                      AND ($base = '' OR starts_with(key, $base || '/'))
                ), cells AS (
                    SELECT array_to_string(parts[1:least(len(parts) - 1, {FOLDERS})], '/') AS inner_folder,
                           regexp_extract(lower(parts[-1]), '\\.([^.]{{1,12}})$', 1) AS suffix, risk, run
                    FROM known
                )
                SELECT $source, CASE WHEN $base = '' THEN inner_folder WHEN inner_folder = '' THEN $base
                                     ELSE $base || '/' || inner_folder END AS folder,
                       suffix, count(*) AS read, sum(c.risk)::DOUBLE, max(n.started)
                FROM cells c JOIN runs n USING (run)
                GROUP BY folder, suffix ORDER BY read DESC, folder, suffix LIMIT {int(most)}
                """,  # noqa: S608 - numbers of ours
                {"source": source, "base": base, "run": run},
            ).fetchall()
        )


def began(con: Any, run: int) -> datetime:
    """When a run began, UTC without a zone."""
    found: datetime = con.execute("SELECT started FROM runs WHERE run = ?", [run]).fetchall()[0][0]
    return found


def keep_strata(
    con: Any, run: int, source: str, prefix: str, strata: Sequence[Drawn], members: array[int], numbers: array[int]
) -> None:
    """Keep what one target of a run was drawn from, and count what the drawn objects hold; at the end of the run.

    `members` are the ids of the drawn objects, `numbers` the stratum of each.
    """
    import pyarrow as pa

    texts = [(s.label.folder, s.label.family, s.label.size, s.label.age) for s in strata]
    table = pa.table(
        {
            "stratum": pa.array(range(len(strata)), pa.int32()),
            **{n: pa.array([_clean(t[i]) for t in texts], pa.string()) for i, n in enumerate(("f", "m", "s", "a"))},
            **{
                name: pa.array([getattr(s, name) for s in strata], pa.int64())
                for name in ("population", "bytes", "sampled", "sampled_bytes")
            },
            "weight": pa.array([s.weight for s in strata], pa.float64()),
        }
    )
    drawn = pa.table({"oid": pa.array(members, pa.int64()), "stratum": pa.array(numbers, pa.int32())})
    place = {"run": run, "source": source, "prefix": prefix}
    with unbroken():
        con.register("drawn_strata", table)
        con.register("drawn_objects", drawn)
        for name in ("strata", "strata_hits"):
            con.execute(f"DELETE FROM {name} WHERE run = $run AND source = $source AND prefix = $prefix", place)  # noqa: S608
        con.execute(
            "INSERT INTO strata SELECT $run, $source, $prefix, d.stratum, f, m, s, a, population, bytes, sampled, "  # noqa: S608
            "sampled_bytes, coalesce(r.read, 0), weight FROM drawn_strata d LEFT JOIN "
            "(SELECT x.stratum, count(*) AS read "
            f"FROM drawn_objects x JOIN objects o ON o.oid = x.oid WHERE o.superseded IS NULL AND {_READ} "
            "GROUP BY x.stratum) r USING (stratum) ORDER BY d.stratum",
            place,
        )
        con.execute(
            "INSERT INTO strata_hits WITH hit AS (SELECT DISTINCT x.stratum, f.oid, f.rule, f.category, f.severity "
            "FROM drawn_objects x JOIN findings f ON f.oid = x.oid WHERE f.superseded IS NULL AND NOT f.test_data), "
            "named AS (SELECT stratum, oid, 'risk' AS kind, 'high' AS what FROM hit WHERE severity >= 3 "
            "UNION ALL SELECT stratum, oid, 'severity', ['low', 'medium', 'high', 'critical'][severity] FROM hit "
            "UNION ALL SELECT stratum, oid, 'category', category FROM hit "
            "UNION ALL SELECT stratum, oid, 'rule', rule FROM hit) "
            "SELECT $run, $source, $prefix, stratum, kind, what, count(DISTINCT oid) FROM named "
            "GROUP BY stratum, kind, what ORDER BY stratum, kind, what",
            place,
        )
        con.unregister("drawn_objects")
        con.unregister("drawn_strata")


def keep_coverage(con: Any, run: int, source: str, prefix: str, objects: int, size: int) -> None:
    """Keep how much of a target is known at the end of a run; `objects` and `size` are what it listed."""
    with unbroken():
        con.execute("DELETE FROM bucket_coverage WHERE run = ? AND source = ? AND prefix = ?", [run, source, prefix])
        con.execute(
            "INSERT INTO bucket_coverage SELECT $run, $source, $prefix, $objects, $size, least(count(*), $objects), "  # noqa: S608
            "least(coalesce(sum(size), 0), $size)::BIGINT FROM objects "
            f"WHERE superseded IS NULL AND source = $source AND starts_with(key, $prefix) AND {_READ}",
            {"run": run, "source": source, "prefix": prefix, "objects": objects, "size": size},
        )


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
