"""Whoever comes from certain networks is let in."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Grants to everybody that hold only from addresses, VPCs or endpoints."""
    found = effect.from_networks(state, circle)
    if not found:
        return passed("no network opens it to whoever is in there")
    conditions = sorted({word for grant in found for word in grant.conditions})
    return failed(
        "open without a name to whoever comes from certain networks: " + "; ".join(conditions),
        extent=len(found),
        conditions=conditions,
    )


CHECK = Check(
    id="shared_with_networks",
    title="The bucket is open to everybody in certain networks",
    severity=Severity.MEDIUM,
    fix="Name the principals as well as the network.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies-vpc-endpoint.html",
    needs=("policy", "policy_status", "block", "account_block"),
    judge=judge,
)
