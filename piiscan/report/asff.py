"""Findings in the AWS Security Finding Format, one a line, for `aws securityhub batch-import-findings`.

Source: AWS Security Hub API reference, `AwsSecurityFinding` and BatchImportFindings: at most 100 findings a call and
240 KB a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from piiscan.report.context import NO_REGION, Context
from piiscan.report.names import (
    amount,
    arn,
    bucket,
    cut,
    dumped,
    object_uri,
    partition,
    regulations,
    shown,
    stamp,
    without_version,
)
from piiscan.report.shapes import by_list, shapes

TITLE, DESCRIPTION, FIELD, RESOURCE = 256, 1_024, 2_048, 2_048
"""Characters of a title, a description, a product's field, and an id of a resource."""

_TYPE = {
    "credentials": "Passwords", "financial": "Financial", "pii": "PII", "phi": "PII", "business": "Business",
    "custom": "Security",
}  # fmt: skip
"""Categories of its namespace "Sensitive Data Identifications"."""
_CATEGORY = {
    "credentials": "CREDENTIALS", "financial": "FINANCIAL_INFORMATION", "pii": "PERSONAL_INFORMATION",
    "phi": "PERSONAL_INFORMATION",
}  # fmt: skip
_STATUS = {"scanned": "COMPLETE", "partial": "PARTIAL", "skipped": "SKIPPED", "failed": "SKIPPED"}


def render(findings: Iterable[dict[str, Any]], *, context: Context) -> Iterator[str]:
    """One finding a line. The workflow of what does not count (`rows.findings`) says that it is suppressed."""
    for finding in findings:
        yield dumped(_finding(finding, context)) + "\n"


def _finding(finding: dict[str, Any], context: Context) -> dict[str, Any]:
    more = finding["more"]
    region = context.region or more["region"] or NO_REGION
    label = "INFORMATIONAL" if finding["test_data"] else finding["severity"].upper()
    name = shown(finding["name"])
    kinds = [f"Sensitive Data Identifications/{_TYPE[finding['category']]}/{finding['rule']}"]
    severity = {"Label": label, "Original": finding["severity"]}
    product = f"arn:{partition(region)}:securityhub:{region}:{context.account}:product/{context.account}/default"
    first, last = stamp(more["first_seen"]), stamp(more["last_seen"])
    where = f"{shown(finding['object'], 500)} of {shown(finding['source'], 200)}"
    fields = {
        "piiscan/finding": finding["finding"],
        "piiscan/rule": finding["rule"],
        "piiscan/category": finding["category"],
        "piiscan/count": str(finding["count"]),
        "piiscan/distinct": str(finding["distinct"]),
        "piiscan/run": str(more["run"]),
        "piiscan/source": cut(shown(finding["source"]), FIELD),
        "piiscan/tags": cut(",".join(regulations(more["tags"])), FIELD),
    }
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"piiscan/{finding['finding']}",
        "ProductArn": product,
        "ProductName": "piiscan",
        "GeneratorId": f"piiscan/{finding['rule']}",
        "AwsAccountId": context.account,
        "Types": kinds,
        "FirstObservedAt": first,
        "LastObservedAt": last,
        "CreatedAt": first,
        "UpdatedAt": last,
        "Severity": severity,
        "Confidence": round(finding["confidence"] * 100),
        "Title": cut(f"{name} in {shown(finding['object'])}", TITLE),
        "Description": cut(f"{name} in {where}: {amount(finding)}.", DESCRIPTION),
        "ProductFields": {key: value for key, value in fields.items() if value.strip()},
        "Resources": [_resource(finding, region)],
        "FindingProviderFields": {
            "Confidence": round(finding["confidence"] * 100),
            "Severity": severity,
            "Types": kinds,
        },
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW" if more["counted"] else "SUPPRESSED"},
    }


def _resource(finding: dict[str, Any], region: str) -> dict[str, Any]:
    source, key, more = finding["source"], finding["object"], finding["more"]
    classification = {"DataClassification": {"Result": _result(finding)}}
    if not bucket(source):
        return {"Type": "Other", "Id": cut(object_uri(source, key), RESOURCE), **classification}
    key = without_version(key, more["version"])
    details = {
        "ContentType": finding["media_type"],
        "ETag": more["etag"],
        "VersionId": more["version"],
        "LastModified": stamp(more["modified"]) if more["modified"] else "",
    }
    details = {name: value for name, value in details.items() if value}
    return {
        "Type": "AwsS3Object",
        "Id": cut(arn(source, key), RESOURCE),
        "Partition": partition(region),
        "Region": region,
        **({"Details": {"AwsS3Object": details}} if details else {}),
        **classification,
    }


def _result(finding: dict[str, Any]) -> dict[str, Any]:
    more = finding["more"]
    places, left = shapes(finding["occurrences"])
    lists = {_big(name): [_spelled(place) for place in found] for name, found in by_list(places).items()}
    found: dict[str, Any] = {"Count": finding["count"], **({"Occurrences": lists} if lists else {})}
    label = finding["macie"] or finding["rule"]
    reason = more["reason"].partition(":")[0]
    sensitive: dict[str, Any]
    if finding["category"] in _CATEGORY:
        one = {"Category": _CATEGORY[finding["category"]], "TotalCount": finding["count"]}
        sensitive = {"SensitiveData": [{**one, "Detections": [{"Type": label, **found}]}]}
    else:
        sensitive = {
            "CustomDataIdentifiers": {"TotalCount": finding["count"], "Detections": [{"Name": label, **found}]}
        }
    return {
        **({"MimeType": finding["media_type"]} if finding["media_type"] else {}),
        "SizeClassified": more["bytes_examined"],
        "AdditionalOccurrences": left or finding["count"] > len(finding["occurrences"]),
        "Status": {"Code": _STATUS[more["outcome"]], **({"Reason": reason} if reason.strip() else {})},
        **sensitive,
    }


def _spelled(place: dict[str, Any]) -> dict[str, Any]:
    """A place of Macie as Security Hub spells it; it takes no text that is empty."""
    return {_big(name): value for name, value in place.items() if not isinstance(value, str) or value.strip()}


def _big(name: str) -> str:
    return name[0].upper() + name[1:]
