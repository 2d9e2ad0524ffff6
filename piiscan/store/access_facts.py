"""What the search for anomalies asks the store, by column, and where it puts what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from piiscan.store.ingest import DuckStore

Columns = dict[str, npt.NDArray[Any]]

DAYS = """
SELECT (day - DATE '1970-01-01')::BIGINT AS day, pid::BIGINT AS pid, bucket::BIGINT AS bucket,
       sum(requests)::BIGINT AS requests, sum(reads)::BIGINT AS reads, sum(bytes)::BIGINT AS bytes,
       max(objects)::BIGINT AS objects, sum(denied)::BIGINT AS denied, sum(deletes)::BIGINT AS deletes,
       sum(copies)::BIGINT AS copies
FROM access_days GROUP BY ALL ORDER BY pid, bucket, day
"""
SENSITIVE_READS = """
SELECT (r.first_seen::DATE - DATE '1970-01-01')::BIGINT AS day, r.pid::BIGINT AS pid, o.bucket::BIGINT AS bucket,
       count(*) AS objects, min(r.oid) AS oid, sum(r.requests)::BIGINT AS requests
FROM access_reads r JOIN access_objects o ON o.oid = r.oid GROUP BY ALL ORDER BY bucket, pid, day
"""
"""Sensitive objects by the day on which each principal read them first."""
NETWORKS = """
SELECT a.pid::BIGINT AS pid, o.bucket::BIGINT AS bucket, a.network, any_value(a.country) AS country,
       (min(r.first_seen)::DATE - DATE '1970-01-01')::BIGINT AS first_day, sum(r.requests)::BIGINT AS requests,
       (max(r.last_seen)::DATE - DATE '1970-01-01')::BIGINT AS last_day
FROM access_requests r
JOIN access_actors a ON a.actor = r.actor
JOIN access_actions n ON n.action = r.action
JOIN access_objects o ON o.oid = r.oid
WHERE n.outcome = 'ok' AND a.network <> ''
GROUP BY a.pid, o.bucket, a.network ORDER BY pid, bucket, network
"""


def facts(store: DuckStore) -> dict[str, Columns]:
    """The sums that anomalies are looked for in: days, sensitive, networks."""
    return {
        "days": store.columns(DAYS, {}),
        "sensitive": store.columns(SENSITIVE_READS, {}),
        "networks": store.columns(NETWORKS, {}),
    }


def names(store: DuckStore) -> tuple[dict[int, tuple[Any, ...]], dict[int, str], set[int]]:
    """Principals by number (principal, kind, account, outside); sources of buckets; buckets with sensitive objects."""
    rows = store.query("SELECT pid, principal, kind, account, outside FROM access_people")
    people = {int(row[0]): tuple(row[1:]) for row in rows}
    buckets = {int(r[0]): str(r[1]) for r in store.query("SELECT bucket, source FROM access_buckets")}
    sensitive = store.query(
        "SELECT DISTINCT b.bucket FROM access_buckets b SEMI JOIN access_sensitive s ON s.source = b.source"
    )
    return people, buckets, {int(r[0]) for r in sensitive}


def replace_anomalies(store: DuckStore, columns: Mapping[str, Any]) -> None:
    """Put what was found in the place of what was found before, in one transaction. Raises: StoreError."""
    with store.transaction():
        store.query("DELETE FROM access_anomalies")
        if len(columns["anomaly"]):
            with store.lent("anomalies_now", columns):
                store.query(
                    "INSERT INTO access_anomalies SELECT anomaly, kind, also, bucket, pid, oid, "
                    "DATE '1970-01-01' + began::INTEGER, DATE '1970-01-01' + ended::INTEGER, score, explanation "
                    "FROM anomalies_now ORDER BY began, anomaly"
                )
