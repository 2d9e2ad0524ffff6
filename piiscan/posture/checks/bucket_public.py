"""Everybody may reach the bucket, by whatever way."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, perhaps
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Public by policy or by ACL, blocks of public access taken into account."""
    if not effect.public(state, circle):
        return passed("neither policy nor ACL lets everybody in")
    by_policy = perhaps(lambda: effect.public_by_policy(state, circle))
    by_acl = perhaps(lambda: bool(effect.public_acl_grants(state)))
    ways = [name for name, on in (("policy", by_policy), ("ACL", by_acl)) if on]
    return failed(f"everybody may reach it, by its {' and its '.join(ways)}", ways=ways)


CHECK = Check(
    id="bucket_public",
    title="The bucket is public",
    severity=Severity.HIGH,
    macie="Policy:IAMUser/S3BucketPublic",
    fix="Turn on all four settings of the bucket's block of public access; then take the grant out of policy and ACL.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    needs=("policy", "policy_status", "acl", "ownership", "block", "account_block"),
    judge=judge,
)
