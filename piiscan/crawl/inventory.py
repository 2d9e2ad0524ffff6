"""S3 Inventory: the objects of a bucket as AWS has listed them, out of the files that a manifest names.

CSV, Parquet and ORC. Current versions, or all where the inventory has them. What an inventory cannot know (an object
that was deleted or overwritten since) is found out when the object is read. Source: Amazon S3 User Guide, "Locating
your inventory list" (layout of the manifest, names of the columns; keys are URL-encoded in CSV alone).
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from piiscan.crawl.pages import Page
from piiscan.errors import SourceError

_NAMES = {
    "key": "Key", "size": "Size", "last_modified_date": "LastModified", "e_tag": "ETag",
    "storage_class": "StorageClass", "is_latest": "IsLatest", "is_delete_marker": "deleted", "version_id": "VersionId",
    "intelligent_tiering_access_tier": "tier",
}  # fmt: skip
"""Columns of Parquet and ORC, and what an entry calls them."""
_CSV_NAMES = {
    "Key": "Key", "Size": "Size", "LastModifiedDate": "LastModified", "ETag": "ETag", "StorageClass": "StorageClass",
    "IsLatest": "IsLatest", "IsDeleteMarker": "deleted", "IntelligentTieringAccessTier": "tier",
    "VersionId": "VersionId",
}  # fmt: skip
_FORMATS = ("CSV", "Parquet", "ORC")
_ROWS = 1 << 16
_CHUNK = 1 << 20
_NO_ONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an inventory is made of."""

    url: str
    bucket: str
    """The bucket that was listed."""
    where: str
    """The bucket that the files are in."""
    made: datetime
    kind: str
    columns: tuple[str, ...]
    """Names of the columns of a CSV file."""
    files: tuple[tuple[str, str], ...]
    """Key and MD5 of each file."""


def read_manifest(client: Any, url: str, bucket: str, oldest: float, payer: Mapping[str, str] = _NO_ONE) -> Manifest:
    """The manifest at `s3://bucket/.../manifest.json`; `payer`: parameters of each request.

    Raises: SourceError when it cannot be read, is of another bucket, or is older than `oldest` seconds (0: any age).
    """
    where, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not key:
        raise SourceError(f"{url}: an inventory is named by its manifest, s3://bucket/.../manifest.json")
    try:
        told = json.loads(_get(client, where, key, url, payer).read())
        found = Manifest(
            url,
            str(told["sourceBucket"]),
            str(told["destinationBucket"]).removeprefix("arn:aws:s3:::") or where,
            datetime.fromtimestamp(int(told["creationTimestamp"]) / 1000, UTC),
            str(told["fileFormat"]),
            tuple(name.strip() for name in str(told.get("fileSchema", "")).split(",")),
            tuple((str(file["key"]), str(file["MD5checksum"])) for file in told["files"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(f"{url}: not a manifest of S3 Inventory") from None
    if found.kind not in _FORMATS:
        raise SourceError(f"{url}: an inventory in the format {found.kind!r} is not read")
    if found.bucket != bucket:
        raise SourceError(f"{url}: an inventory of the bucket {found.bucket}, not of {bucket}")
    age = time.time() - found.made.timestamp()
    if oldest and age > oldest:
        raise SourceError(f"{url}: the inventory is {age / 86_400:.1f} days old, more than --max-inventory-age allows")
    return found


def pages(
    client: Any, manifest: Manifest, prefix: str, *, versions: bool = False, payer: Mapping[str, str] = _NO_ONE
) -> Iterator[Page]:
    """The objects below a prefix, file by file in the order of the manifest; with `versions` not the current ones only.

    `payer`: parameters of each request. Raises: SourceError, also for `versions` that the inventory does not have.
    """
    for key, md5 in manifest.files:
        with tempfile.TemporaryFile() as copy:
            _fetch(client, manifest, key, md5, copy, payer)
            try:
                for columns in _read(manifest, copy):
                    if versions and "VersionId" not in columns:
                        raise SourceError(
                            f"{manifest.url}: an inventory of current versions only, so not for --versions"
                        )
                    yield Page(columns, prefix, encoded=manifest.kind == "CSV", versions=versions)
            except (ValueError, KeyError, OSError) as err:  # pyarrow's errors are ValueErrors and OSErrors
                raise SourceError(f"{manifest.url}: the file {key} cannot be read ({type(err).__name__})") from None


def _get(client: Any, bucket: str, key: str, url: str, payer: Mapping[str, str]) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    from piiscan.aws import error_code

    try:
        return client.get_object(Bucket=bucket, Key=key, **payer)["Body"]
    except ClientError as err:
        raise SourceError(f"{url}: s3://{bucket}/{key} cannot be read ({error_code(err)})") from None
    except BotoCoreError as err:
        raise SourceError(f"{url}: s3://{bucket}/{key} cannot be read ({type(err).__name__})") from None


def _fetch(client: Any, manifest: Manifest, key: str, md5: str, copy: IO[bytes], payer: Mapping[str, str]) -> None:
    """A file of an inventory, checked against its sum."""
    body = _get(client, manifest.where, key, manifest.url, payer)
    sum_ = hashlib.md5(usedforsecurity=False)
    try:
        while chunk := body.read(_CHUNK):
            sum_.update(chunk)
            copy.write(chunk)
    except Exception as err:  # urllib3's and botocore's many names for a lost connection
        raise SourceError(f"{manifest.url}: reading {key} broke off ({type(err).__name__})") from None
    if sum_.hexdigest() != md5:
        raise SourceError(f"{manifest.url}: the file {key} is not the one that the manifest names (MD5)")
    copy.seek(0)


def _read(manifest: Manifest, copy: IO[bytes]) -> Iterator[dict[str, Any]]:
    """The columns that matter, some rows at a time, by our names: Arrow arrays."""
    import pyarrow as pa

    if manifest.kind == "Parquet":
        import pyarrow.parquet as pq

        file = pq.ParquetFile(copy)
        wanted = [name for name in file.schema_arrow.names if name in _NAMES]
        for batch in file.iter_batches(_ROWS, columns=wanted):
            yield {_NAMES[name]: batch.column(name) for name in wanted}
    elif manifest.kind == "ORC":
        from pyarrow import orc

        stripes = orc.ORCFile(copy)
        wanted = [name for name in stripes.schema.names if name in _NAMES]
        for number in range(stripes.nstripes):
            batch = stripes.read_stripe(number, columns=wanted)
            yield {_NAMES[name]: batch.column(name) for name in wanted}
    else:
        from pyarrow import csv

        names = list(manifest.columns)
        wanted = [name for name in names if name in _CSV_NAMES]
        rows = csv.open_csv(
            pa.input_stream(copy, compression="gzip"),
            read_options=csv.ReadOptions(column_names=names, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                include_columns=wanted, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        for batch in rows:
            yield {_CSV_NAMES[name]: batch.column(name) for name in wanted}
