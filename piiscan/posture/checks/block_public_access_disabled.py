"""No setting of the bucket's block of public access is on."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known, perhaps
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """All four are off at the bucket, whatever the account's are."""
    off = known(state.block).off
    if len(off) < 4:
        return passed(f"{4 - len(off)} of 4 settings are on")
    of_account = perhaps(lambda: len(known(state.account.block).off))
    told = "not known" if of_account is None else f"{4 - of_account} of 4 on"
    return failed(f"all four settings are off at the bucket (at the account: {told})", off=list(off))


CHECK = Check(
    id="block_public_access_disabled",
    title="Block public access is off at the bucket",
    severity=Severity.HIGH,
    macie="Policy:IAMUser/S3BlockPublicAccessDisabled",
    fix="Turn on all four settings of the bucket's block of public access.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-bucket.html",
    needs=("block",),
    judge=judge,
)
