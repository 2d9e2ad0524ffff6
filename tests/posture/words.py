"""The words of the table: what a bucket is set to, and what a plain one fails.

A plain bucket is one that nothing was set for. `fails` and `passes` name the checks whose verdict is other than for a
plain one; `does_not_apply` likewise. All other verdicts must be those of a plain bucket.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

OWN = "123456789012"
"""moto's account."""
OTHER = "111122223333"
PARTNER = "444455556666"
"""Another account that is in the circle of trust."""
OTHER_ORG, PARTNER_ORG = "o-otherorgid1", "o-partnerorg1"
OWN_ORG = "o-own"
"""Replaced by the id that moto gives the account's organisation."""
DISTRIBUTION = f"arn:aws:cloudfront::{OWN}:distribution/EDFDVBD6EXAMPLE"
CANONICAL = "0123456789abcdef" * 4
"""Canonical id of another account."""
ENDPOINT = "vpce-1a2b3c4d"

PLAIN_FAILS = """
    access_logging_off acls_enabled block_public_access_account block_public_access_bucket block_public_access_disabled
    bucket_encryption_disabled encryption_none inventory_missing lifecycle_incomplete_uploads object_lock_off
    tls_not_required versioning_off
"""
PLAIN_NOT_APPLICABLE = """
    access_logs_to_itself bucket_replicated_externally kms_key_of_aws kms_key_policy_open kms_key_unusable kms_no_alias
    kms_other_account kms_other_region kms_rotation_off lifecycle_old_versions mfa_delete_off
    notifications_unknown_target policy_status_disagrees
"""


@dataclass(frozen=True)
class Case:
    """One bucket."""

    name: str
    sets: dict[str, Any] = field(default_factory=dict)
    """What is set: operations of S3, by the last words of their names (see `build`)."""
    fails: str = ""
    passes: str = ""
    does_not_apply: str = ""


def statement(principal: Any, action: Any = "s3:GetObject", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """A statement about all of the bucket."""
    on = ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"]
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": on, **more}


def policy(*statements: dict[str, Any]) -> str:
    """A policy; `BUCKET` becomes the bucket's name."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def account(number: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{number}:root"}


def where(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def block(*off: str) -> dict[str, bool]:
    """All settings on but these."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return {name: name not in off for name in names}


def owner_and(*grants: tuple[dict[str, str], str]) -> list[dict[str, Any]]:
    """Grants of an ACL beside the owner's."""
    return [{"Grantee": grantee, "Permission": permission} for grantee, permission in grants]


def sse(algorithm: str, key: str = "") -> list[dict[str, Any]]:
    default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    return [{"ApplyServerSideEncryptionByDefault": default}]


def life(**more: Any) -> dict[str, Any]:
    return {"ID": "rule", "Status": "Enabled", "Filter": {"Prefix": ""}, **more}


def replica(bucket: str, number: str = "", status: str = "Enabled") -> list[dict[str, Any]]:
    to = {"Bucket": f"arn:aws:s3:::{bucket}"} | ({"Account": number} if number else {})
    rule = {"ID": "copy", "Priority": 1, "Status": status, "Filter": {"Prefix": ""}, "Destination": to}
    return [rule | {"DeleteMarkerReplication": {"Status": "Disabled"}}]


def inventory(enabled: bool) -> dict[str, Any]:
    to = {"S3BucketDestination": {"Bucket": "arn:aws:s3:::logs", "Format": "CSV", "Prefix": "inventory"}}
    told = {"Id": "all", "IsEnabled": enabled, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"}}
    return {**told, "Destination": to}


def queue(number: str) -> dict[str, Any]:
    arn = f"arn:aws:sqs:us-east-1:{number}:events"
    return {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}


EVERYONE: Any = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
ANY_ACCOUNT: Any = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}
LOG_DELIVERY: Any = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
LOGS_COME = [(LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")]
SOMEBODY: Any = {"Type": "CanonicalUser", "ID": CANONICAL}
TLS = statement("*", "s3:*", "Deny", **where("Bool", "aws:SecureTransport", "false"))
OPEN = statement("*")
VERSIONS_FAIL = "mfa_delete_off lifecycle_old_versions"
NO_BLOCK = "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"
BLOCK_ON = "block_public_access_bucket block_public_access_disabled"
PUBLIC_POLICY = "bucket_public public_by_policy"
PUBLIC_ACL = "bucket_public public_by_acl"
SHARED = "bucket_shared_externally shared_with_accounts"
AGREE = "policy_status_disagrees"
ENCRYPTED = "bucket_encryption_disabled encryption_none"
KEY_FINE = """
    kms_key_of_aws kms_key_policy_open kms_key_unusable kms_no_alias kms_other_account kms_other_region kms_rotation_off
"""


def but(names: str, *without: str) -> str:
    """These checks without some."""
    return " ".join(name for name in names.split() if name not in without)
