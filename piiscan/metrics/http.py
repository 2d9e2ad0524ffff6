"""`/metrics` and `/healthz` over HTTP, in threads of the process that serves jobs.

It listens on the loopback interface unless told otherwise, reads nothing but a short request, and there answers only to
loopback names: a web page whose name is made to mean 127.0.0.1 sends its own name as Host (DNS rebinding).
Source: RFC 9110 (methods, 405 with Allow, 421), RFC 6585 (431).
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import logging
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any

from piiscan.errors import ConfigError, StoreError
from piiscan.metrics.exposition import CONTENT_TYPE

log = logging.getLogger(__name__)

SECONDS = 10.0
"""How long a client may take over its request, and over taking the answer."""
MOST_BYTES = 8_192
"""Of a request: its first line and its headers."""
MOST_CLIENTS = 16
"""Requests that are answered at a time; more are hung up on."""
_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]\s]*)):(?P<port>\d{1,5})")


def read_address(text: str, *, anywhere: bool) -> tuple[str, int]:
    """Address and port of `HOST:PORT` or `[IPv6]:PORT`; port 0: any that is free.

    Raises: ConfigError for what is neither, and for one that others can reach unless `anywhere`.

    >>> read_address("localhost:9464", anywhere=False)
    ('127.0.0.1', 9464)
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > 65_535:
        raise ConfigError(f"--listen: {text!r} is not HOST:PORT, such as 127.0.0.1:9464 or [::1]:9464")
    host = found["six"] or found["host"] or "0.0.0.0"  # noqa: S104 - refused below unless asked for
    host = "127.0.0.1" if host == "localhost" else host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(f"--listen: {host!r} is not an IP address or localhost") from None
    if not address.is_loopback and not anywhere:
        raise ConfigError(
            f"--listen: {host} can be reached by others, and there is no password; listen on 127.0.0.1, or say "
            "--listen-anywhere if that is meant"
        )
    return host, int(found["port"])


class Listener(ThreadingHTTPServer):
    """The server; `start` it, and `close` it in the end."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], metrics: Callable[[], str], ill: Callable[[], str]) -> None:
        """`ill` says why the process is not well; empty: it is. Raises: ConfigError when nobody can listen there."""
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.metrics, self.ill = metrics, ill
        self.guarded = ipaddress.ip_address(address[0]).is_loopback
        self._free = threading.BoundedSemaphore(MOST_CLIENTS)
        self._thread = threading.Thread(target=self.serve_forever, name="http", daemon=True)
        try:
            super().__init__(address, _Handler)
        except OSError as err:
            raise ConfigError(f"--listen: {address[0]}:{address[1]} cannot be listened on ({err.strerror})") from None

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def server_bind(self) -> None:
        """Bind, without asking the name service what the address is called."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def start(self) -> None:
        """Answer from now on, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for a request, as long as there are not too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be made
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The thread of a request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle, most likely; nothing of it is printed."""
        log.debug("event=http_broken")


class _Bounded:
    """A client's request, up to `MOST_BYTES`. Raises: HTTPException beyond."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._left = MOST_BYTES

    def readline(self, size: int = -1) -> bytes:
        """The next line, whole."""
        line = self._file.readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise http.client.HTTPException("request too large")
        return line

    def close(self) -> None:
        """Let go of the connection."""
        self._file.close()


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    server_version, sys_version = "piiscan", ""
    timeout = SECONDS

    def setup(self) -> None:
        super().setup()
        self.rfile = _Bounded(self.rfile)  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
        try:
            super().handle_one_request()
        except http.client.HTTPException:
            self._say(431, "the request is too large")

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if not self._meant():
            self._say(421, "this name is not of this server")
        elif path == "/metrics":
            self._metrics()
        elif path == "/healthz":
            ill = self.server.ill()
            body = {"status": "ill", "reason": ill} if ill else {"status": "ok"}
            self._answer(503 if ill else 200, json.dumps(body) + "\n", "application/json")
        else:
            self._say(404, "there is /metrics and /healthz")

    do_HEAD = do_GET

    def finish(self) -> None:
        """End the answer, and take what is left of the request: a reset would take the answer away."""
        super().finish()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            for _ in range(MOST_BYTES // 512):
                if not self.connection.recv(8_192):
                    break

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return lambda: self._say(405, "GET and HEAD are answered", ("Allow", "GET, HEAD"))
        raise AttributeError(name)

    def _metrics(self) -> None:
        try:
            text = self.server.metrics()
        except StoreError:
            self._say(503, "the database cannot be read; see /healthz and the log")
            return
        self._answer(200, text, CONTENT_TYPE)

    def _meant(self) -> bool:
        """Whether the Host that was asked for may be us."""
        asked = self.headers.get_all("Host") or []
        if not self.server.guarded or (not asked and self.request_version == "HTTP/1.0"):
            return True
        if len(asked) != 1:
            return False
        found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+))(?::\d{1,5})?", asked[0].strip())
        name = (found[1] or found[2]).lower() if found is not None else ""
        try:
            return name == "localhost" or ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def _say(self, code: int, sentence: str, *headers: tuple[str, str]) -> None:
        self._answer(code, sentence + "\n", "text/plain; charset=utf-8", *headers)

    def _answer(self, code: int, text: str, kind: str, *headers: tuple[str, str]) -> None:
        body = text.encode("utf-8")
        self.send_response(code)
        for name, value in (
            ("Content-Type", kind), ("Content-Length", str(len(body))), ("Connection", "close"),
            ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), *headers,
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses by itself, without quoting the request."""
        self._say(code, "the request cannot be understood")

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("event=http_request")
