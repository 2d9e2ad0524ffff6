"""SQL dumps of several programs: rows by table and column, on the right line; and text for all the rest."""

from __future__ import annotations

import io
import random

import pytest

from piiscan.extract import ColumnSegment, Job, segments
from piiscan.extract.dump import _Reader
from piiscan.identify import identify
from piiscan.model import Segment
from tests.extract.make import MAIL, SSN, extract, places_of, text_of
from tests.extract.mutate import survives

SQL = "application/sql"
MYSQL = rf"""-- MySQL dump 10.13  Distrib 8.0
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `users` (
  `id` int NOT NULL AUTO_INCREMENT,
  `mail` varchar(255) DEFAULT 'a,b',
  `note` text,
  PRIMARY KEY (`id`),
  KEY `k` (`mail`)
) ENGINE=InnoDB;
INSERT INTO `users` VALUES (1,'a@example.org','it\'s; (ok),\n''quoted'''),(2,'{MAIL}',0x68696464656e),
(3,NULL,_binary 'b');
INSERT INTO `shop`.`orders` (`id`,`card number`) VALUES
(1,'4111111111111111'),
-- a comment
(2,NULL);
UNLOCK TABLES; -- owner {SSN}
"""
POSTGRES = rf"""--
-- PostgreSQL database dump
--

COPY public.people (id, "full name", note, raw) FROM stdin;
1	Ana Prueba	tab\there\\	\\x68696464656e
2	{MAIL}	\N	\N
\.

INSERT INTO public.t (a, b) VALUES (now(), E'it\'s {SSN}'), (2, 'C:\');
"""


def columns(found: list[Segment]) -> dict[tuple[str | None, str], list[tuple[int, str]]]:
    out: dict[tuple[str | None, str], list[tuple[int, str]]] = {}
    for segment in found:
        if isinstance(segment, ColumnSegment):
            key = (segment.base.table, segment.header)
            out.setdefault(key, []).extend(zip(map(int, segment.rows), segment.values, strict=True))
    return out


def test_mysql() -> None:
    found, job = extract(MYSQL.encode(), SQL)
    assert columns(found) == {
        ("users", "id"): [(1, "1"), (2, "2"), (3, "3")],
        ("users", "mail"): [(1, "a@example.org"), (2, MAIL)],
        ("users", "note"): [(1, "it's; (ok),\n'quoted'"), (2, "hidden"), (3, "b")],
        ("shop.orders", "id"): [(1, "1"), (2, "2")],
        ("shop.orders", "card number"): [(1, "4111111111111111")],
    }
    assert [(p.line, p.row) for p in places_of(found, MAIL)] == [(10, 2)]
    assert [p.line for p in places_of(found, "4111111111111111")] == [13]
    (ssn,) = places_of(found, SSN)
    assert (ssn.line, ssn.table) == (16, None)
    assert not job.budget.notes


def test_postgres() -> None:
    found, _ = extract(POSTGRES.encode(), SQL)
    assert columns(found) == {
        ("public.people", "id"): [(1, "1"), (2, "2")],
        ("public.people", "full name"): [(1, "Ana Prueba"), (2, MAIL)],
        ("public.people", "note"): [(1, "tab\there\\")],
        ("public.people", "raw"): [(1, "hidden")],
        ("public.t", "a"): [(1, "now()"), (2, "2")],
        ("public.t", "b"): [(1, f"it's {SSN}"), (2, "C:\\")],
    }
    assert [p.line for p in places_of(found, MAIL)] == [7]
    assert [p.line for p in places_of(found, SSN)] == [10]


def test_sql_server_in_utf16() -> None:
    text = (
        "SET IDENTITY_INSERT [dbo].[Staff] ON\r\n"
        f"INSERT [dbo].[Staff] ([Id], [Full Name (x)], [Born]) VALUES (1, N'{MAIL}', CAST(N'1980-01-02' AS Date))\r\n"
        "GO\r\n"
        f"INSERT [dbo].[Staff] ([Id], [Full Name (x)], [Born]) VALUES (2, N'O''Hara {SSN}', NULL)\r\nGO\r\n"
    )
    stream = io.BytesIO(text.encode("utf-16"))
    found = list(segments(stream, Job(name="a.sql")))
    assert [(p.table, p.column_name, p.line, p.row) for p in places_of(found, MAIL)] == [
        ("dbo.Staff", "Full Name (x)", 2, 1)
    ]
    assert [(p.line, p.row) for p in places_of(found, f"O'Hara {SSN}")] == [(4, 2)]
    assert places_of(found, "1980-01-02")[0].column_name == "Born"


def test_sqlite_and_oracle() -> None:
    sqlite = (
        'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a INTEGER PRIMARY KEY, "b c" TEXT);\n'
        f"INSERT INTO t VALUES(1,'{MAIL}');\nINSERT INTO \"t\" VALUES(2,X'68696464656e');\n"
    )
    found, _ = extract(sqlite.encode(), SQL)
    assert columns(found)[("t", "b c")] == [(1, MAIL), (2, "hidden")]
    oracle = (
        "INSERT INTO G (Id, Name, Born) VALUES (1, 'R'||chr(38)||'B', TO_DATE('1980-1-2 00:00:00','yyyy-mm-dd'));\n"
    )
    found, _ = extract(oracle.encode(), SQL)
    assert columns(found)[("G", "Name")] == [(1, "R&B")]
    assert columns(found)[("G", "Born")] == [(1, "TO_DATE('1980-1-2 00:00:00','yyyy-mm-dd')")]


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        (MYSQL, "x", SQL),
        (POSTGRES, "backup", SQL),
        ("CREATE TABLE t (a int);\n", "a.sql", SQL),
        ("SELECT mail FROM people WHERE id = 1;\n", "a.sql", "text/plain"),
        ("How to INSERT INTO a table.\n", "a.txt", "text/plain"),
    ],
)
def test_identified(text: str, name: str, kind: str) -> None:
    assert identify(io.BytesIO(text.encode()), name).media_type == kind


def test_a_statement_of_many_megabytes() -> None:
    rows = ",".join(f"({n},'user{n}@example.org','{'x' * 90}')" for n in range(60_000))
    found, job = extract(f"-- MySQL dump\nINSERT INTO `t` VALUES {rows};\n".encode(), SQL)
    assert [(p.row, p.line) for p in places_of(found, "user59999@")] == [(60_000, 2)]
    assert not job.budget.notes


def test_chunks_make_no_difference() -> None:
    def all_of(cut: list[str]) -> object:
        found = list(_Reader(iter(cut), Job(name="x")).read())
        return columns(found), text_of([s for s in found if not isinstance(s, ColumnSegment)]).replace("\n", "")

    rng = random.Random(3)
    for text in (MYSQL.replace("\n", "\r\n"), POSTGRES):
        whole = all_of([text])
        for size in (1, 7, 50):
            pieces, at = [], 0
            while at < len(text):
                end = at + rng.randint(1, size)
                pieces.append(text[at:end])
                at = end
            assert all_of(pieces) == whole


def test_what_breaks_off_goes_on_as_text() -> None:
    found, _ = extract(f"-- MySQL dump\nINSERT INTO `t` VALUES (1,'unterminated {MAIL}".encode(), SQL)
    assert [p.line for p in places_of(found, MAIL)] == [2]
    found, _ = extract(f"-- MySQL dump\nINSERT INTO `t` VALUES (1,{{}}, {MAIL};\nnext {SSN}\n".encode(), SQL)
    assert places_of(found, MAIL)
    assert places_of(found, SSN)


@pytest.mark.parametrize("text", [MYSQL, POSTGRES])
def test_damage_never_escapes(text: str) -> None:
    assert survives(text.encode(), SQL) == 60
