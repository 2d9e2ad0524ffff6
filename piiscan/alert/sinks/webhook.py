"""Alerts as signed HTTP requests.

The body is signed with HMAC-SHA256 over `timestamp.body`, so a receiver can tell who sent it and refuse old copies;
`Idempotency-Key` is the same for each try of the same rows.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

from piiscan.alert.sinks import check, key, resolve, text_of, wording
from piiscan.alert.sinks.post import post, read_url
from piiscan.config import AwsConfig, SinkConfig


def signature(secret: str, stamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC of `stamp.body`. Source: RFC 2104, FIPS 198-1."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookSink:
    """POSTs one JSON document an alert."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "", "url secret private")  # without a URL it says what a URL must be
        self.name = config.name
        self._target = read_url(text_of(config.url, config, aws), config)
        self._secret = resolve(config.secret, config.name, aws) if config.secret else ""

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError for anything but a 2xx answer."""
        body = wording.document(alert).encode()
        stamp = str(int(time.time()))
        headers = {"Idempotency-Key": key(alert), "X-Piiscan-Timestamp": stamp}
        if self._secret:
            headers["X-Piiscan-Signature"] = signature(self._secret, stamp, body)
        post(self._target, body, headers)
