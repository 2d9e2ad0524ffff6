"""Flag over environment over file over default; what a scanned folder says may only select."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from piiscan.config import LOCAL_KEYS, AlertConfig, AwsConfig, Config, SinkConfig, load_config, read_passwords
from piiscan.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("PIISCAN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return tmp_path


def user_file(home: Path, text: str) -> Path:
    path = home / "config" / "piiscan" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_defaults() -> None:
    assert load_config({}) == Config()


def test_flag_over_environment_over_file_over_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_file(home, "threshold = 0.1\nworkers = 3\nsample = 20\n")
    monkeypatch.setenv("PIISCAN_THRESHOLD", "0.2")
    monkeypatch.setenv("PIISCAN_WORKERS", "4")
    config = load_config({"threshold": 0.3, "workers": None})
    assert (config.threshold, config.workers, config.sample, config.deadline) == (0.3, 4, 20.0, Config().deadline)


def test_the_file_named_by_flag_over_the_one_named_by_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_file(home, "workers = 1")
    (home / "env.toml").write_text("workers = 2")
    (home / "flag.toml").write_text("workers = 3")
    assert load_config({}).workers == 1
    monkeypatch.setenv("PIISCAN_CONFIG", str(home / "env.toml"))
    assert load_config({}).workers == 2
    assert load_config({}, config_file=str(home / "flag.toml")).workers == 3


def test_aws_settings_are_merged_key_by_key(home: Path) -> None:
    user_file(home, '[aws]\nregion = "eu-west-1"\nprofile = "audit"\n')
    assert load_config({"aws": {"region": "us-east-2"}}).aws == AwsConfig(profile="audit", region="us-east-2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("treshold = 0.5", "unknown key 'treshold'"),
        ("[store]\nmaximum = 5", "unknown key 'store.maximum'"),
        ("[ner]\nspeed = 'x'", "unknown key 'ner.speed'"),
        ("[aws]\nsecret = 'x'", "aws: unknown key 'secret'"),
        ("[[alerts]]\nname = 'a'\nsql = 'b'\nsnk = 'x'", "alerts: unknown key 'snk'"),
        ("[[sinks]]\nname = 'a'", "sinks: missing one of kind"),
        ("store = 5", "unknown key 'store'"),
        ("workers = 'two'", "workers: int is wanted, got str"),
        ("workers = true", "workers: int is wanted, got bool"),
        ("packs = 'default'", "packs: a list is wanted"),
        ("aws = 3", "aws: a table is wanted"),
        ("threshold = 1.5", "threshold lies between 0 and 1"),
        ("threshold = nan", "threshold lies between 0 and 1"),
        ("sample = 0", "sample is a percentage over 0 and up to 100"),
        ("max_objects = -1", "max_objects cannot be negative"),
        ("workers =", "not valid TOML"),
    ],
)
def test_what_is_wrong_names_file_and_key(home: Path, text: str, said: str) -> None:
    path = user_file(home, text)
    with pytest.raises(ConfigError) as caught:
        load_config({})
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_file_that_is_not_utf8_or_not_there(home: Path) -> None:
    path = home / "wrong.toml"
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_config({}, config_file=str(path))
    path.write_bytes(b"db = '\xff'")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config({}, config_file=str(path))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WORKERS", "many", "PIISCAN_WORKERS: int is wanted"),
        ("THRESHOLD", "high", "PIISCAN_THRESHOLD: float is wanted"),
        ("NER", "perhaps", "PIISCAN_NER: bool is wanted"),
        ("SAMPLE", "300", "environment: sample is a percentage"),
    ],
)
def test_wrong_variables_are_named(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PIISCAN_{name}", value)
    with pytest.raises(ConfigError, match=said):
        load_config({})


def test_variables_of_every_simple_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NER": "No", "SAMPLE": "12.5", "MAX_VALUES": "7", "DB": "x.duckdb", "WORKERS": ""}.items():
        monkeypatch.setenv(f"PIISCAN_{name}", value)
    config = load_config({})
    assert (config.ner, config.sample, config.max_values, config.db, config.workers) == (False, 12.5, 7, "x.duckdb", 0)


def test_dotted_spellings(home: Path) -> None:
    user_file(home, "[store]\nmax_values = 9\n[ner]\nmax_bytes = 8\nenabled = false\n")
    config = load_config({})
    assert (config.max_values, config.ner_max_bytes, config.ner) == (9, 8, False)
    (home / "dotted.toml").write_text("store.max_values = 1\nner.max_bytes = 2\n")
    config = load_config({}, config_file=str(home / "dotted.toml"))
    assert (config.max_values, config.ner_max_bytes) == (1, 2)


LOCAL: dict[str, Any] = {"include": ["*.csv"], "exclude": ["tmp/**"], "max_object_bytes": 10}


def test_the_file_of_the_working_folder_may_select() -> None:
    Path("piiscan.toml").write_text("include = ['*.csv']\nexclude = ['tmp/**']\nmax_object_bytes = 10\n")
    config = load_config({})
    assert {name: getattr(config, name) for name in LOCAL_KEYS} == {
        k: tuple(v) if isinstance(v, list) else v for k, v in LOCAL.items()
    }
    assert load_config({"include": ("*.txt",)}).include == ("*.txt",)


OTHERS = {
    "alerts": "[[alerts]]\nname = 'a'\nsql = 'SELECT 1'",
    "sinks": "[[sinks]]\nname = 'a'\nkind = 'jsonl'",
    "aws": "[aws]\nendpoint_url = 'http://example.org'",
    "packs": "packs = []",
    "rules": "rules = ['mine']",
    "posture": "[posture]\naccounts = ['111122223333']",
    "presidio": "presidio = ['x.yaml']",
    "allow": "allow = ['mine.toml']",
    "exact": "exact = ['x.exact']",
    "key_file": "key_file = 'k'",
    "limits": "[limits]\ndepth = 3",
    "passwords": "passwords = 'words.txt'",
    "decrypt": "decrypt = true",
    "match_live": "match_live = true",
    "prices": "prices = 'mine.toml'",
    "db": "db = 'x'",
    "ner": "ner = false",
    "inline_ignore": "inline_ignore = true",
    "policy": "[policy]\ntrust = ['anyone.pub']",
    "ner_model": "ner_model = 'spacy:x'",
}


@pytest.mark.parametrize("key", sorted({f.name for f in fields(Config)} - LOCAL_KEYS))
def test_the_file_of_the_working_folder_may_do_nothing_else(key: str) -> None:
    Path("piiscan.toml").write_text(OTHERS.get(key, f"{key} = 1"))
    with pytest.raises(ConfigError, match=f"key '{key}' is not taken from the working directory") as caught:
        load_config({})
    assert "piiscan.toml: " in str(caught.value)
    # Who names the file trusts it.
    assert load_config({}, config_file="piiscan.toml") is not None


@pytest.mark.parametrize(("line", "key"), [("enabled = false", "ner"), ("model = 'spacy:x'", "ner_model")])
def test_dotted_spellings_do_not_get_around_that(line: str, key: str) -> None:
    Path("piiscan.toml").write_text(f"[ner]\n{line}\n")
    with pytest.raises(ConfigError, match=f"key '{key}' is not taken from the working directory"):
        load_config({})


def test_round_trip() -> None:
    config = Config(
        workers=2,
        ner=False,
        packs=("a", "b"),
        threshold=1.0,
        sample=5,
        include=("*.csv",),
        aws=AwsConfig("http://localhost:1", request_payer=True),
        alerts=(AlertConfig("n", "SELECT 1", "low", ("s", "t")),),
        sinks=(SinkConfig("s", "webhook", url="https://example.org", secret="env:X"),),
    )
    assert Config.from_json(config.to_json()) == config
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert Config.from_json({}) == Config()
    with pytest.raises(ConfigError, match="config: unknown key 'x'"):
        Config.from_json({"x": 1})


def test_limits_are_set_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[limits]\ndepth = 3\nocr_languages = 'deu'\n")
    config = load_config({"limits": {"ocr": True}}, config_file=str(file))
    assert (config.limits.depth, config.limits.ocr, config.limits.ocr_languages) == (3, True, "deu")
    assert config.limits.members == Config().limits.members
    assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize("text", ["[limits]\ndepth = -1", "[limits]\ndeepness = 3", "[limits]\ndepth = 'much'"])
def test_a_limit_that_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"deepness|depth"):
        load_config({}, config_file=str(file))


def test_passwords_are_lines(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_bytes("\ufeffone\r\n\r\n two \none\n".encode())
    assert read_passwords(str(file)) == ("one", " two ")
    assert read_passwords("") == ()
    file.write_bytes(b"\xff\xfe")
    for path in (file, tmp_path / "none.txt"):
        with pytest.raises(ConfigError, match="passwords"):
            read_passwords(str(path))
