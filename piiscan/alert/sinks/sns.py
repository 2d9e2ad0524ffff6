"""Alerts as messages of an SNS topic. Source: AWS SNS API reference, Publish."""

from __future__ import annotations

import re
from typing import Any

from piiscan.alert.sinks import check, cloud, wording, wrong
from piiscan.config import AwsConfig, SinkConfig

SUBJECT = 99
"""Characters; they must be printable ASCII."""
_ARN = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")


class SnsSink:
    """One JSON document an alert."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "arn", f"title {cloud.SETTINGS}")
        if not _ARN.fullmatch(config.arn):
            wrong(config, "arn is none of an SNS topic")
        self.name = config.name
        self._config = config
        self._client = cloud.client("sns", config, cloud.settings(config, aws, config.arn))

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError."""
        heading = wording.heading(alert, self._config)
        cloud.ask(
            self._client,
            "publish",
            TopicArn=self._config.arn,
            Subject="".join(c if " " <= c <= "~" else "?" for c in heading).strip()[:SUBJECT] or "piiscan",
            Message=wording.fitted(alert, cloud.LARGEST - cloud.ROOM),
            MessageAttributes=cloud.attributes(alert, wording.level(alert)),
            **cloud.in_order(alert, self._config.arn),
        )
