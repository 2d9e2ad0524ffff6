"""One finding or object out of the store, by its id or name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from piiscan.errors import ConfigError


def finding(con: Any, wanted: str) -> dict[str, Any]:
    """The newest finding whose id begins with `wanted` (eight digits at least). Raises: ConfigError."""
    text = wanted.lower()
    if len(text) < 8 or set(text) - set("0123456789abcdef"):
        raise ConfigError(f"{wanted!r}: a finding's id is 32 hexadecimal digits; the first 8 or more will do")
    rows = con.execute(
        "SELECT v.*, o.reasons, o.risk, o.etag, o.size AS object_size FROM v_findings v "
        "JOIN objects o ON o.key = v.object AND o.source = v.source AND o.run = v.run WHERE starts_with(v.finding, ?) "
        "LIMIT 2",
        [text],
    )
    return _one(
        rows, f"{wanted}: no such finding in the newest state", f"{wanted}: more than one finding begins like this"
    )


def _one(result: Any, none: str, several: str) -> dict[str, Any]:
    """The one row of a result. Raises: ConfigError when there is none, or more than one."""
    names = [d[0] for d in result.description]
    found = result.fetchall()
    if len(found) != 1:
        raise ConfigError(several if found else none)
    return dict(zip(names, found[0], strict=True))


def looks_like_id(wanted: str) -> bool:
    """Whether a text may be a finding's id, or the beginning of one."""
    return 8 <= len(wanted) <= 32 and not set(wanted.lower()) - set("0123456789abcdef")


def named(con: Any, wanted: str) -> dict[str, Any]:
    """The object of that key, alone or behind its source and a slash, as a row of v_objects. Raises: ConfigError."""
    rows = con.execute("SELECT * FROM v_objects WHERE object = $1 OR source || '/' || object = $1 LIMIT 2", [wanted])
    several = f"{wanted}: more than one source has an object of this name; put its source before it"
    return _one(rows, f"{wanted}: no such object in the newest state", several)


def evidence(con: Any, found: Mapping[str, Any]) -> list[str]:
    """What speaks for a finding (a row of `finding`) beside its rule: sentences; none in a database of earlier days."""
    if not con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'evidence'").fetchone()[0]:
        return []
    rows = con.execute(
        "SELECT e.said FROM evidence e JOIN objects o USING (oid, run) "
        "WHERE e.run = ? AND e.rule = ? AND o.source = ? AND o.key = ? ORDER BY e.seq",
        [found["run"], found["rule"], found["source"], found["object"]],
    )
    return [said for (said,) in rows.fetchall()]


def occurrences(con: Any, finding_id: str, limit: int) -> list[dict[str, Any]]:
    """The first places of a finding."""
    rows = con.execute(
        "SELECT seq, char_start, char_length, place, masked, confidence, fingerprint FROM v_occurrences "
        "WHERE finding = ? ORDER BY seq LIMIT ?",
        [finding_id, limit],
    )
    names = [d[0] for d in rows.description]
    return [{**dict(zip(names, r, strict=True)), "place": json.loads(r[3])} for r in rows.fetchall()]
