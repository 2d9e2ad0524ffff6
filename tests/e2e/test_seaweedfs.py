"""A bucket of an S3 that is not Amazon's, nor made after it by the people of moto: the same rows by both readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import Cli
from tests.support.programs import needs
from tests.support.s3 import READERS, Bucketeer, read_by
from tests.support.seaweed import seaweed
from tests.support.trees import mail, ssn

pytestmark = needs("weed")
KEYS = (
    "plain.txt",
    "sp ace/and+plus.txt",
    "per%2Fcent.txt",
    "überall/naïve.txt",
    "q?uery&=#hash.txt",
    "deep/" * 9 + "x",
)
STATE = (
    "SELECT object, rule, count, distinct_values, confidence FROM v_findings ORDER BY ALL",
    "SELECT object, place, masked, fingerprint FROM v_occurrences ORDER BY ALL",
)


@pytest.fixture(scope="module")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucketeer]:
    with seaweed(tmp_path_factory.mktemp("weed")) as server:
        yield server


def held(number: int) -> bytes:
    return f"His SSN: {ssn(number)} is on file with {mail(number)}\n".encode()


def at(cli: Cli, weed: Bucketeer, reader: str) -> Cli:
    cli.env |= {"AWS_ENDPOINT_URL_S3": weed.url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    key = cli.root / "key"
    if not key.exists():
        key.write_text("4d" * 32)
        key.chmod(0o600)
    return read_by(cli, reader)


def scan(cli: Cli, bucket: str, database: str, *more: str) -> dict[str, Any]:
    return cli.scan(f"s3://{bucket}", "--db", f"{database}.duckdb", "--key-file", "key", *more)


def state(cli: Cli, database: str) -> list[Any]:
    return [cli.run("sql", "--db", f"{database}.duckdb", "--json", query).lines() for query in STATE]


def test_both_readers_find_the_same(cli: Cli, weed: Bucketeer) -> None:
    large = b"".join(b"%d request\n" % n if n % 5_000 else held(n % 900) for n in range(400_000))
    bucket = weed.make("same", {key: held(n) for n, key in enumerate(KEYS)} | {"large.log": large, "empty": b""})
    # One of several parts, whose ETag is no MD5.
    upload = weed.client.create_multipart_upload(Bucket=bucket, Key="parts.txt")["UploadId"]
    parts = []
    for n, body in enumerate((b"x" * (5 << 20) + b"\n", held(77)), 1):
        sent = weed.client.upload_part(Bucket=bucket, Key="parts.txt", UploadId=upload, PartNumber=n, Body=body)
        parts.append({"PartNumber": n, "ETag": sent["ETag"]})
    weed.client.complete_multipart_upload(
        Bucket=bucket, Key="parts.txt", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    for reader in READERS:
        summary = scan(at(cli, weed, reader), bucket, reader)
        assert summary["objects"]["scanned"] == len(KEYS) + 3
        again = scan(cli, bucket, reader)
        assert (again["objects"]["unchanged"], again["objects"]["scanned"]) == (len(KEYS) + 3, 0)
    first, second = (state(cli, reader) for reader in READERS)
    assert first == second
    assert {row["object"] for row in first[0]} == {*KEYS, "large.log", "parts.txt"}


@pytest.mark.parametrize("reader", READERS)
def test_only_what_changed_is_read(cli: Cli, weed: Bucketeer, reader: str) -> None:
    bucket = weed.make(f"changed-{reader}", {f"{n:03}.txt": held(n) for n in range(40)})
    scan(at(cli, weed, reader), bucket, "db")
    weed.put(bucket, "003.txt", held(403))
    weed.put(bucket, "new.txt", held(404))
    weed.client.delete_object(Bucket=bucket, Key="005.txt")
    summary = scan(cli, bucket, "db")
    assert (summary["objects"]["scanned"], summary["objects"]["unchanged"]) == (2, 38)
    scan(cli, bucket, "whole")
    assert state(cli, "db") == state(cli, "whole")


def test_older_versions(cli: Cli, weed: Bucketeer) -> None:
    bucket = weed.make("versions")
    weed.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    weed.put(bucket, "a.txt", held(1))
    weed.put(bucket, "a.txt", b"nothing now\n")
    weed.put(bucket, "hidden.txt", held(2))
    weed.client.delete_object(Bucket=bucket, Key="hidden.txt")
    assert scan(at(cli, weed, "boto3"), bucket, "now")["findings"]["total"] == 0
    assert scan(cli, bucket, "all", "--versions")["findings"]["total"] == 4


def test_a_wrong_key_is_said(cli: Cli, weed: Bucketeer) -> None:
    bucket = weed.make("closed", {"a.txt": held(1)})
    at(cli, weed, "boto3").env["AWS_SECRET_ACCESS_KEY"] = "other"
    done = cli.run("scan", f"s3://{bucket}", "--no-ner", "--json")
    assert done.code == 3
    assert "credentials were refused" in done.said
    assert json.loads(done.out.splitlines()[-1])["listed"] == 0
