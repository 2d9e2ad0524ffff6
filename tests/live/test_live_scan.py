"""Live secrets in a scan: all that are planted are found, no look-alike is, and no value reaches a disk or a log."""

from __future__ import annotations

import base64
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from piiscan.config import AwsConfig
from piiscan.live import gather
from piiscan.live.gather import Remembered
from tests.support.cli import Cli
from tests.support.planted import files, value
from tests.support.s3 import Bucketeer, s3_server
from tests.support.throttled import DENIED, throttled

REGION, SEED, SECRETS = "eu-west-1", 11, 60
KNOWN: dict[str, Any] = {"region_name": REGION, "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def name(number: int) -> str:
    return f"app/{number:03}"


@pytest.fixture(scope="module")
def server() -> Iterator[Bucketeer]:
    with s3_server() as running:
        vault = boto3.client("secretsmanager", endpoint_url=running.url, **KNOWN)
        for number in range(SECRETS):
            secret = value(number, SEED)
            told = json.dumps({"username": "app", "password": secret, "host": "db.example.com"})
            vault.create_secret(Name=name(number), SecretString=told if number % 2 else secret)
        vault.create_secret(Name="weak", SecretString="postgres")
        yield running


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The files, and of those that hold a secret its name."""
    root = tmp_path_factory.mktemp("planted")
    truth: dict[str, str] = {}
    for one in files(SECRETS, 60, 220, SEED):
        path = root / one.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(one.data)
        truth.update((one.name, name(number)) for number in one.secrets)
    return root, truth


def env(url: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": REGION}


def in_clear(folder: Path, said: bytes) -> list[str]:
    """Where a secret stands, in any of the ways in which one could leak: files of a folder, and an output."""
    forms = []
    for number in range(SECRETS):
        secret = value(number, SEED).encode()
        forms += [secret, secret.hex().encode(), base64.b64encode(secret)[:-4]]
    found = ["output"] if any(form in said for form in forms) else []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += [path.name for form in forms if form in data]
    return found


@pytest.fixture(scope="module")
def scanned(
    server: Bucketeer, tree: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory, cache: Path
) -> tuple[Cli, bytes]:
    cli = Cli(tmp_path_factory.mktemp("live"), cache)
    done = cli.good(
        "--log-level", "debug", "scan", tree[0], "--no-ner", "--match-live", "--json", codes=(0, 4), env=env(server.url)
    )
    return cli, done.out + done.err


def test_all_are_found_and_nothing_that_is_almost_one(
    scanned: tuple[Cli, bytes], tree: tuple[Path, dict[str, str]]
) -> None:
    cli, _ = scanned
    found = {(row["object"], row["secret"]) for row in cli.sql("SELECT object, secret FROM v_live_secrets")}
    assert found == set(tree[1].items())
    counts = [row["count"] for row in cli.sql("SELECT count FROM v_live_secrets")]
    assert set(counts) == {1}


def test_what_is_not_looked_for_is_told(scanned: tuple[Cli, bytes]) -> None:
    cli, said = scanned
    assert json.loads(said.splitlines()[0])["live_secrets"] == {"looked_for": SECRETS, "not": 1}
    assert "too plain" in cli.sql("SELECT why_not FROM v_secrets WHERE secret = 'weak'")[0]["why_not"]
    listed = cli.good("secrets", "ls", "--json").lines()
    assert len(listed) == SECRETS + 1
    row = next(one for one in listed if one["name"] == name(1))
    assert "lies in 1 object" in row["told"]
    assert "rotation is off" in row["advice"]


def test_no_value_is_on_a_disk_or_in_a_log(scanned: tuple[Cli, bytes]) -> None:
    cli, said = scanned
    for format_ in ("jsonl", "html", "sarif", "csv"):
        cli.good("report", "--format", format_, "-o", cli.root / f"report.{format_}")
    assert in_clear(cli.root, said) == []


def test_show_and_explain_of_a_live_secret(scanned: tuple[Cli, bytes]) -> None:
    cli, _ = scanned
    row = cli.sql("SELECT finding, secret FROM v_live_secrets ORDER BY object LIMIT 1")[0]
    told = cli.good("show", row["finding"])
    assert "no surroundings are shown" in told.text
    assert "line" in told.text
    assert row["secret"] in cli.good("explain", row["finding"]).text


def test_nothing_is_left_by_a_run_that_is_killed(
    server: Bucketeer, tree: tuple[Path, dict[str, str]], tmp_path: Path, cache: Path
) -> None:
    cli = Cli(tmp_path, cache)
    with cli.start(
        "--log-level", "debug", "scan", tree[0], "--no-ner", "--match-live", env=env(server.url), start_new_session=True
    ) as process:
        end = time.monotonic() + 60
        while not any(tmp_path.glob("*.spool/*/*")) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
    assert any(tmp_path.glob("piiscan.duckdb*"))
    assert in_clear(tmp_path, out + err) == []


def test_what_was_rotated_is_looked_for_as_it_is_now(server: Bucketeer, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    vault = boto3.client("secretsmanager", endpoint_url=server.url, **KNOWN)
    vault.create_secret(Name="turning", SecretString="f1rst-Value-of-it")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.txt").write_text("first: f1rst-Value-of-it\n")
    (tmp_path / "tree" / "b.txt").write_text("second: s3cond-Value-of-it\n")
    try:
        where = "SELECT object FROM v_live_secrets WHERE secret = 'turning'"
        cli.scan(tmp_path / "tree", "--match-live", env=env(server.url))
        assert [row["object"] for row in cli.sql(where)] == ["a.txt"]
        vault.put_secret_value(SecretId="turning", SecretString="s3cond-Value-of-it")
        cli.scan(tmp_path / "tree", "--match-live", env=env(server.url))
        assert [row["object"] for row in cli.sql(where)] == ["b.txt"]
    finally:
        vault.delete_secret(SecretId="turning", ForceDeleteWithoutRecovery=True)
    cli.scan(tmp_path / "tree", "--match-live", env=env(server.url))
    assert cli.sql("SELECT gone IS NOT NULL AS gone FROM v_secrets WHERE secret = 'turning'") == [{"gone": True}]


def test_secrets_that_may_not_be_read(server: Bucketeer, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.txt").write_text(f"the key: {value(0, SEED)}\n")
    with throttled(server.url, lambda operation, body, times: DENIED if operation == "GetSecretValue" else None) as p:
        done = cli.run("scan", tmp_path / "tree", "--no-ner", "--match-live", env=env(p.url))
    assert done.code == 3
    assert "61 live secrets could not be asked for" in done.said
    assert "secretsmanager:GetSecretValue" in cli.sql("SELECT why_not FROM v_secrets LIMIT 1")[0]["why_not"]
    with throttled(server.url, lambda operation, body, times: DENIED if operation == "ListSecrets" else None) as p:
        done = cli.run("scan", tmp_path / "tree", "--no-ner", "--match-live", env=env(p.url))
    assert done.code == 3
    assert "secretsmanager:ListSecrets" in done.said


def test_a_process_asks_again_after_a_while_only(server: Bucketeer, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "NO_PROXY": "*"}
    with throttled(server.url, lambda operation, body, times: None) as proxy:
        for name_, told in {**known, **env(proxy.url)}.items():
            monkeypatch.setenv(name_, told)
        remembered = Remembered()
        first = remembered([AwsConfig()], decrypt=False)
        assert remembered([AwsConfig()], decrypt=False) is first
        assert proxy.asked["ListSecrets"] == 1
        remembered([AwsConfig()], decrypt=True)
        assert proxy.asked["ListSecrets"] == 2
        monkeypatch.setattr(gather, "FRESH", -1.0)
        assert remembered([AwsConfig()], decrypt=True) is not first
        assert proxy.asked["ListSecrets"] == 3


def test_rotation_is_asked_for_when_it_is_confirmed(server: Bucketeer, tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    before = cli.run("secrets", "rotate", name(1), env=env(server.url))
    assert before.code == 2
    assert "pass --confirm" in before.said
    vault = boto3.client("secretsmanager", endpoint_url=server.url, **KNOWN)
    versions = set(vault.describe_secret(SecretId=name(1))["VersionIdsToStages"])
    told = cli.good("secrets", "rotate", name(1), "--confirm", env=env(server.url)).text
    assert "rotation begun" in told
    assert set(vault.describe_secret(SecretId=name(1))["VersionIdsToStages"]) - versions
    assert cli.run("secrets", "rotate", "nothing", "--confirm", env=env(server.url)).code == 3
