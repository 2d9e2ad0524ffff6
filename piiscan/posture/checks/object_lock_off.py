"""Objects may be deleted or overwritten at any time."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Whether object lock is on; a default retention is told, not asked for."""
    found = known(state.object_lock)
    if found is None:
        return failed("object lock is off")
    if found.mode:
        return passed(f"object lock is on, {found.days} days {found.mode}", mode=found.mode, days=found.days)
    return passed("object lock is on, without a default retention")


CHECK = Check(
    id="object_lock_off",
    title="Object lock is off",
    severity=Severity.LOW,
    fix="Turn object lock on where records or backups must be kept.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",
    needs=("object_lock",),
    judge=judge,
)
