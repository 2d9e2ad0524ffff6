"""Who asked, for what, and how it went: every shape of identity, operation and error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.access.make import CANONICAL, OURS, ROLE, THEIRS, USER, line, record, rows, store, take, trail, write

CASES: list[tuple[str, dict[str, Any], tuple[str, str, str]]] = [
    ("user", USER, (f"arn:aws:iam::{OURS}:user/alice", "user", OURS)),
    ("role", ROLE, (f"arn:aws:iam::{OURS}:role/etl", "role", OURS)),
    (
        "role-without-issuer",
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{OURS}:assumed-role/etl/x", "accountId": OURS},
        (f"arn:aws:iam::{OURS}:role/etl", "role", OURS),
    ),
    (
        "root",
        {"type": "Root", "arn": f"arn:aws:iam::{OURS}:root", "accountId": OURS},
        (f"arn:aws:iam::{OURS}:root", "root", OURS),
    ),
    (
        "service",
        {"type": "AWSService", "invokedBy": "cloudfront.amazonaws.com"},
        ("cloudfront.amazonaws.com", "service", ""),
    ),
    (
        "account",
        {"type": "AWSAccount", "principalId": "AIDATHEIRS", "accountId": THEIRS},
        (f"{THEIRS}:AIDATHEIRS", "account", THEIRS),
    ),
    ("anonymous", {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}, ("anonymous", "anonymous", "")),
    (
        "anonymous-principal",
        {"type": "AWSAccount", "principalId": "ANONYMOUS_PRINCIPAL", "accountId": "ANONYMOUS_PRINCIPAL"},
        ("anonymous", "anonymous", ""),
    ),
    (
        "federated",
        {"type": "FederatedUser", "arn": f"arn:aws:sts::{OURS}:federated-user/bob", "accountId": OURS},
        (f"arn:aws:sts::{OURS}:federated-user/bob", "federated", OURS),
    ),
    (
        "saml",
        {"type": "SAMLUser", "userName": "carol", "identityProvider": "idp.example.com"},
        ("idp.example.com:carol", "federated", ""),
    ),
    (
        "web",
        {"type": "WebIdentityUser", "userName": "dave", "identityProvider": "accounts.example.com"},
        ("accounts.example.com:dave", "federated", ""),
    ),
    (
        "identity-center",
        {"type": "IdentityCenterUser", "accountId": OURS, "onBehalfOf": {"userId": "u-1", "identityStoreArn": "x"}},
        ("identity-center:u-1", "user", OURS),
    ),
    ("unknown", {"type": "Unknown", "principalId": "strange"}, ("strange", "unknown", "")),
    ("nothing", {}, ("unknown", "unknown", "")),
]


def test_identities_of_cloudtrail(tmp_path: Path) -> None:
    records = [record(key=name, user=user) for name, user, _ in CASES]
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"t.json": trail(records)}))
        found = {row[0]: row[1:] for row in rows(into, "object, principal, kind, account")}
        outside = {row[0] for row in rows(into, "object", where="outside")}
    assert found == {name: expected for name, _, expected in CASES}
    assert outside == {"account"}


def test_an_identity_that_is_null_is_nobody_that_is_known(tmp_path: Path) -> None:
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"t.json": trail([record() | {"userIdentity": None}])}))
        assert rows(into, "principal, kind") == [("unknown", "unknown")]


def test_requesters_of_access_logs(tmp_path: Path) -> None:
    other = "b" * 64
    cases = {
        "user": (f"arn:aws:iam::{OURS}:user/alice", (f"arn:aws:iam::{OURS}:user/alice", "user", False)),
        "role": (f"arn:aws:sts::{OURS}:assumed-role/etl/run", (f"arn:aws:iam::{OURS}:role/etl", "role", False)),
        "anonymous": ("-", ("anonymous", "anonymous", False)),
        "owner": (CANONICAL, (CANONICAL, "account", False)),
        "canonical": (other, (other, "account", True)),
        "service": ("svc:cloudtrail.amazonaws.com", ("cloudtrail.amazonaws.com", "service", False)),
        "s3": ("AmazonS3", ("s3.amazonaws.com", "service", False)),
    }
    text = b"".join(line(key=name, requester=requester) for name, (requester, _) in cases.items())
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"l": text}))
        found = {row[0]: row[1:] for row in rows(into, "object, principal, kind, outside")}
    assert found == {name: expected for name, (_, expected) in cases.items()}


def test_numbers_are_outside_only_when_one_of_ours_is_known(tmp_path: Path) -> None:
    from piiscan.config import Config, PostureConfig
    from piiscan.store.access import AccessStore

    text = line(requester=f"arn:aws:iam::{THEIRS}:user/eve")
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"l": text}), config=Config(posture=PostureConfig((OURS,))))
        assert rows(into, "outside") == [(False,)]
        AccessStore(into).accounts([OURS])
        assert rows(into, "outside") == [(True,)]
        assert rows(into, "source, account, objects", "v_outside_readers") == [("s3://customers", THEIRS, 1)]


EVENTS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("GetObject", {}, ("GetObject", "read", "ok", "")),
    ("HeadObject", {}, ("HeadObject", "look", "ok", "")),
    ("ListObjects", {"key": None}, ("ListObjects", "list", "ok", "")),
    ("ListObjectVersions", {"key": None}, ("ListObjectVersions", "list", "ok", "")),
    ("SelectObjectContent", {}, ("SelectObjectContent", "read", "ok", "")),
    ("DeleteObjects", {"key": None}, ("DeleteObjects", "delete", "ok", "")),
    ("PutObject", {}, ("PutObject", "write", "ok", "")),
    ("GetObject", {"error": "AccessDenied"}, ("GetObject", "read", "denied", "AccessDenied")),
    ("GetObject", {"error": "NoSuchKey"}, ("GetObject", "read", "missing", "NoSuchKey")),
    ("PutObject", {"error": "SlowDown"}, ("PutObject", "write", "failed", "SlowDown")),
    ("GetObjectAcl", {}, ("GetObjectAcl", "look", "ok", "")),
]


def test_events(tmp_path: Path) -> None:
    records = [record(event, bucket=f"b{n:02d}", **more) for n, (event, more, _) in enumerate(EVENTS)]
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"t.json": trail(records)}))
        found = [row[1:] for row in rows(into, "bucket, action, verb, outcome, error")]
    assert found == [expected for _, _, expected in EVENTS]


OPERATIONS: list[tuple[bytes, tuple[object, ...]]] = [
    (line(), ("GetObject", "read", "ok", 100)),
    (line("REST.GET.BUCKET", "-"), ("ListObjects", "list", "ok", 100)),
    (line("BATCH.DELETE.OBJECT", status="204", sent="-", size="9"), ("DeleteObject", "delete", "ok", 0)),
    (line("REST.PUT.OBJECT", sent="-", size="77"), ("PutObject", "write", "ok", 77)),
    (line("REST.COPY.OBJECT_GET", sent="-"), ("CopyObject (source)", "copy", "ok", 0)),
    (line("REST.GET.OBJECT", status="403", error="AccessDenied"), ("GetObject", "read", "denied", 100)),
    (line("REST.GET.OBJECT", status="404", error="NoSuchKey"), ("GetObject", "read", "missing", 100)),
    (line("REST.GET.OBJECT", status="304", sent="-"), ("GetObject", "read", "ok", 0)),
    (line("S3.EXPIRE.OBJECT", requester="AmazonS3", status="-", sent="-"), ("S3.EXPIRE.OBJECT", "delete", "ok", 0)),
    (line("REST.GET.LOCATION", "-"), ("REST.GET.LOCATION", "other", "ok", 100)),
    (line("WEBSITE.GET.OBJECT", requester="-"), ("GetObject", "read", "ok", 100)),
]


def test_operations(tmp_path: Path) -> None:
    text = b"".join(one.replace(b" customers ", b" b%02d " % n) for n, (one, _) in enumerate(OPERATIONS))
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"l": text}))
        found = [row[1:] for row in rows(into, "bucket, action, verb, outcome, bytes")]
    assert found == [expected for _, expected in OPERATIONS]


def test_keys_are_spelled_as_the_scanner_does(tmp_path: Path) -> None:
    text = line(key="a%2520b%252Bc.txt") + line(key="caf%25C3%25A9") + line(key="raw%25FF") + line(key="100%2525")
    records = [record(key="plain é 100%.txt"), record(key="a\ud800b"), record(key="nul\0"), record(key="x" * 3000)]
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"l": text, "t.json": trail(records)}))
        found = [row[0] for row in rows(into, "object")]
    assert sorted(found)[:-1] == sorted(
        ["a b+c.txt", "café", r"raw\xff", "100%", "plain é 100%.txt", r"a\ud800b", "nul\0"]
    )
    assert len(max(found)) == 2048


def test_a_copy_reads_the_object_that_it_came_from(tmp_path: Path) -> None:
    source = {
        "requestParameters": {"bucketName": "away", "key": "b", "x-amz-copy-source": "/customers/a%20b?versionId=3"}
    }
    itself: dict[str, Any] = {
        "requestParameters": {"bucketName": "customers", "key": "a", "x-amz-copy-source": "customers/a"}
    }
    with store(tmp_path) as into:
        text = trail([record("CopyObject") | source, record("CopyObject") | itself])
        take(into, write(tmp_path / "logs", {"t.json": text}))
        assert rows(into, "bucket, object, action, verb") == [
            ("away", "b", "CopyObject", "write"),
            ("customers", "a", "CopyObject", "write"),
            ("customers", "a b", "CopyObject (source)", "copy"),
        ]


def test_what_no_parameter_names_is_taken_from_the_resources(tmp_path: Path) -> None:
    with store(tmp_path) as into:
        text = trail([record(key="deep/x", requestParameters=None)])
        take(into, write(tmp_path / "logs", {"t.json": text}))
        assert rows(into, "bucket, object") == [("customers", "deep/x")]


def test_other_events_are_left_and_counted(tmp_path: Path) -> None:
    others = [
        record("CreateBucket", managementEvent=True, eventCategory="Management"),
        record("Invoke", eventSource="lambda.amazonaws.com"),
        record("GetObject", eventCategory="Insight", eventType="AwsCloudTrailInsight"),
    ]
    old = record("GetObject", key="old")
    del old["eventCategory"], old["managementEvent"]
    older = record("PutBucketPolicy", key="older")
    del older["eventCategory"], older["managementEvent"]
    with store(tmp_path) as into:
        done = take(into, write(tmp_path / "logs", {"t.json": trail([*others, old, older, record(key="new")])}))
        assert [row[0] for row in rows(into, "object")] == ["new", "old"]
    assert (done.records, done.left_out, done.broken) == (6, 4, 0)
