"""Accounts or organisations outside the circle of trust are let in."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, any_of, perhaps
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Named accounts by policy or ACL, and other organisations."""
    if not any_of(
        lambda: bool(effect.outside_accounts(state, circle)),
        lambda: bool(effect.outside_organisations(state, circle)),
        lambda: bool(effect.other_acl_grants(state)),
    ):
        return passed("nobody outside the circle of trust is named")
    accounts = perhaps(lambda: effect.outside_accounts(state, circle)) or ()
    organisations = perhaps(lambda: effect.outside_organisations(state, circle)) or ()
    told = [f"account {name}" for name in accounts] + [f"organisation {name}" for name in organisations]
    return failed(
        "shared with " + ", ".join(told),
        extent=len(told),
        accounts=list(accounts),
        organisations=list(organisations),
    )


CHECK = Check(
    id="bucket_shared_externally",
    title="The bucket is shared outside the circle of trust",
    severity=Severity.HIGH,
    macie="Policy:IAMUser/S3BucketSharedExternally",
    fix="Take the grant away; or, when it is meant, name the account or organisation under [posture].",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html",
    needs=("policy", "policy_status", "acl", "ownership", "block", "account_block", "account", "organisation"),
    judge=judge,
)
