"""Alerts as syslog messages, read back by the grammar of RFC 5424."""

from __future__ import annotations

import json
import re
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from piiscan.alert.sinks import make_sink
from piiscan.alert.sinks.syslog import message
from piiscan.config import SinkConfig
from piiscan.errors import ConfigError
from tests.alert.receivers import HOSTILE, alert, certificate, eventually, listener

_HEADER = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<pid>[!-~]{1,128}) "
    r"(?P<msgid>[!-~]{1,32}) \[(?P<id>[!-~]{1,32})(?P<params>(?: [!-~]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*)\] "
    "\ufeff(?P<json>.*)",
    re.DOTALL,
)


def read(raw: bytes) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """The header, the structured data, the alert."""
    found = _HEADER.fullmatch(raw.decode("utf-8"))
    assert found is not None
    params = re.findall(r' (\S+?)="((?:[^"\\\]]|\\["\\\]])*)"', found["params"])
    return found.groupdict(), {n: re.sub(r'\\(["\\\]])', r"\1", v) for n, v in params}, json.loads(found["json"])


def sink(port: int, transport: str = "", host: str = "127.0.0.1", facility: str = "") -> Any:
    return make_sink(SinkConfig("log", "syslog", host=host, port=port, transport=transport, facility=facility))


def test_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        sink(server.getsockname()[1], facility="authpriv").send(alert())
        raw = server.recv(65_536)
    header, data, body = read(raw)
    assert header["pri"] == str(10 * 8 + 2)
    assert datetime.fromisoformat(header["time"]) == datetime.fromisoformat("2026-11-30T01:02:03+00:00")
    assert (header["app"], header["msgid"], header["id"]) == ("piiscan", "alert", "piiscan@32473")
    wanted = {"id": "3f2a91c0", "alert": "keys & numbers", "severity": "critical", "run": "7", "count": "3"}
    assert data == wanted
    assert body["rows"][-1]["object"] == HOSTILE.replace("\udc80", "\\udc80")
    assert b"\n" not in raw


def test_tcp_counts_octets() -> None:
    with listener() as (port, came):
        sink(port, "tcp").send(alert())
        raw: bytes = eventually(came)
    length, _, rest = raw.partition(b" ")
    assert int(length) == len(rest)
    assert read(rest)[1]["id"] == "3f2a91c0"


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with listener(context) as (port, came):
        sink(port, "tls", "localhost").send(alert())
        raw: bytes = eventually(came)
        assert read(raw.partition(b" ")[2])[2]["id"] == "3f2a91c0"
        with pytest.raises(OSError, match="verify failed"):
            sink(port, "tls", "127.0.0.1").send(alert())
    assert len(came) == 1


def test_a_connection_that_breaks_is_an_error() -> None:
    with listener(reset=True) as (port, _), pytest.raises(OSError):
        sink(port, "tcp").send(alert())
    with pytest.raises(ConnectionRefusedError):
        sink(1, "tcp").send(alert())


@pytest.mark.parametrize(("severity", "number"), [("low", 5), ("medium", 4), ("high", 3), ("critical", 2), ("odd", 3)])
def test_severities(severity: str, number: int) -> None:
    assert read(message(alert(severity=severity), 16, 8_192))[0]["pri"] == str(16 * 8 + number)


def test_values_of_structured_data_are_escaped() -> None:
    name = 'a"b\\c]d [x="1"] é\n\udc80'
    _, data, body = read(message(alert(alert=name), 16, 8_192))
    assert data["alert"] == 'a"b\\c]d [x="1"] é\\n\\udc80'
    assert body["alert"] == name.replace("\udc80", "\\udc80")


@pytest.mark.parametrize("largest", [2_048, 8_192])
def test_rows_are_left_out_until_it_fits(largest: int) -> None:
    raw = message(alert(200, count=250), 16, largest)
    assert len(raw) <= largest
    body = read(raw)[2]
    assert body["count"] == 250
    assert 0 < len(body["rows"]) == 200 - body["rows_left_out"]
    assert len(raw) > largest - 150


def test_one_endless_row() -> None:
    body = read(message(alert(1, rows=[{"all": "x" * 100_000}]), 16, 2_048))[2]
    assert (body["rows"], body["rows_left_out"]) == ([], 1)


@pytest.mark.parametrize("at", ["never", "2026-11-30", ""])
def test_no_time(at: str) -> None:
    assert read(message(alert(at=at), 16, 8_192))[0]["time"] == "-"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": ""}, "host is wanted"),
        ({"facility": "local9"}, "facility is one of kern, user"),
        ({"transport": "starttls"}, "transport is one of udp, tcp, tls"),
        ({"port": -1}, "port lies between"),
    ],
    ids=["host", "facility", "transport", "port"],
)
def test_settings(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=f"sink 'log': {said}"):
        make_sink(SinkConfig("log", "syslog", **({"host": "localhost"} | wrong)))
