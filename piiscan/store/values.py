"""Where one value was found, by its keyed fingerprints, and for which objects that answer is not complete."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from piiscan.store.rotation import not_looked_in

PLACES = 5
"""Places of an object that are told."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Why an answer may lack objects, and how many these are."""

    why: str
    objects: int


def holders(con: Any, prints: Sequence[bytes]) -> list[dict[str, Any]]:
    """The objects of the newest state that hold a value of some fingerprints, which are those of its forms.

    Of each: source, object, rule, its name, count, and the first places, masked.
    """
    # The table is read for the numbers alone; the other columns are fetched of the rows that these leave.
    heads = ", ".join(str(int.from_bytes(one[:8], "big")) for one in prints)
    rows = con.execute(
        f"WITH hit AS MATERIALIZED (SELECT rowid AS place FROM value_index WHERE head IN ({heads})), "  # noqa: S608
        "near AS (SELECT * FROM value_index WHERE rowid IN (SELECT place FROM hit)) "
        "SELECT o.source, o.key, v.rule, coalesce(r.name, v.rule), v.count, v.oid, v.run, v.fingerprint FROM near v "
        "JOIN objects o ON o.oid = v.oid AND o.run = v.run LEFT JOIN rules r ON r.rule = v.rule "
        f"WHERE v.fingerprint IN ({', '.join('?' * len(prints))}) AND o.superseded IS NULL "
        "ORDER BY o.source, o.key, v.rule",
        list(prints),
    ).fetchall()
    return [
        {
            "source": source, "object": name, "rule": rule, "name": title, "count": count,
            "places": _places(con, oid, run, rule, bytes(digest)),
        }
        for source, name, rule, title, count, oid, run, digest in rows
    ]  # fmt: skip


def _places(con: Any, oid: int, run: int, rule: str, digest: bytes) -> list[dict[str, Any]]:
    rows = con.execute(
        "SELECT place, masked FROM occurrences WHERE oid = ? AND run = ? AND rule = ? AND fingerprint = ? "
        "ORDER BY seq LIMIT ?",
        [oid, run, rule, digest, PLACES],
    ).fetchall()
    return [{"place": json.loads(place), "masked": masked} for place, masked in rows]


_INCOMPLETE = (
    (
        "were not read whole",
        "SELECT count(*) FROM objects WHERE superseded IS NULL AND outcome <> 'scanned'",
    ),
    (
        "have more distinct values of a rule than are kept (store.max_values)",
        "SELECT count(DISTINCT oid) FROM findings WHERE superseded IS NULL AND NOT distinct_exact",
    ),
)


_NAMES = (
    "were not looked through for names (--no-ner), or in parts only (long texts)",
    "SELECT count(*) FROM v_objects WHERE outcome IN ('scanned', 'partial') AND media_type LIKE 'text/%' "
    "AND coalesce(names_examined, 0) < bytes_examined / 4",
)


_FORMER = "were read under an earlier key, and not since (scan them again, or give that key with --old-key-file)"


def incomplete(con: Any, *, name: bool, keys: Collection[str] = ()) -> list[Incomplete]:
    """For which objects the answer about a value, or a person's `name`, is not complete, by reason; none: it is.

    `keys`: ids of earlier keys whose fingerprints were looked for, too.
    """
    asked = (*_INCOMPLETE, _NAMES) if name else _INCOMPLETE
    counted = [Incomplete(why, int(con.execute(sql).fetchall()[0][0])) for why, sql in asked]
    counted.append(Incomplete(_FORMER, not_looked_in(con, keys)))
    return [one for one in counted if one.objects]
