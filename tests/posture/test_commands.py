"""`piiscan buckets`: what it prints, stores and ends with, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.posture.build import make_bucket
from tests.posture.relay import Relay, relay
from tests.posture.words import OPEN, OTHER, Case, account, block, policy, statement
from tests.support import made
from tests.support.cli import Cli
from tests.support.s3 import Bucketeer, s3_server


@pytest.fixture(scope="module")
def server() -> Iterator[Bucketeer]:
    with s3_server() as running:
        for case in (
            Case("open", {"policy": policy(OPEN)}),
            Case("logs-app", {"policy": policy(statement(account(OTHER)))}),
            Case("logs-web", {"block": block()}),
        ):
            make_bucket(running.client, case, {}, "")
        yield running


@pytest.fixture(scope="module")
def before(server: Bucketeer) -> Iterator[Relay]:
    with relay(server.port) as running:
        yield running


@pytest.fixture
def cli(tmp_path: Path, cache: Path, before: Relay) -> Iterator[Cli]:
    commands = Cli(tmp_path / "work", cache)
    commands.env["AWS_ENDPOINT_URL"] = before.url
    yield commands
    before.refused = lambda action, path: False


def test_ls_knows_the_sensitivity_of_a_scanned_bucket(cli: Cli) -> None:
    made.database(
        cli.root, [made.report(made.ref("a.txt", source="s3://open"), [made.finding()])], name="piiscan.duckdb"
    )
    rows = {row["bucket"]: row for row in cli.good("buckets", "ls", "--json").lines()}
    assert list(rows) == ["logs-app", "logs-web", "open"]
    assert rows["open"] | {"score": 0, "sensitivity": 0} == {
        "bucket": "open",
        "source": "s3://open",
        "account": "123456789012",
        "region": "us-east-1",
        "public": True,
        "shared": False,
        "shared_with": [],
        "replicated": False,
        "exposure": 1.0,
        "encryption": "none",
        "versioning": "off",
        "score": 0,
        "sensitivity": 0,
    }
    assert rows["open"]["sensitivity"] > 50
    assert rows["logs-web"]["sensitivity"] is None
    assert rows["logs-app"]["shared_with"] == [f"account {OTHER}"]
    assert rows["open"]["score"] <= rows["logs-app"]["score"] < rows["logs-web"]["score"]
    table = cli.good("buckets", "ls", "logs-*").text
    assert [line.split()[:4] for line in table.splitlines()] == [
        ["bucket", "region", "public", "shared"],
        ["logs-app", "us-east-1", "no", "yes"],
        ["logs-web", "us-east-1", "no", "no"],
    ]


def test_runs_and_what_changed(cli: Cli, server: Bucketeer) -> None:
    first = cli.good("buckets", "posture").text
    assert "high  The bucket is public (bucket_public, Macie's S3BucketPublic)\n    open [new]: everybody may" in first
    assert "since run" not in first
    assert "account 123456789012: 3 buckets, score" in first
    server.client.put_public_access_block(Bucket="open", PublicAccessBlockConfiguration=block())
    try:
        done = cli.good("buckets", "posture", "--fail-on", "high", "--check", "bucket_public")
        assert "since run 1:\n    fixed   high      bucket_public: open" in done.text
    finally:
        server.client.delete_public_access_block(Bucket="open")
    lines = cli.good("buckets", "posture", "--new", "--json", "--fail-on", "high", codes=(1,)).lines()
    assert {(row["bucket"], row["change"]) for row in lines} == {("open", "new")}
    assert list(lines[0]) == [
        "bucket", "source", "account", "region", "check", "title", "severity", "macie", "verdict", "evidence", "data",
        "missing", "change", "since", "fix", "reference", "run",
    ]  # fmt: skip
    scores = cli.sql("SELECT run, score FROM v_posture_scores WHERE bucket = 'open' ORDER BY run")
    assert [row["run"] for row in scores] == [1, 2, 3]
    assert scores[0]["score"] == scores[2]["score"] < scores[1]["score"]
    assert cli.sql("SELECT source, exposure FROM v_exposure WHERE public") == [{"source": "s3://open", "exposure": 1.0}]


def test_exit_codes(cli: Cli, before: Relay) -> None:
    assert cli.run("buckets", "posture", "--fail-on", "odd").code == 2
    assert cli.run("buckets", "posture", "--check", "odd").code == 2
    none = cli.run("buckets", "posture", "nothing-*")
    assert (none.code, "none of the account's 3 buckets" in none.said) == (3, True)
    before.refused = lambda action, path: action == "s3:GetBucketPolicy"
    lacking = cli.run("buckets", "posture", "--fail-on", "high")
    assert lacking.code == 4
    assert (
        "not known, since this could not be read:\n    s3:GetBucketPolicy (AccessDenied): 3 buckets; " in lacking.text
    )
    before.refused = lambda action, path: action == "s3:ListAllMyBuckets"
    refused = cli.run("buckets", "ls")
    assert (refused.code, "s3:ListAllMyBuckets (AccessDenied)" in refused.said) == (3, True)


def test_the_circle_of_trust_is_configured(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "trust.toml"
    file.write_text(f'[posture]\naccounts = ["{OTHER}"]\n')
    args = ("buckets", "posture", "logs-app", "--check", "shared_with_accounts", "--json")
    assert cli.good(*args, "--config", file).lines()[0]["verdict"] == "pass"
    file.write_text('[posture]\naccounts = ["12"]\n')
    assert cli.run(*args, "--config", file).code == 2


def test_the_catalogue(cli: Cli) -> None:
    lines = cli.good("buckets", "checks", "--json").lines()
    assert lines[0]["check"] == "public_write"
    assert "s3:GetBucketPolicy" in lines[0]["needs"]
