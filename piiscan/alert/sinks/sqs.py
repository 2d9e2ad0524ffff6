"""Alerts as messages of an SQS queue. Source: AWS SQS API reference, SendMessage."""

from __future__ import annotations

import re
from typing import Any

from piiscan.alert.sinks import check, cloud, wording, wrong
from piiscan.config import AwsConfig, SinkConfig

_URL = re.compile(r"https?://[A-Za-z0-9.:-]+/\d{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_REGION = re.compile(r"https://(?:sqs\.([a-z0-9-]+)\.amazonaws\.|([a-z0-9-]+)\.queue\.amazonaws\.)")


class SqsSink:
    """One JSON document an alert."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "url", cloud.SETTINGS)
        if not _URL.fullmatch(config.url):
            wrong(config, "url is none of an SQS queue, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
        self.name = config.name
        self._url = config.url
        found = _REGION.match(config.url)
        arn = f"arn:aws:sqs:{found[1] or found[2]}::" if found is not None else ""
        self._client = cloud.client("sqs", config, cloud.settings(config, aws, arn))

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError."""
        cloud.ask(
            self._client,
            "send_message",
            QueueUrl=self._url,
            MessageBody=wording.fitted(alert, cloud.LARGEST - cloud.ROOM),
            MessageAttributes=cloud.attributes(alert, wording.level(alert)),
            **cloud.in_order(alert, self._url),
        )
