"""A policy pack out of a folder: the same bytes each time, and what has no place in one is refused by file and key."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest

from piiscan.errors import ConfigError
from piiscan.policypack.check import check_pack, check_secrets
from piiscan.policypack.pack import PolicyPack
from piiscan.policypack.source import read_source
from tests.policypack.folder import RULE, SMALL, WHOLE, made, written

HEAD = 'name = "acme"\nversion = 1\nexpires = 2099-01-01\n'
HOOK = "https://hooks.slack.com/" + "services/T01234567/B01234567/abcdefghijklmnopqrstuvwx"


def test_the_same_folder_makes_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path / "first", WHOLE)
    second = tmp_path / "second"
    shutil.copytree(first, second)
    for number, path in enumerate(sorted(second.rglob("*"), reverse=True)):
        os.utime(path, (number, number))
        path.chmod(0o700)
    (second / "README.md").write_text("for people")
    (second / ".git").mkdir()
    assert read_source(first).to_bytes() == read_source(second).to_bytes()
    assert read_source(first).files == WHOLE


def test_a_whole_pack_is_tried_and_read(tmp_path: Path) -> None:
    parts = check_pack(read_source(written(tmp_path, WHOLE)))
    assert parts.settings == {"threshold": 0.6, "ner": False, "packs": ["acme"]}
    assert [(job.name, job.options) for job in parts.jobs] == [
        ("nightly", {"policy": "acme"}),
        ("weekly", {"full": True, "policy": "acme"}),
    ]
    assert [rule.name for rule in parts.alerts] == ["badges"]
    assert parts.weights == {"severity.high": 50.0}


def test_the_end_is_a_day_or_a_number_of_days_and_no_clock_is_asked(tmp_path: Path) -> None:
    head = 'name = "acme"\nversion = 1\nmade = 2026-12-01\nvalid_days = 31\n'
    assert read_source(written(tmp_path, {}, head)).expires == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (HEAD + "parts = []", "pack.toml: unknown key 'parts'"),
        ('version = 1\nname = "acme"', "expires: a date is wanted"),
        (HEAD + "valid_days = 3", "expires: a date is wanted"),
        (HEAD + "locked = [1]", "locked: a list of keys is wanted"),
        (HEAD.replace('"acme"', '"../acme"'), "is no name"),
        (HEAD.replace("= 1", "= 0"), "0 is no version"),
        (HEAD.replace("= 1", "= true"), "version: int is wanted"),
        (HEAD.replace("2099-01-01", '"2099-01-01"'), "expires: date is wanted"),
        (HEAD.replace("2099-01-01", "2099-01-01T00:00:00Z"), "expires: date is wanted"),
        ("version = 1\nexpires = 2099-01-01", "name: missing"),
        ("name =", "no readable pack.toml"),
    ],
)
def test_a_wrong_head_is_refused(tmp_path: Path, head: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_source(written(tmp_path, {}, head))


def test_links_and_odd_names_are_refused(tmp_path: Path) -> None:
    written(tmp_path, SMALL)
    (tmp_path / "packs").mkdir()
    link = tmp_path / "packs" / "x.toml"
    link.symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match=r"packs/x\.toml.*a link"):
        read_source(tmp_path)
    link.unlink()
    odd = os.fsencode(tmp_path / "packs") + b"/\xff.toml"
    with open(odd, "wb"):
        pass
    with pytest.raises(ConfigError, match="no file of a policy pack has this name"):
        read_source(tmp_path)
    os.unlink(odd)
    link.write_bytes(b"name = '\xff'")
    with pytest.raises(ConfigError, match=r"packs/x\.toml: not UTF-8"):
        read_source(tmp_path)
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(ConfigError, match="no plain file"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"settings.toml": "key_file = 'x'"}, "settings.toml: 'key_file' is no key of a policy pack"),
        ({"settings.toml": "[aws]\nprofile = 'x'"}, "settings.toml: 'aws' is no key of a policy pack"),
        ({"settings.toml": "[policy]\ntrust = ['x']"}, "settings.toml: 'policy' is no key of a policy pack"),
        ({"settings.toml": "threshold = 2"}, "settings.toml: threshold lies between 0 and 1"),
        ({"settings.toml": "[limits]\ndeep = 2"}, "unknown key 'deep'"),
        ({"settings.toml": "packs = ['../x.toml']"}, "settings.toml: packs: '../x.toml' is a file"),
        ({"settings.toml": "packs = ['nowhere']"}, "no pack 'nowhere'"),
        ({"settings.toml": "threshold ="}, "settings.toml: not valid TOML"),
        ({"jobs.toml": "[[jobs]]\nname = 'x'\ntargets = ['here']"}, "job 1: targets: whole paths and buckets"),
        ({"jobs.toml": "[[jobs]]\nname = 'x'"}, "job 1: name and targets are wanted"),
        ({"jobs.toml": "[[jobs]]\nname = 'x'\ntargets = ['/x']\ndb = 'x'"}, "job 1: 'db' is no key"),
        ({"jobs.toml": "[[jobs]]\nname = 'x'\ntargets = ['/x']\nschedule = 'often'"}, "'often' is not a schedule"),
        ({"jobs.toml": "[[jobs]]\nname = 'x'\ntargets = ['/x']\nsettings = {key_file = 'x'}"}, "'key_file' is no key"),
        (
            {"jobs.toml": "[[jobs]]\nname = 'x'\ntargets = ['/x']\nsettings = {aws = {profile = 'x'}}"},
            "job 1: settings: aws: 'profile' is no key",
        ),
        ({"jobs.toml": "[[jobs]]\nname = 'x'\ntargets = ['/x']\ndiscover = true"}, "budget: a job that discovers"),
        ({"alerts.toml": "[[sinks]]\nname = 'x'\nkind = 'slack'"}, "sinks stay in each machine's configuration"),
        ({"alerts.toml": "[[alerts]]\nname = 'x'\nsql = 'SELECT 1'\nurl = 'x'"}, "unknown key 'url'"),
        ({"alerts.toml": "[[alerts]]\nname = 'x'\nsql = 'SELECT nothing FROM v_findings'"}, "alerts.toml: alert 'x'"),
        ({"alerts.toml": "[[alerts]]\nname = 'x'\nsql = 'SELECT 1'\nrenotify = 'often'"}, "renotify: 'often'"),
        ({"weights.toml": "severity.worst = 1"}, "weights.toml: 'severity.worst' is none of severity.low"),
        ({"weights.toml": "severity.high = -1"}, "weights.toml: severity.high: a weight is a number from 0"),
        ({"rules/acme/badge.toml": RULE + "colour = 1"}, "rules/acme/badge.toml: "),
        ({"rules/acme/badge.toml": RULE.replace("B-L-204417", "B-LX-204417")}, "rules/acme/badge.toml: "),
        ({"rules/acme/badge.toml": RULE.replace("acme.badge", "acme.card")}, "rules/acme/badge.toml: id: must be"),
        ({"packs/acme.toml": "name = 'acme'\nrules = ['acme.*']"}, r"no rule 'acme\.\*'"),
        (
            {"packs/gdpr.toml": "name = 'gdpr'\nrules = ['us.*']"},
            "packs/gdpr.toml: the catalogue has a pack of this name",
        ),
        ({"packs/de.toml": "name = 'de'\nrules = ['us.*']"}, "packs/de.toml: the catalogue has a pack of this name"),
        ({"allow/a.toml": "[[allow]]\ntext_file = '/etc/hostname'"}, "allow/a.toml: text_file: no file of the pack's"),
        (
            {"allow/a.toml": "[[allow]]\ntext_file = 'words/../../x.txt'"},
            "allow/a.toml: text_file: no file of the pack's",
        ),
        ({"allow/a.toml": "[[allow]]\ntext_file = 'words/none.txt'"}, "allow/a.toml: text_file: no file of the pack's"),
        ({"allow/a.toml": "[[allow]]\nwords = ['x']"}, r"allow/a.toml: allow\[1\].words: unknown key"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value[:24],
)
def test_wrong_parts_are_refused_by_file_and_key(files: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        check_pack(made(files))
    assert "acme version 1: " in str(caught.value)
    assert "piiscan-policy-" not in str(caught.value)


def test_what_is_locked_must_be_set_and_no_job_may_go_against_it() -> None:
    with pytest.raises(ConfigError, match="locked: 'sample' is nothing that settings"):
        check_pack(made(locked=("sample",)))
    job = "[[jobs]]\nname = 'x'\ntargets = ['/x']\nsettings = {threshold = %s}"
    check_pack(made(SMALL | {"jobs.toml": job % "0.6"}, locked=("threshold", "allow")))
    with pytest.raises(ConfigError, match="job 1: settings: threshold: the pack itself locks it"):
        check_pack(made(SMALL | {"jobs.toml": job % "0.9"}, locked=("threshold",)))


def test_a_secret_in_clear_is_refused_without_being_told() -> None:
    def pack(name: str, text: str) -> PolicyPack:
        return made(WHOLE | {name: text})

    for name, text in (
        ("settings.toml", f"threshold = 0.6 # {HOOK}"),
        ("alerts.toml", f"[[alerts]]\nname = 'x'\nsql = \"SELECT '{HOOK}' AS x\""),
        ("rules/acme/badge.toml", RULE.replace("badge B-", f"{HOOK} B-")),
    ):
        with pytest.raises(ConfigError, match=rf"{name}: line \d+: a secret in clear \(slack.webhook\)") as caught:
            check_secrets(pack(name, text))
        assert HOOK[-8:] not in str(caught.value)
    check_secrets(pack("allow/hooks.txt", HOOK))
    check_secrets(made(WHOLE))
