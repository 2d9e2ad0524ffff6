"""gitleaks' rules through `piiscan rules import`, with rules of our own in its syntax."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from piiscan import catalogue
from piiscan.classify.stack import Stack
from piiscan.cli.main import app
from piiscan.cli.rules_import import import_
from piiscan.errors import CatalogueError, ConfigError
from piiscan.importing.rule import as_toml

SAMPLE = r"""
title = "ours"
[extend]
useDefault = true

[allowlist]
paths = ['''\.lock$''']
stopwords = ["Sample"]

[[rules]]
id = "initech-deploy-key"
description = "A deploy key of Initech."
regex = '''\b(ini_(?i)[a-z0-9]{16})(?:[\x60'"\s;]|\\[nr]|$)'''
entropy = 3
keywords = ["ini_"]
tags = ["vendor"]
[[rules.allowlists]]
regexes = ['''.+FAKE$''']
stopwords = ["dummy"]

[[rules]]
id = "umbrella-token"
regex = '''LEAD([a-z0-9]{24})(?:[\x60'"\s;]|\\[nr]|$)'''
keywords = ["umbrella"]

[[rules]]
id = "9lives"
regex = '''(x)?\b(\d{4}[A-Z]{6})\b'''
secretGroup = 2
path = '''\.cfg$'''
keywords = ["cat"]
[[rules.allowlists]]
regexTarget = "line"
regexes = ["x"]

[[rules]]
id = "two-forms"
regex = '''(?:left-([a-f]{12})|right-([0-9]{12}))'''

[[rules]]
id = "file-only"
path = '''\.p12$'''

[[rules]]
id = "letters"
regex = '''\pL{8}'''

[[rules]]
id = "odd"
regex = '''abc'''
colour = "red"
""".replace(
    "LEAD",
    r"""(?i)[\w.-]{0,50}?(?:umbrella)(?:[ \t\w.-]{0,20})[\s'"]{0,3}"""
    r"""(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}""",
)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    (tmp_path / "leaks.toml").write_text(SAMPLE)
    assert import_(tmp_path / "leaks.toml", tmp_path / "rules") == 0
    return capsys.readouterr().out


def values(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    stack = Stack(catalogue.own_rules([tmp_path / "rules"]), cache=False)
    return [(str(m.rule).removeprefix("gitleaks."), m.value) for m in stack.classify(text)]


def test_every_rule_is_told_of(tmp_path: Path, said: str) -> None:
    assert "imported  initech-deploy-key:" in said
    assert "refused   file-only: it finds files by their path" in said
    assert "refused   letters: classes of Unicode" in said
    assert "refused   odd: colour: unknown key" in said
    assert "[extend] is not followed" in said
    assert "1 paths of the allow list for all rules are dropped" in said
    for note in ("path is dropped", "patterns of an allow list for the line are dropped", "within 300 characters"):
        assert note in said
    assert "refused   9lives" not in said
    assert "3 refused" in said


def test_the_files_are_rules_that_pass_their_check(tmp_path: Path, said: str) -> None:
    files = sorted(path.name for path in (tmp_path / "rules" / "gitleaks").iterdir())
    assert files == [
        "initech_deploy_key.toml", "n9lives.toml", "two_forms_1.toml", "two_forms_2.toml", "umbrella_token.toml",
    ]  # fmt: skip
    rules = {str(rule.id): rule for rule in catalogue.own_rules([tmp_path / "rules"])}
    deploy = rules["gitleaks.initech_deploy_key"]
    assert (deploy.name, deploy.origin, deploy.tags) == ("A deploy key of Initech.", "gitleaks", ("gitleaks", "vendor"))
    assert deploy.checksum is not None
    assert deploy.checksum.params == {"bits": 3.0, "fillers": ["dummy", "Sample"], "patterns": [".+FAKE$"]}


KEY = "ini_" + "q8Zp2LxV0nRt5kWd"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"key = '{KEY}'", [("initech_deploy_key", KEY)]),
        (f"x{KEY}", []),
        (f"{KEY}x", []),
        (f"{KEY}\\n", [("initech_deploy_key", KEY)]),
        ("ini_" + "a" * 16, []),  # too little entropy
        ("ini_q8Zp2LxV0nRtFAKE", []),  # its own allow list
        ("ini_q8ZpDUMMY0nRt5kW", []),
        ("ini_q8ZpSAMPLEnRt5kW", []),  # the one for all rules
        ("UMBRELLA_TOKEN=" + "q8zp2lxv0nrt" * 2, [("umbrella_token", "q8zp2lxv0nrt" * 2)]),
        ('umbrellaApiKey: "' + "q8zp2lxv0nrt" * 2 + '"', [("umbrella_token", "q8zp2lxv0nrt" * 2)]),
        ("umbrella " + "q8zp2lxv0nrt" * 2, []),
        ("left-abcdefabcdef", [("two_forms_1", "abcdefabcdef")]),
        ("right-123456789012", [("two_forms_2", "123456789012")]),
    ],
)
def test_what_they_find(tmp_path: Path, said: str, text: str, found: list[tuple[str, str]]) -> None:
    assert values(tmp_path, text) == found


def test_a_second_import_replaces_its_own_files_only(
    tmp_path: Path, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "rules" / "gitleaks" / "umbrella_token.toml"
    mine.write_text(mine.read_text().replace('origin = "gitleaks"', 'origin = "us"'))
    assert import_(tmp_path / "leaks.toml", tmp_path / "rules") == 0
    assert "was not imported from gitleaks" in capsys.readouterr().out
    assert 'origin = "us"' in mine.read_text()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.toml", "a = 1", "neither"),
        ("x.toml", "[[rules]]\nid = 'p'\npath = 'x'", "no rule could be imported"),
        ("x.toml", "[[rules", "x.toml"),
        ("x.json", '{"name": "x"}', "no rule could be imported"),
    ],
)
def test_nothing_to_import_is_an_error(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(CatalogueError, match=said):
        import_(tmp_path / name, tmp_path / "rules")
    with pytest.raises(ConfigError, match="--format"):
        import_(tmp_path / name, tmp_path / "rules", "yara")


def test_an_identifier_of_macie_becomes_a_file(tmp_path: Path) -> None:
    data = {"name": "Badge", "regex": r"\bBDG'[a-z]{4}\b", "keywords": ["staff"], "ignoreWords": ["BDG'x"]}
    (tmp_path / "badge.json").write_text(json.dumps(data))
    assert import_(tmp_path / "badge.json", tmp_path / "rules") == 0
    (rule,) = catalogue.own_rules([tmp_path / "rules"])
    (direct,) = catalogue.own_rules([tmp_path / "badge.json"])
    assert rule == direct
    assert [m.value for m in Stack([rule], cache=False).classify("staff BDG'abcd BDG'xbcd")] == ["BDG'abcd"]


def test_the_command_is_there() -> None:
    command: Any = typer.main.get_command(app)
    assert {"--format", "-o"} <= {o for p in command.commands["rules"].commands["import"].params for o in p.opts}


@pytest.mark.parametrize("text", ["a\\d'b", "a\\'", 'say "x"\\', "it'''s\\", "tab\tand\x7f", "é\\w", "'"])
def test_strings_survive_the_writing(text: str) -> None:
    table = {"id": text, "match": {"pattern": text}, "context": {"keywords": [text] * 30}}
    assert tomllib.loads(as_toml(table, ["two\nlines"])) == table
