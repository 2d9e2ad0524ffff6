"""An HTTP proxy before the S3 server that spoils answers on schedule; what it does follows from the requests alone.

A fault is chosen by the path and by how often that path was asked for, so that the order in which workers ask does not
matter. Every answer says truthfully or falsely how long it is, never nothing.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum, auto
from urllib.parse import unquote


class Fault(StrEnum):
    """What may happen to an answer."""

    SLOW_DOWN = auto()
    """503, as S3 says it."""
    RESET = auto()
    """The connection ends before a header came."""
    CUT = auto()
    """Half of the body, then the connection ends."""
    SHORT = auto()
    """Half of the body, and a length that agrees with it."""
    FLIP = auto()
    """All of the body, one bit of it wrong."""
    SLOW = auto()
    """The body in pieces."""
    DENIED = auto()
    """403."""
    GONE = auto()
    """404: deleted after it was listed."""
    CHANGED = auto()
    """412: overwritten after it was listed."""
    OTHER_KEY = auto()
    """400: a key of the customer is wanted, or is not."""


TRANSIENT = (Fault.SLOW_DOWN, Fault.RESET, Fault.CUT, Fault.SHORT, Fault.FLIP, Fault.SLOW, Fault.CHANGED)

_REFUSED = {
    Fault.SLOW_DOWN: (503, "Slow Down", "SlowDown"),
    Fault.DENIED: (403, "Forbidden", "AccessDenied"),
    Fault.GONE: (404, "Not Found", "NoSuchKey"),
    Fault.CHANGED: (412, "Precondition Failed", "PreconditionFailed"),
    Fault.OTHER_KEY: (400, "The encryption parameters are not those of the object", "InvalidRequest"),
}
PAUSE = 0.02
_LINE_FEED, _PICTURE = b"%0A", b"%E2%90%8A"
"""moto knows no key with a line feed: the server has its picture (U+240A) there, and the client never hears of it."""


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    number: int
    """From 0, over all requests."""
    nth: int
    """From 0, over the requests of this method and path."""
    method: str
    bucket: str
    key: str
    """Empty: the bucket itself, that is a listing."""
    query: str
    headers: dict[str, str]


Schedule = Callable[[Request], Fault | None]


class FaultProxy:
    """The proxy's address, its schedule, and what was asked of it."""

    def __init__(self, upstream: int, schedule: Schedule = lambda request: None) -> None:
        self.schedule = schedule
        self.requests: list[Request] = []
        self.faults: Counter[Fault] = Counter()
        self.bytes: Counter[str] = Counter()
        """Bytes that answers were made of, by key."""
        self.before: Callable[[Request], None] = lambda request: None
        """Called before a request is passed on."""
        self.page = 0
        """Keys on one page of a listing; 0: as the client asks."""
        self.url = ""
        self._upstream = upstream
        self._seen: Counter[tuple[str, str]] = Counter()

    def reads(self) -> list[str]:
        """Keys of the objects that were asked for, in order."""
        return [r.key for r in self.requests if r.method == "GET" and r.key]

    def forget(self) -> None:
        """Start counting anew."""
        self.requests.clear()
        self.faults.clear()
        self.bytes.clear()
        self._seen.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._one(reader, writer):
                pass
        with suppress(ConnectionError):
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection lives on."""
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path, _, query = target.partition("?")
        bucket, _, key = path[1:].partition("/")
        decoded = unquote(key, errors="surrogateescape")
        request = Request(len(self.requests), self._seen[method, path], method, bucket, decoded, query, headers)
        self._seen[method, path] += 1
        self.requests.append(request)
        fault = self.schedule(request)
        if fault is not None:
            self.faults[fault] += 1
        if fault is Fault.RESET:
            return _reset(writer)
        if fault in _REFUSED:
            writer.write(_refusal(fault, method))
            await writer.drain()
            return True
        await asyncio.to_thread(self.before, request)
        if self.page and not key and method == "GET":
            more = f"{target}&max-keys={self.page}"  # moto checks no signature
            head = head.replace(target.encode("latin-1"), more.encode("latin-1"), 1)
        answer, content = await self._ask(head, body, method)
        self.bytes[decoded] += len(content)
        return await _send(writer, answer, content, fault, method)

    async def _ask(self, head: bytes, body: bytes, method: str) -> tuple[list[str], bytes]:
        """Header lines and body of the server's answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream, limit=1 << 20)
        try:
            writer.write(head[:-2].replace(_LINE_FEED, _PICTURE) + b"Connection: close\r\n\r\n" + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
            content = b"" if method == "HEAD" else await reader.read()
            return lines, content.replace(_PICTURE, _LINE_FEED)
        finally:
            writer.close()


async def _send(writer: asyncio.StreamWriter, lines: list[str], body: bytes, fault: Fault | None, method: str) -> bool:
    stated = len(body)
    half = len(body) // 2
    if fault is Fault.SHORT:
        body, stated = body[:half], half
    elif fault is Fault.FLIP and body:
        body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]
    kept = [line for line in lines if line.partition(":")[0].lower() not in ("connection", "transfer-encoding")]
    if method != "HEAD":
        kept = [line for line in kept if not line.lower().startswith("content-length:")]
        kept.append(f"Content-Length: {stated}")
    writer.write("\r\n".join([*kept, "", ""]).encode("latin-1"))
    if fault is Fault.CUT:
        writer.write(body[:half])
        await writer.drain()
        return _reset(writer)
    if fault is Fault.SLOW:
        step = max(len(body) // 4, 1)
        for at in range(0, len(body), step):
            writer.write(body[at : at + step])
            await writer.drain()
            await asyncio.sleep(PAUSE)
        return True
    writer.write(body)
    await writer.drain()
    return True


def _refusal(fault: Fault | None, method: str) -> bytes:
    assert fault is not None
    status, phrase, code = _REFUSED[fault]
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{phrase}</Message></Error>".encode()
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/xml\r\nContent-Length: {len(text)}\r\n\r\n".encode()
    )
    return head if method == "HEAD" else head + text


def _reset(writer: asyncio.StreamWriter) -> bool:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


@contextmanager
def fault_proxy(upstream: int, schedule: Schedule = lambda request: None) -> Iterator[FaultProxy]:
    """A running proxy on a port that the system gives, ended with the block."""
    proxy = FaultProxy(upstream, schedule)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(proxy._serve, "127.0.0.1", 0, limit=1 << 20), loop
    ).result(10)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def stop() -> None:
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
