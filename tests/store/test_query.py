"""Questions of users: answers are right, and no SQL gets out of the database, changes it, or runs for ever."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import pytest

from piiscan.errors import ConfigError, PiiscanError, StoreError
from piiscan.model import Outcome, Place
from piiscan.store.query import rows, to_parquet
from tests.support.cli import Cli
from tests.support.made import database, finding, report

MEMORY = "512MB"
SECONDS = 20.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    (folder / "secret.txt").write_text("line of a file\n")
    (folder / "secret.csv").write_text("a,b\n1,2\n")
    places = [Place(line=n + 1, column=1) for n in range(5)]
    return database(
        folder,
        [
            report("a.txt", [finding(places=places, values=2), finding("us.npi")]),
            report("b.txt", [finding()], media_type="text/csv"),
            report("c.bin", outcome=Outcome.SKIPPED, reason="UNSUPPORTED_FILE_TYPE_EXCEPTION: no text"),
        ],
    )


def ask(path: Path, query: str, timeout: float = SECONDS, memory: str = MEMORY) -> list[tuple[Any, ...]]:
    names, found, age = rows(path, query, timeout, memory)
    assert len(set(map(len, found)) | {len(names)}) == 1
    assert age is None
    return found


def folder_of(path: Path) -> dict[str, str]:
    """Every file beside a database and what it holds."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.parent.iterdir() if p.is_file()}


# Each of these reads or writes something that is not the database, changes it, or loosens a limit.

ESCAPES = {
    "read-csv": "SELECT * FROM read_csv('{folder}/secret.csv')",
    "read-csv-auto": "SELECT * FROM read_csv_auto('{folder}/secret.csv')",
    "read-text": "SELECT content FROM read_text('{folder}/secret.txt')",
    "read-blob": "SELECT content FROM read_blob('{folder}/secret.txt')",
    "read-json": "SELECT * FROM read_json('{folder}/secret.txt')",
    "read-parquet": "SELECT * FROM read_parquet('{folder}/spool/*/*.parquet')",
    "read-proc": "SELECT content FROM read_text('/proc/self/environ')",
    "glob": "SELECT * FROM glob('{folder}/*')",
    "file-as-table": "SELECT * FROM '{folder}/secret.csv'",
    "parquet-metadata": "SELECT * FROM parquet_metadata('{folder}/spool/00000001/00000000.parquet')",
    "sniff-csv": "SELECT * FROM sniff_csv('{folder}/secret.csv')",
    "network": "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "s3": "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "subquery": "SELECT (SELECT content FROM read_text('{folder}/secret.txt')) AS x FROM v_findings",
    "query-function": "SELECT * FROM query('SELECT * FROM read_text(''{folder}/secret.txt'')')",
    "getenv": "SELECT getenv('PATH')",
    "python-variable": "SELECT * FROM columns",
    "python-global": "SELECT * FROM ESCAPES",
    "copy-to": "COPY (SELECT 1) TO '{folder}/out.csv'",
    "copy-table-to": "COPY findings TO '{folder}/out.parquet' (FORMAT parquet)",
    "copy-from": "COPY findings FROM '{folder}/secret.csv'",
    "explain-copy": "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/out.csv'",
    "export": "EXPORT DATABASE '{folder}/out'",
    "import": "IMPORT DATABASE '{folder}/out'",
    "attach": "ATTACH '{folder}/other.duckdb' AS other",
    "attach-memory": "ATTACH ':memory:' AS other",
    "detach": "DETACH made",
    "use": "USE memory",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "load-file": "LOAD '{folder}/x.duckdb_extension'",
    "set": "SET enable_external_access = true",
    "set-memory": "SET memory_limit = '100GB'",
    "set-lock": "SET lock_configuration = false",
    "reset": "RESET memory_limit",
    "set-variable": "SET VARIABLE x = 1",
    "pragma": "PRAGMA memory_limit = '100GB'",
    "pragma-profile": "PRAGMA profile_output = '{folder}/out.json'",
    "pragma-import": "PRAGMA import_database('{folder}')",
    "create-table": "CREATE TABLE mine AS SELECT 1",
    "create-temp": "CREATE TEMP TABLE mine AS SELECT 1",
    "create-view": "CREATE OR REPLACE VIEW v_findings AS SELECT 1",
    "create-macro": "CREATE MACRO mine(a) AS a",
    "create-secret": "CREATE SECRET mine (TYPE s3)",
    "drop": "DROP TABLE findings",
    "alter": "ALTER TABLE findings ADD COLUMN mine INTEGER",
    "insert": "INSERT INTO alert_marks VALUES ('a', 'b', now()::TIMESTAMP)",
    "update": "UPDATE findings SET count = 0",
    "delete": "DELETE FROM findings",
    "truncate": "TRUNCATE findings",
    "merge": "MERGE INTO findings USING objects ON (false) WHEN MATCHED THEN DELETE",
    "explain-delete": "EXPLAIN ANALYZE DELETE FROM findings",
    "with-delete": "WITH gone AS (DELETE FROM findings RETURNING *) SELECT * FROM gone",
    "call": "CALL pragma_version()",
    "checkpoint": "CHECKPOINT",
    "vacuum": "VACUUM",
    "begin": "BEGIN",
    "prepare": "PREPARE mine AS SELECT 1",
    "execute": "EXECUTE mine",
    "several": "SELECT 1; SELECT 2",
    "hidden-second": "SELECT 1; /* ; */ DELETE FROM findings; --",
    "nothing": "",
    "comment": "-- nothing",
    "no-sql": "who has my number?",
    "no-table": "SELECT * FROM nowhere",
}


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES.keys())
def test_a_way_out_is_refused(made: Path, escape: str) -> None:
    before = folder_of(made)
    with pytest.raises(ConfigError, match=r"^sql: ") as caught:
        rows(made, escape.format(folder=made.parent), SECONDS, MEMORY)
    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) == 1
    assert "line of a file" not in str(caught.value)
    assert folder_of(made) == before
    assert not (made.parent / "out").exists()


@pytest.mark.parametrize("escape", ["read-text", "copy-to", "delete", "several", "python-variable"])
def test_a_way_out_is_refused_for_parquet_too(made: Path, escape: str) -> None:
    before = folder_of(made)
    with pytest.raises(ConfigError, match=r"^sql: "):
        to_parquet(made, ESCAPES[escape].format(folder=made.parent), made.parent / "answer.parquet", SECONDS, MEMORY)
    assert folder_of(made) == before


@pytest.mark.parametrize(
    "endless",
    [
        "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r WHERE n < 0",
    ],
    ids=["join", "recursion"],
)
def test_an_endless_query_is_stopped(made: Path, endless: str) -> None:
    begun = time.monotonic()
    with pytest.raises(StoreError, match=r"the query was stopped after 0.5 seconds \(--timeout\)"):
        rows(made, endless, 0.5, MEMORY)
    assert time.monotonic() - begun < 10
    assert ask(made, "SELECT 1") == [(1,)]


def test_memory_has_a_limit(made: Path) -> None:
    with pytest.raises(StoreError, match="the query needs more than 64MB of memory"):
        rows(made, "SELECT list(range) FROM range(30000000)", SECONDS, "64MB")


def test_a_limit_ends_a_command_with_5(made: Path, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path / "work", cache)
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1"
    done = cli.run("sql", endless, "--db", made, "--timeout", "0.5")
    assert (done.code, done.said) == (5, "piiscan: the query was stopped after 0.5 seconds (--timeout)\n")
    done = cli.run("sql", "DELETE FROM findings", "--db", made)
    assert (done.code, done.said) == (2, "piiscan: sql: only questions are allowed here, not DELETE\n")


# What is asked for is answered.


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT count(*) FROM v_findings", [(3,)]),
        ("FROM v_findings SELECT object ORDER BY object, rule", [("a.txt",), ("a.txt",), ("b.txt",)]),
        ("SELECT sum(count)::INTEGER, max(distinct_values) FROM v_findings WHERE rule = 'us.ssn'", [(6, 2)]),
        ("SELECT object, outcome, reason FROM v_objects WHERE outcome <> 'scanned'",
         [("c.bin", "skipped", "UNSUPPORTED_FILE_TYPE_EXCEPTION: no text")]),
        ("SELECT source, outcome, reason, objects, bytes FROM v_coverage ORDER BY outcome",
         [("file:///share", "scanned", "", 2, 200),
          ("file:///share", "skipped", "UNSUPPORTED_FILE_TYPE_EXCEPTION", 1, 100)]),
        ("SELECT run, status, objects, bytes, findings FROM v_runs", [(1, "done", 3, 300, 3)]),
        ("SELECT place->>'line', masked FROM v_occurrences WHERE char_start = 40", [("5", "***-**-**98")]),
        ("WITH f AS (SELECT DISTINCT object FROM v_findings) SELECT count(*) FROM f JOIN v_objects USING (object)",
         [(2,)]),
        ("VALUES (1), (2)", [(1,), (2,)]),
        ("SELECT 'a;b' -- ; a comment", [("a;b",)]),
        ("  SELECT 1 ;  ", [(1,)]),
        ("SELECT * FROM v_findings WHERE false", []),
    ],
    ids=str,
)  # fmt: skip
def test_answers(made: Path, query: str, answer: list[tuple[Any, ...]]) -> None:
    assert [tuple(row) for row in rows(made, query, SECONDS, MEMORY)[1]] == answer


@pytest.mark.parametrize("query", ["SHOW TABLES", "DESCRIBE v_findings", "EXPLAIN SELECT 1", "SUMMARIZE v_objects"])
def test_questions_about_the_views(made: Path, query: str) -> None:
    assert ask(made, query)


VIEWS = {
    "v_findings": "finding, object, source, media_type, rule, name, macie, category, severity, confidence, count, "
    "distinct_values, state, first_seen, last_seen, run",
    "v_occurrences": "finding, object, source, rule, char_start, char_length, place, masked, confidence",
    "v_objects": "object, source, media_type, size, modified, outcome, reason, risk, run",
    "v_runs": "run, started, ended, status, targets, objects, bytes, findings",
    "v_coverage": "source, outcome, reason, objects, bytes, bytes_examined",
    "v_allowed": "object, source, rule, entry, count, run",
    "v_unread": "object, source, part, code, reason, run",
    "v_jobs": "job, schedule, time_zone, targets, settings, version, paused, next_fire",
    "v_job_runs": "fire, job, version, cause, scheduled, began, ended, outcome, exit_code, run",
}


@pytest.mark.parametrize("view", VIEWS)
def test_every_promised_column_by_its_bare_name(made: Path, view: str) -> None:
    for name in VIEWS[view].split(", "):
        assert rows(made, f"SELECT {name} FROM {view}", SECONDS, MEMORY)[0] == [name]
    found = ask(made, f"SELECT {VIEWS[view]} FROM {view}")
    rows_of = {"v_findings": 3, "v_occurrences": 7, "v_objects": 3, "v_runs": 1, "v_coverage": 2}
    assert len(found) == rows_of.get(view, 0)


@pytest.mark.parametrize("view", VIEWS)
def test_every_other_column_by_its_bare_name_too(made: Path, view: str) -> None:
    (names,) = [r[0] for r in ask(made, f"SELECT list(column_name) FROM (DESCRIBE {view})")]
    assert set(VIEWS[view].split(", ")) <= set(names)
    for name in names:
        ask(made, f"SELECT {name} FROM {view} WHERE {name} IS NOT NULL OR true ORDER BY {name}")


def test_a_parquet_file_holds_the_answer_and_is_private(made: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    target = tmp_path / "answer.parquet"
    assert to_parquet(made, "SELECT object, count FROM v_findings ORDER BY ALL", target, SECONDS, MEMORY) is None
    assert pq.read_table(target).to_pydict() == {"object": ["a.txt", "a.txt", "b.txt"], "count": [1, 5, 1]}
    assert target.stat().st_mode & 0o777 == 0o600


def test_no_database_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PiiscanError, match="no such database"):
        rows(tmp_path / "none.duckdb", "SELECT 1", SECONDS, MEMORY)
