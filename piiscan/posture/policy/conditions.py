"""Conditions: tests on what a request carries, each with one of three answers.

Source: AWS, IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context
keys" (ForAllValues holds when the key is missing, ForAnyValue does not).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from piiscan.posture.policy.patterns import Answer, all_of, arn_matches, either, equals, matches

Network = IPv4Network | IPv6Network
_LIKE = ("stringlike", "arnlike", "arnequals")
_KNOWN = {
    "stringequals", "stringequalsignorecase", "stringlike", "numericequals", "numericlessthan", "numericlessthanequals",
    "numericgreaterthan", "numericgreaterthanequals", "dateequals", "datelessthan", "datelessthanequals",
    "dategreaterthan", "dategreaterthanequals", "bool", "binaryequals", "ipaddress", "arnequals", "arnlike", "null",
}  # fmt: skip
_NEGATED = {
    "stringnotequals": "stringequals", "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike", "numericnotequals": "numericequals", "datenotequals": "dateequals",
    "notipaddress": "ipaddress", "arnnotequals": "arnequals", "arnnotlike": "arnlike",
}  # fmt: skip


class Free:
    """The mark of a key of which the caller, or nobody here, knows the value: it may be anything, or missing."""


FREE = Free()
Given = tuple[str, ...] | None | Free
"""What a request carries under a key: its values, nothing (None), or what cannot be known (FREE)."""


@dataclass(frozen=True, slots=True)
class Test:
    """One operator on one key: the values are alternatives."""

    operator: str
    """In lower case, without its quantifier, `Not` and `IfExists`."""
    key: str
    """In lower case."""
    values: tuple[str, ...]
    negated: bool = False
    if_exists: bool = False
    quantifier: str = ""
    """`any`, `all`, or empty."""
    unsure: bool = False
    shown: str = field(default="", compare=False)
    """Operator and key as they were written."""
    exact: frozenset[str] | None = field(default=None, compare=False)
    """The values, where a look-up is all that the operator does."""

    @property
    def like(self) -> bool:
        """Whether wildcards in its values are wildcards."""
        return self.operator in _LIKE

    def answer(self, given: Given) -> Answer:
        """Whether the test holds for what a request carries under its key."""
        if self.unsure or isinstance(given, Free):
            return Answer.MAYBE
        if self.operator == "null":
            answers = [_same_word(wanted, str(given is None)) for wanted in self.values]
            odd = any(wanted.lower() not in ("true", "false") for wanted in self.values)
            return max(either(answers), Answer.MAYBE if odd else Answer.NO)
        if given is None:
            if self.quantifier == "any" and not self.if_exists:
                return Answer.NO
            return Answer.YES if self.negated or self.if_exists or self.quantifier == "all" else Answer.NO
        answers = [self._one(value) for value in given]
        return all_of(answers) if self.quantifier == "all" else either(answers)

    def _one(self, value: str) -> Answer:
        if self.exact is not None:
            answer = Answer.YES if value in self.exact else Answer.NO
        else:
            compare = _COMPARE.get(self.operator, _unknown)
            answer = either(compare(wanted, value) for wanted in self.values)
        return answer.inverted() if self.negated else answer


def tests_of(raw: object, told: list[str]) -> list[Test]:
    """The tests of a Condition element, all of which must hold; problems are added to the list."""
    if not isinstance(raw, Mapping):
        told.append("a malformed Condition: not judged")
        return [Test("", "", (), unsure=True)]
    found = []
    for operator, block in raw.items():
        if not isinstance(block, Mapping):
            told.append("a malformed Condition: not judged")
            found.append(Test("", "", (), unsure=True))
            continue
        found.extend(_test(str(operator), str(key), values, told) for key, values in block.items())
    return found


def _test(operator: str, key: str, raw: object, told: list[str]) -> Test:
    shown = f"{operator} {key}"
    quantifier, _, base = operator.lower().rpartition(":")
    base, if_exists = base.removesuffix("ifexists"), base.endswith("ifexists")
    negated, base = base in _NEGATED, _NEGATED.get(base, base)
    listed = raw if isinstance(raw, list | tuple) else [raw]
    values = tuple(_text(value) for value in listed if isinstance(value, str | bool | int | float))
    kinds = {"": "", "foranyvalue": "any", "forallvalues": "all"}
    unsure = base not in _KNOWN or quantifier not in kinds or len(values) != len(listed) or not values
    if unsure:
        told.append(f"not judged: condition {shown}")
    exact = frozenset(values) if base == "stringequals" and not any("${" in value for value in values) else None
    return Test(base, key.lower(), values, negated, if_exists, kinds.get(quantifier, ""), unsure, shown, exact)


def _text(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def network_of(text: str) -> Network | None:
    """The range that a value names; None if it names none."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


@cache
def _address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text)


def _in_network(wanted: str, given: str) -> Answer:
    network = network_of(wanted)
    if network is None:
        return Answer.MAYBE
    return Answer.YES if _address(given) in network else Answer.NO


def _same_word(wanted: str, given: str) -> Answer:
    return equals(wanted.lower(), given.lower())


def _unknown(_wanted: str, _given: str) -> Answer:
    return Answer.MAYBE


def _dates(holds: Callable[[float, float], bool]) -> Callable[[str, str], Answer]:
    """A comparison of the request's time with a date; given and wanted in ISO 8601 or seconds since 1970."""

    def compare(wanted: str, given: str) -> Answer:
        left, right = _seconds(given), _seconds(wanted)
        if left is None or right is None:
            return Answer.MAYBE
        return Answer.YES if holds(left, right) else Answer.NO

    return compare


def _seconds(text: str) -> float | None:
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text, re.ASCII):
        return float(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() if 1970 <= read.year < 9999 else None


_ORDERED: dict[str, Callable[[float, float], bool]] = {
    "equals": lambda left, right: left == right,
    "lessthan": lambda left, right: left < right,
    "lessthanequals": lambda left, right: left <= right,
    "greaterthan": lambda left, right: left > right,
    "greaterthanequals": lambda left, right: left >= right,
}
_COMPARE: dict[str, Callable[[str, str], Answer]] = {
    "stringequals": equals,
    "stringequalsignorecase": _same_word,
    "bool": _same_word,
    "stringlike": matches,
    "arnlike": arn_matches,
    "arnequals": arn_matches,
    "ipaddress": _in_network,
    **{f"date{name}": _dates(holds) for name, holds in _ORDERED.items()},
    **{f"numeric{name}": _dates(holds) for name, holds in _ORDERED.items()},
}
