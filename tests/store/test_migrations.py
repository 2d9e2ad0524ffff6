"""A database of each earlier schema opens, is backed up first, and holds the rows that it held."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from piiscan import __version__
from piiscan.keys import key_id
from piiscan.store.duck import STORAGE, latest_version, migrations
from piiscan.store.ingest import DuckStore
from tests.support.made import add_run, finding, report

KEY = "3e" * 32
ROWS = {
    "runs": "(1, now()::TIMESTAMP, now()::TIMESTAMP, 'done', '[]', 'i', '{}', 'c', '0.0', 1, 0)",
    "rules": "('us.ssn', 'SSN', NULL, 'pii', '[\"hipaa\"]')",
    "objects": "(7, 1, 'file:///share', 'a.txt', 'text/plain', 100, 'e', NULL, '', 'c', 'scanned', '', 100, 0, 40, "
    "'[\"x\"]', NULL)",
    "findings": "('\\x01'::BLOB, 7, 1, 'us.ssn', 'pii', 3, 0.9, 2, 2, true, false, now()::TIMESTAMP, NULL)",
    "occurrences": "('\\x01'::BLOB, 7, 1, 'us.ssn', 0, 5, 11, '{\"line\": 1}', '***-**-**98', 0.9, '\\x02'::BLOB)",
    "value_index": "('\\x02'::BLOB, 7, 1, 'us.ssn', 2)",
}


def old(folder: Path, version: int) -> Path:
    """A database as the program of that schema left it."""
    path = folder / "old.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": STORAGE}) as con:
        for number, sql in migrations():
            if number <= version:
                con.execute(sql)
        con.execute("CREATE TABLE schema_version (version INTEGER, applied TIMESTAMP, tool_version VARCHAR)")
        con.execute("CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)")
        con.execute(
            "INSERT INTO schema_version SELECT i, now()::TIMESTAMP, ? FROM range(1, ?) t(i)", [__version__, version + 1]
        )
        con.execute("INSERT INTO meta VALUES ('key_id', ?)", [key_id(bytes.fromhex(KEY))])
        for table, row in ROWS.items():
            width = len(con.execute(f"DESCRIBE {table}").fetchall())
            more = ", NULL" * (width - len(con.execute(f"SELECT * FROM (VALUES {row})").description))
            con.execute(f"INSERT INTO {table} VALUES {row[:-1]}{more})")
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o600)
    return path


@pytest.mark.parametrize("version", range(1, latest_version()))
def test_a_database_of_an_earlier_schema(tmp_path: Path, version: int) -> None:
    path = old(tmp_path, version)
    with duckdb.connect(str(path), read_only=True) as con:
        before = {table: con.execute(f"SELECT * FROM {table}").fetchall() for table in ROWS}
    store = DuckStore(path, key_file=tmp_path / "key")
    for table, rows in before.items():
        now = store.query(f"SELECT * FROM {table}")
        assert [row[: len(rows[0])] for row in now] == rows, table
    assert store.query("SELECT max(version) FROM schema_version") == [(latest_version(),)]
    assert store.query("SELECT object, risk, sensitivity FROM v_objects") == [("a.txt", 40, 40)]
    assert store.query("SELECT object, rule, count, state, counted FROM v_findings") == [
        ("a.txt", "us.ssn", 2, "open", True)
    ]
    for (view,) in store.query("SELECT view_name FROM duckdb_views() WHERE starts_with(view_name, 'v_')"):
        store.query(f"SELECT * FROM {view}")
    add_run(store, tmp_path, [report("a.txt", [finding(values=3)])])
    assert store.query("SELECT change, count_before FROM v_deltas WHERE run = 2") == [("new", None)]
    store.close()
    backup = path.with_name(f"{path.name}.bak-{version}")
    with duckdb.connect(str(backup), read_only=True) as con:
        assert con.execute("SELECT max(version) FROM schema_version").fetchall() == [(version,)]
        assert {table: con.execute(f"SELECT * FROM {table}").fetchall() for table in ROWS} == before
