"""Every credential of the configuration may lie somewhere else: keys, passwords, and what sinks need."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from piiscan.config import AwsConfig
from piiscan.errors import ConfigError
from piiscan.keys import key_id
from piiscan.references import absolute, customer_key, passwords, resolve, store_key
from tests.support.cli import Cli
from tests.support.s3 import Bucketeer, s3_server

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def server() -> Iterator[Bucketeer]:
    with s3_server() as running:
        known = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        vault = boto3.client("secretsmanager", endpoint_url=running.url, **known)
        vault.create_secret(Name="scan/key", SecretString=json.dumps({"key": KEY.hex(), "number": 7}))
        vault.create_secret(Name="scan/binary", SecretBinary=b"\x00\x01")
        parameters = boto3.client("ssm", endpoint_url=running.url, **known)
        parameters.put_parameter(Name="/scan/passwords", Value="first word\nsecond\n", Type="SecureString")
        parameters.put_parameter(Name="/scan/sse", Value=base64.b64encode(KEY).decode(), Type="SecureString")
        yield running


@pytest.fixture
def aws(server: Bucketeer, monkeypatch: pytest.MonkeyPatch) -> AwsConfig:
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "*",
    }.items():
        monkeypatch.setenv(name, value)
    return AwsConfig()


def test_the_key_of_a_database_lies_in_secrets_manager(aws: AwsConfig) -> None:
    reference = Path("secretsmanager:scan/key#key")
    assert store_key("", reference) == KEY
    assert store_key(key_id(KEY), reference) == KEY
    with pytest.raises(ConfigError, match="not the key of the database"):
        store_key("0" * 16, reference)


def test_passwords_and_the_key_of_the_customer_lie_in_the_parameter_store(aws: AwsConfig) -> None:
    assert passwords("ssm:/scan/passwords", aws) == ("first word", "second")
    assert customer_key("ssm:/scan/sse", aws) == KEY


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("secretsmanager:scan/none", "ResourceNotFoundException"),
        ("secretsmanager:scan/binary", "not text"),
        ("secretsmanager:scan/key#number", "no text under the key"),
        ("ssm:/scan/none", "ParameterNotFound"),
        ("env:PIISCAN_TEST_NOT_SET", "is not set"),
        ("file:nowhere", "No such file"),
        ("env:", "give the secret by reference"),
    ],
)
def test_what_is_not_there_is_said_without_what_is(aws: AwsConfig, reference: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        resolve(reference, "passwords", aws)
    assert KEY.hex() not in str(caught.value)


def test_a_service_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch, aws: AwsConfig) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="ssm cannot be reached"):
        passwords("ssm:/scan/passwords", aws)


def test_paths_are_made_whole_and_references_are_left() -> None:
    assert absolute("ssm:/scan/sse") == "ssm:/scan/sse"
    assert absolute("") == ""
    assert Path(absolute("here")).is_absolute()


def test_a_scan_whose_key_is_in_the_environment(tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.txt").write_text("nothing\n")
    env = {"SCAN_KEY": KEY.hex()}
    cli.scan(tree, "--key-file", "env:SCAN_KEY", env=env)
    again = cli.run("scan", tree, "--no-ner", "--key-file", "env:SCAN_KEY", env={"SCAN_KEY": KEY[::-1].hex()})
    assert again.code == 2
    assert "not the key of the database" in again.said
    cli.scan(tree, "--key-file", "env:SCAN_KEY", env=env)
