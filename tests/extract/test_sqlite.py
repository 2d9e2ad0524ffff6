"""SQLite: rows by table, column and rowid; what is never run; and what damage leaves."""

from __future__ import annotations

import io
import sqlite3
import tempfile
from pathlib import Path
from typing import cast

import pytest

from fixtures.writers.database import sqlite as database
from piiscan.extract import Job, segments
from piiscan.model import Segment
from tests.extract.make import MAIL, SSN, docx, extract, paragraph, places_of, text_of
from tests.extract.mutate import survives

SQLITE = "application/vnd.sqlite3"

PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, card REAL, raw BLOB)"


def test_places_have_table_column_and_rowid() -> None:
    data = database(
        PEOPLE,
        f"INSERT INTO people VALUES (7, '{MAIL}', 4111111111111111.0, x'ff0068696464656e2074657874')",
        "INSERT INTO people VALUES (9, NULL, 1.5, 'plain')",
        'CREATE TABLE "odd ""name" (rowid TEXT, "a b" TEXT)',
        f"""INSERT INTO "odd ""name" VALUES ('r', '{SSN}')""",
    )
    found, job = extract(data, SQLITE)
    (mail,) = places_of(found, MAIL)
    assert (mail.table, mail.column_name, mail.row) == ("people", "mail", 7)
    (ssn,) = places_of(found, SSN)
    assert (ssn.table, ssn.column_name, ssn.row) == ('odd "name', "a b", 1)
    assert [(p.column_name, p.row) for p in places_of(found, "4111111111111111")] == [("card", 7)]
    assert [p.row for p in places_of(found, "hidden text")] == [7]
    assert [p.row for p in places_of(found, "plain")] == [9]
    assert not job.budget.notes


def test_the_schema_is_text() -> None:
    found, _ = extract(
        database(f"CREATE TABLE t (a TEXT DEFAULT '{MAIL}')", "CREATE VIEW v AS SELECT 'x' FROM t"), SQLITE
    )
    (place,) = places_of(found, MAIL)
    assert (place.part, place.table) == ("schema", "t")
    assert "CREATE VIEW v" in text_of(found)


def test_without_rowid_rows_count_in_the_order_of_the_key() -> None:
    data = database(
        "CREATE TABLE t (k TEXT PRIMARY KEY, mail TEXT) WITHOUT ROWID",
        f"INSERT INTO t VALUES ('z', '{MAIL}'), ('a', 'b@example.org')",
    )
    found, _ = extract(data, SQLITE)
    assert [(p.table, p.row) for p in places_of(found, MAIL)] == [("t", 2)]


def test_an_endless_view_and_a_computed_column_are_never_run() -> None:
    data = database(
        "CREATE TABLE t (a TEXT, b TEXT GENERATED ALWAYS AS (upper(a)) VIRTUAL, c TEXT AS (a || '!') STORED)",
        f"INSERT INTO t (a) VALUES ('{MAIL}')",
        "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
    )
    found, _ = extract(data, SQLITE)
    assert [p.column_name for p in places_of(found, MAIL)] == ["a", "c"]
    assert MAIL.upper() not in text_of(found)


def test_full_text_tables_are_read_by_what_they_store() -> None:
    data = database("CREATE VIRTUAL TABLE notes USING fts4(body)", f"INSERT INTO notes VALUES ('write to {MAIL}')")
    found, _ = extract(data, SQLITE)
    assert ("notes_content", 1) in [(p.table, p.row) for p in places_of(found, MAIL)]


def test_documents_in_blobs_are_members() -> None:
    letter = docx(paragraph(f"Dear {MAIL}"))
    found, _ = extract(
        database(PEOPLE, fill=lambda c: c.execute("INSERT INTO people VALUES (3, 'a', 0, ?)", (letter,))), SQLITE
    )
    (place,) = places_of(found, MAIL)
    assert (place.member, place.paragraph) == (("people.raw[3]",), 1)


def test_other_encodings_and_negative_rowids() -> None:
    data = database(
        "PRAGMA encoding = 'UTF-16be'", "CREATE TABLE t (a TEXT)", "INSERT INTO t (rowid, a) VALUES (-5, 'Jos\u00e9')"
    )
    found, _ = extract(data, SQLITE)
    assert [p.row for p in places_of(found, "Jos\u00e9")] == [1]


def rows(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO people VALUES (?, ?, NULL, NULL)", [(n, f"user{n}@example.org {'x' * 50}") for n in range(1, 2001)]
    )


def test_a_damaged_page_costs_its_rows() -> None:
    data = bytearray(database("PRAGMA page_size = 1024", PEOPLE, fill=rows))
    page = data.index(b"user1000@") // 1024 * 1024
    data[page : page + 64] = b"\xff" * 64
    found, job = extract(bytes(data), SQLITE)
    got = {int(n) for s in found for n in getattr(s, "rows", ())}
    assert {1, 2000} <= got
    assert len(got) > 1900
    assert 1000 not in got
    assert job.budget.notes[0].startswith("MALFORMED_FILE: 1 of 1 tables")


def test_a_truncated_file_is_read_up_to_there() -> None:
    data = database("PRAGMA page_size = 1024", PEOPLE, fill=rows)
    found, job = extract(data[: len(data) // 2 // 1024 * 1024], SQLITE)
    assert [(p.table, p.column_name, p.row) for p in places_of(found, "user1@")] == [("people", "mail", 1)]
    assert len(places_of(found, "@example.org")) > 900
    assert len(places_of(found, "user900@")) == 1
    assert job.budget.notes[0].startswith("MALFORMED_FILE: a damaged SQLite database")


def test_rows_of_a_file_whose_schema_is_gone() -> None:
    long = "y" * 9000 + SSN
    data = bytearray(database(PEOPLE, f"INSERT INTO people VALUES (7, '{MAIL}', 2.5, '{long}')"))
    data[100:4096] = b"\xff" * 3996
    found, job = extract(bytes(data), SQLITE)
    assert [(p.column_name, p.row) for p in places_of(found, MAIL)] == [("column 2", 7)]
    assert [(p.column_name, p.row) for p in places_of(found, SSN)] == [("column 4", 7)]
    assert "without their tables' names" in job.budget.notes[0]


def test_a_file_that_cannot_be_opened_is_read_as_text() -> None:
    found, job = extract(b"SQLite format 3\0" + b"\xff" * 4096 + MAIL.encode() + bytes(9), SQLITE)
    assert places_of(found, MAIL)[0].byte == 4112
    assert job.budget.notes == ["MALFORMED_FILE: the SQLite database cannot be opened: only printable text was read"]


def test_a_file_is_read_where_it_is_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#%41.db"
    path.write_bytes(database(PEOPLE, f"INSERT INTO people VALUES (1, '{MAIL}', 0, NULL)"))
    with path.open("rb") as stream:
        found = list(segments(stream, Job(name="x.db")))
    assert places_of(found, MAIL)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_file_without_a_name() -> None:
    with tempfile.TemporaryFile() as stream:
        stream.write(database(PEOPLE, f"INSERT INTO people VALUES (1, '{MAIL}', 0, NULL)"))
        stream.seek(0)
        assert places_of(cast(list[Segment], list(segments(stream, Job(name="x.db")))), MAIL)


def test_a_wal_database_is_read_without_its_log() -> None:
    data = database("PRAGMA journal_mode = WAL", PEOPLE, f"INSERT INTO people VALUES (1, '{MAIL}', 0, NULL)")
    found, _ = extract(data, SQLITE)
    assert places_of(found, MAIL)


def test_damage_never_escapes() -> None:
    data = database(PEOPLE, f"INSERT INTO people VALUES (1, '{MAIL}', 0, x'00')")
    assert survives(data, SQLITE) > 10


def test_a_stream_is_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stream = io.BytesIO(database(PEOPLE, f"INSERT INTO people VALUES (1, '{MAIL}', 0, NULL)"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert places_of(list(segments(stream, Job(name="x.db"))), MAIL)
    assert not list(tmp_path.iterdir())
