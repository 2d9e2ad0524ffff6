"""Some setting of the account's block of public access is off."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Which of the four are off."""
    off = known(state.account.block).off
    if not off:
        return passed("all four settings are on")
    return failed("off at the account: " + ", ".join(off), extent=len(off), off=list(off))


CHECK = Check(
    id="block_public_access_account",
    title="Block public access is not complete at the account",
    severity=Severity.MEDIUM,
    fix="Turn on all four settings for the account; a bucket that must be public belongs into an account of its own.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-account.html",
    needs=("account", "account_block"),
    judge=judge,
)
