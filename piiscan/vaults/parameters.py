"""Parameters of AWS Systems Manager Parameter Store.

Source: AWS Systems Manager API Reference, DescribeParameters, GetParameters; AWS Systems Manager User Guide,
"Assigning parameter policies".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from piiscan.vaults import Kept, patiently

PAGE = 50
TOGETHER = 10
"""Parameters whose values one request asks for."""


def listed(client: Any, source: str, path: str) -> Iterator[Kept]:
    """The parameters at and below a path of the hierarchy (empty: all), in the order of their names.

    Raises: ServiceError.
    """
    found: list[Kept] = []
    below = path.rstrip("/")
    filters = [{"Key": "Path", "Option": "Recursive", "Values": [below]}] if below else []
    token = ""
    while True:
        more = {"NextToken": token} if token else {}
        page = patiently(client, "describe_parameters", MaxResults=PAGE, ParameterFilters=filters, **more)
        found += [_kept(source, entry) for entry in page.get("Parameters", ())]
        token = page.get("NextToken", "")
        if not token:
            break
    yield from sorted(found, key=lambda one: one.name)


def values(client: Any, names: Sequence[str], *, decrypt: bool) -> dict[str, str]:
    """The values of up to ten parameters; one that is gone is missing. Raises: ServiceError."""
    answer = patiently(client, "get_parameters", Names=list(names), WithDecryption=decrypt)
    return {entry["Name"]: entry["Value"] for entry in answer.get("Parameters", ())}


def _kept(source: str, entry: Mapping[str, Any]) -> Kept:
    expires, warns = None, ""
    for policy in entry.get("Policies") or ():
        kind, attributes = _policy(policy.get("PolicyText", ""))
        if kind == "Expiration":
            expires = _moment(str(attributes.get("Timestamp", "")))
        elif kind == "NoChangeNotification":
            warns = f"{attributes.get('After', '')} {attributes.get('Unit', '')}".strip()
    modified = entry.get("LastModifiedDate")
    return Kept(
        source,
        entry["Name"],
        entry.get("Type", "String"),
        entry.get("ARN", ""),
        str(entry.get("Version", "")),
        modified.astimezone(UTC) if modified is not None else None,
        expires=expires,
        warns_unchanged=warns,
        key=entry.get("KeyId", ""),
        tier=entry.get("Tier", ""),
        description=entry.get("Description", ""),
    )


def _policy(text: str) -> tuple[str, Mapping[str, Any]]:
    try:
        found = json.loads(text)
        return str(found["Type"]), dict(found.get("Attributes") or {})
    except (ValueError, TypeError, KeyError):
        return "", {}


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
