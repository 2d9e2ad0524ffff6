"""A website serves the bucket to everybody."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState, all_of, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Website hosting is on, serves objects, and the bucket is public."""

    def serves() -> bool:
        website = known(state.website)
        return website is not None and not website.redirect

    if all_of(serves, lambda: effect.public(state, circle)):
        return failed("its website serves objects to everybody, over plain HTTP")
    if state.website is None:
        return passed("website hosting is off")
    return passed("no website serves it to everybody")


CHECK = Check(
    id="public_by_website",
    title="A website serves the bucket to everybody",
    severity=Severity.MEDIUM,
    fix="Serve the site through CloudFront with origin access control, and turn website hosting off.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteAccessPermissionsReqd.html",
    needs=("website", "policy", "policy_status", "acl", "ownership", "block", "account_block"),
    judge=judge,
)
