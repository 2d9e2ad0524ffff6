"""Parts of broken uploads stay for ever."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """No enabled rule over all objects drops them."""
    days = [rule.abort_days for rule in known(state.lifecycle) if rule.enabled and rule.whole and rule.abort_days]
    if days:
        return passed(f"dropped after {min(days)} days", days=min(days))
    return failed("no rule for all objects drops the parts of incomplete uploads")


CHECK = Check(
    id="lifecycle_incomplete_uploads",
    title="Incomplete uploads are never dropped",
    severity=Severity.LOW,
    fix="Add a lifecycle rule with AbortIncompleteMultipartUpload: such parts are paid for, and no listing shows them.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html",
    needs=("lifecycle",),
    judge=judge,
)
