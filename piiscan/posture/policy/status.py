"""Whether S3 itself calls a policy public.

A policy is public unless each allow statement is for named principals, or has a condition that fixes who or from where.
Deny statements do not count.

Source: AWS, S3 User Guide, "Blocking public access to your Amazon S3 storage", The meaning of "public".
"""

from __future__ import annotations

from ipaddress import ip_network

from piiscan.posture.policy.conditions import Network, Test, network_of
from piiscan.posture.policy.parse import Statement
from piiscan.posture.policy.patterns import wild
from piiscan.posture.policy.principals import Kind, is_account, named

_POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress")
_FIXING = frozenset({
    "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths",
    "aws:principalservicename", "aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner",
    "aws:sourceaccount", "aws:sourceorgid", "aws:userid", "kms:calleraccount", "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount", "s3:x-amz-server-side-encryption-aws-kms-key-id",
})  # fmt: skip
_PRIVATE = tuple(ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_WIDEST = {4: 8, 6: 32}


def public(allow: Statement) -> bool:
    """Whether an allow statement makes a policy public, in S3's words."""
    kinds = [named(value) for value in allow.principals.values]
    fixed = not allow.principals.negated and not allow.principals.unsure
    loose = (Kind.EVERYONE, Kind.UNSURE, Kind.WEB)
    fixed = fixed and not any(one.kind in loose or (one.kind is Kind.SERVICE and wild(one.token)) for one in kinds)
    return not fixed and not any(_fixes(test) for test in allow.tests)


def _fixes(test: Test) -> bool:
    """Whether a test holds for fixed values only, and not for requests that lack the key."""
    if test.key not in _FIXING or test.operator not in _POSITIVE or test.negated or test.unsure:
        return False
    if test.if_exists or test.quantifier == "all":
        return False
    return all(_fixed(test.key, value) for value in test.values)


def _fixed(key: str, value: str) -> bool:
    if key == "aws:sourceip":
        network = network_of(value)
        return network is not None and (network.prefixlen >= _WIDEST[network.version] or _private(network))
    if key == "aws:userid":
        return not wild(value.split(":")[0]) and "${" not in value
    if key == "aws:principalorgpaths":
        return not wild(value.split("/")[0]) and "${" not in value
    if key == "s3:dataaccesspointarn":
        return not wild(":".join(value.split(":")[:5])) and value.count(":") >= 5 and "${" not in value
    if key in ("aws:principalaccount", "kms:calleraccount"):
        return is_account(value)
    return not wild(value)


def _private(network: Network) -> bool:
    return network.version == 4 and any(network.subnet_of(one) for one in _PRIVATE if one.version == 4)
