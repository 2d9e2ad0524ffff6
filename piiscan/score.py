"""Room 7, how bad it is: an object's findings into one number from 0 to 100, with its reasons.

Each finding is worth its severity's weight, scaled by its confidence and by the logarithm of its distinct values (a
thousand copies of one number are one leak, a thousand numbers are a thousand); so is what of one person stands together
in a row, record or page. Terms add up like independent chances, so that many small ones approach but never pass 100.

Source: own formula, published in `docs/risk.md`. In the store its weights are a table, and `store/risk.py` applies it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from piiscan.model import Combination, Finding, RiskScore, Rule, RuleId, Severity

WEIGHTS: Mapping[Severity, int] = {
    Severity.LOW: 4,
    Severity.MEDIUM: 15,
    Severity.HIGH: 40,
    Severity.CRITICAL: 70,
}
"""Points of one certain finding with one distinct value."""
TOGETHER: Mapping[str, tuple[int, str]] = {
    "identity": (60, "name, date of birth and national id"),
    "payment": (40, "name and card or account"),
    "health": (50, "a person and health data"),
    "login": (50, "log-in and password"),
}
"""Points of one row, record or page that holds a combination, and what that is."""
FULL_AT = 10_000
"""Distinct values, or rows, from which on a term counts twice its weight."""
CAP = 95.0
"""The most points of one term."""
REASONS = 10
"""Terms that are spelled out."""


def spread(number: int) -> float:
    """How much more than one value many are worth: 1 to 2, by `1 + log10(number) / log10(10,000)`."""
    return 1 + min(math.log10(max(number, 1)) / math.log10(FULL_AT), 1.0)


def points(finding: Finding) -> float:
    """The points of one finding, `severity weight x confidence x spread`, at most 95; 0 for published samples."""
    if finding.test_data:
        return 0.0
    return min(WEIGHTS[finding.severity] * finding.confidence * spread(finding.distinct), CAP)


def together_points(combination: Combination) -> float:
    """The points of one combination, `weight x spread` of its rows, records and pages, at most 95."""
    return min(TOGETHER[combination.name][0] * spread(combination.units), CAP)


def score(
    findings: Sequence[Finding], names: Mapping[RuleId, Rule], combinations: Sequence[Combination] = ()
) -> RiskScore:
    """The risk of an object: `100 x (1 - product(1 - points/100))`, and a sentence a term, largest first."""
    terms = [(points(f), str(f.rule), _said(f, names)) for f in findings]
    terms += [(together_points(c), f"combination.{c.name}", _said_together(c)) for c in combinations]
    left = 1.0
    reasons: list[str] = []
    for worth, _, sentence in sorted(terms, key=lambda t: (-t[0], t[1])):
        if worth <= 0:
            continue
        left *= 1 - worth / 100
        if len(reasons) < REASONS:
            reasons.append(f"{worth:.0f} points: {sentence}")
    value = math.floor(100 * (1 - left) + 0.5)
    return RiskScore(max(value, 1) if reasons else 0, tuple(reasons))


def _said(finding: Finding, names: Mapping[RuleId, Rule]) -> str:
    rule = names.get(finding.rule)
    name = rule.name if rule is not None else finding.rule
    plural = "" if finding.distinct == 1 else "s"
    return (
        f"{finding.distinct} distinct value{plural} of {name} ({finding.severity.label}, "
        f"confidence {finding.confidence:.2f})"
    )


def _said_together(combination: Combination) -> str:
    s = "" if combination.units == 1 else "s"
    return f"{combination.units} row{s}, record{s} or page{s} with {TOGETHER[combination.name][1]}"
