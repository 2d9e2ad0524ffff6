"""The encryption key is in another region than the bucket."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """S3 cannot use such a key: writing with the default encryption fails."""
    key = known(state.key)
    if key is None:
        return not_applicable("the default encryption has no key of KMS")
    region = known(state.location)
    if key.region != region:
        return failed(f"the key is in {key.region}, the bucket in {region}", key=key.arn, region=key.region)
    return passed(f"key and bucket are in {region}")


CHECK = Check(
    id="kms_other_region",
    title="The encryption key is in another region",
    severity=Severity.MEDIUM,
    fix="Set the default encryption to a key of the bucket's own region.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    needs=("location", "encryption", "key"),
    judge=judge,
)
