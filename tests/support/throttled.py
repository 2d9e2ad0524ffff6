"""An HTTP proxy before a server of AWS's services that says on schedule that it is asked too much, or no."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, Any] | str]
Says = Callable[[str, bytes, int], Answer | None]
"""What is said to an operation, its body, and how often the very same was asked before; None: the server answers."""

THROTTLED: Answer = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
DENIED: Answer = (400, {"__type": "AccessDeniedException", "message": "not authorized"})


class Throttled:
    """The proxy's address, and how often it said something of its own."""

    def __init__(self, url: str, upstream: str) -> None:
        self.url = url
        self.upstream = upstream
        self.said: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()


@contextmanager
def throttled(upstream: str, says: Says) -> Iterator[Throttled]:
    """A running proxy before `upstream`, ended with the block."""
    before: Counter[tuple[str, bytes]] = Counter()
    lock = threading.Lock()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            with lock:
                times = before[operation, body]
                before[operation, body] += 1
                proxy.asked[operation] += 1
            own = says(operation, body, times)
            if own is None:
                self._passed_on(body)
                return
            proxy.said[operation] += 1
            status, told = own
            if isinstance(told, str):
                self._answer(status, told.encode(), "text/xml")
            else:
                self._answer(status, json.dumps(told).encode(), "application/x-amz-json-1.1")

        def do_GET(self) -> None:
            self._passed_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        do_HEAD = do_PUT = do_DELETE = do_GET

        def _passed_on(self, body: bytes) -> None:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            request = urllib.request.Request(upstream + self.path, body or None, headers, method=self.command)
            try:
                with opener.open(request) as answer:
                    self._answer(answer.status, answer.read(), headers=answer.headers)
            except urllib.error.HTTPError as err:
                self._answer(err.code, err.read(), headers=err.headers)

        def _answer(self, status: int, body: bytes, kind: str = "", headers: Message | None = None) -> None:
            self.send_response(status)
            if kind:
                self.send_header("Content-Type", kind)
            for name, value in headers.items() if headers is not None else ():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                    self.send_header(name, value)
            length = headers.get("Content-Length") if headers is not None and self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    proxy = Throttled(f"http://127.0.0.1:{server.server_address[1]}", upstream)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
