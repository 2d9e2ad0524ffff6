"""Alerts as signed HTTP requests.

The body is signed with HMAC-SHA256 over `timestamp.body`, so a receiver can tell who sent it and refuse old copies;
`Idempotency-Key` is the same for each try of the same rows. Redirects are not followed, and plain HTTP only goes to
this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from piiscan.alert.sinks import resolve
from piiscan.config import SinkConfig
from piiscan.errors import ConfigError
from piiscan.report.escape import encodable

SECONDS = 10


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: a redirect would carry the alert to somewhere that nobody configured."""
        return None


def signature(secret: str, stamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC of `stamp.body`. Source: RFC 2104, FIPS 198-1."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookSink:
    """POSTs one JSON document an alert."""

    def __init__(self, config: SinkConfig) -> None:
        try:
            parts = urlsplit(config.url)
        except ValueError:
            raise ConfigError(f"sink {config.name!r}: not a URL") from None
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            raise ConfigError(f"sink {config.name!r}: an https URL is wanted (http only to this machine)")
        self._url = config.url
        self._secret = resolve(config.secret, config.name) if config.secret else ""
        self._open = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({})).open

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError for anything but a 2xx answer."""
        body = encodable(json.dumps(alert, ensure_ascii=False)).encode()
        stamp = str(int(time.time()))
        headers = {"Content-Type": "application/json", "Idempotency-Key": alert["id"], "X-Piiscan-Timestamp": stamp}
        if self._secret:
            headers["X-Piiscan-Signature"] = signature(self._secret, stamp, body)
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - scheme checked above
        try:
            with self._open(request, timeout=SECONDS) as answer:
                if not 200 <= answer.status < 300:
                    raise urllib.error.URLError(f"HTTP {answer.status}")
        except http.client.HTTPException as err:  # what answers does not speak HTTP
            raise urllib.error.URLError(type(err).__name__) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
