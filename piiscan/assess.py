"""The conductor of the buckets' checks: an account is read, judged, and written into the store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from piiscan.config import Config
from piiscan.crawl import accounts as entered
from piiscan.crawl.select import glob
from piiscan.errors import SourceError
from piiscan.posture.check import Check, Outcome, Verdict, catalogue, judge
from piiscan.posture.collect import Collector
from piiscan.posture.exposure import Exposure, exposure
from piiscan.posture.model import AccountState, BucketState, Unknown, Why
from piiscan.posture.policy import Circle
from piiscan.posture.score import account_score, bucket_score, severity_of
from piiscan.store import posture as rows

if TYPE_CHECKING:
    from piiscan.store.ingest import DuckStore


@dataclass(frozen=True, slots=True)
class Judged:
    """A bucket, what all checks say of it, who may reach it, and its score (0 to 100, 100 is best; None: not known)."""

    state: BucketState
    verdicts: Mapping[str, Verdict]
    exposure: Exposure
    score: int | None


@dataclass(frozen=True, slots=True)
class Account:
    """An account, and its buckets that were asked for, by name."""

    state: AccountState
    buckets: tuple[Judged, ...]
    score: int | None

    def whole(self) -> bool:
        """Whether every check could be judged, but for what this server does not have."""
        verdicts = (verdict for judged in self.buckets for verdict in judged.verdicts.values())
        return all(piece.why is Why.UNSUPPORTED for verdict in verdicts for piece in verdict.missing)


def circle_of(state: AccountState, config: Config) -> Circle:
    """The circle of trust of an account: itself, its organisation, and what is configured."""
    return Circle(
        account=state.number,
        organisation="" if isinstance(state.organisation, Unknown) else state.organisation,
        accounts=frozenset(config.posture.accounts),
        organisations=frozenset(config.posture.organisations),
        distributions=frozenset(config.posture.distributions),
    )


def read_accounts(config: Config, patterns: Sequence[str] = ()) -> tuple[list[Account], list[entered.Account]]:
    """The accounts of a configuration with their buckets, and those that could not be read, with the reason.

    Raises: ConfigError; SourceError when the organisation cannot be listed, or the one account that is meant.
    """
    wanted = entered.accounts_of(config.aws)
    if not wanted:
        return [read_account(config, patterns)], []
    read: list[Account] = []
    refused: list[entered.Account] = []
    for account in wanted:
        mine = replace(config, aws=entered.entered(config.aws, account))
        try:
            found = read_account(mine, patterns, some=True)
            if found.state.number not in ("", account.number):
                raise SourceError(f"the role leads to account {found.state.number}")
        except SourceError as err:
            refused.append(replace(account, refused=str(err)))
        else:
            read.append(found)
    return read, refused


def read_account(
    config: Config, patterns: Sequence[str] = (), collector: Collector | None = None, *, some: bool = False
) -> Account:
    """An account's buckets, those that one of the patterns means (none: all), read and judged.

    `collector` reads it; without one, by `config.aws`. With `some` a pattern may mean none of them.

    Raises: SourceError when the buckets cannot be listed, or a pattern means none of them.
    """
    collector = collector or Collector(config.aws)
    state = collector.account()
    circle = circle_of(state, config)
    found = []
    for bucket in collector.buckets(state, chosen(state, patterns, some=some)):
        verdicts = judge(bucket, circle)
        found.append(Judged(bucket, verdicts, exposure(bucket, circle), bucket_score(verdicts)))
    return Account(state, tuple(found), account_score(judged.score for judged in found))


def chosen(state: AccountState, patterns: Sequence[str], *, some: bool = False) -> list[str]:
    """The names that patterns mean, in order.

    Raises: SourceError when there is no list, or one means nothing, unless `some` may.
    """
    names = [pattern.removeprefix("s3://").rstrip("/") for pattern in patterns]
    if isinstance(state.buckets, Unknown):
        if names and not some and not any(set(name) & set("*?[") for name in names):
            return sorted(set(names))
        raise SourceError(f"the buckets of the account cannot be listed: {state.buckets}")
    if not names:
        return sorted(state.buckets)
    out: set[str] = set()
    for name in names:
        meant = {bucket for bucket in state.buckets if glob(name).fullmatch(bucket)}
        if not meant and not some:
            raise SourceError(f"s3://{name}: none of the account's {len(state.buckets)} buckets is meant by that")
        out |= meant
    return sorted(out)


def keep(store: DuckStore, accounts: Sequence[Account], patterns: Sequence[str] = ()) -> int:
    """Write a run over accounts; its number. Raises: StoreError."""
    run = rows.begin(store, patterns, [_check_row(check) for check in catalogue().values()])
    for account in accounts:
        rows.keep(store, run, _account_row(account))
    rows.end(store, run)
    return run


def _check_row(check: Check) -> rows.CheckRow:
    return rows.CheckRow(check.id, check.title, int(check.severity), check.macie, check.fix, check.reference)


def _account_row(account: Account) -> rows.AccountRow:
    names = account.state.buckets
    return rows.AccountRow(
        account.state.number,
        None if isinstance(names, Unknown) else names,
        account.score,
        tuple(_bucket_row(judged) for judged in account.buckets),
    )


def _bucket_row(judged: Judged) -> rows.BucketRow:
    seen = judged.exposure
    return rows.BucketRow(
        bucket=judged.state.name,
        region=judged.state.region,
        state=judged.state.to_json(),
        results=tuple(_result_row(name, verdict) for name, verdict in judged.verdicts.items()),
        score=judged.score,
        public=seen.public,
        shared=seen.shared,
        shared_with=seen.shared_with,
        replicated=seen.replicated,
        encrypted=seen.encrypted,
        value=seen.value,
        reasons=seen.reasons,
    )


def _result_row(name: str, verdict: Verdict) -> rows.ResultRow:
    return rows.ResultRow(
        check_id=name,
        severity=int(severity_of(name, verdict)),
        verdict=verdict.outcome.value,
        evidence=verdict.words,
        data=json.dumps(verdict.data, ensure_ascii=False),
        extent=verdict.extent,
        missing=tuple(piece.action for piece in verdict.missing),
    )


def missing(account: Account, checks: Sequence[str]) -> Iterator[tuple[Unknown, int, list[str]]]:
    """Each piece that verdicts lack, how many buckets lack it, and the checks that are not known for it."""
    buckets: dict[Unknown, int] = {}
    lacking: dict[Unknown, set[str]] = {}
    for judged in account.buckets:
        seen = set()
        for name in checks:
            verdict = judged.verdicts[name]
            if verdict.outcome is Outcome.UNKNOWN:
                for piece in verdict.missing:
                    seen.add(piece)
                    lacking.setdefault(piece, set()).add(name)
        for piece in seen:
            buckets[piece] = buckets.get(piece, 0) + 1
    for piece in sorted(buckets, key=str):
        yield piece, buckets[piece], sorted(lacking[piece])
