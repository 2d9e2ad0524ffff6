"""Somebody outside the circle of trust may change what is in the bucket."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, any_of, known, perhaps
from piiscan.posture.policy import Circle, Reach

OUTSIDE = (Reach.ACCOUNTS, Reach.ORGANISATIONS, Reach.NETWORK)


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Writing, deleting or managing by those who are named; what everybody may is `public_write`."""
    if not any_of(lambda: bool(_by_policy(state, circle)), lambda: bool(_by_acl(state))):
        return passed("nobody outside the circle of trust may change it")
    found = sorted({*(perhaps(lambda: _by_policy(state, circle)) or ()), *(perhaps(lambda: _by_acl(state)) or ())})
    return failed("may change it: " + ", ".join(found), extent=len(found), principals=found)


def _by_policy(state: BucketState, circle: Circle) -> set[str]:
    grants = [g for g in effect.policy_grants(state, circle) if g.who in OUTSIDE and g.can & effect.CHANGES]
    if grants:
        known(state.account.account)  # or they may be the own one
    if any(grant.who is Reach.ORGANISATIONS for grant in grants):
        known(state.account.organisation)
    return {name for grant in grants for name in grant.principals or ("whoever comes from certain networks",)}


def _by_acl(state: BucketState) -> set[str]:
    return {grant.who for grant in effect.other_acl_grants(state) if effect.acl_can([grant]) & effect.CHANGES}


CHECK = Check(
    id="cross_account_write",
    title="Others may change the bucket",
    severity=Severity.HIGH,
    fix="Give others reading only, or let them write into a bucket that is for nothing else.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html",
    needs=("policy", "policy_status", "acl", "ownership", "block", "account_block", "account", "organisation"),
    judge=judge,
)
