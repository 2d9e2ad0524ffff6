"""Alerts as mail: encrypted, whole, with nothing added by a name."""

from __future__ import annotations

import email
import email.policy
import logging
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from piiscan.alert.sinks import NotNow, Refused, make_sink
from piiscan.alert.sinks import email as mailing
from piiscan.config import SinkConfig
from piiscan.errors import ConfigError
from tests.alert.receivers import Mail, alert, certificate, mail_server

PASSWORD = "canary-password"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mail]:
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("MAIL_USER", "robot")
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    with mail_server(context) as made:
        yield made


def sink(server: Mail, **more: Any) -> Any:
    given: dict[str, Any] = {
        "host": "localhost",
        "port": server.port,
        "sender": "piiscan@example.org",
        "to": ("a@example.org",),
    } | more
    return make_sink(SinkConfig("mail", "email", **given))


def parsed(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_mail(server: Mail) -> None:
    to = ("a@example.org", "b@example.net")
    made = sink(server, to=to, user="env:MAIL_USER", secret="env:MAIL_PASSWORD", title="prod")
    made.send(alert())
    made.send(alert())
    assert server.logins == [("robot", PASSWORD)] * 2
    assert all(tls for said, tls in server.said if said not in ("EHLO", "STARTTLS"))
    mails = [parsed(raw) for raw in server.took]
    assert {mail["Message-ID"] for mail in mails} == {"<3f2a91c0@example.org>"}
    mail = mails[0]
    assert mail["Subject"] == "prod: keys & numbers (critical)"
    assert (mail["From"], mail["To"]) == ("piiscan@example.org", ", ".join(to))
    assert (mail["X-Piiscan-Alert-Id"], mail["Auto-Submitted"]) == ("3f2a91c0", "auto-generated")
    assert server.recipients == [*to, *to]
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    shown, html = text.get_content(), page.get_content()
    assert "3 rows in run 7" in shown
    assert "By rule: keys.pgp 2, us.ssn 1" in shown
    assert "- object: hr/<!channel>" in shown
    assert "&lt;!channel&gt; [a](http://evil.test) `x` &amp; \\x1b[31m\\r\\nBcc: evil@evil.test" in html
    assert "<!channel" not in html
    assert all(raw.isascii() and max(map(len, raw.splitlines())) <= 998 for raw in server.took)


@pytest.mark.parametrize("where", ["alert", "title", "rows", "id", "at"])
def test_no_name_adds_a_header_or_ends_the_mail(server: Mail, where: str) -> None:
    bad = "x\r\nBcc: evil@evil.test\r\n.\r\nRCPT TO:<evil@evil.test>\r\n\r\n\udc80 é\u2028"
    told = alert(1)
    if where != "title":
        told[where] = [{"object": bad, bad: 1}] if where == "rows" else bad
    sink(server, title=bad if where == "title" else "").send(told)
    (raw,) = server.took
    assert set(parsed(raw).keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "X-Piiscan-Alert-Id"),
        *("Auto-Submitted", "MIME-Version", "Content-Type"),
    }
    assert server.recipients == ["a@example.org"]


def test_tls_from_the_start(tmp_path: Path, server: Mail) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    context, _ = certificate(tmp_path)
    with mail_server(context, at_once=True) as other:
        sink(other, transport="tls").send(alert())
        assert len(other.took) == 1
        assert all(tls for _, tls in other.said)


def test_without_starttls_nothing_is_said(server: Mail) -> None:
    with mail_server(None) as other:
        with pytest.raises(NotNow, match="SMTPNotSupportedError"):
            sink(other, user="env:MAIL_USER", secret="env:MAIL_PASSWORD").send(alert())
        assert {said for said, _ in other.said} == {"EHLO"}
        sink(other, transport="plain").send(alert())
        assert len(other.took) == 1


@pytest.mark.parametrize("transport", ["starttls", "tls"])
def test_a_certificate_of_another_name(server: Mail, transport: str, tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, "mail.example.org")
    with mail_server(context, at_once=transport == "tls") as other, pytest.raises(OSError, match="verify failed"):
        sink(other, transport=transport, user="env:MAIL_USER", secret="env:MAIL_PASSWORD").send(alert())
    assert (other.took, other.logins) == ([], [])


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"RCPT": "550 canary no such user"}, Refused),
        ({"RCPT": "450 canary later"}, NotNow),
        ({"RCPT TO:<B@EXAMPLE.ORG>": "550 canary no such user"}, Refused),
        ({"RCPT TO:<B@EXAMPLE.ORG>": "450 canary later"}, NotNow),
        ({"MAIL": "553 canary not yours"}, Refused),
        ({"AUTH": "535 canary wrong"}, NotNow),
        ({"AUTH": "454 canary later"}, NotNow),
        ({"BODY": "554 canary spam"}, Refused),
        ({"BODY": "452 canary full"}, NotNow),
        ({"EHLO": "421 canary busy", "HELO": "421 canary busy"}, NotNow),
        ({"STARTTLS": "454 canary not now"}, NotNow),
    ],
    ids=lambda value: "-".join(f"{k}-{v[:3]}" for k, v in value.items()) if isinstance(value, dict) else value.__name__,
)
def test_answers_of_the_server(
    server: Mail, answers: dict[str, str], kind: type[OSError], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers = answers
    made = sink(server, to=("a@example.org", "b@example.org"), user="env:MAIL_USER", secret="env:MAIL_PASSWORD")
    with pytest.raises(kind) as caught:
        made.send(alert())
    assert isinstance(caught.value, kind)
    assert "canary" not in repr(caught.value) + caplog.text


def test_a_challenge_that_is_none(server: Mail) -> None:
    server.answers = {"EHLO": "250-here\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5", "AUTH": "334 a"}
    with pytest.raises(NotNow, match="Error"):
        sink(server, user="env:MAIL_USER", secret="env:MAIL_PASSWORD").send(alert())


def test_a_server_that_leaves_after_the_mail_has_it(server: Mail) -> None:
    server.answers = {"QUIT": "500 canary"}
    sink(server).send(alert())
    assert len(server.took) == 1


def test_nobody_there(server: Mail) -> None:
    with pytest.raises(ConnectionRefusedError):
        make_sink(
            SinkConfig("m", "email", host="localhost", port=1, sender="a@example.org", to=("b@example.org",))
        ).send(alert())


def test_a_server_cannot_hold_us(server: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "WHOLE", 0.4)
    server.answers = {"EHLO": "250-more\r\n" * 3 + "250-and"}
    begin = time.monotonic()
    with pytest.raises(OSError, match="too long"):
        sink(server).send(alert())
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"to": ("a@example.org\r\nBcc: b@example.org",)}, "to is not made of addresses"),
        ({"to": ("a",)}, "to is not made of addresses"),
        ({"to": ()}, "to is wanted"),
        ({"sender": "a b@example.org"}, "sender is not made of addresses"),
        ({"sender": ""}, "sender is wanted"),
        ({"host": ""}, "host is wanted"),
        ({"host": "a..b"}, "host is no name"),
        ({"host": "a\0b"}, "host is no name"),
        ({"port": 70_000}, "port lies between"),
        ({"transport": "ssl"}, "transport is one of starttls, tls, plain"),
        ({"transport": "plain", "host": "mail.example.org"}, "for a server on this machine"),
        ({"user": "robot"}, "user and secret go together"),
        ({"user": "robot", "secret": PASSWORD}, "by reference"),
        ({"facility": "mail"}, "facility is no setting of a sink of kind 'email'"),
    ],
    ids=range(14),
)
def test_settings(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=f"sink 'mail': .*{said}") as caught:
        sink(Mail(25), **wrong)
    assert PASSWORD not in str(caught.value)
