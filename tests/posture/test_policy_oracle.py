"""The tables against a second evaluator: whoever one whole request lets in, the analysis must tell of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import pytest

from piiscan.posture.policy import Access, Reach
from tests.posture.cases import BUCKET, CASES, KEY, OWN, OWN_ORG, Case, judged
from tests.posture.oracle import Refused, Request, allowed, asks

Context = dict[str, tuple[str, ...]]
UNKNOWN = "999900001111"


@dataclass(frozen=True)
class Who:
    name: str
    least: Reach
    principals: frozenset[str] = frozenset()
    context: Context = field(default_factory=dict)


def signed(
    account: str, least: Reach, org: str = "", arn: str = "", userid: str = "AROAZZZZZZZZZZZZZZZZ:nightly"
) -> Who:
    arn = arn or f"arn:aws:iam::{account}:role/reader"
    context: Context = {
        "aws:principalaccount": (account,), "aws:principalarn": (arn,), "aws:userid": (userid,),
        "kms:calleraccount": (account,), "aws:principalisawsservice": ("false",), "aws:principaltag/team": ("payroll",),
        "aws:principaltag/org": (org or "none",),
    }  # fmt: skip
    if org:
        context |= {"aws:principalorgid": (org,), "aws:principalorgpaths": (f"{org}/r-ab12/ou-ab12-11111111/x/",)}
    if ":user/" in arn:
        context["aws:username"] = (arn.rsplit("/", 1)[-1],)
    return Who(f"{account} {arn} {org}", least, frozenset({f"AWS:{account}", f"AWS:{arn}"}), context)


def service(name: str, least: Reach, account: str, arn: str, org: str = "") -> Who:
    context: Context = {
        "aws:sourceaccount": (account,),
        "aws:sourcearn": (arn,),
        "aws:principalisawsservice": ("true",),
    }
    if org:
        context["aws:sourceorgid"] = (org,)
    return Who(f"{name} for {arn}", least, frozenset({f"Service:{name}"}), context)


ANONYMOUS = Who(
    "anonymous", Reach.EVERYONE, context={"aws:principalaccount": ("anonymous",), "aws:userid": ("anonymous",)}
)
PEOPLE = [
    ANONYMOUS,
    signed(OWN, Reach.ACCOUNT, OWN_ORG),
    signed(OWN, Reach.ACCOUNT, OWN_ORG, "arn:aws:iam::111122223333:role/app-1"),
    signed("111122224444", Reach.ORGANISATION, OWN_ORG),
    signed("888877776666", Reach.ORGANISATION, OWN_ORG),
    signed("444455556666", Reach.ACCOUNTS),
    signed("444455556666", Reach.ACCOUNTS, arn="arn:aws:iam::444455556666:role/partner"),
    signed("444455556666", Reach.ACCOUNTS, arn="arn:aws:iam::444455556666:user/bob"),
    signed("444455556666", Reach.ORGANISATION, OWN_ORG),
    signed("555566667777", Reach.ORGANISATIONS, "o-partner12345"),
    signed(UNKNOWN, Reach.EVERYONE),
    signed(UNKNOWN, Reach.EVERYONE, "o-zzzzzzzzzz"),
    signed(UNKNOWN, Reach.EVERYONE, arn=f"arn:aws:iam::{UNKNOWN}:role/admin"),
    signed(UNKNOWN, Reach.EVERYONE, arn=f"arn:aws:iam::{UNKNOWN}:user/mallory"),
]
SERVICES = [
    service(
        "cloudfront.amazonaws.com", Reach.CLOUDFRONT, OWN, f"arn:aws:cloudfront::{OWN}:distribution/E1EXAMPLE1DIST"
    ),
    service("cloudfront.amazonaws.com", Reach.ACCOUNTS, UNKNOWN, f"arn:aws:cloudfront::{UNKNOWN}:distribution/E9"),
    service("logging.s3.amazonaws.com", Reach.ACCOUNT, OWN, "arn:aws:s3:::orders", OWN_ORG),
    service("s3.amazonaws.com", Reach.ACCOUNTS, UNKNOWN, "arn:aws:s3:::orders"),
    service("cloudtrail.amazonaws.com", Reach.ACCOUNTS, UNKNOWN, f"arn:aws:cloudtrail:eu-west-1:{UNKNOWN}:trail/all"),
    service(
        "cloudtrail.amazonaws.com",
        Reach.ORGANISATION,
        "888877776666",
        "arn:aws:cloudtrail:eu-west-1:888877776666:trail/a",
        OWN_ORG,
    ),
]
INTERNET: list[Context] = [
    {"aws:sourceip": (one,)} for one in ("8.8.8.8", "151.101.1.69", "53.1.1.1", "2a00:1450:4001::1", "2600:1f00::1")
]
ADDRESSES: list[Context] = [
    {"aws:sourceip": (one,)}
    for one in ("203.0.113.9", "203.0.113.200", "198.51.100.7", "52.1.1.1", "2001:db8::7", "10.1.2.3")
]
NETWORKS: list[Context] = [
    {"aws:sourcevpc": ("vpc-91237329",), "aws:sourcevpce": ("vpce-99999999",)},
    {"aws:sourcevpc": ("vpc-00000000",), "aws:sourcevpce": ("vpce-1a2b3c4d",)},
]
STRANGE: list[Context] = [{"aws:sourcevpc": ("vpc-77777777",), "aws:sourcevpce": ("vpce-77777777",)}]


def point(account: str) -> Context:
    return {
        "aws:sourceip": ("8.8.8.8",),
        "s3:dataaccesspointaccount": (account,),
        "s3:dataaccesspointarn": (f"arn:aws:s3:eu-west-1:{account}:accesspoint/own",),
    }


POINTS = [(point(OWN), Reach.ACCOUNT), (point("444455556666"), Reach.ACCOUNTS), (point(UNKNOWN), Reach.EVERYONE)]
EXTRAS: list[Context] = [
    {"aws:securetransport": ("true",), "s3:tlsversion": ("1.3",), "aws:currenttime": ("now",)},
    {"aws:securetransport": ("false",), "aws:currenttime": ("now",)},
    {
        "aws:securetransport": ("true",), "aws:referer": ("https://www.example.com/x",), "s3:tlsversion": ("1.3",),
        "aws:useragent": ("secret-word-of-a-cdn",), "s3:existingobjecttag/public": ("yes",), "aws:somethingnew": ("x",),
        "s3:x-amz-server-side-encryption": ("aws:kms",), "kms:viaservice": ("s3.eu-west-1.amazonaws.com",),
        "s3:x-amz-acl": ("bucket-owner-full-control",), "aws:currenttime": ("now",),
    },
]  # fmt: skip
KEYS = (
    "x",
    "pub/x",
    "pub/x.jpg",
    "pub/img/x",
    "secret/x",
    "a",
    "ab",
    "a/x",
    "b/x",
    "in/x",
    "logs/x",
    "index.html",
    "users/mallory/x",
)
ASKED = [
    *((f"s3:{name}", "read", f"/{key}") for name in ("GetObject", "GetObjectHologram") for key in KEYS),
    *(("s3:PutObject", "write", f"/{key}") for key in KEYS[:12]),
    ("s3:PutObject", "write", "/AWSLogs/444455556666/x"),
    ("s3:PutObject", "write", "/users/mallory/x"),
    ("s3:DeleteObject", "delete", "/x"),
    ("s3:PutObjectAcl", "manage", "/x"),
    ("s3:ListBucket", "list", ""),
    ("s3:GetBucketAcl", "list", ""),
    ("s3:PutBucketPolicy", "manage", ""),
    ("s3:DeleteBucket", "delete", ""),
]
KEY_ASKED = [("kms:Decrypt", "read", ""), ("kms:GenerateDataKey", "write", ""), ("kms:PutKeyPolicy", "manage", "")]


def asked_of(case: Case) -> list[tuple[str, str, str]]:
    """(action, verb, resource): one for each set of statements that mean the same."""
    thing, asked = (KEY, KEY_ASKED) if case.of_key else (f"arn:aws:s3:::{BUCKET}", ASKED)
    stated = case.document.get("Statement", [])
    statements = stated if isinstance(stated, list) else [stated]
    found: dict[object, tuple[str, str, str]] = {}
    for action, verb, key in asked:
        request = Request(frozenset(), action, thing + key, {"aws:username": ("mallory",)})
        hit = tuple(asks(one, request) for one in statements)
        if any(hit):
            found.setdefault((verb, hit), (action, verb, thing + key))
    return list(found.values())


def requests(case: Case) -> Iterator[tuple[Reach, str, Request, bool]]:
    """(least reach that must be told, verb, request, whether it comes over TLS)."""
    asked = asked_of(case)
    froms = [*((one, Reach.EVERYONE) for one in INTERNET + STRANGE), *((one, Reach.NETWORK) for one in NETWORKS)]
    froms += [*POINTS, *((one, Reach.NETWORK) for one in ADDRESSES)]
    people = [(who, place, most) for who in PEOPLE for place, most in froms]
    for (who, place, most), extra in product([*people, *((who, {}, Reach.EVERYONE) for who in SERVICES)], EXTRAS):
        context = {**who.context, **place, **extra}
        safe = extra["aws:securetransport"] == ("true",)
        for action, verb, resource in asked:
            yield min(who.least, most), verb, Request(who.principals, action, resource, context), safe


def told(access: Access, least: Reach, verb: str) -> bool:
    return any(grant.who >= least and verb in grant.can for grant in access.grants)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_nobody_is_let_in_untold(case: Case) -> None:
    access = judged(case)
    strangers = False
    try:
        for least, verb, request, safe in requests(case):
            if allowed(case.document, request):
                strangers = strangers or least is Reach.EVERYONE
                assert told(access, least, verb), (request, access.words)
                assert safe or not access.tls_only
    except Refused:
        assert access.problems
        return
    assert access.everyone >= strangers
    if access.everyone and not access.problems:
        assert strangers, "said to be open to everyone, and no request of a stranger is let in"
