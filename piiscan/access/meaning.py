"""What the fields of a record mean: what was asked for, who asked, and how it went, in the words of the store.

A record of CloudTrail and a line of an access log about the same request give the same answers, as far as both know.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from sys import intern
from urllib.parse import unquote_to_bytes

from piiscan.crawl import escape
from piiscan.passes.logs import Field, Records

ANONYMOUS = "anonymous"
LONGEST_TEXT = 2048
"""Characters of a text of a log that are kept: keys have at most 1,024 bytes, ARNs at most 2,048."""


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    DENIED = "denied"
    MISSING = "missing"
    FAILED = "failed"


class Verb(StrEnum):
    """What a request did."""

    READ = "read"
    """Content of an object went to whoever asked."""
    COPY = "copy"
    """Content of an object was copied to another one, this is the object that it came from."""
    LOOK = "look"
    """Only what is said about an object or a bucket was read."""
    LIST = "list"
    WRITE = "write"
    DELETE = "delete"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class What:
    """What was asked for."""

    source: str
    """`s3://bucket`."""
    key: str
    """Empty: the bucket itself, or objects that the record does not name."""
    owner: str
    """Account number of the bucket's owner; of an access log the canonical id; empty: not told."""
    ours: str
    """An account that is ours, since the log is: the recipient of the record, or the owner whose bucket logs."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who asked."""

    principal: str
    """ARN where there is one; of a role that is assumed, the role's."""
    kind: str
    """user, role, root, federated, service, account, anonymous, unknown."""
    account: str
    """Twelve digits, or a canonical id where only that is told; empty: none."""
    ip: str
    """Address, or the name of the AWS service that called; empty: not told."""


@dataclass(frozen=True, slots=True)
class How:
    """What was done, and how it ended."""

    action: str
    """Name of the operation in the S3 API."""
    verb: Verb
    outcome: Outcome
    error: str
    """The service's code, such as AccessDenied."""


def clean(raw: bytes, *, escaped: bool = False) -> str:
    """Bytes of a log as text: JSON's escapes undone, what is not UTF-8 as the scanner spells it."""
    text = raw.decode("utf-8", "surrogateescape")
    if escaped:
        with suppress(ValueError):  # as it stands
            text = json.loads(f'"{text}"', strict=False)
    return _storable(text)


def _storable(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", escape(text))
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


_SURROGATE = re.compile("[\ud800-\udfff]")


def _text(records: Records, row: int, field: Field) -> str:
    raw = records.raw(row, field)
    return clean(raw, escaped=records.escaped(row, field)) if raw else ""


def unquoted(raw: bytes) -> str:
    r"""A key as access logs write it, URL-encoded twice where it holds what is special to them.

    >>> [unquoted(key) for key in (b"a%2520b.txt", b"100%2525.txt", b"caf%25C3%25A9", b"x%25FF", b"50%")]
    ['a b.txt', '100%.txt', 'café', 'x\\xff', '50%']

    Source: Amazon S3 User Guide, "Amazon S3 server access log format", Key.
    """
    return clean(unquote_to_bytes(unquote_to_bytes(raw)))


def trail_what(records: Records, row: int) -> What:
    """What a record of CloudTrail is about; the resources say it where the parameters do not."""
    bucket, key = _text(records, row, Field.BUCKET), _text(records, row, Field.KEY)
    if not bucket:
        arn = _text(records, row, Field.OBJECT_ARN) or _text(records, row, Field.BUCKET_ARN)
        bucket, _, rest = arn.partition(":::")[2].partition("/")
        key = key or rest
    bucket = bucket.rpartition(":accesspoint/")[2]
    ours = _text(records, row, Field.RECIPIENT)
    owner = _text(records, row, Field.OWNER)
    return What(intern(f"s3://{bucket}"), key, intern(owner), intern(ours))


def copied(records: Records, row: int) -> What | None:
    """The object that a copy came from, where a record names it.

    Source: Amazon S3 API, CopyObject, x-amz-copy-source.
    """
    raw = unquote_to_bytes(_text(records, row, Field.COPY).encode("utf-8", "surrogateescape")).removeprefix(b"/")
    bucket, _, key = clean(raw.partition(b"?versionId=")[0]).partition("/")
    return What(f"s3://{bucket}", key, "", _text(records, row, Field.RECIPIENT)) if bucket and key else None


def line_what(records: Records, row: int) -> What:
    """What a line of an access log is about."""
    owner, source = intern(_text(records, row, Field.OWNER)), intern(f"s3://{_text(records, row, Field.BUCKET)}")
    return What(source, unquoted(records.raw(row, Field.KEY)), owner, owner)


_ROLE = re.compile(r"(arn:aws[a-z-]*):(?:iam|sts)::(\d{12}):(?:role|assumed-role)/(.+)", re.DOTALL)
_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(root|user|role|assumed-role|federated-user)\b")
_KINDS = {
    "root": "root", "user": "user", "role": "role", "assumed-role": "role", "federated-user": "federated",
}  # fmt: skip


def role_of(arn: str) -> str:
    """The ARN of a role, without path and session, which the two kinds of logs do not both tell.

    >>> role_of("arn:aws:sts::111122223333:assumed-role/etl/i-0abc"), role_of("arn:aws:iam::111122223333:role/app/etl")
    ('arn:aws:iam::111122223333:role/etl', 'arn:aws:iam::111122223333:role/etl')
    """
    found = _ROLE.fullmatch(arn)
    if found is None:
        return arn
    names = found[3].split("/")
    name = names[0] if ":assumed-role/" in arn else names[-1]
    return f"{found[1]}:iam::{found[2]}:role/{name}"


def by_arn(arn: str, ip: str, account: str = "") -> Who:
    """Who an ARN names.

    >>> by_arn("arn:aws:sts::111122223333:assumed-role/etl/i-0abc", "192.0.2.1").principal
    'arn:aws:iam::111122223333:role/etl'
    """
    found = _ARN.match(arn)
    kind = _KINDS[found[2]] if found is not None else "unknown"
    return Who(role_of(arn) if kind == "role" else arn, kind, account or (found[1] if found is not None else ""), ip)


def trail_who(records: Records, row: int) -> Who:
    """Who a record of CloudTrail is by. Source: AWS CloudTrail User Guide, "CloudTrail userIdentity element"."""
    kind, account = _text(records, row, Field.KIND), _text(records, row, Field.ACCOUNT)
    arn, name = _text(records, row, Field.ARN), _text(records, row, Field.PRINCIPAL)
    ip, user = _text(records, row, Field.IP), _text(records, row, Field.USER)
    if account.lower() == ANONYMOUS or name == "ANONYMOUS_PRINCIPAL":
        return Who(ANONYMOUS, ANONYMOUS, "", ip)
    if kind == "AWSService":
        return Who(_text(records, row, Field.INVOKED) or name or "an AWS service", "service", "", ip)
    if kind == "AssumedRole":
        issuer = _text(records, row, Field.ISSUER)
        return by_arn(issuer if ":role/" in issuer else arn or issuer or name, ip, account)
    if kind == "IdentityCenterUser":
        return Who(f"identity-center:{_text(records, row, Field.BEHALF) or name or user}", "user", account, ip)
    if kind in ("SAMLUser", "WebIdentityUser"):
        provider = _text(records, row, Field.PROVIDER)
        return Who(f"{provider or kind}:{user or name}", "federated", account, ip)
    if kind == "AWSAccount":
        return Who(arn or f"{account}:{name.partition(':')[0]}".rstrip(":"), "account", account, ip)
    if arn:
        return by_arn(arn, ip, account)
    if kind == "Root":
        return Who(f"arn:aws:iam::{account}:root", "root", account, ip)
    return Who(user or name or "unknown", "user" if kind == "IAMUser" else "unknown", account, ip)


_CANONICAL = re.compile(r"[0-9a-f]{64}")


def line_who(records: Records, row: int) -> Who:
    """Who a line of an access log is by. Source: as of `unquoted`, Requester."""
    requester, ip = _text(records, row, Field.ARN), _text(records, row, Field.IP)
    if not requester or requester.lower() == ANONYMOUS:
        return Who(ANONYMOUS, ANONYMOUS, "", ip)
    if requester.startswith("svc:") or requester == "AmazonS3":
        return Who(requester.removeprefix("svc:") if requester != "AmazonS3" else "s3.amazonaws.com", "service", "", ip)
    if _CANONICAL.fullmatch(requester):
        return Who(requester, "account", requester, ip)
    return by_arn(requester, ip)


_READ = {"GetObject", "SelectObjectContent", "GetObjectTorrent"}
_WRITE = {"RestoreObject", "CopyObject", "WriteGetObjectResponse"}
_VERBS = (
    ("Get", Verb.LOOK), ("Head", Verb.LOOK), ("List", Verb.LIST), ("Put", Verb.WRITE), ("Create", Verb.WRITE),
    ("Complete", Verb.WRITE), ("Upload", Verb.WRITE), ("Post", Verb.WRITE), ("Update", Verb.WRITE),
    ("Rename", Verb.WRITE),
)  # fmt: skip
COPY_SOURCE = "CopyObject (source)"


def verb_of(action: str) -> Verb:
    """What an operation does.

    >>> [verb_of(name).value for name in ("GetObject", "HeadObject", "UploadPart", "DeleteObjects")]
    ['read', 'look', 'write', 'delete']
    """
    if action in _READ:
        return Verb.READ
    if action == COPY_SOURCE:
        return Verb.COPY
    if action in _WRITE or action == "DeleteObjectTagging":
        return Verb.WRITE
    if action.startswith("DeleteObject"):
        return Verb.DELETE
    return next((verb for start, verb in _VERBS if action.startswith(start)), Verb.OTHER)


DENIED = frozenset({
    "AccessDenied", "AllAccessDisabled", "Forbidden", "403", "401", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "ExpiredToken", "InvalidToken", "InvalidSecurity", "AccountProblem", "UnauthorizedAccess", "NotSignedUp",
    "KMS.DisabledException", "InvalidObjectOwner", "UserSuspended",
})  # fmt: skip
MISSING = frozenset(
    {"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NoSuchUpload", "NotFound", "404", "NoSuchWebsiteConfiguration"}
)
"""Error codes. Source: Amazon S3 API Reference, "Error responses", list of error codes."""


def outcome_of(error: str, status: int = 0) -> Outcome:
    """How a request ended, by the error's code and the status of the answer (0: not told)."""
    code = error.removeprefix("Client.").removeprefix("Server.")
    if code in DENIED or status in (401, 403):
        return Outcome.DENIED
    if code in MISSING or status == 404:
        return Outcome.MISSING
    return Outcome.FAILED if code or status >= 400 else Outcome.OK


_DATA_SOURCES = frozenset({"s3.amazonaws.com", "s3express.amazonaws.com"})
_DATA_EVENTS = frozenset({
    "GetObject", "HeadObject", "PutObject", "DeleteObject", "DeleteObjects", "CopyObject", "ListObjects", "ListParts",
    "ListObjectsV2", "ListObjectVersions", "SelectObjectContent", "CreateMultipartUpload", "UploadPart",
    "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "ListMultipartUploads", "GetObjectAcl",
    "PutObjectAcl", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging", "RestoreObject", "GetObjectTorrent",
    "HeadBucket", "GetObjectAttributes", "PostObject",
})  # fmt: skip
"""Of records from before `managementEvent` was written. Source: AWS CloudTrail User Guide, "Logging data events"."""


def trail_how(records: Records, row: int) -> How | None:
    """What a record of CloudTrail tells of; None: it is no data event of S3."""
    category, management = _text(records, row, Field.CATEGORY), _text(records, row, Field.MANAGEMENT)
    action, error = _text(records, row, Field.EVENT), _text(records, row, Field.ERROR)
    if _text(records, row, Field.SOURCE) not in _DATA_SOURCES or not action:
        return None
    if category:
        data = category == "Data"
    else:
        data = management == "false" if management else action in _DATA_EVENTS
    return How(action, verb_of(action), outcome_of(error), error) if data else None


_OPERATIONS = {
    "GET.OBJECT": "GetObject", "HEAD.OBJECT": "HeadObject", "PUT.OBJECT": "PutObject", "POST.OBJECT": "PostObject",
    "DELETE.OBJECT": "DeleteObject", "POST.MULTI_OBJECT_DELETE": "DeleteObjects", "COPY.OBJECT": "CopyObject",
    "COPY.OBJECT_GET": COPY_SOURCE, "COPY.PART_GET": COPY_SOURCE, "COPY.PART": "UploadPartCopy",
    "GET.BUCKET": "ListObjects", "HEAD.BUCKET": "HeadBucket", "GET.BUCKETVERSIONS": "ListObjectVersions",
    "SELECT.OBJECT": "SelectObjectContent", "POST.UPLOADS": "CreateMultipartUpload", "PUT.PART": "UploadPart",
    "POST.UPLOAD": "CompleteMultipartUpload", "DELETE.UPLOAD": "AbortMultipartUpload", "GET.UPLOAD": "ListParts",
    "GET.UPLOADS": "ListMultipartUploads", "GET.TORRENT": "GetObjectTorrent", "POST.RESTORE": "RestoreObject",
    "GET.OBJECT_TAGGING": "GetObjectTagging", "PUT.OBJECT_TAGGING": "PutObjectTagging",
    "DELETE.OBJECT_TAGGING": "DeleteObjectTagging", "GET.ACL": "GetObjectAcl", "PUT.ACL": "PutObjectAcl",
    "GET.OBJECT_ATTRIBUTES": "GetObjectAttributes",
}  # fmt: skip
_LIFECYCLE = re.compile(r"S3\.(EXPIRE|CREATE|TRANSITION|DELETE|UPLOAD|RESTORE)\w*\.\w+")


def line_how(records: Records, row: int) -> How:
    """What a line of an access log tells of; the name of an operation that the S3 API has none for stays as it is.

    Source: Amazon S3 User Guide, "Amazon S3 server access log format", Operation.
    """
    operation, error = _text(records, row, Field.EVENT), _text(records, row, Field.ERROR)
    status = _text(records, row, Field.TYPE)
    kind, _, rest = operation.partition(".")
    action = _OPERATIONS.get(rest, operation) if kind in ("REST", "SOAP", "WEBSITE", "BATCH") else operation
    verb = Verb.DELETE if operation == "S3.EXPIRE.OBJECT" else Verb.OTHER if action == operation else verb_of(action)
    return How(action, verb, outcome_of(error, int(status) if status.isdigit() else 0), error)
