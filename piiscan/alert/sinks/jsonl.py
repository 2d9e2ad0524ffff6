"""Alerts appended to a file of JSON lines, private to the user."""

from __future__ import annotations

import json
import os
from typing import Any

from piiscan.config import SinkConfig
from piiscan.errors import ConfigError
from piiscan.report.escape import encodable


class JsonlSink:
    """One line an alert."""

    def __init__(self, config: SinkConfig) -> None:
        if not config.path:
            raise ConfigError(f"sink {config.name!r}: path is wanted")
        self._path = config.path

    def send(self, alert: dict[str, Any]) -> None:
        """Append, in one write. Raises: OSError."""
        line = encodable(json.dumps(alert, ensure_ascii=False)) + "\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
