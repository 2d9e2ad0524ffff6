"""An alert that makes the command end with exit code 1."""

from __future__ import annotations

from typing import Any


class ExitCodeSink:
    """Sends nothing; the command looks at `fails_command`."""

    fails_command = True

    def send(self, alert: dict[str, Any]) -> None:
        """Nothing to deliver: the exit code is the message."""
