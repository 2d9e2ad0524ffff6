"""CloudFront may read the bucket."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, passed
from piiscan.posture.model import BucketState
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """An origin access identity, or origin access control; what a distribution serves may be open to everybody."""
    grants = effect.cloudfront_grants(state, circle)
    if not grants:
        return passed("CloudFront is not let in, or by distributions of the circle of trust only")
    who = sorted({name for grant in grants for name in grant.principals})
    return failed("CloudFront may read it: " + ", ".join(who), extent=len(who), principals=who)


CHECK = Check(
    id="bucket_shared_with_cloudfront",
    title="The bucket is shared with CloudFront",
    severity=Severity.MEDIUM,
    macie="Policy:IAMUser/S3BucketSharedWithCloudFront",
    fix="See what the distribution serves to whom; when it is meant, name it under [posture].",
    reference="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html",
    needs=("policy",),
    judge=judge,
)
