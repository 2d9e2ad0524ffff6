"""DuckDB files: rows by table and column, nested columns, and a database that cannot be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.writers.database import duckdb as database
from piiscan.errors import ObjectError
from piiscan.extract import Job, duckfile, segments
from tests.extract.make import MAIL, docx, extract, paragraph, places_of, text_of
from tests.extract.mutate import survives

DUCK = "application/x-duckdb"


def test_places_have_table_column_and_row() -> None:
    data = database(
        "CREATE SCHEMA hr",
        "CREATE TABLE hr.staff (id INT, mail VARCHAR, home STRUCT(phones VARCHAR[]), kind ENUM('p', 'q'))",
        f"INSERT INTO hr.staff VALUES (1, 'a', NULL, 'p'), (2, '{MAIL}', {{'phones': ['y', '5550100']}}, 'q')",
        "CREATE VIEW v AS SELECT 'never run' AS a FROM range(1000000000000)",
    )
    found, job = extract(data, DUCK)
    (mail,) = places_of(found, MAIL)
    assert (mail.table, mail.column_name, mail.row) == ("hr.staff", "mail", 2)
    (phone,) = places_of(found, "5550100")
    assert (phone.table, phone.row, phone.path) == ("hr.staff", 2, "home.phones.list.element")
    assert "CREATE VIEW v" in text_of(found)
    assert not job.budget.notes


def test_rows_count_over_batches() -> None:
    found, _ = extract(database("CREATE TABLE t AS SELECT 'user-' || i AS a FROM range(1, 50001) r(i)"), DUCK)
    assert [p.row for p in places_of(found, "user-44444")] == [44444]


def test_a_document_in_a_column_is_a_member() -> None:
    letter = docx(paragraph(f"Dear {MAIL}"))
    found, _ = extract(
        database("CREATE TABLE t (a BLOB)", "INSERT INTO t VALUES (NULL), (?)", parameters=(letter,)), DUCK
    )
    (place,) = places_of(found, MAIL)
    assert place.member == ("a[2]",)


def test_a_file_is_read_where_it_is_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_bytes(database("CREATE TABLE t AS SELECT '" + MAIL + "' AS a"))
    with path.open("rb") as stream:
        assert places_of(list(segments(stream, Job(name="x"))), MAIL)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_database_cannot_reach_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(f"a\n{MAIL}\n")
    data = database(
        f"CREATE MACRO peek() AS TABLE SELECT * FROM read_csv('{secret}')",
        f"CREATE VIEW t AS SELECT * FROM read_csv('{secret}')",
    )
    found, _ = extract(data, DUCK)
    assert MAIL not in text_of(found)


def test_why_a_database_was_not_opened() -> None:
    assert duckfile._refused(ValueError("cannot open an ENCRYPTED database")).reason == "INVALID_ENCRYPTION"
    newer = duckfile._refused(ValueError("a version number of 99"))
    assert (newer.reason, newer.outcome) == ("UNSUPPORTED_FILE_TYPE_EXCEPTION", "skipped")


@pytest.mark.parametrize("size", [100, 5000, 20_000])
def test_a_truncated_file(size: int) -> None:
    data = database("CREATE TABLE t AS SELECT '" + MAIL + "' AS a FROM range(100)")
    with pytest.raises(ObjectError):
        extract(data[:size], DUCK)


def test_damage_never_escapes() -> None:
    survives(database(f"CREATE TABLE t AS SELECT '{MAIL}' AS a"), DUCK, 25)
