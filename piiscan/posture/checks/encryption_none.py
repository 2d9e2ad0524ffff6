"""There is no default encryption at all."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """AWS has had one for every bucket since January 2023; other servers need not."""
    found = known(state.encryption)
    if found is None:
        return failed("objects are stored as they come, unless who writes them asks for more")
    return passed(f"default encryption: {found.algorithm}")


CHECK = Check(
    id="encryption_none",
    title="There is no default encryption",
    severity=Severity.MEDIUM,
    fix="Set a default encryption; what is there already must be copied onto itself to become encrypted.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html",
    needs=("encryption",),
    judge=judge,
)
