"""The key of the default encryption is never rotated."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Only of customers' symmetric keys, whose material KMS made."""
    key = known(state.key)
    if key is None or key.manager == "AWS":
        return not_applicable("no key of the customer, or AWS rotates it")
    rotates = known(state.key_rotation)
    if rotates is None:
        return not_applicable("KMS cannot rotate a key of this kind")
    if not rotates:
        return failed("automatic rotation is off", key=key.arn)
    return passed("automatic rotation is on", key=key.arn)


CHECK = Check(
    id="kms_rotation_off",
    title="The encryption key is not rotated",
    severity=Severity.MEDIUM,
    fix="Turn on automatic rotation of the key; what is encrypted already stays readable.",
    reference="https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    needs=("encryption", "key", "key_rotation"),
    judge=judge,
)
