"""Accounts outside the circle of trust are let in."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Which they are, by policy or ACL."""
    found = effect.outside_accounts(state, circle)
    if not found:
        return passed("no account outside the circle of trust is named")
    return failed("shared with " + ", ".join(found), extent=len(found), accounts=list(found))


CHECK = Check(
    id="shared_with_accounts",
    title="The bucket is shared with other accounts",
    severity=Severity.HIGH,
    fix="Take the grant away; or, when it is meant, name the account under [posture].",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html",
    needs=("policy", "policy_status", "acl", "ownership", "block", "account_block", "account"),
    part_of="bucket_shared_externally",
    judge=judge,
)
