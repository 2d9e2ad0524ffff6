"""Policies with known effective access: one case a document, from the tables in policies/."""

from __future__ import annotations

import pytest

from piiscan.posture.policy import Circle, Reach, analyse
from tests.posture.cases import CASES, Case, judged


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_effective_access(case: Case) -> None:
    access = judged(case)
    widest = [grant for grant in access.grants if grant.who is access.reach]
    found = {
        "public": access.public,
        "everyone": access.everyone,
        "reach": access.reach.name,
        "can": sorted({verb for grant in widest for verb in grant.can}),
        "external": sorted(access.external_accounts),
        "organisations": sorted(access.external_organisations),
        "cloudfront": access.cloudfront,
        "tls_only": access.tls_only,
    }
    assert found == case.expected, (case.why, access.words, access.problems)


def test_there_are_enough_documents() -> None:
    assert len(CASES) >= 150
    assert len({case.id for case in CASES}) == len(CASES)
    assert {case.expected["reach"] for case in CASES} == {reach.name for reach in Reach}


def test_accounts_and_patterns_by_the_thousand_are_all_told() -> None:
    accounts = [str(200_000_000_000 + number) for number in range(120)]
    patterns = [f"arn:aws:iam::*:role/r{number}" for number in range(60)]
    allow = {
        "Effect": "Allow",
        "Principal": {"AWS": accounts},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::made-up/*",
        "Condition": {"ArnLike": {"aws:PrincipalArn": patterns}},
    }
    deny = {
        **allow,
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"StringEquals": {"aws:PrincipalAccount": accounts[0]}},
    }
    access = analyse({"Version": "2012-10-17", "Statement": [allow, deny]}, "made-up", Circle("111122223333"))
    assert access.reach is Reach.ACCOUNTS
    assert access.external_accounts == set(accounts[1:])
