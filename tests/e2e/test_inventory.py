"""A run by an S3 Inventory finds what a run by a listing finds, and says what is wrong with an inventory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.support.cli import Cli, dump
from tests.support.s3 import Bucketeer
from tests.support.trees import documents, ssn

ODD = {"a+b c%2Fd&e=f.txt": b"x", 'q"uo,te.txt': f"SSN: {ssn(3)}\n".encode(), "ünï/😀.txt": b"", "/lead//x.txt": b"y"}
OLD = {
    "Key": "old version.txt",
    "Size": 5,
    "ETag": '"aa"',
    "StorageClass": "STANDARD",
    "latest": False,
    "deleted": False,
}
MARK = {"Key": "deleted.txt", "Size": None, "ETag": None, "StorageClass": None, "latest": True, "deleted": True}
CSV_SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"


def csv_file(bucket: str, rows: list[dict[str, Any]]) -> bytes:
    lines = []
    for row in rows:
        moment = row["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
        cells: tuple[str, ...] = (
            bucket,
            quote_plus(row["Key"]),
            "v1",
            str(row["latest"]).lower(),
            str(row["deleted"]).lower(),
        )
        cells += (
            str(row["Size"] if row["Size"] is not None else ""),
            moment,
            row["ETag"] or "",
            row["StorageClass"] or "",
        )
        lines.append(",".join(f'"{cell}"' for cell in cells) + "\n")
    return gzip.compress("".join(lines).encode())


def table(bucket: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table(
        {
            "bucket": [bucket] * len(rows),
            "key": [row["Key"] for row in rows],
            "version_id": ["v1"] * len(rows),
            "is_latest": [row["latest"] for row in rows],
            "is_delete_marker": [row["deleted"] for row in rows],
            "size": pa.array([row["Size"] for row in rows], pa.int64()),
            "last_modified_date": pa.array(
                [row["LastModified"].replace(tzinfo=None) for row in rows], pa.timestamp("ms")
            ),
            "e_tag": [row["ETag"] for row in rows],
            "storage_class": [row["StorageClass"] for row in rows],
        }
    )


def packed(kind: str, bucket: str, rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    if kind == "CSV":
        return csv_file(bucket, rows)
    if kind == "Parquet":
        pq.write_table(table(bucket, rows), out)
    else:
        orc.write_table(table(bucket, rows), out)
    return out.getvalue()


def inventory(s3: Bucketeer, bucket: str, kind: str, *, age: float = 60, spoil: str = "", **more: Any) -> str:
    """An inventory of what is in a bucket, in two files of another one; the address of its manifest."""
    rows: list[dict[str, Any]] = []
    for entry in s3.client.list_objects_v2(Bucket=bucket)["Contents"]:
        rows.append({**entry, "ETag": entry["ETag"].strip('"'), "latest": True, "deleted": False})
    rows += [{**row, "LastModified": datetime(2026, 1, 2, tzinfo=UTC)} for row in (OLD, MARK)]
    where = f"{bucket}-inventory-{kind.lower()}"
    s3.make(where)
    files = []
    for number, part in enumerate((rows[: len(rows) // 2], rows[len(rows) // 2 :])):
        data = packed(kind, bucket, part)
        key = f"{bucket}/all/data/part{number}"
        s3.put(where, key, data + b"x" if spoil == key else data)
        files.append({"key": key, "size": len(data), "MD5checksum": hashlib.md5(data).hexdigest()})
    manifest = {
        "sourceBucket": bucket,
        "destinationBucket": f"arn:aws:s3:::{where}",
        "version": "2016-11-30",
        "creationTimestamp": str(int((time.time() - age) * 1000)),
        "fileFormat": kind,
        "fileSchema": CSV_SCHEMA if kind == "CSV" else "message s3.inventory { ... }",
        "files": files,
        **more,
    }
    s3.put(where, f"{bucket}/all/2026/manifest.json", json.dumps(manifest).encode())
    return f"s3://{where}/{bucket}/all/2026/manifest.json"


@pytest.fixture
def cli(cli: Cli, s3: Bucketeer) -> Cli:
    cli.env["AWS_ENDPOINT_URL_S3"] = s3.url
    return cli


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "ORC"])
def test_the_same_as_a_listing(cli: Cli, s3: Bucketeer, kind: str) -> None:
    bucket = f"held-{kind.lower()}"
    s3.make(bucket, dict(documents(40)) | ODD)
    s3.put(bucket, "cold.txt", b"x", StorageClass="GLACIER")
    (cli.root / "key").write_text("5a" * 32)
    (cli.root / "key").chmod(0o600)
    url = inventory(s3, bucket, kind)
    listed = cli.scan(f"s3://{bucket}", "--db", "a.duckdb", "--key-file", "key", codes=(4,))
    taken = cli.scan(f"s3://{bucket}", "--from-inventory", url, "--db", "b.duckdb", "--key-file", "key", codes=(4,))
    assert taken["objects"] == listed["objects"]
    assert taken["objects"]["skipped"] == 1
    found, wanted = dump(cli.root / "b.duckdb"), dump(cli.root / "a.duckdb")
    for name in ("findings", "occurrences", "value_index", "objects"):
        assert len(wanted[name]) > 10
        assert found[name] == wanted[name], name
    again = cli.scan(f"s3://{bucket}", "--from-inventory", url, "--db", "b.duckdb", "--key-file", "key", codes=(4,))
    assert (again["objects"]["scanned"], again["gone"]) == (0, 0)
    below = cli.scan(f"s3://{bucket}/d1/", "--from-inventory", url, "--db", "c.duckdb", "--key-file", "key")
    assert below["listed"] == sum(key.startswith("d1/") for key in dict(documents(40)))


def test_what_is_younger_than_the_inventory_is_not_gone(cli: Cli, s3: Bucketeer) -> None:
    s3.make("younger", {"a.txt": f"SSN: {ssn(1)}\n".encode(), "b.txt": f"SSN: {ssn(2)}\n".encode()})
    cli.scan("s3://younger")
    s3.client.delete_object(Bucket="younger", Key="b.txt")
    # As if it had been made before both: nothing that is missing from it need be gone.
    early = inventory(s3, "younger", "CSV", age=3_600)
    assert cli.scan("s3://younger", "--from-inventory", early)["gone"] == 0
    s3.client.put_object(Bucket="younger-inventory-csv", Key="late.json", Body=_later(s3, early))
    assert cli.scan("s3://younger", "--from-inventory", "s3://younger-inventory-csv/late.json")["gone"] == 1
    assert {row["object"] for row in cli.sql("SELECT object FROM v_findings")} == {"a.txt"}


def _later(s3: Bucketeer, url: str) -> bytes:
    where, _, key = url.removeprefix("s3://").partition("/")
    manifest = json.loads(s3.client.get_object(Bucket=where, Key=key)["Body"].read())
    return json.dumps({**manifest, "creationTimestamp": str(int((time.time() + 60) * 1000))}).encode()


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("stale", {"age": 5 * 86_400}, "5.0 days old"),
        ("elsewhere", {"sourceBucket": "another"}, "an inventory of the bucket another"),
        ("damaged", {"spoil": "damaged/all/data/part1"}, "MD5"),
        ("odd-kind", {"fileFormat": "Avro"}, "the format 'Avro' is not read"),
        ("no-files", {"files": [{"key": "gone"}]}, "not a manifest"),
        ("gone-file", {"files": [{"key": "gone", "MD5checksum": "0"}]}, "cannot be read (NoSuchKey)"),
        ("no-number", {"creationTimestamp": "yesterday"}, "not a manifest"),
    ],
)
def test_what_is_wrong_with_an_inventory(cli: Cli, s3: Bucketeer, name: str, more: dict[str, Any], says: str) -> None:
    s3.make(name, {"a.txt": b"x", "b.txt": b"x"})
    url = inventory(s3, name, "CSV", **more)
    done = cli.run("scan", f"s3://{name}", "--from-inventory", url, "--no-ner", "--quiet")
    assert done.code == 3
    assert says in done.said
    assert len(done.said.splitlines()) == 1
    if name == "stale":
        assert cli.scan(f"s3://{name}", "--from-inventory", url, "--max-inventory-age", 0)["listed"] == 2
        assert cli.scan(f"s3://{name}", "--from-inventory", url, "--max-inventory-age", 6)["listed"] == 2


@pytest.mark.parametrize("url", ["nowhere", "s3://no-such-bucket/manifest.json", "s3://bucket"])
def test_no_manifest_there(cli: Cli, s3: Bucketeer, url: str) -> None:
    if "listed" not in [b["Name"] for b in s3.client.list_buckets()["Buckets"]]:
        s3.make("listed", {"a.txt": b"x"})
    done = cli.run("scan", "s3://listed", "--from-inventory", url, "--no-ner", "--quiet")
    assert done.code == 3
    assert done.said.startswith("piiscan: ")
    assert len(done.said.splitlines()) == 1
