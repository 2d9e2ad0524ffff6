"""Objects are copied to a bucket of somebody else."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """The rule names another account, or the account has no such bucket."""
    if not known(state.replication):
        return not_applicable("nothing is replicated")
    found = effect.outside_replicas(state, circle)
    if not found:
        return passed("replicated within the circle of trust")
    return failed("replicated to " + ", ".join(found), extent=len(found), destinations=list(found))


CHECK = Check(
    id="bucket_replicated_externally",
    title="The bucket is replicated outside the circle of trust",
    severity=Severity.HIGH,
    macie="Policy:IAMUser/S3BucketReplicatedExternally",
    fix="Stop the rule; or, when it is meant, name the account under [posture], and say Account in the rule.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html",
    needs=("replication", "account", "buckets"),
    judge=judge,
)
