"""Secrets of AWS Secrets Manager.

Source: AWS Secrets Manager API Reference, ListSecrets, DescribeSecret, GetSecretValue, RotateSecret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from piiscan.vaults import Kept, patiently

PAGE = 100
CURRENT = "AWSCURRENT"
"""The stage of the version that works now."""


def listed(client: Any, source: str, prefix: str = "") -> Iterator[Kept]:
    """The secrets whose names begin with a prefix, in the order of their names. Raises: ServiceError."""
    found: list[Kept] = []
    token = ""
    while True:
        more = {"NextToken": token} if token else {}
        page = patiently(client, "list_secrets", MaxResults=PAGE, **more)
        found += [_kept(source, entry) for entry in page.get("SecretList", ())]
        token = page.get("NextToken", "")
        if not token:
            break
    yield from sorted((one for one in found if one.name.startswith(prefix)), key=lambda one: one.name)


def described(client: Any, source: str, name: str) -> Kept:
    """One secret. Raises: ServiceError."""
    answer = patiently(client, "describe_secret", SecretId=name)
    return _kept(source, {**answer, "SecretVersionsToStages": answer.get("VersionIdsToStages")})


def value(client: Any, name: str) -> str | bytes:
    """The value of the version of a secret that works now. Raises: ServiceError."""
    answer = patiently(client, "get_secret_value", SecretId=name)
    text = answer.get("SecretString")
    return str(text) if text is not None else bytes(answer.get("SecretBinary", b""))


def rotate(client: Any, name: str) -> str:
    """Have the vault rotate a secret by the function that it is set up with; the new version. Raises: ServiceError."""
    return str(patiently(client, "rotate_secret", SecretId=name).get("VersionId", ""))


def _kept(source: str, entry: Mapping[str, Any]) -> Kept:
    stages = entry.get("SecretVersionsToStages") or {}
    current = next((version for version, names in sorted(stages.items()) if CURRENT in names), "")
    changed, created = _utc(entry.get("LastChangedDate")), _utc(entry.get("CreatedDate"))
    return Kept(
        source,
        entry["Name"],
        "Secret",
        entry.get("ARN", ""),
        current or (changed.isoformat() if changed is not None else ""),
        changed or created,
        rotated=_utc(entry.get("LastRotatedDate")),
        used=_utc(entry.get("LastAccessedDate")),
        rotation=bool(entry.get("RotationEnabled")),
        key=entry.get("KmsKeyId", ""),
        description=entry.get("Description", ""),
        tags=tuple((str(tag.get("Key", "")), str(tag.get("Value", ""))) for tag in entry.get("Tags") or ()),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None else None
