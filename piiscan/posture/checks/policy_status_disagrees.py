"""S3 and our reading of the policy say different things."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture import effect
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """S3's policy status beside S3's definition of public as we read it; both are shown."""
    document, status = known(state.policy), known(state.policy_status)
    if document is None and status is None:
        return not_applicable("it has no policy")
    ours = effect.policy_access(state, circle).public
    said = f"S3 says {_word(bool(status))}, our reading of the policy says {_word(ours)}"
    if bool(status) == ours:
        return passed(said, policy_status=status, reading=ours)
    return failed(said, policy_status=status, reading=ours)


def _word(public: bool) -> str:
    return "public" if public else "not public"


CHECK = Check(
    id="policy_status_disagrees",
    title="S3's policy status and our reading of the policy disagree",
    severity=Severity.MEDIUM,
    fix="Read the policy by eye, and take it for public until then; tell us, it may be our mistake.",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html",
    needs=("policy", "policy_status"),
    judge=judge,
)
