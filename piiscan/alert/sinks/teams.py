"""Alerts as Adaptive Cards in Microsoft Teams, by a Workflows webhook ("Post to a channel when a webhook request is
received").

Source: Microsoft, "Create incoming webhooks with Workflows for Microsoft Teams" (a message with attachments, 28 KB);
adaptivecards.io, version 1.4. Runs of a RichTextBlock are plain: a name cannot become a link or a picture, as Markdown
of a TextBlock could.
"""

from __future__ import annotations

import json
from typing import Any

from piiscan.alert.sinks import check, key, resolve, wording
from piiscan.alert.sinks.post import post, read_url
from piiscan.config import AwsConfig, SinkConfig

ROWS = 5
_COLOR = {"low": "Default", "medium": "Warning", "high": "Attention", "critical": "Attention"}


class TeamsSink:
    """One card an alert: how many, by rule, the first five rows."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "url", "title private")
        self.name = config.name
        self._config = config
        self._target = read_url(resolve(config.url, config.name, aws), config)

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError."""
        body = json.dumps(message(alert, self._config), ensure_ascii=False).encode()
        post(self._target, body, {"Idempotency-Key": key(alert)})


def message(alert: dict[str, Any], config: SinkConfig) -> dict[str, Any]:
    """The message with its card: at most about 16 KB of UTF-8."""
    rows = alert["rows"][:ROWS]
    rules = wording.by_rule(alert)
    first = _runs(wording.heading(alert, config), size="Large", weight="Bolder", color=_COLOR[wording.level(alert)])
    texts = [wording.amount(alert), *([f"By rule: {rules}"] if rules else []), *(wording.line(row) for row in rows)]
    last = [text for text in (wording.rest(alert, len(rows)), f"id {key(alert)}") if text]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [first, *(_runs(text) for text in texts), _runs(" · ".join(last), size="Small", isSubtle=True)],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _runs(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}
