"""Access to a bucket in effect: what its policy and ACL give, less what blocks of public access and ownership take.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage" and "Controlling ownership of objects".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from piiscan.posture.model import (
    AclGrant,
    BucketState,
    Grantee,
    NotKnown,
    PublicAccessBlock,
    Unknown,
    Why,
    all_of,
    any_of,
    known,
    perhaps,
)
from piiscan.posture.policy import Access, Circle, Grant, Reach, analyse

ENFORCED = "BucketOwnerEnforced"
"""The object ownership under which ACLs are without effect."""
PUBLIC = (Grantee.EVERYONE, Grantee.AUTHENTICATED)
"""Anybody can have an AWS account, so S3 calls both public."""
CHANGES = frozenset({"write", "delete", "manage"})
"""What may change a bucket, in the words of the policy analysis."""
_WRITES = {"WRITE": {"write", "delete"}, "WRITE_ACP": {"manage"}, "FULL_CONTROL": {"read", "list", *CHANGES}}
"""What a permission of a bucket's ACL lets do. Source: S3 User Guide, "Access control list (ACL) overview"."""
_SERVICE = re.compile(r"(?:any AWS service|[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?)(?: for .*)?$")
"""How the policy analysis names services."""
_DISTRIBUTION = re.compile(r"(?::distribution/|Origin Access Identity )(\w+)")
_READS = {"READ": {"list"}, "READ_ACP": {"list"}}


def policy_access(state: BucketState, circle: Circle) -> Access:
    """What the policy says, blocks of public access left aside. Raises: NotKnown."""
    document = known(state.policy)
    return _analysed("" if document is None else json.dumps(document), state.name, circle)


@lru_cache(maxsize=64)
def _analysed(document: str, bucket: str, circle: Circle) -> Access:
    """Kept, since a dozen checks of one bucket ask for it."""
    return analyse(json.loads(document) if document else None, bucket, circle)


def called_public(state: BucketState, circle: Circle) -> bool:
    """Whether the policy is public, by S3's own word or by our reading: one is enough. Raises: NotKnown."""
    if not isinstance(state.policy, Unknown) and state.policy is None:
        return False

    def by_us() -> bool:
        access = policy_access(state, circle)
        return access.public or access.everyone

    if _lacks(state.policy_status):
        return by_us()  # the server has no word of its own
    return any_of(lambda: bool(known(state.policy_status)), by_us)


def _lacks(piece: object) -> bool:
    """Whether the server has no such thing: what it does not have takes no access away."""
    return isinstance(piece, Unknown) and piece.why is Why.UNSUPPORTED


def _blocks(state: BucketState, setting: Callable[[PublicAccessBlock], bool]) -> bool:
    """Whether a setting is on at the bucket or the account. Raises: NotKnown."""
    pieces = [piece for piece in (state.block, state.account.block) if not _lacks(piece)]
    return any_of(*(lambda piece=piece: setting(known(piece)) for piece in pieces))


def restricted(state: BucketState) -> bool:
    """Whether a public policy lets nobody in but the own account and services of AWS. Raises: NotKnown."""
    return _blocks(state, lambda block: block.restrict)


def public_by_policy(state: BucketState, circle: Circle) -> bool:
    """Whether the policy is public and nothing blocks that. Raises: NotKnown."""
    return all_of(lambda: called_public(state, circle), lambda: not _closed(state, circle))


def _closed(state: BucketState, circle: Circle) -> bool:
    """Whether a public policy is kept from everybody; not one that S3 does not call so, though it lets everybody in."""
    disagree = state.policy_status is False and not isinstance(state.policy, Unknown)
    return restricted(state) and not (disagree and policy_access(state, circle).everyone)


def _of_services(grant: Grant) -> bool:
    """Whether all that a grant means are services of AWS, for whomever they act."""
    return bool(grant.principals) and all(_SERVICE.match(name) for name in grant.principals)


def _within(grant: Grant) -> bool:
    return grant.who in (Reach.NOBODY, Reach.ACCOUNT, Reach.CLOUDFRONT) or _of_services(grant)


def _cut(state: BucketState, circle: Circle) -> bool:
    """Whether other accounts are shut out: S3 calls the policy public, and restricts it."""

    def by_s3() -> bool:
        if not isinstance(state.policy, Unknown) and state.policy is None:
            return False
        if _lacks(state.policy_status):
            return policy_access(state, circle).public
        return bool(known(state.policy_status))

    return all_of(by_s3, lambda: restricted(state))


def policy_grants(state: BucketState, circle: Circle) -> tuple[Grant, ...]:
    """The grants of the policy in effect. Raises: NotKnown.

    Where RestrictPublicBuckets meets a public policy, other accounts are shut out even by those of its statements that
    name them.
    """
    grants = tuple(policy_access(state, circle).grants)
    if all(_within(grant) for grant in grants) or not _cut(state, circle):
        return grants
    return tuple(grant for grant in grants if _within(grant))


def acl_in_force(state: BucketState) -> bool:
    """Whether ACLs have any effect. Raises: NotKnown."""
    return _lacks(state.ownership) or known(state.ownership) != ENFORCED


def _ignored(state: BucketState) -> bool:
    return _blocks(state, lambda block: block.ignore_acls)


def _acl_grants(state: BucketState, grantees: Iterable[Grantee]) -> tuple[AclGrant, ...]:
    return tuple(grant for grant in known(state.acl) if grant.grantee in grantees)


def public_acl_grants(state: BucketState) -> tuple[AclGrant, ...]:
    """The grants of the ACL to everybody that are in effect. Raises: NotKnown."""
    if perhaps(lambda: acl_in_force(state)) is False or perhaps(lambda: _ignored(state)):
        return ()  # whatever it says
    grants = _acl_grants(state, PUBLIC)
    if grants and all_of(lambda: acl_in_force(state), lambda: not _ignored(state)):
        return grants
    return ()


def other_acl_grants(state: BucketState) -> tuple[AclGrant, ...]:
    """The grants of the ACL to other accounts that are in effect. Raises: NotKnown."""
    if perhaps(lambda: acl_in_force(state)) is False:
        return ()
    grants = _acl_grants(state, (Grantee.OTHER,))
    return grants if grants and acl_in_force(state) else ()


def acl_can(grants: Iterable[AclGrant]) -> frozenset[str]:
    """What grants of an ACL let do, in the words of the policy analysis."""
    return frozenset(word for grant in grants for word in (_WRITES | _READS).get(grant.permission, ()))


def public(state: BucketState, circle: Circle) -> bool:
    """Whether everybody gets some access. Raises: NotKnown."""
    return any_of(lambda: public_by_policy(state, circle), lambda: bool(public_acl_grants(state)))


def outside_accounts(state: BucketState, circle: Circle) -> tuple[str, ...]:
    """Accounts outside the circle that the policy names, in effect; of the ACL, canonical ids. Raises: NotKnown."""
    missing: list[Unknown] = []
    found: set[str] = set()
    try:
        found |= _from_policy(state, circle)
    except NotKnown as err:
        missing += err.pieces
    try:
        found |= {grant.who for grant in other_acl_grants(state)}
    except NotKnown as err:
        missing += err.pieces
    if not found and missing:
        raise NotKnown(*missing)
    return tuple(sorted(found))


def _from_policy(state: BucketState, circle: Circle) -> set[str]:
    named = policy_access(state, circle).external_accounts
    if not named or _cut(state, circle):
        return set()
    known(state.account.account)  # or they may be the own one
    return set(named)


def outside_organisations(state: BucketState, circle: Circle) -> tuple[str, ...]:
    """Organisations outside the circle that the policy lets in, in effect. Raises: NotKnown."""
    named = policy_access(state, circle).external_organisations
    if not named or _cut(state, circle):
        return ()
    known(state.account.organisation)
    return tuple(sorted(named))


def cloudfront_grants(state: BucketState, circle: Circle) -> tuple[Grant, ...]:
    """Grants of the policy to CloudFront, but for those to distributions of the circle alone. Raises: NotKnown."""
    access = policy_access(state, circle)
    own = {name.rpartition("/")[2] for name in circle.distributions}
    if not access.cloudfront:
        return ()
    return tuple(grant for grant in access.grants if _of_cloudfront(grant) and not _all_of(grant, own))


def _of_cloudfront(grant: Grant) -> bool:
    return grant.who is Reach.CLOUDFRONT or any("cloudfront" in name for name in grant.principals)


def _all_of(grant: Grant, own: set[str]) -> bool:
    named = set(_DISTRIBUTION.findall(" ".join((*grant.principals, *grant.conditions))))
    return bool(named) and named <= own


def services_for_others(state: BucketState, circle: Circle) -> tuple[str, ...]:
    """Services of AWS that the policy lets in for accounts outside the circle, or for any. Raises: NotKnown."""
    found = [grant for grant in policy_grants(state, circle) if grant.who is Reach.ACCOUNTS and _of_services(grant)]
    if found:
        known(state.account.account)  # or they may act for the own one
    return tuple(sorted({name for grant in found for name in grant.principals}))


def from_networks(state: BucketState, circle: Circle) -> tuple[Grant, ...]:
    """Grants to whoever comes from certain networks, in effect. Raises: NotKnown."""
    return tuple(grant for grant in policy_grants(state, circle) if grant.who is Reach.NETWORK)


def outside_replicas(state: BucketState, circle: Circle) -> tuple[str, ...]:
    """Buckets of others that objects are replicated to: `bucket`, or `bucket of account`. Raises: NotKnown.

    A destination is somebody else's when the rule names another account, or when the account has no such bucket.
    """
    out = set()
    for replica in known(state.replication):
        if not replica.enabled or (replica.account and replica.account in circle.accounts):
            continue
        if replica.account and replica.account != known(state.account.account):
            out.add(f"{replica.bucket} of {replica.account}")
        elif not replica.account and replica.bucket not in known(state.account.buckets):
            out.add(replica.bucket)
    return tuple(sorted(out))
