"""All versions of a bucket's objects: those that were overwritten, and those that a delete marker hides.

The current version of an object stands under its key, as without versions. Every other one is an object of its own,
`key?versionId=ID`, so that its findings have names that last. Markers hold nothing and are no objects.
Source: Amazon S3 API, ListObjectVersions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from piiscan.errors import SourceError
from piiscan.model import VERSION, ObjectRef


def entries(client: Any, bucket: str, prefix: str, payer: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """All versions below a prefix, keys in order, of each the newest first. Raises: botocore's errors.

    A page ends where it is full, in the middle of an object's versions, too: so this listing is not split.
    """
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix, **payer)
    for page in pages:
        yield from page.get("Versions", ())


def versioned(ref: ObjectRef, entry: Mapping[str, Any]) -> ObjectRef:
    """The object of an entry as one version of it, when it is not the current one. Raises: SourceError."""
    if entry.get("IsLatest", True):
        return ref
    version = str(entry.get("VersionId") or "null")  # what was there before versions were switched on
    if "\n" in version or "?" in version:
        raise SourceError(f"{ref.source}: the listing names a version that is none")
    return replace(ref, key=f"{ref.key}{VERSION}{version}", version=version)


def named(ref: ObjectRef) -> ObjectRef | None:
    """The version that an object's name alone means; None: it names none, or the version is known."""
    _, sign, version = ref.key.rpartition(VERSION)
    return replace(ref, version=version) if sign and version and not ref.version else None
