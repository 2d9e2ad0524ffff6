"""Answers of S3 and KMS as the pieces of `model`, each by one function.

An answer of another shape than AWS's raises KeyError, TypeError, ValueError or AttributeError: it is not understood,
and its piece is not known.

Source: Amazon S3 API Reference and AWS KMS API Reference, the pages of the operations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from piiscan.posture.model import (
    AclGrant,
    Encryption,
    Grantee,
    Inventory,
    Key,
    LifecycleRule,
    Logging,
    Notifications,
    ObjectLock,
    PublicAccessBlock,
    Replica,
    Versioning,
    Website,
)

Answer = Mapping[str, Any]
DEFAULT_REGION = "us-east-1"
_GROUPS = {
    "http://acs.amazonaws.com/groups/global/AllUsers": Grantee.EVERYONE,
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": Grantee.AUTHENTICATED,
    "http://acs.amazonaws.com/groups/s3/LogDelivery": Grantee.LOG_DELIVERY,
}
"""Source: Amazon S3 User Guide, "Access control list (ACL) overview", predefined groups."""


CLOUDFRONT_LOGS = "c4c1ede66af53448b93c283ce9448c4ba468c9432aa01d700d3878632f77d2d0"
"""The canonical id that CloudFront writes its logs as.

Source: Amazon CloudFront Developer Guide, "Configure standard logging (legacy)", awslogsdelivery.
"""


def location(answer: Answer) -> str:
    """The region; of the oldest constraints `EU` is Ireland, and nothing is Virginia."""
    named = answer["LocationConstraint"]
    return {"EU": "eu-west-1"}.get(named, named) or DEFAULT_REGION


def document(text: str) -> Mapping[str, Any]:
    """A policy as the object that it is. Raises: ValueError."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("a policy is a JSON object")
    return found


def policy(answer: Answer) -> Mapping[str, Any]:
    """A bucket's or a key's policy."""
    return document(answer["Policy"])


def policy_status(answer: Answer) -> bool:
    """Whether S3 calls the policy public."""
    return bool(answer["PolicyStatus"]["IsPublic"])


def acl(answer: Answer) -> tuple[AclGrant, ...]:
    """The grants of an ACL."""
    owner = answer["Owner"]["ID"]
    return tuple(_grant(grant["Grantee"], grant["Permission"], owner) for grant in answer["Grants"])


def _grant(grantee: Answer, permission: str, owner: str) -> AclGrant:
    if uri := grantee.get("URI"):
        return AclGrant(_GROUPS[uri], "", permission)
    who = grantee.get("ID") or grantee["EmailAddress"]
    if who == owner:
        return AclGrant(Grantee.OWNER, "", permission)
    if who == CLOUDFRONT_LOGS:
        return AclGrant(Grantee.LOG_DELIVERY, "", permission)
    return AclGrant(Grantee.OTHER, str(who), permission)


def block(answer: Answer) -> PublicAccessBlock:
    """A block of public access; a setting that is not told is off."""
    told = answer["PublicAccessBlockConfiguration"]
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return PublicAccessBlock(*(bool(told.get(name, False)) for name in names))


def website(answer: Answer) -> Website:
    """Website hosting."""
    redirect = answer.get("RedirectAllRequestsTo", {}).get("HostName", "")
    if not redirect and not answer.get("IndexDocument"):
        raise ValueError("neither an index nor a redirect")
    return Website(redirect)


def encryption(answer: Answer) -> Encryption | None:
    """The default encryption."""
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    given = [rule for rule in rules if rule.get("ApplyServerSideEncryptionByDefault")]
    if not given:
        return None
    default = given[0]["ApplyServerSideEncryptionByDefault"]
    key = default.get("KMSMasterKeyID") or ""
    return Encryption(default["SSEAlgorithm"], key, bool(given[0].get("BucketKeyEnabled")))


def replication(answer: Answer) -> tuple[Replica, ...]:
    """The rules of replication."""
    rules = answer["ReplicationConfiguration"]["Rules"]
    return tuple(
        Replica(
            rule.get("ID", ""),
            rule["Destination"]["Bucket"].rpartition(":")[2],
            rule["Destination"].get("Account") or "",
            rule["Status"] == "Enabled",
        )
        for rule in rules
    )


def versioning(answer: Answer) -> Versioning:
    """Versioning; an empty answer: never on."""
    return Versioning(answer.get("Status") or "", answer.get("MFADelete") == "Enabled")


def logging(answer: Answer) -> Logging | None:
    """Where access logs go; an empty answer: nowhere."""
    told = answer.get("LoggingEnabled")
    return Logging(told["TargetBucket"], told.get("TargetPrefix") or "") if told else None


def ownership(answer: Answer) -> str:
    """Object ownership."""
    return str(answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"])


def lifecycle(answer: Answer) -> tuple[LifecycleRule, ...]:
    """The rules of the lifecycle."""
    return tuple(
        LifecycleRule(
            rule.get("ID", ""),
            rule["Status"] == "Enabled",
            _whole(rule),
            rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0),
            bool(rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")),
        )
        for rule in answer["Rules"]
    )


def _whole(rule: Answer) -> bool:
    """Whether a rule has no filter but an empty prefix."""
    told = rule.get("Filter") or {}
    narrowing = set(told) - {"Prefix"}
    return not narrowing and not told.get("Prefix") and not rule.get("Prefix")


def object_lock(answer: Answer) -> ObjectLock | None:
    """Object lock, and its default retention; a year counts as 365 days."""
    told = answer["ObjectLockConfiguration"]
    if told.get("ObjectLockEnabled") != "Enabled":
        return None
    kept = told.get("Rule", {}).get("DefaultRetention", {})
    return ObjectLock(kept.get("Mode") or "", int(kept.get("Days") or 365 * int(kept.get("Years") or 0)))


def inventory(answer: Answer) -> tuple[Inventory, ...]:
    """The inventories of a page."""
    return tuple(
        Inventory(told["Id"], bool(told["IsEnabled"]), told["Destination"]["S3BucketDestination"]["Bucket"])
        for told in answer.get("InventoryConfigurationList", ())
    )


def notifications(answer: Answer) -> Notifications:
    """Targets of event notifications; an empty answer: none."""
    kinds = (("Topic", "TopicArn"), ("Queue", "QueueArn"), ("LambdaFunction", "LambdaFunctionArn"))
    targets = [told[arn] for kind, arn in kinds for told in answer.get(f"{kind}Configurations", ())]
    return Notifications(tuple(sorted(set(targets))), "EventBridgeConfiguration" in answer)


def key(answer: Answer) -> Key:
    """A KMS key; KMS rotates symmetric ones whose material it made, outside of custom stores."""
    told = answer["KeyMetadata"]
    symmetric = told.get("KeySpec", told.get("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT")) == "SYMMETRIC_DEFAULT"
    return Key(
        arn=told["Arn"],
        account=told["AWSAccountId"],
        region=told["Arn"].split(":")[3],
        state=told["KeyState"],
        manager=told["KeyManager"],
        rotates=symmetric and told.get("Origin", "AWS_KMS") == "AWS_KMS" and not told.get("CustomKeyStoreId"),
    )


def key_rotation(answer: Answer) -> bool:
    """Whether KMS rotates the key."""
    return bool(answer["KeyRotationEnabled"])


def key_aliases(answer: Answer) -> tuple[str, ...]:
    """The aliases of a page."""
    return tuple(told["AliasName"] for told in answer["Aliases"])
