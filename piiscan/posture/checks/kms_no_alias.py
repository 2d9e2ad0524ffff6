"""The encryption key has no alias."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Of customers' keys."""
    key = known(state.key)
    if key is None or key.manager == "AWS" or key.state == "Missing":
        return not_applicable("no key of the customer")
    aliases = known(state.key_aliases) or ()
    if not aliases:
        return failed("the key has no alias", key=key.arn)
    return passed("the key is " + ", ".join(aliases), key=key.arn, aliases=list(aliases))


CHECK = Check(
    id="kms_no_alias",
    title="The encryption key has no alias",
    severity=Severity.LOW,
    fix="Give the key an alias that says what it is for, so that nobody deletes it by mistake.",
    reference="https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    needs=("encryption", "key", "key_aliases"),
    judge=judge,
)
