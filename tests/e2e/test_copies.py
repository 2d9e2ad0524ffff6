"""Objects of one content: it is read once, and found in each of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import Cli
from tests.support.proxy import FaultProxy, fault_proxy
from tests.support.s3 import READERS, Bucketeer, read_by
from tests.support.trees import mail, ssn

PEOPLE = "id,email,ssn\n" + "".join(f"{n},{mail(n)},{ssn(n)}\n" for n in range(200))
ROWS = {
    "findings": "SELECT o.key, f.rule, f.category, f.severity, f.confidence, f.count, f.distinct_values, f.test_data, "
    "f.first_seen FROM findings f JOIN objects o USING (oid, run) WHERE f.superseded IS NULL",
    "occurrences": "SELECT o.key, c.rule, c.seq, c.place, c.masked, c.confidence, c.fingerprint FROM occurrences c "
    "JOIN objects o USING (oid, run) WHERE o.superseded IS NULL",
    "values": "SELECT o.key, v.rule, v.fingerprint, v.count FROM value_index v JOIN objects o USING (oid, run) "
    "WHERE o.superseded IS NULL",
    "sketches": "SELECT o.key, s.words, s.digits, s.signs FROM sketches s JOIN objects o USING (oid, run) "
    "WHERE o.superseded IS NULL",
    "objects": "SELECT key, media_type, size, outcome, reason, bytes_examined, risk, reasons FROM objects "
    "WHERE superseded IS NULL",
}


@pytest.fixture
def proxy(s3: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(s3.port) as made:
        yield made


@pytest.fixture
def cli(cli: Cli, proxy: FaultProxy) -> Cli:
    cli.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    return cli


def rows_of(cli: Cli, key: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of one object, its key left out."""
    import duckdb

    con = duckdb.connect(str(cli.root / "piiscan.duckdb"), read_only=True)
    try:
        found = {name: con.execute(f"{query} ORDER BY ALL").fetchall() for name, query in ROWS.items()}
    finally:
        con.close()
    return {name: [row[1:] for row in rows if row[0] == key] for name, rows in found.items()}


@pytest.mark.parametrize("reader", READERS)
def test_copies_are_read_once_and_found_everywhere(cli: Cli, s3: Bucketeer, proxy: FaultProxy, reader: str) -> None:
    read_by(cli, reader)
    bucket = f"s3://copied-{reader}"
    body = PEOPLE.encode()
    keys = ["a/people.csv", "backup/people.csv", "z/old.csv"]
    s3.make(bucket[5:], {**dict.fromkeys(keys, body), "other.csv": body[:-1], "people.txt": body})
    summary = cli.scan(bucket)
    assert sorted(proxy.reads()) == ["a/people.csv", "other.csv", "people.txt"]
    assert summary["copies"] == {"objects": 2, "bytes": 2 * len(body)}
    assert summary["objects"]["scanned"] == 5
    assert summary["bytes"] == 3 * len(body) - 1
    for key in keys[1:]:
        ours, origin = rows_of(cli, key), rows_of(cli, keys[0])
        assert ours == origin
        assert ours["occurrences"]
    ids = cli.sql("SELECT count(*) AS n, count(DISTINCT finding) AS ids FROM v_findings")
    assert ids[0]["n"] == ids[0]["ids"]
    assert cli.good("db", "check").code == 0

    proxy.forget()
    assert cli.scan(bucket)["objects"]["unchanged"] == 5
    assert proxy.reads() == []


def test_a_copy_that_changes_is_read_and_its_findings_close(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("changing", {"a.csv": PEOPLE.encode(), "b.csv": PEOPLE.encode()})
    cli.scan("s3://changing")
    s3.put("changing", "b.csv", b"id\n1\n")
    proxy.forget()
    cli.scan("s3://changing")
    assert proxy.reads() == ["b.csv"]
    assert {row["object"] for row in cli.sql("SELECT object FROM v_findings")} == {"a.csv"}
    first = cli.sql("SELECT finding, first_seen FROM v_findings ORDER BY finding")
    s3.put("changing", "b.csv", PEOPLE.encode())
    cli.scan("s3://changing", "--full")
    assert {row["object"] for row in cli.sql("SELECT object FROM v_findings")} == {"a.csv", "b.csv"}
    again = cli.sql("SELECT finding, first_seen FROM v_findings WHERE object = 'a.csv' ORDER BY finding")
    assert again == first


def test_what_is_read_by_its_name_is_no_copy(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    packed = gzip.compress(PEOPLE.encode(), mtime=0)
    s3.make("named", {"x/people.csv.gz": packed, "y/people.csv.gz": packed, "y/staff.csv.gz": packed})
    cli.scan("s3://named")
    assert sorted(proxy.reads()) == ["x/people.csv.gz", "y/staff.csv.gz"]
    members = cli.sql("SELECT DISTINCT object, place->'member'->>0 AS member FROM v_occurrences ORDER BY object")
    assert [row["member"] for row in members] == ["people.csv", "people.csv", "staff.csv"]


def test_etags_that_are_no_checksums_vouch_for_nothing(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("parts")
    for key in ("a.csv", "b.csv"):
        upload = s3.client.create_multipart_upload(Bucket="parts", Key=key)["UploadId"]
        part = s3.client.upload_part(Bucket="parts", Key=key, UploadId=upload, PartNumber=1, Body=PEOPLE.encode())
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.client.complete_multipart_upload(Bucket="parts", Key=key, UploadId=upload, MultipartUpload=parts)
    summary = cli.scan("s3://parts")
    assert sorted(proxy.reads()) == ["a.csv", "b.csv"]
    assert "copies" not in summary


def test_an_allow_list_may_know_objects_by_name(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("allowed", {"a.csv": PEOPLE.encode(), "test/b.csv": PEOPLE.encode()})
    (cli.root / "allow.toml").write_text(
        '[[allow]]\nreason = "test data"\npatterns = ["[0-9-]{11}"]\nrule = ["us.ssn"]\npath = ["test/**"]\n'
    )
    cli.scan("s3://allowed", "--allow", "allow.toml")
    assert sorted(proxy.reads()) == ["a.csv", "test/b.csv"]


def test_a_copy_whose_origin_could_not_be_read_is_read(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("broken", {"a.zip": b"PK\x03\x04 not an archive at all, and long enough", "b.zip": b"", "c.txt": b"x"})
    s3.put("broken", "b.zip", b"PK\x03\x04 not an archive at all, and long enough")
    cli.scan("s3://broken", codes=(0, 4))
    outcomes = {row["object"]: row["outcome"] for row in cli.sql("SELECT object, outcome FROM v_objects")}
    assert outcomes["a.zip"] == outcomes["b.zip"]
