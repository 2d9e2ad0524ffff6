"""An S3 that is not Amazon's: what it does not have is unknown, and what it says is judged all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from piiscan.assess import Account, read_account
from piiscan.config import AwsConfig, Config
from piiscan.posture.check import Outcome
from piiscan.posture.model import Unknown, Why
from tests.posture.words import OPEN, policy
from tests.support.programs import needs
from tests.support.seaweed import seaweed

pytestmark = needs("weed")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with seaweed(tmp_path_factory.mktemp("weed")) as server, pytest.MonkeyPatch.context() as patch:
        server.make("kept")
        server.make("open")
        server.client.put_bucket_policy(Bucket="open", Policy=policy(OPEN).replace("BUCKET", "open"))
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("NO_PROXY", "*")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield read_account(Config(aws=AwsConfig(endpoint_url=server.url, region="us-east-1")))


def test_what_it_has_not_is_unknown_and_no_right_lacks(account: Account) -> None:
    assert account.whole()
    assert isinstance(account.state.account, Unknown)  # AWS is not asked whose credentials these are
    assert [judged.state.name for judged in account.buckets] == ["kept", "open"]
    for judged in account.buckets:
        assert {piece.why for piece in judged.state.unknown()} == {Why.UNSUPPORTED}
        assert judged.verdicts["block_public_access_account"].outcome is Outcome.UNKNOWN
        assert judged.score is not None
        json.loads(judged.state.to_json())


def test_what_it_says_is_judged(account: Account) -> None:
    kept, opened = account.buckets
    assert kept.verdicts["bucket_public"].outcome is Outcome.PASS
    assert opened.verdicts["bucket_public"].outcome is Outcome.FAIL
    assert (kept.exposure.value, opened.exposure.value) == (0.0, 1.0)
    assert kept.verdicts["versioning_off"].outcome is Outcome.FAIL
