"""How far a bucket is exposed: from nobody but its account to everybody, with the reasons; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from piiscan.posture import effect
from piiscan.posture.model import BucketState, known, perhaps
from piiscan.posture.policy import Circle, Reach

STEPS: Mapping[Reach, float] = {
    Reach.NOBODY: 0.0,
    Reach.ACCOUNT: 0.0,
    Reach.ORGANISATION: 0.1,
    Reach.CLOUDFRONT: 0.3,
    Reach.ACCOUNTS: 0.4,
    Reach.ORGANISATIONS: 0.6,
    Reach.NETWORK: 0.8,
    Reach.EVERYONE: 1.0,
}
"""The exposure by who is let in at the most (own choice; docs/risk.md)."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who may read a bucket; None: not known."""

    public: bool | None
    shared: bool | None
    """With accounts or organisations outside the circle, CloudFront, or whoever comes from certain networks."""
    shared_with: tuple[str, ...] | None
    replicated: bool | None
    """To a bucket of somebody else."""
    encrypted: bool | None
    """Whether there is a default encryption, of any kind."""
    value: float | None
    """0 to 1; None while what could raise it is not known."""
    reasons: tuple[str, ...]


def _shared_with(state: BucketState, circle: Circle) -> tuple[str, ...]:
    found = [f"account {name}" for name in effect.outside_accounts(state, circle)]
    found += [f"organisation {name}" for name in effect.outside_organisations(state, circle)]
    if effect.cloudfront_grants(state, circle):
        found.append("CloudFront")
    found += effect.services_for_others(state, circle)
    if effect.from_networks(state, circle):
        found.append("certain networks")
    effect.other_acl_grants(state)  # must be known before nobody else is said to be let in
    return tuple(found)


def _reach(state: BucketState, circle: Circle) -> Reach:
    own = set(effect.policy_access(state, circle).grants) - set(effect.cloudfront_grants(state, circle))
    found = [
        Reach.ACCOUNT if grant in own and grant.who is Reach.CLOUDFRONT else grant.who
        for grant in effect.policy_grants(state, circle)
    ]
    if effect.public_acl_grants(state):
        found.append(Reach.EVERYONE)
    if effect.other_acl_grants(state) or effect.outside_replicas(state, circle):
        found.append(Reach.ACCOUNTS)
    return max(found, default=Reach.NOBODY)


def exposure(state: BucketState, circle: Circle) -> Exposure:
    """The exposure of a bucket."""
    public = perhaps(lambda: effect.public(state, circle))
    with_whom = perhaps(lambda: _shared_with(state, circle))
    replicas = perhaps(lambda: effect.outside_replicas(state, circle))
    encrypted = perhaps(lambda: known(state.encryption) is not None)
    value: float | None = None
    if public:
        value = 1.0
    elif public is not None and with_whom is not None and replicas is not None:
        reach = perhaps(lambda: _reach(state, circle))
        value = None if reach is None else STEPS[reach]
    reasons = []
    if public:
        reasons.append("everybody may reach it")
    if with_whom:
        reasons.append("shared with " + ", ".join(with_whom))
    if replicas:
        reasons.append("replicated to " + ", ".join(replicas))
    if value is not None and not reasons:
        reasons.append("open to the own organisation" if value else "open to nobody but its own account")
    shared = None if with_whom is None else bool(with_whom)
    replicated = None if replicas is None else bool(replicas)
    return Exposure(public, shared, with_whom, replicated, encrypted, value, tuple(reasons))
