"""Fifty accounts in one run: three refuse, two are slow, each has its own buckets, and the sums are right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from piiscan.config import AwsConfig, Config
from piiscan.crawl import parse_target
from piiscan.crawl.accounts import accounts_of, several, spread
from piiscan.errors import ConfigError, SourceError
from tests.support.cli import Cli
from tests.support.s3 import Bucketeer, s3_server
from tests.support.throttled import DENIED, Throttled, throttled
from tests.support.trees import ssn

ACCOUNTS, REFUSE, SLOW = 50, 3, 2
KNOWN: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
DENIED_XML = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>'
    "<Message>no</Message></Error></ErrorResponse>"
)


@dataclass(frozen=True)
class Organisation:
    """Its accounts by number, what of them refuses or is slow, and the way to it."""

    proxy: Throttled
    members: tuple[str, ...]
    own: str
    refusing: tuple[str, ...]
    slow: tuple[str, ...]


@pytest.fixture(scope="module")
def organisation() -> Iterator[Organisation]:
    with s3_server() as server:
        organizations = boto3.client("organizations", endpoint_url=server.url, **KNOWN)
        organizations.create_organization(FeatureSet="ALL")
        numbers = [
            organizations.create_account(AccountName=f"team-{n:02}", Email=f"team{n}@example.com")[
                "CreateAccountStatus"
            ]["AccountId"]
            for n in range(ACCOUNTS - 1)
        ]
        own = boto3.client("sts", endpoint_url=server.url, **KNOWN).get_caller_identity()["Account"]
        refusing, slow = tuple(numbers[:REFUSE]), tuple(numbers[REFUSE : REFUSE + SLOW])
        _fill(server, numbers, own)

        def says(operation: str, body: bytes, times: int) -> Any:
            if b"Action=AssumeRole" not in body:
                return None
            if any(number.encode() in body for number in refusing):
                return 403, DENIED_XML
            if any(number.encode() in body for number in slow):
                time.sleep(2)
            return None

        with throttled(server.url, says) as proxy:
            yield Organisation(proxy, tuple(numbers), own, refusing, slow)


def _fill(server: Bucketeer, numbers: list[str], own: str) -> None:
    """A bucket for each account, every fifth with numbers of people."""
    sts = boto3.client("sts", endpoint_url=server.url, **KNOWN)
    for n, number in enumerate([*numbers, own]):
        keys = KNOWN
        if number != own:
            role = f"arn:aws:iam::{number}:role/scan"
            found = sts.assume_role(RoleArn=role, RoleSessionName="fill")["Credentials"]
            keys = {
                "region_name": "us-east-1",
                "aws_access_key_id": found["AccessKeyId"],
                "aws_secret_access_key": found["SecretAccessKey"],
                "aws_session_token": found["SessionToken"],
            }
        s3 = boto3.client("s3", endpoint_url=server.url, **keys)
        s3.create_bucket(Bucket=f"data-{number}")
        text = f"SSN: {ssn(n + 1)}\n" if n % 5 == 0 else "nothing to see\n"
        s3.put_object(Bucket=f"data-{number}", Key="a.txt", Body=text.encode())


def env(found: Organisation) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": found.proxy.url}


def test_what_several_accounts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    role = "arn:aws:iam::111122223333:role/path/scan"
    assert not several(AwsConfig())
    assert several(AwsConfig(roles=(role,)))
    assert [a.number for a in accounts_of(AwsConfig(roles=(role, role)))] == ["111122223333"]
    for wrong in (
        AwsConfig(org=True),
        AwsConfig(org=True, roles=(role,)),
        AwsConfig(roles=("scan",)),
        AwsConfig(org=True, roles=("a", "b")),
    ):
        with pytest.raises(ConfigError):
            several(wrong)


def _reached(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    for name, value in {**known, "NO_PROXY": "*", "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)


def test_an_organisation_that_cannot_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    config = AwsConfig(org=True, roles=("scan",))
    with s3_server() as server:
        _reached(server.url, monkeypatch)
        with pytest.raises(SourceError, match="has no accounts"):
            accounts_of(config)
        with throttled(server.url, lambda operation, body, times: DENIED if operation == "ListAccounts" else None) as p:
            _reached(p.url, monkeypatch)
            with pytest.raises(SourceError, match=r"organizations:ListAccounts.*AccessDeniedException"):
                accounts_of(config)


def test_fifty_accounts(organisation: Organisation, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    done = cli.run("scan", "s3://data-*", "--org", "--role", "scan", "--no-ner", "--json", env=env(organisation))
    assert done.code == 3, done.said
    for number in organisation.refusing:
        assert number in done.said
    summary = done.json()
    assert summary["objects"]["scanned"] == ACCOUNTS - REFUSE

    rows = {row["account"]: row for row in cli.sql("SELECT * FROM v_accounts")}
    assert set(rows) == {*organisation.members, organisation.own}
    for n, number in enumerate([*organisation.members, organisation.own]):
        row = rows[number]
        if number in organisation.refusing:
            assert "sts:AssumeRole" in row["refused"]
            assert (row["sources"], row["objects"], row["findings"]) == (0, 0, 0)
            continue
        assert row["refused"] == ""
        assert (row["sources"], row["objects"], row["objects_read"]) == (1, 1, 1)
        assert row["findings"] == (1 if n % 5 == 0 else 0)
        assert (row["risk"] > 0) == (n % 5 == 0)
    assert rows[organisation.own]["role"] == ""
    assert rows[organisation.slow[0]]["name"] == "team-03"
    coverage = {
        row["source"]: row["reason"] for row in cli.sql("SELECT source, reason FROM v_objects WHERE reason <> ''")
    }
    assert set(coverage) == {f"account://{number}" for number in organisation.refusing}
    assert all(reason.startswith("SOURCE_NOT_LISTED") for reason in coverage.values())

    # What is shown of an object is read again in the role of its account.
    theirs = f"SELECT finding FROM v_findings WHERE source = 's3://data-{organisation.members[5]}'"
    before = organisation.proxy.asked[""]
    assert "a.txt" in cli.good("show", cli.sql(theirs)[0]["finding"], env=env(organisation)).text
    assert organisation.proxy.asked[""] > before


def test_a_dry_run_goes_over_all_accounts(organisation: Organisation, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    numbers = organisation.members[REFUSE - 1 : REFUSE + 2]
    given = [part for number in numbers for part in ("--role", f"arn:aws:iam::{number}:role/scan")]
    done = cli.good("scan", "s3://*", *given, "--dry-run", env=env(organisation))
    assert all(f"s3://data-{number}/a.txt" in done.text for number in numbers[1:])
    assert f"account {numbers[0]}" in done.said


def test_what_refused_and_is_reached_is_in_the_coverage_no_more(
    organisation: Organisation, tmp_path: Path, cache: Path
) -> None:
    cli = Cli(tmp_path, cache)
    roles = [f"arn:aws:iam::{number}:role/scan" for number in (organisation.refusing[0], organisation.members[-1])]
    given = [part for role in roles for part in ("--role", role)]
    first = cli.run("scan", "s3://*", *given, "--no-ner", env=env(organisation))
    assert first.code == 3
    assert len(cli.sql("SELECT 1 FROM v_objects WHERE reason LIKE 'SOURCE_NOT_LISTED%'")) == 1
    # Past the proxy nobody refuses.
    again = cli.run("scan", "s3://*", *given, "--no-ner", env={"AWS_ENDPOINT_URL": organisation.proxy.upstream})
    assert again.code == 0, again.said
    assert not cli.sql("SELECT 1 FROM v_objects WHERE reason <> ''")
    assert [row["refused"] for row in cli.sql("SELECT refused FROM v_accounts")] == ["", ""]


def test_one_bucket_by_name_is_found_in_its_account(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    _reached(organisation.proxy.url, monkeypatch)
    number = organisation.members[-1]
    roles = tuple(f"arn:aws:iam::{one}:role/scan" for one in organisation.members[-3:])
    config = Config(aws=AwsConfig(roles=roles))
    found = spread([parse_target(f"s3://data-{number}/x/"), parse_target("s3://nowhere"), parse_target("ssm:")], config)
    buckets = [target for target in found.targets if target.source.startswith("s3:")]
    assert [(t.source, t.prefix, t.role) for t in buckets] == [(f"s3://data-{number}", "x/", roles[-1])]
    assert found.errors == ["s3://nowhere/: in none of 3 accounts"]
    assert sorted(t.source for t in found.targets if t.source.startswith("ssm:")) == sorted(
        f"ssm://{one}/us-east-1" for one in organisation.members[-3:]
    )


def test_the_posture_of_fifty_accounts(organisation: Organisation, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    roles = [f"arn:aws:iam::{number}:role/scan" for number in organisation.members[:8]]
    given = [part for role in roles for part in ("--role", role)]
    done = cli.run("buckets", "posture", *given, "--json", env=env(organisation))
    assert done.code == 3
    assert all(number in done.said for number in organisation.refusing)
    assert {row["account"] for row in done.lines()} == set(organisation.members[REFUSE:8])
    rows = {row["account"]: row for row in cli.sql("SELECT account, sources, refused, posture_score FROM v_accounts")}
    assert set(rows) == set(organisation.members[:8])
    for number, row in rows.items():
        assert (row["refused"] != "") == (number in organisation.refusing)
        assert (row["posture_score"] is None) == (number in organisation.refusing)
