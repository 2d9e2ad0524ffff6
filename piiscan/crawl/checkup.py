"""What `piiscan doctor` asks of S3: who asks, whether the store answers, its clock, and each right that a scan needs.

Everything is tried by doing it, as a scan would: a listing, the tags of a bucket, one byte of a few objects. Nothing is
written. The rights are those of deploy/iam-policy.json. Source: Amazon S3 API Reference, "Error responses"
(RequestTimeTooSkewed: more than 15 minutes).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from piiscan.aws import aws_session, error_code, how_found, own_endpoint, quick_client
from piiscan.config import AwsConfig
from piiscan.crawl.s3 import ARCHIVED
from piiscan.errors import PiiscanError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

SKEW = 900.0
"""Seconds that a clock may be off before S3 refuses a request."""
FINE_SKEW = 60.0
TRIED = 3
"""Objects of which one byte is read."""
DENIED = frozenset({"AccessDenied", "403", "AllAccessDisabled", "AccessDeniedException"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one check."""

    state: str
    """`ok`, `BAD` (a scan will fail), or `--` (not needed, not tried, or only worth knowing)."""
    name: str
    text: str
    """What is so, and what to do about it."""


def check_aws(buckets: Sequence[str], config: AwsConfig) -> Iterator[Verdict]:
    """Everything about S3, in the order in which it is needed. `buckets` are names, or `name/prefix`."""
    try:
        how = how_found(config)
    except PiiscanError as err:
        yield Verdict("BAD", "credentials", str(err))
        return
    unsigned = config.no_sign_request
    if not how and not unsigned:
        state = "BAD" if buckets else "--"
        yield Verdict(
            state, "credentials", "none found: set AWS_PROFILE or AWS_ACCESS_KEY_ID; public buckets: --no-sign-request"
        )
        if not buckets:
            return
    else:
        yield Verdict("ok", "credentials", "not used: --no-sign-request" if unsigned else f"found ({how})")
        if how and not unsigned:
            yield _who(config)
    yield _region(config)
    if not how and not unsigned:
        return
    client = quick_client("s3", config)
    try:
        reached = yield from _store(client, unsigned, buckets)
        if reached:
            for bucket in buckets:
                yield from _bucket(client, bucket, config)
    finally:
        client.close()


def _who(config: AwsConfig) -> Verdict:
    from botocore.exceptions import BotoCoreError, ClientError

    if own_endpoint("s3", config) and not own_endpoint("sts", config):
        return Verdict("--", "identity", "the S3 endpoint is not AWS's, so AWS is not asked who this is")
    try:
        return Verdict("ok", "identity", str(quick_client("sts", config).get_caller_identity()["Arn"]))
    except ClientError as err:
        code = error_code(err)
        if code in DENIED:
            return Verdict("--", "identity", "sts:GetCallerIdentity is not allowed; a scan does not need it")
        return Verdict("BAD", "identity", f"the credentials were refused ({code}): renew them or choose a --profile")
    except BotoCoreError as err:
        return Verdict("--", "identity", f"STS cannot be reached ({type(err).__name__}); a scan does not need it")


def _region(config: AwsConfig) -> Verdict:
    import os

    found = aws_session(config).region_name or os.environ.get("AWS_REGION")
    if found:
        return Verdict("ok", "region", str(found))
    return Verdict(
        "--", "region", "none set, us-east-1 is taken: set AWS_REGION or pass --region for buckets elsewhere"
    )


def _store(client: Any, unsigned: bool, buckets: Sequence[str]) -> Generator[Verdict, None, bool]:
    """Whether the store answers, its clock, and whether buckets may be listed. Gives back whether to go on."""
    from botocore.exceptions import BotoCoreError, ClientError

    url = str(client.meta.endpoint_url)
    before, failed = time.time(), None
    try:
        if unsigned and not buckets:
            yield Verdict("--", "endpoint", f"{url} is not asked: no bucket is named")
            return False
        answer = client.list_buckets() if not unsigned else client.list_objects_v2(Bucket=_name(buckets[0]), MaxKeys=1)
    except ClientError as err:
        answer, failed = err.response, err
    except (BotoCoreError, PiiscanError) as err:
        text = f"{url} cannot be reached ({type(err).__name__}): see --endpoint-url, proxies, DNS"
        yield Verdict("BAD" if buckets else "--", "endpoint", text)
        return False
    yield Verdict("ok", "endpoint", f"{url} answers")
    yield _clock(answer, before)
    code = error_code(failed) if failed is not None else ""
    if code == "RequestTimeTooSkewed":
        return False
    if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId"):
        yield Verdict("BAD", "credentials", f"the store refuses them ({code}): renew them or choose a --profile")
        return False
    if not unsigned:
        yield _right(
            "s3:ListAllMyBuckets", failed, "buckets are listed", needed=False, why="only for s3://* and patterns"
        )
    return True


def _clock(answer: dict[str, Any], before: float) -> Verdict:
    after = time.time()
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        theirs = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return Verdict("--", "clock", "the store does not tell its time")
    off = (before + after) / 2 - theirs.replace(tzinfo=theirs.tzinfo or UTC).timestamp()
    slack = (after - before) / 2 + 1.0  # a Date has whole seconds
    off = 0.0 if abs(off) <= slack else off
    if abs(off) <= FINE_SKEW:
        return Verdict("ok", "clock", "agrees with the store's within a minute")
    said = f"{abs(off):,.0f} s {'ahead of' if off > 0 else 'behind'} the store's"
    if abs(off) < SKEW:
        return Verdict("--", "clock", f"{said}: set it, S3 refuses requests that are more than 15 minutes off")
    return Verdict(
        "BAD", "clock", f"{said}: set it, S3 refuses what is more than 15 minutes off (RequestTimeTooSkewed)"
    )


def _right(action: str, failed: ClientError | None, good: str, *, needed: bool = True, why: str = "") -> Verdict:
    if failed is None:
        return Verdict("ok", action, good)
    code = error_code(failed)
    if code in DENIED:
        if needed:
            return Verdict("BAD", action, "not allowed: see deploy/iam-policy.json, and the policy of the bucket")
        return Verdict("--", action, f"not allowed; needed {why}")
    return Verdict("BAD" if needed else "--", action, f"failed ({code})")


def _name(bucket: str) -> str:
    return bucket.partition("/")[0]


def _bucket(client: Any, bucket: str, config: AwsConfig) -> Iterator[Verdict]:
    """The rights on one bucket, or on a prefix of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    name, _, prefix = bucket.partition("/")
    more = {"RequestPayer": "requester"} if config.request_payer else {}
    try:
        listed = client.list_objects_v2(Bucket=name, Prefix=prefix, **more)
    except ClientError as err:
        yield _not_listed(name, err)
        return
    except (BotoCoreError, PiiscanError) as err:
        yield Verdict("BAD", "s3:ListBucket", f"{name}: cannot be reached ({type(err).__name__})")
        return
    entries = listed.get("Contents", [])
    yield Verdict("ok", "s3:ListBucket", f"{name}: listed, {'objects are there' if entries else 'nothing is there'}")
    if not config.no_sign_request:
        yield _tags(client, name)
    readable = [entry["Key"] for entry in entries if entry["Size"] and entry.get("StorageClass") not in ARCHIVED]
    if not readable:
        yield Verdict("--", "s3:GetObject", f"{name}: not tried, no object with content was listed")
        return
    last = len(readable) - 1
    yield from _objects(client, name, [readable[at] for at in sorted({0, last // 2, last})[:TRIED]], more)


def _not_listed(name: str, err: ClientError) -> Verdict:
    code = error_code(err)
    if code in ("NoSuchBucket", "404"):
        return Verdict("BAD", "s3:ListBucket", f"{name}: no such bucket")
    if code in ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"):
        there = err.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region", "another")
        return Verdict("BAD", "s3:ListBucket", f"{name}: the bucket is in region {there}: pass --region")
    found = _right("s3:ListBucket", err, "")
    return Verdict(found.state, found.name, f"{name}: {found.text}")


def _tags(client: Any, name: str) -> Verdict:
    from botocore.exceptions import BotoCoreError, ClientError

    failed = None
    try:
        client.get_bucket_tagging(Bucket=name)
    except ClientError as err:
        failed = err if error_code(err) != "NoSuchTagSet" else None
    except BotoCoreError as err:
        return Verdict("--", "s3:GetBucketTagging", f"{name}: not answered ({type(err).__name__})")
    found = _right("s3:GetBucketTagging", failed, "tags are read", needed=False, why="only for --bucket-tag")
    return Verdict(found.state, found.name, f"{name}: {found.text}")


def _objects(client: Any, name: str, keys: Sequence[str], more: dict[str, str]) -> Iterator[Verdict]:
    """One byte of each of some objects; keys are not told."""
    from botocore.exceptions import BotoCoreError, ClientError

    read = encrypted = 0
    for key in keys:
        try:
            answer = client.get_object(Bucket=name, Key=key, Range="bytes=0-0", **more)
            answer["Body"].close()
        except ClientError as err:
            if _of_kms(err):
                text = f"{name}: an object's key may not be used: allow kms:Decrypt, also in the policy of the key"
                yield Verdict("BAD", "kms:Decrypt", text)
                return
            if error_code(err) in DENIED:
                yield Verdict(
                    "BAD", "s3:GetObject", f"{name}: not allowed: see deploy/iam-policy.json, and the bucket's"
                )
                return
            yield Verdict("--", "s3:GetObject", f"{name}: an object could not be read ({error_code(err)})")
            continue
        except (BotoCoreError, PiiscanError) as err:
            yield Verdict("--", "s3:GetObject", f"{name}: an object could not be read ({type(err).__name__})")
            continue
        read += 1
        encrypted += str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    if read:
        yield Verdict("ok", "s3:GetObject", f"{name}: one byte of {read} object{'s' if read > 1 else ''} was read")
        if encrypted:
            yield Verdict("ok", "kms:Decrypt", f"{name}: an object that is encrypted with KMS was read")
        else:
            yield Verdict("--", "kms:Decrypt", f"{name}: not needed for what was tried")


def _of_kms(err: ClientError) -> bool:
    error = err.response.get("Error", {})
    return str(error.get("Code", "")).startswith("KMS") or "kms:" in str(error.get("Message", "")).lower()
