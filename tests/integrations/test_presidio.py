"""Presidio both ways, in processes that reach no address but this machine's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from piiscan.config import Config
from piiscan.errors import ConfigError
from piiscan.integrations.presidio import PresidioRecognizers, entity_name
from tests.support.cli import Cli, hooked
from tests.support.trees import mail, ssn

REGISTRY = """
supported_languages:
  - en
global_regex_flags: 26
recognizers:
  - name: BadgeRecognizer
    type: custom
    supported_languages:
      - en
    supported_entity: COMPANY_BADGE
    patterns:
      - name: badge
        regex: "BDG-[0-9]{6}"
        score: 0.8
      - name: weak badge
        regex: "BX[0-9]{4}"
        score: 0.2
  - name: EmailRecognizer
    type: predefined
  - name: SpacyRecognizer
    type: predefined
"""

CLOSED = """
import socket

def refuse(*args, **kwargs):
    print("NETWORK", args[1:] or args, file=__import__("sys").stderr, flush=True)
    raise OSError("no network in this test")

def local(host):
    return host in (None, "", "localhost", "::1", b"localhost") or str(host).startswith("127.")

connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

def guarded(original):
    def call(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not local(address[0]):
            refuse(self, address)
        return original(self, address)
    return call

def asked(host, *args, **kwargs):
    return lookup(host, *args, **kwargs) if local(host) else refuse(host)

socket.socket.connect = guarded(connect)
socket.socket.connect_ex = guarded(connect_ex)
socket.getaddrinfo = asked
socket.gethostbyname = socket.create_connection = refuse
"""
"""What every Python process of these tests runs first."""

TEXT = (
    f"The badge BDG-123456 of Margaret Whitfield was found in Chicago on Monday, and BX1234 was not.\n"
    f"Please write to {mail(1)} when you hear of it. SSN: {ssn(1)} is on the back of it.\n"
)


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    path = tmp_path / "registry.yaml"
    path.write_text(REGISTRY)
    return path


@pytest.fixture
def closed(tmp_path: Path) -> dict[str, str]:
    """An environment without a network, in which no list of suffixes has been cached either."""
    env = hooked(tmp_path / "closed", CLOSED)
    return {**os.environ, **env, "HOME": str(tmp_path / "home"), "TLDEXTRACT_CACHE": str(tmp_path / "no-cache")}


def python(code: str, env: dict[str, str], *args: object) -> Any:
    """What the code printed last, as JSON; it must not have tried to reach anything."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, env=env, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_guard_refuses_everything_but_this_machine(closed: dict[str, str]) -> None:
    code = """
import json, socket, threading, urllib.request
def tried(do):
    try:
        do()
    except OSError as err:
        return str(err)
    return "open"
server = socket.create_server(("127.0.0.1", 0))
client = socket.socket()
print(json.dumps([
    tried(lambda: socket.socket().connect(("192.0.2.1", 80))),
    tried(lambda: urllib.request.urlopen("http://example.org/", timeout=2)),
    tried(lambda: socket.getaddrinfo("example.org", 80)),
    tried(lambda: client.connect(server.getsockname())),
]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=closed, timeout=60)
    *refused, local = json.loads(done.stdout)
    assert all("no network in this test" in text for text in refused)
    assert local == "open"
    assert "NETWORK" in done.stderr


def test_a_whole_scan_with_a_registry_and_no_network(
    tmp_path: Path, registry: Path, closed: dict[str, str], cache: Path
) -> None:
    cli = Cli(tmp_path / "work", cache)
    (cli.root / "tree").mkdir()
    (cli.root / "tree/letter.txt").write_text(TEXT)
    (cli.root / "presidio.toml").write_text(f"presidio = ['{registry}']\n")
    done = cli.good("scan", "tree", "--config", "presidio.toml", "--json", env={"PYTHONPATH": closed["PYTHONPATH"]})
    assert "NETWORK" not in done.said
    assert done.json()["objects"]["scanned"] == 1
    found = {line["rule"]: line for line in cli.good("report", "--format", "jsonl").lines()}
    assert {"presidio.company_badge", "presidio.person", "presidio.location", "us.ssn"} <= set(found)
    (badge,) = found["presidio.company_badge"]["occurrences"]
    assert TEXT[badge["offset"] :][: badge["length"]] == "BDG-123456"
    assert badge["place"] == {"line": 1, "column": 11}
    assert found["presidio.company_badge"]["confidence"] == 0.8
    assert found["presidio.company_badge"]["category"] == "custom"
    assert found["presidio.company_badge"]["count"] == 1, "the weak pattern is below the threshold"
    # The same mailbox by both: our own rule is the one that stands.
    assert found["generic.email"]["count"] == 1
    assert "BDG-123456" not in json.dumps(list(found.values()))


def test_both_ways_without_a_network(registry: Path, closed: dict[str, str]) -> None:
    code = """
import json, sys
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from piiscan.classify.stack import Stack
from piiscan.integrations.presidio import PresidioRecognizers, _engine, rule_recognizer
registry, text = sys.argv[1:]

stack = Stack([], recognizers=[PresidioRecognizers([registry])], cache=False)
theirs = [[m.rule, m.value] for m in stack.classify(text)]

ours = RecognizerRegistry(recognizers=[rule_recognizer()], supported_languages=["en"])
engine = AnalyzerEngine(registry=ours, nlp_engine=_engine(), supported_languages=["en"])
def asked(**more):
    return [[r.entity_type, text[r.start:r.end], r.score] for r in engine.analyze(text, language="en", **more)]
explained = engine.analyze(text, language="en", return_decision_process=True)[0].analysis_explanation
print(json.dumps([theirs, asked(), asked(entities=["US_SSN"]), asked(score_threshold=0.97),
                  engine.get_supported_entities(), explained.recognizer, explained.pattern_name]))
"""
    theirs, everything, chosen, sure, entities, recognizer, pattern = python(code, closed, registry, TEXT)
    for expected in (
        ["presidio.company_badge", "BDG-123456"],
        ["presidio.email_address", mail(1)],
        ["presidio.person", "Margaret Whitfield"],
        ["presidio.location", "Chicago"],
    ):
        assert expected in theirs
    assert not [value for _, value in theirs if value.startswith("BX")], "the weak pattern is below the threshold"

    values = {entity: value for entity, value, _ in everything}
    assert values == {"US_SSN": ssn(1), "GENERIC_EMAIL": mail(1)}
    assert all(0.5 <= score <= 1 for *_, score in everything)
    assert [(entity, value) for entity, value, _ in chosen] == [("US_SSN", ssn(1))]
    assert all(score >= 0.97 for *_, score in sure)
    assert {"US_SSN", "GENERIC_CREDIT_CARD", "AWS_SECRET_ACCESS_KEY"} <= set(entities)
    assert recognizer == "PiiscanRecognizer"
    assert entity_name(pattern) in values


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such Presidio registry"),
        ("recognizers: [", "not a Presidio registry"),
        ("recognizers:\n  - name: NoSuchRecognizer\n    type: predefined\n", "not a Presidio registry"),
    ],
    ids=["missing", "no-yaml", "unknown"],
)
def test_a_wrong_registry_names_its_file(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "registry.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        PresidioRecognizers([str(path)])
    assert str(path) in str(caught.value)


def test_a_registry_is_chosen_in_trusted_configuration_only() -> None:
    from piiscan.config import LOCAL_KEYS

    assert "presidio" not in LOCAL_KEYS
    assert Config().presidio == ()
