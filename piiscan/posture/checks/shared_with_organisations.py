"""Organisations outside the circle of trust are let in."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Which they are."""
    found = effect.outside_organisations(state, circle)
    if not found:
        return passed("no organisation outside the circle of trust is let in")
    return failed("shared with all accounts of " + ", ".join(found), extent=len(found), organisations=list(found))


CHECK = Check(
    id="shared_with_organisations",
    title="The bucket is shared with another organisation",
    severity=Severity.HIGH,
    fix="Take the grant away; or, when it is meant, name the organisation under [posture].",
    reference="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
    needs=("policy", "policy_status", "block", "account_block", "organisation"),
    part_of="bucket_shared_externally",
    judge=judge,
)
