"""Alerts by way of Apprise, which knows some 170 services (extra `apprise`).

It says of a message only whether it arrived, and makes its own connections: what `post` promises does not hold for it.
Source: https://github.com/caronc/apprise, `Apprise.add` and `Apprise.notify`.
"""

from __future__ import annotations

import logging
from typing import Any

from piiscan.alert.sinks import NotNow, check, key, resolve, wording, wrong
from piiscan.config import AwsConfig, SinkConfig

ROWS = 5
_KINDS = {"low": "info", "medium": "warning", "high": "warning", "critical": "failure"}


class AppriseSink:
    """One message an alert; `url` is one of Apprise's, by reference."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "url", "title")
        try:
            import apprise
        except ImportError:
            wrong(config, "apprise is not installed; install piiscan with its extra: pip install '.[apprise]'")
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it logs addresses, which are secrets
        self.name = config.name
        self._config = config
        asset = apprise.AppriseAsset(
            app_id="piiscan", app_desc="piiscan", secure_logging=True, storage_mode=apprise.PersistentStoreMode.MEMORY
        )
        self._apprise = apprise.Apprise(asset=asset)
        if not self._apprise.add(resolve(config.url, config.name, aws)):
            wrong(config, "url leads to nothing that apprise knows")

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError when Apprise says that it did not arrive."""
        try:
            arrived = self._apprise.notify(
                title=wording.heading(alert, self._config),
                body=f"{wording.plain_text(alert, ROWS)}\nid {key(alert)}",
                notify_type=_KINDS[wording.level(alert)],
                body_format="text",
            )
        except (TypeError, ValueError) as err:
            raise NotNow(type(err).__name__) from None
        if not arrived:
            raise NotNow("apprise could not deliver it")
