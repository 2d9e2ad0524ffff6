"""The key of the default encryption is one that AWS manages."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """The policy of a key of AWS's cannot be changed, and other accounts cannot be given it."""
    key = known(state.key)
    if key is None:
        return not_applicable("the default encryption has no key of KMS")
    if key.manager == "AWS":
        return failed("the key is aws/s3, which AWS manages", key=key.arn)
    return passed("the key is the customer's", key=key.arn)


CHECK = Check(
    id="kms_key_of_aws",
    title="The default encryption uses a key that AWS manages",
    severity=Severity.LOW,
    fix="Make a key of your own, whose policy says who may decrypt, and set the default encryption to it.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    needs=("encryption", "key"),
    judge=judge,
)
