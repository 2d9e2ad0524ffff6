"""Parameters and secrets as sources: each has one outcome, plain secrets are found, throttling costs time alone."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator

from piiscan import vaults
from piiscan.aws import ServiceError
from piiscan.config import AwsConfig, Config
from piiscan.crawl import parse_target
from piiscan.crawl.buckets import meant
from piiscan.crawl.vault import VaultSource, written
from piiscan.errors import AccessDenied, ObjectGone, SourceError
from piiscan.vaults import parameters, secrets
from tests.support.cli import Cli
from tests.support.s3 import Bucketeer, s3_server
from tests.support.throttled import DENIED, THROTTLED, Answer, throttled
from tests.support.trees import ssn

REGION = "eu-west-1"
ACCOUNT = "123456789012"
"""The account of moto's server."""
SSM = f"ssm://{ACCOUNT}/{REGION}"
SECRETS = f"secretsmanager://{ACCOUNT}/{REGION}"
TOKEN = "t0k-" + "aB3xY9kQ" * 4
KNOWN: dict[str, Any] = {"region_name": REGION, "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


@pytest.fixture(scope="module")
def server() -> Iterator[Bucketeer]:
    with s3_server() as running:
        ssm = boto3.client("ssm", endpoint_url=running.url, **KNOWN)
        for number in range(60):
            ssm.put_parameter(Name=f"/app/setting/{number:03}", Value=f"value {number}", Type="String")
        ssm.put_parameter(Name="/app/db/password", Value="T0p-s3cret!Val9", Type="String")
        ssm.put_parameter(Name="/app/staff/ssn", Value=f"{ssn(1)},{ssn(2)}", Type="StringList")
        ssm.put_parameter(Name="/app/document", Value=json.dumps({"social security number": ssn(3)}), Type="String")
        ssm.put_parameter(Name="/app/locked", Value="Zx91-kd82-mmQQ-1", Type="SecureString")
        ssm.put_parameter(Name="/application", Value="not below /app", Type="String")
        ssm.put_parameter(Name="plain", Value="at the root", Type="String")
        vault = boto3.client("secretsmanager", endpoint_url=running.url, **KNOWN)
        vault.create_secret(Name="prod/db", SecretString="x" * 9, Description=f"of SSN {ssn(4)}")
        vault.create_secret(Name="prod/other", SecretString="y" * 9)
        vault.create_secret(Name="test/db", SecretString="z" * 9)
        yield running


@pytest.fixture
def aws(server: Bucketeer, monkeypatch: pytest.MonkeyPatch) -> AwsConfig:
    return _reached(server.url, monkeypatch)


def _reached(url: str, monkeypatch: pytest.MonkeyPatch) -> AwsConfig:
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "*",
    }.items():
        monkeypatch.setenv(name, value)
    return AwsConfig()


def test_targets_and_what_they_mean(aws: AwsConfig) -> None:
    config = Config(aws=aws)
    assert [(t.source, t.prefix) for t in meant(parse_target("ssm:///app"), config)] == [(SSM, "/app/")]
    assert [(t.source, t.prefix) for t in meant(parse_target("ssm:"), config)] == [(SSM, "")]
    assert [(t.source, t.prefix) for t in meant(parse_target("secretsmanager:prod/"), config)] == [(SECRETS, "prod/")]
    named = parse_target(f"ssm://{ACCOUNT}/us-east-1/app/db")
    assert (named.source, named.prefix) == (f"ssm://{ACCOUNT}/us-east-1", "/app/db/")
    assert meant(named, config) == [named]


def test_the_hierarchy_is_walked(aws: AwsConfig) -> None:
    source = VaultSource(SSM, "/app/", aws)
    refs = list(source.crawl())
    assert [ref.key for ref in refs] == sorted(ref.key for ref in refs)
    assert len(refs) == 64
    assert not {"/application", "plain"} & {ref.key for ref in refs}
    assert len(list(VaultSource(SSM, "", aws).crawl())) == 66
    for ref in refs:
        if not ref.denied:
            assert len(source.open(ref).read()) == ref.size
    locked = next(ref for ref in refs if ref.key == "/app/locked")
    assert locked.denied.startswith("SECURE_STRING")


def test_values_come_in_tens_and_what_is_gone_is_gone(server: Bucketeer, aws: AwsConfig) -> None:
    ssm = boto3.client("ssm", endpoint_url=server.url, **KNOWN)
    ssm.put_parameter(Name="/leaving/soon", Value="here", Type="String")
    source = VaultSource(SSM, "/leaving/", aws)
    refs = list(source.crawl())
    ssm.delete_parameter(Name="/leaving/soon")
    source.expect(refs)
    with pytest.raises(ObjectGone):
        source.open(refs[0])


def test_a_value_is_written_behind_its_name() -> None:
    assert written("/a/token", "x") == b"/a/token = x\n"
    assert written("/a", '{"password": "x"}') == b'{"password": "x"}'
    assert written("/a", "{no json") == b"/a = {no json\n"


def test_policies_are_read() -> None:
    texts = (
        {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2027-01-01T00:00:00.000Z"}},
        {"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "60", "Unit": "Days"}},
    )
    entry = {"Name": "/a", "Type": "String", "Policies": [{"PolicyText": json.dumps(text)} for text in texts]}
    shape = botocore.session.get_session().get_service_model("ssm").shape_for("ParameterMetadata")
    assert not ParamValidator().validate(entry, shape).has_errors()
    kept = parameters._kept(SSM, entry)
    assert kept.expires is not None
    assert kept.expires.isoformat() == "2027-01-01T00:00:00+00:00"
    assert kept.warns_unchanged == "60 Days"
    assert parameters._kept(SSM, {**entry, "Policies": [{"PolicyText": "not JSON"}]}).expires is None


def test_secrets_are_listed_by_prefix_with_what_describes_them(aws: AwsConfig) -> None:
    source = VaultSource(SECRETS, "prod/", aws)
    refs = list(source.crawl())
    assert [ref.key for ref in refs] == ["prod/db", "prod/other"]
    assert json.loads(source.open(refs[0]).read())["description"].startswith("of SSN")
    assert source.open(refs[1]).read() == b"{}"
    with pytest.raises(ObjectGone):
        source.open(replace(refs[0], key="prod/none"))
    client = vaults.client_of(SECRETS, aws)
    assert secrets.described(client, SECRETS, "prod/db") == next(secrets.listed(client, SECRETS, "prod/db"))
    assert [one.rotation for one in secrets.listed(client, SECRETS)] == [False, False, False]


def test_what_may_not_be_listed_or_read(server: Bucketeer, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        throttled(
            server.url, lambda operation, body, times: DENIED if operation == "DescribeParameters" else None
        ) as p,
        pytest.raises(SourceError, match="ssm:DescribeParameters: AccessDeniedException"),
    ):
        list(VaultSource(SSM, "", _reached(p.url, monkeypatch)).crawl())
    with throttled(server.url, lambda operation, body, times: DENIED if operation == "GetParameters" else None) as p:
        source = VaultSource(SSM, "/app/", _reached(p.url, monkeypatch))
        refs = list(source.crawl())
        assert len(refs) == 64
        assert {ref.denied.partition(":")[0] for ref in refs} == {"PERMISSION_DENIED", "SECURE_STRING"}
        with pytest.raises(AccessDenied):
            source.open(refs[0])


def test_patience_ends(server: Bucketeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaults, "PATIENCE", 0.3)
    with throttled(server.url, lambda operation, body, times: THROTTLED) as proxy:
        client = vaults.client_of(SSM, _reached(proxy.url, monkeypatch))
        with pytest.raises(ServiceError, match="ThrottlingException"):
            parameters.values(client, ["/app/db/password"], decrypt=False)
    assert proxy.asked["GetParameters"] >= 2


def test_a_scan_under_throttling_has_all_of_them(server: Bucketeer, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)

    def busy(operation: str, body: bytes, times: int) -> Answer | None:
        """As often as botocore tries by itself, of the listing and a third of the values."""
        chosen = operation == "DescribeParameters" or (operation == "GetParameters" and zlib.crc32(body) % 3 == 0)
        return THROTTLED if chosen and times < 3 else None

    with throttled(server.url, busy) as proxy:
        env = {"AWS_ENDPOINT_URL": proxy.url, "AWS_DEFAULT_REGION": REGION}
        summary = cli.scan("ssm:///app/", "secretsmanager:", env=env)
        assert proxy.said["DescribeParameters"] >= 3
        assert proxy.said["GetParameters"] >= 3
    assert summary["listed"] == 67
    assert summary["not_read_whole"] == 0
    found = {(row["object"], row["rule"]) for row in cli.sql("SELECT object, rule FROM v_findings WHERE NOT test_data")}
    assert ("/app/db/password", "generic.password") in found
    assert {("/app/staff/ssn", "us.ssn"), ("/app/document", "us.ssn"), ("prod/db", "us.ssn")} <= found
    rows = {row["parameter"]: row for row in cli.sql("SELECT * FROM v_parameters")}
    assert len(rows) == 64
    assert "SecureString" in rows["/app/db/password"]["advice"]
    assert "/app/db/password" in rows["/app/db/password"]["advice"]
    assert rows["/app/staff/ssn"]["advice"] is None  # personal data, but no secret
    outcomes = {
        row["object"]: row["reason"] for row in cli.sql("SELECT object, reason FROM v_objects WHERE reason <> ''")
    }
    assert list(outcomes) == ["/app/locked"]
    told = cli.good("secrets", "ls").text
    assert "/app/db/password" in told
    assert "T0p-s3cret" not in told

    # With the rest of it: decrypted, the whole store, a parameter that is gone.
    ssm = boto3.client("ssm", endpoint_url=server.url, **KNOWN)
    ssm.delete_parameter(Name="/app/setting/000")
    env = {"AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": REGION}
    again = cli.scan("ssm:", "--decrypt", env=env)
    assert again["gone"] == 1
    assert again["objects"]["unchanged"] == 62
    gone = cli.sql("SELECT parameter FROM v_parameters WHERE gone IS NOT NULL")
    assert [row["parameter"] for row in gone] == ["/app/setting/000"]
    assert not cli.sql("SELECT 1 FROM v_objects WHERE outcome = 'skipped'")
