"""What holds for every policy: no JSON makes the analysis fail, a deny never widens, an allow never narrows."""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.posture.policy import Access, Reach, analyse, analyse_key_policy
from tests.posture.cases import BUCKET, CASES, CIRCLE, KEY, Case
from tests.posture.oracle import allowed
from tests.posture.test_policy_oracle import requests, told

QUICK = settings(max_examples=60, deadline=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
WORDS = st.sampled_from([
    "Effect", "Allow", "Deny", "Principal", "NotPrincipal", "Action", "Resource", "Condition", "AWS", "Service",
    "*", "s3:*", "StringEquals", "ForAllValues:StringLike", "IpAddress", "Null", "aws:SourceIp", "aws:PrincipalArn",
    "1.2.3.4/99", "arn:::::", "aws:userid", "s3:DataAccessPointArn", "aws:SourceArn", "aws:CurrentTime",
    "DateLessThan", "9999999999999999", "${", "true",
])  # fmt: skip
NEARLY = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=14,
)

OBJECTS = "arn:aws:s3:::records/*"
PRINCIPALS: list[dict[str, Any]] = [
    {"Principal": "*"},
    {"Principal": {"AWS": "*"}},
    {"Principal": {"AWS": "444455556666"}},
    {"Principal": {"AWS": ["arn:aws:iam::444455556666:role/partner", "111122223333"]}},
    {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
    {"Principal": {"Service": "cloudfront.amazonaws.com"}},
    {"Principal": {"Service": ["s3.amazonaws.com", "logging.s3.amazonaws.com"]}},
    {"NotPrincipal": {"AWS": "444455556666"}},
    {"NotPrincipal": {"AWS": ["arn:aws:iam::111122223333:role/reader", "111122223333"]}},
]
ACTIONS: list[dict[str, Any]] = [
    {"Action": "s3:*"}, {"Action": ["s3:GetObject", "s3:ListBucket"]}, {"Action": "s3:Put*"}, {"NotAction": "s3:Get*"},
    {"Action": "*"}, {"NotAction": ["s3:PutObject", "s3:DeleteObject"]},
]  # fmt: skip
RESOURCES: list[dict[str, Any]] = [
    {"Resource": "*"},
    {"Resource": [OBJECTS, "arn:aws:s3:::records"]},
    {"Resource": "arn:aws:s3:::records/pub/*"},
    {"NotResource": "arn:aws:s3:::records/pub/*"},
    {"Resource": "arn:aws:s3:::records/*.jpg"},
    {"Resource": "arn:aws:s3:::re*/x"},
    {"NotResource": "arn:aws:s3:::records/*.jpg"},
    {"Resource": "arn:aws:s3:::records/pub/im?/*"},
]  # fmt: skip
TESTS: list[tuple[str, str, list[str]]] = [
    ("StringEquals", "aws:PrincipalOrgID", ["o-ownorg1234"]),
    ("StringNotEquals", "aws:PrincipalOrgID", ["o-ownorg1234"]),
    ("StringNotEqualsIfExists", "aws:PrincipalOrgID", ["o-ownorg1234", "o-partner12345"]),
    ("StringLike", "aws:PrincipalOrgID", ["o-p*"]),
    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", ["o-partner12345/*"]),
    ("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", ["o-ownorg1234/*"]),
    ("StringEquals", "aws:PrincipalAccount", ["444455556666", "111122223333"]),
    ("StringNotEquals", "aws:PrincipalAccount", ["111122223333"]),
    ("ArnLike", "aws:PrincipalArn", ["arn:aws:iam::*:role/*"]),
    ("ArnNotLike", "aws:PrincipalArn", ["arn:aws:iam::*:role/admin", "arn:aws:iam::444455556666:*"]),
    ("StringNotLike", "aws:userid", ["AROAZZ*:*", "AIDAEXAMPLE"]),
    ("StringLike", "aws:userid", ["*:nightly"]),
    ("IpAddress", "aws:SourceIp", ["203.0.113.0/25", "52.0.0.0/8"]),
    ("NotIpAddress", "aws:SourceIp", ["203.0.113.0/24", "0.0.0.0/2"]),
    ("NotIpAddressIfExists", "aws:SourceIp", ["8.0.0.0/7", "2001:db8::/32"]),
    ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"]),
    ("StringEquals", "aws:SourceVpce", ["vpce-1a2b3c4d"]),
    ("StringNotEquals", "aws:SourceVpce", ["vpce-1a2b3c4d"]),
    ("StringNotEqualsIfExists", "aws:SourceVpc", ["vpc-91237329"]),
    ("StringLike", "aws:SourceVpc", ["vpc-*"]),
    ("Null", "aws:SourceVpce", ["false"]),
    ("Null", "aws:PrincipalArn", ["true"]),
    ("Null", "aws:SourceArn", ["false"]),
    ("Bool", "aws:SecureTransport", ["false"]),
    ("BoolIfExists", "aws:PrincipalIsAWSService", ["false"]),
    ("StringLike", "aws:Referer", ["https://www.example.com/*"]),
    ("StringNotLike", "aws:Referer", ["https://www.example.com/*"]),
    ("StringEquals", "aws:SourceAccount", ["111122223333"]),
    ("StringNotEquals", "aws:SourceAccount", ["111122223333"]),
    ("ArnLike", "aws:SourceArn", ["arn:aws:cloudfront::111122223333:distribution/*", "arn:aws:s3:::orders"]),
    ("StringEquals", "s3:DataAccessPointAccount", ["111122223333"]),
    ("StringNotEqualsIfExists", "s3:DataAccessPointAccount", ["111122223333"]),
    ("StringNotEquals", "aws:PrincipalTag/team", ["payroll"]),
    ("NumericLessThan", "s3:TlsVersion", ["1.2"]),
]


def _conditions(tests: list[tuple[str, str, list[str]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for operator, key, values in tests:
        found.setdefault(operator, {})[key] = values
    return {"Condition": found} if found else {}


STATEMENTS = st.builds(
    lambda effect, who, what, where, tests: {"Effect": effect, **who, **what, **where, **_conditions(tests)},
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(PRINCIPALS),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.lists(st.sampled_from(TESTS), max_size=2),
)
POLICIES = st.lists(STATEMENTS, min_size=1, max_size=4)
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS}


def _judged(statements: list[Any]) -> Access:
    return analyse({"Version": "2012-10-17", "Statement": statements}, BUCKET, CIRCLE)


def _given(access: Access) -> dict[Reach, set[str]]:
    """What may be done at each reach or a wider one."""
    return {reach: {verb for grant in access.grants if grant.who >= reach for verb in grant.can} for reach in Reach}


def _within(narrow: Access, wide: Access) -> bool:
    less, more = _given(narrow), _given(wide)
    return all(less[reach] <= more[reach] for reach in Reach) and narrow.public <= wide.public


@QUICK
@given(JSON | NEARLY)
def test_no_json_makes_it_fail(document: Any) -> None:
    for access in (analyse(document, BUCKET, CIRCLE), analyse_key_policy(document, KEY, CIRCLE)):
        assert access.everyone == (access.reach is Reach.EVERYONE)


@QUICK
@given(st.lists(st.dictionaries(WORDS, NEARLY, max_size=5) | NEARLY, max_size=3))
def test_no_statements_make_it_fail(statements: list[Any]) -> None:
    access = _judged(statements)
    assert json.dumps([access.words, access.problems])


@QUICK
@given(POLICIES, STATEMENTS)
def test_a_deny_never_widens(statements: list[dict[str, Any]], more: dict[str, Any]) -> None:
    assert _within(_judged([*statements, {**more, "Effect": "Deny"}]), _judged(statements))


@QUICK
@given(POLICIES, STATEMENTS)
def test_an_allow_never_narrows(statements: list[dict[str, Any]], more: dict[str, Any]) -> None:
    assert _within(_judged(statements), _judged([*statements, {**more, "Effect": "Allow"}]))


@QUICK
@given(st.lists(STATEMENTS.map(lambda one: {**one, "Effect": "Allow"}), max_size=3))
def test_open_stays_open(others: list[dict[str, Any]]) -> None:
    access = _judged([*others, OPEN])
    assert access.public
    assert access.everyone


@settings(max_examples=int(os.environ.get("POLICY_EXAMPLES", "20")), deadline=None)
@given(POLICIES)
def test_no_request_passes_untold(statements: list[dict[str, Any]]) -> None:
    case = Case("drawn", "", {"Version": "2012-10-17", "Statement": statements}, {})
    access = _judged(statements)
    for least, verb, request, safe in requests(case):
        if allowed(case.document, request):
            assert told(access, least, verb), (request, access.words)
            assert safe or not access.tls_only


def test_the_tables_are_strict_json() -> None:
    for case in CASES:
        assert json.loads(json.dumps(case.document)) == case.document
