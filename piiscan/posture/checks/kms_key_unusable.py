"""The encryption key cannot be used, or soon will not be."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Pending deletion, disabled, without material, or not there at all."""
    key = known(state.key)
    if key is None:
        return not_applicable("the default encryption has no key of KMS")
    if key.state in ("Enabled", "Creating", "Updating"):
        return passed("the key can be used", state=key.state)
    gone = key.state in ("PendingDeletion", "Missing")
    return failed(f"the key's state is {key.state}", extent=2 if gone else 1, key=key.arn, state=key.state)


CHECK = Check(
    id="kms_key_unusable",
    title="The encryption key is disabled, missing or about to be deleted",
    severity=Severity.HIGH,
    fix="Cancel the deletion or enable the key: what it encrypts cannot be read without it.",
    reference="https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
    needs=("encryption", "key"),
    judge=judge,
)
