"""Versions that are not current are objects of their own, read once and closed when they are gone."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Iterator

import pytest

from tests.support.cli import Cli
from tests.support.proxy import FaultProxy, fault_proxy
from tests.support.s3 import Bucketeer
from tests.support.trees import mail, ssn


@pytest.fixture
def proxy(cli: Cli, s3: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(s3.port) as made:
        cli.env["AWS_ENDPOINT_URL_S3"] = made.url
        yield made


def kept(s3: Bucketeer, bucket: str) -> dict[str, str]:
    """A bucket whose object was there before it kept versions, was overwritten twice and deleted; another was once."""
    s3.make(bucket, {"a.csv": f"id,ssn\n1,{ssn(1)}\n".encode()})
    s3.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = {}
    for name, text in {"second": f"id,ssn\n1,{ssn(2)}\n", "third": "id,ssn\n"}.items():
        made[name] = s3.client.put_object(Bucket=bucket, Key="a.csv", Body=text.encode())["VersionId"]
    made["mark"] = s3.client.delete_object(Bucket=bucket, Key="a.csv")["VersionId"]
    made["old"] = s3.client.put_object(Bucket=bucket, Key="b/n.txt", Body=f"SSN: {ssn(3)}\n".encode())["VersionId"]
    s3.client.put_object(Bucket=bucket, Key="b/n.txt", Body=f"write to {mail(1)}\n".encode())
    return made


def state(cli: Cli) -> dict[str, str]:
    """Outcome by object, of those that are there."""
    return {row["object"]: row["outcome"] for row in cli.sql("SELECT object, outcome FROM v_objects")}


def test_each_version_is_read_once_under_a_name_of_its_own(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    made = kept(s3, "versions")
    plain = cli.scan("s3://versions")
    assert (plain["listed"], state(cli)) == (1, {"b/n.txt": "scanned"})

    proxy.forget()
    found = cli.scan("s3://versions", "--versions")
    names = [f"a.csv?versionId={made['third']}", f"a.csv?versionId={made['second']}", "a.csv?versionId=null"]
    assert state(cli) == dict.fromkeys([*names, "b/n.txt", f"b/n.txt?versionId={made['old']}"], "scanned")
    assert (found["objects"]["scanned"], found["objects"]["unchanged"], found["gone"]) == (4, 1, 0)
    assert sorted(proxy.reads()) == ["a.csv"] * 3 + ["b/n.txt"]
    rows = cli.sql("SELECT object, rule, media_type FROM v_findings ORDER BY ALL")
    assert [r["rule"] for r in rows] == ["us.ssn", "us.ssn", "generic.email", "us.ssn"]
    assert {r["media_type"] for r in rows if r["object"].startswith("a.csv")} == {"text/csv"}

    proxy.forget()
    again = cli.scan("s3://versions", "--versions")
    assert (again["objects"]["unchanged"], proxy.reads()) == (5, [])

    # A listing of the current ones says nothing of the others.
    plain = cli.scan("s3://versions")
    assert (plain["gone"], len(state(cli))) == (0, 5)


def test_a_restored_object_stands_under_its_key_again_and_what_is_gone_is_closed(
    cli: Cli, s3: Bucketeer, proxy: FaultProxy
) -> None:
    made = kept(s3, "restored")
    cli.scan("s3://restored", "--versions")
    s3.client.delete_object(Bucket="restored", Key="a.csv", VersionId=made["mark"])
    s3.client.delete_object(Bucket="restored", Key="a.csv", VersionId=made["second"])
    proxy.forget()
    found = cli.scan("s3://restored", "--versions")
    assert proxy.reads() == ["a.csv"]
    assert found["gone"] == 2  # the one that was deleted, and the name of the one that is current now
    assert sorted(state(cli)) == ["a.csv", "a.csv?versionId=null", "b/n.txt", f"b/n.txt?versionId={made['old']}"]


def test_globs_mean_keys_and_places_are_shown(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    made = kept(s3, "versions-shown")
    found = cli.scan("s3://versions-shown", "--versions", "--include", "*.txt")
    assert (found["objects"]["scanned"], found["objects"]["left_out"]) == (2, 3)
    (row,) = cli.sql("SELECT finding, object FROM v_findings WHERE rule = 'us.ssn'")
    assert row["object"] == f"b/n.txt?versionId={made['old']}"
    assert "SSN: [" in cli.good("show", row["finding"]).text


def test_a_key_that_looks_like_a_version_is_a_key(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("looks-so", {"a.txt?versionId=x": f"SSN: {ssn(3)}\n".encode()})
    cli.scan("s3://looks-so")
    assert cli.scan("s3://looks-so", "--versions")["objects"]["unchanged"] == 1
    (row,) = cli.sql("SELECT finding FROM v_findings")
    assert "SSN: [" in cli.good("show", row["finding"]).text


def listed_in(s3: Bucketeer, bucket: str, *, versions: bool = True) -> str:
    """An inventory of all versions of a bucket; the address of its manifest."""
    found = s3.client.list_object_versions(Bucket=bucket)
    columns = ["Bucket", "Key", *(["VersionId", "IsLatest", "IsDeleteMarker"] if versions else [])]
    lines = []
    for entry in [*found["Versions"], *found.get("DeleteMarkers", [])]:
        marks = [entry["VersionId"], str(entry["IsLatest"]).lower(), str("Size" not in entry).lower()]
        rest = [str(entry.get("Size", "")), entry["LastModified"].isoformat(), entry.get("ETag", "").strip('"'), ""]
        lines.append(",".join(f'"{cell}"' for cell in [bucket, entry["Key"], *(marks if versions else []), *rest]))
    data = gzip.compress("\n".join(lines).encode())
    told = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::versions-listed",
        "creationTimestamp": str(int(time.time() * 1000)),
        "fileFormat": "CSV",
        "fileSchema": ", ".join([*columns, "Size", "LastModifiedDate", "ETag", "StorageClass"]),
        "files": [{"key": f"{bucket}.gz", "MD5checksum": hashlib.md5(data).hexdigest()}],
    }
    if "versions-listed" not in [b["Name"] for b in s3.client.list_buckets()["Buckets"]]:
        s3.make("versions-listed")
    s3.put("versions-listed", f"{bucket}.gz", data)
    s3.put("versions-listed", f"{bucket}.json", json.dumps(told).encode())
    return f"s3://versions-listed/{bucket}.json"


def test_an_inventory_of_all_versions(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    kept(s3, "versions-inventory")
    cli.scan("s3://versions-inventory", "--versions")
    url = listed_in(s3, "versions-inventory")
    assert cli.scan("s3://versions-inventory", "--versions", "--from-inventory", url)["objects"]["unchanged"] == 5
    assert cli.scan("s3://versions-inventory", "--from-inventory", url)["listed"] == 1
    narrow = listed_in(s3, "versions-inventory", versions=False)
    done = cli.run("scan", "s3://versions-inventory", "--versions", "--from-inventory", narrow, "--no-ner", "--quiet")
    assert done.code == 3
    assert "current versions only" in done.said
