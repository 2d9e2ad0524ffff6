"""The encryption key belongs to somebody else."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """An account outside the circle of trust could take the key away."""
    key = known(state.key)
    if key is None or key.manager == "AWS" or not key.account:
        return not_applicable("no key of the customer, or it is not known whose")
    if key.account in circle.accounts or key.account == known(state.account.account):
        return passed(f"the key is of account {key.account}", key=key.arn)
    return failed(f"the key is of account {key.account}", key=key.arn, account=key.account)


CHECK = Check(
    id="kms_other_account",
    title="The encryption key belongs to another account",
    severity=Severity.MEDIUM,
    fix="Set the default encryption to a key of your own; or name the account under [posture] when it is yours.",
    reference="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
    needs=("encryption", "key", "account"),
    judge=judge,
)
