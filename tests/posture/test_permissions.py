"""The rights that the checks need: the policy that is shipped, and what happens when one of them lacks."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from piiscan.assess import Account, Judged, read_account
from piiscan.config import Config
from piiscan.errors import SourceError
from piiscan.posture.check import Outcome, catalogue
from piiscan.posture.collect import Collector
from piiscan.posture.model import ACTIONS
from tests.posture.build import client, credentials, make_bucket, make_keys, make_organisation
from tests.posture.relay import Relay, relay
from tests.posture.words import (
    EVERYONE,
    LOGS_COME,
    OPEN,
    OTHER,
    OTHER_ORG,
    OWN_ORG,
    Case,
    account,
    inventory,
    policy,
    queue,
    replica,
    sse,
    statement,
    where,
)
from tests.support.s3 import Bucketeer, s3_server

POLICY = json.loads((Path(__file__).parents[2] / "deploy" / "iam-policy-posture.json").read_text())
NAMED = [action for part in POLICY["Statement"] for action in part["Action"]]
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}}
BUCKETS = (
    Case("logs", {"acl": LOGS_COME}),
    # All that can be set is, so that each right that lacks leaves something unknown.
    Case(
        "rich",
        {
            "policy": policy(
                statement(account(OTHER), "s3:PutObject"),
                statement("*", **where("StringEquals", "aws:PrincipalOrgID", OTHER_ORG)),
            ),
            "versioning": "Enabled",
            "website": WEBSITE,
            "encryption": sse("aws:kms", "FINE"),
            "replication": replica("logs"),
            "logging": "logs",
            "inventory": inventory(True),
            "notification": queue(OTHER),
        },
    ),
    Case("open", {"acl": [(EVERYONE, "READ")], "policy": policy(OPEN), "website": WEBSITE}),
)
NAMES = ["open", "rich"]
ENFORCED = ("s3:GetBucketPolicy",)
"""One that moto itself enforces: a user whose policy lacks one is refused. The relay refuses all of them."""


@pytest.fixture(scope="module")
def server() -> Iterator[Bucketeer]:
    with s3_server() as made:
        organisation, keys = make_organisation(made), make_keys(made)
        assert organisation != OWN_ORG
        for case in BUCKETS:
            make_bucket(made.client, case, keys, organisation)
        yield made


@pytest.fixture(scope="module")
def before(server: Bucketeer) -> Iterator[Relay]:
    with relay(server.port) as made, pytest.MonkeyPatch.context() as patch:
        credentials(patch, made.url)
        yield made


@pytest.fixture(scope="module")
def collector(before: Relay) -> Collector:
    """Its clients are kept: each costs as much as a test."""
    return Collector(Config().aws)


@pytest.fixture
def asking(before: Relay) -> Iterator[Relay]:
    yield before
    before.refused = lambda action, path: False
    before.fault = None


@pytest.fixture(scope="module")
def whole(collector: Collector) -> Mapping[str, Judged]:
    return by_name(read_account(Config(), NAMES, collector))


def by_name(account: Account) -> dict[str, Judged]:
    return {judged.state.name: judged for judged in account.buckets}


THROUGH = {
    "s3:GetEncryptionConfiguration": ("key", "key_rotation", "key_policy", "key_aliases"),
    "kms:DescribeKey": ("key_rotation", "key_policy", "key_aliases"),
    "sts:GetCallerIdentity": ("account_block",),
}
"""Pieces that cannot be asked for without the answer to another request."""


def needing(action: str) -> set[str]:
    """The checks that may read a piece for which the action is needed."""
    pieces = {piece for piece, needed in ACTIONS.items() if needed == action} | set(THROUGH.get(action, ()))
    return {check.id for check in catalogue().values() if pieces & set(check.needs)}


def compare(found: Mapping[str, Judged], whole: Mapping[str, Judged], action: str) -> set[tuple[str, str]]:
    """The verdicts that are not known any more, by bucket and check; all others must be as they were."""
    lost = set()
    for bucket, judged in found.items():
        for name, verdict in judged.verdicts.items():
            was = whole[bucket].verdicts[name]
            if verdict.outcome is Outcome.UNKNOWN:
                assert [piece.action for piece in verdict.missing] == [action], (bucket, name)
                assert action in verdict.words
                assert name in needing(action)
                lost.add((bucket, name))
            else:
                assert (verdict.outcome, verdict.severity) == (was.outcome, was.severity), (bucket, name)
    return lost


def test_with_all_rights_everything_is_known(whole: Mapping[str, Judged]) -> None:
    assert sorted(whole) == sorted(NAMES)
    for judged in whole.values():
        assert judged.state.unknown() == ()
        assert Outcome.UNKNOWN not in {verdict.outcome for verdict in judged.verdicts.values()}


@pytest.mark.parametrize("action", sorted(set(ACTIONS.values())))
def test_without_one_right_only_what_needs_it_is_unknown(
    asking: Relay, collector: Collector, whole: Mapping[str, Judged], action: str
) -> None:
    asking.refused = lambda needed, path: needed == action
    bucket = "open" if action == "s3:GetBucketWebsite" else "rich"  # who is not public, is not so by a website either
    account = read_account(Config(), [bucket], collector)
    assert compare(by_name(account), whole, action), "no check noticed"
    assert not account.whole()


def test_a_certain_verdict_stays_one(asking: Relay, collector: Collector) -> None:
    asking.refused = lambda needed, path: needed in ("s3:GetBucketPolicy", "s3:GetBucketPolicyStatus")
    found = by_name(read_account(Config(), NAMES, collector))["open"].verdicts
    assert found["bucket_public"].outcome is Outcome.FAIL  # by its ACL
    assert found["public_by_acl"].outcome is Outcome.FAIL
    assert found["public_by_policy"].outcome is Outcome.UNKNOWN
    assert {piece.action for piece in found["public_by_policy"].missing} == {
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicyStatus",
    }


def test_an_outage_is_no_answer_either(asking: Relay, collector: Collector, whole: Mapping[str, Judged]) -> None:
    asking.refused = lambda needed, path: needed == "s3:GetEncryptionConfiguration" and path.startswith("/rich?")
    asking.fault = (400, b"<Error><Code>InternalError</Code></Error>")
    found = by_name(read_account(Config(), NAMES, collector))
    lost = compare(found, whole, "s3:GetEncryptionConfiguration")
    assert {bucket for bucket, _ in lost} == {"rich"}
    assert "the request failed: InternalError" in found["rich"].verdicts["encryption_none"].words


def test_a_server_without_such_requests_is_told_apart(asking: Relay, collector: Collector) -> None:
    asking.refused = lambda needed, path: needed not in ("s3:ListAllMyBuckets", "s3:GetBucketAcl")
    asking.fault = (501, b"<Error><Code>NotImplemented</Code></Error>")
    account = read_account(Config(), (), collector)
    assert account.whole()  # nothing lacks that a right could give
    found = by_name(account)["open"].verdicts
    assert found["public_by_acl"].outcome is Outcome.FAIL  # a server that has no block of public access blocks nothing
    assert found["versioning_off"].outcome is Outcome.UNKNOWN
    assert "not had from this server: NotImplemented" in found["versioning_off"].words


def test_a_listing_in_answer_to_another_question_is_no_answer(asking: Relay, collector: Collector) -> None:
    asking.refused = lambda needed, path: needed in ("s3:GetBucketLogging", "s3:GetBucketVersioning")
    asking.fault = (200, b'<?xml version="1.0"?><ListBucketResult><Name>open</Name></ListBucketResult>')
    found = by_name(read_account(Config(), NAMES, collector))["open"].verdicts
    assert found["access_logging_off"].outcome is Outcome.UNKNOWN
    assert found["versioning_off"].outcome is Outcome.UNKNOWN


def test_without_a_list_of_buckets_names_are_wanted(asking: Relay, collector: Collector) -> None:
    asking.refused = lambda needed, path: needed == "s3:ListAllMyBuckets"
    for patterns in ([], ["o*"]):
        with pytest.raises(SourceError, match=r"s3:ListAllMyBuckets \(AccessDenied\)"):
            read_account(Config(), patterns, collector)


def test_the_policy_names_what_is_needed_and_nothing_else() -> None:
    assert sorted(NAMED) == sorted(set(ACTIONS.values()) - {"sts:GetCallerIdentity"})  # for which no right is needed
    assert all(action.partition(":")[2].startswith(("Get", "List", "Describe")) for action in NAMED)
    assert "*" not in "".join(NAMED)


def test_only_what_the_policy_names_is_asked_for(asking: Relay, collector: Collector) -> None:
    asking.asked.clear()
    read_account(Config(), (), collector)
    assert {action for action, _ in asking.asked} == set(ACTIONS.values())
    assert {method for action, method in asking.asked if action.startswith("s3:")} == {"GET"}


@contextmanager
def enforced(server: Bucketeer) -> Iterator[None]:
    """Every request must be allowed to who makes it."""

    def say(count: bytes) -> None:
        url, plain = f"{server.url}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        request = urllib.request.Request(url, count, plain, method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            answer.read()

    say(b"0")
    try:
        yield
    finally:
        say(b"inf")


@pytest.mark.parametrize("lacking", ["", *ENFORCED])
def test_a_user_whose_policy_lacks_a_right(
    server: Bucketeer, before: Relay, whole: Mapping[str, Judged], lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam, name = client(server, "iam"), f"without-{lacking.replace(':', '-')}"
    # moto takes subresources that it has no name for as listings of the bucket.
    allowed = [action for action in [*NAMED, "s3:ListBucket", "s3:GetPublicAccessBlock"] if action != lacking]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="posture", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    with enforced(server):
        found = by_name(read_account(Config(), NAMES))
    lost = compare(found, whole, lacking)
    assert bool(lost) == bool(lacking)
