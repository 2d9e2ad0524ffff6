"""The ACL lets everybody in."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, perhaps
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Grants to everybody, or to any AWS account, that are in effect."""
    grants = effect.public_acl_grants(state)
    if not grants:
        if perhaps(lambda: effect.acl_in_force(state)) is False:
            return passed("ACLs are off")
        return passed("its ACL grants nothing to everybody, or such grants are ignored")
    told = sorted({f"{grant.permission} to {grant.grantee}" for grant in grants})
    return failed("its ACL grants " + ", ".join(told), extent=len(told), grants=told)


CHECK = Check(
    id="public_by_acl",
    title="The bucket's ACL is public",
    severity=Severity.HIGH,
    fix="Set object ownership to BucketOwnerEnforced, which turns ACLs off, or turn on IgnorePublicAcls.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
    needs=("acl", "ownership", "block", "account_block"),
    part_of="bucket_public",
    judge=judge,
)
