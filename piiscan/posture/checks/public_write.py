"""Everybody may change what is in the bucket."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, all_of, any_of, perhaps
from piiscan.posture.policy import Circle, Reach


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Grants to everybody of writing, deleting or managing, in effect."""

    def by_policy() -> bool:
        return all_of(lambda: _from_policy(state, circle) != [], lambda: effect.public_by_policy(state, circle))

    def by_acl() -> bool:
        return bool(effect.acl_can(effect.public_acl_grants(state)) & effect.CHANGES)

    if not any_of(by_policy, by_acl):
        return passed("nobody from outside may change it without being named")
    can = set(effect.acl_can(perhaps(lambda: effect.public_acl_grants(state)) or ()) & effect.CHANGES)
    if perhaps(by_policy):
        can |= set(_from_policy(state, circle))
    told = sorted(can)
    return failed(f"everybody may {', '.join(told)}", extent=len(told), can=told)


def _from_policy(state: BucketState, circle: Circle) -> list[str]:
    grants = effect.policy_access(state, circle).grants
    return sorted({word for g in grants if g.who is Reach.EVERYONE for word in g.can & effect.CHANGES})


CHECK = Check(
    id="public_write",
    title="Everybody may change the bucket",
    severity=Severity.CRITICAL,
    fix="Turn on all four settings of the block of public access, and look for objects that you did not put there.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    needs=("policy", "policy_status", "acl", "ownership", "block", "account_block"),
    judge=judge,
)
