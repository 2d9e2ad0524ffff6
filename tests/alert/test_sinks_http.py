"""What goes out by HTTP: where to, how often, in which form; and what it never says."""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from piiscan.alert.sinks import NotNow, Refused, make_sink
from piiscan.alert.sinks import post as posting
from piiscan.config import SinkConfig
from piiscan.errors import ConfigError
from tests.alert.receivers import HOSTILE, Web, alert, certificate, web

SECRET_PATH = "/services/T00/B00/canary-path"


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as made:
        yield made


@pytest.fixture(params=["webhook", "slack", "teams"])
def sink(request: pytest.FixtureRequest, server: Web, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOOK_URL", server.url + SECRET_PATH)
    return make_sink(SinkConfig("hook", request.param, url="env:HOOK_URL"))


def test_each_try_has_the_same_key(sink: Any, server: Web) -> None:
    sink.send(alert())
    sink.send(alert())
    assert [path for path, _, _ in server.came] == [SECRET_PATH] * 2
    assert {headers["idempotency-key"] for _, headers, _ in server.came} == {"3f2a91c0"}
    assert all(json.loads(body) for _, _, body in server.came)


@pytest.mark.parametrize("status", [400, 404, 410, 301, 302, 307, 308])
def test_what_is_refused_is_not_tried_again(
    sink: Any, server: Web, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.status, server.headers, server.body = status, {"Location": server.url + "/other"}, b"canary-answer"
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Refused, match=f"HTTP {status}") as caught:
        sink.send(alert())
    assert len(server.came) == 1
    assert "canary" not in repr(caught.value) + caplog.text
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("status", "wait"), [(401, None), (403, None), (408, None), (425, None), (429, "7"), (500, None), (503, "9999999")]
)
def test_what_may_work_later_tells_when(sink: Any, server: Web, status: int, wait: str | None) -> None:
    server.status, server.headers = status, {"Retry-After": wait} if wait else {}
    with pytest.raises(NotNow, match=f"HTTP {status}") as caught:
        sink.send(alert())
    assert caught.value.retry_after == {None: None, "7": 7.0, "9999999": 21_600.0}[wait]


def drip(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(200):
        handler.wfile.write(b"H")
        time.sleep(0.05)


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-canary\r\n" * 10)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(10_000):
        handler.wfile.write(b"x" * 65_536)


@pytest.mark.parametrize("act", [drip, hang, garbage], ids=["drips", "hangs", "garbage"])
def test_a_server_cannot_hold_us(sink: Any, server: Web, act: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.4)
    server.act = act
    begin = time.monotonic()
    with pytest.raises(OSError) as caught:
        sink.send(alert())
    assert time.monotonic() - begin < 2
    assert not isinstance(caught.value, Refused)
    assert "canary" not in str(caught.value)


def test_of_a_long_answer_the_beginning_is_read(sink: Any, server: Web) -> None:
    server.act = endless
    begin = time.monotonic()
    sink.send(alert())
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "0.1.2.3", "100.64.0.1", "169.254.1.1"),
        *("169.254.169.254", "168.63.129.16", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "fd00:ec2::254", "2001:db8::1"),
        *(
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:a00:1::",
            "::a00:1",
        ),
    ],
)
def test_addresses_that_are_not_of_the_open_internet(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not posting.public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ConfigError, match="sink 'hook': a private address"):
        make_sink(SinkConfig("hook", "webhook", url=f"https://{host}/x"))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_addresses_of_the_open_internet(address: str) -> None:
    assert posting.public(ipaddress.ip_address(address))


@pytest.mark.parametrize("how", ["setting", "process"])
def test_private_addresses_when_they_are_meant_but_no_metadata(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    private = how == "setting"
    if not private:
        monkeypatch.setenv("PIISCAN_ALERT_PRIVATE", "1")
    for host in ("10.1.2.3", "127.0.0.1", "[fc00::1]", "100.64.0.1"):
        make_sink(SinkConfig("hook", "webhook", url=f"https://{host}/x", private=private))
    for host in ("169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "224.0.0.1", "[::ffff:169.254.169.254]"):
        with pytest.raises(ConfigError, match="a private address"):
            make_sink(SinkConfig("hook", "webhook", url=f"https://{host}/x", private=private))


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with web(context) as made:
        yield made


def hook(host: str, port: int, *, private: bool = True) -> Any:
    return make_sink(SinkConfig("hook", "webhook", url=f"https://{host}:{port}/x", private=private))


def test_https(secure: Web) -> None:
    hook("localhost", secure.port).send(alert())
    ((_, headers, _),) = secure.came
    assert headers["host"] == f"localhost:{secure.port}"


def test_a_name_that_leads_to_a_private_address_is_refused(secure: Web) -> None:
    with pytest.raises(Refused, match="the name leads to a private address"):
        hook("localhost", secure.port, private=False).send(alert())
    assert secure.came == []


def test_a_certificate_is_of_the_name_in_the_url(secure: Web) -> None:
    with pytest.raises(OSError, match="certificate verify failed"):
        hook("127.0.0.1", secure.port).send(alert())
    assert secure.came == []


def test_a_certificate_that_nobody_vouches_for(secure: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OSError, match="certificate verify failed"):
        hook("localhost", secure.port).send(alert())


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name service that gives these answers in turn; what it was asked."""
    asked: list[str] = []

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_is_resolved_once_and_of_its_addresses_only_public_ones_are_tried(
    server: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    class Watched(socket.socket):
        def connect(self, address: Any) -> None:
            tried.append(address[0])
            raise ConnectionRefusedError

    monkeypatch.setattr(socket, "socket", Watched)
    asked = resolver(monkeypatch, ["127.0.0.1", "9.9.9.9", "10.0.0.1", "1.1.1.1"], ["127.0.0.1"])
    with pytest.raises(ConnectionRefusedError):
        hook("rebinds.test", server.port, private=False).send(alert())
    assert (asked, tried) == (["rebinds.test"], ["9.9.9.9", "1.1.1.1"])
    with pytest.raises(Refused, match="private address"):
        hook("rebinds.test", server.port, private=False).send(alert())
    assert len(tried) == 2


def test_the_other_end_is_looked_at_once_connected(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    class Diverted(socket.socket):
        def connect(self, address: Any) -> None:
            super().connect(("127.0.0.1", server.port))

    monkeypatch.setattr(socket, "socket", Diverted)
    resolver(monkeypatch, ["1.1.1.1"])
    with pytest.raises(Refused, match="the connection led to a private address"):
        hook("diverted.test", server.port, private=False).send(alert())
    assert server.came == []


def test_plain_http_leaves_this_machine_under_no_name(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, ["1.1.1.1"])
    with pytest.raises(Refused, match="private address"):
        make_sink(SinkConfig("hook", "webhook", url=f"http://localhost:{server.port}")).send(alert())


@pytest.mark.parametrize("url", ["https://user:canary@example.org/", "https://exa mple.org/canary", "https:///canary"])
def test_a_wrong_url_is_not_quoted(url: str) -> None:
    with pytest.raises(ConfigError, match="sink 'hook': ") as caught:
        make_sink(SinkConfig("hook", "webhook", url=url))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_url_that_is_a_secret_is_given_by_reference(kind: str) -> None:
    with pytest.raises(ConfigError, match="by reference") as caught:
        make_sink(SinkConfig("s", kind, url="https://hooks.example.org/canary"))
    assert "canary" not in str(caught.value)


def texts(data: Any) -> Iterator[str]:
    """Every text that is shown, of blocks or of a card."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name == "text" and isinstance(value, str):
                yield value
            yield from texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from texts(value)


@pytest.mark.parametrize("rows", [0, 1, 3, 100])
def test_a_slack_message_is_within_the_limits(server: Web, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", server.url)
    long = alert(rows, alert="<&>" * 400)
    for row in long["rows"][:-1]:
        row.update({f"column{n}": "<&>é" * 500 for n in range(20)})
    make_sink(SinkConfig("s", "slack", url="env:HOOK_URL", title="prod")).send(long)
    body = json.loads(server.came[0][2])
    header, *sections, context = body["blocks"]
    assert header["text"]["type"] == "plain_text"
    assert len(header["text"]["text"]) <= 150
    assert header["text"]["text"].startswith("prod: &lt;&amp;&gt;")
    assert len(sections) == 1 + min(rows, 5)
    assert all(len(s["text"]["text"]) <= 3_000 and s["text"]["verbatim"] for s in sections)
    assert ("and 95 more" in context["elements"][0]["text"]) == (rows == 100)


def test_names_do_nothing_in_slack(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", server.url)
    make_sink(SinkConfig("s", "slack", url="env:HOOK_URL")).send(alert())
    found = "\n".join(texts(json.loads(server.came[0][2])))
    assert "<" not in found
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "&lt;!channel&gt; [a](http://evil.test) 'x' &amp; \\x1b[31m\\r\\nBcc" in found
    assert "By rule: keys.pgp 2, us.ssn 1" in found


def test_names_do_nothing_in_teams(server: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", server.url)
    make_sink(SinkConfig("s", "teams", url="env:HOOK_URL")).send(alert(100))
    (attachment,) = json.loads(server.came[0][2])["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}  # the one whose text is no Markdown
    found = "\n".join(texts(card))
    assert "piiscan: keys & numbers (critical)" in found
    assert "100 rows in run 7" in found
    assert "and 95 more" in found
    make_sink(SinkConfig("s", "teams", url="env:HOOK_URL")).send(alert(1))
    body = server.came[1][2]
    assert len(body) < 28_000
    assert b"\\u202e" not in body.replace(b"\\\\u202e", b"")
    assert HOSTILE not in body.decode()
