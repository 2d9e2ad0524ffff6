"""What holds when packs, the machine's own configuration, the environment and the command line say different things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from piiscan.config import Config, load_config
from piiscan.errors import ConfigError
from piiscan.policies import VARIABLE
from piiscan.policypack import install
from tests.policypack.folder import ALERTS, NOW, RULE, made

PACK = 'name  = "%s"\nrules = ["acme.*"]\n'
FILES = {
    "settings.toml": 'threshold = 0.6\nner = false\nexclude = ["*.bak"]\npacks = ["default", "acme"]\n'
    '[limits]\ndepth = 3\n[posture]\naccounts = ["111122223333"]\n',
    "rules/acme/badge.toml": RULE,
    "packs/acme.toml": PACK % "acme",
    "allow/known.txt": "x\n",
    "alerts.toml": ALERTS,
}


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "policy"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy").mkdir()
    return tmp_path / "policy"


def put(base: Path, files: dict[str, str], *locked: str, name: str = "acme", version: int = 1) -> Path:
    return install.put(base, made(files, version, name=name, locked=locked), "0" * 16, NOW)


def own(base: Path, text: str) -> None:
    path = base.parent / "config" / "piiscan" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_packs_nothing_is_other(base: Path) -> None:
    assert load_config({}) == Config()
    base.rmdir()
    assert load_config({}) == Config()


def test_a_pack_stands_above_the_defaults(base: Path) -> None:
    folder = put(base, FILES)
    config = load_config({})
    assert (config.threshold, config.ner, config.exclude) == (0.6, False, ("*.bak",))
    assert config.packs == ("default", str(folder / "packs/acme.toml"))
    assert config.rules == (str(folder / "rules"),)
    assert config.allow == (str(folder / "allow/known.txt"),)
    assert (config.limits.depth, config.posture.accounts) == (3, ("111122223333",))
    assert [rule.name for rule in config.alerts] == ["badges"]
    assert load_config({}, policies=False) == Config()


def test_single_values_are_defaults_and_lists_add_up(base: Path) -> None:
    folder = put(base, FILES)
    own(
        base,
        'threshold = 0.7\nrules = ["mine"]\nallow = ["my.txt"]\npacks = ["pci"]\n[limits]\ndepth = 4\nmembers = 9\n'
        '[posture]\naccounts = ["444455556666"]\n[[alerts]]\nname = "badges"\nsql = "SELECT 1"\n'
        '[[alerts]]\nname = "more"\nsql = "SELECT 2"\n',
    )
    Path("piiscan.toml").write_text('exclude = ["*.tmp"]\n')
    config = load_config({"ner": True, "packs": ("gdpr",)})
    assert (config.threshold, config.ner, config.limits.depth, config.limits.members) == (0.7, True, 4, 9)
    assert config.exclude == ("*.bak", "*.tmp")
    assert config.packs == ("default", str(folder / "packs/acme.toml"), "gdpr")
    assert config.rules == ("mine", str(folder / "rules"))  # of rules with one id the last one counts
    assert config.allow == (str(folder / "allow/known.txt"), "my.txt")
    assert config.posture.accounts == ("111122223333", "444455556666")
    assert [(rule.name, rule.sql[:8]) for rule in config.alerts] == [("badges", "SELECT o"), ("more", "SELECT 2")]


def test_what_is_locked_holds_against_the_file(base: Path) -> None:
    folder = put(base, FILES, "threshold", "limits", "allow", "exclude", "alerts")
    own(
        base,
        'threshold = 0.9\nallow = ["my.txt"]\n[limits]\ndepth = 4\nmembers = 9\n[[alerts]]\nname="m"\nsql="SELECT 2"',
    )
    Path("piiscan.toml").write_text('exclude = ["*"]\n')
    config = load_config({})
    assert (config.threshold, config.limits.depth, config.limits.members) == (0.6, 3, 9)
    assert (config.allow, config.exclude) == ((str(folder / "allow/known.txt"),), ("*.bak",))
    assert [rule.name for rule in config.alerts] == ["badges"]


def test_a_list_can_be_locked_empty(base: Path) -> None:
    put(base, {}, "rules", "allow")
    own(base, 'allow = ["my.txt"]\nrules = ["mine"]\n')
    assert (load_config({}).allow, load_config({}).rules) == ((), ())
    with pytest.raises(ConfigError, match=r"command line: allow is locked by the policy pack 'acme' \(version 1\)"):
        load_config({"allow": ("my.txt",)})


@pytest.mark.parametrize(
    "flags",
    [{"threshold": 0.9}, {"limits": {"depth": 9}}, {"exclude": ("*",)}, {"exclude": ["*.bak", "x"]}, {"ner": True}],
)
def test_the_command_line_may_not_go_against_a_lock(base: Path, flags: dict[str, Any]) -> None:
    put(base, FILES, "threshold", "limits", "exclude", "ner")
    with pytest.raises(ConfigError, match=r"command line: .* is locked by the policy pack 'acme'"):
        load_config(flags)


def test_nor_may_the_environment_but_the_same_may_be_said(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(base, FILES, "threshold", "limits", "exclude")
    assert load_config({"threshold": 0.6, "exclude": ("*.bak",), "limits": {"ocr": True}}).limits.ocr
    monkeypatch.setenv("PIISCAN_THRESHOLD", "0.9")
    with pytest.raises(ConfigError, match="environment: threshold is locked"):
        load_config({})


def test_packs_add_to_each_other(base: Path) -> None:
    first = put(base, FILES, "allow")
    second = put(base, {"allow/more.txt": "y\n", "settings.toml": 'sample = 9.0\nexclude = ["*.tmp"]\n'}, name="more")
    own(base, 'allow = ["my.txt"]\n')
    config = load_config({})
    assert config.allow == (str(first / "allow/known.txt"), str(second / "allow/more.txt"))
    assert (config.threshold, config.sample, config.exclude) == (0.6, 9.0, ("*.bak", "*.tmp"))


def test_a_new_version_is_taken_as_a_whole_and_the_one_before_stays_readable(base: Path) -> None:
    first = put(base, FILES)
    second = put(base, {"settings.toml": "sample = 9.0\n"}, version=2)
    assert (load_config({}).threshold, load_config({}).sample) == (0.5, 9.0)
    assert first.is_dir()
    third = put(base, {}, version=3)
    assert [path.exists() for path in (first, second, third)] == [False, True, True]
    assert load_config({}) == Config()
