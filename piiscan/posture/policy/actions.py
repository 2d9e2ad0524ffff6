"""Actions: which there are, what each lets one do, and on what.

Source: AWS, Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3" and "... AWS KMS".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from piiscan.posture.policy.parse import Choice
from piiscan.posture.policy.patterns import Answer, either, matches, samples

_S3 = """
AbortMultipartUpload BypassGovernanceRetention CreateBucketMetadataTableConfiguration DeleteBucket
DeleteBucketOwnershipControls DeleteBucketPolicy DeleteBucketWebsite DeleteObject DeleteObjectTagging
DeleteObjectVersion DeleteObjectVersionTagging GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAcl
GetBucketCORS GetBucketLocation GetBucketLogging GetBucketNotification GetBucketObjectLockConfiguration
GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment
GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration
GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration GetObject GetObjectAcl
GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion
GetObjectVersionAcl GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging
GetObjectVersionTorrent GetReplicationConfiguration InitiateReplication ListBucket ListBucketMultipartUploads
ListBucketVersions ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutAccelerateConfiguration
PutAnalyticsConfiguration PutBucketAcl PutBucketCORS PutBucketLogging PutBucketNotification
PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock
PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration
PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration PutMetricsConfiguration
PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl
PutObjectVersionTagging PutReplicationConfiguration ReplicateDelete ReplicateObject ReplicateTags RestoreObject
"""
_KMS = """
CancelKeyDeletion CreateGrant Decrypt DeleteImportedKeyMaterial DeriveSharedSecret DescribeKey DisableKey
DisableKeyRotation EnableKey EnableKeyRotation Encrypt GenerateDataKey GenerateDataKeyPair
GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GetKeyPolicy GetKeyRotationStatus
GetParametersForImport GetPublicKey ImportKeyMaterial ListGrants ListKeyPolicies ListResourceTags PutKeyPolicy
ReEncryptFrom ReEncryptTo ReplicateKey RetireGrant RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion Sign
TagResource UntagResource UpdateKeyDescription UpdatePrimaryRegion Verify VerifyMac
"""
_READ_KEY = {"decrypt", "derivesharedsecret", "reencryptfrom", "verify", "verifymac"}
_WRITE_KEY = ("encrypt", "generate", "reencrypt", "sign")
# What changes who may do something, or how long a thing is kept, is not mere writing.
_MANAGED = (
    "acl",
    "policy",
    "publicaccessblock",
    "ownership",
    "retention",
    "legalhold",
    "configuration",
    "override",
    "bucket",
)


@dataclass(frozen=True, slots=True)
class Action:
    """One action."""

    name: str
    """In lower case, with its service."""
    verb: str
    """Of `model.VERBS`."""
    bucket: bool
    """It can be asked of the bucket."""
    object: bool
    """It can be asked of an object; a key's actions are asked of the key, which stands as the bucket here."""


@cache
def catalogue(service: str) -> tuple[Action, ...]:
    """The actions of a service, `s3` or `kms`."""
    names = (_S3 if service == "s3" else _KMS).lower().split()
    return tuple(_action(f"{service}:{name}", known=True) for name in names)


def actions_of(choices: Iterable[Choice], service: str) -> list[Action]:
    """The catalogue's actions, and those that the statements name besides."""
    found = {action.name: action for action in catalogue(service)}
    for choice in choices:
        for value in choice.values:
            pattern = value.lower()
            if pattern.startswith(f"{service}:") and not any(matches(pattern, name) for name in found):
                found |= {one: _action(one, known=False) for one in samples(pattern)}
    return list(found.values())


def chosen(choice: Choice, action: Action) -> Answer:
    """Whether a statement means an action."""
    answer = either(matches(value.lower(), action.name) for value in choice.values)
    if choice.unsure:
        answer = max(answer, Answer.MAYBE)
    return answer.inverted() if choice.negated else answer


def _action(full: str, known: bool) -> Action:
    service, _, name = full.partition(":")
    if service == "kms":
        return Action(full, _key_verb(name), True, False)
    of_bucket = "bucket" in name or "configuration" in name
    if name == "objectowneroverridetobucketowner":
        of_bucket = False
    return Action(full, _verb(name, of_bucket), of_bucket or not known, not of_bucket or not known)


def _verb(name: str, of_bucket: bool) -> str:
    if name.startswith(("list", "head")) or (name.startswith("get") and of_bucket):
        return "list"
    if name.startswith("get"):
        return "read"
    if name == "deletebucket" or (name.startswith(("delete", "replicatedelete")) and not of_bucket):
        return "delete"
    if name.startswith(("put", "create", "delete", "bypass", "objectowner", "update")):
        return "manage" if any(word in name for word in _MANAGED) else "write"
    return "write" if name.startswith(("abort", "restore", "replicate", "initiate")) else "manage"


def _key_verb(name: str) -> str:
    if name in _READ_KEY:
        return "read"
    if name.startswith(_WRITE_KEY):
        return "write"
    return "list" if name.startswith(("describe", "get", "list")) else "manage"
