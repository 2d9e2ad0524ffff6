"""Whom a policy is judged for, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

VERBS = ("list", "read", "write", "delete", "manage")


class Reach(IntEnum):
    """How far an access reaches, from nobody to the whole world."""

    NOBODY = 0
    ACCOUNT = 1
    """The owner's own account, and AWS services that act for it."""
    ORGANISATION = 2
    """Accounts of the owner's circle: its organisation, or those named as its own."""
    CLOUDFRONT = 3
    ACCOUNTS = 4
    """Accounts outside the circle; also an AWS service that acts for whichever account asks it to."""
    ORGANISATIONS = 5
    NETWORK = 6
    """Everyone, but only from a VPC, a VPC endpoint or an IP range."""
    EVERYONE = 7
    """Anonymous callers, or whoever opens an AWS account."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Who belongs to the owner of a bucket."""

    account: str
    """The twelve digits of the account that owns the bucket."""
    organisation: str = ""
    """Its organisation (`o-...`), empty if it has none or it is not known."""
    accounts: frozenset[str] = frozenset()
    """Other accounts of the same owner."""
    organisations: frozenset[str] = frozenset()
    """Other organisations of the same owner."""
    distributions: frozenset[str] = frozenset()
    """Its CloudFront distributions: ids, ARNs, origin access identities, or their canonical user ids."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one statement gives one circle of callers, once all deny statements are weighed."""

    who: Reach
    principals: tuple[str, ...]
    """Accounts, ARNs, services and organisations, sorted; empty for everyone."""
    can: frozenset[str]
    """Of `VERBS`: list (names and settings), read (objects), write, delete, manage (access, settings, retention)."""
    conditions: tuple[str, ...]
    """In words; all must hold."""
    statement: str
    """Its Sid, or its number from 1."""


@dataclass(frozen=True, slots=True)
class Access:
    """The effective access that a policy gives."""

    public: bool = False
    """By S3's own definition, which does not weigh deny statements."""
    everyone: bool = False
    """Some access is left to anonymous callers or to whoever has any AWS account, from anywhere."""
    grants: tuple[Grant, ...] = ()
    reach: Reach = Reach.NOBODY
    """The widest of the grants."""
    external_accounts: frozenset[str] = frozenset()
    external_organisations: frozenset[str] = frozenset()
    cloudfront: bool = False
    tls_only: bool = False
    """Every plain HTTP request is denied, for each caller, action and object."""
    words: tuple[str, ...] = ()
    """One sentence a grant."""
    problems: tuple[str, ...] = field(default=())
    """What could not be read or judged; the access told is then the wider one."""
