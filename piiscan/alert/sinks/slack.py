"""Alerts as messages of Slack, by an incoming webhook.

Source: Slack, "Sending messages using incoming webhooks", "Block Kit" (150 characters of a header, 3,000 of a section,
50 blocks), "Formatting text" (`&`, `<` and `>` are escaped; nothing else can make a link or call people).
"""

from __future__ import annotations

import json
from typing import Any

from piiscan.alert.sinks import check, key, resolve, wording
from piiscan.alert.sinks.post import post, read_url
from piiscan.config import AwsConfig, SinkConfig

HEADER, SECTION = 150, 3_000
ROWS = 5
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str, most: int) -> str:
    """Text for Slack of at most so many characters, never ending within an escape.

    >>> escaped("a<b>&c", 99), escaped("a<b>&c", 8)
    ('a&lt;b&gt;&amp;c', 'a&lt;b…')
    """
    pieces = [_ESCAPES.get(c, c) for c in text]
    if sum(map(len, pieces)) <= most:
        return "".join(pieces)
    out, room = "", most - 1
    for piece in pieces:
        if len(piece) > room:
            break
        out, room = out + piece, room - len(piece)
    return out + "…"


class SlackSink:
    """One message an alert: how many, by rule, the first five rows."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "url", "title private")
        self.name = config.name
        self._config = config
        self._target = read_url(resolve(config.url, config.name, aws), config)

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError."""
        body = json.dumps(wording.strict(message(alert, self._config))).encode()
        post(self._target, body, {"Idempotency-Key": key(alert)})


def message(alert: dict[str, Any], config: SinkConfig) -> dict[str, Any]:
    """The message. `text` is what notifications show; `verbatim` keeps names from becoming links."""
    heading = wording.heading(alert, config)
    rows = alert["rows"][:ROWS]
    rules = wording.by_rule(alert)
    texts = [wording.amount(alert) + (f"\nBy rule: {rules}" if rules else ""), *map(_row, rows)]
    last = [text for text in (wording.rest(alert, len(rows)), f"id {key(alert)}") if text]
    return {
        "text": escaped(heading, SECTION),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": escaped(heading, HEADER), "emoji": False}},
            *({"type": "section", "text": _text(text)} for text in texts),
            {"type": "context", "elements": [_text(" · ".join(last))]},
        ],
    }


def _row(row: dict[str, Any]) -> str:
    """Values stand in backticks, where `*`, `_`, `~` and emoji codes mean themselves."""
    shown = ((name.replace("`", "'"), value.replace("`", "'")) for name, value in wording.cells(row))
    return "• " + ", ".join(f"{name} `{value}`" if value else name for name, value in shown)


def _text(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": escaped(text, SECTION), "verbatim": True}
