"""Eighty configurations of buckets on a real server, in one run: what every check says of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from piiscan.assess import Account, Judged, circle_of, read_account
from piiscan.config import Config, PostureConfig
from piiscan.posture.check import Outcome, catalogue, judge
from piiscan.posture.model import PublicAccessBlock
from tests.posture.build import MFA, credentials, make_buckets, make_keys, make_organisation
from tests.posture.relay import relay
from tests.posture.table import CASES
from tests.posture.words import PARTNER, PARTNER_ORG, PLAIN_FAILS, PLAIN_NOT_APPLICABLE, Case
from tests.support.s3 import s3_server

CONFIG = Config(
    posture=PostureConfig(accounts=(PARTNER,), organisations=(PARTNER_ORG,), distributions=("EOURSEXAMPLE",))
)


def with_mfa(action: str, path: str, body: bytes) -> bytes:
    """The answer about versions of one bucket with MFA delete on: moto does not know it."""
    if action == "s3:GetBucketVersioning" and path.startswith(f"/{MFA}?"):
        return body.replace(b"</Status>", b"</Status><MfaDelete>Enabled</MfaDelete>")
    return body


@pytest.fixture(scope="module")
def estate() -> Iterator[Account]:
    with s3_server() as server, relay(server.port) as before, pytest.MonkeyPatch.context() as patch:
        organisation = make_organisation(server)
        make_buckets(server, CASES, make_keys(server), organisation)
        before.rewrite = with_mfa
        credentials(patch, before.url)
        through = read_account(CONFIG, [MFA])
        credentials(patch, server.url)
        account = read_account(CONFIG)
        others = tuple(judged for judged in account.buckets if judged.state.name != MFA)
        yield replace(account, buckets=(*others, *through.buckets))


def of(estate: Account, bucket: str) -> Judged:
    return next(judged for judged in estate.buckets if judged.state.name == bucket)


def expected(case: Case) -> dict[str, str]:
    """The verdict of every check."""
    out = dict.fromkeys(catalogue(), "pass")
    out |= dict.fromkeys(PLAIN_FAILS.split(), "fail") | dict.fromkeys(PLAIN_NOT_APPLICABLE.split(), "not applicable")
    out |= dict.fromkeys(case.fails.split(), "fail") | dict.fromkeys(case.passes.split(), "pass")
    return out | dict.fromkeys(case.does_not_apply.split(), "not applicable")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_check_says_what_is_known_of_it(estate: Account, case: Case) -> None:
    found = of(estate, case.name).verdicts
    wanted = expected(case)
    other = {name: (wanted[name], str(v.outcome), v.words) for name, v in found.items() if v.outcome != wanted[name]}
    assert not other
    assert set(found) == set(wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_exposure_says_the_same(estate: Account, case: Case) -> None:
    found, failing = of(estate, case.name).exposure, set(case.fails.split())
    sharing = {
        "bucket_shared_externally",
        "bucket_shared_with_cloudfront",
        "shared_with_networks",
        "service_for_any_account",
    }
    assert found.public == ("bucket_public" in failing)
    assert found.shared == bool(sharing & failing)
    assert found.replicated == ("bucket_replicated_externally" in failing)
    assert found.encrypted == ("encryption_none" in case.passes)
    outside = bool({"bucket_public", "bucket_replicated_externally", *sharing} & failing)
    assert found.value is not None
    assert (found.value >= 0.3) == outside
    assert (found.value == 1.0) == ("bucket_public" in failing)


def test_the_table_is_as_large_as_it_says() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 80


def test_each_check_passes_and_fails_somewhere(estate: Account) -> None:
    states = {judged.state.name: judged.state for judged in estate.buckets}
    circle = circle_of(estate.state, CONFIG)
    blocked = replace(states["plain"], account=replace(estate.state, block=PublicAccessBlock(True, True, True, True)))
    seen = [judged.verdicts for judged in estate.buckets]
    seen += [judge(blocked, circle), judge(replace(states["policy-own-account"], policy_status=True), circle)]
    found = {(name, verdict.outcome) for verdicts in seen for name, verdict in verdicts.items()}
    assert {(name, outcome) for name in catalogue() for outcome in (Outcome.PASS, Outcome.FAIL)} <= found


def test_a_block_at_the_account_closes_every_bucket(estate: Account) -> None:
    account = replace(estate.state, block=PublicAccessBlock(True, True, True, True))
    circle = circle_of(estate.state, CONFIG)
    for judged in estate.buckets:
        found = judge(replace(judged.state, account=account), circle)
        if found["policy_status_disagrees"].outcome is Outcome.FAIL:
            continue  # S3 does not close what it does not call public
        failing = {name for name, verdict in found.items() if verdict.outcome is Outcome.FAIL}
        assert not failing & {"bucket_public", "public_by_policy", "public_by_acl", "public_by_website", "public_write"}
        assert found["block_public_access_account"].outcome is Outcome.PASS


def test_evidence_names_who_and_what(estate: Account) -> None:
    shared = of(estate, "policy-two-others").verdicts["bucket_shared_externally"]
    assert shared.words == "shared with account 111122223333, account 222233334444"
    assert shared.data["accounts"] == ["111122223333", "222233334444"]
    assert of(estate, "acl-public-write").verdicts["public_by_acl"].data == {"grants": ["WRITE to everyone"]}
    agreed = of(estate, "policy-everyone").verdicts["policy_status_disagrees"]
    assert agreed.data == {"policy_status": True, "reading": True}


def test_more_of_it_is_worse(estate: Account) -> None:
    one = of(estate, "policy-other-account").verdicts["shared_with_accounts"]
    two = of(estate, "policy-two-others").verdicts["shared_with_accounts"]
    assert (one.extent, two.extent) == (1, 2)


def test_what_is_better_kept_scores_higher(estate: Account) -> None:
    scores = [of(estate, name).score for name in ("policy-everyone-all", "policy-everyone", "plain", "hardened")]
    assert scores == sorted(scores, key=lambda score: score or 0)
    assert len(set(scores)) == len(scores)
    assert (scores[-1] or 0) >= 85  # MFA delete, and the account's block
