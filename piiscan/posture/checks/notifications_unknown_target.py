"""Events of the bucket are told to somebody else."""

from __future__ import annotations

from piiscan.model import Severity
from piiscan.posture.check import Check, Verdict, failed, not_applicable, passed
from piiscan.posture.model import BucketState, known
from piiscan.posture.policy import Circle


def judge(state: BucketState, circle: Circle) -> Verdict:
    """Topics, queues and functions of accounts outside the circle of trust; keys of objects go there."""
    targets = known(state.notifications).targets
    if not targets:
        return not_applicable("no topic, queue or function is told")
    others = [arn for arn in targets if _account(arn) not in circle.accounts]
    if others:
        own = known(state.account.account)
        others = [arn for arn in others if _account(arn) != own]
    if not others:
        return passed("told to the circle of trust only", targets=list(targets))
    return failed("events go to " + ", ".join(others), extent=len(others), targets=others)


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""


CHECK = Check(
    id="notifications_unknown_target",
    title="Event notifications go to others",
    severity=Severity.MEDIUM,
    fix="Take the target out of the notifications; or, when it is meant, name its account under [posture].",
    reference="https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html",
    needs=("notifications", "account"),
    judge=judge,
)
