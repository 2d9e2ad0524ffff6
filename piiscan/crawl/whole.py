"""Small objects whole, by obstore: a tenth of the work that boto3 has with one.

obstore tells neither the checksums that S3 keeps nor why it failed, refuses keys that are no tidy paths, and wants
every answer in order. So what it gives counts only when it is sure: the size as listed, and an MD5 that is the ETag.
For all else the answer is None, and boto3 reads the object. Source: Amazon S3 User Guide, "Checking object integrity":
the ETag is the MD5 of what was put in one part, unless it is encrypted with KMS or a key of the customer.
"""

from __future__ import annotations

import hashlib
import logging
import re
from datetime import timedelta
from typing import Any

from piiscan.aws import CONNECT_SECONDS, READ_SECONDS, aws_session
from piiscan.config import AwsConfig
from piiscan.model import ObjectRef

log = logging.getLogger(__name__)

LARGEST = 1 << 20
"""Bytes of an object that is read whole; of larger ones boto3's share of the work is small."""
PATIENCE = 5
"""Requests in a row that end in an error that is not the object's own, before boto3 reads all that is left."""

_MD5 = re.compile(r"[0-9a-f]{32}")
_TIDY = re.compile(r"(?!\.{1,2}(?:/|\Z))[^/\x00-\x1f\x7f]+(?:/(?!\.{1,2}(?:/|\Z))[^/\x00-\x1f\x7f]+)*")
"""Keys that obstore takes as they are."""
_AWS = re.compile(r"https://s3(?:\.[a-z0-9-]+)?\.amazonaws\.com")
_ENCRYPTED = frozenset({"aws:kms", "aws:kms:dsse"})


def installed() -> bool:
    """Whether the extra `fast` is there."""
    from importlib.util import find_spec

    return find_spec("obstore") is not None


def reaches(bucket: str) -> bool:
    """Whether obstore can name a bucket: access points and their aliases have hosts of their own.

    >>> reaches("logs"), reaches("arn:aws:s3:eu-west-1:123456789012:accesspoint/audit"), reaches("audit-x1-s3alias")
    (True, False, False)
    """
    return not bucket.startswith("arn:") and not bucket.endswith(("-s3alias", "--ol-s3"))


def where(client: Any, bucket: str) -> tuple[str, str]:
    """Endpoint and region of a bucket: the client's, but on AWS itself those that the bucket is in.

    boto3 follows a bucket to its region by redirects, which obstore takes for errors.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    endpoint, region = str(client.meta.endpoint_url), str(client.meta.region_name)
    if _AWS.fullmatch(endpoint) is not None:
        try:
            region = client.head_bucket(Bucket=bucket).get("BucketRegion") or region
        except (BotoCoreError, ClientError):
            log.debug("event=no_region bucket=%s", bucket)  # not allowed: then the client's must do
        endpoint = f"https://s3.{region}.amazonaws.com"
    return endpoint, region


class WholeReader:
    """Reads small objects of one bucket; may be called from several threads."""

    def __init__(self, bucket: str, config: AwsConfig, client: Any) -> None:
        """`client` is the boto3 client of the same bucket, which says where it is."""
        from obstore.auth.boto3 import Boto3CredentialProvider
        from obstore.store import S3Store

        self._bucket, self._client = bucket, client
        self._payer = {"RequestPayer": "requester"} if config.request_payer else {}
        self._failed = 0
        self.busy = 0
        """How often the store, or the network, could not answer."""
        self._sure = True
        """Whether ETags of this bucket have been MD5s so far."""
        endpoint, region = where(client, bucket)
        more: dict[str, Any] = {"skip_signature": True}
        if not config.no_sign_request:
            session = aws_session(config)
            if session.get_credentials() is None:
                self._sure = False  # boto3 says what is missing
                return
            more = {"credential_provider": Boto3CredentialProvider(session)}
        self._store = S3Store(
            bucket,
            endpoint=endpoint,
            region=region,
            virtual_hosted_style_request=False,
            request_payer=config.request_payer,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "read_timeout": timedelta(seconds=READ_SECONDS),
            },
            retry_config={"max_retries": 0},  # boto3 tries again, and slows down when it must
            **more,
        )

    def takes(self, ref: ObjectRef) -> bool:
        """Whether an object is one that this reader may try."""
        return (
            self._sure
            and self._failed < PATIENCE
            and 0 < ref.size <= LARGEST
            and not ref.version
            and _MD5.fullmatch(ref.etag) is not None
            and _TIDY.fullmatch(ref.key) is not None
        )

    def read(self, ref: ObjectRef) -> bytes | None:
        """The object's bytes, verified; None when boto3 must read it."""
        if not self.takes(ref):
            return None
        import obstore
        from obstore.exceptions import BaseError

        try:
            answer = obstore.get(self._store, ref.key, options={"if_match": f'"{ref.etag}"'})
            data = bytes(answer.bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError, ValueError) as err:
            self._count(err)
            return None
        if len(data) == ref.size and hashlib.md5(data, usedforsecurity=False).hexdigest() == ref.etag:
            self._failed = 0
            return data
        if len(data) == ref.size and self._etag_is_no_sum(ref):
            self._sure = False
            log.info("event=etags_are_no_checksums bucket=%s", self._bucket)
        return None

    def _count(self, err: Exception) -> None:
        """Errors of one object or one moment are boto3's to name; one that comes each time is obstore's own."""
        from obstore.exceptions import PermissionDeniedError, PreconditionError

        if isinstance(err, PermissionDeniedError | PreconditionError) or _OTHER_KEY in str(err):
            return
        if _MOMENTARY.search(str(err)):
            self.busy += 1
            return
        self._failed += 1
        if self._failed == PATIENCE:
            log.warning("event=obstore_given_up bucket=%s error=%s", self._bucket, type(err).__name__)

    def _etag_is_no_sum(self, ref: ObjectRef) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            head = self._client.head_object(Bucket=self._bucket, Key=ref.key, **self._payer)
        except (BotoCoreError, ClientError):
            return False
        return head.get("ServerSideEncryption") in _ENCRYPTED or bool(head.get("SSECustomerAlgorithm"))


_OTHER_KEY = "<Code>InvalidRequest</Code>"
"""What a store says of an object that is encrypted with a key of the customer."""
_MOMENTARY = re.compile(r"\b(?:429|500|502|503|504)\b|SlowDown|timed? ?out|connection|decoding|body", re.I)
"""What a store says when it is busy, and a network when it breaks."""
