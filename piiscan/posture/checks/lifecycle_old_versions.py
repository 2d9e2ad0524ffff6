"""Old versions stay for ever."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Only where versioning is on, or was: no enabled rule over all objects drops them."""
    if not known(state.versioning).status:
        return not_applicable("versioning was never on")
    if any(rule.enabled and rule.whole and rule.old_versions for rule in known(state.lifecycle)):
        return passed("a rule drops old versions")
    return failed("no rule for all objects drops versions that are not current")


CHECK = Check(
    id="lifecycle_old_versions",
    title="Old versions are never dropped",
    severity=Severity.LOW,
    fix="Add a lifecycle rule with NoncurrentVersionExpiration: what was deleted is still there as an old version.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html",
    needs=("versioning", "lifecycle"),
    judge=judge,
)
