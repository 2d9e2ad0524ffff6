"""An S3 bucket, or a prefix of it, as a source."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, BinaryIO, cast

from piiscan.aws import error_code, s3_client, source_error
from piiscan.config import AwsConfig
from piiscan.crawl.ahead import Ahead
from piiscan.crawl.inventory import entries, read_manifest
from piiscan.crawl.lister import Lister
from piiscan.crawl.listing import read_quickly
from piiscan.crawl.pace import Pace
from piiscan.crawl.whole import LARGEST, WholeReader, installed
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

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects cannot be read without a restore, which costs money and is not ours to start."""

BUFFER = 1 << 20
FREE = Pace(0.0)


class S3Source:
    """Objects of a bucket by ListObjectsV2 and GetObject; nothing is ever written."""

    def __init__(
        self, name: str, prefix: str, config: AwsConfig, client: Any = None, paces: tuple[Pace, Pace] = (FREE, FREE)
    ) -> None:
        """`paces` are those of requests and of bytes. Raises: ConfigError when a reader is wanted that is not there."""
        self.name = name
        self._bucket = name.removeprefix("s3://")
        self._prefix = prefix
        self._config = config
        self._made = client
        self._requests, self._bytes = paces
        self.as_of: datetime | None = None
        """When the bucket was as `crawl` says, where that is not now; known once it has begun."""
        if config.reader == "obstore" and not installed():
            raise ConfigError("the reader obstore is not installed; in the clone: pip install '.[fast]'")
        self._ahead: Ahead | None = None

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = s3_client(self._config)
            read_quickly(self._made)
            self._made.meta.events.register("before-send.s3", lambda **_: self._requests())
        return self._made

    @cached_property
    def _fast(self) -> WholeReader | None:
        """What reads small objects, where it is wanted and installed."""
        if self._config.reader == "boto3" or not installed():
            return None
        return WholeReader(self._bucket, self._config, self._client)

    def _payer(self) -> dict[str, str]:
        return {"RequestPayer": "requester"} if self._config.request_payer else {}

    def crawl(self) -> Iterator[ObjectRef]:
        """All objects below the prefix, in the order of their keys or of an inventory. Raises: SourceError."""
        from botocore.exceptions import BotoCoreError, ClientError

        if self._config.inventory:
            config = self._config
            manifest = read_manifest(self._client, config.inventory, self._bucket, config.max_inventory_age)
            self.as_of = manifest.made
            yield from map(self._ref, entries(self._client, manifest, self._prefix))
            return
        ask = partial(self._client.list_objects_v2, Bucket=self._bucket, **self._payer())
        try:
            yield from map(self._ref, Lister(ask).entries(self._prefix))
        except (ClientError, BotoCoreError) as err:
            raise source_error(self._bucket, err) from None

    def _ref(self, entry: dict[str, Any]) -> ObjectRef:
        storage = entry.get("StorageClass", "STANDARD")
        denied = ""
        if storage in ARCHIVED:
            denied = f"INVALID_OBJECT_STATE: archived in storage class {storage}; restore it to have it read"
        return ObjectRef(
            self.name, entry["Key"], entry["Size"], entry.get("ETag", "").strip('"'), entry["LastModified"], "", denied
        )

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """The object as it is now. Raises: ObjectError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            head = self._client.head_object(Bucket=self._bucket, Key=ref.key, **self._payer())
        except ClientError as err:
            raise self._object_error(err) from None
        except BotoCoreError as err:
            raise ReadFailed(f"could not be looked up ({type(err).__name__})") from None
        return replace(
            ref, size=head["ContentLength"], etag=head.get("ETag", "").strip('"'), modified=head["LastModified"]
        )

    def expect(self, refs: Sequence[ObjectRef]) -> None:
        """These objects will be opened next, in this order: small ones are fetched ahead."""
        small = [ref for ref in refs if not ref.denied and 0 < ref.size <= LARGEST]
        if self._ahead is None and len(small) > 1 and (self._fast is not None or self._client is not None):
            self._ahead = Ahead(self._fetch)  # client and reader are made before threads ask for them
        if self._ahead is not None:
            self._ahead.expect(small)

    def _fetch(self, ref: ObjectRef) -> tuple[bytes | None, bool]:
        """A small object's bytes, or None when it cannot be read whole; and whether the store is busy."""
        fast = self._fast
        busy = fast.busy if fast is not None else 0
        data = self._read_whole(ref)
        if data is not None:
            return data, False
        retried: list[int] = []
        try:
            with closing(self._stream(ref, retried.append)) as stream:
                data = stream.read()
        except ReadFailed:
            data = None  # what was read until then is not lost when it is opened
        return data, any(retried) or (fast is not None and fast.busy > busy)

    def open(self, ref: ObjectRef) -> BinaryIO:
        """The object's bytes, bound to the ETag that was listed. Raises: ObjectError."""
        data = self._ahead.take(ref) if self._ahead is not None else None
        if data is None and self._ahead is None:
            data = self._read_whole(ref)
        return io.BytesIO(data) if data is not None else self._stream(ref)

    def _read_whole(self, ref: ObjectRef) -> bytes | None:
        """The object by the quick reader, where it is installed and takes it."""
        fast = self._fast
        if fast is None or not fast.takes(ref):
            return None
        self._requests()
        self._bytes(ref.size)
        return fast.read(ref)

    def _stream(self, ref: ObjectRef, retried: Callable[[int], None] = lambda times: None) -> BinaryIO:
        """The object by boto3; `retried` hears how often botocore had to ask again for each request."""

        def request(offset: int) -> Answer:
            from botocore.exceptions import ClientError

            wanted: dict[str, Any] = {
                "Bucket": self._bucket,
                "Key": ref.key,
                "ChecksumMode": "ENABLED",
                **self._payer(),
            }
            if ref.etag:
                wanted["IfMatch"] = f'"{ref.etag}"'
            if ref.version:
                wanted["VersionId"] = ref.version
            if offset:
                wanted["Range"] = f"bytes={offset}-"
            try:
                answer = self._client.get_object(**wanted)
            except ClientError as err:
                raise self._object_error(err) from None
            retried(answer["ResponseMetadata"].get("RetryAttempts", 0))
            body = answer["Body"]
            if offset and answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
                _skip(body, offset)  # a server that knows no ranges starts again from the first byte
            kept = {n: answer[f"Checksum{n}"] for n in ("CRC32", "SHA1", "SHA256") if answer.get(f"Checksum{n}")}
            if answer.get("ChecksumType") == "COMPOSITE":
                kept = {}
            return Answer(_Paced(body, self._bytes), kept)

        raw = ResumingStream(request, ref.size)
        return cast(BinaryIO, io.BufferedReader(raw, BUFFER))

    def _object_error(self, err: Any) -> ObjectError:
        """A refused request as the outcome of its object."""
        code = error_code(err)
        if code in ("NoSuchKey", "404", "NoSuchVersion"):
            return ObjectGone("gone since it was listed")
        if code in ("PreconditionFailed", "412"):
            return ObjectChanged("overwritten since it was listed")
        if code == "InvalidObjectState":
            return NotRead("archived; restore it to have it read")
        if code.startswith("KMS."):
            return AccessDenied(f"its KMS key cannot be used ({code})", reason="INVALID_KMS_KEY")
        if code in ("AccessDenied", "403", "AllAccessDisabled"):
            return AccessDenied("these credentials may not read it (s3:GetObject, or its KMS key)")
        if code in ("InvalidRequest", "400") and "encrypt" in str(err).lower():
            return Encrypted("encrypted with a key of the customer (SSE-C)")
        return ReadFailed(f"the request failed ({code})")


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
