"""Versions are not kept."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Never on, or suspended."""
    found = known(state.versioning)
    if found.status == "Enabled":
        return passed("versioning is on")
    return failed("versioning is suspended" if found.status else "versioning was never on", status=found.status)


CHECK = Check(
    id="versioning_off",
    title="Versioning is off",
    severity=Severity.MEDIUM,
    fix="Turn versioning on, with a lifecycle that drops old versions after a while.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
    needs=("versioning",),
    judge=judge,
)
