"""A service of AWS may act on the bucket for whichever account asks it to."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """The service is let in without a condition on whom it acts for (the confused deputy)."""
    found = effect.services_for_others(state, circle)
    if not found:
        return passed("no service of AWS is let in for others")
    return failed("let in: " + ", ".join(found), extent=len(found), services=list(found))


CHECK = Check(
    id="service_for_any_account",
    title="A service of AWS may act on it for others",
    severity=Severity.MEDIUM,
    fix="Add a condition on aws:SourceAccount or aws:SourceArn to the statement that names the service.",
    reference="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    needs=("policy", "policy_status", "block", "account_block", "account"),
    judge=judge,
)
