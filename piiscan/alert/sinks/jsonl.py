"""Alerts appended to a file of JSON lines, private to the user."""

from __future__ import annotations

import os
from typing import Any

from piiscan.alert.sinks import check, wording
from piiscan.config import AwsConfig, SinkConfig


class JsonlSink:
    """One line an alert."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "path")
        self.name = config.name
        self._path = config.path

    def send(self, alert: dict[str, Any]) -> None:
        """Append, in one write. Raises: OSError."""
        line = wording.document(alert) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
