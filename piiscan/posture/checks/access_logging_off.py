"""Nobody writes down who reads the bucket."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Server access logs; data events of a trail are not seen here."""
    found = known(state.logging)
    if found is None:
        return failed("server access logging is off")
    return passed(f"logs go to {found.bucket}/{found.prefix}", bucket=found.bucket)


CHECK = Check(
    id="access_logging_off",
    title="Access logging is off",
    severity=Severity.MEDIUM,
    fix="Turn server access logging on, into another bucket; or have a trail record the data events of this one.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
    needs=("logging",),
    judge=judge,
)
