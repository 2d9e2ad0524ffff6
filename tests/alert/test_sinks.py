"""What holds for sinks of every kind: their settings, their secrets, what they say and what they never say."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.alert.sinks import (
    KINDS,
    NotNow,
    Refused,
    email,
    eventbridge,
    key,
    make_sink,
    resolve,
    securityhub,
    slack,
    syslog,
    teams,
)
from piiscan.alert.sinks.wording import by_rule, document, fitted, plain_text
from piiscan.config import Config, SinkConfig
from piiscan.errors import ConfigError
from tests.alert.receivers import Mail, Web, alert, certificate, mail_server, web

SECRET = "canary-secret"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as made:
        yield made


def test_every_file_of_a_sink_is_a_kind() -> None:
    shared = {"__init__", "cloud", "post", "reference", "wording"}
    files = {path.stem for path in (ROOT / "piiscan" / "alert" / "sinks").glob("*.py")} - shared
    assert {place.partition(":")[0] for place in KINDS.values()} == files


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_setting_of_another_kind_is_named(kind: str) -> None:
    taken = SinkConfig("s", kind, facility="local1") if kind != "syslog" else SinkConfig("s", kind, bus="x")
    name = "bus" if kind == "syslog" else "facility"
    with pytest.raises(ConfigError, match=f"sink 's': {name} is no setting of a sink of kind '{kind}'"):
        make_sink(taken)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("jsonl", "path is wanted"),
        ("webhook", "an https URL is wanted"),
        *((kind, "url is wanted") for kind in ("slack", "teams", "sqs", "apprise")),
        ("email", "host is wanted"),
        ("syslog", "host is wanted"),
        ("sns", "arn is wanted"),
    ],
)
def test_a_setting_that_is_missing(kind: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"sink 's': {said}"):
        make_sink(SinkConfig("s", kind))


def test_settings_are_read_from_toml() -> None:
    tables = {"sinks": [{"name": "m", "kind": "email", "to": ["a@example.org"], "port": 25, "private": True}]}
    (sink,) = Config.from_json(tables).sinks
    assert (sink.to, sink.port, sink.private) == (("a@example.org",), 25, True)
    with pytest.raises(ConfigError, match="sinks: to: a list is wanted"):
        Config.from_json({"sinks": [{"name": "m", "kind": "email", "to": "a@example.org"}]})


def test_every_example_of_the_page_makes_a_sink(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import tomllib

    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    (tmp_path / "aws").write_text("[profile security]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    seen = set()
    for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        for sink in Config.from_json(tomllib.loads(block)).sinks:
            for setting in (sink.url, sink.user, sink.secret):
                if setting.startswith("env:"):
                    monkeypatch.setenv(
                        setting[4:], "json://example.org" if sink.kind == "apprise" else "https://a.test/"
                    )
            made: Any = make_sink(sink)
            assert made.name == sink.name
            seen.add(sink.kind)
    assert seen == set(KINDS)


def test_the_page_has_every_setting_and_kind() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    for kind in KINDS:
        assert re.search(f"^### .*`{kind}`", page, re.MULTILINE), kind
    for field in fields(SinkConfig):
        assert re.search(rf"`{field.name}`|`{field.name} = |^{field.name} +=", page, re.MULTILINE), field.name


@pytest.mark.parametrize("heavy", ["boto3", "apprise", "smtplib", "ssl"])
def test_what_one_sink_needs_is_not_loaded_for_another(heavy: str) -> None:
    code = (
        "import sys; from piiscan.alert.sinks import make_sink; from piiscan.config import SinkConfig; "
        f"make_sink(SinkConfig('s', 'jsonl', path='x')); sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# References.


def test_a_reference_in_a_url(server: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f"{server.url}/env\n")
    (tmp_path / "hook").write_text(f"{server.url}/file\n")
    for reference in ("env:HOOK", f"file:{tmp_path / 'hook'}"):
        make_sink(SinkConfig("s", "webhook", url=reference)).send(alert())
    assert [path for path, _, _ in server.came] == ["/env", "/file"]


@pytest.mark.parametrize("reference", [SECRET, "", "env:", "vault:x", "ENV:X", "env:PIISCAN_NO_SUCH"], ids=range(6))
def test_what_is_no_reference(reference: str) -> None:
    with pytest.raises(ConfigError, match="sink 's': ") as caught:
        resolve(reference, "s")
    assert SECRET not in str(caught.value)


# What is told.


def test_a_key_fits_into_headers() -> None:
    assert key({"id": "a b\r\nc: d/é"}) == "a-b--c--d--"
    assert len(key({"id": "x" * 500})) == 128
    assert key({"id": ""}) == "-"


def test_rules_are_counted() -> None:
    assert by_rule(alert(5)) == "keys.pgp 3, us.ssn 2"
    assert by_rule(alert(5, count=9)) == "keys.pgp 3, us.ssn 2 (of the first 5)"
    assert by_rule(alert(1, rows=[{"n": 1}])) == ""


def test_rows_that_are_not_told_are_counted() -> None:
    text = plain_text(alert(100, count=1_250))
    assert text.count("\n- ") == 20
    assert text.endswith("and 1,230 more\n")


@pytest.mark.parametrize("most", [400, 1_000, 5_000, 1_000_000])
def test_a_document_is_cut_to_its_size(most: int) -> None:
    told = alert(100)
    text = fitted(told, most)
    assert len(text.encode()) <= most
    body = json.loads(text)
    assert body["rows"] == json.loads(fitted(told, 1_000_000))["rows"][: len(body["rows"])]
    assert body.get("rows_left_out", 0) == 100 - len(body["rows"])


_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.characters(categories=["Cs"]),
    st.lists(st.text(), max_size=3), st.dictionaries(st.text(), st.integers(), max_size=2),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.text(), _ODD, max_size=4) | st.fixed_dictionaries(
        {"source": _ODD | st.just("s3://b"), "object": _ODD, "rule": _ODD, "category": _ODD}), max_size=7),
    name=st.text(), identity=st.text(), severity=st.text(), at=st.text(), title=st.text(),
)  # fmt: skip
def test_whatever_the_rows_hold_a_message_can_be_made(
    rows: list[dict[str, Any]], name: str, identity: str, severity: str, at: str, title: str
) -> None:
    told = alert(0, alert=name, rows=rows, count=len(rows), id=identity, severity=severity, at=at)
    sink = SinkConfig("s", "email", title=title, sender="a@example.org", to=("b@example.org",))
    assert json.loads(document(told))["count"] == len(rows)
    for made in (slack.message(told, sink), teams.message(told, sink), securityhub.finding(told, sink, "r", "1")):
        json.dumps(made, allow_nan=False).encode()
    for text in (fitted(told, 600), fitted(told, 9_000, shape=lambda less: eventbridge.detail(less, sink))):
        assert json.loads(text, parse_constant=lambda found: pytest.fail(found))
    assert len(syslog.message(told, 16, 2_048)) <= 2_048 + 600
    assert email.message(told, sink).as_bytes().isascii()


# Apprise.


def test_apprise(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRISE", f"json://127.0.0.1:{server.port}/{SECRET}")
    sink = make_sink(SinkConfig("s", "apprise", url="env:APPRISE", title="prod"))
    sink.send(alert(12))
    body = json.loads(server.came[0][2])
    assert body["title"] == "prod: keys & numbers (critical)"
    assert body["type"] == "failure"
    assert "id 3f2a91c0" in body["message"]
    assert "and 7 more" in body["message"]
    server.status = 500
    with pytest.raises(NotNow, match="apprise could not deliver it"):
        sink.send(alert())


def test_apprise_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"sink 's': apprise is not installed; .*\.\[apprise\]"):
        make_sink(SinkConfig("s", "apprise", url="env:X"))


def test_a_url_that_apprise_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRISE", f"nothing://{SECRET}")
    with pytest.raises(ConfigError, match="leads to nothing that apprise knows") as caught:
        make_sink(SinkConfig("s", "apprise", url="env:APPRISE"))
    assert SECRET not in str(caught.value)


# The canary.


@pytest.mark.parametrize("status", [200, 400, 429, 500])
@pytest.mark.parametrize("kind", ["webhook", "slack", "teams", "apprise", "email"])
def test_no_secret_is_told(
    kind: str,
    status: int,
    server: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    scheme = f"json://127.0.0.1:{server.port}" if kind == "apprise" else server.url
    monkeypatch.setenv("HOOK", f"{scheme}/{SECRET}-path?token={SECRET}-token")
    monkeypatch.setenv("SECRET", SECRET)
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    server.status = status
    server.act = None
    with mail_server(context) as mail:
        mail.answers = {200: {}, 400: {"BODY": "554 no"}, 429: {"AUTH": "454 wait"}, 500: {"BODY": "451 no"}}[status]
        sink = make_sink(_config(kind, mail))
        said = ""
        if status == 200:
            sink.send(alert())
        else:
            final = status == 400 and kind != "apprise"
            with pytest.raises(Refused if final else NotNow) as caught:
                sink.send(alert())
            said = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    out = capfd.readouterr()
    told = said + caplog.text + repr(sink) + out.out + out.err
    told += "".join(repr(headers) + body.decode() for _, headers, body in server.came) + repr(mail.took)
    assert SECRET not in told


def _config(kind: str, mail: Mail) -> SinkConfig:
    if kind == "email":
        return SinkConfig(
            "s", kind, host="localhost", port=mail.port, sender="a@example.org", to=("b@example.org",),
            user="robot", secret="env:SECRET",
        )  # fmt: skip
    return SinkConfig("s", kind, url="env:HOOK", secret="env:SECRET" if kind == "webhook" else "")
