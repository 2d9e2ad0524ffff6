"""Sums of requests in the store: taken in by groups of files, each in one transaction, and put together at the end.

Rows of sums are only added, so taking a group in costs what it brings and not what is there already; `settle` adds up
those of one object, actor and action. The views do so in any case.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from piiscan.store.duck import MEMORY
from piiscan.store.ingest import DuckStore

_EPOCH = date(1970, 1, 1)
ROOM = "384MB"
"""Memory that DuckDB may take while logs are taken in."""
ROWS = 300_000
"""Rows of days that are put together at a time, each of up to 300 bytes."""


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file of logs as it is remembered."""

    path: str
    size: int
    etag: str
    kind: str
    records: int
    left_out: int
    broken: int
    note: str


class AccessStore:
    """The tables of access in a store."""

    def __init__(self, store: DuckStore) -> None:
        self._store = store
        self._query = store.query
        if not os.environ.get(MEMORY):
            # What is summed up here is small; what does not fit goes to a temporary file.
            store.query(f"SET memory_limit = '{ROOM}'")

    def taken(self, files: Sequence[tuple[str, int, str]]) -> set[str]:
        """Of some files (path, size, ETag), the paths of those that were taken as they are now, read whole or not."""
        columns = {
            "path": [one[0] for one in files],
            "size": [one[1] for one in files],
            "etag": [one[2] for one in files],
        }
        if not files:
            return set()
        with self._store.lent("files_now", columns):
            rows = self._query("SELECT path FROM files_now SEMI JOIN access_files USING (path, size, etag)")
        return {str(row[0]) for row in rows}

    def note_files(self, files: Iterable[TakenFile]) -> None:
        """Remember files; one that was there under the same path, otherwise, is replaced."""
        rows = list(files)
        if not rows:
            return
        names = ("path", "size", "etag", "kind", "records", "left_out", "broken", "note")
        with self._store.lent("files_now", {name: [getattr(row, name) for row in rows] for name in names}):
            self._query("DELETE FROM access_files WHERE path IN (SELECT path FROM files_now)")
            self._query(
                f"INSERT INTO access_files SELECT {', '.join(names)}, ? FROM files_now",  # noqa: S608 - names of the schema
                [datetime.now(UTC).replace(tzinfo=None)],
            )

    def numbers(self, table: str, number: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[int]:
        """The number of each row of names in a table, which gets those that it lacks."""
        if not rows:
            return []
        key = ", ".join(columns)
        lent = {name: [row[place] for row in rows] for place, name in enumerate(columns)}
        with self._store.lent("names_now", {"place": range(len(rows)), **lent}):
            self._query(
                f"INSERT INTO {table} ({number}, {key}) SELECT (SELECT coalesce(max({number}), 0) FROM {table}) + "  # noqa: S608
                f"row_number() OVER (), {key} FROM (SELECT DISTINCT {key} FROM names_now ANTI JOIN "
                f"(SELECT {key} FROM {table} SEMI JOIN names_now USING ({key})) USING ({key}))"
            )
            found = self._query(
                f"SELECT place, min(t.{number}) FROM names_now JOIN {table} t USING ({key}) "  # noqa: S608
                "GROUP BY place ORDER BY place"
            )
        return [int(row[1]) for row in found]

    def owners(self, owners: Mapping[str, str]) -> None:
        """Note who owns buckets, by their source; a twelve-digit account counts before a canonical id."""
        if owners:
            with self._store.lent("owners_now", {"source": list(owners), "owner": list(owners.values())}):
                self._query(
                    "UPDATE access_buckets b SET owner = o.owner FROM owners_now o WHERE o.source = b.source "
                    "AND b.owner <> o.owner AND (b.owner = '' OR length(o.owner) = 12)"
                )

    def accounts(self, accounts: Iterable[str]) -> None:
        """Note accounts of our own."""
        for account in sorted(set(accounts) - {""}):
            self._query(
                "INSERT INTO access_accounts SELECT $1 WHERE NOT EXISTS (FROM access_accounts WHERE account = $1)",
                [account],
            )

    def own_known(self) -> bool:
        """Whether an account of our own is known by its number."""
        return bool(self._query("SELECT 1 FROM access_accounts WHERE length(account) = 12 LIMIT 1"))

    def objects(self, columns: Mapping[str, Any]) -> None:
        """Objects by oid, bucket and key; those that are known stay."""
        with self._store.lent("objects_now", columns):
            self._query(
                "INSERT INTO access_objects SELECT oid, any_value(bucket), any_value(key) FROM objects_now "
                "ANTI JOIN (SELECT oid FROM access_objects SEMI JOIN objects_now USING (oid)) USING (oid) GROUP BY oid"
            )

    def requests(self, columns: Mapping[str, Any]) -> None:
        """Sums of requests: oid, actor, action, first and last (seconds since 1970), requests, bytes."""
        with self._store.lent("requests_now", columns):
            self._query(
                "INSERT INTO access_requests SELECT oid, actor, action, make_timestamp(min(first) * 1000000), "
                "make_timestamp(max(last) * 1000000), sum(requests), sum(bytes) FROM requests_now GROUP BY ALL"
            )

    def days(self, columns: Mapping[str, Any]) -> None:
        """Sums by day (since 1970), pid and bucket."""
        with self._store.lent("days_now", columns):
            self._query(
                "INSERT INTO access_days SELECT DATE '1970-01-01' + day::INTEGER, pid, bucket, requests, reads, bytes, "
                "denied, deletes, copies, objects, registers FROM days_now"
            )

    def seen_on(self, day: int) -> bytes:
        """The packed ids of the requests of a day (since 1970)."""
        rows = self._query("SELECT ids FROM access_seen WHERE day = ?", [_EPOCH + timedelta(days=day)])
        return b"".join(bytes(row[0]) for row in rows)

    def add_seen(self, ids: Mapping[int, bytes]) -> None:
        """More packed ids, by day."""
        if ids:
            columns = {"day": list(ids), "ids": list(ids.values())}
            with self._store.lent("seen_now", columns):
                self._query("INSERT INTO access_seen SELECT DATE '1970-01-01' + day::INTEGER, ids FROM seen_now")

    def transaction(self) -> Any:
        """See `DuckStore.transaction`."""
        return self._store.transaction()

    def settle(
        self,
        estimated: Callable[[Sequence[bytes], Any, int], tuple[Any, list[bytes]]],
        united: Callable[[Sequence[bytes]], bytes],
    ) -> None:
        """Put rows together that are of one object, actor and action, of one day, principal and bucket, or of one day.

        `estimated` gives the estimates and registers of so many groups out of all their registers, `united` the ids of
        one day out of several. Raises: StoreError.
        """
        with self.transaction():
            total = self._query("SELECT count(*) FROM access_requests")[0][0]
            distinct = self._query("SELECT count(*) FROM (SELECT 1 FROM access_requests GROUP BY oid, actor, action)")[
                0
            ][0]
            if total > distinct:
                self._query(
                    "CREATE OR REPLACE TEMP TABLE summed AS SELECT oid, actor, action, min(first_seen) AS first_seen, "
                    "max(last_seen) AS last_seen, sum(requests)::BIGINT AS requests, sum(bytes)::BIGINT AS bytes "
                    "FROM access_requests GROUP BY oid, actor, action"
                )
                self._query("DELETE FROM access_requests")
                self._query("INSERT INTO access_requests FROM summed ORDER BY oid, actor, action")
                self._query("DROP TABLE summed")
            self._settle_days(estimated)
            self._settle_seen(united)

    def _settle_days(self, estimated: Callable[[Sequence[bytes], Any, int], tuple[Any, list[bytes]]]) -> None:
        rows = self._query(
            "SELECT day, sum(n)::BIGINT FROM (SELECT day, count(*) AS n FROM access_days GROUP BY day, pid, bucket "
            "HAVING n > 1) GROUP BY day ORDER BY day"
        )
        group: list[date] = []
        held = 0
        for place, (day, count) in enumerate(rows):
            group.append(day)
            held += count
            if held >= ROWS or place == len(rows) - 1:
                self._settle_some_days(group, estimated)
                group, held = [], 0

    def _settle_some_days(
        self, days: Sequence[date], estimated: Callable[[Sequence[bytes], Any, int], tuple[Any, list[bytes]]]
    ) -> None:
        several = (
            "SELECT day, pid, bucket, count(*), sum(requests)::BIGINT AS requests, sum(reads)::BIGINT AS reads, "
            "sum(bytes)::BIGINT AS bytes, sum(denied)::BIGINT AS denied, sum(deletes)::BIGINT AS deletes, "
            "sum(copies)::BIGINT AS copies, list(registers) AS registers FROM access_days "
            "WHERE list_contains(?::DATE[], day) GROUP BY day, pid, bucket HAVING count(*) > 1"
        )
        rows = self._query(several, [list(days)])
        flat = [bytes(one) for row in rows for one in row[10]]
        groups = np.repeat(np.arange(len(rows)), [len(row[10]) for row in rows])
        objects, registers = estimated(flat, groups, len(rows))
        names = ("day", "pid", "bucket", "n", "requests", "reads", "bytes", "denied", "deletes", "copies")
        columns: dict[str, Any] = {name: [row[place] for row in rows] for place, name in enumerate(names)}
        with self._store.lent("days_now", {**columns, "objects": objects, "registers": registers}):
            self._query("DELETE FROM access_days WHERE (day, pid, bucket) IN (SELECT day, pid, bucket FROM days_now)")
            self._query(
                "INSERT INTO access_days SELECT day, pid, bucket, requests, reads, bytes, denied, deletes, copies, "
                "objects, registers FROM days_now ORDER BY day, pid, bucket"
            )

    def _settle_seen(self, united: Callable[[Sequence[bytes]], bytes]) -> None:
        for (day,) in self._query("SELECT day FROM access_seen GROUP BY day HAVING count(*) > 8 ORDER BY day"):
            ids = united([bytes(row[0]) for row in self._query("SELECT ids FROM access_seen WHERE day = ?", [day])])
            self._query("DELETE FROM access_seen WHERE day = ?", [day])
            self._query("INSERT INTO access_seen VALUES (?, ?)", [day, ids])

    def addresses(self) -> list[str]:
        """All addresses whose country is not known."""
        return [str(r[0]) for r in self._query("SELECT DISTINCT ip FROM access_actors WHERE country IS NULL")]

    def countries(self, of: Mapping[str, str]) -> None:
        """Note the countries of addresses."""
        if of:
            with self._store.lent("countries_now", {"ip": list(of), "country": list(of.values())}):
                self._query("UPDATE access_actors a SET country = c.country FROM countries_now c WHERE c.ip = a.ip")
