"""Runs one after another: what is new, still so, fixed, worse or better; scores and exposures over time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from piiscan.assess import Account, keep
from piiscan.posture.check import Outcome, catalogue
from piiscan.posture.model import (
    AccountState,
    Notifications,
    PublicAccessBlock,
    Replica,
    Unknown,
    Versioning,
    Why,
)
from piiscan.posture.score import account_score
from piiscan.store.ingest import DuckStore
from piiscan.store.repair import PEOPLES
from tests.posture.made import DENIED, judged, opened, run, state
from tests.posture.words import OTHER, OWN
from tests.support import made

SECOND, THIRD = "222233334444", "333344445555"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    opened_store = DuckStore(tmp_path / "made.duckdb", key_file=tmp_path / "key")
    yield opened_store
    opened_store.close()


def one(store: DuckStore, check: str, columns: str = "change", bucket: str = "one") -> Any:
    """A column of the newest verdict of a check."""
    found = store.query(f"SELECT {columns} FROM v_posture WHERE check_id = ? AND bucket = ?", [check, bucket])
    assert len(found) == 1
    return found[0][0] if len(found[0]) == 1 else found[0]


def test_new_still_worse_better_fixed(store: DuckStore) -> None:
    changes = []
    for accounts in ([], [OTHER], [OTHER], [OTHER, SECOND, THIRD], [SECOND], [], [], [OTHER]):
        run(store, opened("one", OWN, *accounts))
        changes.append(one(store, "shared_with_accounts"))
    assert changes == [None, "new", "still", "worse", "better", "fixed", None, "new"]
    assert store.query(
        "SELECT run, change FROM v_posture_changes WHERE check_id = 'shared_with_accounts' ORDER BY run"
    ) == [
        (2, "new"),
        (4, "worse"),
        (5, "better"),
        (6, "fixed"),
        (8, "new"),
    ]


def test_what_could_not_be_read_is_neither_fixed_nor_gone(store: DuckStore) -> None:
    run(store, opened("one", OTHER))
    since = one(store, "shared_with_accounts", "since")
    run(store, opened("one", OTHER, policy=DENIED))
    assert one(store, "shared_with_accounts", "verdict, change, missing") == ("unknown", None, ["s3:GetBucketPolicy"])
    unknown_since = one(store, "shared_with_accounts", "since")
    run(store, opened("one", OTHER, policy=DENIED))
    assert one(store, "shared_with_accounts", "since") == unknown_since > since
    run(store, opened("one", OTHER))
    assert one(store, "shared_with_accounts", "verdict, change") == ("fail", "still")
    assert one(store, "shared_with_accounts", "since") == since
    run(store, opened("one", OWN, policy=DENIED))
    run(store, opened("one", OWN))
    assert one(store, "shared_with_accounts", "verdict, change") == ("pass", "fixed")


def test_a_bucket_that_a_run_was_not_asked_for_keeps_its_verdicts(store: DuckStore) -> None:
    run(store, opened("one", OTHER), state("two"))
    run(store, state("two"))
    assert one(store, "shared_with_accounts", "verdict, run") == ("fail", 1)
    assert one(store, "shared_with_accounts", "verdict, run", "two") == ("pass", 2)
    run(store, opened("one", OTHER))
    assert one(store, "shared_with_accounts", "change, run") == ("still", 3)


def test_a_bucket_that_the_account_has_no_more_is_gone_and_may_come_back(store: DuckStore) -> None:
    run(store, opened("one", "*"), state("two"))
    run(store, state("two"), listed=frozenset({"two"}))
    assert store.query("SELECT DISTINCT bucket FROM v_posture") == [("two",)]
    assert store.query("SELECT bucket FROM v_exposure") == [("two",)]
    assert store.query("SELECT source FROM exposures") == [("s3://two",)]
    run(store, opened("one", "*"), state("two"))
    assert one(store, "bucket_public", "verdict, change") == ("fail", "still")


def test_a_list_that_is_not_known_makes_nothing_gone(store: DuckStore) -> None:
    run(store, state("one"), state("two"))
    run(store, state("two"), listed=Unknown("s3:ListAllMyBuckets", "AccessDenied"))
    assert store.query("SELECT DISTINCT bucket FROM v_posture ORDER BY 1") == [("one",), ("two",)]


def test_scores_of_buckets_and_account_by_run(store: DuckStore) -> None:
    run(store, opened("one", "*"), state("two"))
    run(store, state("one"), state("two"))
    scores = store.query(
        "SELECT run, bucket, account, score, failed, unknown FROM v_posture_scores ORDER BY run, bucket NULLS LAST"
    )
    assert [row[:3] for row in scores] == [(n, b, OWN) for n in (1, 2) for b in ("one", "two", None)]
    assert [row[3:] for row in scores[3:]] == [(100, 0, 0)] * 3
    (public, private, account) = (row[3] for row in scores[:3])
    assert public < account < private == 100
    assert account == (public + 100 + 2 * public + 2) // 4  # half the mean, half the lowest
    assert scores[0][4] == scores[2][4] > 3


def test_what_is_not_known_never_scores_as_if_it_passed() -> None:
    whole = judged(state("one")).score
    less = judged(state("one", versioning=Unknown("s3:GetBucketVersioning", "AccessDenied"))).score
    failing = judged(state("one", versioning=Versioning(""))).score
    assert whole == 100
    assert less is not None
    assert failing is not None
    assert failing < 100 > less
    nothing = Unknown("s3:GetBucketVersioning", "AccessDenied")
    names = [name for name in state().__dataclass_fields__ if name not in ("name", "account")]
    blind = state("one", **dict.fromkeys(names, nothing))
    blind = replace(
        blind, account=replace(blind.account, account=nothing, block=nothing, organisation=nothing, buckets=nothing)
    )
    found = judged(blind)
    assert {verdict.outcome for verdict in found.verdicts.values()} == {Outcome.UNKNOWN}
    assert found.score is None
    assert (found.exposure.public, found.exposure.shared, found.exposure.encrypted, found.exposure.value) == (None,) * 4


def test_exposure_is_null_where_it_is_not_known(store: DuckStore) -> None:
    run(
        store,
        state("one", encryption=Unknown("s3:GetEncryptionConfiguration", "AccessDenied")),
        opened("two", policy=DENIED),
    )
    columns = "public, shared, shared_with, replicated, encrypted, exposure, reasons"
    rows = store.query(f"SELECT bucket, {columns} FROM v_exposure ORDER BY bucket")
    assert rows[0] == ("one", False, False, [], False, None, 0.0, ["open to nobody but its own account"])
    assert rows[1] == ("two", None, None, None, False, True, None, [])


@pytest.mark.parametrize(
    ("pieces", "exposure"),
    [
        ({"policy": None, "policy_status": None}, 0.0),
        ({}, 0.4),
        ({"policy": None, "policy_status": None, "replication": (Replica("r", "elsewhere", "", enabled=True),)}, 0.4),
        ({"policy_status": True}, 1.0),
    ],
)
def test_exposure_by_who_is_let_in(pieces: dict[str, Any], exposure: float) -> None:
    assert judged(opened("one", OTHER, **pieces)).exposure.value == exposure


def test_the_risk_follows_the_exposure(tmp_path: Path) -> None:
    ref = made.ref("a.txt", source="s3://one")
    made.database(tmp_path, [made.report(ref, [made.finding()])])
    store = DuckStore(tmp_path / "made.duckdb", key_file=tmp_path / "made.key")
    try:
        risks = []
        for of in (state("one"), opened("one", "*"), opened("one", policy=DENIED), state("one")):
            run(store, of)
            risks.append(store.query("SELECT risk, exposure FROM v_objects")[0])
    finally:
        store.close()
    private, public, unread, again = risks
    assert private == again
    assert public[0] > private[0]
    assert (private[1], public[1]) == (0.0, 1.0)
    assert unread == public  # what is not known any more stays as it was


def test_an_account_without_buckets(store: DuckStore) -> None:
    account = AccountState(OWN, "", PublicAccessBlock(), frozenset())
    run(store, state("one"))
    keep(store, [Account(account, (), account_score([]))])
    assert store.query("SELECT bucket, score, failed FROM v_posture_scores WHERE run = 2") == [(None, None, 0)]
    assert store.query("SELECT count(*) FROM v_posture") == [(0,)]  # its bucket is gone


def test_one_row_of_state_while_nothing_changes(store: DuckStore) -> None:
    for of in (state("one"), state("one"), opened("one", "*"), opened("one", "*"), state("one")):
        run(store, of)
    rows = store.query("SELECT run, state FROM posture_states ORDER BY run")
    assert [row[0] for row in rows] == [1, 3, 5]
    assert json.loads(rows[1][1])["policy"]["Statement"][0]["Principal"] == "*"


def test_the_view_says_all_of_a_check(store: DuckStore) -> None:
    run(store, opened("one", "*"))
    names = "title, severity, macie, fix, reference, account, region, data"
    found = dict(zip(names.split(", "), one(store, "bucket_public", names), strict=True))
    check = catalogue()["bucket_public"]
    assert found["title"] == check.title
    assert (found["severity"], found["macie"]) == ("high", "Policy:IAMUser/S3BucketPublic")
    assert (found["fix"], found["reference"]) == (check.fix, check.reference)
    assert (found["account"], found["region"]) == (OWN, "eu-west-1")
    assert json.loads(found["data"]) == {"ways": ["policy"]}


def test_what_no_scan_brings_back_is_repaired(store: DuckStore) -> None:
    tables = store.query("SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'posture_')")
    assert {name for (name,) in tables} <= set(PEOPLES)


def test_checks_are_what_their_files_say() -> None:
    import pkgutil

    from piiscan.posture import checks
    from piiscan.posture.model import ACTIONS

    files = {module.name for module in pkgutil.iter_modules(checks.__path__)}
    assert files == set(catalogue())
    for name, check in catalogue().items():
        assert check.id == name
        assert check.title
        assert check.fix.endswith(".")
        assert check.reference.startswith("https://docs.aws.amazon.com/")
        assert set(check.needs) <= set(ACTIONS)
        assert not check.part_of or check.part_of in catalogue()
    macie = {check.macie.rpartition("/")[2]: check.severity.label for check in catalogue().values() if check.macie}
    assert macie == {
        "S3BlockPublicAccessDisabled": "high",
        "S3BucketPublic": "high",
        "S3BucketReplicatedExternally": "high",
        "S3BucketSharedExternally": "high",
        "S3BucketSharedWithCloudFront": "medium",
        "S3BucketEncryptionDisabled": "low",
    }


def test_a_target_without_an_account_is_unknown_to_us() -> None:
    found = judged(state("one", notifications=Notifications(("arn:aws:sns:::odd", "no arn at all")))).verdicts
    assert found["notifications_unknown_target"].data["targets"] == ["arn:aws:sns:::odd", "no arn at all"]


def test_what_a_server_does_not_have_is_not_for_want_of_a_right() -> None:
    of = state("one", block=Unknown("s3:GetBucketPublicAccessBlock", "NotImplemented", Why.UNSUPPORTED))
    found = judged(of).verdicts["block_public_access_bucket"]
    assert found.outcome is Outcome.UNKNOWN
    assert "not had from this server" in found.words


@pytest.mark.parametrize(
    "pieces",
    [
        {"acl": DENIED},  # ACLs are off
        {"acl": DENIED, "ownership": ""},  # and what they grant to everybody is ignored
        {"policy": DENIED, "policy_status": DENIED},  # a public policy is kept from everybody
        {"ownership": DENIED},
        {"block": PublicAccessBlock()},  # the account's is on
    ],
)
def test_what_is_closed_for_certain_is_closed_whatever_else_is_not_known(pieces: dict[str, Any]) -> None:
    assert judged(state("one", **pieces)).verdicts["bucket_public"].outcome is Outcome.PASS
