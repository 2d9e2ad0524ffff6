"""Room 8, where it stays: the one writer of the database.

Workers never open it. Shard files come in by groups, each group in one transaction together with the names of its
files, so that a kill at any moment leaves whole shards or none, and no shard twice.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan import __version__, stages
from piiscan.errors import StoreError
from piiscan.keys import key_id
from piiscan.model import Rule
from piiscan.ports import ShardFile
from piiscan.references import store_key
from piiscan.store.duck import explain, open_for_writing, unbroken
from piiscan.store.known import Known
from piiscan.store.risk import rescored

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as the conductor needs it: its number, and whether it goes on from a broken one."""

    run: int
    resumed: bool


class DuckStore:
    """The findings store in one DuckDB file."""

    def __init__(self, path: Path, *, key_file: Path | None = None) -> None:
        self.path = path
        self._con = open_for_writing(path)
        try:
            self.key = self._key(key_file)
        except BaseException:
            self._con.close()
            raise

    @unbroken()
    def _key(self, key_file: Path | None) -> bytes:
        rows = self._execute("SELECT value FROM meta WHERE name = 'key_id'")
        if rows:
            return store_key(str(rows[0][0]), key_file)
        key = store_key("", key_file)
        self._con.execute("INSERT INTO meta VALUES ('key_id', ?)", [key_id(key)])
        return key

    @property
    def connection(self) -> Any:
        """The one connection, for the other modules of the store; `strata` takes it."""
        return self._con

    def close(self) -> None:
        """Write the log into the file and let go of it."""
        import duckdb

        try:
            self._con.execute("CHECKPOINT")
        except duckdb.Error as err:
            log.warning("event=checkpoint_failed error=%s", type(err).__name__)
        self._con.close()

    def begin(self, targets: Sequence[str], identity: str, settings: dict[str, Any], catalogue: str) -> RunState:
        """A new run, or the broken one that the same command left behind."""
        rows = self._execute(
            "SELECT run FROM runs WHERE status IN ('running', 'cancelled', 'failed') AND identity = ? "
            "AND catalogue = ? AND run = (SELECT max(run) FROM runs WHERE identity = ?)",
            [identity, catalogue, identity],
        )
        if rows:
            self._execute("UPDATE runs SET status = 'running', ended = NULL WHERE run = ?", [rows[0][0]])
            return RunState(int(rows[0][0]), True)
        # We hold the lock, so whoever left a run open is dead.
        self._execute("UPDATE runs SET status = 'failed' WHERE status = 'running'")
        run = int(self._execute("SELECT coalesce(max(run), 0) + 1 FROM runs")[0][0])
        self._execute(
            "INSERT INTO runs VALUES (?, ?, NULL, 'running', ?, ?, ?, ?, ?, NULL, NULL)",
            [run, _now(), json.dumps(list(targets)), identity, json.dumps(settings), catalogue, __version__],
        )
        return RunState(run, False)

    def end(self, run: int, status: str, listed: int, unchanged: int) -> None:
        """Close a run."""
        self._execute(
            "UPDATE runs SET ended = ?, status = ?, listed = ?, unchanged = ? WHERE run = ?",
            [_now(), status, listed, unchanged, run],
        )

    def remember_rules(self, rules: Iterable[Rule]) -> None:
        """Names of the rules, so that old findings keep theirs."""
        import pyarrow as pa

        rows = [(r.id, r.name, r.macie, r.category.value, json.dumps(list(r.tags))) for r in rules]
        names = ("rule", "name", "macie", "category", "tags")
        table = pa.table(
            {
                n: pa.array([str(r[i]) if r[i] is not None else None for r in rows], pa.string())
                for i, n in enumerate(names)
            }
        )
        self._con.register("incoming_rules", table)
        self._execute("INSERT OR REPLACE INTO rules SELECT rule, name, macie, category, tags FROM incoming_rules")
        self._con.unregister("incoming_rules")

    def known(self, source: str, prefix: str, catalogue: str, run: int, *, full: bool, few: bool = False) -> Known:
        """What is known of the objects of a source below a prefix, as a listing of it asks for it; see `Known`."""
        return Known(self, source, prefix, catalogue, run, full=full, few=few)

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
        """The rows of a query of our own as arrays, by column. Raises: StoreError."""
        import duckdb

        with unbroken():
            try:
                found = self._con.execute(sql, dict(parameters)).fetchnumpy()
            except duckdb.Error as err:
                raise explain(err, self.path) from None
        return {name: np.asarray(column) for name, column in found.items()}

    def pending(self, spool: Path, run: int) -> list[ShardFile]:
        """Complete shard files of a run that a broken process left in the spool and that were not taken in."""
        known = {int(r[0]) for r in self._execute("SELECT number FROM shards WHERE run = ?", [run])}
        found = []
        for path in sorted((spool / f"{run:08d}").glob("*.parquet")):
            if path.stem.isdigit() and int(path.stem) not in known:
                found.append(ShardFile(run, int(path.stem), str(path)))
        return found

    def next_shard(self, run: int) -> int:
        """The first free shard number of a run."""
        return int(self._execute("SELECT coalesce(max(number) + 1, 0) FROM shards WHERE run = ?", [run])[0][0])

    def load(self, run: int, files: Sequence[ShardFile]) -> None:
        """Take shard files in, in one transaction, each name once. Raises: StoreError."""
        if not files:
            return
        with self.transaction():
            self._load(run, files)
            stages.reached("commit")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is done meanwhile, or nothing. Raises: StoreError."""
        import duckdb

        with unbroken():
            try:
                self._con.execute("BEGIN")
                yield
                self._con.execute("COMMIT")
            except (duckdb.Error, OSError, StoreError) as err:
                try:
                    self._con.execute("ROLLBACK")
                except duckdb.Error:
                    log.debug("event=rollback_failed")
                if isinstance(err, StoreError):
                    raise
                raise explain(err, self.path) from None

    @contextmanager
    def lent(self, name: str, columns: Mapping[str, Any]) -> Iterator[None]:
        """Rows of ours, by column (anything that Arrow takes), as a table of that name to queries meanwhile."""
        import duckdb
        import pyarrow as pa

        self._con.register(name, pa.table(dict(columns)))
        try:
            yield
        finally:
            try:
                self._con.unregister(name)
            except duckdb.Error:  # within a transaction that failed: what made it fail is on its way up
                log.debug("event=unregister_failed name=%s", name)

    def _load(self, run: int, files: Sequence[ShardFile]) -> None:
        known = {int(r[0]) for r in self._execute("SELECT number FROM shards WHERE run = ?", [run])}
        fresh = [f for f in files if f.number not in known]
        if not fresh:
            return
        stages.reached("ingest")
        paths = [f.path for f in fresh]
        # Values, of which there may be millions, stay in their files: a row of all columns takes 300 bytes.
        self._execute("CREATE OR REPLACE TEMP TABLE incoming AS SELECT * FROM read_parquet(?) WHERE kind <> 3", [paths])
        # An object of this run that is already there came from a shard that was cut differently before a kill.
        self._execute("DELETE FROM incoming WHERE oid IN (SELECT oid FROM objects WHERE run = ?)", [run])
        self._execute("CREATE OR REPLACE TEMP TABLE ids AS SELECT oid FROM incoming WHERE kind = 0")
        self._execute(
            "CREATE OR REPLACE TEMP TABLE earlier AS SELECT finding, min(first_seen) AS first_seen FROM findings "
            "WHERE superseded IS NULL AND oid IN (SELECT oid FROM ids) GROUP BY finding"
        )
        for table in ("objects", "findings"):
            self._execute(
                f"UPDATE {table} SET superseded = ? WHERE superseded IS NULL AND oid IN (SELECT oid FROM ids)",  # noqa: S608
                [run],
            )
        self._execute(
            "INSERT INTO objects SELECT oid, $1, source, key, media_type, size, etag, modified, version, catalogue, "
            "outcome, reason, bytes_examined, names_examined, risk, reasons, NULL, distinct_exact, risk, char_length "
            "FROM incoming "
            "WHERE kind = 0 ORDER BY oid",
            [run],
        )
        self._execute(
            "INSERT INTO findings SELECT i.finding, i.oid, $1, i.rule, i.category, i.severity, i.confidence, i.count, "
            "i.distinct_values, i.distinct_exact, i.test_data, coalesce(e.first_seen, n.started), NULL "
            "FROM incoming i LEFT JOIN earlier e USING (finding) JOIN runs n ON n.run = $1 WHERE i.kind = 1 "
            "ORDER BY i.oid",
            [run],
        )
        self._execute(
            "INSERT INTO occurrences SELECT finding, oid, $1, rule, seq, char_start, char_length, place, masked, "
            "confidence, fingerprint FROM incoming WHERE kind = 2 ORDER BY oid",
            [run],
        )
        self._execute(
            "INSERT INTO value_index SELECT fingerprint, oid, $1, rule, count, head FROM read_parquet($2) "
            "WHERE kind = 3 AND oid IN (SELECT oid FROM ids) ORDER BY oid",
            [run, paths],
        )
        self._execute(
            "INSERT INTO allowed SELECT oid, $1, key, rule, count FROM incoming WHERE kind = 4 ORDER BY oid", [run]
        )
        self._execute("INSERT INTO unread SELECT oid, $1, seq, reason FROM incoming WHERE kind = 5 ORDER BY oid", [run])
        self._execute(
            "INSERT INTO evidence SELECT oid, $1, rule, seq, reason FROM incoming WHERE kind = 6 ORDER BY oid", [run]
        )
        self._execute(
            "INSERT INTO sketches SELECT oid, $1, sketch, seq, severity, reasons FROM incoming WHERE kind = 7 "
            "ORDER BY oid",
            [run],
        )
        self._execute(
            "INSERT INTO table_columns SELECT oid, $1, place, source, key, rule, count, distinct_values FROM incoming "
            "WHERE kind = 8 ORDER BY oid",
            [run],
        )
        self._execute(
            "INSERT INTO combinations SELECT oid, $1, key, count, distinct_exact FROM incoming WHERE kind = 9 "
            "ORDER BY oid",
            [run],
        )
        self._execute(rescored("ids"))
        self._con.executemany("INSERT INTO shards VALUES (?, ?, ?)", [[run, f.number, _now()] for f in fresh])

    def listed(
        self,
        run: int,
        source: str,
        kind: str,
        missing: npt.NDArray[np.int64] | None,
        *,
        prefix: str,
        endpoint: str,
        region: str,
        hidden: Sequence[str] = (),
        as_of: datetime | None = None,
        versions: bool = True,
    ) -> int:
        """Record that a source was listed to its end below `prefix`; objects that are gone are closed. How many.

        `missing` are the known objects that it did not have, or None when it says nothing of the others; of what is
        below one of the `hidden` folders nothing is known either, nor of objects that are younger than `as_of`, nor
        without `versions` of those that are not current.
        """
        started = self._execute("SELECT started FROM runs WHERE run = ?", [run])[0][0]
        self._execute(
            "INSERT INTO buckets VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source) DO UPDATE SET last_listed = "
            "excluded.last_listed, endpoint = excluded.endpoint, region = excluded.region",
            [source, kind, endpoint or None, region or None, started, started],
        )
        if missing is None or not len(missing):
            return 0
        moment = as_of.astimezone(UTC).replace(tzinfo=None) if as_of is not None else None
        with self.lent("missing", {"oid": missing}):
            gone = self._execute(
                "SELECT oid FROM objects WHERE superseded IS NULL AND source = ? AND starts_with(key, ?) "
                "AND oid IN (SELECT oid FROM missing) "
                "AND NOT list_bool_or([starts_with(key, h) FOR h IN ?::VARCHAR[]]) "
                "AND (?::TIMESTAMP IS NULL OR modified <= ?::TIMESTAMP) AND (? OR version = '')",
                [source, prefix, list(hidden) or ["\n/"], moment, moment, versions],
            )
        return self.close_objects(run, [int(row[0]) for row in gone])

    def close_objects(self, run: int, oids: Sequence[int]) -> int:
        """Objects that are no longer there, and their findings, are of the past. How many were still open."""
        import pyarrow as pa

        self._con.register("gone", pa.table({"oid": pa.array(oids, pa.int64())}))
        still = "FROM objects WHERE superseded IS NULL AND oid IN (SELECT oid FROM gone)"
        count = int(self._execute(f"SELECT count(*) {still}")[0][0])
        if count:
            for table in ("objects", "findings"):
                self._execute(
                    f"UPDATE {table} SET superseded = ? WHERE superseded IS NULL AND oid IN (SELECT oid FROM gone)",  # noqa: S608
                    [run],
                )
        self._con.unregister("gone")
        return count

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query of our own. Raises: StoreError."""
        return self._execute(sql, parameters)

    def checkpoint(self) -> None:
        """Bring everything committed into the file itself."""
        self._execute("CHECKPOINT")

    def _execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows: since DuckDB 2.0 an open result blocks its connection."""
        import duckdb

        with unbroken():
            try:
                given = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
                return list(self._con.execute(sql, given).fetchall())
            except duckdb.Error as err:
                raise explain(err, self.path) from None


__all__ = ["DuckStore", "RunState", "StoreError"]
