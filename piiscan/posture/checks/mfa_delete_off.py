"""Versions may be deleted without a second factor."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Only where versioning is on, or was."""
    found = known(state.versioning)
    if not found.status:
        return not_applicable("versioning was never on")
    return passed("MFA delete is on") if found.mfa_delete else failed("MFA delete is off")


CHECK = Check(
    id="mfa_delete_off",
    title="MFA delete is off",
    severity=Severity.LOW,
    fix="Turn MFA delete on as the root user; or keep versions by object lock, which does the same without a device.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html",
    needs=("versioning",),
    judge=judge,
)
