"""A document judged: from its statements to the access that is left.

Source: AWS, IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from piiscan.posture.policy import resources as of
from piiscan.posture.policy import status, words
from piiscan.posture.policy.actions import actions_of
from piiscan.posture.policy.callers import FOR_ANYONE, callers_of
from piiscan.posture.policy.conditions import FREE, Given
from piiscan.posture.policy.model import Access, Circle, Grant, Reach
from piiscan.posture.policy.parse import Statement, statements_of
from piiscan.posture.policy.places import places_of
from piiscan.posture.policy.weigh import Left, Universe, Weighing


def analyse(document: Mapping[str, Any] | None, bucket: str, circle: Circle) -> Access:
    """The access that a bucket's policy gives; None: the bucket has no policy. Malformed parts never raise."""
    problems: list[str] = []
    statements = statements_of(document, problems)
    resources = of.resources_of([one.resources for one in statements], bucket)
    return _judged(statements, resources, "s3", bucket, circle, problems)


def analyse_key_policy(document: Mapping[str, Any] | None, key_arn: str, circle: Circle) -> Access:
    """The access that a KMS key's policy gives: read is decrypting, write encrypting; the rest as for buckets."""
    problems: list[str] = []
    statements = statements_of(document, problems)
    return _judged(statements, of.key_resource(key_arn), "kms", key_arn, circle, problems)


def _judged(
    statements: Sequence[Statement],
    resources: Sequence[of.Resource],
    service: str,
    thing: str,
    circle: Circle,
    problems: list[str],
) -> Access:
    if not statements:
        return Access(problems=tuple(problems))
    tests = [test for one in statements for test in one.tests]
    universe = Universe(
        callers_of(statements, circle),
        places_of(tests, circle),
        actions_of([one.actions for one in statements], service),
        resources,
        _world(circle),
    )
    weighing = Weighing(statements, universe)
    grants: list[Grant] = []
    found: list[Left] = []
    sentences: list[str] = []
    noun = "the key" if service == "kms" else "objects"
    for allow in statements:
        problems.extend(words.problems(allow))
        left = weighing.left_of(allow) if allow.allow else []
        found.extend(left)
        made = _grants(allow, left, weighing.denies, universe)
        objects = of.words_of(allow.resources, thing) if service == "s3" else ""
        grants.extend(made)
        sentences.extend(words.sentence(grant, objects, circle, noun) for grant in made)
    reach = max((grant.who for grant in grants), default=Reach.NOBODY)
    return Access(
        public=any(status.public(one) and weighing.asks(one) for one in statements if one.allow),
        everyone=reach is Reach.EVERYONE,
        grants=tuple(grants),
        reach=reach,
        external_accounts=frozenset(
            one.account for one in found if one.reach is Reach.ACCOUNTS and one.account.isdecimal()
        ),
        external_organisations=frozenset(one.organisation for one in found if one.reach is Reach.ORGANISATIONS),
        cloudfront=any(one.cloudfront for one in found),
        tls_only=weighing.tls_only(),
        words=tuple(dict.fromkeys(sentences)) or ("nobody is given access by the policy",),
        problems=tuple(dict.fromkeys([*problems, *_confused(found)])),
    )


def _world(circle: Circle) -> Callable[[str], Given]:
    """What requests carry besides who calls and from where: the time, the owner; the rest is the caller's choice."""
    now = datetime.now(UTC)
    known: dict[str, Given] = {
        "aws:currenttime": (now.isoformat(),),
        "aws:epochtime": (str(int(now.timestamp())),),
        "aws:resourceaccount": (circle.account,),
        "s3:resourceaccount": (circle.account,),
    }
    if circle.organisation:
        known["aws:resourceorgid"] = (circle.organisation,)
    return lambda key: known.get(key, FREE)


def _grants(allow: Statement, left: Sequence[Left], denies: Sequence[Statement], universe: Universe) -> list[Grant]:
    """One grant for each reach with the same verbs and conditions."""
    groups: dict[tuple[Reach, frozenset[str], tuple[str, ...]], set[str]] = defaultdict(set)
    for one in left:
        told = words.conditions(allow, one, denies, universe.places)
        groups[one.reach, frozenset(one.verbs), told].add(one.label)
    made = [
        Grant(who, tuple(sorted(labels - {""})), can, told, allow.name) for (who, can, told), labels in groups.items()
    ]
    return sorted(made, key=lambda grant: (-grant.who, grant.principals, sorted(grant.can)))


def _confused(found: Sequence[Left]) -> list[str]:
    """Services that act for whichever account asks: said, since no account is named."""
    return [f"{one.label}: no condition says for whom it may act" for one in found if one.label.endswith(FOR_ANYONE)]
