"""Buckets and keys of the table, made on moto's server."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from tests.posture.words import OTHER, OWN, OWN_ORG, Case, owner_and
from tests.support.s3 import Bucketeer

MFA = "versions-mfa"
"""The bucket of which the server is made to say that MFA delete is on: moto does not know it."""


def client(server: Bucketeer, service: str, region: str = "us-east-1") -> Any:
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def credentials(patch: pytest.MonkeyPatch, url: str, **more: str) -> None:
    """The environment in which all services are at this address."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    given = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
    }
    for name, value in (given | more).items():
        patch.setenv(name, value)


def make_keys(server: Bucketeer) -> dict[str, str]:
    """The ARNs of the keys that the table names."""
    kms = client(server, "kms")
    out = {
        name: _arn(kms.create_key(Description="made up")) for name in ("FINE", "STATIC", "OPEN", "DISABLED", "DYING")
    }
    for name in ("FINE", "OPEN", "DISABLED", "DYING"):
        kms.enable_key_rotation(KeyId=out[name])
    kms.create_alias(AliasName="alias/fine", TargetKeyId=out["FINE"])
    let_in = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    everyone = [let_in | {"Principal": {"AWS": f"arn:aws:iam::{number}:root"}} for number in (OWN, OTHER)]
    document = json.dumps({"Version": "2012-10-17", "Statement": everyone})
    kms.put_key_policy(KeyId=out["OPEN"], PolicyName="default", Policy=document)
    kms.disable_key(KeyId=out["DISABLED"].rpartition("/")[2])
    kms.schedule_key_deletion(KeyId=out["DYING"].rpartition("/")[2], PendingWindowInDays=30)
    abroad = client(server, "kms", "eu-west-1")
    out["ABROAD"] = _arn(abroad.create_key())
    abroad.enable_key_rotation(KeyId=out["ABROAD"])
    return out


def _arn(answer: Any) -> str:
    return str(answer["KeyMetadata"]["Arn"])


def make_organisation(server: Bucketeer) -> str:
    """The id of the account's organisation, made."""
    return str(client(server, "organizations").create_organization(FeatureSet="ALL")["Organization"]["Id"])


def make_buckets(server: Bucketeer, cases: Iterable[Case], keys: dict[str, str], organisation: str) -> None:
    """All of them; `logs` first, to which others log."""
    first, *others = sorted(cases, key=lambda case: case.name != "logs")
    make_bucket(server.client, first, keys, organisation)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda case: make_bucket(server.client, case, keys, organisation), others))


def make_bucket(s3: Any, case: Case, keys: dict[str, str], organisation: str) -> None:
    """One bucket."""
    s3.create_bucket(Bucket=case.name, ObjectLockEnabledForBucket="lock" in case.sets)
    for what, value in case.sets.items():
        text = json.dumps(value).replace("BUCKET", case.name).replace(OWN_ORG + '\\"', organisation + '\\"')
        for name, arn in keys.items():
            text = text.replace(f'"{name}"', f'"{arn}"')
        put(s3, case.name, what, json.loads(text))


def put(s3: Any, bucket: str, what: str, value: Any) -> None:
    """One setting of a bucket."""
    match what:
        case "block":
            s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=value)
        case "policy":
            s3.put_bucket_policy(Bucket=bucket, Policy=value)
        case "acl":
            owner = s3.get_bucket_acl(Bucket=bucket)
            grants = owner["Grants"] + owner_and(*value)
            s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Grants": grants, "Owner": owner["Owner"]})
        case "ownership":
            s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": value}]})
        case "website":
            s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=value)
        case "versioning":
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": value})
        case "replication":
            role = f"arn:aws:iam::{OWN}:role/replicates"
            s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": value})
        case "encryption":
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": value})
        case "logging":
            to = {"TargetBucket": value, "TargetPrefix": f"{bucket}/"}
            s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": to})
        case "lifecycle":
            s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": value})
        case "lock":
            rule = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": value}}} if value else {}
            lock = {"ObjectLockEnabled": "Enabled", **rule}
            s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
        case "inventory":
            s3.put_bucket_inventory_configuration(Bucket=bucket, Id=value["Id"], InventoryConfiguration=value)
        case "notification":
            s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration=value, SkipDestinationValidation=True
            )
        case _:
            raise AssertionError(what)
