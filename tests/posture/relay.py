"""A relay before moto's server that knows which IAM action each request needs, refuses it, or changes the answer."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_S3 = {
    "location": "s3:GetBucketLocation",
    "policy": "s3:GetBucketPolicy",
    "policyStatus": "s3:GetBucketPolicyStatus",
    "acl": "s3:GetBucketAcl",
    "publicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "website": "s3:GetBucketWebsite",
    "encryption": "s3:GetEncryptionConfiguration",
    "replication": "s3:GetReplicationConfiguration",
    "versioning": "s3:GetBucketVersioning",
    "logging": "s3:GetBucketLogging",
    "ownershipControls": "s3:GetBucketOwnershipControls",
    "lifecycle": "s3:GetLifecycleConfiguration",
    "object-lock": "s3:GetBucketObjectLockConfiguration",
    "inventory": "s3:GetInventoryConfiguration",
    "notification": "s3:GetBucketNotification",
}
"""Source: Service Authorization Reference, Amazon S3; by the subresource that a request names."""
_TARGETS = {"TrentService": "kms", "AWSOrganizationsV20161128": "organizations"}


def action_of(path: str, target: str, body: bytes) -> str:
    """The IAM action that a request needs."""
    service, _, operation = target.partition(".")
    if service in _TARGETS:
        return f"{_TARGETS[service]}:{operation}"
    if b"Action=GetCallerIdentity" in body:
        return "sts:GetCallerIdentity"
    parts = urlsplit(path)
    if parts.path == "/v20180820/configuration/publicAccessBlock":
        return "s3:GetAccountPublicAccessBlock"
    if parts.path == "/":
        return "s3:ListAllMyBuckets"
    named = parse_qs(parts.query, keep_blank_values=True)
    found = [action for name, action in _S3.items() if name in named]
    return found[0] if found else f"{parts.path}?{parts.query}"


class Relay:
    """What it does, and what it was asked for."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.url = ""
        self.refused: Callable[[str, str], bool] = lambda action, path: False
        """Whether the request for an action, with a path, is refused with 403."""
        self.fault: tuple[int, bytes] | None = None
        """Status and body of a refusal, when it is another one than AWS's."""
        self.rewrite: Callable[[str, str, bytes], bytes] = lambda action, path, body: body
        self.asked: list[tuple[str, str]] = []
        """Actions and methods."""

    def refusal(self, action: str) -> tuple[int, bytes]:
        """As the service says it."""
        if self.fault is not None:
            return self.fault
        service = action.partition(":")[0]
        if service in ("kms", "organizations"):
            return 400, json.dumps({"__type": "AccessDeniedException", "Message": "no"}).encode()
        error = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
        return 403, (f"<ErrorResponse>{error}</ErrorResponse>" if service == "sts" else error).encode()


@contextmanager
def relay(upstream: int) -> Iterator[Relay]:
    """A running relay before a server on a port, ended with the block."""
    made = Relay(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            action = action_of(self.path, self.headers.get("X-Amz-Target") or "", body)
            made.asked.append((action, self.command))
            if made.refused(action, self.path):
                status, content = made.refusal(action)
            else:
                status, content = self.passed_on(body)
                content = made.rewrite(action, self.path, content)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def passed_on(self, body: bytes) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", made.upstream, timeout=30)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = do_HEAD = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
