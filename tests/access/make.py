"""Records and lines of logs as AWS writes them, made up, and stores that took them in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from piiscan.access.ingest import Ingest, Ingested, settle
from piiscan.access.refresh import refresh
from piiscan.config import Config
from piiscan.store.access import AccessStore
from piiscan.store.ingest import DuckStore

OURS, THEIRS = "111122223333", "444455556666"
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
USER = {
    "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": f"arn:aws:iam::{OURS}:user/alice", "accountId": OURS,
    "accessKeyId": "AKIAEXAMPLE", "userName": "alice",
}  # fmt: skip
ROLE = {
    "type": "AssumedRole", "principalId": "AROAEXAMPLE:run-7", "accountId": OURS,
    "arn": f"arn:aws:sts::{OURS}:assumed-role/etl/run-7",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role", "principalId": "AROAEXAMPLE", "arn": f"arn:aws:iam::{OURS}:role/jobs/etl",
            "accountId": OURS, "userName": "etl",
        }
    },
}  # fmt: skip
_NUMBERS = count(1)


def record(
    event: str = "GetObject",
    key: str | None = "a.csv",
    *,
    user: dict[str, Any] | None = None,
    bucket: str = "customers",
    request: str = "",
    time: str = "2026-09-01T10:00:00Z",
    sent: float = 100,
    error: str = "",
    **more: Any,
) -> dict[str, Any]:
    """A data event of CloudTrail."""
    number = next(_NUMBERS)
    out: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": USER if user is None else user,
        "eventTime": time,
        "eventSource": "s3.amazonaws.com",
        "eventName": event,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "[aws-cli/2.17.0]",
        "requestParameters": {"bucketName": bucket, "Host": f"{bucket}.s3.amazonaws.com"}
        | ({"key": key} if key is not None else {}),
        "responseElements": None,
        "additionalEventData": {"bytesTransferredIn": 0, "bytesTransferredOut": sent, "x-amz-id-2": "abc="},
        "requestID": request or f"REQ{number:013d}",
        "eventID": f"00000000-0000-0000-0000-{number:012d}",
        "readOnly": True,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key or ''}"},
            {"accountId": OURS, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": OURS,
        "eventCategory": "Data",
    }
    if error:
        out["errorCode"] = error
    return out | more


def trail(records: Sequence[dict[str, Any]]) -> bytes:
    """A file of CloudTrail, not packed."""
    return json.dumps({"Records": records}, separators=(",", ":")).encode()


def line(
    operation: str = "REST.GET.OBJECT",
    key: str = "a.csv",
    *,
    requester: str = f"arn:aws:iam::{OURS}:user/alice",
    bucket: str = "customers",
    request: str = "",
    time: str = "01/Sep/2026:10:00:00 +0000",
    uri: str = "GET /a.csv HTTP/1.1",
    status: str = "200",
    error: str = "-",
    sent: str = "100",
    size: str = "100",
    rest: str = '9 8 "-" "aws-cli" - abc= SigV4 TLS AuthHeader customers.s3.amazonaws.com TLSv1.3 - Yes',
) -> bytes:
    """A line of a server access log."""
    name = request or f"REQ{next(_NUMBERS):013d}"
    return (
        f'{CANONICAL} {bucket} [{time}] 192.0.2.7 {requester} {name} {operation} {key} "{uri}" {status} {error} '
        f"{sent} {size} {rest}\n"
    ).encode()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Files below a folder; those that end in .gz are packed."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, 1) if name.endswith(".gz") and data[:2] != b"\x1f\x8b" else data)
    return folder


@contextmanager
def store(folder: Path) -> Iterator[DuckStore]:
    """A store in a folder, closed with the block."""
    opened = DuckStore(folder / "access.duckdb", key_file=folder / "key")
    try:
        yield opened
    finally:
        opened.close()


def take(into: DuckStore, *targets: Path | str, config: Config | None = None) -> Ingested:
    """What the command does with targets."""
    access = AccessStore(into)
    done = Ingest(access, config or Config()).take([str(target) for target in targets])
    settle(access)
    refresh(into)
    return done


def rows(of: DuckStore, columns: str, view: str = "v_access", where: str = "true") -> list[tuple[Any, ...]]:
    """Rows of a view, in order."""
    return of.query(f"SELECT {columns} FROM {view} WHERE {where} ORDER BY ALL")
