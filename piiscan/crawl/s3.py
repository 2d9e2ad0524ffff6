"""An S3 bucket, or a prefix of it, as a source."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from functools import cached_property, partial
from typing import Any, BinaryIO

from piiscan.aws import s3_client, source_error
from piiscan.config import AwsConfig
from piiscan.crawl import versions
from piiscan.crawl.ahead import Ahead
from piiscan.crawl.inventory import pages, read_manifest
from piiscan.crawl.lister import Lister
from piiscan.crawl.listing import read_quickly
from piiscan.crawl.pace import Pace
from piiscan.crawl.pages import Listed, Page
from piiscan.crawl.ranged import RangedObject
from piiscan.crawl.s3_objects import ObjectReader
from piiscan.crawl.whole import LARGEST, WholeReader, installed, reaches
from piiscan.errors import ConfigError, ObjectError, ReadFailed
from piiscan.model import ObjectRef

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects cannot be read without a restore, which costs money and is not ours to start."""

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
    def _reader(self) -> ObjectReader:
        return ObjectReader(self._bucket, self._config, self._client, self._bytes)

    @cached_property
    def _fast(self) -> WholeReader | None:
        """What reads small objects, where it is wanted and installed."""
        if self._config.reader == "boto3" or not installed() or not reaches(self._bucket):
            return None
        return WholeReader(self._bucket, self._config, self._client)

    def _payer(self) -> dict[str, str]:
        return {"RequestPayer": "requester"} if self._config.request_payer else {}

    def crawl(self) -> Iterator[ObjectRef]:
        """All objects below the prefix, in the order of their keys or of an inventory. Raises: SourceError."""
        from botocore.exceptions import BotoCoreError, ClientError

        assert self._reader is not None  # what is wrong with a key of the customer is said before anything is asked
        if self._config.inventory:
            for page in self._inventory():
                yield from map(self._ref, page.entries())
            return
        try:
            yield from map(self._ref, self._listed())
        except (ClientError, BotoCoreError) as err:
            raise source_error(self._bucket, err) from None

    def pages(self) -> Iterator[Listed] | None:
        """The same by column, where the listing comes so and is of current versions; else None. Raises: SourceError."""
        if not self._config.inventory or self._config.versions:
            return None
        return (Listed(self.name, page, page.stored_in(ARCHIVED), self._ref) for page in self._inventory())

    def _inventory(self) -> Iterator[Page]:
        """What the inventory has. Raises: SourceError."""
        assert self._reader is not None
        config, payer = self._config, self._payer()
        manifest = read_manifest(self._client, config.inventory, self._bucket, config.max_inventory_age, payer)
        self.as_of = manifest.made
        yield from pages(self._client, manifest, self._prefix, versions=config.versions, payer=payer)

    def _listed(self) -> Iterator[dict[str, Any]]:
        if self._config.versions:
            return versions.entries(self._client, self._bucket, self._prefix, self._payer())
        return Lister(partial(self._client.list_objects_v2, Bucket=self._bucket, **self._payer())).entries(self._prefix)

    def _ref(self, entry: dict[str, Any]) -> ObjectRef:
        storage = entry.get("StorageClass", "STANDARD")
        denied = ""
        if storage in ARCHIVED:
            denied = f"INVALID_OBJECT_STATE: archived in storage class {storage}; restore it to have it read"
        etag = entry.get("ETag", "").strip('"')
        ref = ObjectRef(
            self.name, entry["Key"], entry["Size"], etag, entry["LastModified"], "", denied, storage=storage
        )
        return versions.versioned(ref, entry) if self._config.versions else ref

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """The object as it is now. Raises: ObjectError."""
        version = versions.named(ref)
        if version is not None:
            with suppress(ObjectError):
                return self._reader.refresh(version)
        return self._reader.refresh(ref)

    def part(self, ref: ObjectRef, begin: int, end: int) -> BinaryIO:
        """The bytes `[begin, end)` of an object. Raises: ObjectError."""
        return self._reader.part(ref, begin, min(end, ref.size))

    def ranged(self, ref: ObjectRef, scratch: str) -> RangedObject | None:
        """A large object as a stream that fetches what is read of it; None: it is to be opened. Raises: ObjectError."""
        return self._reader.ranged(ref, scratch) if self._reader.in_ranges(ref) else None

    def expect(self, refs: Sequence[ObjectRef]) -> None:
        """These objects will be opened next, in this order: small ones are fetched ahead."""
        small = [r for r in refs if not r.denied and 0 < r.size <= LARGEST and not self._reader.in_ranges(r)]
        if self._ahead is None and len(small) > 1 and (self._fast is not None or self._reader is not None):
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
            with closing(self._reader.stream(ref, retried.append)) as stream:
                data = stream.read()
        except ReadFailed:
            data = None  # what was read until then is not lost when it is opened
        return data, any(retried) or (fast is not None and fast.busy > busy)

    def open(self, ref: ObjectRef) -> BinaryIO:
        """The object's bytes, bound to the ETag that was listed. Raises: ObjectError."""
        data = self._ahead.take(ref) if self._ahead is not None else None
        if data is None and self._ahead is None:
            data = self._read_whole(ref)
        return io.BytesIO(data) if data is not None else self._reader.stream(ref)

    def _read_whole(self, ref: ObjectRef) -> bytes | None:
        """The object by the quick reader, where it is installed and takes it."""
        fast = self._fast
        if fast is None or self._reader.keyed or not fast.takes(ref):
            return None
        self._requests()
        self._bytes(ref.size)
        return fast.read(ref)
