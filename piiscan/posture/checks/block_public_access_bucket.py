"""Some setting of the bucket's block of public access is off."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Which of the four are off."""
    off = known(state.block).off
    if not off:
        return passed("all four settings are on")
    return failed("off at the bucket: " + ", ".join(off), extent=len(off), off=list(off))


CHECK = Check(
    id="block_public_access_bucket",
    title="Block public access is not complete at the bucket",
    severity=Severity.MEDIUM,
    fix="Turn on all four settings of the bucket's block of public access.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-bucket.html",
    needs=("block",),
    judge=judge,
)
