"""PostgreSQL's custom dumps: rows by table and column, large objects, every compression, damage."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fixtures.writers.pgdump import Entry, pgdump
from tests.extract.make import MAIL, SSN, docx, extract, paragraph, places_of, text_of
from tests.extract.mutate import survives

DUMP = "application/x-pgdump"

ENTRIES = (
    Entry("ENCODING", "ENCODING", "SET client_encoding = 'UTF8';\n"),
    Entry("TABLE", "people", "CREATE TABLE hr.people (id integer, mail text, raw bytea);\n"),
    Entry("TABLE DATA", "people", "", "COPY hr.people (id, mail, raw) FROM stdin;\n"),
    Entry("BLOBS", "BLOBS"),
    Entry("TABLE DATA", "notes", "", ""),
    Entry("TABLE", "notes", "CREATE TABLE hr.notes (id integer, note text);\n"),
)
ROWS = f"1\tJos\u00e9\t\\\\x68696464656e\n2\t{MAIL}\t\\N\n\\.\n\n\n"


def dump(
    version: int = 14,
    compression: int = 1,
    *,
    rows: bytes = ROWS.encode(),
    blob: bytes = b"",
    entries: Sequence[Entry] = ENTRIES,
) -> bytes:
    blobs = {4: {16396: blob}} if blob else {}
    insert = f"INSERT INTO hr.notes VALUES (1, 'x');\nINSERT INTO hr.notes VALUES (2, '{SSN}');\n".encode()
    return pgdump(entries, {3: rows, 5: insert}, blobs, version=version, compression=compression)


@pytest.mark.parametrize(("version", "compression"), [(14, 0), (14, 1), (15, 1), (16, 0), (16, 1), (16, 3)])
def test_rows_have_table_column_and_number(version: int, compression: int) -> None:
    found, job = extract(dump(version, compression), DUMP)
    assert [(p.table, p.column_name, p.row) for p in places_of(found, MAIL)] == [("hr.people", "mail", 2)]
    assert [p.row for p in places_of(found, "Jos\u00e9")] == [1]
    assert [(p.column_name, p.row) for p in places_of(found, "hidden")] == [("raw", 1)]
    assert [(p.table, p.column_name, p.row, p.line) for p in places_of(found, SSN)] == [("hr.notes", "note", 2, None)]
    assert [(p.part, p.table) for p in places_of(found, "CREATE TABLE hr.people")] == [("schema", "people")]
    assert not job.budget.notes


def test_other_encodings() -> None:
    entries = (Entry("ENCODING", "ENCODING", "SET client_encoding = 'LATIN1';\n"), *ENTRIES[1:])
    found, _ = extract(dump(entries=entries, rows=ROWS.encode("latin-1")), DUMP)
    assert [p.row for p in places_of(found, "Jos\u00e9")] == [1]


def test_large_objects_are_members() -> None:
    found, job = extract(dump(blob=docx(paragraph(f"Dear {SSN}"))), DUMP)
    assert [p.member for p in places_of(found, f"Dear {SSN}")] == [("large object 16396",)]
    assert places_of(found, SSN)
    assert not job.budget.notes


def test_damaged_rows_cost_no_other_table() -> None:
    whole = bytearray(dump())
    at = whole.index(b"\x78\x9c")
    whole[at + 4 : at + 12] = b"\xff" * 8
    found, job = extract(bytes(whole), DUMP)
    assert places_of(found, SSN)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_a_cut_dump_is_read_up_to_there() -> None:
    found, job = extract(dump()[:-20], DUMP)
    assert places_of(found, MAIL)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


LZ4 = dump(16, 0).replace(b"\x10\0\x04\x08\x01\0", b"\x10\0\x04\x08\x01\x02", 1)
NEWER = b"PGDMP\x01\x63" + dump()[7:]


@pytest.mark.parametrize("data", [LZ4, NEWER])
def test_what_cannot_be_read_says_how_to(data: bytes) -> None:
    found, job = extract(data, DUMP)
    assert "CREATE TABLE hr.people" in text_of(found)
    (note,) = job.budget.notes
    assert note.startswith("UNSUPPORTED_FILE_TYPE_EXCEPTION")
    assert "pg_restore" in note


def test_damage_never_escapes() -> None:
    assert survives(dump(blob=b"text in a large object"), DUMP) > 30
