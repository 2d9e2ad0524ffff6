"""A policy document as statements; what is malformed is told and marked as unsure, which widens allow and narrows deny.

Source: AWS, IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from piiscan.posture.policy.conditions import Test, tests_of

_ELEMENTS = {
    name.lower(): name
    for name in ("Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
                 "Resource", "NotResource", "Condition")
}  # fmt: skip

_ODD = "element names in another case than AWS writes them: an allow is read all the same, a deny is not"


@dataclass(frozen=True, slots=True)
class Choice:
    """An element that names values, or those that it does not mean (`NotAction`)."""

    values: tuple[str, ...] = ()
    negated: bool = False
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement."""

    name: str
    """Its Sid, or its number from 1."""
    allow: bool
    principals: Choice
    """Values are `kind:value`, of the kinds AWS, Service, CanonicalUser and Federated; everyone is `*`."""
    actions: Choice
    resources: Choice
    tests: tuple[Test, ...]


def statements_of(document: object, problems: list[str]) -> list[Statement]:
    """The statements of a document, in order; problems are added to the list."""
    if document is None:
        return []
    if isinstance(document, str):
        with suppress(ValueError, RecursionError):
            document = json.loads(document)
    if not isinstance(document, Mapping):
        problems.append("the policy is not an object: read as one that allows everything to everyone")
        return [_statement({}, 1, [])]
    spelled = _spelled(document)
    if list(spelled) != list(document):
        problems.append(_ODD)
    stated = spelled.get("Statement", [])
    listed = stated if isinstance(stated, list | tuple) else [stated]
    found = []
    for number, one in enumerate(listed, 1):
        told: list[str] = []
        statement = _statement(one, number, told)
        problems.extend(f"statement {statement.name}: {problem}" for problem in told)
        found.append(statement)
    return found


def _spelled(document: Mapping[object, object]) -> dict[str, object]:
    """Elements under their names as AWS writes them, in whichever case they stand."""
    return {_ELEMENTS.get(str(key).lower(), str(key)): value for key, value in document.items()}


def _statement(raw: object, number: int, told: list[str]) -> Statement:
    if not isinstance(raw, Mapping):
        told.append("not an object: read as one that allows everything to everyone")
        raw = {}
    one = _spelled(raw)
    sid = one.get("Sid")
    name = sid if isinstance(sid, str) and sid else str(number)
    effect = one.get("Effect")
    if effect not in ("Allow", "Deny") and raw:
        told.append("Effect is neither Allow nor Deny: read as Allow")
    odd = [key for key in one if key not in raw]
    unknown = [key for key in one if key not in _ELEMENTS.values()]
    told.extend([_ODD] if odd else [])
    told.extend(["an element that is not known: not judged"] if unknown else [])
    conditions = one.get("Condition", {})
    return Statement(
        name,
        effect != "Deny",
        _element(one, "Principal", told),
        _element(one, "Action", told),
        _element(one, "Resource", told),
        (*tests_of(conditions, told), *([Test("", "", (), unsure=True)] if unknown or odd else [])),
    )


def _element(one: Mapping[str, object], element: str, told: list[str]) -> Choice:
    given = [name for name in (element, f"Not{element}") if name in one]
    if len(given) != 1:
        told.append(f"{'no' if not given else 'two forms of'} {element}: read the cautious way")
        return Choice(unsure=True)
    raw, negated = one[given[0]], given[0] != element
    values, unsure = _principals(raw) if element == "Principal" else _strings(raw)
    if unsure:
        told.append(f"a malformed {given[0]}: read the cautious way")
    return Choice(tuple(values), negated, unsure)


def _strings(raw: object) -> tuple[list[str], bool]:
    listed = raw if isinstance(raw, list | tuple) else [raw]
    values = [value for value in listed if isinstance(value, str)]
    return values, len(values) != len(listed) or not values


def _principals(raw: object) -> tuple[list[str], bool]:
    if raw == "*":
        return ["*"], False
    if not isinstance(raw, Mapping) or not raw:
        return [], True
    found: list[str] = []
    unsure = False
    for kind, given in raw.items():
        values, odd = _strings(given)
        unsure = unsure or odd or kind not in ("AWS", "Service", "CanonicalUser", "Federated")
        found.extend("*" if value == "*" and kind == "AWS" else f"{kind}:{value}" for value in values)
    return found, unsure
