"""Several accounts in one run: those of an organisation, or of a list of roles, and what of them targets mean.

Source: AWS Organizations API Reference, ListAccounts; AWS STS API Reference, AssumeRole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from piiscan.aws import ServiceError, call, service_client
from piiscan.config import AwsConfig, Config
from piiscan.crawl import ACCOUNT, VAULTS, Target
from piiscan.crawl.buckets import matching, meant
from piiscan.errors import ConfigError, NotRead, SourceError
from piiscan.model import ObjectRef

SIDE_BY_SIDE = 8
"""Accounts that are asked at a time, so that a slow one holds up few others."""
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/[\w+=,.@/-]+")


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a run."""

    number: str
    name: str = ""
    """As the organisation calls it; empty: not known."""
    role: str = ""
    """The role, by ARN, that it is entered in; empty: with the own credentials."""
    refused: str = ""
    """Why nothing of it could be listed."""


@dataclass(slots=True)
class Spread:
    """Targets over accounts."""

    targets: list[Target] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    """Number of the account of each source."""
    errors: list[str] = field(default_factory=list)
    """Targets that are in no account."""


def several(config: AwsConfig) -> bool:
    """Whether a run goes over several accounts. Raises: ConfigError."""
    if config.org:
        if len(config.roles) != 1 or ":" in config.roles[0]:
            raise ConfigError("--org needs --role NAME, the name of the role that every account has")
        return True
    for role in config.roles:
        if not _ROLE.fullmatch(role):
            raise ConfigError(f"--role: {role!r} is no ARN of a role; a name goes with --org")
    return bool(config.roles)


def accounts_of(config: AwsConfig) -> list[Account]:
    """The accounts, by number. Raises: ConfigError; SourceError when the organisation cannot be listed."""
    if not several(config):
        return []
    if not config.org:
        found = [(_number(role), role) for role in dict.fromkeys(config.roles)]
        return [Account(number, "", role) for number, role in sorted(found)]
    try:
        identity = call(service_client("sts", config), "get_caller_identity")
        partition = str(identity["Arn"]).split(":")[1]
        listed = list(_of_organisation(service_client("organizations", config)))
    except ServiceError as err:
        raise SourceError(
            f"--org: the accounts cannot be listed (organizations:ListAccounts, from the management account or a "
            f"delegated administrator: {err})"
        ) from None
    if not listed:
        raise SourceError("--org: the organisation has no accounts")
    own = str(identity["Account"])
    return [
        Account(number, name, "" if number == own else f"arn:{partition}:iam::{number}:role/{config.roles[0]}")
        for number, name in sorted(listed)
    ]


def _number(role: str) -> str:
    found = _ROLE.fullmatch(role)
    assert found is not None
    return found[2]


def _of_organisation(client: Any) -> Iterator[tuple[str, str]]:
    token = ""
    while True:
        page = call(client, "list_accounts", **({"NextToken": token} if token else {}))
        yield from ((a["Id"], a.get("Name", "")) for a in page.get("Accounts", ()) if a.get("Status") == "ACTIVE")
        token = page.get("NextToken", "")
        if not token:
            return


def entered(config: AwsConfig, account: Account) -> AwsConfig:
    """The settings with which an account is asked."""
    return replace(config, role_arn=account.role, roles=(), org=False)


def spread(targets: Sequence[Target], config: Config) -> Spread:
    """What targets mean in all accounts; those of no account, such as directories, stay as they are.

    Raises: ConfigError; SourceError when the organisation cannot be listed.
    """
    out = Spread([one for one in targets if not _of_aws(one)])
    wanted = [one for one in targets if _of_aws(one)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        answers = list(pool.map(lambda account: _in_account(account, wanted, config), accounts_of(config.aws)))
    seen: set[Target] = set()
    for account, found in answers:
        out.accounts.append(account)
        if account.refused:
            out.targets.append(Target(ACCOUNT + account.number, account.refused, by_pattern=True))
        for index, target in found:
            seen.add(wanted[index])
            out.owners[target.source] = account.number
            out.targets.append(target)
    for target in wanted:
        if target not in seen:
            out.errors.append(f"{target.source}/{target.prefix}: in none of {len(out.accounts)} accounts")
    return out


def _of_aws(target: Target) -> bool:
    return target.source.startswith("s3://") or target.source in VAULTS


def _in_account(account: Account, wanted: Sequence[Target], config: Config) -> tuple[Account, list[tuple[int, Target]]]:
    """(index of the target, what it means) in one account; of an account that refuses, why."""
    mine = replace(config, aws=entered(config.aws, account))
    found: list[tuple[int, Target]] = []
    try:
        who = call(service_client("sts", mine.aws), "get_caller_identity")
        if who["Account"] != account.number:
            return replace(account, refused=f"the role leads to account {who['Account']}"), []
        for index, target in enumerate(wanted):
            if target.source in VAULTS:
                found += [(index, replace(one, role=account.role)) for one in meant(target, mine)]
                continue
            names = matching(target.source.removeprefix("s3://"), mine.aws, none=True)
            found += [(index, Target(f"s3://{n}", target.prefix, by_pattern=True, role=account.role)) for n in names]
    except ServiceError as err:
        role = account.role or "the own credentials"
        return replace(account, refused=f"{role} cannot be assumed (sts:AssumeRole: {err})"), []
    except SourceError as err:
        return replace(account, refused=str(err)), []
    return account, found


class RefusedAccount:
    """An account of which nothing can be listed, as a source, so that it is in the coverage."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._reason = reason

    def crawl(self) -> Iterator[ObjectRef]:
        """Nothing. Raises: SourceError, always."""
        raise SourceError(f"{self.name}: {self._reason}")
        yield  # a generator, as the others are

    def open(self, ref: ObjectRef) -> BinaryIO:
        """Nothing. Raises: ObjectError, always."""
        raise NotRead(self._reason)

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """Nothing. Raises: ObjectError, always."""
        raise NotRead(self._reason)
