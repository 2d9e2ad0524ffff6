"""The policy that is shipped is enough for a scan, each part of it is needed, and nothing is ever written."""

from __future__ import annotations

import copy
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.cli import Cli
from tests.support.proxy import FaultProxy, fault_proxy
from tests.support.s3 import READERS, Bucketeer, read_by, s3_server
from tests.support.trees import documents, ssn

POLICY = json.loads((Path(__file__).parents[2] / "deploy" / "iam-policy.json").read_text())


@pytest.fixture(scope="module")
def guarded() -> Iterator[Bucketeer]:
    """A server that asks for permission once it is told to."""
    with s3_server() as server:
        server.make("kept", dict(documents(30)))
        server.client.put_bucket_tagging(Bucket="kept", Tagging={"TagSet": [{"Key": "team", "Value": "data"}]})
        server.make("inventory-of-kept", {"x": f"SSN: {ssn(1)}\n".encode()})
        yield server


def user(server: Bucketeer, name: str, policy: dict[str, Any]) -> dict[str, str]:
    """The credentials of a user who may do what a policy says and nothing else."""
    iam = boto3.client(
        "iam",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="scan", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@contextmanager
def enforced(server: Bucketeer) -> Iterator[None]:
    """Every request must be allowed to who makes it."""

    def say(count: str) -> None:
        url, plain = f"{server.url}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        request = urllib.request.Request(url, count.encode(), plain, method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            answer.read()

    say("0")
    try:
        yield
    finally:
        say("inf")


def without(action: str) -> dict[str, Any]:
    """The policy less one action."""
    policy: dict[str, Any] = copy.deepcopy(POLICY)
    for statement in policy["Statement"]:
        statement["Action"] = [known for known in statement["Action"] if known != action]
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Action"]]
    assert policy != POLICY
    return policy


@pytest.fixture
def proxy(guarded: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(guarded.port) as made:
        yield made


@pytest.fixture(params=READERS)
def cli(cli: Cli, proxy: FaultProxy, request: pytest.FixtureRequest) -> Cli:
    cli.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    return read_by(cli, request.param)


def test_the_policy_is_enough_and_nothing_is_written(
    cli: Cli, guarded: Bucketeer, proxy: FaultProxy, request: pytest.FixtureRequest
) -> None:
    cli.env |= user(guarded, f"scanner{abs(hash(request.node.name))}", POLICY)
    with enforced(guarded):
        found = cli.scan("s3://*", "--db", "all.duckdb")
        tagged = cli.scan("s3://*", "--bucket-tag", "team=data", "--db", "tagged.duckdb")
        shown = cli.sql("SELECT finding FROM v_findings WHERE object LIKE '%note0.txt' LIMIT 1", db="all.duckdb")
        cli.good("show", shown[0]["finding"], "--db", "all.duckdb")
    assert (found["listed"], found["objects"]["scanned"]) == (31, 31)
    assert tagged["listed"] == 30
    assert {request.method for request in proxy.requests} <= {"GET", "HEAD"}
    assert len(proxy.reads()) >= 61


@pytest.mark.parametrize(
    ("action", "target", "code"),
    [("s3:ListAllMyBuckets", "s3://*", 3), ("s3:ListBucket", "s3://kept", 3), ("s3:GetObject", "s3://kept", 0)],
)
def test_each_part_of_it_is_needed(
    cli: Cli, guarded: Bucketeer, action: str, target: str, code: int, request: pytest.FixtureRequest
) -> None:
    cli.env |= user(guarded, f"lacking{abs(hash(request.node.name))}", without(action))
    with enforced(guarded):
        done = cli.run("scan", target, "--no-ner", "--json", "--quiet")
    assert done.code in (code, 4)
    if code:
        assert done.code == code
        assert action in done.said
    else:
        assert done.json()["reasons"] == [{"reason": "PERMISSION_DENIED", "objects": 30}]


def test_no_action_of_it_changes_anything() -> None:
    actions = [action for statement in POLICY["Statement"] for action in statement["Action"]]
    assert all(action.partition(":")[2].startswith(("Get", "List", "Decrypt")) for action in actions)
    assert "*" not in "".join(actions)
