"""Findings as OCSF events, one a line: Data Security Finding, class 2006.

Source: Open Cybersecurity Schema Framework, schema 1.6.0, class `data_security_finding` and its objects. That version
is the one of AWS Security Hub and Amazon Security Lake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from piiscan.report.context import Context
from piiscan.report.names import (
    amount,
    arn,
    bucket,
    clean,
    dumped,
    milliseconds,
    object_uri,
    regulations,
    shown,
    without_version,
)
from piiscan.report.shapes import Shaped, shapes

VERSION = "1.6.0"
CLASS = 2006
_MOST = 2**31 - 1
"""The largest integer that the schema has outside its long numbers."""

_SEVERITY = {"low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"), "critical": (5, "Critical")}
_CATEGORY = {
    "credentials": (6, "Security"), "financial": (3, "Financial"), "pii": (1, "Personal"), "phi": (1, "Personal"),
    "business": (4, "Business"), "custom": (99, "Other"),
}  # fmt: skip
_STATUS = {"scanned": (1, "Complete"), "partial": (2, "Partial"), "failed": (3, "Fail"), "skipped": (3, "Fail")}
_PLACE = {
    "cellReference": "cell_name", "column": "column_number", "columnName": "column_name", "row": "row_number",
    "jsonPath": "json_path", "recordIndex": "record_index_in_array", "pageNumber": "page_number", "start": "start_line",
    "end": "end_line",
}  # fmt: skip
"""Macie's names of places in OCSF's."""


def render(findings: Iterable[dict[str, Any]], *, context: Context) -> Iterator[str]:
    """One event a finding. What does not count (`rows.findings`) is suppressed, published samples informational."""
    for finding in findings:
        yield dumped(event(finding, context)) + "\n"


def event(finding: dict[str, Any], context: Context) -> dict[str, Any]:
    """One event."""
    more = finding["more"]
    first, last = milliseconds(more["first_seen"]), milliseconds(more["last_seen"])
    activity, activity_name = (1, "Create") if first >= last else (2, "Update")
    severity, severity_name = (1, "Informational") if finding["test_data"] else _SEVERITY[finding["severity"]]
    status, status_name = (1, "New") if more["counted"] else (3, "Suppressed")
    confidence, confidence_name = _confidence(finding["confidence"])
    return {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Data Security Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Data Security Finding: {activity_name}",
        "time": last,
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "confidence_id": confidence,
        "confidence": confidence_name,
        "confidence_score": round(finding["confidence"] * 100),
        "is_alert": more["counted"],
        "message": f"{shown(finding['name'])}: {amount(finding)}",
        "metadata": {
            "version": VERSION,
            "product": {"name": "piiscan", "uid": "piiscan", "vendor_name": "piiscan", "version": context.version},
            "uid": f"{finding['finding']}-{more['run']}",
            "log_name": "findings",
        },
        "finding_info": _info(finding, first, last),
        "data_security": _data(finding),
        **_where(finding),
    }


def _confidence(confidence: float) -> tuple[int, str]:
    return (3, "High") if confidence >= 0.8 else (2, "Medium") if confidence >= 0.5 else (1, "Low")


def _info(finding: dict[str, Any], first: int, last: int) -> dict[str, Any]:
    labels = regulations(finding["more"]["tags"])
    where = f"{shown(finding['object'])} of {shown(finding['source'])}"
    return {
        "uid": finding["finding"],
        "title": shown(finding["name"]),
        "desc": f"{shown(finding['name'])} ({finding['rule']}) in {where}",
        "types": [finding["category"], *([finding["macie"]] if finding["macie"] else [])],
        "created_time": first,
        "first_seen_time": first,
        "last_seen_time": last,
        "modified_time": last,
        "analytic": {"type_id": 1, "type": "Rule", "uid": finding["rule"], "name": shown(finding["name"])},
        **({"tags": [{"name": "tags", "values": labels}]} if labels else {}),
    }


def _data(finding: dict[str, Any]) -> dict[str, Any]:
    more = finding["more"]
    category, category_name = _CATEGORY[finding["category"]]
    status, status_name = _STATUS[more["outcome"]]
    found, _ = shapes(finding["occurrences"])
    count = min(finding["count"], _MOST)
    places = [_place(one) for one in found]
    details = {
        "type": finding["macie"] or finding["rule"],
        "count": count,
        **({"occurrences": places} if places else {}),
    }
    return {
        "category_id": category,
        "category": category_name,
        "classifier_details": {"name": "piiscan", "type": "Rule", "uid": finding["rule"]},
        "data_lifecycle_state_id": 1,
        "data_lifecycle_state": "Data at-Rest",
        "detection_pattern": finding["rule"],
        "detection_system_id": 4,
        "detection_system": "Data Discovery & Classification",
        "discovery_details": [details],
        **({"pattern_match": shown(finding["occurrences"][0]["masked"], 200)} if finding["occurrences"] else {}),
        "size": more["bytes_examined"],
        "status_id": status,
        "status": status_name,
        **({"status_details": [shown(more["reason"])]} if more["reason"] else {}),
        "total": count,
        "uid": str(more["run"]),
    }


def _place(shaped: Shaped) -> dict[str, Any]:
    """A place in OCSF's names; it has none for the column of a line."""
    name, place = shaped
    return {_PLACE[key]: value for key, value in place.items() if not (name == "lineRanges" and key == "startColumn")}


def _where(finding: dict[str, Any]) -> dict[str, Any]:
    source, more = clean(finding["source"]), finding["more"]
    key = without_version(finding["object"], more["version"])
    uri = object_uri(source, finding["object"], more["version"])
    name = key.rstrip("/").rpartition("/")[2] or key
    extension = name.rpartition(".")[2] if "." in name else ""
    file = {
        "name": name,
        "path": key if bucket(source) else f"{source.removeprefix('file://').rstrip('/')}/{key}",
        "type_id": 1,
        "type": "Regular File",
        "uri": uri,
        "size": more["size"],
        **({"mime_type": finding["media_type"]} if finding["media_type"] else {}),
        **({"ext": extension} if extension else {}),
        **({"modified_time": milliseconds(more["modified"])} if more["modified"] else {}),
        **({"version": more["version"]} if more["version"] else {}),
    }
    if not bucket(source):
        return {"file": file, "resources": [{"uid": uri, "name": key, "type": "File"}]}
    store = {"type_id": 1, "type": "S3", "name": bucket(source), "uid": arn(source)}
    return {
        "databucket": store,
        "file": file,
        "resources": [{"uid": arn(source, key), "name": key, "type": "AwsS3Object"}],
    }
