"""One object of a bucket by boto3: as it is now, its bytes from first to last, or in the ranges that are wanted."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, cast

from piiscan.aws import ROLE_REFUSED, error_code, not_assumed
from piiscan.config import AwsConfig
from piiscan.crawl.pace import Pace
from piiscan.crawl.ranged import RangedObject
from piiscan.errors import (
    AccessDenied,
    ConfigError,
    Encrypted,
    NotRead,
    ObjectChanged,
    ObjectError,
    ObjectGone,
    ReadFailed,
)
from piiscan.fetch import Answer, ResumingStream
from piiscan.model import ObjectRef
from piiscan.references import customer_key as read_customer_key

BUFFER = 1 << 20
_SUMS = ("CRC32", "SHA1", "SHA256")
_SEQUENTIAL = (".txt", ".csv", ".tsv", ".tab", ".log", ".jsonl", ".ndjson", ".md")
"""Ends of keys of what is most likely text, which is read from first to last."""


class ObjectReader:
    """Reads the objects of one bucket; may be called from several threads."""

    def __init__(self, bucket: str, config: AwsConfig, client: Any, pace: Pace) -> None:
        """`pace` is that of bytes. Raises: ConfigError for a key of the customer that cannot be read or sent."""
        self._bucket, self._config, self._client, self._pace = bucket, config, client, pace
        self._key = customer_key(config, str(client.meta.endpoint_url))
        self.keyed = False
        """Whether the last object was one of the customer's key: most likely the next one is, too."""

    def wanted(self, ref: ObjectRef) -> dict[str, Any]:
        """The parameters of every request for an object."""
        named: dict[str, Any] = {"Bucket": self._bucket, "Key": ref.name}
        if ref.version:
            named["VersionId"] = ref.version
        if self._config.request_payer:
            named["RequestPayer"] = "requester"
        return named

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """The object as it is now. Raises: ObjectError."""
        head = self._asked("head_object", self.wanted(ref))
        return replace(
            ref, size=head["ContentLength"], etag=head.get("ETag", "").strip('"'), modified=head["LastModified"]
        )

    def stream(self, ref: ObjectRef, retried: Callable[[int], None] = lambda times: None) -> BinaryIO:
        """The whole object; `retried` hears how often botocore had to ask again for each request."""

        def request(offset: int) -> Answer:
            answer = self._get(ref, f"bytes={offset}-" if offset else "")
            retried(answer["ResponseMetadata"].get("RetryAttempts", 0))
            return Answer(self._body(answer, offset), _kept(answer))

        return cast(BinaryIO, io.BufferedReader(ResumingStream(request, ref.size), BUFFER))

    def part(self, ref: ObjectRef, begin: int, end: int) -> BinaryIO:
        """The bytes `[begin, end)` of an object."""

        def request(offset: int) -> Answer:
            answer = self._get(ref, f"bytes={offset}-{end - 1}")
            return Answer(self._body(answer, offset), {})

        return cast(BinaryIO, io.BufferedReader(ResumingStream(request, end, begin=begin), BUFFER))

    def in_ranges(self, ref: ObjectRef) -> bool:
        """Whether an object is large enough for ranges and is not most likely text; without an ETag they might differ.

        What `ranged` gives may hold text all the same.
        """
        least = self._config.ranged_from
        return bool(least and ref.size > least and ref.etag and not ref.name.lower().endswith(_SEQUENTIAL))

    def ranged(self, ref: ObjectRef, scratch: str) -> RangedObject:
        """The object in ranges; `scratch` is where its temporary file goes."""

        def request(begin: int, end: int) -> Answer:
            answer = self._get(ref, f"bytes={begin}-{end - 1}")
            whole = answer["ResponseMetadata"]["HTTPStatusCode"] != 206
            if not whole and not str(answer.get("ContentRange", "")).startswith(f"bytes {begin}-"):
                answer["Body"].close()
                raise ReadFailed("the store answered with another range than was asked for")
            return Answer(self._body(answer, begin), {}, whole)

        return RangedObject(request, ref.size, partial(self._sums, ref), scratch)

    def _sums(self, ref: ObjectRef) -> Mapping[str, str]:
        """The checksums of an object, none when they cannot be had: answers to ranges do not tell them."""
        try:
            return _kept(self._asked("head_object", {**self.wanted(ref), "ChecksumMode": "ENABLED"}))
        except ObjectError:
            return {}

    def _get(self, ref: ObjectRef, part: str) -> dict[str, Any]:
        wanted = {**self.wanted(ref), "ChecksumMode": "ENABLED"}
        if ref.etag:
            wanted["IfMatch"] = f'"{ref.etag}"'
        if part:
            wanted["Range"] = part
        return self._asked("get_object", wanted, lasting=True)

    def _asked(self, operation: str, wanted: dict[str, Any], *, lasting: bool = False) -> dict[str, Any]:
        """The answer to a request. Raises: ObjectError; with `lasting` botocore's own for a lost connection."""
        from botocore.exceptions import BotoCoreError, ClientError

        refused: list[ObjectError] = []
        # Listings do not tell whose key an object is encrypted with: without it where it is needed, and with it where
        # it is not, the store answers 400.
        for keyed in (self.keyed, not self.keyed) if self._key else (False,):
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(**wanted, **(self._key if keyed else {}))
            except ClientError as err:
                refused.append(object_error(err, keyed=keyed))
                if err.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 400:
                    break
                continue
            except BotoCoreError as err:
                if lasting:
                    raise
                raise ReadFailed(f"could not be looked up ({type(err).__name__})") from None
            self.keyed = keyed
            return answer
        raise refused[-1]

    def _body(self, answer: dict[str, Any], offset: int) -> _Paced:
        body = answer["Body"]
        if offset and answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
            _skip(body, offset)  # a server that knows no ranges starts again from the first byte
        return _Paced(body, self._pace)


def customer_key(config: AwsConfig, endpoint: str) -> dict[str, Any]:
    """The parameters that send the customer's key; none without one. botocore adds its digest.

    Raises: ConfigError when it cannot be read, or would go over a network in clear.
    """
    if not config.sse_c_key_file:
        return {}
    key = read_customer_key(config.sse_c_key_file, config)
    if not (endpoint.startswith("https://") or _LOOPBACK.match(endpoint)):
        raise ConfigError(f"{endpoint}: a key of the customer is sent over https only")
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}


_LOOPBACK = re.compile(r"http://(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:/|\Z)")


def object_error(err: Any, *, keyed: bool = False) -> ObjectError:
    """A refused request as the outcome of its object; `keyed`: the customer's key was sent."""
    code = error_code(err)
    if not_assumed(err):
        return AccessDenied(f"{ROLE_REFUSED} ({code})")
    if code in ("NoSuchKey", "404", "NoSuchVersion"):
        return ObjectGone("gone since it was listed")
    if code in ("PreconditionFailed", "412"):
        return ObjectChanged("overwritten since it was listed")
    if code == "InvalidObjectState":
        return NotRead("archived; restore it to have it read")
    if code.startswith("KMS."):
        return AccessDenied(f"its KMS key cannot be used ({code})", reason="INVALID_KMS_KEY")
    if code in ("AccessDenied", "403", "AllAccessDisabled"):
        more = ", or the customer's key is another one" if keyed else ""
        return AccessDenied(f"these credentials may not read it (s3:GetObject, or its KMS key{more})")
    if code in ("InvalidRequest", "400") and "encrypt" in str(err).lower():
        other = "another key" if keyed else "a key"
        return Encrypted(f"encrypted with {other} of the customer (--sse-c-key-file)", reason="CUSTOMER_KEY_NEEDED")
    return ReadFailed(f"the request failed ({code})")


def _kept(answer: Mapping[str, Any]) -> dict[str, str]:
    """The checksums of an object that an answer tells."""
    if answer.get("ChecksumType") == "COMPOSITE":
        return {}
    return {name: answer[f"Checksum{name}"] for name in _SUMS if answer.get(f"Checksum{name}")}


class _Paced:
    """A body that is read no faster than a pace."""

    def __init__(self, body: Any, pace: Pace) -> None:
        self._body, self._pace = body, pace
        self.close = body.close

    def read(self, size: int) -> bytes:
        """See `fetch.Body`."""
        data: bytes = self._body.read(size)
        self._pace(len(data))
        return data


def _skip(body: Any, count: int) -> None:
    while count > 0:
        data = body.read(min(count, BUFFER))
        if not data:
            return
        count -= len(data)
