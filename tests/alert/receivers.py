"""Receivers of alerts on this machine: web servers, a mail server, syslog; and a certificate for them."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOSTILE = 'hr/<!channel> [a](http://evil.test) `x` & \x1b[31m\r\nBcc: evil@evil.test \u202e\udc80 é"].csv'
"""A name that tries every medium: a terminal, headers, Markdown, HTML, structured data, UTF-8."""


def alert(number: int = 3, /, **more: Any) -> dict[str, Any]:
    """A message as sinks get it; the last row has the hostile name."""
    listed = [
        {"object": f"hr/{n}.csv", "source": "s3://share", "rule": "us.ssn" if n % 2 else "keys.pgp", "count": n}
        for n in range(number)
    ]
    if listed:
        listed[-1]["object"] = HOSTILE
    made = {"alert": "keys & numbers", "severity": "critical", "run": 7, "at": "2026-11-30T01:02:03+00:00"}
    return {**made, "count": number, "rows": listed, "id": "3f2a91c0"} | more


@dataclass
class Web:
    """What came, and what is answered."""

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    act: Callable[[BaseHTTPRequestHandler], None] | None = None
    """In place of an answer."""
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def web(context: ssl.SSLContext | None = None) -> Iterator[Web]:
    """A web server, ended with the block."""
    made = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.came.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if made.act is not None:
                made.act(self)
                return
            self.send_response(made.status)
            for name, value in {"Content-Length": str(len(made.body)), **made.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(made.body)

        do_GET = do_POST

        def log_message(self, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Those who break off are what is tested."""

        def finish_request(self, request: Any, client_address: Any) -> None:
            if context is not None:
                request = context.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    server.block_on_close = False
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """A server's context, and the file that makes a client trust it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(form))
    secret = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"


@dataclass
class Mail:
    """A mail server: what it took, and its answers by the first word of a command."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    took: list[bytes] = field(default_factory=list)
    said: list[tuple[str, bool]] = field(default_factory=list)
    """Commands, and whether they came encrypted."""
    logins: list[tuple[str, str]] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        """Of all mails, in order."""
        return [said[9:-1] for said, _ in self.said if said.upper().startswith("RCPT TO:<")]


@contextmanager
def mail_server(context: ssl.SSLContext | None, *, at_once: bool = False) -> Iterator[Mail]:
    """A mail server that offers STARTTLS when there is a certificate, or speaks TLS `at_once`."""
    made = Mail()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = at_once
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            said = line.decode().strip()
            verb = said.upper().split(":")[0].split(" ")[0]
            made.said.append((said if verb in ("MAIL", "RCPT") else verb, tls))
            answer = made.answers.get(said.upper()) or made.answers.get(verb)
            if answer is not None:
                writer.write(answer.encode() + b"\r\n")
            elif verb == "EHLO":
                offers = ["here", "AUTH PLAIN", *(["STARTTLS"] if context is not None and not tls else [])]
                writer.writelines(f"250{'-' if o != offers[-1] else ' '}{o}\r\n".encode() for o in offers)
            elif verb == "STARTTLS":
                writer.write(b"220 go\r\n")
                await writer.drain()
                assert context is not None
                await writer.start_tls(context)
                tls = True
            elif verb == "AUTH":
                _, user, password = base64.b64decode(said.split()[2]).decode().split("\0")
                made.logins.append((user, password))
                writer.write(b"235 in\r\n")
            elif verb == "DATA":
                writer.write(b"354 go\r\n")
                body = await reader.readuntil(b"\r\n.\r\n")
                made.took.append(body[:-3])
                writer.write(made.answers.get("BODY", "250 taken").encode() + b"\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 fine\r\n")
            await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    ready = threading.Event()

    async def main() -> None:
        loop.set_exception_handler(lambda *_: None)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context if at_once else None)
        made.port = server.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@contextmanager
def listener(context: ssl.SSLContext | None = None, *, reset: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """A port that takes what connections bring; `reset`: it breaks them off instead."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                with sock:
                    if reset:
                        sock.recv(1)
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        continue
                    try:
                        taken = context.wrap_socket(sock, server_side=True) if context is not None else sock
                    except OSError:
                        continue
                    with taken:
                        found = b""
                        while piece := taken.recv(65_536):
                            found += piece
                        came.append(found)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def eventually(found: list[Any], seconds: float = 5.0) -> Any:
    """The first item, once it is there."""
    until = time.monotonic() + seconds
    while not found and time.monotonic() < until:
        time.sleep(0.01)
    return found[0]
