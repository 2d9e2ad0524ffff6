"""Alerts as syslog messages over UDP, TCP or TLS; the message is the alert as JSON.

Source: RFC 5424 (the message; 6.4: UTF-8 behind a byte order mark), RFC 5426 (UDP), RFC 6587 3.4.1 (octets counted over
TCP), RFC 5425 (TLS, port 6514), RFC 5612 (the enterprise number 32473, which is nobody's: we have none).
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from typing import Any

from piiscan.alert.sinks import check, key, server, wording, wrong
from piiscan.alert.sinks.post import SECONDS, deadline
from piiscan.config import AwsConfig, SinkConfig
from piiscan.report.names import shown

PORTS = {"udp": 514, "tcp": 514, "tls": 6514}
LARGEST = {"udp": 2_048, "tcp": 8_192, "tls": 8_192}
"""Bytes of a message: what receivers should take, by RFC 5424 6.1 and RFC 5425 4.3.1."""
FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp"),
    *("audit", "alert", "clock", *(f"local{n}" for n in range(8))),
)
"""In the order of their numbers."""
SEVERITY = {"critical": 2, "high": 3, "medium": 4, "low": 5}
MARK = b"\xef\xbb\xbf"
LINGER = 1.0
"""Seconds that a receiver has to end the connection: only then is it known that it was there to the end."""


class SyslogSink:
    """One message an alert."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "host", "port transport facility")
        self.name = config.name
        self._transport = config.transport or "udp"
        if self._transport not in PORTS:
            wrong(config, f"transport is one of {', '.join(PORTS)}")
        facility = config.facility or "local0"
        if facility not in FACILITIES:
            wrong(config, f"facility is one of {', '.join(FACILITIES)}")
        self._facility = FACILITIES.index(facility)
        self._host, self._port = server(config, PORTS[self._transport])

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver; over UDP nobody says whether it arrived. Raises: OSError."""
        sent = message(alert, self._facility, LARGEST[self._transport])
        if self._transport == "udp":
            self._datagram(sent)
            return
        held: list[socket.socket] = []
        try:
            with deadline(SECONDS, lambda: held[-1] if held else None):
                held.append(socket.create_connection((self._host, self._port), timeout=SECONDS))
                if self._transport == "tls":
                    context = ssl.create_default_context()
                    held.append(context.wrap_socket(held[0], server_hostname=self._host, do_handshake_on_connect=False))
                    held[-1].do_handshake()  # type: ignore[attr-defined]
                held[-1].sendall(b"%d %s" % (len(sent), sent))
                _ended(held[-1])
        finally:
            for sock in held:
                sock.close()

    def _datagram(self, sent: bytes) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as sock:
            sock.settimeout(SECONDS)
            sock.sendto(sent, address)


def _ended(sock: socket.socket) -> None:
    """Say that there is no more, and see that the other side does not break off. Raises: OSError."""
    sock.settimeout(LINGER)
    with suppress(TimeoutError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
        if isinstance(sock, ssl.SSLSocket):
            sock.unwrap()
            return
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)


def message(alert: dict[str, Any], facility: int, largest: int) -> bytes:
    """The message in octets; rows are left out until it fits.

    The structured data hold `id`, by which a receiver knows a message that comes again, `alert`, `severity`, `run` and
    `count`.
    """
    level = wording.level(alert)
    host = "".join(c for c in socket.gethostname() if "!" <= c <= "~")[:255] or "-"
    when = str(alert["at"]).replace(" ", "T")
    head = f"<{facility * 8 + SEVERITY[level]}>1 {_time(when)} {host} piiscan {os.getpid()} alert "
    data = {
        "id": key(alert),
        "alert": shown(str(alert["alert"]), wording.NAME),
        "severity": level,
        "run": str(alert["run"]),
        "count": str(alert["count"]),
    }
    fields = " ".join(f'{name}="{value_of(value)}"' for name, value in data.items())
    begin = f"{head}[piiscan@32473 {fields}] ".encode() + MARK
    body = wording.fitted(alert, largest - len(begin), ascii_only=False)
    return begin + body.encode()


def value_of(text: str) -> str:
    r"""A value of structured data. Source: RFC 5424, 6.3.3.

    >>> value_of('a"b]c\\d')
    'a\\"b\\]c\\\\d'
    """
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _time(text: str) -> str:
    """A time as it was given where it is one of RFC 3339, else the mark for none."""
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return "-"
    return text if moment.tzinfo is not None and "T" in text else "-"
