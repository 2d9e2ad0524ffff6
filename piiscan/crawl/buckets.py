"""Several buckets by one target: `s3://*`, `s3://logs-*/2026/`, narrowed by the buckets' tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from piiscan.aws import ROLE_REFUSED, error_code, not_assumed, s3_client
from piiscan.config import AwsConfig, Config
from piiscan.crawl import VAULTS, Target
from piiscan.crawl.select import glob
from piiscan.errors import ConfigError, SourceError
from piiscan.vaults import source_of

_PATTERN = re.compile(r"[*?\[]")
"""No bucket's name has such characters."""


def meant(target: Target, config: Config) -> list[Target]:
    """The target itself, or the buckets that its pattern means; a vault with its account and region.

    Raises: SourceError, ConfigError.
    """
    if target.source in VAULTS:
        return [replace(target, source=source_of(target.source.rstrip(":"), config.aws))]
    bucket = target.source.removeprefix("s3://")
    if bucket == target.source or _PATTERN.search(bucket) is None:
        return [target]
    return [Target(f"s3://{name}", target.prefix, by_pattern=True) for name in matching(bucket, config.aws)]


def wanted_tags(texts: Sequence[str]) -> dict[str, str | None]:
    """Tags as KEY=VALUE, or KEY for any value. Raises: ConfigError."""
    out: dict[str, str | None] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not name:
            raise ConfigError(f"--bucket-tag: {text!r} is not KEY or KEY=VALUE")
        out[name] = value if sign else None
    return out


def matching(pattern: str, config: AwsConfig, *, none: bool = False) -> list[str]:
    """The names of the buckets that a pattern and the configured tags choose, in order; with `none` there may be none.

    Raises: SourceError.

    The caller sees its own account's buckets (ListBuckets). A bucket whose tags cannot be read is not chosen by tags.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    client = s3_client(config)
    chosen = glob(pattern)
    try:
        pages = client.get_paginator("list_buckets").paginate()
        names = [bucket["Name"] for page in pages for bucket in page.get("Buckets", ())]
    except ClientError as err:
        reason = f"the buckets may not be listed (s3:ListAllMyBuckets): {error_code(err)}"
        if not_assumed(err):
            reason = f"{ROLE_REFUSED} ({error_code(err)})"
        raise SourceError(f"s3://{pattern}: {reason}") from None
    except BotoCoreError as err:
        raise SourceError(f"s3://{pattern}: the buckets cannot be listed ({type(err).__name__})") from None
    tags = wanted_tags(config.bucket_tags)
    found = sorted(name for name in names if chosen.fullmatch(name) and (not tags or _tagged(client, name, tags)))
    if not found and not none:
        raise SourceError(f"s3://{pattern}: none of {len(names)} buckets is meant by that")
    return found


def _tagged(client: Any, bucket: str, wanted: Mapping[str, str | None]) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        tags = {tag["Key"]: tag["Value"] for tag in client.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    except (BotoCoreError, ClientError):
        return False  # NoSuchTagSet is an error, too
    return all(name in tags and value in (None, tags[name]) for name, value in wanted.items())
