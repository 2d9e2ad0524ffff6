"""Who may call: for each account, person and organisation that a policy tells apart one caller, and strangers.

Source: AWS, IAM User Guide, "AWS global condition context keys" (what anonymous requests carry and what they lack) and
"IAM identifiers", unique identifiers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from piiscan.posture.policy.conditions import FREE, Given
from piiscan.posture.policy.model import Circle, Reach
from piiscan.posture.policy.parse import Statement
from piiscan.posture.policy.patterns import FILLER, samples, wild
from piiscan.posture.policy.principals import Kind, Named, is_account, named

STRANGER = FILLER * 12
"""An account that no policy names."""
FOR_ANYONE = " for any account"
"""Ends the label of a service that acts for whichever account asks."""
NOBODYS = FILLER
"""An organisation that no policy names."""
_CLOUDFRONT = "cloudfront.amazonaws.com"
_TAGS = "aws:principaltag/"
KEYS = frozenset({
    "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:principaltype",
    "aws:userid", "aws:username", "aws:principalisawsservice", "aws:principalservicename",
    "aws:principalservicenameslist", "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid",
    "aws:sourceorgpaths", "kms:calleraccount",
    "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:federatedprovider", "aws:tokenissuetime",
})  # fmt: skip
MANY = 5_000
"""Accounts, times organisations, times patterns for roles of any account, from which on an account's roles are one."""
_OF_ONE = ("aws:principalarn", "aws:principaltype", "aws:userid", "aws:username")
_SOURCES = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid", "aws:sourceorgpaths")
_NO_SOURCE: dict[str, Given] = dict.fromkeys(_SOURCES)


@dataclass(frozen=True, slots=True)
class Caller:
    """One kind of caller."""

    reach: Reach
    """How far it is from the owner, wherever it calls from; EVERYONE: the place decides."""
    label: str
    tokens: frozenset[str] = frozenset()
    given: Mapping[str, Given] = field(default_factory=dict)
    """What its requests carry; a key of `KEYS` that is left out is missing."""
    tags: Given = FREE
    account: str = ""
    organisation: str = ""
    cloudfront: bool = False
    service: bool = False
    edge: bool = False
    """It calls from CloudFront's own addresses, which are not known."""

    def answer_of(self, key: str) -> Given:
        """What its requests carry under a key."""
        return self.tags if key.startswith(_TAGS) else self.given.get(key)


ANONYMOUS = Caller(
    Reach.EVERYONE,
    "",
    given={"aws:principalaccount": ("anonymous",), "aws:principaltype": ("Anonymous",), "aws:userid": ("anonymous",)},
    tags=None,
)


def tells_of(key: str) -> bool:
    """Whether a key tells who calls."""
    return key in KEYS or key.startswith(_TAGS)


@dataclass(frozen=True, slots=True)
class _Org:
    """An organisation that a policy names; None: the caller is in none."""

    id: str | None
    paths: Given
    loose: bool = False


class Names:
    """What a policy's statements name, gathered once."""

    def __init__(self, statements: Sequence[Statement], circle: Circle) -> None:
        self.tests = [test for statement in statements for test in statement.tests]
        self.circle = circle
        self.principals = [named(value) for one in statements for value in one.principals.values]
        arns = self.values("aws:principalarn")
        self.arns = {one.token for one in self.principals if one.kind is Kind.PERSON} | {arn for arn, _ in arns}
        self.ids = self.values("aws:userid")
        accounts = {one.account for one in self.principals} | {
            part for arn in self.arns for part in arn.split(":")[4:5]
        }
        stated = self.values("aws:principalaccount", "kms:calleraccount")
        accounts |= {value for value, _ in (*stated, *self.ids)}
        known = sorted({one for one in accounts if is_account(one)} | {circle.account})
        self.accounts = [*known, STRANGER, *(value for value, loose in stated if loose and not is_account(value))]
        self.orgs = list(self.orgs_of("aws:principalorgid", "aws:principalorgpaths"))
        of_any = sum(FILLER in arn.split(":", 5)[4] for arn in self.arns if arn.count(":") >= 5)
        self.many = len(self.accounts) * len(self.orgs) * of_any > MANY

    def values(self, *keys: str) -> list[tuple[str, bool]]:
        """(value, whether it stands for a pattern) of the tests on these keys."""
        found: dict[str, bool] = {}
        for test in self.tests:
            if test.key in keys and test.operator != "null":
                for value in test.values:
                    loose = (test.like and wild(value)) or "${" in value
                    for one in samples(value) if loose else [value]:
                        found[one] = found.get(one, False) or loose
        return list(found.items())

    def orgs_of(self, by_id: str, by_path: str) -> Iterator[_Org]:
        """No organisation, one that nobody names, the owner's, and those that tests on two keys name."""
        yield _Org(None, None)
        yield _Org(NOBODYS, (f"{NOBODYS}/{FILLER}/",), loose=True)
        own = self.circle.organisation
        seen = dict([*([(own, False)] if own else []), *self.values(by_id)])
        for org, loose in seen.items():
            yield _Org(org, FREE, loose)
        for path, _ in self.values(by_path):
            org = path.split("/")[0]
            yield _Org(org, (path,), FILLER in org)


def callers_of(statements: Sequence[Statement], circle: Circle) -> list[Caller]:
    """All callers that the statements tell apart, services last."""
    names = Names(statements, circle)
    found = [ANONYMOUS]
    for account, org in product(names.accounts, names.orgs):
        if account == circle.account and circle.organisation and org.id != circle.organisation:
            continue
        reach, label = _reach(account, org, circle)
        given = _signed(account, org)
        found.extend(_people(account, reach, label, given, org, names))
    found.extend(_unknown(names))
    found.extend(_by_principal(names.principals, circle))
    found.extend(_services(names))
    return found


def _reach(account: str, org: _Org, circle: Circle) -> tuple[Reach, str]:
    if account == circle.account:
        return Reach.ACCOUNT, ""
    ours = org.id is not None and not org.loose and org.id in {circle.organisation, *circle.organisations} - {""}
    if account in circle.accounts:
        return Reach.ORGANISATION, account
    if is_account(account):
        return (Reach.ORGANISATION if ours else Reach.ACCOUNTS), account
    if ours:
        return Reach.ORGANISATION, org.id or ""
    if org.id and not org.loose:
        return Reach.ORGANISATIONS, org.id
    return Reach.EVERYONE, ""


def _signed(account: str, org: _Org) -> dict[str, Given]:
    """What every signed request of an account carries."""
    free = ("aws:multifactorauthpresent", "aws:multifactorauthage", "aws:federatedprovider", "aws:tokenissuetime")
    return {
        **dict.fromkeys(free, FREE),
        **_NO_SOURCE,
        "aws:principalaccount": (account,),
        "kms:calleraccount": (account,),
        "aws:principalorgid": None if org.id is None else (org.id,),
        "aws:principalorgpaths": org.paths,
        "aws:principalisawsservice": ("false",),
    }


def _people(
    account: str, reach: Reach, label: str, given: dict[str, Given], org: _Org, names: Names
) -> Iterator[Caller]:
    """The root user, a role, a user and whoever of the account is named."""
    root, everyone = f"arn:aws:iam::{account}:root", frozenset({account})

    def caller(arn: Given, kind: Given, userid: Given, shown: str, *tokens: str, username: Given = None) -> Caller:
        carried = {
            **given,
            "aws:principalarn": arn,
            "aws:principaltype": kind,
            "aws:userid": userid,
            "aws:username": username,
        }
        return Caller(reach, shown, everyone | set(tokens), carried, account=account, organisation=org.id or "")

    yield caller((root,), ("Account",), (account,), label)
    stranger = not (is_account(account) or reach is Reach.ACCOUNT)
    ids = [one for one, _ in names.ids if not stranger or FILLER in one.split(":")[0]]
    for userid in [f"AROA{FILLER}:{FILLER}", *ids]:
        yield caller((f"arn:aws:iam::{account}:role/{FILLER}",), ("AssumedRole",), (userid,), label)
        yield caller((f"arn:aws:iam::{account}:user/{FILLER}",), ("User",), (userid,), label, username=FREE)
    if names.many and not stranger:
        # Too many to tell apart: one caller of whom nothing is known but the account. What may hold is allowed to it,
        # and what need not hold takes nothing from it.
        yield Caller(reach, label, everyone, {**given, **dict.fromkeys(_OF_ONE, FREE)}, account=account)
    for arn in names.arns:
        parts = arn.split(":", 5)
        if names.many and not stranger and (len(parts) < 6 or parts[4] != account):
            continue
        if len(parts) < 6 or not (parts[4] == account or FILLER in parts[4] or not parts[4]):
            continue
        if not stranger:
            arn = ":".join([*parts[:4], account, parts[5]])
        known: Given = FREE if parts[2] == "sts" or "-provider/" in parts[5] else (arn,)
        shown = arn if parts[4] == account and FILLER not in arn else label
        yield caller(known, FREE, FREE, shown, arn, *_role_of(arn), username=FREE if ":user/" in arn else None)


def _role_of(arn: str) -> list[str]:
    """The ARN of the role of a session's ARN, whose path is not in it."""
    parts = arn.split(":", 5)
    if parts[2] != "sts" or not parts[5].startswith("assumed-role/"):
        return []
    return [f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"]


def _unknown(names: Names) -> Iterator[Caller]:
    """Users and roles named by their unique id, of whose account nothing is known."""
    for userid, loose in names.ids:
        if loose and FILLER in userid.split(":")[0]:
            continue
        if userid == "anonymous" or is_account(userid):
            continue
        shown = f"the user or role with id {userid.split(':')[0]}"
        free = dict.fromkeys((*KEYS, "aws:principalarn"), FREE) | _NO_SOURCE
        yield Caller(
            Reach.ACCOUNTS, shown, given=free | {"aws:userid": (userid,), "aws:principalisawsservice": ("false",)}
        )


def _by_principal(principals: Iterable[Named], circle: Circle) -> Iterator[Caller]:
    """Principals that are no account's: origin access identities, canonical users, public identity providers."""
    free = dict.fromkeys(KEYS, FREE) | _NO_SOURCE | {"aws:principalisawsservice": ("false",)}
    for one in dict.fromkeys(principals):
        tokens = frozenset({one.token})
        if one.kind is Kind.IDENTITY or (one.kind is Kind.CANONICAL and one.token in circle.distributions):
            yield Caller(Reach.CLOUDFRONT, one.token.rsplit("/", 1)[-1], tokens, free, cloudfront=True, edge=True)
        elif one.kind is Kind.CANONICAL:
            yield Caller(Reach.ACCOUNTS, f"canonical user {one.token}", tokens, free)
        elif one.kind is Kind.WEB:
            yield Caller(Reach.EVERYONE, "", tokens, free)


def _services(names: Names) -> Iterator[Caller]:
    """Each service that is named, and any other, for each account or resource for which it may act."""
    asked = {one.token for one in names.principals if one.kind is Kind.SERVICE and not wild(one.token)}
    asked |= {
        one for one, loose in names.values("aws:principalservicename", "aws:principalservicenameslist") if not loose
    }
    # Of the services that nobody names, CloudFront reaches further than the others.
    for service, source in product([*sorted(asked | {_CLOUDFRONT}), ""], _sources(names)):
        yield _service(service, source, names.circle)


@dataclass(frozen=True, slots=True)
class _Source:
    """For what a service acts."""

    account: str
    arn: str
    org: _Org
    shown: str = ""


def _sources(names: Names) -> Iterator[_Source]:
    given = {value for value, _ in names.values("aws:sourceaccount", "aws:sourceowner")}
    arns = [arn for arn, _ in names.values("aws:sourcearn")]
    given |= {part for arn in arns for part in arn.split(":")[4:5] if is_account(part)}
    accounts = [*sorted(given | {names.circle.account}), STRANGER]
    own = names.circle.organisation
    for account, org in product(accounts, names.orgs_of("aws:sourceorgid", "aws:sourceorgpaths")):
        if account == names.circle.account and own and org.id != own:
            continue
        yield _Source(account, f"arn:aws:{FILLER}:{FILLER}:{account}:{FILLER}", org)
        for arn in arns:
            parts = arn.split(":", 5)
            if len(parts) < 6 or not parts[4]:
                yield _Source(account, arn, org, "" if FILLER in arn else arn)
            elif FILLER in parts[4] and not is_account(account):
                yield _Source(account, arn, org)
            elif parts[4] == account or FILLER in parts[4]:
                yield _Source(account, ":".join([*parts[:4], account, parts[5]]), org)


def _service(service: str, source: _Source, circle: Circle) -> Caller:
    cloudfront = service == _CLOUDFRONT
    reach, whose = _reach(source.account, source.org, circle)
    if reach is Reach.EVERYONE:
        reach, whose = Reach.ACCOUNTS, source.shown or FOR_ANYONE.removeprefix(" for ")
    listed = {source.arn, source.arn.rsplit("/", 1)[-1]} & circle.distributions
    if cloudfront and (listed or reach <= Reach.ORGANISATION):
        reach = Reach.CLOUDFRONT
    shown = service or "any AWS service"
    label = f"{shown} for {whose}" if whose else shown
    org: Given = None if source.org.id is None else (source.org.id,)
    given: dict[str, Given] = {
        "aws:sourcearn": (source.arn,),
        "aws:sourceaccount": (source.account,),
        "aws:sourceowner": (source.account,),
        "aws:sourceorgid": org,
        "aws:sourceorgpaths": source.org.paths,
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (service,) if service else FREE,
        "aws:principalservicenameslist": (service,) if service else FREE,
        "aws:principaltype": FREE,
    }
    return Caller(
        reach,
        label,
        frozenset({service, f"service:{service or FILLER}"}),
        given,
        tags=None,
        account=source.account,
        organisation=source.org.id or "",
        cloudfront=cloudfront,
        service=True,
    )
