"""Alerts as events on a bus of EventBridge, their detail in the manner of Macie's findings.

Source: AWS EventBridge API reference, PutEvents; Amazon Macie user guide, "EventBridge event schema for findings".
"""

from __future__ import annotations

import re
from typing import Any

from piiscan.alert.sinks import check, cloud, key, wording, wrong
from piiscan.config import AwsConfig, SinkConfig
from piiscan.report.names import arn, bucket, cut

SOURCE, DETAIL_TYPE = "piiscan", "piiscan Alert"
SEVERITY = {"low": (1, "Low"), "medium": (2, "Medium"), "high": (3, "High"), "critical": (3, "High")}
"""Macie knows three levels; ours stands in `piiscan.severity`."""
_BUS = re.compile(r"(?:arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/)?[/.A-Za-z0-9_-]{1,256}")


class EventBridgeSink:
    """One event an alert."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "", f"bus title {cloud.SETTINGS}")
        self._bus = config.bus or "default"
        if not _BUS.fullmatch(self._bus):
            wrong(config, "bus is neither a name nor the ARN of a bus")
        self.name = config.name
        self._config = config
        self._client = cloud.client("events", config, cloud.settings(config, aws, self._bus))

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError, also when the entry alone was not taken."""
        room = cloud.LARGEST - cloud.ROOM
        shown = wording.fitted(alert, room, shape=lambda less: detail(less, self._config), ascii_only=False)
        entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": shown, "EventBusName": self._bus}
        answer = cloud.ask(self._client, "put_events", Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise cloud.failed(str(answer["Entries"][0].get("ErrorCode", "")))


def detail(alert: dict[str, Any], config: SinkConfig) -> dict[str, Any]:
    """The detail: fields of Macie's findings where we have them, and the whole alert below `piiscan`."""
    level = wording.level(alert)
    score, description = SEVERITY[level]
    when = str(alert["at"])
    rules = wording.by_rule(alert)
    said = wording.amount(alert) + (f"; by rule: {rules}" if rules else "")
    return {
        "schemaVersion": "1.0",
        "id": key(alert),
        "type": "SensitiveData:piiscan/Alert",
        "category": "CLASSIFICATION",
        "title": wording.heading(alert, config),
        "description": cut(said, 2_000),
        "severity": {"score": score, "description": description},
        "count": alert["count"],
        "archived": False,
        "sample": False,
        "createdAt": when,
        "updatedAt": when,
        "classificationDetails": {
            "jobId": f"piiscan-run-{alert['run']}",
            "originType": "SENSITIVE_DATA_DISCOVERY_JOB",
        },
        **_affected(alert["rows"]),
        "piiscan": {**alert, "severity": level},
    }


def _affected(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The bucket, and the object, when all rows speak of the same one."""
    source = _only(rows, "source")
    if not source or not bucket(source):
        return {}
    out: dict[str, Any] = {"s3Bucket": {"name": bucket(source), "arn": arn(source)}}
    if key_of := _only(rows, "object"):
        out["s3Object"] = {"bucketArn": arn(source), "key": key_of, "path": f"{bucket(source)}/{key_of}"}
    return {"resourcesAffected": out}


def _only(rows: list[dict[str, Any]], column: str) -> str:
    """The text that all rows have in a column; empty when there is none."""
    found = rows[0].get(column) if rows else None
    return found if isinstance(found, str) and all(row.get(column) == found for row in rows) else ""
