"""Grants and problems in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from piiscan.posture.policy import places as where
from piiscan.posture.policy.callers import tells_of
from piiscan.posture.policy.conditions import Test, network_of
from piiscan.posture.policy.model import VERBS, Circle, Grant, Reach
from piiscan.posture.policy.parse import Statement
from piiscan.posture.policy.principals import told as told_of_principals
from piiscan.posture.policy.resources import variables
from piiscan.posture.policy.weigh import Left

_TLS = "aws:securetransport"
# Keys of what is asked, not of who asks: a caller meets them as it likes.
_OF_REQUEST = ("s3:", "kms:", "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys", "aws:requestedregion", _TLS)
_SENT_BY_ANYONE = ("aws:referer", "aws:useragent")
_KNOWN = ("aws:currenttime", "aws:epochtime", "aws:resourceaccount", "s3:resourceaccount", "aws:resourceorgid")
_OPERATORS = {
    "stringequals": "is", "stringequalsignorecase": "is", "stringlike": "is like", "arnequals": "is like",
    "arnlike": "is like", "bool": "is", "ipaddress": "is in", "binaryequals": "is", "numericequals": "is",
    "dateequals": "is", "numericlessthan": "is below", "numericlessthanequals": "is at most",
    "numericgreaterthan": "is over", "numericgreaterthanequals": "is at least", "datelessthan": "is before",
    "datelessthanequals": "is not after", "dategreaterthan": "is after", "dategreaterthanequals": "is not before",
}  # fmt: skip


def condition(test: Test) -> str:
    """One test in words."""
    key = test.shown.rpartition(" ")[2]
    if test.unsure:
        return f"not judged: condition {test.shown}" if test.shown else "not judged: a malformed part"
    if test.operator == "null":
        return f"{key} is missing" if [value.lower() for value in test.values] == ["true"] else f"{key} is given"
    if test.key == _TLS and [value.lower() for value in test.values] == ["true"] and not test.if_exists:
        return "over TLS only"
    verb = _OPERATORS[test.operator].replace("is", "is not", 1) if test.negated else _OPERATORS[test.operator]
    shown = list(test.values[:3]) + ([f"{len(test.values) - 3} more"] if len(test.values) > 3 else [])
    loose = " or is missing" if test.if_exists or test.quantifier == "all" else ""
    sent = ", which anyone may send" if test.key in _SENT_BY_ANYONE else ""
    return f"if {key} {verb} {' or '.join(shown)}{loose}{sent}"


def conditions(
    allow: Statement, left: Left, denies: Sequence[Statement], places: Sequence[where.Place]
) -> tuple[str, ...]:
    """Under which conditions a grant holds, deny statements weighed."""
    told = [condition(test) for test in allow.tests if test.key not in where.KEYS or test.unsure]
    there = [places[index] for index in sorted(left.places) if index >= 0]
    bounded = there and not where.wide(there) and not any(place.reach is Reach.EVERYONE for place in there)
    if bounded and not left.label.startswith(where.THROUGH_POINTS):
        told += [f"from {' or '.join(where.words_of(there))} only"]
    for bit, deny in enumerate(denies):
        if _only_tls(deny):
            told.append("over TLS only")
        elif bounded and all(test.key in where.KEYS for test in deny.tests):
            continue
        elif left.reduced >> bit & 1:
            told.append(f"less what statement {deny.name} denies")
        elif any(_undecided(test) for test in deny.tests):
            told.append(f"unless statement {deny.name} denies it")
    return tuple(dict.fromkeys(told))


def _only_tls(deny: Statement) -> bool:
    return len(deny.tests) == 1 and deny.tests[0].key == _TLS


def _undecided(test: Test) -> bool:
    return test.unsure or not (tells_of(test.key) or test.key in where.KEYS or test.key in _KNOWN)


def problems(statement: Statement) -> list[str]:
    """What of a statement is not judged as it stands, beyond what is malformed."""
    told = told_of_principals(statement.principals.values)
    if variables([statement.resources]):
        told.append("not judged: a policy variable in Resource")
    for test in statement.tests:
        known = test.key.startswith(_OF_REQUEST) or test.key in (*_SENT_BY_ANYONE, *_KNOWN) or not _undecided(test)
        odd = any("${" in value or (test.key == "aws:sourceip" and network_of(value) is None) for value in test.values)
        if not test.unsure and (not known or (odd and test.operator != "null")):
            told.append(f"not judged: condition {test.shown}")
    return [f"statement {statement.name}: {one}" for one in told]


def sentence(grant: Grant, objects: str, circle: Circle, thing: str) -> str:
    """A grant as one sentence; thing: objects of a bucket, or a key."""
    who = _who(grant, circle)
    what = [verb for verb in VERBS if verb in grant.can]
    of = f"{thing} {objects}".rstrip()
    return ", ".join([f"{who} may {_joined(what)} {of}", *grant.conditions])


def _who(grant: Grant, circle: Circle) -> str:
    if grant.who is Reach.EVERYONE or (grant.who is Reach.NETWORK and not grant.principals):
        return "everyone"
    named = _joined(grant.principals[:5]) + (
        f" and {len(grant.principals) - 5} more" if len(grant.principals) > 5 else ""
    )
    if grant.who is Reach.ACCOUNT:
        return named or f"the own account {circle.account}"
    if grant.who is Reach.CLOUDFRONT:
        return f"CloudFront ({named})"
    return {Reach.ORGANISATION: "of the own organisation ", Reach.ORGANISATIONS: "organisation "}.get(
        grant.who, ""
    ) + named


def _joined(parts: Iterable[str]) -> str:
    *first, last = list(parts) or [""]
    return f"{', '.join(first)} and {last}" if first else last
