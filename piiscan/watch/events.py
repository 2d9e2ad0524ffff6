"""What a message of a queue says about objects, however it was wrapped on its way.

S3 puts URL-encoded keys into its own notifications and plain ones into EventBridge; SNS wraps either once more. An
event only says that an object must be looked at: its state is asked for when it is, so doubled and late events do no
harm.
Source: Amazon S3 User Guide, "Event message structure" and "EventBridge event message structure"; SNS, "HTTP/HTTPS
notification JSON format".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

_DEPTH = 4
"""Wrappings that are taken off one after the other."""


@dataclass(frozen=True, slots=True)
class Touched:
    """An object of which something is to be known: it came, changed, or went."""

    bucket: str
    key: str


def touched(body: str) -> list[Touched] | None:
    """The objects that a message is about, none for a test of S3's; None when it is about something else.

    >>> touched('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}')
    []
    >>> record = '{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b%2Fc"}}}'
    >>> touched(f'{{"Records": [{record}]}}')
    [Touched(bucket='b', key='a b/c')]
    """
    try:
        found = _unwrapped(json.loads(body), _DEPTH)
        return None if found is None else list(dict.fromkeys(found))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None


def _unwrapped(message: Any, depth: int) -> Iterator[Touched] | list[Touched] | None:
    if not isinstance(message, dict) or depth == 0:
        return None
    if message.get("Event") == "s3:TestEvent":
        return []
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        return _unwrapped(json.loads(message["Message"]), depth - 1)
    if message.get("source") == "aws.s3" and isinstance(message.get("detail"), dict):
        detail = message["detail"]
        return (Touched(str(d["bucket"]["name"]), str(d["object"]["key"])) for d in (detail,))
    records = message.get("Records")
    if isinstance(records, list) and records and all(_of_s3(record) for record in records):
        return (Touched(str(r["s3"]["bucket"]["name"]), unquote_plus(str(r["s3"]["object"]["key"]))) for r in records)
    if isinstance(records, list) and len(records) == 1 and isinstance(records[0], dict) and "Sns" in records[0]:
        return _unwrapped({"Type": "Notification", **records[0]["Sns"]}, depth - 1)
    return None


def _of_s3(record: Any) -> bool:
    return isinstance(record, dict) and str(record.get("eventSource", "")).endswith(":s3") and "s3" in record
