"""Alerts as findings of Security Hub, in the AWS Security Finding Format; a finding that comes again is the same one.

Source: AWS Security Hub API reference, BatchImportFindings and AwsSecurityFinding (240 KB, 32 resources, a title of 256
and a description of 1,024 characters, 50 product fields); user guide, "Default product ARN" and "Types taxonomy".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from piiscan.alert.sinks import check, cloud, key, wording, wrong
from piiscan.config import AwsConfig, SinkConfig
from piiscan.report.names import arn, bucket, clean, cut, object_uri, partition, shown, stamp

TITLE, DESCRIPTION, RESOURCES, RESOURCE, FIELD = 256, 1_024, 32, 512, 2_048
_ARN = re.compile(r"arn:aws[a-z-]*:securityhub:([a-z0-9-]+):\d{12}:product/(\d{12})/default")
_TYPES = {"credentials": "Passwords", "financial": "Financial", "pii": "PII", "phi": "PII", "business": "Business"}


class SecurityHubSink:
    """One finding an alert, with the first 32 objects as its resources."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        check(config, "", f"arn title {cloud.SETTINGS}")
        found = _ARN.fullmatch(config.arn)
        if config.arn and found is None:
            wrong(config, "arn is none of an account's default product")
        self.name = config.name
        self._config = config
        self._aws = cloud.settings(config, aws, config.arn)
        self._client = cloud.client("securityhub", config, self._aws)
        self._account = found[2] if found is not None else ""

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver. Raises: OSError, also when the finding alone was not taken."""
        if not self._account:
            known = cloud.client("sts", self._config, self._aws)
            self._account = str(cloud.ask(known, "get_caller_identity")["Account"])
        region = str(self._client.meta.region_name)
        made = finding(alert, self._config, region, self._account)
        answer = cloud.ask(self._client, "batch_import_findings", Findings=[made])
        if answer.get("FailedCount"):
            raise cloud.failed(str((answer.get("FailedFindings") or [{}])[0].get("ErrorCode", "")))


def finding(alert: dict[str, Any], config: SinkConfig, region: str, account: str) -> dict[str, Any]:
    """The finding of an alert."""
    level = wording.level(alert)
    rows = alert["rows"]
    rules = wording.by_rule(alert)
    said = wording.amount(alert) + (f"; by rule: {rules}" if rules else "")
    told = [f"{wording.line(row, 150)}" for row in rows[:5]]
    when = _time(str(alert["at"]))
    product = config.arn or f"arn:{partition(region)}:securityhub:{region}:{account}:product/{account}/default"
    fields = {
        "piiscan/id": key(alert),
        "piiscan/alert": cut(shown(str(alert["alert"])), FIELD),
        "piiscan/run": str(alert["run"]),
        "piiscan/count": str(alert["count"]),
        "piiscan/rules": cut(rules, FIELD),
    }
    made = {
        "SchemaVersion": "2018-10-08",
        "Id": f"piiscan/alert/{key(alert)}",
        "ProductArn": product,
        "ProductName": "piiscan",
        "GeneratorId": cut(f"piiscan/alert/{shown(str(alert['alert']), 200)}", 512),
        "AwsAccountId": account,
        "Types": _types(rows),
        "CreatedAt": when,
        "UpdatedAt": when,
        "Severity": {"Label": level.upper(), "Original": level},
        "Title": cut(wording.heading(alert, config), TITLE),
        "Description": cut(". ".join([said, *told]), DESCRIPTION),
        "ProductFields": {name: value for name, value in fields.items() if value.strip()},
        "Resources": _resources(rows, region) or [{"Type": "Other", "Id": f"piiscan/alert/{key(alert)}"}],
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
    }
    found: dict[str, Any] = clean(made)
    return found


def _types(rows: list[dict[str, Any]]) -> list[str]:
    """By the column `category`, where the SQL selects it."""
    kinds = sorted({_TYPES[c] for row in rows if (c := str(row.get("category"))) in _TYPES})
    return [f"Sensitive Data Identifications/{kind}" for kind in kinds] or ["Sensitive Data Identifications"]


def _resources(rows: list[dict[str, Any]], region: str) -> list[dict[str, Any]]:
    """Each object, or bucket, that a row names by `source` and `object`."""
    out: dict[str, dict[str, Any]] = {}
    for row in rows:
        source, key_of = row.get("source"), row.get("object")
        if not isinstance(source, str) or not source or len(out) == RESOURCES:
            continue
        if bucket(source):
            whole = arn(source, key_of if isinstance(key_of, str) else "")
            kind = "AwsS3Object" if isinstance(key_of, str) else "AwsS3Bucket"
            one = {"Type": kind, "Id": cut(whole, RESOURCE), "Partition": partition(region), "Region": region}
        else:
            one = {"Type": "Other", "Id": cut(object_uri(source, key_of if isinstance(key_of, str) else ""), RESOURCE)}
        out.setdefault(one["Id"], one)
    return list(out.values())


def _time(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.now(UTC)
    return stamp(moment.astimezone(UTC) if moment.tzinfo else moment)
