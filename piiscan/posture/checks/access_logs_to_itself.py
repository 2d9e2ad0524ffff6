"""The bucket logs into itself."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Each log that is delivered is a request that is logged, too."""
    found = known(state.logging)
    if found is None:
        return not_applicable("server access logging is off")
    if found.bucket == state.name:
        return failed(f"logs go into the bucket itself, below {found.prefix or '/'}", prefix=found.prefix)
    return passed(f"logs go to {found.bucket}")


CHECK = Check(
    id="access_logs_to_itself",
    title="Access logs go into the bucket itself",
    severity=Severity.LOW,
    fix="Send the logs to a bucket of their own, to which nobody but S3's log delivery may write.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    needs=("logging",),
    judge=judge,
)
