"""The policy lets everybody in."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, Unknown, perhaps
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Public by S3's own word (policy status) or by our reading, and not blocked; both are shown."""
    if not effect.public_by_policy(state, circle):
        if state.policy is None:
            return passed("it has no policy")
        if perhaps(lambda: effect.called_public(state, circle)):
            return passed("its policy is public, but RestrictPublicBuckets keeps everybody out")
        return passed("its policy is not public")
    status = None if isinstance(state.policy_status, Unknown) else bool(state.policy_status)
    access = perhaps(lambda: effect.policy_access(state, circle))
    said = {True: "public", False: "not public", None: "not known"}
    words = [f"S3's policy status: {said[status]}"]
    if access is not None:
        words.append(f"our reading: {said[access.public]}")
        words += access.words
    everyone = None if access is None else access.everyone
    ours = None if access is None else access.public
    return failed("; ".join(words), policy_status=status, reading=ours, everyone=everyone)


CHECK = Check(
    id="public_by_policy",
    title="The bucket policy is public",
    severity=Severity.HIGH,
    fix="Name the principals in the policy, or turn on RestrictPublicBuckets.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    needs=("policy", "policy_status", "block", "account_block"),
    part_of="bucket_public",
    judge=judge,
)
