"""ACLs have an effect."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.effect import ENFORCED
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Any object ownership but BucketOwnerEnforced."""
    found = known(state.ownership)
    if found == ENFORCED:
        return passed("ACLs are off")
    return failed(f"object ownership is {found or 'not configured'}: ACLs of bucket and objects count", ownership=found)


CHECK = Check(
    id="acls_enabled",
    title="ACLs are on",
    severity=Severity.LOW,
    fix="Set object ownership to BucketOwnerEnforced, once what ACLs give is in policies.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
    needs=("ownership",),
    judge=judge,
)
