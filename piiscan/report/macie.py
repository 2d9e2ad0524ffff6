"""Objects as findings of Amazon Macie, one a line: what it calls a sensitive data finding, with all types of an object.

Source: Amazon Macie API reference, `Finding` of GetFindings; Amazon Macie user guide, "Severity scoring", "Finding
types". For consumers of Macie's findings: its own are made by Macie alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from piiscan.report.context import NO_REGION, Context
from piiscan.report.names import arn, bucket, clean, dumped, partition, shown, stamp, without_version
from piiscan.report.rows import SEVERITY
from piiscan.report.shapes import Shaped, by_list, in_turn, shapes

_SCORE = {"low": (1, "Low"), "medium": (2, "Medium"), "high": (3, "High"), "critical": (3, "High")}
_CATEGORY = {
    "credentials": ("CREDENTIALS", "Credentials"), "financial": ("FINANCIAL_INFORMATION", "Financial"),
    "pii": ("PERSONAL_INFORMATION", "Personal"), "phi": ("PERSONAL_INFORMATION", "Personal"),
}  # fmt: skip
"""Its categories and kinds of findings; what is in none of them was found by a custom data identifier."""
_CUSTOM = ("CUSTOM_IDENTIFIER", "CustomIdentifier")
_TITLES = {
    "Credentials": "credentials", "Financial": "financial information", "Personal": "personal information",
    "CustomIdentifier": "sensitive data of a custom identifier", "Multiple": "several categories of sensitive data",
}  # fmt: skip


class _Detection:
    """What was found of one type."""

    def __init__(self) -> None:
        self.count = 0
        self.places: list[Shaped] = []
        self.more = False

    def add(self, finding: dict[str, Any]) -> None:
        self.count += finding["count"]
        found, more = shapes(finding["occurrences"])
        self.places += found
        self.more = self.more or more or finding["count"] > len(finding["occurrences"])


def render(findings: Iterable[dict[str, Any]], *, context: Context) -> Iterator[str]:
    """One finding an object. What does not count (`rows.findings`) is left out: Macie reports no published samples."""
    counted = (f for f in findings if f["more"]["counted"])
    for (source, key), group in groupby(counted, key=lambda f: (f["source"], f["object"])):
        yield dumped(_finding(source, key, group, context)) + "\n"


def _finding(source: str, key: str, group: Iterable[dict[str, Any]], context: Context) -> dict[str, Any]:
    types: dict[tuple[str, str, str], _Detection] = {}
    worst = "low"
    first: dict[str, Any] = {}
    for finding in group:
        first = first or finding
        worst = max(worst, finding["severity"], key=SEVERITY.index)
        category, kind = _CATEGORY.get(finding["category"], _CUSTOM)
        label = finding["macie"] or finding["rule"]
        types.setdefault((category, kind, label), _Detection()).add(finding)
    more = first["more"]
    kinds = {kind for _, kind, _ in types}
    kind = kinds.pop() if len(kinds) == 1 else "Multiple"
    score, description = _SCORE[worst]
    region = context.region or more["region"] or NO_REGION
    seen = stamp(more["last_seen"])
    labels = shown(", ".join(sorted(label for *_, label in types)))
    digest = hashlib.blake2b(f"{clean(source)}\0{clean(key)}".encode(), digest_size=16).hexdigest()
    return {
        "schemaVersion": "1.0",
        "id": digest,
        "accountId": context.account,
        "partition": partition(region),
        "region": region,
        "type": f"SensitiveData:S3Object/{kind}",
        "title": f"The object contains {_TITLES[kind]}",
        "description": f"{shown(key)} contains {_TITLES[kind]}: {labels}.",
        "severity": {"score": score, "description": description},
        "category": "CLASSIFICATION",
        "count": 1,
        "archived": False,
        "sample": False,
        "createdAt": seen,
        "updatedAt": seen,
        "classificationDetails": {
            "jobId": f"piiscan-run-{more['run']}",
            "originType": "SENSITIVE_DATA_DISCOVERY_JOB",
            "result": _result(types, first, context, region),
        },
        "resourcesAffected": _resources(source, key, more),
    }


def _result(
    types: dict[tuple[str, str, str], _Detection], first: dict[str, Any], context: Context, region: str
) -> dict[str, Any]:
    more = first["more"]
    parts = in_turn([detection.places for detection in types.values()])
    left = any(d.more or len(part) < len(d.places) for d, part in zip(types.values(), parts, strict=True))
    sensitive: dict[str, list[dict[str, Any]]] = {}
    custom: list[dict[str, Any]] = []
    for ((category, _, label), detection), part in zip(types.items(), parts, strict=True):
        found = {"count": detection.count, **({"occurrences": by_list(part)} if part else {})}
        if category == _CUSTOM[0]:
            identifier = f"arn:{partition(region)}:macie2:{region}:{context.account}:custom-data-identifier/{label}"
            custom.append({"arn": identifier, "name": label, **found})
        else:
            sensitive.setdefault(category, []).append({"type": label, **found})
    reason = more["reason"].partition(":")[0]
    status = {"scanned": "COMPLETE", "partial": "PARTIAL"}.get(more["outcome"], "SKIPPED")
    return {
        "status": {"code": status, **({"reason": reason} if reason else {})},
        "mimeType": first["media_type"] or "application/octet-stream",
        "sizeClassified": more["bytes_examined"],
        "additionalOccurrences": left,
        "sensitiveData": [
            {"category": name, "totalCount": sum(d["count"] for d in found), "detections": found}
            for name, found in sorted(sensitive.items())
        ],
        "customDataIdentifiers": {"totalCount": sum(d["count"] for d in custom), "detections": custom},
    }


def _resources(source: str, key: str, more: dict[str, Any]) -> dict[str, Any]:
    """The bucket and the object; for a directory its URL stands where the bucket's name does."""
    name = bucket(source) or source
    key = without_version(key, more["version"])
    last = key.rpartition("/")[2]
    where = arn(source) if bucket(source) else source
    return {
        "s3Bucket": {"name": name, "arn": where, "publicAccess": {"effectivePermission": "UNKNOWN"}},
        "s3Object": {
            "bucketArn": where,
            "key": key,
            "path": f"{name}/{key}",
            "extension": last.rpartition(".")[2] if "." in last else "",
            "size": more["size"],
            **({"eTag": more["etag"]} if more["etag"] else {}),
            **({"versionId": more["version"]} if more["version"] else {}),
            **({"lastModified": stamp(more["modified"])} if more["modified"] else {}),
        },
    }
