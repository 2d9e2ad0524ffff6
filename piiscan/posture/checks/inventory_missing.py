"""No inventory says what is in the bucket."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """No S3 Inventory that is enabled."""
    found = [one.id for one in known(state.inventory) if one.enabled]
    if found:
        return passed("inventories: " + ", ".join(found), inventories=found)
    return failed("no S3 Inventory is made of it")


CHECK = Check(
    id="inventory_missing",
    title="There is no inventory",
    severity=Severity.LOW,
    fix="Configure an S3 Inventory; `piiscan scan --from-inventory` lists by it, too.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html",
    needs=("inventory",),
    judge=judge,
)
