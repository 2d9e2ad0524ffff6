"""What changed between two runs, and the state of any run: rows say when they came and what replaced them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from piiscan.errors import ConfigError

_AT = "run <= {run} AND (superseded IS NULL OR superseded > {run})"
"""The rows of the state at the end of a run."""
_DIFF = """
WITH before AS (SELECT * FROM findings WHERE {before}), later AS (SELECT * FROM findings WHERE {later}),
pairs AS (
    SELECT coalesce(b.finding, a.finding) AS finding, coalesce(a.oid, b.oid) AS oid, coalesce(a.run, b.run) AS run,
           coalesce(a.rule, b.rule) AS rule, coalesce(a.severity, b.severity) AS severity,
           CASE WHEN b.finding IS NULL THEN 'new' WHEN a.finding IS NULL THEN 'gone' ELSE 'changed' END AS change,
           b.count AS count_before, a.count AS count_after, b.distinct_values AS distinct_before,
           a.distinct_values AS distinct_after, b.severity AS severity_before
    FROM before b FULL JOIN later a USING (finding)
    WHERE b.finding IS NULL OR a.finding IS NULL OR b.count <> a.count OR b.distinct_values <> a.distinct_values
       OR b.severity <> a.severity
)
SELECT p.change, lower(hex(p.finding)) AS finding, o.key AS object, o.source, p.rule,
       ['low', 'medium', 'high', 'critical'][p.severity] AS severity,
       ['low', 'medium', 'high', 'critical'][p.severity_before] AS severity_before,
       p.count_before, p.count_after, p.distinct_before, p.distinct_after
FROM pairs p JOIN objects o ON o.oid = p.oid AND o.run = p.run
ORDER BY p.severity DESC, p.change, o.source, o.key, p.rule
"""


def runs(con: Any) -> list[int]:
    """The numbers of the runs that ended, ascending."""
    rows = con.execute("SELECT run FROM runs WHERE status IN ('done', 'cancelled') ORDER BY run").fetchall()
    return [int(run) for (run,) in rows]


def differences(con: Any, first: int, second: int) -> Iterator[dict[str, Any]]:
    """What findings are new, gone or changed at the end of a run beside the end of another; worst first.

    Raises: ConfigError for a run that there is not.
    """
    known = set(runs(con))
    for run in (first, second):
        if run not in known:
            raise ConfigError(f"there is no run {run} that ended (see v_runs)")
    query = _DIFF.format(before=_AT.format(run=first), later=_AT.format(run=second))
    result = con.execute(query)
    names = [d[0] for d in result.description]
    while rows := result.fetchmany(2_000):
        for row in rows:
            yield dict(zip(names, row, strict=True))
