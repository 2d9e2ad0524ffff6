"""The bucket may be reached without TLS."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """No statement denies every request with aws:SecureTransport false."""
    if effect.policy_access(state, circle).tls_only:
        return passed("its policy denies plain HTTP")
    return failed(
        "its policy does not deny plain HTTP, or not to all" if state.policy else "it has no policy that would"
    )


CHECK = Check(
    id="tls_not_required",
    title="The bucket may be reached over plain HTTP",
    severity=Severity.MEDIUM,
    fix="Deny s3:* to everybody where aws:SecureTransport is false, for the bucket and its objects.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    needs=("policy",),
    judge=judge,
)
