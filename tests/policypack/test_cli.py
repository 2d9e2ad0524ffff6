"""The commands, from a folder to a scan that goes by it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from piiscan.policypack.signing import read_private
from tests.policypack.folder import WHOLE, made, signed, written
from tests.support.cli import Cli

SINK = '[[sinks]]\nname = "file"\nkind = "jsonl"\npath = "alerts.jsonl"\n'


@pytest.fixture
def cli(tmp_path: Path, cache: Path) -> Cli:
    return Cli(tmp_path / "work", cache)


HEAD = """
name        = "acme"
version     = 2
description = "What every team looks for"
expires     = 2099-01-01
locked      = ["threshold"]
"""


def signed_file(cli: Cli, version: int, expires: date = date(2099, 1, 1), key: str = "policy.key") -> str:
    """A signed pack, made without the commands."""
    name = f"{version}-{expires}-{key}.json"
    pack = made(WHOLE, version, expires=expires, locked=("threshold",))
    (cli.root / name).write_bytes(signed(pack, read_private(str(cli.root / key))))
    return name


def test_from_a_folder_to_a_scan(cli: Cli) -> None:
    for key in ("policy.key", "other.key"):
        cli.good("policy", "pack", "keygen", "-o", key)
    assert (cli.root / "policy.key").stat().st_mode & 0o077 == 0
    config = Path(cli.env["XDG_CONFIG_HOME"]) / "piiscan" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'threshold = 0.9\n[policy]\ntrust = ["{cli.root / "policy.key.pub"}"]\n{SINK}')

    second = "acme.json"
    cli.good("policy", "pack", "build", written(cli.root / "source", WHOLE, HEAD), "-o", second)
    assert "it is not signed" in cli.good("policy", "pack", "show", second).text
    cli.good("policy", "pack", "sign", second, "--key", "env:KEY", env={"KEY": (cli.root / "policy.key").read_text()})
    assert (cli.root / second).read_bytes() == (cli.root / signed_file(cli, 2)).read_bytes()
    shown = cli.good("policy", "pack", "show", second).text
    assert "acme version 2" in shown
    assert "holds, by the trusted key" in shown
    assert "rules/acme/badge.toml" in shown

    dry = cli.good("policy", "pack", "apply", second, "--dry-run").text
    assert dry.count("would be: applied") == 2
    assert not (cli.root / "piiscan.duckdb").exists()
    assert cli.good("policy", "pack", "apply", second).text.count(": applied") == 2
    assert cli.good("policy", "pack", "apply", second).text.count("nothing to do") == 2

    # A scan finds what the pack's rule means, but for what its list allows; the job and the alert rule are there.
    tree = cli.root / "tree"
    tree.mkdir()
    (tree / "lost.txt").write_text("lost B-LX-204417, found B-AA-000001")
    assert cli.good("scan", tree, "--alert", "--quiet").code == 0
    assert cli.sql("SELECT rule, count FROM v_findings") == [{"rule": "acme.badge", "count": 1}]
    assert json.loads((cli.root / "alerts.jsonl").read_text())["alert"] == "badges"
    assert "nightly" in cli.good("job", "ls").text
    assert "badges" in cli.good("alert", "ls").text
    assert [line["rule"] for line in cli.good("check", tree / "lost.txt", "--pack", "acme").lines()] == ["acme.badge"]
    assert "threshold is locked by the policy pack 'acme'" in cli.run("scan", tree, "--threshold", "0.9").said

    assert cli.good("policy", "pack", "drift").text == "no drift\n"
    cli.good("job", "pause", "nightly")
    told = cli.good("policy", "pack", "drift", "--json", codes=(1,)).lines()
    assert [(one["kind"], one["item"]) for one in told] == [("job", "nightly")]
    assert cli.sql("SELECT pack, field FROM v_policy_drift") == [{"pack": "acme", "field": "paused"}]

    refusals(cli)


def refusals(cli: Cli) -> None:
    """The four that the bar names: each is exit 2 with its reason in one line, and what is applied stays."""
    tampered = cli.root / "tampered.json"
    tampered.write_bytes((cli.root / signed_file(cli, 3)).read_bytes().replace(b"B-AA-000001", b"B-LX-204417"))
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    for name, said in (
        (tampered.name, "tampered: allow/words/known.txt is not what was signed"),
        (signed_file(cli, 3, yesterday), f"expired: its last day was {yesterday}"),
        (signed_file(cli, 3, key="other.key"), "is not trusted here"),
        (signed_file(cli, 1), "acme version 1: older than version 2, which is applied to"),
    ):
        done = cli.run("policy", "pack", "apply", name)
        assert (done.code, done.said.count("\n"), said in done.said) == (2, 1, True), done.said
    assert cli.sql("SELECT version FROM v_policy_packs") == [{"version": 2}]
