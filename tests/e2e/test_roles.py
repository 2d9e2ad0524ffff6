"""Roles of profiles, one assumed by way of another, under a server that asks for permission."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.test_least_privilege import POLICY, enforced, user
from tests.support.cli import Cli
from tests.support.s3 import READERS, Bucketeer, read_by, s3_server
from tests.support.trees import ssn

MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
}
MAY_NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Bucketeer]:
    with s3_server() as server:
        server.make("kept", {"a.txt": f"SSN: {ssn(1)}\n".encode()})
        yield server


def role(server: Bucketeer, name: str, policy: dict[str, Any]) -> str:
    """The ARN of a role that may do what a policy says."""
    iam = boto3.client(
        "iam",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=json.dumps(policy))
    return arn


def profiles(cli: Cli, server: Bucketeer, keys: dict[str, str], roles: list[str]) -> dict[str, str | None]:
    """A configuration in which each role is assumed with the one before it, the last one as `reader`."""
    names = [f"hop{n}" for n in range(len(roles) - 1)] + ["reader"]
    text = f"[profile start]\naws_access_key_id = {keys['AWS_ACCESS_KEY_ID']}\n"
    text += f"aws_secret_access_key = {keys['AWS_SECRET_ACCESS_KEY']}\nregion = us-east-1\n"
    for before, name, arn in zip(["start", *names], names, roles, strict=False):
        text += f"[profile {name}]\nrole_arn = {arn}\nsource_profile = {before}\nregion = us-east-1\n"
    file = cli.root / "aws-config"
    file.write_text(text)
    return {
        "AWS_CONFIG_FILE": str(file),
        "AWS_SHARED_CREDENTIALS_FILE": str(cli.root / "none"),
        "AWS_ACCESS_KEY_ID": None,
        "AWS_SECRET_ACCESS_KEY": None,
        "AWS_ENDPOINT_URL": server.url,
    }


@pytest.mark.parametrize("reader", READERS)
def test_a_chain_of_two_roles(cli: Cli, guarded: Bucketeer, reader: str) -> None:
    read_by(cli, reader)
    name = f"chain-{reader}"
    arns = [role(guarded, f"{name}-hop", MAY_ASSUME), role(guarded, f"{name}-reader", POLICY)]
    env = profiles(cli, guarded, user(guarded, name, MAY_ASSUME), arns)
    with enforced(guarded):
        found = cli.scan("s3://kept", "--profile", "reader", env=env)
        assert found["findings"]["total"] == 1
        # The user itself may not read the bucket, and neither may the first role.
        for profile in ("start", "hop0"):
            done = cli.run("scan", "s3://kept", "--profile", profile, "--no-ner", "--quiet", env=env)
            assert done.code == 3


def test_a_role_that_cannot_be_assumed_is_one_sentence_and_the_rest_is_scanned(cli: Cli, guarded: Bucketeer) -> None:
    tree = cli.root / "tree"
    tree.mkdir()
    (tree / "b.txt").write_text(f"SSN: {ssn(2)}\n")
    arns = [role(guarded, "closed-hop", MAY_NOTHING), role(guarded, "closed-reader", POLICY)]
    env = profiles(cli, guarded, user(guarded, "closed", MAY_ASSUME), arns)
    with enforced(guarded):
        done = cli.run("scan", "s3://kept", Path(tree), "--profile", "reader", "--no-ner", "--json", env=env)
    assert done.code == 3
    assert done.json()["findings"]["total"] == 1
    said = [line for line in done.said.splitlines() if line.startswith("piiscan:")]
    assert len(said) == 1
    assert "s3://kept: the role of the profile cannot be assumed" in said[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[profile reader]\nrole_arn = arn:aws:iam::123456789012:role/a\n", "source_profile"),
        (
            "[profile reader]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = other\n"
            "[profile other]\nrole_arn = arn:aws:iam::123456789012:role/b\nsource_profile = reader\n",
            "nfinite loop",
        ),
    ],
)
def test_a_profile_that_leads_nowhere_is_one_sentence(cli: Cli, text: str, says: str) -> None:
    file = cli.root / "aws-config"
    file.write_text(text)
    env = {"AWS_CONFIG_FILE": str(file), "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    done = cli.run("scan", "s3://kept", "--profile", "reader", "--no-ner", "--quiet", env=env)
    assert done.code == 3
    assert len(done.said.splitlines()) == 1
    assert says in done.said
