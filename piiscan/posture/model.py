"""What was read of a bucket and of its account: each piece is its answer, or says why it is not known.

"Not configured" is an answer. A refusal or an outage never is: the piece is `Unknown` then, and names the right that
lacks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

ACTIONS: Mapping[str, str] = {
    "location": "s3:GetBucketLocation",
    "policy": "s3:GetBucketPolicy",
    "policy_status": "s3:GetBucketPolicyStatus",
    "acl": "s3:GetBucketAcl",
    "block": "s3:GetBucketPublicAccessBlock",
    "website": "s3:GetBucketWebsite",
    "encryption": "s3:GetEncryptionConfiguration",
    "replication": "s3:GetReplicationConfiguration",
    "versioning": "s3:GetBucketVersioning",
    "logging": "s3:GetBucketLogging",
    "ownership": "s3:GetBucketOwnershipControls",
    "lifecycle": "s3:GetLifecycleConfiguration",
    "object_lock": "s3:GetBucketObjectLockConfiguration",
    "inventory": "s3:GetInventoryConfiguration",
    "notifications": "s3:GetBucketNotification",
    "key": "kms:DescribeKey",
    "key_rotation": "kms:GetKeyRotationStatus",
    "key_policy": "kms:GetKeyPolicy",
    "key_aliases": "kms:ListAliases",
    "account": "sts:GetCallerIdentity",
    "organisation": "organizations:DescribeOrganization",
    "account_block": "s3:GetAccountPublicAccessBlock",
    "buckets": "s3:ListAllMyBuckets",
}
"""The IAM action that each piece needs.

Source: AWS, Service Authorization Reference, the pages of S3, KMS, STS and Organizations.
"""


class Why(StrEnum):
    """Why a piece is not known."""

    DENIED = "denied"
    """These credentials may not."""
    UNSUPPORTED = "unsupported"
    """The server has no such thing, or it is not asked for it."""
    FAILED = "failed"
    """It went wrong; it may go well the next time."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A piece that could not be read."""

    action: str
    """The IAM action that reading it needs."""
    code: str
    """What the service said."""
    why: Why = Why.DENIED

    def __str__(self) -> str:
        """One line for people."""
        match self.why:
            case Why.DENIED:
                return f"{self.action} ({self.code})"
            case Why.UNSUPPORTED:
                return f"{self.action} (not had from this server: {self.code})"
            case Why.FAILED:
                return f"{self.action} (the request failed: {self.code})"


class NotKnown(Exception):
    """What is asked depends on pieces that are not known."""

    def __init__(self, *pieces: Unknown) -> None:
        super().__init__(", ".join(piece.action for piece in pieces))
        self.pieces = tuple(dict.fromkeys(pieces))


def known(piece: T | Unknown) -> T:
    """The answer. Raises: NotKnown."""
    if isinstance(piece, Unknown):
        raise NotKnown(piece)
    return piece


def any_of(*claims: Callable[[], bool]) -> bool:
    """Whether one of the claims holds. Raises: NotKnown when none is known to hold, and one is not known.

    >>> any_of(lambda: known(Unknown("s3:GetBucketAcl", "AccessDenied")), lambda: True)
    True
    """
    missing: list[Unknown] = []
    for claim in claims:
        try:
            if claim():
                return True
        except NotKnown as err:
            missing += err.pieces
    if missing:
        raise NotKnown(*missing)
    return False


def all_of(*claims: Callable[[], bool]) -> bool:
    """Whether all of the claims hold. Raises: NotKnown when none is known to fail, and one is not known.

    >>> all_of(lambda: known(Unknown("s3:GetBucketAcl", "AccessDenied")), lambda: False)
    False
    """
    return not any_of(*(lambda claim=claim: not claim() for claim in claims))


def perhaps(answer: Callable[[], T]) -> T | None:
    """The answer, or None when it is not known."""
    try:
        return answer()
    except NotKnown:
        return None


@dataclass(frozen=True, slots=True)
class PublicAccessBlock:
    """The four settings of a block of public access; nothing configured: all off."""

    block_acls: bool = False
    ignore_acls: bool = False
    block_policy: bool = False
    restrict: bool = False

    @property
    def off(self) -> tuple[str, ...]:
        """S3's names of the settings that are off."""
        named = (
            ("BlockPublicAcls", self.block_acls),
            ("IgnorePublicAcls", self.ignore_acls),
            ("BlockPublicPolicy", self.block_policy),
            ("RestrictPublicBuckets", self.restrict),
        )
        return tuple(name for name, on in named if not on)


class Grantee(StrEnum):
    """Whom a grant of an ACL means."""

    EVERYONE = "everyone"
    AUTHENTICATED = "any AWS account"
    LOG_DELIVERY = "AWS's log delivery"
    OWNER = "the owner"
    OTHER = "another account"


@dataclass(frozen=True, slots=True)
class AclGrant:
    """One grant of an ACL."""

    grantee: Grantee
    who: str
    """Canonical id or address of another account, else empty."""
    permission: str
    """READ, WRITE, READ_ACP, WRITE_ACP or FULL_CONTROL."""


@dataclass(frozen=True, slots=True)
class Website:
    """Static website hosting that is on."""

    redirect: str = ""
    """The host that all requests are sent to; empty: objects are served."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """The default encryption."""

    algorithm: str
    """AES256 (keys of S3's own), aws:kms or aws:kms:dsse."""
    key: str = ""
    """Key or alias, as it is configured; empty with aws:kms: the key that AWS manages for S3."""
    bucket_key: bool = False


@dataclass(frozen=True, slots=True)
class Replica:
    """One rule of replication."""

    rule: str
    bucket: str
    account: str
    """Owner of the destination where the rule names one."""
    enabled: bool


@dataclass(frozen=True, slots=True)
class Versioning:
    """Versioning of objects."""

    status: str
    """Enabled, Suspended, or empty: never on."""
    mfa_delete: bool = False


@dataclass(frozen=True, slots=True)
class Logging:
    """Where server access logs go."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """One rule of the lifecycle."""

    id: str
    enabled: bool
    whole: bool
    """Whether it is for all objects."""
    abort_days: int
    """Days after which incomplete uploads are dropped; 0: never."""
    old_versions: bool
    """Whether versions that are not current are dropped after a while."""


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """Object lock that is on; mode and days of the default retention, where there is one."""

    mode: str = ""
    days: int = 0


@dataclass(frozen=True, slots=True)
class Inventory:
    """One S3 Inventory."""

    id: str
    enabled: bool
    destination: str


@dataclass(frozen=True, slots=True)
class Notifications:
    """Targets of event notifications, as ARNs; EventBridge is the account's own."""

    targets: tuple[str, ...] = ()
    event_bridge: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """The KMS key of the default encryption."""

    arn: str
    account: str
    region: str
    state: str
    """Enabled, Disabled, PendingDeletion, ...; Missing: there is no such key."""
    manager: str
    """CUSTOMER or AWS."""
    rotates: bool
    """Whether it is of a kind that KMS can rotate."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """What was read of an account."""

    account: str | Unknown
    """Twelve digits."""
    organisation: str | Unknown
    """`o-...`; empty: it is in none."""
    block: PublicAccessBlock | Unknown
    buckets: frozenset[str] | Unknown
    """Names of all buckets that it has."""

    @property
    def number(self) -> str:
        """The account, or nothing when it is not known."""
        return "" if isinstance(self.account, Unknown) else self.account


@dataclass(frozen=True, slots=True)
class BucketState:
    """What was read of a bucket; the pieces are named as in `ACTIONS`."""

    name: str
    account: AccountState
    location: str | Unknown
    policy: Mapping[str, Any] | Unknown | None
    policy_status: bool | Unknown | None
    """Whether S3 calls the policy public; None: there is no policy."""
    acl: tuple[AclGrant, ...] | Unknown
    block: PublicAccessBlock | Unknown
    website: Website | Unknown | None
    encryption: Encryption | Unknown | None
    replication: tuple[Replica, ...] | Unknown
    versioning: Versioning | Unknown
    logging: Logging | Unknown | None
    ownership: str | Unknown
    """BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter, or empty: as ObjectWriter."""
    lifecycle: tuple[LifecycleRule, ...] | Unknown
    object_lock: ObjectLock | Unknown | None
    inventory: tuple[Inventory, ...] | Unknown
    notifications: Notifications | Unknown
    key: Key | Unknown | None
    """None: the default encryption has no key of KMS."""
    key_rotation: bool | Unknown | None
    """None: KMS does not rotate it, or rotates it by itself."""
    key_policy: Mapping[str, Any] | Unknown | None
    key_aliases: tuple[str, ...] | Unknown | None

    @property
    def region(self) -> str:
        """The region, or nothing when it is not known."""
        return "" if isinstance(self.location, Unknown) else self.location

    @property
    def source(self) -> str:
        """The bucket as a source of objects."""
        return f"s3://{self.name}"

    def unknown(self) -> tuple[Unknown, ...]:
        """All pieces that are not known, those of the account included."""
        names = [name for name in ACTIONS if name in self.__dataclass_fields__ and name != "account"]
        account = self.account
        pieces = [getattr(self, name) for name in names]
        pieces += [account.account, account.organisation, account.block, account.buckets]
        return tuple(dict.fromkeys(piece for piece in pieces if isinstance(piece, Unknown)))

    def to_json(self) -> str:
        """All of it, with sorted keys: equal for equal states. The account's other buckets are left out."""
        data = asdict(self)
        data["account"].pop("buckets")
        return json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
