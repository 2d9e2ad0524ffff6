"""Objects that are encrypted with a key of the customer.

moto keeps no such keys, so a proxy before it refuses as S3 does: 400 without the key where it is needed and with it
where it is not, 403 for another key.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.proxy import Fault, FaultProxy, Request, fault_proxy
from tests.support.s3 import READERS, Bucketeer, read_by
from tests.support.trees import ssn

KEY = bytes(range(100, 132))
HEADER = "x-amz-server-side-encryption-customer-key"
NEEDED = {"own/a.txt", "own/b.txt", "own/large.zip"}


def as_s3_does(request: Request) -> Fault | None:
    if not request.key:
        return None
    told = request.headers.get(HEADER, "")
    if bool(told) != (request.key in NEEDED):
        return Fault.OTHER_KEY
    digest = base64.b64encode(hashlib.md5(KEY).digest()).decode()
    if told and (base64.b64decode(told), request.headers[f"{HEADER}-md5"]) != (KEY, digest):
        return Fault.DENIED
    return None


@pytest.fixture
def proxy(s3: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(s3.port, as_s3_does) as made:
        yield made


@pytest.fixture(params=READERS[1:])
def cli(cli: Cli, proxy: FaultProxy, request: pytest.FixtureRequest) -> Cli:
    cli.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    return read_by(cli, request.param)


def filled(s3: Bucketeer, bucket: str) -> str:
    if bucket not in [b["Name"] for b in s3.client.list_buckets()["Buckets"]]:
        keys = ["a.txt", "own/a.txt", "own/b.txt", "z.txt"]
        s3.make(bucket, {key: f"SSN: {ssn(n)}\n".encode() for n, key in enumerate(keys)})
    return f"s3://{bucket}"


def key_file(cli: Cli, data: bytes = KEY, mode: int = 0o600) -> Path:
    path = cli.root / "customer.key"
    path.write_bytes(data)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("data", [KEY, base64.b64encode(KEY) + b"\n"], ids=["bytes", "base64"])
def test_the_key_is_sent_where_it_is_needed(cli: Cli, s3: Bucketeer, proxy: FaultProxy, data: bytes) -> None:
    target = filled(s3, "with-a-key")
    without = cli.scan(target, codes=(4,))
    assert without["reasons"] == [{"reason": "CUSTOMER_KEY_NEEDED", "objects": 2}]
    assert not any(HEADER in r.headers for r in proxy.requests)
    proxy.forget()
    found = cli.scan(target, "--sse-c-key-file", key_file(cli, data))
    assert (found["objects"]["scanned"], found["objects"]["unchanged"], found["findings"]["total"]) == (2, 2, 4)
    assert [r for r in proxy.requests if r.method != "GET"] == []
    assert cli.scan(target)["objects"]["unchanged"] == 4


def test_a_change_of_key_costs_one_request(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    target = filled(s3, "with-a-key")
    found = cli.scan(target, "--sse-c-key-file", key_file(cli), "--workers", 1)
    assert found["objects"]["scanned"] == 4
    # Two that need no key, two that do: wherever the next differs from the last one, and for each thread that is ahead.
    assert 1 <= proxy.faults[Fault.OTHER_KEY] <= 8


def test_another_key_is_refused(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    target = filled(s3, "with-a-key")
    found = cli.scan(target, "--sse-c-key-file", key_file(cli, secrets.token_bytes(32)), codes=(4,))
    assert found["reasons"] == [{"reason": "PERMISSION_DENIED", "objects": 2}]
    reasons = {r["reason"] for r in cli.sql("SELECT reason FROM v_objects WHERE outcome <> 'scanned'")}
    assert all("customer's key is another one" in reason for reason in reasons)


def test_the_key_is_nowhere_else(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    target = filled(s3, "with-a-key")
    path = key_file(cli)
    job = cli.good("job", "add", "nightly", target, "--sse-c-key-file", path)
    told = cli.good("job", "show", "nightly", "--json")
    assert str(path) in told.text
    done = cli.good("job", "run", "nightly", env={"PIISCAN_LOG": "debug"})
    database = (cli.root / "piiscan.duckdb").read_bytes()
    for said in (job.out, job.err, told.out, done.out, done.err, database):
        for form in (KEY, base64.b64encode(KEY), KEY.hex().encode()):
            assert form not in said


@pytest.mark.parametrize(
    ("data", "mode", "says"),
    [
        (b"short", 0o600, "not a readable key file"),
        (base64.b64encode(b"short"), 0o600, "32 bytes"),
        (KEY, 0o644, "chmod 600"),
        (None, 0o600, "no such key file"),
    ],
)
def test_a_key_file_that_will_not_do(
    cli: Cli, s3: Bucketeer, proxy: FaultProxy, data: bytes | None, mode: int, says: str
) -> None:
    path = key_file(cli, data or b"", mode)
    if data is None:
        path.unlink()
    done = cli.run("scan", filled(s3, "with-a-key"), "--sse-c-key-file", path, "--no-ner", "--quiet")
    assert (done.code, len(done.said.splitlines())) == (2, 1)
    assert says in done.said


def test_the_key_is_not_sent_in_clear(cli: Cli) -> None:
    options = ("--sse-c-key-file", key_file(cli), "--endpoint-url", "http://192.0.2.1:9")
    done = cli.run("scan", "s3://anything", *options, "--no-ner", "--quiet")
    assert (done.code, len(done.said.splitlines())) == (2, 1)
    assert "over https only" in done.said
