"""Schemas of other programs as small tables, and a check of JSON against them.

Only what our exports write, and what is required, stands in a table: anything else is a mistake of ours. A cell is
`!` when the key is required, a kind, and the values that it may have. Kinds: `string` (not empty), `integer`, `long`,
`number`, `boolean`, `uri`, `time`, `line` (from 1), `any`, or another table; `[]` behind it is a list, `{}` before it
an object with any keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Tables = dict[str, dict[str, str]]

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")

OCSF: Tables = {
    # Source: ocsf-schema 1.6.0, class 2006 and its objects.
    "data_security_finding": {
        "activity_id": "!integer 0 1 2 3 4 99", "activity_name": "string", "category_name": "string",
        "category_uid": "!integer 2", "class_name": "string", "class_uid": "!integer 2006", "confidence": "string",
        "confidence_id": "integer 0 1 2 3 99", "confidence_score": "integer", "data_security": "data_security",
        "databucket": "databucket", "file": "file", "finding_info": "!finding_info", "is_alert": "boolean",
        "message": "string", "metadata": "!metadata", "resources": "resource_details[]", "severity": "string",
        "severity_id": "!integer 0 1 2 3 4 5 6 99", "status": "string", "status_id": "integer 0 1 2 3 4 5 6 99",
        "time": "!long", "type_name": "string", "type_uid": "!long 200600 200601 200602 200603 200604 200699",
    },
    "metadata": {"log_name": "string", "product": "!product", "uid": "string", "version": "!string 1.6.0"},
    "product": {"name": "string", "uid": "string", "vendor_name": "string", "version": "string"},
    "finding_info": {
        "analytic": "analytic", "created_time": "long", "desc": "string", "first_seen_time": "long",
        "last_seen_time": "long", "modified_time": "long", "tags": "key_value_object[]", "title": "string",
        "types": "string[]", "uid": "!string",
    },
    "analytic": {
        "name": "string", "type": "string", "type_id": "!integer 0 1 2 3 4 5 6 7 8 9 10 11 99", "uid": "string",
    },
    "key_value_object": {"name": "!string", "values": "!string[]"},
    "data_security": {
        "category": "string", "category_id": "integer 0 1 2 3 4 5 6 99", "classifier_details": "classifier_details",
        "data_lifecycle_state": "string", "data_lifecycle_state_id": "integer 0 1 2 3 99",
        "detection_pattern": "string", "detection_system": "string",
        "detection_system_id": "integer 0 1 2 3 4 5 6 7 8 9 10 11 12 99", "discovery_details": "discovery_details[]",
        "pattern_match": "string", "size": "long", "status": "string", "status_details": "string[]",
        "status_id": "integer 0 1 2 3 99", "total": "integer", "uid": "string",
    },
    "classifier_details": {"name": "string", "type": "!string", "uid": "string"},
    "discovery_details": {"count": "integer", "occurrences": "occurrence_details[]", "type": "string"},
    "file": {
        "ext": "string", "mime_type": "string", "modified_time": "long", "name": "!string", "path": "string",
        "size": "long", "type": "string", "type_id": "!integer 0 1 2 3 4 5 6 7 8 99", "uri": "uri", "version": "string",
    },
    "resource_details": {"name": "string", "type": "string", "uid": "!string"},
    "occurrence_details": {
        "cell_name": "string", "column_name": "string", "column_number": "integer", "end_line": "integer",
        "json_path": "string", "page_number": "integer", "record_index_in_array": "integer", "row_number": "integer",
        "start_line": "integer",
    },
    "databucket": {"name": "!string", "type": "string", "type_id": "!integer 0 1 2 3 99", "uid": "string"},
}  # fmt: skip

SARIF: Tables = {
    # Source: OASIS, SARIF 2.1.0, JSON schema (errata 01).
    "log": {"$schema": "uri", "version": "!string 2.1.0", "runs": "!run[]"},
    "run": {
        "tool": "!tool", "automationDetails": "details", "columnKind": "string utf16CodeUnits unicodeCodePoints",
        "originalUriBaseIds": "{}artifact", "invocations": "invocation[]", "properties": "{}any",
        "results": "!result[]",
    },
    "details": {"id": "string"},
    "tool": {"driver": "!driver"},
    "driver": {"name": "!string", "version": "string", "semanticVersion": "string", "rules": "!rule[]"},
    "rule": {
        "id": "!string", "shortDescription": "!message", "fullDescription": "!message", "help": "message",
        "defaultConfiguration": "configuration", "properties": "!rule_properties",
    },
    # Source: GitHub, "SARIF support for code scanning", reportingDescriptor.
    "rule_properties": {
        "tags": "!string[]", "security-severity": "!string 2.0 5.5 8.0 9.5",
        "precision": "string very-high high medium low",
    },
    "configuration": {"level": "string none note warning error"},
    "message": {"text": "!string"},
    "invocation": {
        "executionSuccessful": "!boolean", "startTimeUtc": "time", "endTimeUtc": "time",
        "toolExecutionNotifications": "notification[]",
    },
    "notification": {
        "level": "string none note warning error", "message": "!message", "descriptor": "details",
        "locations": "location[]",
    },
    "result": {
        "ruleId": "!string", "level": "string none note warning error", "kind": "string fail", "message": "!message",
        "locations": "!location[]", "partialFingerprints": "!{}string", "rank": "number", "properties": "{}any",
    },
    "location": {"physicalLocation": "!physical", "message": "message"},
    "physical": {"artifactLocation": "!artifact", "region": "region"},
    "artifact": {"uri": "!uri", "uriBaseId": "string"},
    "region": {"startLine": "!line", "startColumn": "line"},
}  # fmt: skip

GITLAB: Tables = {
    # Source: GitLab, security-report-schemas 15.0.6, SAST.
    "report": {"version": "!string 15.0.6", "scan": "!scan", "vulnerabilities": "!vulnerability[]"},
    "scan": {
        "analyzer": "!analyzer", "scanner": "!analyzer", "type": "!string sast", "start_time": "!string",
        "end_time": "!string", "status": "!string success failure", "messages": "message[]",
    },
    "analyzer": {"id": "!string", "name": "!string", "vendor": "!vendor", "version": "!string"},
    "vendor": {"name": "!string"},
    "message": {"level": "!string info warn fatal", "value": "!string"},
    "vulnerability": {
        "id": "!string", "category": "string sast", "name": "string", "description": "string",
        "severity": "!string Info Unknown Low Medium High Critical", "location": "!location",
        "identifiers": "!identifier[]",
    },
    "location": {"file": "!string", "start_line": "line", "end_line": "line"},
    "identifier": {"type": "!string", "name": "!string", "value": "!string"},
}  # fmt: skip


def problems(value: Any, table: str, tables: Tables, path: str = "") -> Iterator[str]:
    """What is wrong with an object by a table; paths and kinds only."""
    if not isinstance(value, dict):
        yield f"{path}: no object"
        return
    cells = tables[table]
    for key, cell in cells.items():
        if cell.startswith("!") and key not in value:
            yield f"{path}.{key}: missing"
    for key, inner in value.items():
        if key not in cells:
            yield f"{path}.{key}: unknown"
        else:
            kind, *allowed = cells[key].removeprefix("!").split()
            yield from _of_kind(inner, kind, allowed, tables, f"{path}.{key}")


def _of_kind(value: Any, kind: str, allowed: list[str], tables: Tables, path: str) -> Iterator[str]:
    if kind.endswith("[]"):
        if not isinstance(value, list):
            yield f"{path}: no list"
            return
        for number, one in enumerate(value):
            yield from _of_kind(one, kind.removesuffix("[]"), allowed, tables, f"{path}[{number}]")
    elif kind.startswith("{}"):
        for one in value.values():
            yield from _of_kind(one, kind.removeprefix("{}"), allowed, tables, f"{path}{{}}")
    elif kind in tables:
        yield from problems(value, kind, tables, path)
    elif not _simple(value, kind) or (allowed and str(value) not in allowed):
        yield f"{path}: no {kind} {' '.join(allowed)}"


def _simple(value: Any, kind: str) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == "any":
        return True
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("integer", "long", "line"):
        least, most = (1, 2**31) if kind == "line" else (-(2**31), 2**31) if kind == "integer" else (-(2**63), 2**63)
        return whole and least <= value < most
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    pattern = {"uri": _URI, "time": _TIME}.get(kind)
    return isinstance(value, str) and bool(value) and (pattern is None or pattern.fullmatch(value) is not None)
