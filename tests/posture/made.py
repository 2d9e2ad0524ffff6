"""States of buckets made up for a test, well kept but for what is said, and runs of them in a store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from piiscan.assess import Account, Judged, circle_of, keep
from piiscan.config import Config
from piiscan.posture.check import judge
from piiscan.posture.exposure import exposure
from piiscan.posture.model import (
    AccountState,
    BucketState,
    Encryption,
    Inventory,
    Key,
    LifecycleRule,
    Logging,
    Notifications,
    ObjectLock,
    PublicAccessBlock,
    Unknown,
    Versioning,
)
from piiscan.posture.score import account_score, bucket_score
from piiscan.store.ingest import DuckStore
from tests.posture.words import OWN

BLOCKED = PublicAccessBlock(True, True, True, True)
KEY = Key(f"arn:aws:kms:eu-west-1:{OWN}:key/made-up", OWN, "eu-west-1", "Enabled", "CUSTOMER", rotates=True)
DENIED = Unknown("s3:GetBucketPolicy", "AccessDenied")


def allow(*accounts: str, action: str = "s3:GetObject", bucket: str = "one") -> dict[str, Any]:
    """A policy that names accounts; `*` is everybody."""
    who: Any = "*" if accounts == ("*",) else {"AWS": list(accounts)}
    on = f"arn:aws:s3:::{bucket}/*"
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": who, "Action": action, "Resource": on}],
    }


def state(name: str = "one", **pieces: Any) -> BucketState:
    """A bucket that is well kept but for these pieces."""
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    on = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    kept = BucketState(
        name=name,
        account=AccountState(OWN, "", BLOCKED, frozenset({"one", "two", "three"})),
        location="eu-west-1",
        policy={"Version": "2012-10-17", "Statement": [deny | {"Resource": on}]},
        policy_status=False,
        acl=(),
        block=BLOCKED,
        website=None,
        encryption=Encryption("aws:kms", KEY.arn, bucket_key=True),
        replication=(),
        versioning=Versioning("Enabled", mfa_delete=True),
        logging=Logging("logs", f"{name}/"),
        ownership="BucketOwnerEnforced",
        lifecycle=(LifecycleRule("all", enabled=True, whole=True, abort_days=7, old_versions=True),),
        object_lock=ObjectLock("GOVERNANCE", 30),
        inventory=(Inventory("all", enabled=True, destination="arn:aws:s3:::two"),),
        notifications=Notifications(),
        key=KEY,
        key_rotation=True,
        key_policy={"Version": "2012-10-17", "Statement": []},
        key_aliases=("alias/made-up",),
    )
    return replace(kept, **pieces)


def opened(name: str = "one", *accounts: str, **pieces: Any) -> BucketState:
    """A bucket whose policy names accounts, and that nothing blocks."""
    off = PublicAccessBlock()
    account = AccountState(OWN, "", off, frozenset({"one", "two", "three"}))
    everybody = accounts == ("*",)
    given = {"account": account, "block": off, "policy": allow(*accounts, bucket=name), "policy_status": everybody}
    return state(name, **{**given, **pieces})


def judged(of: BucketState) -> Judged:
    """What the checks say of it."""
    circle = circle_of(of.account, Config())
    verdicts = judge(of, circle)
    return Judged(of, verdicts, exposure(of, circle), bucket_score(verdicts))


def run(store: DuckStore, *states: BucketState, listed: frozenset[str] | Unknown | None = None) -> int:
    """A run over these buckets; its number. `listed`: names of all that the account has (else one, two, three)."""
    account = replace(states[0].account, buckets=listed) if listed is not None else states[0].account
    found = tuple(judged(of) for of in states)
    return keep(store, [Account(account, found, account_score(one.score for one in found))])
