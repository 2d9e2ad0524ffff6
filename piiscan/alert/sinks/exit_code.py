"""An alert that makes the command end with exit code 1."""

from __future__ import annotations

from typing import Any

from piiscan.alert.sinks import check
from piiscan.config import AwsConfig, SinkConfig


class ExitCodeSink:
    """Sends nothing; the command looks at `fails_command`."""

    fails_command = True

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config)
        self.name = config.name

    def send(self, alert: dict[str, Any]) -> None:
        """Nothing to deliver: the exit code is the message."""
