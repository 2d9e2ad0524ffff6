"""The policy of the encryption key lets others in."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle, Reach, analyse_key_policy


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Whoever is outside the circle of trust and gets the key."""
    key = known(state.key)
    if key is None or key.manager == "AWS":
        return not_applicable("no key of the customer")
    document = known(state.key_policy)
    if document is None:
        return not_applicable("there is no key policy to read")
    access = analyse_key_policy(document, key.arn, circle)
    outside = [grant for grant in access.grants if grant.who > Reach.ORGANISATION]
    if not outside:
        return passed("the key policy lets nobody in from outside the circle of trust", key=key.arn)
    known(state.account.account)  # or it may be the own one
    if all(grant.who is Reach.ORGANISATIONS for grant in outside):
        known(state.account.organisation)
    who = sorted({name for grant in outside for name in grant.principals or ("everybody",)})
    return failed(
        "the key policy lets in " + ", ".join(who),
        extent=len(who),
        key=key.arn,
        principals=who,
        access=list(access.words),
    )


CHECK = Check(
    id="kms_key_policy_open",
    title="The encryption key is open to others",
    severity=Severity.HIGH,
    fix="Take the statement out of the key policy, or narrow it by kms:CallerAccount or aws:PrincipalOrgID.",
    reference="https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
    needs=("encryption", "key", "key_policy", "account", "organisation"),
    judge=judge,
)
