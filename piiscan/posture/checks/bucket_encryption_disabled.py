"""The default encryption is no other than what S3 does anyway."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """None, or with keys of S3's own (SSE-S3), to which Macie's finding says that it was reset."""
    found = known(state.encryption)
    if found is None:
        return failed("no default encryption", extent=1, algorithm=None)
    if not found.algorithm.startswith("aws:kms"):
        return failed(f"default encryption with keys of S3's own ({found.algorithm})", algorithm=found.algorithm)
    return passed(f"default encryption by KMS ({found.algorithm})", algorithm=found.algorithm)


CHECK = Check(
    id="bucket_encryption_disabled",
    title="The default encryption is not by a KMS key",
    severity=Severity.LOW,
    macie="Policy:IAMUser/S3BucketEncryptionDisabled",
    fix="Set the default encryption to a KMS key of your own, with a bucket key to spare requests.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html",
    needs=("encryption",),
    judge=judge,
)
