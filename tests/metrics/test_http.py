"""The listener on loopback: what it answers, and whom it does not."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from piiscan.errors import ConfigError, StoreError
from piiscan.metrics.http import MOST_BYTES, Listener, read_address


class State:
    ill = ""
    broken = False

    def text(self) -> str:
        if self.broken:
            raise StoreError("a secret place: damaged")
        return "# HELP a A.\n# TYPE a gauge\na 1\n"


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def listener(state: State) -> Iterator[Listener]:
    made = Listener(("127.0.0.1", 0), state.text, lambda: state.ill)
    made.start()
    yield made
    made.close()


def send(listener: Listener, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to these bytes."""
    with socket.create_connection(listener.server_address[:2]) as connection:  # type: ignore[arg-type]
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def ask(listener: Listener, line: str, host: str | None = "localhost") -> tuple[int, dict[str, str], bytes]:
    named = f"Host: {host}\r\n" if host is not None else ""
    return send(listener, f"{line} HTTP/1.1\r\n{named}\r\n".encode("latin-1"))


def test_metrics(listener: Listener, state: State) -> None:
    code, headers, body = ask(listener, "GET /metrics?x=1")
    assert (code, body) == (200, state.text().encode())
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Connection"] == "close"
    assert "Python" not in headers["Server"]
    code, again, body = ask(listener, "HEAD /metrics")
    assert (code, body, again["Content-Length"]) == (200, b"", headers["Content-Length"])
    state.broken = True
    code, _, body = ask(listener, "GET /metrics")
    assert code == 503
    assert b"secret" not in body


def test_health(listener: Listener, state: State) -> None:
    code, headers, body = ask(listener, "GET /healthz")
    assert (code, json.loads(body)) == (200, {"status": "ok"})
    assert headers["Content-Type"] == "application/json"
    state.ill = "the scheduler has ended"
    code, _, body = ask(listener, "GET /healthz")
    assert (code, json.loads(body)) == (503, {"status": "ill", "reason": state.ill})
    assert body.count(b"\n") == 1


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metricsx", "/../etc/passwd", "*"])
def test_nothing_else_is_there(listener: Listener, path: str) -> None:
    assert ask(listener, f"GET {path}")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_other_methods(listener: Listener, method: str) -> None:
    code, headers, _ = send(
        listener, f"{method} /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello".encode()
    )
    assert (code, headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("localhost", 200),
        ("LOCALHOST:9464", 200),
        ("127.0.0.1:9464", 200),
        ("127.9.9.9", 200),
        ("[::1]:9464", 200),
        ("rebound.example", 421),
        ("localhost.example", 421),
        ("192.0.2.1", 421),
        ("127.0.0.1.nip.example", 421),
        ("localhost@rebound.example", 421),
        ("", 421),
        (None, 421),
    ],
)
def test_only_our_own_name_is_answered(listener: Listener, host: str | None, code: int) -> None:
    assert ask(listener, "GET /metrics", host)[0] == code
    assert ask(listener, "GET /healthz", host)[0] == code


def test_two_hosts_are_none(listener: Listener) -> None:
    assert send(listener, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: x.example\r\n\r\n")[0] == 421


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * MOST_BYTES + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * MOST_BYTES + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * MOST_BYTES + b"\r\n",
    ],
)
def test_long_requests(listener: Listener, request_: bytes) -> None:
    code, _, body = send(listener, request_)
    assert code == 431
    assert b"aaaa" not in body


@pytest.mark.parametrize("request_", [b"\r\n\r\n", b"nonsense\r\n\r\n", b"\xff\xfe\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_nonsense_ends_no_server(listener: Listener, request_: bytes) -> None:
    with socket.create_connection(listener.server_address[:2]) as connection:  # type: ignore[arg-type]
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        assert b"nonsense" not in connection.recv(65_536)
    assert ask(listener, "GET /healthz")[0] == 200


def test_a_crowd_is_hung_up_on_and_gone_again(listener: Listener) -> None:
    from piiscan.metrics.http import MOST_CLIENTS

    crowd = [socket.create_connection(listener.server_address[:2]) for _ in range(MOST_CLIENTS)]  # type: ignore[arg-type]
    with socket.create_connection(listener.server_address[:2]) as late:  # type: ignore[arg-type]
        assert late.recv(1) == b""
    for one in crowd:
        one.close()
    while True:  # their threads end in their own time
        with socket.create_connection(listener.server_address[:2]) as later:  # type: ignore[arg-type]
            try:
                later.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                if later.recv(12) == b"HTTP/1.0 200":
                    break
            except ConnectionError:
                continue


def test_a_place_that_is_taken(listener: Listener) -> None:
    with pytest.raises(ConfigError, match="cannot be listened on"):
        Listener(("127.0.0.1", listener.server_port), str, str)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("127.0.0.2:1", ("127.0.0.2", 1)),
    ],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert read_address(text, anywhere=False) == found


@pytest.mark.parametrize("text", ["0.0.0.0:9464", ":9464", "[::]:9464", "192.0.2.1:9464", "[2001:db8::1]:1"])
def test_addresses_that_others_reach(text: str) -> None:
    with pytest.raises(ConfigError, match="--listen-anywhere"):
        read_address(text, anywhere=False)
    assert read_address(text, anywhere=True)[1] in (9464, 1)


@pytest.mark.parametrize("text", ["9464", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "a:b:c", "::1:80", "host:80"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError):
        read_address(text, anywhere=True)
