"""A second, small evaluator: one whole request against one policy, by AWS's logic. It knows nothing of ours."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any


class Refused(Exception):
    """AWS would not have stored such a policy."""


@dataclass(frozen=True)
class Request:
    principals: frozenset[str]
    """Each name by which a principal element may mean the caller, as `kind:value`."""
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]


def allowed(policy: Mapping[str, Any], request: Request) -> bool:
    """Whether an allow statement means the request and no deny statement does."""
    if "Statement" not in policy:
        raise Refused
    statements = policy["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    effects = {check(one) for one in statements if means(one, request)}
    return effects == {"Allow"}


def check(statement: Mapping[str, Any]) -> str:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise Refused
    return str(statement["Effect"])


def asks(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether a statement is about what is asked, whoever asks."""
    return picks(statement, "Action", lambda value: like(value.lower(), request.action.lower())) and picks(
        statement, "Resource", lambda value: like(filled(value, request.context), request.resource)
    )


def means(statement: Mapping[str, Any], request: Request) -> bool:
    check(statement)
    return (
        asks(statement, request)
        and picks(statement, "Principal", lambda value: names(value, request.principals))
        and all(
            holds(operator, key.lower(), values, request.context)
            for operator, block in conditions(statement).items()
            for key, values in block.items()
        )
    )


def conditions(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    found = statement.get("Condition", {})
    if not isinstance(found, dict):
        raise Refused
    return found


def picks(statement: Mapping[str, Any], element: str, fits: Any) -> bool:
    if element in statement:
        return any(fits(value) for value in listed(statement[element], element))
    if f"Not{element}" in statement:
        return not any(fits(value) for value in listed(statement[f"Not{element}"], element))
    raise Refused


def listed(raw: Any, element: str) -> list[str]:
    if element != "Principal":
        return [raw] if isinstance(raw, str) else list(raw)
    if raw == "*":
        return ["*"]
    return [
        f"{kind}:{value}" for kind, values in raw.items() for value in ([values] if isinstance(values, str) else values)
    ]


def names(value: str, principals: frozenset[str]) -> bool:
    if value.startswith("AWS:arn:") and "*" in value:
        raise Refused
    whole = re.sub(r"^AWS:arn:[a-z-]+:iam::(\d{12}):root$", r"AWS:\1", value)
    return (
        value in ("*", "AWS:*")
        or whole in principals
        or (value == "Service:*" and any("Service:" in p for p in principals))
    )


@cache
def like(pattern: str, text: str) -> bool:
    pattern = re.sub(r"^arn:aws(-cn|-us-gov):", "arn:aws:", pattern)
    return (
        re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), text, re.DOTALL) is not None
    )


def filled(value: str, context: Mapping[str, tuple[str, ...]]) -> str:
    return re.sub(r"\$\{([^}]*)\}", lambda found: context.get(found[1].lower(), ("\0",))[0], value)


def holds(operator: str, key: str, values: Any, context: Mapping[str, tuple[str, ...]]) -> bool:
    wanted = [
        str(one).lower() if isinstance(one, bool) else str(one)
        for one in (values if isinstance(values, list) else [values])
    ]
    wanted = [filled(one, context) for one in wanted]
    given = context.get(key)
    if operator == "Null":
        return (given is None) == (wanted[0] == "true")
    quantifier, base = operator.split(":") if ":" in operator else ("", operator)
    if given is None and base.endswith("IfExists"):
        return True
    base = base.removesuffix("IfExists")
    negated = "Not" in base
    base = base.replace("Not", "")
    if given is None:
        return quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    results = [any(compare(base, one, value) for one in wanted) != negated for value in given]
    return all(results) if quantifier == "ForAllValues" else any(results)


def compare(base: str, wanted: str, given: str) -> bool:
    if base == "StringEquals":
        return wanted == given
    if base in ("StringLike", "ArnLike", "ArnEquals"):
        return like(wanted, given)
    if base == "Bool":
        return wanted.lower() == given.lower()
    if base == "IpAddress":
        try:
            return ipaddress.ip_address(given) in ipaddress.ip_network(wanted)
        except ValueError as err:
            raise Refused from err
    if base == "DateLessThan":
        return datetime.now(UTC) < datetime.fromisoformat(wanted)
    if base == "NumericLessThan":
        return float(given) < float(wanted)
    raise Refused
